import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileName } from "../../static/export.js";
import { list, percent, quantity } from "../../static/findings.js";
import { Bins } from "../../static/load.js";
import { keyed, moved } from "../../static/overview.js";
import { Scale } from "../../static/scale.js";
import { explain, peakRate } from "../../static/strip.js";

const golden = JSON.parse(readFileSync(new URL("../../../report/testdata/report-corporate.json.golden", import.meta.url)));

test("findings are the report's, and until the end those that came since", () => {
  const ids = (made, events, ended) => list(made, new Map(events.map((f) => [f.id, f])), ended).map((f) => f.id);
  const late = { id: "no-reuse", severity: "warn", title: "t", cost_ms: 5 };
  const worse = { id: "forbidden", severity: "bad", title: "t", cost_ms: 1, remedy: "do", commands: ["this"] };
  const known = { id: "slow-404", severity: "bad", title: "older words", cost_ms: 1 };
  const said = golden.findings.map((f) => f.id);
  assert.deepEqual(ids(golden, [late, worse, known], false), [...said, "forbidden", "no-reuse"]);
  assert.deepEqual(ids(golden, [late, worse, known], true), said, "the report of the end is the last word");
  assert.deepEqual(ids(null, [late, worse], true), ["forbidden", "no-reuse"]);
  assert.deepEqual(ids(null, [], true), []);
  assert.deepEqual(list(null, new Map([[worse.id, worse]]), false)[0].remedy, { text: "do", commands: ["this"] });
});

test("shares and numbers are words", () => {
  assert.deepEqual([0, 0.0009, 0.001, 0.0149, 0.0994, 0.0996, 0.5, 1].map(percent), ["0 %", "< 0.1 %", "0.1 %", "1.5 %", "9.9 %", "10 %", "50 %", "100 %"]);
  assert.deepEqual([quantity(23200, "ms"), quantity(1500, "B"), quantity(2e6, "B/s"), quantity(2, ""), quantity(0.123456, "per request"), quantity(0.6638, "share")],
    ["23.2 s", "1.5 kB", "2.0 MB/s", "2", "0.1235 per request", "66 %"]);
});

test("an export is named after its recording", () => {
  assert.equal(fileName("modtap-20261122-143000.har", "", "requests"), "modtap-20261122-143000-requests.csv");
  assert.equal(fileName("a.har.gz", "", "hosts"), "a-hosts.csv");
  assert.equal(fileName("", "2026-11-22T01:02:03.4Z", "modules"), "modtap-20261122-010203-modules.csv");
});

const scale = new Scale(0, 1000);
const keys = [
  { key: "+", r: null, want: [250, 750] },
  { key: "+", r: [400, 600], want: [450, 550] },
  { key: "-", r: [400, 600], want: [300, 700] },
  { key: "-", r: [0, 900], want: [0, 1000] },
  { key: "ArrowRight", r: [400, 600], want: [420, 620] },
  { key: "ArrowRight", shift: true, r: [400, 600], want: [500, 700] },
  { key: "ArrowRight", r: [795, 995], want: [800, 1000] },
  { key: "ArrowLeft", r: [10, 210], want: [0, 200] },
  { key: "Home", r: [400, 600], want: [0, 200] },
  { key: "End", r: [400, 600], want: [800, 1000] },
  { key: "ArrowLeft", r: null, want: null },
  { key: "0", r: [400, 600], want: null },
  { key: "j", r: [400, 600], want: undefined },
];
test("keys move the part of the run that is shown", () => {
  for (const { key, shift, r, want } of keys) assert.deepEqual(keyed(key, shift, r, scale), want, `${key} of ${r}`);
  assert.deepEqual(moved([0, 100], 5000, scale), [900, 1000]);
});

test("the strip says what it shows", () => {
  const bins = new Bins();
  bins.add({ from: 0, to: 100, first: 50, size: 5000 });
  bins.add({ from: 40, to: 100, first: 100, size: 0 });
  const at = (ms, more = {}) => explain(ms, { bins, gaps: [{ from: 100, to: 2200 }], links: [], mode: "run", ...more });
  assert.deepEqual(at(60), ["2.0 in flight · 100 kB/s", "averages over 1.0 ms"]);
  assert.deepEqual(at(20)[0], "1.0 in flight · 0 B/s");
  assert.match(at(1000)[0], /^2.10 s without a request$/);
  assert.match(at(1000)[1], /own work, or waited for what modtap does not see/);
  const links = [{ from_ms: 100, to_ms: 2200, what: "unzip k8s.io/api@v0.34.1", bucket: "go" }];
  assert.deepEqual(at(1000, { links }).slice(1), ["critical path: unzip k8s.io/api@v0.34.1, mostly go"]);
  assert.deepEqual(at(1000, { mode: "serve" }).length, 1, "nothing is said of a command that does not run");
});

test("a rate is one over 100 ms at least", () => {
  const bins = new Bins();
  bins.add({ from: 0, to: 10, first: 0, size: 1000 });
  assert.deepEqual(peakRate(bins), { rate: 10000, over: 100, at: 10 - 100 });
  bins.fit(1e6);
  assert.equal(peakRate(bins).over, bins.width);
});
