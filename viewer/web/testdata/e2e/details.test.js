// The details of a request.

import assert from "node:assert/strict";
import { test } from "node:test";
import { E2E_ENDED, E2E_HOSTILE, ROWS, START, exchange, hash, open, rendered, session, text } from "./lib.js";

// whole answers /api/exchange/ID as the server does, and counts.
const whole = (more, seen = []) => (page) => page.route("**/api/exchange/*", (route) => {
  const id = Number(/exchange\/(\d+)/.exec(route.request().url())[1]);
  seen.push(id);
  route.fulfill({ json: { ...exchange(id).exchange, ...more } });
});

const HEADERS = {
  request: { header: [{ name: "Authorization", value: "Basic REDACTED" }, { name: "User-Agent", value: "Go-http-client/2.0 'quoted'" }], header_size: 90 },
  response: { header: [{ name: "Content-Type", value: "<b>text</b>" }], trailer: [{ name: "X-Checksum", value: "abc" }], header_size: 90, body_size: 0 },
};

test("details ask for the headers, and say what was hidden", async () => {
  const seen = [];
  const page = await open(`${E2E_ENDED}#x=1`, { setup: async (p) => {
    await whole(HEADERS, seen)(p);
    await session([exchange(1), exchange(2)])(p);
  } });
  await page.waitForSelector("#details .headers");
  assert.deepEqual(await page.locator("#details .headers").evaluateAll((l) => l.map((t) => t.getAttribute("aria-label"))), ["Response headers", "Response trailers", "Request headers"]);
  assert.equal(await text(page, "#details .redacted"), "Basic REDACTED");
  assert.equal(await text(page, "#details .tag"), "hidden by modtap");
  assert.match(await text(page, "#details"), /<b>text<\/b>/);
  await page.keyboard.press("j");
  await page.waitForFunction(() => location.hash === "#x=2");
  await page.keyboard.press("k");
  await page.waitForFunction(() => location.hash === "#x=1");
  await rendered(page);
  assert.deepEqual(seen.filter((id) => id === 1).length, 1, "the answer is kept");
  await page.done();
});

test("a request that the page does not have is asked for", async () => {
  const page = await open(`${E2E_ENDED}#x=77`, { setup: async (p) => {
    await whole({ ...HEADERS, url: "https://old.test/gone" })(p);
    await p.route("**/api/exchanges?*", (route) => route.fulfill({ json: { exchanges: [], next: 0 } }));
    await session([exchange(100)])(p);
  } });
  await page.waitForSelector("#details .url");
  assert.equal(await text(page, "#details .url"), "https://old.test/gone");
  await page.done();
});

