import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { curl, quote } from "../../static/curl.js";

// run gives a command to a real shell in which curl prints its arguments, and returns them.
function run(text) {
  const out = execFileSync("sh", ["-c", `curl() { for a; do printf '%s\\0' "$a"; done; }\n${text}`], { encoding: "utf8" });
  return out.split("\0").slice(0, -1);
}

const get = (more = {}) => ({ method: "GET", proto: "HTTP/2.0", url: "https://proxy.test/x/@v/list", ...more });

// With sh, what a recorded text does is what it says: it is one argument, or is left out.
const HOSTILE = ["'; touch /tmp/pwned; '", "$(id)", "`id`", "a b", "\\", "\"", "''", "!x", "*", "~", "#x", "é\u2028", "%0a", "$HOME", "-o/tmp/x", "@/etc/passwd", "{a,b}", "[1-9]", ""];

test("a word is one argument, whatever is in it", () => {
  for (const word of [...HOSTILE, "line\nbreak", "tab\t"]) assert.deepEqual(run(`curl ${quote(word)}`), [word], JSON.stringify(word));
});

test("addresses and values of headers are text", () => {
  for (const word of HOSTILE) {
    const { text } = curl(get({ url: `https://x.test/${word}`, request: { header: [{ name: "X", value: word }] } }));
    assert.deepEqual(run(text), ["--globoff", "-H", word === "" ? "X;" : `X: ${word}`, "--url", `https://x.test/${word}`], JSON.stringify(word));
  }
});

test("headers of the connection, bad names and line breaks stay out", () => {
  const header = ["Connection", "Content-Length", "Proxy-Authorization", "bad name", "@/etc/passwd", "", "X\nY", "ok"].map((name) => ({ name, value: "v" }));
  header.push({ name: "Split", value: "a\r\nHost: evil" });
  assert.deepEqual(run(curl(get({ request: { header } })).text), ["--globoff", "-H", "ok: v", "--url", "https://proxy.test/x/@v/list"]);
});

test("what is redacted is left out, and a comment says so", () => {
  const { text } = curl(get({
    url: "https://x.test/a?token=REDACTED",
    request: { header: [{ name: "Authorization", value: "Basic REDACTED" }, { name: "User-Agent", value: "Go-http-client/2.0" }, { name: "X`id`", value: "REDACTED" }] },
  }));
  const lines = text.split("\n");
  assert.equal(lines[0], "# left out, because their values are redacted: Authorization");
  assert.match(lines[1], /^# parts of the address are redacted/);
  assert.equal(lines.length, 3);
  assert.ok(!text.includes("Basic"));
  assert.deepEqual(run(text), ["--globoff", "-H", "User-Agent: Go-http-client/2.0", "--url", "https://x.test/a?token=REDACTED"]);
});

test("the coding, the protocol and HEAD are kept", () => {
  assert.deepEqual(run(curl(get({ request: { header: [{ name: "Accept-Encoding", value: "gzip" }] } })).text), ["--globoff", "--compressed", "-H", "Accept-Encoding: gzip", "--url", "https://proxy.test/x/@v/list"]);
  assert.deepEqual(run(curl(get({ method: "HEAD", proto: "HTTP/1.1" })).text), ["--globoff", "--head", "--http1.1", "--url", "https://proxy.test/x/@v/list"]);
});

test("what cannot be sent again has a reason", () => {
  for (const x of [get({ method: "POST" }), get({ method: "CONNECT" }), get({ url: "file:///etc/passwd" }), get({ url: "javascript:x" }), get({ url: "https:///x" }), get({ url: "https://x.test/\u0000" }), get({ url: "https://x.test/\n# x" })]) {
    const got = curl(x);
    assert.equal(got.text, undefined);
    assert.ok(got.error.length > 10);
  }
});

// The terminal viewer makes the same commands: its tests read the same file.
test("the commands are those of testdata/curl.json", () => {
  const vectors = JSON.parse(readFileSync(new URL("../curl.json", import.meta.url), "utf8"));
  assert.ok(vectors.length > 10);
  for (const { name, exchange, text, error } of vectors) {
    const got = curl(exchange);
    assert.deepEqual({ text: got.text, error: got.error }, { text, error }, name);
  }
});
