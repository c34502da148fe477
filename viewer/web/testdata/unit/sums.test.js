import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { HEADER, cells, flat } from "../../static/cells.js";
import { HOSTS, MODULES, header, line } from "../../static/columns.js";
import { Store } from "../../static/store.js";
import { order, sums, waited } from "../../static/sums.js";

const START = "2026-11-22T01:00:00Z";
const x = (id, at, took, more = {}) => ({ exchange: {
  id, method: "GET", url: "https://a.test/x", start: new Date(Date.parse(START) + at).toISOString(), status: 200, conn: 1,
  server: { wrote_headers_ms: 1, wrote_request_ms: 2, first_byte_ms: took / 2, end_ms: took, reused: id > 1 }, response: { body_size: 1000 }, done: true, ...more,
} });
const go = (module, version, kind = "mod") => ({ go: { kind, module, version } });
const all = (it) => { for (;;) { const { done, value } = it.next(); if (done) return value; } };
const make = (...events) => {
  const s = new Store();
  s.hello({ session: { id: "a", start: START }, now: new Date().toISOString() });
  s.apply({ seq: 1, lost: 0, events: [...events, { end: { at_ms: 1000, exit_code: 0 } }] });
  return s;
};
const sum = (s, by, more = {}) => all(sums(by, s.rows, { match: () => true, range: null, origin: s.origin, now: s.now, conns: s.conns, ...more }));

const session = () => make(
  x(1, 0, 100, go("rsc.io/quote", "v1.5.2")), x(2, 50, 100, go("rsc.io/quote", "v1.10.0")), x(3, 200, 40, go("rsc.io/quote", "v1.9.0", "zip")),
  x(4, 300, 10, { ...go("example.test/m", "v1.0.0"), status: 404 }), x(5, 400, 20), x(6, 500, 0, { ...go("rsc.io/quote"), server: { dns_start_ms: 1 }, response: {}, status: 0, conn: 0, done: false }),
  { conn: { id: 1, target: "a.test:443", marks: { connect_start_ms: 5, connect_done_ms: 35, tls_start_ms: 35, tls_done_ms: 85 } } },
);

test("a module's line", () => {
  const { list, none } = sum(session(), "module");
  assert.equal(none, 1);
  assert.deepEqual(list.map((s) => s.name), ["rsc.io/quote", "example.test/m"]);
  const q = list[0];
  assert.equal(q.requests, 4);
  assert.equal(q.failed, 0);
  assert.equal(q.bytes, 3000);
  assert.equal(q.busy, 150 + 40 + 500, "overlapping once, in flight until now");
  assert.deepEqual([q.first, q.last], [0, 1000]);
  assert.deepEqual(q.versions, ["v1.5.2", "v1.9.0", "v1.10.0"]);
  assert.deepEqual([q.took50, q.took95, q.tookN], [100, 100, 3], "what is in flight has no time yet");
  assert.equal(q.spark.reduce((a, b) => a + b), 4);
  assert.equal(list[1].failed, 1);
});

test("a host's line", () => {
  const [h] = sum(session(), "host").list;
  assert.equal(h.name, "a.test");
  assert.equal(h.requests, 6);
  assert.equal(h.conns, 1);
  assert.deepEqual([h.sent, h.reused], [5, 0.8]);
  assert.deepEqual([h.connect50, h.connectN], [30, 1]);
  assert.deepEqual([h.tls50, h.tlsN], [50, 1]);
  assert.deepEqual([h.wait50, h.wait95, h.waitN], [18, 48, 5]);
  // bytes came in [50,100], [100,150], [220,240], [305,310], [410,420]
  assert.ok(Math.abs(h.rate - 5000 / 0.135) < 1e-6, `${h.rate}`);
});

test("what a file of another program does not say", () => {
  const unsaid = { conn: 0, server: { wrote_headers_ms: 1, wrote_request_ms: 2, first_byte_ms: 50, end_ms: 100 } };
  const [h] = sum(make(x(1, 0, 100, unsaid), x(2, 0, 100, { conn: 0, server: {} })), "host").list;
  assert.equal(h.requests, 2);
  assert.deepEqual([h.sent, h.reused], [0, undefined], "whether the connection was there is not known");
  assert.deepEqual([h.took50, h.took95, h.tookN], [100, 100, 1], "no time is not 0 ms");
  const s = make(x(1, 0, 100, unsaid));
  assert.equal(cells(s.rows[0], s.origin, s.now)[HEADER.indexOf("reused")], "", "nor is it in what is exported");
});

