import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { KEYS, Known, complete, parse, step, stepOf } from "../../static/query.js";
import { phase } from "../../static/queryphases.js";
import { KINDS } from "../../static/querywords.js";
import { Store } from "../../static/store.js";

// The vectors were written by the Go twin; positions there count bytes.
const vectors = JSON.parse(readFileSync(new URL("../../../../recorder/query/testdata/vectors.json", import.meta.url)));
const NOW = Date.parse(vectors.now);
const bytes = (text) => Buffer.byteLength(text);

function rows() {
  const store = new Store();
  for (const x of vectors.exchanges) store.exchange(x);
  return store;
}

test("filters match what they match in Go", () => {
  assert.ok(vectors.cases.length >= 150);
  const store = rows();
  for (const { filter, match, error } of vectors.cases) {
    const q = parse(filter);
    assert.deepEqual(store.rows.filter((row) => q.match(row, NOW, store.byID)).map((row) => row.id), match, filter);
    if (!error) {
      assert.equal(q.error, null, filter);
      continue;
    }
    const { at, len, msg, hint } = q.error ?? assert.fail(`no error: ${filter}`);
    assert.deepEqual({ at: bytes(filter.slice(0, at)), len: bytes(filter.slice(at, at + len)), msg, hint }, error, filter);
  }
});

test("completions are those of Go", () => {
  assert.ok(vectors.completions.length >= 30);
  for (const { text, cursor, want } of vectors.completions) {
    const before = Buffer.from(text).subarray(0, cursor).toString().length;
    const got = complete(text, before, vectors.known).map((c) => [c.text, bytes(text.slice(0, c.from)), bytes(text.slice(0, c.to)), c.about]);
    assert.deepEqual(got, want, `${text} at ${cursor}`);
  }
});

test("what completes a filter is understood", () => {
  for (const [name, key] of KEYS) {
    assert.equal(parse(key.example).error, null, key.example);
    for (const v of key.values) assert.equal(parse(`${name}:${v.text}`).error, null, `${name}:${v.text}`);
  }
});

test("every kind has a step", () => {
  const steps = new Set(KEYS.get("step").values.map((v) => v.text));
  for (const { text } of KINDS) assert.ok(steps.has(stepOf({ go: { kind: text } })), text);
  assert.equal(step, stepOf);
});

test("an empty filter says so", () => {
  assert.equal(parse("  ").empty, true);
  assert.equal(parse("kind:nope").empty, true);
  assert.equal(parse("kind:zip").empty, false);
});

test("a row that changes is searched anew", () => {
  const store = rows();
  const row = store.byID.get(16);
  const { match } = parse("403");
  assert.equal(match(row, NOW), false);
  store.exchange({ ...row.x, status: 403, done: true });
  assert.equal(match(row, NOW), true);
});

test("what was seen is bounded", () => {
  const known = new Known();
  for (let i = 0; i < 5000; i++) known.add({ method: "GET", url: `https://h${i}.test/`, go: { kind: "zip", module: `m.test/${i}` } });
  assert.equal(known.modules.length, 2000);
  assert.equal(known.hosts.length, 200);
  assert.deepEqual(known.kinds, ["zip"]);
  assert.deepEqual(complete("module:m.test/1999", 18, known), []);
  assert.deepEqual(complete("host:h19", 8, known).map((c) => c.text).slice(0, 2), ["h19.test", "h190.test"]);
});

test("phases are as long as timings says", () => {
  const golden = JSON.parse(readFileSync(new URL("../timings.json", import.meta.url)));
  let compared = 0;
  for (const { name, marks, timings: t } of golden) {
    const row = { x: { server: marks }, inFlight: false, marks: () => marks };
    const tls = Math.max(t.ssl, 0);
    const want = { blocked: t.blocked, dns: t.dns, connect: marks.connect_start_ms > 0 ? t.connect - tls : -1, tls: t.ssl,
      send: t.send, wait: t.wait, receive: t.receive };
    for (const p in want) {
      const got = phase(p, row, 0);
      // Of a request that never got there, timings has 0 and a filter nothing.
      if (got === -1 && want[p] === 0) continue;
      assert.equal(got === -1 ? -1 : got, want[p] === -1 ? -1 : Math.round(want[p] * 1e6), `${name}: ${p}`);
      compared++;
    }
  }
  assert.ok(compared > 300, `${compared} phases`);
});
