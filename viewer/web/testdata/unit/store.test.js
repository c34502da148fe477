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

test("a filter looks at all that a row shows", () => {
  const s = make(frame(3, [
    x(1, { go: { kind: "zip", module: "github.com/A/b", version: "v1.0.0" }, status: 200 }),
    x(2, { go: { kind: "mod", module: "rsc.io/quote", version: "v1.5.2" }, status: 404 }),
    x(3, { error: { op: "dial" } }),
  ]));
  const found = (text) => { s.filter(text); return s.visible.map((r) => r.id); };
  assert.deepEqual(found(""), [1, 2, 3]);
  assert.deepEqual(found("zip"), [1]);
  assert.deepEqual(found("404"), [2]);
  assert.deepEqual(found("GITHUB.com/a"), [1]);
  assert.deepEqual(found("host.test quote@v1.5"), [2]);
  assert.deepEqual(found("dial"), [3]);
  assert.deepEqual(found("zip 404"), []);
  s.filter("200");
  s.apply(frame(4, [x(2, { status: 200 })]));
  assert.deepEqual(s.visible.map((r) => r.id), [1, 2], "a row that comes to match appears");
});

test("a window shows what happened in it", () => {
  const at = (ms) => new Date(Date.parse(START) + ms).toISOString();
  const s = make(frame(3, [
    x(1, { start: at(0), server: { end_ms: 100 }, done: true }),
    x(2, { start: at(150), server: { end_ms: 100 }, done: true }),
    x(3, { start: at(400), server: { end_ms: 100 }, done: true }),
  ]), frame(4, [{ end: { at_ms: 600, exit_code: 0 } }]));
  s.window = [90, 200];
  s.touch();
  assert.deepEqual(s.visible.map((r) => r.id), [1, 2]);
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
