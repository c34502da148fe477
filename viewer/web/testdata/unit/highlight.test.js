import assert from "node:assert/strict";
import { test } from "node:test";
import { goMod, json, tokens } from "../../static/highlight.js";

const join = (list) => list.map(([, text]) => text).join("");
const of = (list, kind) => list.filter(([k]) => k === kind).map(([, text]) => text);

const MOD = `// Deprecated: use v2.
module example.test/shop // the shop

go 1.24.0
toolchain go1.26.8
godebug default=go1.21

require (
\tgolang.org/x/sys v0.49.0
\tgithub.com/davecgh/go-spew v1.1.2-0.20180830191138-d8f796af33cc // indirect
\t"quoted.test/path" v1.0.0+incompatible
\tmodule.test/require v1.0.0
)
replace golang.org/x/net v0.1.0 => ../net
retract [v1.0.0, v1.9.9]
tool golang.org/x/tools/cmd/stringer
`;

test("a go.mod is cut into words without losing any", () => {
  const list = goMod(MOD);
  assert.equal(join(list), MOD);
  assert.deepEqual(of(list, "verb"), ["module", "go", "toolchain", "godebug", "require", "replace", "retract", "tool"]);
  assert.deepEqual(of(list, "version"), ["1.24.0", "go1.26.8", "v0.49.0", "v1.1.2-0.20180830191138-d8f796af33cc", "v1.0.0+incompatible", "v1.0.0", "v0.1.0", "v1.0.0", "v1.9.9"]);
  assert.deepEqual(of(list, "comment"), ["// Deprecated: use v2.", "// the shop", "// indirect"]);
  assert.deepEqual(of(list, "string"), ['"quoted.test/path"']);
  assert.ok(of(list, "path").includes("module.test/require"));
  assert.ok(of(list, "mark").includes("=>"));
});

test("whatever a server sends as go.mod stays whole", () => {
  for (const text of ["", "\n", "(", '"', "`", '"a\n"', "module \"x\ny", "a//b", "https://x.test//y=>z", "\r\nmodule x\r\n", "\u0000\ufffd", "require(\nx v1", "=>=>", "module\tx", "<script>alert(1)</script>", '"\\', "/", "é ü\u2028x"]) {
    assert.equal(join(goMod(text)), text, JSON.stringify(text));
  }
});

test("a text of any characters stays whole", () => {
  const letters = 'mv1."`/=>()[],\\ \t\n\rx';
  let seed = 7;
  const next = (n) => { seed = (seed * 1103515245 + 12345) % 2147483648; return seed % n; };
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: next(30) }, () => letters[next(letters.length)]).join("");
    assert.equal(join(goMod(text)), text, JSON.stringify(text));
  }
});

test("JSON is put on lines, its values as they were written", () => {
  const text = '{"Version":"v1.2.3","n":12345678901234567890,"e":1.0e-5,"ok":true,"none":null,"a":[],"o":{},"list":[1,{"x":"a:b,{}"}]}';
  const list = json(text);
  assert.equal(join(list), `{
  "Version": "v1.2.3",
  "n": 12345678901234567890,
  "e": 1.0e-5,
  "ok": true,
  "none": null,
  "a": [],
  "o": {},
  "list": [
    1,
    {
      "x": "a:b,{}"
    }
  ]
}`);
  assert.deepEqual(of(list, "key"), ['"Version"', '"n"', '"e"', '"ok"', '"none"', '"a"', '"o"', '"list"', '"x"']);
  assert.deepEqual(of(list, "number"), ["12345678901234567890", "1.0e-5", "1"]);
  assert.deepEqual(of(list, "word"), ["true", "null"]);
  assert.deepEqual(of(list, "string"), ['"v1.2.3"', '"a:b,{}"']);
});

test("indented JSON means the same", () => {
  for (const text of ['{"a":"\\"\\\\","b":[[[]]]}', '"x"', "-1.5", "null", '{"":""}', ' { "k" : [ 1 , 2 ] } ', '["\\u2028","}{,:"]']) {
    assert.deepEqual(JSON.parse(join(json(text))), JSON.parse(text), text);
  }
});

test("what is no JSON is left alone, and a deep one does not grow without end", () => {
  for (const text of ["", "{", "{a:1}", "not found: x", '{"a":1}{"b":2}']) assert.equal(json(text), null, text);
  const deep = `${"[".repeat(2000)}1${"]".repeat(2000)}`;
  const list = json(deep);
  assert.ok(list === null || join(list).length < 1 << 20);
  const wide = `${"[".repeat(60)}${Array(100000).fill(1)}${"]".repeat(60)}`;
  assert.equal(json(wide), null, "indenting it would take megabytes");
});

test("what a body is decides how it is read, and only so many words are told apart", () => {
  assert.ok(tokens("module x\n", { kind: "mod" }).some(([k]) => k === "verb"));
  assert.ok(tokens("module x\n", { url: "u/@v/v1.0.0.mod" }).some(([k]) => k === "verb"));
  assert.ok(tokens('{"a":1}', { mime: "application/json" }).some(([k]) => k === "key"));
  assert.ok(tokens('{"a":1}', { mime: "text/plain" }).some(([k]) => k === "key"), "go's proxy calls it text");
  assert.deepEqual(tokens("module x", { mime: "text/plain" }), [["", "module x"]]);
  assert.deepEqual(tokens("{not json", { mime: "application/json" }), [["", "{not json"]]);
  const long = "require x v1.0.0\n".repeat(5000);
  const list = tokens(long, { kind: "mod" }, 100);
  assert.equal(list.length, 101);
  assert.equal(join(list), long);
});
