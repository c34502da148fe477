// The keys, and the sheet that lists them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { E2E_ENDED, ROWS, focused, hash, open, rendered, text } from "./lib.js";

test("keys do what the sheet says", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await rendered(page);
  assert.equal(await text(page, ".row.selected .id"), "2");
  assert.equal(await page.locator("#details").count(), 0, "pointing opens nothing");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#details");
  assert.equal(await hash(page), "#x=2");
  await page.keyboard.press("Enter");
  assert.equal(await focused(page), "details");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#details").count(), 0);
  assert.equal(await focused(page), "scroll", "the focus is not lost with the pane");
  await page.keyboard.press("End");
  await rendered(page);
  const last = Number(await text(page, ".row.selected .id"));
  assert.ok(last > 200, String(last));
  await page.keyboard.press("PageUp");
  await rendered(page);
  assert.ok(Number(await text(page, ".row.selected .id")) < last - 5);
  await page.keyboard.press("Home");
  await rendered(page);
  assert.equal(await text(page, ".row.selected .id"), "1");
  for (const [key, view] of [["m", "modules"], ["h", "hosts"], ["r", "requests"]]) {
    await page.keyboard.press(key);
    assert.equal(await text(page, ".views [aria-pressed=true]"), view);
  }
  await page.keyboard.press("g");
  assert.equal(await page.inputValue("#group"), "module");
  await page.keyboard.press("G");
  assert.equal(await page.inputValue("#group"), "request");
  await page.keyboard.press("s");
  await page.keyboard.press("S");
  const order = () => page.locator(".row.head [aria-sort$=ending]").evaluateAll((l) => l.map((e) => `${e.textContent} ${e.getAttribute("aria-sort")}`));
  assert.deepEqual(await order(), ["time ↑ ascending"]);
  await page.keyboard.press("e");
  await page.waitForSelector(".menu");
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".menu").count(), 0);
  await page.locator("#scroll").focus();
  await page.keyboard.press("f");
  await page.waitForSelector("#findings");
  await page.keyboard.press("f");
  await page.keyboard.press("/");
  await page.keyboard.type("gm?");
  assert.equal(await page.inputValue("#filter"), "gm?", "typing is typing");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.done();
});

test("the sheet with the keys is a dialog that keeps the focus", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  await page.locator("#scroll").focus();
  await page.keyboard.press("?");
  await page.waitForSelector("#keys[open]");
  assert.ok((await page.locator("#keys dt").count()) > 20);
  for (let i = 0; i < 4; i++) {
    await page.keyboard.press("Tab");
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.getElementById("keys").contains(document.activeElement)), "the focus stays");
  }
  await page.keyboard.press("j");
  assert.equal(await page.locator(".row.selected").count(), 0, "the page behind does nothing");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.querySelector("#keys"));
  assert.equal(await focused(page), "scroll");
  await page.done();
});
