import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Group, keyOf, orderOf, ownerOf } from "../../static/groups.js";
import { spread, top } from "../../static/groupview.js";
import { Store } from "../../static/store.js";

const START = Date.UTC(2026, 10, 22, 1);
const at = (ms) => new Date(START + ms).toISOString();
const x = (id, start, more) => ({ id, method: "GET", url: "https://proxy.test/x", start: at(start), status: 200, done: true, server: { end_ms: 10 }, ...more });
const make = (list, conns = []) => {
  const s = new Store();
  s.hello({ session: { id: "a", start: at(0) }, now: new Date().toISOString() });
  s.apply({ seq: 1, lost: 0, events: [...list.map((exchange) => ({ exchange })), ...conns.map((conn) => ({ conn }))] });
  return s;
};
const titles = (by, s) => {
  const owner = ownerOf(s.links.lookups, s.now);
  return s.rows.map((row) => keyOf(by, row, s, owner).title);
};

const lookup = (id, start, module, more) => x(id, start, { go: { kind: "sumdb-lookup", module, version: "v1.0.0" }, ...more });
const tile = (id, start) => x(id, start, { go: { kind: "sumdb-tile", extra: "sum.golang.org tile/8/0/001" } });

test("a module folds all that was asked because of it", () => {
  const s = make([
    x(1, 0, { go: { kind: "list", module: "a.test/m" } }),
    x(2, 1, { go: { kind: "zip", module: "a.test/m", version: "v1.0.0" }, status: 302 }),
    x(3, 2, { parent: 2, url: "https://storage.test/1234", go: { kind: "storage-zip" } }),
    x(4, 3, { go: { kind: "git-info-refs", repo: "b.test/r.git" } }),
    x(5, 4, { go: { kind: "toolchain-zip", extra: "go1.27.4 linux-amd64" } }),
    x(6, 5, {}),
    x(7, 6, { go: { kind: "sumdb-supported", extra: "sum.golang.org" } }),
  ]);
  assert.deepEqual(titles("module", s), ["a.test/m", "a.test/m", "a.test/m", "b.test/r", "toolchain go1.27.4 linux-amd64", "other requests to proxy.test", "checksum database"]);
});

test("a tile belongs to a module only while one lookup can have caused it", () => {
  const s = make([tile(1, 0), lookup(2, 5, "a.test/m"), tile(3, 20), lookup(4, 30, "b.test/m"), tile(5, 35), tile(6, 45)]);
  assert.deepEqual(titles("module", s), ["checksum database", "a.test/m", "a.test/m", "b.test/m", "a.test/m", "checksum database"]);
  const open = make([lookup(1, 0, "a.test/m", { done: false, server: {} }), tile(2, 50)]);
  assert.deepEqual(titles("module", open), ["a.test/m", "checksum database"], "a lookup without an answer proves nothing");
});

// The terminal viewer makes the same groups: its tests read the same file.
const vectors = JSON.parse(readFileSync(new URL("../groups.json", import.meta.url)));

for (const { name, exchanges, groups } of vectors) {
  test(`groups: ${name}`, () => {
    const s = new Store();
    s.hello({ session: { id: "a", start: at(0) }, now: new Date().toISOString() });
    s.apply({ seq: 1, lost: 0, events: exchanges.map((exchange) => ({ exchange })) });
    const owner = ownerOf(s.links.lookups, START + 2000);
    for (const [by, want] of Object.entries(groups)) {
      const found = new Map();
      for (const row of s.rows) {
        const { key, title } = keyOf(by, row, s, owner);
        if (!found.has(key)) found.set(key, new Group(key, title));
        found.get(key).rows.push(row);
      }
      const got = [...found.values()].map((g) => {
        for (const _ of g.recount(START + 2000)) { /* in slices */ }
        const numbers = { ids: g.rows.map((row) => row.id), failed: g.failed, bytes: g.bytes, busy_ms: Math.round(g.busy * 100) / 100 };
        return by === "connection" ? numbers : { title: g.title, ...numbers };
      });
      assert.deepEqual(got, want, by);
    }
  });
}

test("hosts and connections", () => {
  const s = make([x(1, 0, { conn: 3 }), x(2, 1, { conn: 4, remote: "1.2.3.4:443" }), x(3, 2, { method: "CONNECT", url: "https://b.test:443" })],
    [{ id: 3, target: "proxy.test:443", remote: "1.2.3.4:443", scheme: "https", start: at(0), tls: { version: "TLS 1.3", alpn: "h2" } }]);
  assert.deepEqual(titles("host", s), ["proxy.test", "proxy.test", "b.test:443"]);
  assert.deepEqual(titles("connection", s), ["#3 proxy.test:443 (1.2.3.4:443) TLS 1.3 h2", "#4 proxy.test 1.2.3.4:443", "no connection"]);
});

test("a group counts its time once, and says so", () => {
  const s = make([x(1, 0, { server: { end_ms: 100 }, response: { body_size: 5 } }), x(2, 50, { server: { end_ms: 100 }, status: 404, response: { body_size: 7 } }), x(3, 300, { server: { end_ms: 50 } })]);
  const g = new Group("k", "t");
  g.rows = s.rows;
  for (const _ of g.recount(s.now)) { /* in slices */ }
  assert.deepEqual([g.count, g.failed, g.bytes, g.inFlight, g.busy, g.from - START, g.to - START], [3, 1, 12, 0, 200, 0, 350]);
  assert.equal(g.words, "busy 200 ms in 350 ms");
  g.rows = s.rows.slice(0, 1);
  for (const _ of g.recount(s.now)) { /* in slices */ }
  assert.equal(g.words, "busy 100 ms", "there is no other time to tell apart");
});

test("groups are in the order of what is shown of them", () => {
  const g = (id, busy, bytes, failed, title, to) => Object.assign(new Group(title, title), { id, busy, bytes, failed, from: 1, to });
  const list = [g(1, 5, 9, 0, "c", 20), g(2, 7, 1, 2, "a", 9), g(3, 5, 4, 0, "b", 40)];
  for (const [by, down, want] of [["id", false, [1, 2, 3]], ["time", true, [2, 1, 3]], ["size", false, [2, 3, 1]], ["status", true, [2, 1, 3]], ["name", false, [2, 3, 1]], ["host", true, [3, 1, 2]]]) {
    assert.deepEqual(list.toSorted(orderOf(by, down)).map((e) => e.id), want, `${by} ${down}`);
  }
});

test("a column has the phase that took most of it", () => {
  const width = 10;
  const time = new Float32Array(width * 7);
  spread(time, 5, 0, 4.6, width); // wait
  spread(time, 6, 4.6, 9, width); // receive
  spread(time, 0, -5, 0.2, width); // dns
  assert.deepEqual(Array.from({ length: 9 }, (_, i) => top(time, i)), [5, 5, 5, 5, 5, 6, 6, 6, 6]);
  assert.equal(time[9 * 7 + 6] < 1e-5, true, "what only touches a column hardly counts in it");
  spread(time, 3, 20, 30, width);
  spread(time, 3, -30, -20, width);
  assert.equal(Array.from({ length: width }, (_, i) => time[i * 7 + 3]).every((v) => v === 0), true, "what is out of sight counts nowhere");
});
