// The lines against a plain way to make them: whatever came in whichever order, both agree.

import assert from "node:assert/strict";
import { test } from "node:test";
import { batch, effect } from "../../static/html.js";
import { grown, indexOf, lines, shown } from "../../static/lines.js";
import { filter, group, range, sort, store, unfolded, version } from "../../static/state.js";

const START = Date.UTC(2026, 10, 22, 1);
const at = (ms) => new Date(START + ms).toISOString();
const random = (seed) => () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
const KINDS = ["list", "info", "mod", "zip", "sumdb-lookup"];

// exchange is a made-up request; every time it is asked for, it may have changed.
function exchange(id, next) {
  const done = next() < 0.9;
  return {
    id, method: "GET", url: `https://host${id % 5}.test/m${id % 17}/${id}`, start: at(id * 3), status: next() < 0.1 ? 404 : 200, done: true, conn: id % 4,
    go: { kind: KINDS[id % KINDS.length], module: `m${id % 17}.test/x`, version: "v1.0.0" },
    server: { wrote_headers_ms: 1, wrote_request_ms: 2, first_byte_ms: 3, end_ms: done ? Math.floor(next() * 400) + 4 : 5 },
    response: { body_size: Math.floor(next() * 9999) },
  };
}

const KEYS = { id: (r) => r.id, time: (r) => r.took(store.now), size: (r) => r.x.response.body_size, status: (r) => r.x.status };
const GROUPS = { module: (r) => r.x.go.module, host: (r) => new URL(r.x.url).host, connection: (r) => (r.x.conn ? String(r.x.conn) : "") };

// plain makes the lines without any cleverness, as words.
function plain() {
  const words = filter.value.toLowerCase().split(" ").filter(Boolean);
  const [from, to] = range.value ?? [-Infinity, Infinity];
  const rows = store.rows.filter((r) => words.every((w) => `${r.x.url} ${r.x.go.kind} ${r.x.status}`.includes(w))
    && r.at - START <= to && r.at - START + r.took(store.now) >= from);
  const { by, down } = sort.value;
  const order = (key) => (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0) * (down ? -1 : 1) || a.id - b.id;
  if (group.value === "request") return rows.sort(order(KEYS[by])).map((r) => String(r.id));
  const map = new Map();
  for (const r of rows) {
    const name = GROUPS[group.value](r);
    if (!map.has(name)) map.set(name, { rows: [], id: r.id });
    map.get(name).rows.push(r);
  }
  const sum = { id: (g) => g.id, size: (g) => g.rows.reduce((n, r) => n + r.x.response.body_size, 0), status: (g) => g.rows.filter((r) => r.x.status >= 400).length, time: (g) => busy(g.rows) };
  return [...map.values()].sort(order(sum[by])).flatMap((g) => {
    const head = `${g.rows.length} requests, ${sum.size(g)} bytes, ${sum.status(g)} failed, busy ${busy(g.rows)}`;
    const open = g.rows.some((r) => r.of && unfolded.value.has(r.of.key));
    return [head, ...(open ? g.rows.toSorted(order(KEYS[by])).map((r) => ` ${r.id}`) : [])];
  });
}

// busy counts the milliseconds in which a request was under way, one by one.
function busy(rows) {
  const ms = new Set();
  for (const r of rows) {
    for (let t = r.at; t < r.at + r.took(store.now); t++) ms.add(t);
  }
  return ms.size;
}

const got = () => lines.value.map((l) => (l.group ? `${l.group.count} requests, ${l.group.bytes} bytes, ${l.group.failed} failed, busy ${Math.round(l.group.busy)}` : `${l.of ? " " : ""}${l.row.id}`));

let drawn = 0; // lines that whoever follows the signals was told of
effect(() => { drawn = grown.value && lines.value.length; });

// agree waits until the lines are those of the plain way.
async function agree(what) {
  let want;
  let is;
  for (let i = 0; i < 200; i++) {
    want = plain();
    is = got();
    if (drawn === is.length && JSON.stringify(want) === JSON.stringify(is)) {
      lines.value.forEach((l, n) => assert.equal(l.line, n, "a line knows its place"));
      return;
    }
    await new Promise((r) => setTimeout(r, 10));
  }
  assert.deepEqual(is, want, what);
  assert.equal(drawn, is.length, "a table that follows them has all of them");
}

function settings(next) {
  const pick = (list) => list[Math.floor(next() * list.length)];
  batch(() => {
    group.value = pick(["request", "module", "host", "connection"]);
    sort.value = { by: pick(["id", "time", "size", "status"]), down: next() < 0.5 };
    filter.value = pick(["", "", "zip", "404", "host1 info"]);
    range.value = next() < 0.3 ? [300, 900] : null;
    unfolded.value = new Set(lines.value.filter((l) => l.group && next() < 0.3).map((l) => l.group.key));
  });
}

function news(next, ids) {
  const events = [];
  const n = Math.floor(next() * 60);
  for (let i = 0; i < n; i++) {
    const id = next() < 0.3 && ids.size > 0 ? [...ids][Math.floor(next() * ids.size)] : Math.floor(next() * 900) + 1;
    ids.add(id);
    events.push({ exchange: exchange(id, next) });
  }
  if (next() < 0.2) store.page(events.map((e) => e.exchange).sort((a, b) => a.id - b.id).filter((x, i, all) => x.id !== all[i - 1]?.id));
  else store.apply({ seq: 1, lost: 0, events });
  version.value = store.version;
}

for (const seed of [1, 2, 3, 4]) {
  test(`the lines are right whatever happens, ${seed}`, async () => {
    const next = random(seed);
    const ids = new Set();
    store.reset();
    store.hello({ session: { id: `s${seed}`, start: at(0) }, now: new Date().toISOString() });
    store.apply({ seq: 1, lost: 0, events: [{ end: { at_ms: 5000, exit_code: 0 } }] });
    for (let i = 0; i < 40; i++) {
      if (next() < 0.4) settings(next);
      news(next, ids);
      if (next() < 0.3) await new Promise((r) => setTimeout(r, 1)); // some come while the last are being made
      if (next() < 0.5) await agree(`${i}: ${group.value} ${sort.value.by} ${filter.value}`);
    }
    await agree("at the end");
    assert.equal(shown.value.of, store.rows.length);
  });
}

test("what is shown knows where it is", async () => {
  batch(() => {
    group.value = "host";
    sort.value = { by: "id", down: false };
    filter.value = "";
    range.value = null;
  });
  await agree();
  const { key, rows } = lines.value[1].group;
  assert.equal(indexOf(key), 1);
  assert.equal(indexOf(rows[0].id), -1, "it is folded");
  unfolded.value = new Set([key]);
  await agree();
  assert.equal(indexOf(rows[0].id), 2);
  assert.equal(indexOf("host nobody"), -1);
  assert.equal(indexOf(0), -1);
});

test("lines that grow back to as many as there were are drawn", async () => {
  const add = (id) => { store.apply({ seq: 1, lost: 0, events: [{ exchange: exchange(id, () => 0.5) }] }); version.value = store.version; };
  store.reset();
  store.hello({ session: { id: "grow", start: at(0) }, now: new Date().toISOString() });
  store.apply({ seq: 1, lost: 0, events: [{ end: { at_ms: 5000, exit_code: 0 } }] });
  batch(() => { group.value = "request"; sort.value = { by: "id", down: false }; filter.value = ""; range.value = null; });
  for (const id of [3, 8, 9]) {
    add(id);
    await agree(`${id}`);
  }
  filter.value = "zip"; // 3 and 8 are
  await agree("two pass");
  add(13);
  await agree("three again");
});
