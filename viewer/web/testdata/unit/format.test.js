import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, duration, failed, fit, fullName, instant, isRedacted, kind, name, place, shortVersion, status } from "../../static/format.js";

const table = (f, rows) => rows.forEach(([input, want]) => assert.deepEqual(f(input), want, JSON.stringify(input)));

test("durations have three digits that matter", () => {
  table(duration, [
    [undefined, "–"], [-1, "–"], [NaN, "–"], [0, "0 ms"], [0.000001, "<0.01 ms"], [0.42, "0.42 ms"], [0.9996, "1.0 ms"],
    [4.2, "4.2 ms"], [9.96, "10 ms"], [412.3, "412 ms"], [999.6, "1.00 s"], [1240, "1.24 s"], [9996, "10.0 s"],
    [41300, "41.3 s"], [59960, "1m00s"], [125000, "2m05s"], [3599600, "1h00m"], [7260000, "2h01m"],
  ]);
});

test("sizes count in thousands", () => {
  table(bytes, [[undefined, "–"], [-1, "–"], [0, "0 B"], [812, "812 B"], [999, "999 B"], [1000, "1.0 kB"], [36600000, "36.6 MB"], [999960, "1.0 MB"], [123456789, "123 MB"], [5e15, "5000 TB"]]);
});

test("instants keep what is below a millisecond", () => {
  assert.equal(instant("2026-11-22T01:02:03Z"), Date.UTC(2026, 10, 22, 1, 2, 3));
  assert.ok(Math.abs(instant("2026-11-22T01:02:03.123456789Z") - Date.UTC(2026, 10, 22, 1, 2, 3) - 123.456789) < 0.001);
  assert.equal(instant("2026-11-22T03:02:03.5+02:00"), Date.UTC(2026, 10, 22, 1, 2, 3) + 500);
  assert.ok(Number.isNaN(instant("yesterday")));
  assert.ok(Number.isNaN(instant(undefined)));
});

test("an exchange is called by its module, or by where it went", () => {
  table(fullName, [
    [{ go: { kind: "zip", module: "github.com/spf13/cobra", version: "v1.10.2" }, url: "https://x.test/y" }, "github.com/spf13/cobra@v1.10.2"],
    [{ go: { kind: "list", module: "rsc.io/quote" } }, "rsc.io/quote"],
    [{ go: { kind: "sumdb-tile", extra: "sum.golang.org/tile/8/0/001" } }, "sum.golang.org/tile/8/0/001"],
    [{ go: { kind: "git-info-refs", repo: "github.com/a/b" } }, "github.com/a/b"],
    [{ method: "GET", url: "https://user@host.test:8443/a/b?c=d#e" }, "/a/b?c=d"],
    [{ method: "GET", url: "https://host.test" }, "/"],
    [{ method: "CONNECT", url: "https://host.test:8443/" }, "host.test:8443"],
    [{ url: "nonsense" }, "nonsense"],
    [{}, ""],
  ]);
  assert.deepEqual(place({ method: "GET", url: "https://user@host.test:8443/a" }), { host: "host.test:8443", path: "/a" });
});

test("a long name loses its beginning, and only then the end of its version", () => {
  const of = (n, room) => Object.values(fit(n, room)).join("");
  const cobra = name({ go: { module: "github.com/spf13/cobra", version: "v1.10.2" } });
  assert.equal(of(cobra, 40), "github.com/spf13/cobra@v1.10.2");
  assert.equal(of(cobra, 25), "…/spf13/cobra@v1.10.2");
  assert.equal(of(cobra, 17), "…13/cobra@v1.10.2");
  const pseudo = name({ go: { module: "github.com/spf13/cobra", version: "v0.0.2-0.20180830191138-2da4a54c5cee" } });
  assert.equal(of(pseudo, 36), "…/spf13/cobra@v0.0.2-0.…2da4a54c5cee");
  assert.equal(of(pseudo, 30), "…13/cobra@v0.0.2-0.…2da4a54c5…");
  for (let room = 10; room < 60; room++) assert.ok(of(pseudo, room).length <= room, `${of(pseudo, room)} in ${room}`);
  assert.equal(of({ head: "", tail: "/a/very/long/path", version: "" }, 12), "…y/long/path");
  assert.equal(shortVersion("v0.0.0-20251022180443-0feb69152e9f"), "v0.0.0-…0feb69152e9f");
  assert.equal(shortVersion("v1.1.2-0.20180830191138-d8f796af33cc+incompatible"), "v1.1.2-0.…d8f796af33cc+incompatible");
  assert.equal(shortVersion("v1.2.3-rc.1"), "v1.2.3-rc.1");
});

test("status and kind", () => {
  table(status, [[{ status: 200 }, "200"], [{ status: 0 }, "…"], [{ status: 0, done: true }, "–"], [{ status: 0, error: { op: "tls" } }, "tls"], [{ status: 200, error: { op: "read" } }, "200 read"]]);
  table(kind, [[{ go: { kind: "zip" } }, "zip"], [{ method: "POST" }, "post"], [{}, ""]]);
});

test("redacted values are recognised", () => {
  table(isRedacted, [["Basic REDACTED", true], ["gzip", false], ["***", true]]);
});

test("failed is what is:failed finds: an error, a status from 400 on, or no answer", () => {
  for (const [x, want] of [
    [{ done: true, status: 200 }, false], [{ done: true, status: 404 }, true], [{ status: 0 }, false],
    [{ done: true, status: 0 }, true], [{ done: true, status: 200, error: { op: "read" } }, true],
  ]) assert.equal(failed(x), want, JSON.stringify(x));
});