test("both legs, TLS and TCP with what is not known", async () => {
  const conn = { conn: { id: 3, target: "h:443", scheme: "https", start: START, exchanges: 4, marks: {}, bytes_in: 1, bytes_out: 1,
    tls: { version: "TLS 1.3", suite: "TLS_AES_128_GCM_SHA256", alpn: "h2", issuer: "CN=Test CA", resumed: true, verdict: "expired" },
    tcp: { samples: 2, rtt_ms: 34.5, rttvar_ms: -1e-6, min_rtt_ms: 30, max_rtt_ms: 40, retrans: 2, syn_retrans: 1, reordered: -1, rwnd_limited_ms: -1e-6, sndbuf_limited_ms: 0 } } };
  const x = exchange(1, { conn: 3, client: { got_conn_ms: 1, first_byte_ms: 31, last_byte_ms: 49, end_ms: 50 }, client_blocked_ms: 12, overhead_ms: 0.2, injected_ms: 7 });
  const page = await open(`${E2E_ENDED}#x=1`, { setup: async (p) => {
    await whole(HEADERS)(p);
    await session([conn, x])(p);
  } });
  await page.waitForSelector("#details .tcp");
  const all = await text(page, "#details");
  for (const want of [/first byte given\s*31 ms\s*30 ms/, /held by the client12 ms/, /modtap's own time0\.20 ms/, /delay added by rules7\.0 ms/, /resumedyes/, /issuerCN=Test CA/, /verifiedno: expired/, /RTT\s*35 ms|RTT\s*34 ms/, /SYNs sent again\s*1 SYN/, /RTT variation\s*not measured/, /out of order\s*not measured/]) assert.match(all, want);
  const bars = await page.locator("#details .track .seg").evaluateAll((l) => l.map((e) => e.getBoundingClientRect().width));
  assert.ok(bars.length >= 6 && bars.every((w) => w > 0), String(bars));
  await page.click("#details .facts .link");
  await rendered(page);
  assert.equal(await page.inputValue("#filter"), "conn:3");
  await page.done();
});

test("bodies have colours, JSON its lines, a zip its files", async () => {
  const page = await open(`${E2E_ENDED}#x=1`);
  await page.waitForSelector("#details pre .t-verb");
  assert.match(await text(page, "#details pre"), /^module /);
  await page.fill("#filter", ".info");
  await rendered(page);
  await page.locator(ROWS).first().click();
  await page.waitForSelector("#details pre .t-key");
  assert.match(await text(page, "#details pre"), /^{\n {2}"Version": "v/);
  await page.done();

  const zipped = await open(`${E2E_ENDED}#x=1`, { setup: async (p) => {
    await whole(HEADERS)(p);
    await p.route("**/api/body/1?as=zip", (route) => route.fulfill({ json: { files: Array.from({ length: 250 }, (_, i) => ({ name: `x@v1/<b>${i}`, size: 1000, packed: 400, modified: "2025-01-01T00:00:00Z" })), of: 300 } }));
    await session([exchange(1, { go: { kind: "zip", module: "x", version: "v1" }, response: { mime: "application/zip", kept: true, body_size: 5000 } })])(p);
  } });
  await zipped.waitForSelector("#details .zip");
  assert.equal(await zipped.locator("#details .zip tbody tr").count(), 200);
  await zipped.click("text=show all 250");
  assert.equal(await zipped.locator("#details .zip tbody tr").count(), 250);
  assert.match(await text(zipped, "#details"), /300 files.*50 more are not listed/s);
  assert.match(await text(zipped, "#details .zip td >> nth=0"), /^x@v1\/<b>0$/);
  await zipped.done();
});

test("a body that modtap does not unpack to its end says so", async () => {
  for (const [headers, want] of [
    [{}, "37.9 kB more: save it to see all"],
    [{ "X-Modtap-Cut": "300000" }, "37.9 kB more: save it to see the first 300 kB of it, unpacked; no more is unpacked here"],
  ]) {
    const page = await open(`${E2E_ENDED}#x=1`, { setup: async (p) => {
      await whole(HEADERS)(p);
      await p.route("**/api/body/1*", (route) => route.fulfill({ body: "x".repeat(300000), headers }));
      await session([exchange(1, { response: { mime: "text/plain", kept: true, body_size: 5000, encoding: "gzip" } })])(p);
    } });
    await page.waitForFunction(() => document.querySelector("#details pre")?.textContent.length > 1000);
    assert.equal((await text(page, "#details pre")).split("… ")[1], want);
    await page.done();
  }
});

test("copy as curl and copy link", async () => {
  const page = await open(`${E2E_ENDED}#x=1`, { setup: async (p) => {
    await p.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await whole(HEADERS)(p);
    await session([exchange(1)])(p);
  } });
  await page.waitForSelector("#details .headers");
  await page.click("text=copy as curl");
  await page.waitForSelector(".notice");
  const clip = () => page.evaluate(() => navigator.clipboard.readText());
  assert.equal(await clip(), "# left out, because their values are redacted: Authorization\ncurl --globoff -H 'User-Agent: Go-http-client/2.0 '\\''quoted'\\''' --url https://host.test/1");
  await page.keyboard.press("l");
  await page.waitForFunction(() => document.querySelector(".notice")?.textContent.includes("link"));
  assert.equal(await clip(), `${new URL(page.url()).origin}/#x=1`);
  await page.done();
});

test("a finding that names a request leads to the others", async () => {
  const page = await open(`${E2E_ENDED}#x=201`);
  await page.waitForSelector("#details .links .link");
  await page.click("#details .links .link");
  await rendered(page);
  assert.equal(await page.locator(".row.evidence").count(), 2);
  await page.keyboard.press("]");
  await rendered(page);
  assert.equal(await text(page, "#details header .dim >> nth=0"), "#202");
  await page.done();
});

test("recorded bytes are text in the details, the filter and the banner", async () => {
  const page = await open(`${E2E_HOSTILE}#x=1`);
  await page.waitForSelector("#details .headers");
  await page.fill("#filter", "<img src=x onerror=window.pwned=1>");
  await rendered(page);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.keyboard.press("c");
  await page.waitForSelector(".notice");
  assert.match(await text(page, ".notice"), /No curl command/);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await page.locator("img:not(.logo), iframe, main svg, main script").count(), 0);
  await page.done();
});
