// Requests with their headers, which the stream leaves out: /api/exchange/ID has them.

import { api } from "./actions.js";
import { useEffect, useState } from "./html.js";
import { source, store } from "./state.js";

const KEPT = 50; // answers that are kept
const cache = new Map(); // key to the request or null

// key names a state of a request: of these only the headers matter, which come with the
// request itself, with the status, and at the end (trailers).
const key = (id, x) => `${source.value} ${id} ${x ? `${x.status} ${Boolean(x.done)}` : "?"}`;

// hasHeaders is whether x came with its headers, as it does from a server that has no brief
// stream.
const hasHeaders = (x) => Boolean(x?.request?.header ?? x?.response?.header);

// whole asks for a request with its headers. It resolves with null when the server does not
// have it, and rejects when there is no server.
export async function whole(id, x) {
  if (hasHeaders(x)) return x;
  const k = key(id, x);
  if (cache.has(k)) return cache.get(k);
  const answer = await fetch(api(`exchange/${id}`));
  if (!answer.ok && answer.status !== 404) throw new Error(`modtap answered ${answer.status}`);
  const found = answer.ok ? await answer.json() : null;
  cache.set(k, found);
  if (cache.size > KEPT) cache.delete(cache.keys().next().value);
  return found;
}

// useConn is the connection with that id, of those that the table has or else of those that
// only the recording has; undefined while it is not known.
export function useConn(id) {
  const here = store.conns.get(id);
  const [past, set] = useState(undefined);
  const ask = Boolean(id) && !here && store.ready;
  useEffect(() => {
    if (!ask) return undefined;
    let current = true;
    fetch(api("conns", { from: id, n: 1 })).then((answer) => (answer.ok ? answer.json() : {}))
      .then(({ conns }) => { if (current) set(conns?.find((c) => c.id === id)); }, () => {}); // without a server it stays unknown
    return () => { current = false; };
  }, [`${source.value} ${id} ${ask}`]);
  return here ?? (past?.id === id ? past : undefined);
}

// useWhole is whole for a component: {x, state}, of which state is loading, ready, missing
// (the server does not have it) or off (there is no server). While a newer state of the
// same request is loading, the one before is still given.
export function useWhole(id, x) {
  const [got, set] = useState({ of: "", x: null, state: "loading" });
  const of = `${source.value} ${id}`;
  const wait = !x && !store.ready; // it may come with the first snapshot
  useEffect(() => {
    if (!id || wait) return undefined;
    let current = true;
    const keep = (more) => { if (current) set({ of, x: null, ...more }); };
    whole(id, x).then((found) => keep({ x: found, state: found ? "ready" : "missing" }), () => keep({ state: "off" }));
    return () => { current = false; };
  }, [key(id, x), wait]);
  return got.of === of ? got : { x: null, state: "loading" };
}
