import assert from "node:assert/strict";
import { test } from "node:test";
import { BINS, Bins, Load, sweep } from "../../static/load.js";
import { Store } from "../../static/store.js";

const sum = (list) => list.reduce((a, b) => a + b, 0);
const near = (got, want, what) => assert.ok(Math.abs(got - want) < 1e-6 * Math.max(1, want), `${what}: ${got}, want ${want}`);
const all = (it) => { for (;;) { const { done, value } = it.next(); if (done) return value; } };

test("bins keep every ms and every byte, however often they are made longer", () => {
  const bins = new Bins();
  let busy = 0;
  let bytes = 0;
  let seed = 1;
  const rnd = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  for (let i = 0; i < 500; i++) {
    const from = rnd() * 100000;
    const took = rnd() * 3000;
    bins.add({ from, to: from + took, first: from + took * rnd(), size: i });
    busy += took;
    bytes += i;
  }
  near(sum(bins.busy), busy, "busy");
  near(sum(bins.bytes), bytes, "bytes");
  assert.ok(bins.to >= 100000);
  assert.equal(bins.width, 128);
});

test("a bin has what lies in it", () => {
  const bins = new Bins();
  bins.add({ from: 1.5, to: 3.5, first: 2.5, size: 10 });
  assert.deepEqual([...bins.busy.slice(0, 5)], [0, 0.5, 1, 0.5, 0]);
  assert.deepEqual([...bins.bytes.slice(0, 5)], [0, 0, 5, 5, 0]);
  bins.fit(BINS + 1);
  assert.deepEqual([...bins.busy.slice(0, 3)], [0.5, 1.5, 0]);
  bins.add({ from: NaN, to: NaN, first: 0, size: 5 });
  near(sum(bins.bytes), 10, "a start that is no time is not counted");
});

const sweeps = [
  { name: "none", spans: [], peak: 0, busy: 0, gaps: [[0, 100]] },
  { name: "one after another is one at a time", spans: [[0, 50], [50, 100]], peak: 1, busy: 100, gaps: [] },
  { name: "overlapping", spans: [[10, 40], [20, 30], [25, 60]], peak: 3, busy: 50, gaps: [[0, 10], [60, 100]] },
  { name: "short gaps are left out", spans: [[0, 50], [54, 100]], peak: 1, busy: 96, gaps: [] },
  { name: "a request that took no time", spans: [[50, 50], [60, 70]], peak: 1, busy: 10, gaps: [[0, 50], [50, 60], [70, 100]] },
  { name: "outside of the command", spans: [[-50, -20], [120, 130]], peak: 1, busy: 40, gaps: [[0, 100]] },
];
for (const { name, spans, peak, busy, gaps } of sweeps) {
  test(`the sweep: ${name}`, () => {
    const got = all(sweep({ starts: Float64Array.from(spans, (s) => s[0]), ends: Float64Array.from(spans, (s) => s[1]) }, 0, 100, 5));
    assert.equal(got.peak, peak);
    assert.equal(got.busy, busy);
    assert.deepEqual(got.gaps.map((g) => [g.from, g.to]), gaps);
  });
}

const START = "2026-11-22T01:00:00Z";
const x = (id, at, took, more = {}) => ({ exchange: { id, method: "GET", url: "https://a.test/", start: new Date(Date.parse(START) + at).toISOString(), status: 200, server: { first_byte_ms: took / 2, end_ms: took }, response: { body_size: 100 }, done: true, ...more } });
const make = () => {
  const s = new Store();
  s.hello({ session: { id: "a", start: START }, now: new Date().toISOString() });
  return s;
};
const frame = (...events) => ({ seq: 1, events, lost: 0 });

test("a store is followed: new rows, rows that end, rows that come late, in any order", () => {
  const s = make();
  const load = new Load();
  const check = (busy, bytes, what) => {
    all(load.follow(s));
    near(sum(load.now.busy), busy, `${what}, busy`);
    near(sum(load.now.bytes), bytes, `${what}, bytes`);
    assert.equal(load.count + load.open.length, s.rows.length, what);
  };
  s.apply(frame(x(5, 100, 50), x(6, 120, 10)));
  check(60, 200, "two rows");
  check(60, 200, "nothing new");
  s.apply(frame(x(2, 10, 5), x(3, 20, 5)));
  check(70, 400, "two that were before them");
  s.apply(frame(x(7, 200, 0, { done: false, server: {}, response: { body_size: 0 } }), { end: { at_ms: 300, exit_code: 0 } }));
  check(170, 400, "one in flight lasts until now");
  s.apply(frame(x(7, 200, 40)));
  check(110, 500, "and then as long as it did");
  s.reset();
  s.hello({ session: { id: "b", start: START }, now: new Date().toISOString() });
  s.apply(frame(x(1, 0, 7)));
  check(7, 100, "another session");
});

test("following again costs only what is new", () => {
  const s = make();
  s.apply(frame(...Array.from({ length: 20000 }, (_, i) => x(i + 1, i, 3))));
  const load = new Load();
  all(load.follow(s));
  s.apply(frame(x(20001, 20001, 3)));
  let looked = 0;
  const { rows } = s;
  s.rows = new Proxy(rows, { get: (t, k) => { if (typeof k === "string" && /^\d+$/.test(k)) looked++; return t[k]; } });
  all(load.follow(s));
  assert.ok(looked < 5, `${looked} rows were looked at`);
  near(sum(load.now.busy), 60003, "busy");
});

test("what began before the session is counted", () => {
  const s = make();
  s.apply(frame(x(1, 10, 20), x(2, -500, 100)));
  const load = new Load();
  all(load.follow(s));
  assert.equal(load.now.from, -500);
  near(sum(load.now.busy), 120, "busy");
});
