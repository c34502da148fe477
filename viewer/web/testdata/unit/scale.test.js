import assert from "node:assert/strict";
import { test } from "node:test";
import { Scale, niceStep, room, tickLabel } from "../../static/scale.js";

test("steps are round", () => {
  for (const [ms, want] of [[0.7, 1], [1, 1], [1.2, 2], [130, 200], [480, 500], [501, 1000], [12000, 20000], [31000, 60000], [70000, 120000], [1e7, 14400000], [2e7, 28800000], [5e7, 86400000], [1e8, 172800000], [1e9, 20 * 86400000]]) {
    assert.equal(niceStep(ms), want, String(ms));
  }
});

test("ticks lie inside, and an instant and its place are inverse", () => {
  const s = new Scale(1000, 3500);
  assert.deepEqual(s.ticks(5), [1000, 1500, 2000, 2500, 3000, 3500]);
  assert.equal(s.at(1000), 0);
  assert.equal(s.at(3500), 1);
  assert.equal(s.ms(s.at(2222)), 2222);
  assert.ok(Number.isFinite(new Scale(5, 5).at(5)));
});

test("labels have the digits of their step", () => {
  for (const [ms, step, want] of [[0, 500, "0"], [500, 500, "500 ms"], [1500, 500, "1.5 s"], [2000, 1000, "2 s"], [1250, 50, "1.25 s"], [120000, 60000, "2 min"], [5400000, 1800000, "90 min"], [14400000, 7200000, "4 h"], [172800000, 86400000, "2 d"], [0.30000000000000004, 0.1, "0.3 ms"]]) {
    assert.equal(tickLabel(ms, step), want, String(ms));
  }
});

test("the axis grows in steps and always holds the run", () => {
  let steps = new Set();
  for (let ms = 0; ms < 100000; ms += 100) {
    assert.ok(room(ms) >= ms && room(ms) <= Math.max(ms * 1.3, 1000), String(ms));
    steps.add(room(ms));
  }
  assert.ok(steps.size <= 22, String(steps.size));
});
