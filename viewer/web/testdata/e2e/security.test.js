// What a page of another origin can do to a viewer that the same browser has open: nothing.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { E2E_ENDED, browser, open, ROWS } from "./lib.js";

const { host, port } = new URL(E2E_ENDED);
const PATHS = ["/", "/events", "/api/recording", "/api/recording.har", "/api/report", "/api/exchange/1", "/api/exchanges", "/api/body/1", "/api/nothing"];

// stranger is another origin: a page on another port of this machine.
let stranger, strangerURL;
before(async () => {
  stranger = createServer((req, res) => { res.setHeader("Content-Type", "text/html"); res.end("<!doctype html><title>stranger</title>"); });
  await new Promise((r) => stranger.listen(0, "127.0.0.1", r));
  strangerURL = `http://127.0.0.1:${stranger.address().port}/`;
});
after(() => stranger?.close());

// attack runs in the stranger's page: it tries to read every path by fetch and by tag,
// and to open the websocket, and returns whatever it got.
async function attack([target, paths]) {
  const got = [];
  for (const path of paths) {
    for (const mode of ["cors", "no-cors"]) {
      try {
        const r = await fetch(target + path, { credentials: "include", mode });
        const body = await r.text();
        if (r.status === 200 || body) got.push(`${mode} ${path}: ${r.type} ${r.status} ${body.slice(0, 40)}`);
      } catch { /* refused, as it should be */ }
    }
    const tag = await new Promise((done) => {
      const script = document.createElement("script");
      script.src = target + path;
      script.onload = () => done("loaded");
      script.onerror = () => done("");
      document.head.append(script);
    });
    if (tag) got.push(`script ${path}`);
  }
  const opened = await new Promise((done) => {
    const ws = new WebSocket(`${target.replace("http", "ws")}/events`);
    ws.onopen = () => done(true);
    ws.onerror = () => done(false);
  });
  if (opened) got.push("websocket");
  try {
    const r = await fetch(`${target}/api/recordings`, { method: "POST", body: "{}", credentials: "include", mode: "no-cors" });
    if (r.type !== "opaque") got.push(`POST: ${r.status}`);
  } catch { /* refused */ }
  return got;
}

test("another origin reads nothing, while the viewer is open in the next tab", async () => {
  const viewer = await open(E2E_ENDED);
  await viewer.waitForSelector(ROWS);
  const page = await viewer.context().newPage();
  await page.goto(strangerURL);
  const target = `http://${host}`;
  assert.deepEqual(await page.evaluate(attack, [target, PATHS]), []);
  // and framed it shows nothing
  await page.evaluate((src) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.src = src;
    frame.onload = done;
    document.body.append(frame);
  }), target);
  const framed = page.frames().find((f) => f !== page.mainFrame());
  assert.equal(await framed.locator("#main").count(), 0);
  // the viewer's own page still reads them, so it was not a closed door that was tested
  const own = await viewer.evaluate(async () => (await fetch("/api/recording")).status);
  assert.equal(own, 200);
  await viewer.done();
});

test("a name that was rebound to this address is refused", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const { search } = new URL(E2E_ENDED);
  for (const path of [...PATHS, "/main.js"]) {
    const r = await page.goto(`http://evil.test:${port}${path}${search}`);
    assert.equal(r.status(), 403, path);
    assert.equal(await r.text(), "forbidden\n", path);
  }
  const opened = await page.evaluate((url) => new Promise((done) => {
    const ws = new WebSocket(url);
    ws.onopen = () => done(true);
    ws.onerror = () => done(false);
  }), `ws://evil.test:${port}/events${search}`);
  assert.equal(opened, false);
  await context.close();
});

test("a wrong token and none are told the same, and nothing else", async () => {
  const context = await browser.newContext();
  const answers = new Set();
  for (const path of PATHS) {
    for (const query of ["", "?token=", "?token=wrong", "?token=demo1", "?token=dem"]) {
      const r = await context.request.get(`http://${host}${path}${query}`);
      answers.add(`${r.status()} ${await r.text()}`);
    }
  }
  assert.deepEqual([...answers], ["403 forbidden\n"]);
  await context.close();
});
