// The page in windows of several widths, and what it says in few words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { E2E_ENDED, HELLO, ROWS, START, both, exchange, fake, open, rendered, text } from "./lib.js";

const ended = (list, more = []) => fake((ws) => {
  ws.send(HELLO);
  ws.send(JSON.stringify({ seq: 9, events: [...list, ...more, { end: { at_ms: 1000, exit_code: 0 } }], lost: 0, snapshot: true }));
});

// legend lists its entries that are seen, and fails for one that is seen in part.
const legend = (page) => page.$eval(".legend", (ul) => {
  const box = ul.getBoundingClientRect();
  return [...ul.children].filter((li) => {
    const r = li.getBoundingClientRect();
    const seen = r.top < box.bottom && r.bottom > box.top;
    if (seen && (r.left < box.left - 0.5 || r.right > box.right + 0.5 || r.bottom > box.bottom + 0.5)) throw new Error(`${li.textContent} is cut off`);
    return seen;
  }).map((li) => li.textContent);
});

test("the legend has one line, whatever stands beside it", async () => {
  for (const [width, least] of [[1400, 9], [1280, 9], [1000, 6]]) {
    const page = await open(E2E_ENDED, { width });
    await page.waitForSelector(ROWS);
    const names = await legend(page);
    assert.ok(names.length >= least, `${width}: ${names}`);
    const high = (await page.locator(".tools").boundingBox()).height;
    await page.fill("#filter", "kind:zip");
    await page.evaluate(async () => (await import("/actions.js")).zoom([100, 30000]));
    await rendered(page);
    await legend(page);
    assert.equal((await page.locator(".tools").boundingBox()).height, high, `${width}: the line is as high with a filter and a zoom`);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `${width}: nothing sticks out`);
    await page.keyboard.press("Escape");
    await page.locator("#scroll").focus();
    await page.keyboard.press("m");
    await page.waitForSelector(".sums");
    assert.equal(await page.locator(".legend").count(), 0, "no bars, no legend");
    await page.done();
  }
});

test("a version that has no room ends in an ellipsis, and is whole in the title", async () => {
  const version = "v0.0.2-0.20180830191138-2da4a54c5cee";
  const page = await open(`${E2E_ENDED}#x=1`, { width: 1280, setup: ended([exchange(1, { go: { kind: "info", module: "github.com/spf13/cobra", version } }), exchange(2, { go: { kind: "list", module: "a.test/m" } })]) });
  await page.waitForSelector("#details .url");
  await rendered(page);
  const name = page.locator(`${ROWS}[data-id="1"] .name`);
  assert.match(await name.textContent(), /^….*cobra@v0\.0\.2-0\.….*…$/);
  assert.ok(await name.evaluate((e) => e.scrollWidth <= e.clientWidth), "nothing is cut by the cell's edge");
  assert.equal(await name.getAttribute("title"), `github.com/spf13/cobra@${version}`);
  assert.equal(await page.locator(`${ROWS}[data-id="2"] .name`).getAttribute("title"), null, "what is whole needs none");
  await page.done();
});

test("a time is written in one way, and a cost once", async () => {
  const found = (id, title, cost_ms) => ({ finding: { id, severity: "bad", title, cost_ms, evidence: [] } });
  const page = await open(E2E_ENDED, { setup: both((p) => p.route(/\/api\/report/, (r) => r.fulfill({ status: 204 })), ended([exchange(1)], [{ process: { start_ms: 1, end_ms: 6.1 } }, found("slow", "It costs 3.76 s of 12.1 s", 3760)])) });
  await page.waitForSelector(ROWS);
  assert.equal(await text(page, "#t-elapsed"), "5.1 ms");
  assert.match(await text(page, "#banner"), /Ended after 5\.1 ms/);
  assert.equal((await text(page, "#banner")).match(/3\.76 s/g).length, 1);
  await page.done();
});

test("what a filter leaves empty, and which of its words is wrong", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  await page.fill("#filter", "kind:zip status:599");
  await page.waitForSelector("#empty button");
  await page.click("#empty button");
  await page.waitForSelector(ROWS);
  assert.equal(await page.inputValue("#filter"), "");
  await page.fill("#filter", "");
  await page.locator("#filter").pressSequentially("statu:500 ki");
  await page.waitForSelector("#offers li");
  assert.equal(await text(page, ".under u"), "statu", "the other word is marked while this one is completed");
  assert.equal(await page.locator("#filter-error.none").count(), 1, "the completions have the place below");
  await page.done();
});

test("groups have heads of their own", async () => {
  const at = (ms) => new Date(Date.parse(START) + ms).toISOString();
  const page = await open(E2E_ENDED, { setup: ended([exchange(1, { url: "https://a.test/" }), exchange(2, { url: "https://b.test/" }), exchange(3, { url: "https://a.test/x", start: at(500) })]) });
  await page.waitForSelector(ROWS);
  await page.selectOption("#group", "host");
  await page.waitForSelector(".row.group");
  assert.deepEqual(await page.locator(".row.head button:not(.legend-path)").allTextContents(), ["# ↑", "status", "requests", "group", "over", "size", "busy"]);
  await page.locator(".row.head button", { hasText: "over" }).click();
  await rendered(page);
  const groups = await page.locator(".row.group:not([hidden])").evaluateAll((rows) => rows.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((row) => row.textContent));
  assert.deepEqual(groups.map((text) => text.match(/[ab]\.test/)[0]), ["b.test", "a.test"], "b.test was over sooner");
  await page.done();
});

test("the request that the address names is seen when everything else is", async () => {
  for (const width of [1400, 1000]) {
    const page = await open(`${E2E_ENDED}#x=116`, { width, height: 800 });
    await page.waitForSelector("#details .url");
    await page.waitForSelector(".row.selected");
    await page.waitForTimeout(500); // banner and findings have come
    const row = await page.locator(".row.selected").boundingBox();
    const table = await page.locator("#scroll").boundingBox();
    assert.ok(row.y >= table.y && row.y + row.height <= table.y + table.height + 1, `${width}: a row at ${row.y}, the table ends at ${table.y + table.height}`);
    await page.done();
  }
});
