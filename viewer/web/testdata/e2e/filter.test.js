// The filter's field.

import assert from "node:assert/strict";
import { test } from "node:test";
import { E2E_ENDED, ROWS, focused, open, rendered, rows, text } from "./lib.js";

test("the filter completes, and points at what it does not understand", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  const all = await rows(page);
  await page.keyboard.press("/");
  await page.keyboard.type("zi");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Backspace");
  await page.keyboard.type("ledger 404");
  await page.waitForFunction(() => /^2 of/.test(document.querySelector("#shown").textContent));
  await page.keyboard.press("Enter");
  await rendered(page);
  assert.equal(await focused(page), "scroll");
  await page.click(".clear");
  await rendered(page);
  assert.equal(await rows(page), all);
  assert.equal(await focused(page), "filter");
  await page.keyboard.press("ArrowDown"); // what was looked for before
  assert.equal(await page.getAttribute("#filter", "aria-expanded"), "true");
  assert.match(await text(page, "#offers"), /ledger 404/);
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.getAttribute("#filter", "aria-activedescendant"), "offer-0");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("#filter").value === "ledger 404");
  assert.equal(await page.getAttribute("#filter", "aria-expanded"), "false");
  await page.done();
});

test("completion and errors of the filter language", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  await page.keyboard.press("/");
  await page.keyboard.type("kin");
  await page.waitForSelector("#offers [role=option]");
  assert.match(await text(page, "#offers"), /kind:/);
  await page.keyboard.press("Tab");
  await page.waitForFunction(() => document.querySelector("#filter").value === "kind:");
  await page.waitForFunction(() => [...document.querySelectorAll("#offers li")].some((l) => l.textContent.includes("zip")), null, { timeout: 5000 });
  await page.keyboard.type("sumdb-l");
  await page.waitForFunction(() => document.querySelector("#offers li")?.textContent.startsWith("sumdb-l"));
  assert.equal(await page.getAttribute("#filter", "aria-expanded"), "true");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => /^kind:sumdb-l\w+ ?$/.test(document.querySelector("#filter").value));
  await page.waitForFunction(() => /^\d+ of \d+$/.test(document.querySelector("#shown").textContent));
  await page.fill("#filter", "ledger status:4x0x ");
  await page.keyboard.press("Escape"); // of the completions: now the word is told to be wrong
  await page.waitForSelector(".under u");
  assert.match(await text(page, ".under u"), /4x0x/);
  assert.equal(await page.getAttribute("#filter", "aria-invalid"), "true");
  assert.ok((await text(page, "#filter-error")).length > 10);
  assert.ok(await page.locator("#filter-error").isVisible());
  const [word, field] = [await page.locator(".under u").boundingBox(), await page.locator("#filter").boundingBox()];
  assert.ok(word.x > field.x + 40 && word.x + word.width < field.x + field.width, "the line is under the word");
  await page.done();
});

test("a short list is seen after the end of a long one", async () => {
  const page = await open(E2E_ENDED);
  await page.waitForSelector(ROWS);
  await page.keyboard.press("End");
  await rendered(page);
  await page.keyboard.press("Escape");
  await page.fill("#filter", "ledger 404");
  await page.waitForFunction(() => /^2 of/.test(document.querySelector("#shown").textContent));
  await rendered(page);
  assert.equal(await rows(page), 2);
  assert.equal(await page.evaluate(() => document.getElementById("scroll").scrollTop), 0);
  await page.done();
});
