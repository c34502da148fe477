// The table in a real browser: groups, folding, sorting, what belongs together, the
// critical path, and requests that only the recording has.

import assert from "node:assert/strict";
import { test } from "node:test";
import { E2E_ENDED, E2E_HOSTILE, HELLO, ROWS, START, exchange, fake, open, rendered, rows, text } from "./lib.js";

const GROUP = "#space .row.group:not([hidden])";
const REQUEST = "#space .row:not(.group):not([hidden])";
const time = (ms) => new Date(Date.parse(START) + ms).toISOString();
const ids = (page) => page.$$eval(REQUEST, (list) => list.sort((a, b) => a.getBoundingClientRect().y - b.getBoundingClientRect().y).map((r) => r.querySelector(".id").textContent));
const titles = (page) => page.$$eval(GROUP, (list) => list.sort((a, b) => a.getBoundingClientRect().y - b.getBoundingClientRect().y).map((r) => r.querySelector(".tail").textContent));

// session opens the page on exchanges that a test makes up.
const session = (list, more = []) => open(E2E_ENDED, { setup: fake((ws) => {
  ws.send(HELLO);
  ws.send(JSON.stringify({ seq: 9, events: [...list, ...more, { end: { at_ms: 1000, exit_code: 0 } }], lost: 0, snapshot: true }));
}) });

const file = (id, base, at, more) => exchange(id, { url: `https://${base}/example.test/m/@v/v1.0.0.info`, start: time(at), go: { kind: "info", module: "example.test/m", version: "v1.0.0" }, ...more });

test("groups sum up, fold and unfold", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  const total = Number(await text(page, "#t-requests"));
  await page.selectOption("#group", "module");
  await page.waitForSelector(GROUP);
  await rendered(page);
  assert.equal(await page.locator(REQUEST).count(), 0, "all are folded");
  assert.equal(await page.getAttribute("#scroll", "role"), "treegrid");
  const perks = page.locator(GROUP, { hasText: "github.com/beorn7/perks" });
  assert.match(await perks.textContent(), /4 requests.*over \d\.\d+ s.*\d ms/);
  assert.equal(await perks.getAttribute("aria-expanded"), "false");
  await perks.click();
  await rendered(page);
  assert.equal(await perks.getAttribute("aria-expanded"), "true");
  assert.equal(await page.locator(REQUEST).count(), 4);
  assert.deepEqual(await page.$$eval(`${REQUEST} .kind`, (l) => l.map((e) => e.textContent).sort()), ["info", "mod", "sumdb-lookup", "zip"]);
  await perks.click();
  await rendered(page);
  assert.equal(await page.locator(REQUEST).count(), 0);
  const counted = await page.evaluate(async () => (await import("/lines.js")).lines.value.reduce((n, l) => n + l.group.count, 0));
  assert.equal(counted, total, "every request is in one group");
  for (const by of ["host", "connection", "step"]) {
    await page.selectOption("#group", by);
    await rendered(page);
    assert.ok((await page.locator(GROUP).count()) >= 1, by);
  }
  await page.done();
});

test("a group's bar is painted where its requests were", async () => {
  const page = await session([
    exchange(1, { start: time(0), server: { wrote_headers_ms: 1, wrote_request_ms: 2, first_byte_ms: 100, end_ms: 200 } }),
    exchange(2, { start: time(600), server: { wrote_headers_ms: 1, wrote_request_ms: 2, first_byte_ms: 100, end_ms: 200 } }),
  ]);
  await page.waitForSelector(ROWS);
  await page.selectOption("#group", "host");
  await page.waitForSelector(GROUP);
  await rendered(page);
  assert.equal(await text(page, `${GROUP} .over`), "over 800 ms");
  assert.deepEqual(await page.locator(`${GROUP} .num`).allTextContents().then((l) => l.slice(-1)), ["400 ms"], "busy");
  const painted = await page.$eval(`${GROUP} canvas`, (c) => {
    const y = Math.floor(c.height / 2);
    const { data } = c.getContext("2d").getImageData(0, y, c.width, 1);
    const at = (ms) => data.slice(Math.round((ms / 1005) * c.width) * 4).slice(0, 4).join(" ");
    return { wait: at(50), receive: at(150), gap: at(400), wait2: at(650), receive2: at(750), after: at(900) };
  });
  assert.equal(painted.gap, "0 0 0 0");
  assert.equal(painted.after, "0 0 0 0");
  assert.equal(painted.wait, painted.wait2);
  assert.equal(painted.receive, painted.receive2);
  assert.notEqual(painted.wait, painted.receive);
  await page.done();
});