test("a connection that is not listed is told of by the request that opened it", () => {
  const s = make(x(1, 0, 100, { conn: 0, server: { connect_start_ms: 1, connect_done_ms: 21, wrote_headers_ms: 22, wrote_request_ms: 22, first_byte_ms: 30, end_ms: 100 } }));
  const [h] = sum(s, "host").list;
  assert.deepEqual([h.connect50, h.connectN, h.tls50, h.tlsN], [20, 1, undefined, 0]);
});

test("filter and range choose what is counted", () => {
  const s = session();
  assert.equal(sum(s, "module", { match: (row) => row.x.status === 404 }).list.length, 1);
  const { list } = sum(s, "module", { range: [120, 260] });
  assert.deepEqual(list.map((l) => [l.name, l.requests]), [["rsc.io/quote", 2]]);
});

test("lines are sorted, what is not known comes last", () => {
  const list = [{ name: "b", v: 2 }, { name: "a" }, { name: "c", v: 1 }, { name: "a10", v: 2 }, { name: "a9", v: 2 }];
  const names = (down) => order(list, (s) => s.v, down).map((s) => s.name);
  assert.deepEqual(names(false), ["c", "a9", "a10", "b", "a"]);
  assert.deepEqual(names(true), ["a9", "a10", "b", "c", "a"]);
  assert.deepEqual(order(list, (s) => s.name, true).map((s) => s.name), ["c", "b", "a10", "a9", "a"]);
});

test("an export has a cell for each head, and numbers in full", () => {
  const s = session();
  for (const [columns, by] of [[MODULES, "module"], [HOSTS, "host"]]) {
    assert.equal(header(columns).length, line(columns, sum(s, by).list[0]).length);
  }
  const heads = header(MODULES);
  const cell = Object.fromEntries(line(MODULES, sum(s, "module").list[0]).map((v, i) => [heads[i], v]));
  assert.equal(cell["busy (ms)"], 690);
  assert.equal(cell.versions, "v1.5.2 v1.9.0 v1.10.0");
  assert.equal(cell.ended, 3);
});

test("a request's cells", () => {
  const s = make(
    x(1, 10, 100, { server: { dns_start_ms: 1, dns_done_ms: 4, connect_start_ms: 4, connect_done_ms: 14.1, tls_start_ms: 14.1, tls_done_ms: 34.3, wrote_headers_ms: 35, wrote_request_ms: 36, first_byte_ms: 60, end_ms: 100 } }),
    x(2, 20, 100, { ...go("rsc.io/quote", "v1.5.2"), server: {}, status: 0, error: { op: "dial", msg: "no route" }, response: { body_size: -1 } }),
  );
  const of = (row) => Object.fromEntries(cells(row, s.origin, s.now).map((v, i) => [HEADER[i], v]));
  const a = of(s.rows[0]);
  assert.equal(cells(s.rows[0], s.origin, s.now).length, HEADER.length);
  assert.deepEqual([a["offset (ms)"], a["time (ms)"], a["dns (ms)"], a["connect (ms)"], a["tls (ms)"], a["wait (ms)"], a["receive (ms)"], a["response (B)"]], [10, 100, 3, 10.1, 20.2, 24, 40, 1000]);
  const b = of(s.rows[1]);
  assert.deepEqual([b.status, b["dns (ms)"], b["connect (ms)"], b["wait (ms)"], b["response (B)"], b.error, b.reused], [undefined, undefined, undefined, undefined, undefined, "dial", ""]);
});

test("groups are exported with all their requests, each once", () => {
  const s = session();
  const [a, b, c] = s.rows;
  const group = { rows: [a, b] };
  assert.deepEqual(flat([{ group }, { row: a, of: group }, { row: b, of: group }, { group: { rows: [c] } }]), [a, b, c]);
  assert.deepEqual(flat([{ row: c }, { row: a }]), [c, a]);
});

test("the wait is that of timings", () => {
  const golden = JSON.parse(readFileSync(new URL("../timings.json", import.meta.url)));
  const answered = golden.filter(({ marks }) => marks.first_byte_ms > 0);
  assert.ok(answered.length > 50);
  for (const { name, marks, timings } of answered) {
    assert.ok(Math.abs(waited(marks) - timings.wait) < 1e-6, `${name}: ${waited(marks)}, want ${timings.wait}`);
  }
});
