// The page in a real browser: a session that has ended, one that is live, one that is hostile.

import assert from "node:assert/strict";
import { test } from "node:test";
import { E2E_ENDED, E2E_HOSTILE, E2E_LIVE, HELLO, ROWS, START, exchange, fake, hash, open, rendered, rows, text } from "./lib.js";

test("a session that has ended", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  await rendered(page);
  assert.equal(new URL(page.url()).search, "", "the token left the address");
  assert.equal(await text(page, "#command"), "go mod download");
  assert.equal(await text(page, "#state"), "exit 1");
  assert.equal(await text(page, "#t-failed"), "3");
  const total = Number(await text(page, "#t-requests"));
  assert.ok(total > 200, `${total} requests`);
  assert.ok((await rows(page)) < 60, "only the rows in view are in the DOM");
  assert.match(await text(page, "#banner"), /Ended after .* exit status 1 .*git over ssh/);
  assert.equal(await text(page, `${ROWS} >> nth=0 >> .id`), "1");
  assert.ok((await page.locator(".tick").count()) >= 2);
  await page.done();
});

test("the filter", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  await page.keyboard.press("/");
  await page.keyboard.type("ledger 404");
  await rendered(page);
  assert.equal(await rows(page), 2);
  assert.match(await text(page, "#shown"), /^2 of \d+$/);
  await page.fill("#filter", "no such thing");
  await rendered(page);
  assert.equal(await rows(page), 0);
  assert.match(await text(page, "#empty"), /No request matches/);
  await page.keyboard.press("Escape");
  await rendered(page);
  assert.equal(await page.inputValue("#filter"), "");
  assert.ok((await rows(page)) > 10);
  await page.done();
});

test("keys, details and links", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await page.keyboard.press("Enter");
  await rendered(page);
  assert.equal(await hash(page), "#x=1");
  assert.match(await text(page, "#details"), /^#1200GET mod/);
  await page.keyboard.press("End");
  await rendered(page);
  assert.match(await hash(page), /^#x=2\d\d$/);
  assert.ok(await page.locator(".row.selected").isVisible());
  await page.keyboard.press("Escape");
  await rendered(page);
  assert.equal(await hash(page), "");
  assert.ok(await page.locator("#details").isHidden());

  await page.fill("#filter", "ledger 404");
  await page.keyboard.press("Enter");
  await rendered(page);
  await page.locator(ROWS).last().click();
  await rendered(page);
  assert.match(await text(page, "#details .links"), /follows #\d+, the same request: go sends every 4xx twice/);
  await page.waitForFunction(() => document.querySelector("#details pre")?.textContent.startsWith("not found: git.corp"));
  const second = await hash(page);
  await page.click("#details .links a");
  await rendered(page);
  assert.notEqual(await hash(page), second);
  assert.match(await text(page, "#details .links"), /led to #/);
  await page.done();
});

test("a link to a request opens it", async () => {
  const page = await open(`${E2E_ENDED}#x=203`);
  await page.waitForSelector(".row.selected");
  await rendered(page);
  assert.ok(await page.locator(".row.selected").isVisible());
  assert.match(await text(page, "#details .error"), /certificate signed by unknown authority/);
  assert.equal(await text(page, "#details .redacted"), "Basic REDACTED");
  await page.evaluate(() => { location.hash = "#x=5"; });
  await rendered(page);
  assert.equal(await text(page, ".row.selected .id"), "5");
  await page.done();
});

test("findings show their evidence, the axis zooms", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(".finding");
  await page.click(".finding.bad button");
  await rendered(page);
  assert.ok((await page.locator(".row.evidence").count()) >= 2);
  const box = await page.locator("#axis").boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 9);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 9, { steps: 3 });
  await page.mouse.up();
  await rendered(page);
  assert.match(await text(page, "#unzoom"), / – /);
  assert.match(await text(page, "#shown"), /^\d+ of \d+$/);
  await page.click("#unzoom");
  await rendered(page);
  assert.equal(await text(page, "#shown"), "");
  await page.done();
});

test("a live session goes on", async () => {
  const page = await open(E2E_LIVE, { colorScheme: "dark" });
  await page.waitForSelector(`${ROWS}.live`);
  assert.equal(await text(page, "#state"), "live");
  const first = await text(page, "#t-elapsed"); // from a minute on it is 1m00s, on a busy machine
  await page.waitForFunction((t) => {
    const seconds = (s) => {
      const [, minutes = 0, n, unit] = /^(?:(\d+)m)?([\d.]+) ?(ms|s)$/.exec(s);
      return minutes * 60 + n / (unit === "ms" ? 1000 : 1);
    };
    return seconds(document.querySelector("#t-elapsed").textContent) > seconds(t) + 0.3;
  }, first);
  await page.waitForFunction(() => document.querySelector("#state").textContent === "exit 1", null, { timeout: 30000 });
  await page.done();
});