test("a bar is that of its own group, however one scrolls", async () => {
  const page = await session(Array.from({ length: 300 }, (_, i) => exchange(i + 1, { url: `https://h${i}.test/`, start: time(i * 3), server: { wrote_headers_ms: 1, wrote_request_ms: 2, first_byte_ms: 20, end_ms: 40 } })));
  await page.waitForSelector(ROWS);
  await page.selectOption("#group", "host");
  await page.waitForSelector(GROUP);
  for (const top of [0, 3000, 6000, 500]) {
    await page.evaluate((y) => { document.getElementById("scroll").scrollTop = y; }, top);
    await rendered(page);
    const bars = await page.$$eval(GROUP, (list) => list.map((r) => {
      const c = r.querySelector("canvas");
      const copy = Object.assign(document.createElement("canvas"), { width: c.width, height: c.height }).getContext("2d", { willReadFrequently: true });
      copy.drawImage(c, 0, 0);
      const { data } = copy.getImageData(0, Math.floor(c.height / 2), c.width, 1);
      let first = 0;
      while (first < c.width && data[first * 4 + 3] === 0) first++;
      return [Number(/h(\d+)/.exec(r.textContent)[1]), (first / c.width) * 1005];
    }));
    assert.ok(bars.length > 10);
    for (const [n, ms] of bars) assert.ok(Math.abs(ms - n * 3) < 6, `group ${n} starts at ${ms} ms`);
  }
  await page.done();
});

test("the head sorts", async () => {
  const page = await session([
    exchange(1, { response: { body_size: 10 }, server: { wrote_headers_ms: 1, end_ms: 90 } }),
    exchange(2, { response: { body_size: 30 }, server: { wrote_headers_ms: 1, end_ms: 20 } }),
    exchange(3, { response: { body_size: 20 }, server: { wrote_headers_ms: 1, end_ms: 50 }, status: 404 }),
  ]);
  await page.waitForSelector(ROWS);
  const click = async (name) => {
    await page.locator(".row.head button", { hasText: name }).click();
    await rendered(page);
    return ids(page);
  };
  assert.deepEqual(await ids(page), ["1", "2", "3"]);
  assert.deepEqual(await click("time"), ["1", "3", "2"]);
  assert.equal(await page.locator("[aria-sort=descending]").textContent(), "time ↓");
  assert.deepEqual(await click("time"), ["2", "3", "1"]);
  assert.equal(await page.locator("[aria-sort=ascending]").textContent(), "time ↑");
  assert.deepEqual(await click("size"), ["2", "3", "1"]);
  assert.deepEqual(await click("status"), ["1", "2", "3"]);
  assert.deepEqual(await click("status"), ["3", "1", "2"]);
  assert.deepEqual(await click("#"), ["1", "2", "3"]);
  await page.done();
});

test("a pair and a chain of fallbacks are named and joined", async () => {
  const page = await session([
    file(1, "one.test", 0, { status: 404 }), file(2, "one.test", 100, { status: 404, parent: 1 }),
    exchange(3, { start: time(150) }),
    file(4, "two.test", 200, { status: 410 }), file(5, "three.test", 300),
  ]);
  await page.waitForSelector(ROWS);
  await rendered(page);
  assert.deepEqual(await page.$$eval(`${REQUEST}`, (list) => list.sort((a, b) => a.getBoundingClientRect().y - b.getBoundingClientRect().y).map((r) => r.querySelector(".word").textContent)),
    ["", "again", "", "fallback 2/3", "fallback 3/3"]);
  const brackets = await page.$$eval(".bracket:not([hidden])", (list) => list.map((e) => `${e.classList.contains("pair") ? "pair" : "chain"} ${Math.round(e.getBoundingClientRect().height / 24)}`).sort());
  assert.deepEqual(brackets, ["chain 1", "chain 2", "pair 1"]);
  await page.fill("#filter", "three.test");
  await rendered(page);
  assert.equal(await page.locator(".bracket:not([hidden])").count(), 0, "what it follows is not shown");
  assert.equal(await text(page, `${REQUEST} .word`), "fallback 3/3");
  await page.done();
});

test("the critical path is underlined, and can be left out", async () => {
  const page = await session([exchange(1, { start: time(0) }), exchange(2, { start: time(200) })]);
  await page.waitForSelector(ROWS);
  await page.evaluate(async () => {
    (await import("/state.js")).report.value = { schema: "modtap.report/1", findings: [], critical_path: [{ from_ms: 0, to_ms: 10, what: "reading go.mod", bucket: "go" }, { from_ms: 210, to_ms: 240, exchange: 2, what: "x", bucket: "wait" }] };
  });
  await rendered(page);
  const seen = () => page.$$eval(`${REQUEST}`, (list) => list.map((r) => `${r.querySelector(".id").textContent}:${[...r.querySelectorAll(".path:not([hidden])")].map((p) => `${parseFloat(p.style.left).toFixed(0)}+${parseFloat(p.style.width).toFixed(0)}`)}`).sort());
  assert.deepEqual(await seen(), ["1:", "2:21+3"]);
  assert.equal(await text(page, ".legend-path"), "critical path");
  await page.click(".legend-path");
  await rendered(page);
  assert.deepEqual(await seen(), ["1:", "2:"]);
  assert.equal(await page.getAttribute(".legend-path", "aria-pressed"), "false");
  await page.keyboard.press("p");
  await rendered(page);
  assert.deepEqual(await seen(), ["1:", "2:21+3"]);
  await page.done();
});

