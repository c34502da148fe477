// A person watches a real go mod download (cmd/modtap, TestViewed): while it runs, and
// after it has ended.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROWS, open, rendered, rows, text } from "../lib.js";

const { E2E_RUN, E2E_HAR, E2E_OUT } = process.env;
const requests = async (page) => Number((await text(page, "#t-requests")).replace(/\D/g, ""));
const more = (page, n) => page.waitForFunction((n) => Number(document.querySelector("#t-requests").textContent.replace(/\D/g, "")) > n, n, { timeout: 30000 });
const ended = (page) => page.waitForFunction(() => /^exit/.test(document.querySelector("#state").textContent), null, { timeout: 90000 });

test("watched from its first request to its end", { timeout: 150000 }, async () => {
  const page = await open(E2E_RUN);
  await page.waitForSelector(ROWS);
  assert.equal(await text(page, "#state"), "live");
  assert.equal(await text(page, "#command"), "go mod download");
  await more(page, await requests(page)); // rows appear while it runs

  // reload in the middle: what was there is there again, and it goes on
  const before = await requests(page);
  await page.reload();
  await page.waitForSelector(ROWS);
  await page.waitForFunction((n) => Number(document.querySelector("#t-requests").textContent.replace(/\D/g, "")) >= n, before);
  assert.equal(await text(page, "#state"), "live", "the run has ended too early to be reloaded in its middle");

  // filter and group while it runs
  await page.keyboard.press("/");
  await page.keyboard.type("kind:mod");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => / of /.test(document.querySelector("#shown").textContent));
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.waitForSelector("#space .row[aria-expanded]:not([hidden])");

  await ended(page);
  assert.equal(await text(page, "#state"), "exit 0");
  const n = await requests(page);
  writeFileSync(join(E2E_OUT, "requests"), String(n));

  // details of a request: back to single requests, the first zip
  for (let i = 0; i < 6 && await page.locator("#space .row[aria-expanded]:not([hidden])").count(); i++) {
    await page.keyboard.press("g");
    await rendered(page);
  }
  await page.keyboard.press("/");
  await page.keyboard.type("kind:zip");
  await page.keyboard.press("Enter");
  await rendered(page);
  assert.match(await text(page, "#shown"), /^40 of /);
  await page.locator(ROWS).first().click();
  // the headers are asked for when a request is looked at
  await page.waitForFunction(() => /content-type/i.test(document.querySelector("#details")?.textContent));
  const details = await text(page, "#details");
  for (const want of [/\.zip/, /TLS ?1\.3|TLS13|1\.3/, /wait/i]) assert.match(details, want);
  await page.keyboard.press("Escape");

  // a finding leads to its evidence
  await page.keyboard.press("/");
  await page.fill("#filter", "");
  await page.keyboard.press("Escape");
  if (!await page.locator("#findings").isVisible()) await page.keyboard.press("f");
  await page.waitForSelector("#findings .find");
  await page.locator("#findings .find .follow").first().click();
  await page.waitForSelector(".row.evidence");

  // the recording, dropped on the page, has the same requests
  const har = readFileSync(E2E_HAR, "utf8");
  const transfer = await page.evaluateHandle(([har]) => {
    const t = new DataTransfer();
    t.items.add(new File([har], "seen.har", { type: "application/json" }));
    return t;
  }, [har]);
  for (const type of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("body", type, { dataTransfer: transfer });
  await page.waitForFunction(() => /seen\.har/.test(document.body.textContent), null, { timeout: 20000 });
  await page.waitForFunction((n) => Number(document.querySelector("#t-requests").textContent.replace(/\D/g, "")) === n, n);
  await page.done();
});
