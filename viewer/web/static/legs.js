// Both legs of a request on one time axis: what the server did, and what the client was
// given. Pure: what is shown is made of these lines by details.js.

import { segments, timings } from "./marks.js";

const WORDS = { blocked: "queue", tls: "tls", proxy: "parent proxy" };

// legs returns {total, server, client}: total is the axis in ms, the others are lists of
// {name, at, took, bars: [{from, to, look}]} in order of time. Of the server leg a line is a
// phase, at is where it began; of the client leg it is something that happened, at is when,
// and took is the time since the one before. Lines of what did not happen are left out.
export function legs(x, marks, inFlight) {
  const client = x.client ?? {};
  const total = Math.max(marks.end_ms ?? 0, client.end_ms ?? 0, 0.001);
  return { total, server: serverLeg(x, marks, inFlight), client: clientLeg(x, client) };
}

function serverLeg(x, marks, inFlight) {
  const t = timings(marks);
  const list = segments(marks);
  const sent = list.find((s) => s.phase === "send");
  const lines = [];
  if (t.blocked - t.proxy > 0) {
    const pieces = gaps(list, sent ? sent.from : marks.end_ms);
    // What is in flight and has told nothing yet is not said to queue.
    if (!(inFlight && !sent && list.length === 0)) lines.push({ name: "queue", at: pieces[0]?.from ?? 0, took: t.blocked - t.proxy, bars: pieces.map((p) => ({ ...p, look: "queue" })) });
  }
  const broken = x.error ? list.findLast((s) => s.to > s.from) : null;
  for (const s of list) {
    const look = s === broken ? `${s.phase} fail` : s.phase;
    lines.push({ name: WORDS[s.phase] ?? s.phase, at: s.from, took: s.to - s.from, bars: [{ from: s.from, to: s.to, look }] });
  }
  return lines;
}

function clientLeg(x, c) {
  const lines = [];
  let before = 0;
  for (const [name, at, look] of [
    ["headers read", c.got_conn_ms, "taking"],
    ["first byte given", c.first_byte_ms, "idle"],
    ["last byte given", c.last_byte_ms, "giving"],
    ["done", c.end_ms, "taking"],
  ]) {
    if (!(at > 0)) continue; // 0: it did not happen
    const from = Math.min(before, at);
    const bars = [{ from, to: at, look }];
    const held = Math.min(x.client_blocked_ms ?? 0, at - from);
    if (look === "giving" && held > 0) bars.push({ from: at - held, to: at, look: "held" });
    lines.push({ name, at, took: at - from, bars });
    before = at;
  }
  return lines;
}

// gaps are the pieces of the time until end that no phase covers.
function gaps(list, end) {
  const pieces = [];
  let cursor = 0;
  for (const { from, to } of [...list, { from: end, to: end }]) {
    if (Math.min(from, end) > cursor) pieces.push({ from: cursor, to: Math.min(from, end) });
    cursor = Math.max(cursor, to);
  }
  return pieces;
}