test("what the server let go is read from the recording", async () => {
  const asked = [];
  const page = await open(E2E_ENDED, { setup: async (p) => {
    await fake((ws) => {
      ws.send(HELLO);
      ws.send(JSON.stringify({ seq: 9, events: [exchange(700, { start: time(700) }), exchange(1201, { start: time(1201) }), exchange(1202, { start: time(1202) }), { end: { at_ms: 2000, exit_code: 0 } }], lost: 0, snapshot: true }));
    })(p);
    await p.route(/\/api\/exchanges/, (route) => {
      const q = new URL(route.request().url()).searchParams;
      const [from, n] = [Number(q.get("from")), Number(q.get("n"))];
      asked.push([from, n]);
      const list = Array.from({ length: Math.min(n, 1202 - from) }, (_, i) => exchange(from + i, { url: `https://old.test/${from + i}`, start: time(from + i) }).exchange);
      route.fulfill({ json: { exchanges: list, next: 0 } });
    });
  } });
  await page.waitForFunction(() => document.querySelector("#t-requests").textContent === "1,202");
  await rendered(page);
  assert.deepEqual(asked, [[701, 500], [200, 500], [1, 199]], "the newest first, and nothing twice");
  assert.deepEqual((await ids(page)).slice(0, 3), ["1", "2", "3"]);
  await page.evaluate(async () => (await import("/actions.js")).point(700));
  await rendered(page);
  assert.equal(await text(page, ".row.selected .host"), "host.test", "what the stream told is newer and stays");
  await page.done();
});

test("a request in a folded group is shown when it is looked for", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  await page.selectOption("#group", "module");
  await page.waitForSelector(GROUP);
  await page.evaluate(async () => (await import("/actions.js")).point(203));
  await page.waitForSelector(".row.selected");
  await rendered(page);
  assert.ok(await page.locator(".row.selected").isVisible());
  const id = await page.locator(".row.selected").getAttribute("id");
  assert.equal(await page.getAttribute("#scroll", "aria-activedescendant"), id);
  assert.equal(Number(await page.getAttribute("#scroll", "aria-rowcount")), 1 + await page.evaluate(async () => (await import("/lines.js")).lines.value.length));
  await page.done();
});

test("a short list after a long one is in view", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  await page.evaluate(() => { document.getElementById("scroll").scrollTop = 1e6; });
  await rendered(page);
  await page.fill("#filter", "ledger 404");
  await rendered(page);
  assert.equal(await rows(page), 2);
  assert.equal(await page.evaluate(() => { const s = document.getElementById("scroll"); return s.scrollHeight - s.clientHeight; }), 0, "there is nothing to scroll");
  await page.done();
});

test("the box beside the mouse has the numbers, as text", async () => {
  const page = await open(E2E_HOSTILE);
  await page.waitForSelector(ROWS);
  await page.locator(`${REQUEST} .bar`).first().hover();
  await page.waitForSelector("#tip");
  assert.match(await text(page, "#tip"), /<script>/);
  assert.equal(await page.locator("#tip img, #tip script").count(), 0);
  await page.selectOption("#group", "module");
  await page.waitForSelector(GROUP);
  await page.locator(`${GROUP} .bar`).first().hover();
  await page.waitForFunction(() => document.querySelector("#tip")?.textContent.includes("at least one was under way"));
  assert.ok((await titles(page)).some((t) => t.includes("<img")));
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  await page.done();
});

test("more lines than a browser can place are still all reached", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  await page.evaluate(async () => {
    const { store, version } = await import("/state.js");
    const base = store.rows[0].x;
    const all = [];
    for (let id = 1000; id < 701000; id++) all.push({ ...base, id, parent: 0, go: undefined });
    store.page(all);
    version.value = store.version;
  });
  await page.waitForFunction(async () => (await import("/lines.js")).lines.value.length > 700000, null, { timeout: 30000 });
  await rendered(page);
  const height = await page.evaluate(() => document.getElementById("space").offsetHeight);
  assert.ok(height <= 14e6, String(height));
  for (const id of [700999, 350000, 1000]) {
    await page.evaluate(async (n) => (await import("/actions.js")).point(n), id);
    await rendered(page);
    assert.equal(await text(page, ".row.selected .id"), String(id));
    assert.ok(await page.locator(".row.selected").isVisible(), String(id));
    const box = await page.locator(".row.selected").boundingBox();
    assert.ok(box.y > 100 && box.y < 900, `${id} at ${box.y}`);
  }
  assert.ok((await rows(page)) < 100);
  await page.done();
});