test("recorded bytes are text and nothing else", async () => {
  const page = await open(`${E2E_HOSTILE}#x=1`);
  await page.waitForSelector(".row.selected");
  await page.waitForFunction(() => document.querySelector("#details pre")?.textContent.includes("<script>"));
  await page.fill("#filter", "<img");
  await rendered(page);
  assert.equal(await rows(page), 1);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await page.locator("#main img, #main script, #main iframe, #main svg, #banner img, header img:not(.logo)").count(), 0);
  assert.match(await text(page, "#details"), /<img src=x onerror=/);
  assert.match(await text(page, "#command"), /<img/);
  await page.done();
});

for (const [width, colorScheme] of [[1000, "light"], [1000, "dark"], [1400, "light"]]) {
  test(`nothing hangs over at ${width} px, ${colorScheme}`, async () => {
    const page = await open(`${E2E_ENDED}#x=203`, { width, height: 700, colorScheme });
    await page.waitForSelector(".row.selected");
    await rendered(page);
    const over = await page.evaluate(() => [...document.querySelectorAll("body, header, .tools, main, #scroll, #details")]
      .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.id || e.className || e.tagName));
    assert.deepEqual(over, []);
    await page.done();
  });
}

test("a broken connection is resumed, and a loss is made up for", async () => {
  const seen = [];
  const page = await open(E2E_ENDED, { setup: fake((ws, n, said, query) => {
    seen.push(query);
    ws.send(HELLO);
    if (n === 0) {
      ws.send(JSON.stringify({ seq: 0, events: [exchange(1)], lost: 0, snapshot: true }));
      ws.send(JSON.stringify({ seq: 7, events: [exchange(2, { done: false, status: 0, server: {} })], lost: 0, snapshot: true }));
      setTimeout(() => ws.close({ code: 1011 }), 50);
      return;
    }
    ws.send(JSON.stringify({ seq: 90, events: [exchange(3)], lost: 40 }));
    const wait = setInterval(() => {
      if (said.length === 0) return;
      clearInterval(wait);
      seen.push(said[0]);
      ws.send(JSON.stringify({ seq: 90, events: [exchange(1), exchange(3), exchange(4)], lost: 0, snapshot: true }));
    }, 10);
  }) });
  await page.waitForFunction(() => document.querySelectorAll("#space .row:not([hidden])").length === 4);
  assert.deepEqual(seen, ["?brief=1", "?brief=1&since=7", '{"snapshot":true}']);
  await rendered(page);
  assert.equal(await text(page, "#t-inflight"), "0", "a request whose end was lost is not in flight for ever");
  assert.equal(await text(page, "#state"), "live");
  await page.done();
});

test("another protocol is not guessed at", async () => {
  const page = await open(E2E_ENDED, { setup: fake((ws) => ws.send('{"protocol":"modtap/2","session":null}')) });
  await page.waitForSelector(".trouble");
  assert.match(await text(page, "#banner"), /different versions/);
  await page.done();
});

test("20,000 rows scroll without a stutter", async (t) => {
  const many = Array.from({ length: 20000 }, (_, i) => exchange(i + 1, { start: new Date(Date.parse(START) + i * 2).toISOString() }));
  const page = await open(E2E_ENDED, { setup: fake((ws) => {
    ws.send(HELLO);
    for (let i = 0; i < many.length; i += 256) {
      ws.send(JSON.stringify({ seq: i + 256, events: many.slice(i, i + 256), lost: 0 }));
    }
  }) });
  await page.waitForFunction(() => document.querySelector("#t-requests").textContent === "20,000");
  await rendered(page);
  assert.ok((await page.locator("#space .row").count()) < 80);
  const cost = await page.evaluate(async () => {
    const s = document.getElementById("scroll");
    const times = [];
    for (let i = 0; i < 60; i++) {
      const at = performance.now();
      s.scrollTop = (i * 7919 * 24) % (20000 * 24);
      await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)));
      times.push(performance.now() - at);
    }
    return times.sort((a, b) => a - b)[30];
  });
  t.diagnostic(`a scroll to anywhere takes ${cost.toFixed(1)} ms, two frames included`);
  assert.ok(cost < 600, `${cost} ms`); // two frames are 33, a busy machine took 153; without virtual rows it is seconds
  await page.keyboard.press("End");
  await rendered(page);
  assert.equal(await text(page, ".row.selected .id"), "20000");
  await page.done();
});
