import assert from "node:assert/strict";
import { test } from "node:test";
import { compare, keyOf, merged, sorted } from "../../static/order.js";
import { Union, columns } from "../../static/spans.js";
import { Spans, holesOf } from "../../static/holes.js";

// finish runs a generator, and counts how often it lets others work.
function finish(work) {
  let yields = 0;
  for (;;) {
    const { done, value } = work.next();
    if (done) return { value, yields };
    yields++;
  }
}

// random is the same in every run.
const random = (seed) => () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;

test("a sort in slices is a sort", () => {
  const next = random(7);
  for (const n of [0, 1, 2, 3999, 4001, 30000]) {
    const list = Array.from({ length: n }, (_, id) => ({ id, key: Math.floor(next() * 500) }));
    for (const down of [false, true]) {
      const cmp = compare(down);
      const { value, yields } = finish(sorted(list, cmp));
      assert.deepEqual(value, list.toSorted(cmp), `${n} ${down}`);
      if (n > 10000) assert.ok(yields >= n / 4000, `${yields} yields`);
    }
  }
});

test("equal keys stay in the order of ids, up and down", () => {
  const list = [{ id: 1, key: 1 }, { id: 2, key: 1 }, { id: 3, key: 0 }];
  assert.deepEqual(finish(sorted(list, compare(true))).value.map((r) => r.id), [1, 2, 3]);
  assert.deepEqual(finish(sorted(list, compare(false))).value.map((r) => r.id), [3, 1, 2]);
});

test("rows are put where they belong", () => {
  const next = random(3);
  const cmp = compare(false);
  const row = (id) => ({ id, key: Math.floor(next() * 50) });
  let list = [];
  const all = [];
  for (let i = 0; i < 60; i++) {
    const added = Array.from({ length: i % 7 }, (_, j) => row(i * 10 + j));
    all.push(...added);
    list = merged(list, added, cmp);
    assert.deepEqual(list, all.toSorted(cmp));
  }
});

test("keys", () => {
  const row = { id: 4, took: () => 12, x: { status: 404, response: { body_size: 9 }, method: "GET", url: "https://b.test/x", go: { kind: "zip", module: "a.test/m", version: "v1.0.0" } } };
  for (const [by, want] of [["id", 4], ["time", 12], ["size", 9], ["status", 404], ["name", "a.test/m@v1.0.0"], ["kind", "zip"], ["host", "b.test"]]) {
    assert.equal(keyOf(by)(row, 0), want, by);
  }
  assert.equal(keyOf("status")({ x: { status: 200, error: { op: "read" } } }), 1000, "errors come after every status");
});

test("a union counts nothing twice", () => {
  for (const [spans, sum, want] of [
    [[], 0, []],
    [[[0, 10]], 10, [0, 10]],
    [[[0, 10], [5, 15]], 15, [0, 15]],
    [[[0, 10], [2, 4], [10, 12], [20, 21]], 13, [0, 12, 20, 21]],
    [[[10, 20], [0, 5], [4, 12]], 20, [0, 20]],
    [[[5, 5], [7, 6]], 0, []],
  ]) {
    const u = new Union();
    for (const [from, to] of spans) u.add(from, to);
    assert.equal(u.settle(), sum, JSON.stringify(spans));
    assert.deepEqual(u.spans, want);
  }
});

test("a span covers at least a column, and none out of sight", () => {
  for (const [from, to, want] of [[0, 1, [0, 99]], [0.5, 0.5, [50, 50]], [0.105, 0.125, [10, 12]], [-1, -0.5, null], [1.1, 2, null], [-1, 0.02, [0, 1]], [0.99, 3, [99, 99]], [1, 1, [99, 99]]]) {
    assert.deepEqual(columns(from, to, 100), want, `${from} ${to}`);
  }
});

test("holes are what neither is there nor was asked for", () => {
  const rows = [3, 4, 9, 10, 20].map((id) => ({ id }));
  const asked = new Spans();
  assert.deepEqual(holesOf(rows, asked), [[1, 2], [5, 8], [11, 19]]);
  asked.add(12, 13);
  asked.add(15, 15);
  asked.add(14, 14);
  assert.deepEqual(asked.list, [[12, 15]]);
  asked.add(1, 6);
  assert.deepEqual(holesOf(rows, asked), [[7, 8], [11, 11], [16, 19]]);
  asked.add(1, 30);
  assert.deepEqual(holesOf(rows, asked), []);
  assert.deepEqual(holesOf([], asked), []);
});
