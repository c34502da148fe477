// What the tests of the page in a real browser share. TestBrowser (Go) starts them with
// the addresses of its viewers in the environment.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before } from "node:test";

const { chromium } = createRequire(`${process.env.MODTAP_E2E_MODULES}/`)("playwright-core");
export const { E2E_ENDED, E2E_LIVE, E2E_GROWS, E2E_HOSTILE } = process.env;

export let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: process.env.MODTAP_E2E_CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP evil.test 127.0.0.1"] });
});
after(() => browser?.close());

// open returns a page that fails the test for anything on the console and for any
// request that leaves the viewer.
export async function open(url, { width = 1400, height = 900, colorScheme = "light", setup } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme });
  const page = await context.newPage();
  const trouble = [];
  const { host } = new URL(url);
  page.on("console", (m) => trouble.push(`${m.type()}: ${m.text()}`));
  page.on("pageerror", (e) => trouble.push(`error: ${e.message}`));
  page.on("dialog", (d) => { trouble.push(`dialog: ${d.message()}`); d.dismiss(); });
  page.on("request", (r) => { if (new URL(r.url()).host !== host) trouble.push(`request to ${r.url()}`); });
  page.on("websocket", (w) => { if (new URL(w.url()).host !== host) trouble.push(`websocket to ${w.url()}`); });
  await setup?.(page);
  await page.goto(url);
  page.done = async () => {
    assert.deepEqual(trouble, []);
    await context.close();
  };
  return page;
}

export const ROWS = "#space .row:not([hidden])";
export const rows = (page) => page.locator(ROWS).count();
export const text = (page, selector) => page.locator(selector).textContent();
export const hash = (page) => page.evaluate(() => location.hash);
// rendered waits for the frame in which what was done last is shown.
export const rendered = (page) => page.evaluate(() => new Promise((r) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(r)), 150)));

// fake answers the page's websocket itself. It is called with (send, query, frames the
// page sent) and may be asked often.
export const fake = (script) => async (page) => {
  let n = 0;
  await page.route(/\/api\/(exchanges|conns)\?/, (r) => r.fulfill({ json: { exchanges: [], conns: [], next: 0 } })); // it has no recording
  await page.routeWebSocket(/\/events/, (ws) => {
    const said = [];
    ws.onMessage((m) => said.push(m));
    script(ws, n++, said, new URL(ws.url()).search);
  });
};
export const START = new Date(Date.now() - 60000).toISOString();
export const HELLO = JSON.stringify({ protocol: "modtap/1", session: { id: "a", mode: "run", argv: ["go", "build"], start: START }, now: new Date().toISOString() });
export const exchange = (id, more = {}) => ({ exchange: { id, method: "GET", url: `https://host.test/${id}`, start: START, status: 200, server: { wrote_headers_ms: 1, wrote_request_ms: 2, first_byte_ms: 30, end_ms: 50 }, done: true, ...more } });

export const focused = (page) => page.evaluate(() => document.activeElement?.id || document.activeElement?.className || document.activeElement?.tagName);
export const total = async (page) => Number((await text(page, "#t-requests")).replace(",", ""));

// session sends some events at once, and stays open.
export const session = (events) => fake((ws) => {
  ws.send(HELLO);
  ws.send(JSON.stringify({ seq: 1, events, lost: 0, snapshot: true }));
});

// reported answers /api/report with body; "": there is none.
export const reported = (body, asked = []) => (page) => page.route(/\/api\/report/, (r) => {
  asked.push(Date.now());
  return r.fulfill(body ? { contentType: "application/json", body } : { status: 204 });
});
export const both = (...setups) => async (page) => { for (const s of setups) await s(page); };
