import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PHASES, segments, timings } from "../../static/marks.js";

const golden = JSON.parse(readFileSync(new URL("../timings.json", import.meta.url)));

test("timings are those of recorder.Marks.Timings, to the nanosecond", () => {
  assert.ok(golden.length > 100);
  for (const { name, marks, timings: want } of golden) {
    assert.deepEqual(timings(marks), want, name);
  }
});

test("segments say where the phases of timings lie", () => {
  const near = (a, b, what) => assert.ok(Math.abs(a - b) < 1e-6, `${what}: ${a} is not ${b}`);
  for (const { name, marks } of golden) {
    const t = timings(marks);
    const sum = { dns: 0, connect: 0, proxy: 0, tls: 0, send: 0, wait: 0, receive: 0 };
    let cursor = 0;
    for (const { phase, from, to } of segments(marks)) {
      assert.ok(from >= cursor && to >= from && to <= (marks.end_ms ?? 0), `${name}: ${phase} ${from} ${to}`);
      assert.ok(PHASES.includes(phase) || phase === "proxy", phase);
      sum[phase] += to - from;
      cursor = to;
    }
    near(sum.dns, Math.max(t.dns, 0), `${name} dns`);
    near(sum.connect + sum.tls, Math.max(t.connect, 0), `${name} connect`);
    near(sum.tls, Math.max(t.ssl, 0), `${name} tls`);
    for (const p of ["proxy", "send", "wait", "receive"]) near(sum[p], t[p], `${name} ${p}`);
  }
});

test("nothing is known before the first mark", () => {
  assert.deepEqual(segments({}), []);
  assert.equal(timings({}).blocked, 0);
});
