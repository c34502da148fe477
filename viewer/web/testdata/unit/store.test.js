import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../static/store.js";

const START = "2026-11-22T01:00:00Z";
const x = (id, more = {}) => ({ exchange: { id, method: "GET", url: `https://host.test/${id}`, start: START, status: 0, server: {}, ...more } });
const frame = (seq, events, more = {}) => ({ seq, events, lost: 0, ...more });
const make = (...frames) => {
  const s = new Store();
  s.hello({ session: { id: "a", start: START }, now: new Date().toISOString() });
  for (const f of frames) s.apply(f);
  return s;
};

test("the last snapshot with an id wins, and the totals follow", () => {
  const s = make(
    frame(2, [x(1), x(2)]),
    frame(4, [x(1, { status: 200, response: { body_size: 100 } }), x(2, { error: { op: "tls" }, done: true })]),
    frame(5, [x(1, { status: 404, response: { body_size: 150 }, done: true })]),
  );
  assert.deepEqual(s.totals, { requests: 2, inFlight: 0, bytes: 150, failed: 2 });
  assert.deepEqual(s.rows.map((r) => r.x.status), [404, 0]);
});

test("rows are in the order of starting, however they come", () => {
  const s = make(frame(1, [x(3)]), frame(2, [x(1)]), frame(3, [x(2), x(4)]));
  assert.deepEqual(s.rows.map((r) => r.id), [1, 2, 3, 4]);
});

test("events that were lost make it ask; a snapshot ends what it does not have", () => {
  const s = make(frame(2, [x(1), x(2)]));
  assert.equal(s.apply(frame(9, [x(3)], { lost: 5 })), false);
  assert.equal(s.apply(frame(0, [x(2)], { snapshot: true })), true);
  assert.equal(s.byID.get(1).inFlight, true, "the snapshot is not complete");
  s.apply(frame(9, [x(3)], { snapshot: true }));
  assert.equal(s.byID.get(1).inFlight, false);
  assert.equal(s.byID.get(1).stale, true);
  assert.equal(s.totals.inFlight, 2);
  s.apply(frame(10, [x(1, { status: 200, done: true })]));
  assert.equal(s.byID.get(1).stale, false);
  assert.equal(s.totals.inFlight, 2);
});

test("another session starts over", () => {
  const s = make(frame(1, [x(1)]));
  s.hello({ session: { id: "b", start: START }, now: START });
  assert.equal(s.rows.length, 0);
  assert.equal(s.totals.requests, 0);
});

test("time is modtap's, and stops at the end", () => {
  const s = new Store();
  const ahead = new Date(Date.now() + 3600e3);
  s.hello({ session: { id: "a", start: ahead.toISOString() }, now: ahead.toISOString() });
  assert.ok(Math.abs(s.now - s.origin) < 1000, "a clock that is an hour off is corrected");
  s.apply(frame(1, [{ end: { at_ms: 1234, exit_code: 0 } }]));
  assert.equal(s.now - s.origin, 1234);
  assert.equal(s.live, false);
});

test("a bar lasts until now while its request is in flight", () => {
  const s = make(frame(1, [x(1, { server: { dns_start_ms: 1 } }), x(2, { done: true, client: { end_ms: 7 } }), x(3, { done: true, server: { end_ms: 9 } })]));
  const [a, b, c] = s.rows;
  assert.equal(a.took(a.at + 500), 500);
  assert.equal(a.took(a.at - 500), 0, "never backwards");
  assert.equal(b.took(b.at + 500), 7, "answered without a server");
  assert.equal(c.took(c.at + 500), 9);
});

test("a page of the recording fills holes, and never replaces what the stream told", () => {
  const s = make(frame(9, [x(3, { status: 200, done: true }), x(6)]));
  const watch = s.watch();
  watch.take();
  assert.equal(s.page([x(1, { done: true, status: 200 }), x(2), x(3, { status: 500, done: true }), x(5, { done: true, status: 200 }), x(9, { done: true, status: 304 })].map((e) => e.exchange)), 4);
  assert.deepEqual(s.rows.map((r) => r.id), [1, 2, 3, 5, 6, 9]);
  assert.equal(s.byID.get(3).x.status, 200);
  assert.equal(s.byID.get(2).inFlight, false, "what never ended in the recording is not in flight");
  assert.deepEqual(s.totals, { requests: 6, inFlight: 1, bytes: 0, failed: 0 });
  assert.deepEqual([...watch.take().rows].map((r) => r.id), [1, 2, 5, 9]);
});

test("a page of the recording tells a watch of what its requests led to", () => {
  const s = make();
  s.apply({ seq: 1, lost: 0, events: [{ exchange: { id: 9, parent: 3, start: START, done: true } }] });
  const w = s.watch();
  w.take();
  s.page([{ id: 3, start: START, done: true }, { id: 4, start: START, done: true }]);
  assert.deepEqual([...w.take().rows].map((row) => row.id).sort(), [3, 4, 9]);
});

test("a watch tells each change once, and everything after another session", () => {
  const s = make();
  const watch = s.watch();
  assert.equal(watch.take().all, true);
  s.apply(frame(2, [x(1), x(2)]));
  s.apply(frame(3, [x(1, { done: true })]));
  assert.deepEqual([...watch.take().rows].map((r) => r.id), [1, 2]);
  assert.equal(watch.take().rows.size, 0);
  s.reset();
  assert.equal(watch.take().all, true);
});

test("a recording without an end ends with the last that is known of it", () => {
  const s = make(frame(3, [
    x(1, { start: "2026-11-22T01:00:02Z", status: 200, done: true, server: { wrote_headers_ms: 1, end_ms: 500 } }),
    x(2, { start: "2026-11-22T01:00:01Z", server: { wrote_headers_ms: 1, first_byte_ms: 700 } }), // cut off
  ]));
  assert.ok(s.live && s.elapsed > 1e6, "while more may come, it goes on");
  s.finish();
  assert.equal(s.live, false);
  assert.equal(s.elapsed, 2500);
  assert.equal(s.byID.get(2).took(s.now), 1500, "what was in flight then");
  s.page([{ id: 9, start: "2026-11-22T01:00:03Z", done: true, status: 200, server: { end_ms: 250 } }]);
  assert.equal(s.elapsed, 3250);
  s.reset();
  assert.equal(s.over, false);
});

test("what modtap does after the command's end is not the command's time", () => {
  const s = make(frame(2, [{ process: { start_ms: 10, end_ms: 1210 } }]));
  s.apply(frame(3, [{ end: { at_ms: 1900 } }]));
  s.finish();
  assert.equal(s.elapsed, 1200);
  assert.equal(s.now - s.origin, 1900);
});
