// Requests that the server no longer holds in memory are read from the recording: a
// snapshot has only the last of them, and what was lost on the way is there, too.

import { api } from "./actions.js";
import { html, signal } from "./html.js";
import { Spans, holesOf } from "./holes.js";
import { store } from "./state.js";

const PAGE = 500; // exchanges of one answer, which is parsed in one go
const PATIENCE = 60; // ms that the next page waits for the page to have nothing else to do

// loading is how much of the history is here: {have, of} requests; null: nothing is being read.
export const loading = signal(null);

let asked = new Spans(); // ids that were asked for in this session
let busy = false;
let again = false;
let of = null; // the session's rows that asked is about

store.settled = fillHoles;

// fillHoles asks /api/exchanges for the ids that the store lacks, the newest first, so
// that what one looks at is complete first.
export async function fillHoles() {
  if (!store.ready) return;
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    do {
      again = false;
      await fill();
      await fillConns(store.byID);
    } while (again);
  } finally {
    busy = false;
    loading.value = null;
  }
}

// fillConns reads the connections that the server let go, once a snapshot has come.
async function fillConns(mine) {
  const known = [...store.conns.keys()];
  const last = Math.max(0, ...known);
  if (known.length >= last) return;
  for (let next = 1; next > 0 && next <= last;) {
    const answer = await ask("conns", { from: next, n: PAGE });
    if (!answer || mine !== store.byID) return;
    for (const c of answer.conns ?? []) {
      if (!store.conns.has(c.id)) store.conns.set(c.id, c);
    }
    store.touch();
    next = answer.next ?? 0;
  }
}

async function fill() {
  if (of !== store.byID) asked = new Spans();
  of = store.byID;
  const mine = of;
  const holes = holesOf(store.rows, asked);
  let missing = holes.reduce((n, [from, to]) => n + to - from + 1, 0);
  while (holes.length > 0) {
    const [from, to] = holes.pop();
    loading.value = { have: store.rows.length, of: store.rows.length + missing };
    const begin = Math.max(from, to - PAGE + 1);
    const got = await page(begin, to - begin + 1, mine);
    if (!got) return;
    let end = begin; // the first id that is not missing any more
    if (got.found === 0 && begin > from) { // ids have gaps: go on from the other side
      await forward(from, begin - 1, mine);
      end = from;
    }
    asked.add(end, to);
    if (mine !== store.byID) return;
    missing -= to - end + 1;
    if (end > from) holes.push([from, end - 1]);
  }
}

// forward reads a hole from its beginning, as the server leads.
async function forward(from, to, mine) {
  for (let next = from; next > 0 && next <= to;) {
    const got = await page(next, PAGE, mine, to);
    if (!got) return;
    next = got.next;
  }
}

// ask returns what an API says, or null: there is no recording, or modtap has stopped,
// which the banner says.
async function ask(path, query) {
  try {
    const response = await fetch(api(path, query));
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

// idle lets everything else go first.
const idle = () => new Promise((go) => {
  if (globalThis.requestIdleCallback) requestIdleCallback(go, { timeout: PATIENCE });
  else setTimeout(go, 5);
});

// page takes one answer into the store: {found, next}, or null when there is none.
async function page(from, n, mine, to = from + n - 1) {
  await idle();
  const answer = await ask("exchanges", { from, n });
  if (!answer || mine !== store.byID) return null; // or another session is shown by now
  const list = (answer.exchanges ?? []).filter((x) => x.id <= to);
  if (list.length > 0) store.page(list);
  return { found: list.length, next: answer.next ?? 0 };
}

// Loading says in the line on top how much of the recording is here.
export function Loading() {
  const now = loading.value;
  if (!now || now.of === now.have) return null;
  return html`<span id="loading" class="dim" role="status">loading ${now.have.toLocaleString("en")} of ${now.of.toLocaleString("en")}</span>`;
}
