// The strip over the run.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { E2E_ENDED, E2E_GROWS, HELLO, ROWS, START, both, exchange, fake, open, rendered, reported, rows, text } from "./lib.js";

// What the report's own writer makes of a run, kept current by its Go tests.
const REPORT = readFileSync(new URL("../../../report/testdata/report-corporate.json.golden", import.meta.url), "utf8");
const label = (page) => page.getAttribute("#overview canvas", "aria-label");

// ink is how many pixels of the strip are not empty.
const ink = (page) => page.evaluate(() => {
  const c = document.querySelector("#overview canvas");
  const { data } = c.getContext("2d").getImageData(0, 0, c.width, c.height);
  let n = 0;
  for (let i = 3; i < data.length; i += 4) if (data[i] > 0) n++;
  return n;
});

for (const colorScheme of ["light", "dark"]) {
  test(`the strip shows the run, and a part of it is brushed, ${colorScheme}`, async () => {
    const page = await open(E2E_ENDED, { colorScheme, setup: reported(REPORT) });
    await page.waitForSelector(ROWS);
    await page.waitForFunction(() => /at most \d/.test(document.querySelector("#overview canvas").getAttribute("aria-label") ?? ""));
    await rendered(page);
    assert.match(await label(page), /^Requests in flight: at most \d+, at .*; any for .* of 12\.\d s; at most .*B\/s over .*; \d gaps? without a request, the longest 1\.\d+ s at 1\d\.\d s$/);
    assert.ok((await ink(page)) > 5000, "something is drawn");

    const box = await page.locator("#overview-brush").boundingBox();
    const drag = async (from, to) => {
      await page.mouse.move(box.x + box.width * from, box.y + 30);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * to, box.y + 30, { steps: 4 });
      await page.mouse.up();
      await rendered(page);
    };
    const value = () => page.getAttribute("#overview-brush", "aria-valuetext");
    assert.equal(await value(), "all of the run");
    await drag(0.5, 0.6);
    const part = await value();
    assert.match(part, /^6\.\d+ s to 7\.\d+ s$/);
    await drag(0.6, 0.8);
    assert.match(await value(), /^6\.\d+ s to (9\.\d+|10\.\d) s$/, "an edge was dragged");
    await drag(0.7, 0.6);
    assert.match(await value(), /^(4\.9\d|5\.\d+) s to 8\.\d+ s$/, "the whole brush was dragged");
    await page.mouse.dblclick(box.x + 5, box.y + 30);
    await rendered(page);
    assert.equal(await value(), "all of the run");

    await page.focus("#overview-brush");
    await page.keyboard.press("+");
    await page.keyboard.press("ArrowRight");
    await rendered(page);
    assert.match(await value(), /^3\.7\d s to 9\.\d+ s$/);
    await page.keyboard.press("0");
    await rendered(page);
    assert.equal(await value(), "all of the run");

    await page.mouse.move(box.x + box.width * 0.93, box.y + 30);
    assert.match(await text(page, "#overview .tip"), /^at 1\d\.\d s\n1\.\d+ s without a request/);
    assert.match(await text(page, "#overview .tip"), /critical path: list git\.corp\.example\/team\/lib, mostly wait/);
    await page.mouse.move(5, 5);
    assert.ok(await page.locator("#overview .tip").isHidden());
    await page.done();
  });
}

test("the strip grows while the run goes on", async () => {
  const page = await open(E2E_GROWS, { setup: reported("") });
  await page.waitForFunction(() => /at most \d/.test(document.querySelector("#overview canvas").getAttribute("aria-label") ?? ""));
  const first = await label(page);
  await page.waitForFunction((was) => document.querySelector("#overview canvas").getAttribute("aria-label") !== was, first);
  await page.done();
});

// START is what exchange() counts from; a run of a hundred thousand must not stop the page.
test("the strip follows 50,000 requests without a long task", async (t) => {
  const page = await open(E2E_ENDED, { setup: both(reported(""), fake((ws) => {
    ws.send(HELLO);
    const at = (i) => new Date(Date.parse(START) + i).toISOString();
    for (let i = 0; i < 50000; i += 256) {
      ws.send(JSON.stringify({ seq: i + 256, events: Array.from({ length: 256 }, (_, k) => exchange(i + k + 1, { start: at(i + k) })), lost: 0 }));
    }
  })) });
  await page.waitForFunction(() => document.querySelector("#t-requests").textContent === "50,176", null, { timeout: 60000 });
  await page.waitForFunction(() => /at most \d\d/.test(document.querySelector("#overview canvas").getAttribute("aria-label")));
  const cost = await page.evaluate(async () => {
    const { Load, sweep } = await import("/load.js");
    const { sums } = await import("/sums.js");
    const { store } = await import("/state.js");
    const whole = async (make) => {
      const it = make();
      const steps = [];
      let done = false;
      while (!done) {
        const from = performance.now();
        ({ done } = it.next());
        steps.push(performance.now() - from);
      }
      return { all: steps.reduce((a, b) => a + b), longest: Math.max(...steps) };
    };
    const load = new Load();
    const first = await whole(() => load.follow(store));
    const again = await whole(() => load.follow(store));
    const swept = await whole(() => sweep(load.intervals(store.now), 0, 60000, 20));
    const table = await whole(() => sums("host", store.rows, { match: () => true, range: null, origin: store.origin, now: store.now, conns: store.conns }));
    return { first, again, swept, table };
  });
  for (const [name, c] of Object.entries(cost)) t.diagnostic(`${name}: ${c.all.toFixed(1)} ms, the longest step ${c.longest.toFixed(1)} ms`);
  assert.ok(cost.again.all < 50, "what is known is not counted again");
  for (const c of [cost.first, cost.swept, cost.table]) assert.ok(c.longest < 150, `${c.longest} ms`); // a busy machine; alone it is a tenth
  await page.done();
});
