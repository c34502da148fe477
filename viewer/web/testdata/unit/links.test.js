import assert from "node:assert/strict";
import { test } from "node:test";
import { Store } from "../../static/store.js";

const START = Date.UTC(2026, 10, 22, 1);
const at = (ms) => new Date(START + ms).toISOString();
const x = (id, start, url, more = {}) => ({ id, method: "GET", url, start: at(start), status: 200, done: true, server: { end_ms: 10 }, go: { kind: "info", module: "github.com/A/b", version: "v1.0.0" }, ...more });
const file = (base) => `https://${base}/github.com/!a/b/@v/v1.0.0.info`;
const make = (list) => {
  const s = new Store();
  s.hello({ session: { id: "a", start: at(0) }, now: new Date().toISOString() });
  s.apply({ seq: 1, lost: 0, events: list.map((exchange) => ({ exchange })) });
  return s;
};
const words = (s) => s.rows.map((row) => s.links.before(row)?.word ?? "");
const before = (s) => s.rows.map((row) => s.links.before(row)?.row.id ?? 0);
const after = (s) => s.rows.map((row) => s.links.after(row)?.id ?? 0);

const doubled = [x(1, 0, file("one.test"), { status: 404 }), x(2, 20, file("one.test"), { status: 404, parent: 1 })];

test("a 4xx and its repetition are a pair, whichever came first", () => {
  for (const list of [doubled, doubled.toReversed()]) {
    const s = make(list);
    assert.deepEqual(words(s), ["", "again"]);
    assert.deepEqual(before(s), [0, 1]);
    assert.deepEqual(after(s), [2, 0]);
  }
});

test("a redirect is no pair", () => {
  const s = make([x(1, 0, file("one.test"), { status: 302 }), x(2, 20, "https://storage.test/x", { parent: 1, go: { kind: "storage-zip" } })]);
  assert.deepEqual(words(s), ["", ""]);
  assert.deepEqual(s.followers(1).map((f) => f.id), [2]);
});

test("the next entries of GOPROXY are a chain, with the pairs inside", () => {
  const s = make([...doubled, x(3, 40, file("two.test"), { status: 410 }), x(4, 60, file("two.test"), { status: 410, parent: 3 }), x(5, 80, file("three.test"))]);
  assert.deepEqual(words(s), ["", "again", "fallback 2/3", "again", "fallback 3/3"]);
  assert.deepEqual(before(s), [0, 1, 2, 3, 4]);
  assert.deepEqual(after(s), [2, 3, 4, 5, 0]);
});

for (const [name, list] of [
  ["after a success there is no fallback", [x(1, 0, file("one.test")), x(2, 20, file("two.test"))]],
  ["nor after another failure", [x(1, 0, file("one.test"), { status: 500 }), x(2, 20, file("two.test"))]],
  ["nor to the same entry", [x(1, 0, file("one.test"), { status: 404 }), x(2, 20, file("one.test"))]],
  ["nor of what was asked at the same time", [x(1, 0, file("one.test"), { status: 404 }), x(2, 5, file("two.test"))]],
  ["nor of another file", [x(1, 0, file("one.test"), { status: 404 }), x(2, 20, file("two.test"), { go: { kind: "mod", module: "github.com/A/b", version: "v1.0.0" } })]],
  ["nor while the first is in flight", [x(1, 0, file("one.test"), { status: 404, done: false }), x(2, 20, file("two.test"))]],
]) {
  test(name, () => assert.deepEqual(words(make(list)), ["", ""]));
}

test("after all entries of GOPROXY the origin is asked, once", () => {
  const origin = (id, start, go, more) => x(id, start, `https://origin.test/${id}`, { go, ...more });
  const page = { kind: "go-get", module: "github.com/A/b" };
  const list = [
    x(1, 0, file("one.test"), { status: 404 }), x(2, 20, file("one.test"), { status: 404, parent: 1 }),
    x(3, 40, file("two.test"), { status: 410 }), x(4, 60, file("two.test"), { status: 410, parent: 3 }),
    origin(5, 5, page), // it began before the first answer
    origin(6, 80, page), origin(7, 100, { kind: "git-info-refs", repo: "https://github.com/A/b.git" }),
    origin(8, 120, { kind: "go-get", module: "github.com/A/other" }),
  ];
  const s = make(list);
  assert.deepEqual(words(s), ["", "again", "fallback 2/2", "again", "", "direct", "", ""]);
  assert.deepEqual(before(s), [0, 1, 2, 3, 0, 4, 0, 0]);
  assert.deepEqual(after(s), [2, 3, 4, 6, 0, 0, 0, 0]);
  const known = make([list[0], list[1], origin(3, 50, { kind: "git-info-refs", repo: "github.com/A/b" })]);
  assert.deepEqual(words(known), ["", "again", "direct"], "go knows where repositories of some hosts are");
  const page2 = (id, start, module) => origin(id, start, { kind: "go-get", module });
  const repo = (id, start) => origin(id, start, { kind: "git-info-refs", repo: "https://github.com/A/b.git" });
  const of404 = (id, below) => x(id, 0, `https://one.test/github.com/!a/b/${below}/@v/v1.0.0.info`, { status: 404, go: { kind: "info", module: `github.com/A/b/${below}`, version: "v1.0.0" } });
  for (const module of ["github.com/A/b/v2", "github.com/A/b/sub/deep/v3", "github.com/A/b.git/sub"]) {
    const of = (id, start) => x(id, start, `https://one.test/${module.replace("A", "!a")}/@v/v1.0.0.info`, { status: 404, go: { kind: "info", module, version: "v1.0.0" } });
    assert.deepEqual(words(make([of(1, 0), repo(2, 50), repo(3, 80)])), ["", "direct", ""], `${module} is below the root of its repository`);
    assert.deepEqual(after(make([of(1, 0), repo(2, 50)])), [2, 0], module);
    assert.deepEqual(words(make([of(1, 0), page2(2, 50, module), repo(3, 80)])), ["", "direct", ""], `${module}: its page was asked first`);
    assert.deepEqual(words(make([of(1, 0), page2(2, 50, "github.com/A/b"), origin(3, 80, { kind: "git-info-refs", repo: "github.com/A/bc" })])), ["", "", ""], `${module}: another page, another repository`);
    assert.deepEqual(words(make([of(1, 0), page2(2, 50, "github.com/A/b"), repo(3, 80)])), ["", "", "direct"], `${module}: the page of what it lies below is not its own`);
    assert.deepEqual(words(make([of(1, 0), repo(2, 50), page2(3, 80, module)])), ["", "direct", ""], `${module}: its page was asked second`);
  }
  const { links, rows } = make([of404(1, "x/a"), of404(2, "x/b"), repo(3, 50), repo(4, 80), repo(5, 90)]);
  let asked = 0;
  const refused = links.refused.bind(links);
  links.refused = (row) => (asked++, refused(row));
  assert.equal(links.direct(rows[1])?.id, 3);
  assert.equal(asked, 1, "whoever asked later is not looked at: there may be thousands");
  const had = make([x(1, 0, file("one.test")), origin(2, 50, page)]);
  assert.deepEqual(words(had), ["", ""], "the entry had it");
});
