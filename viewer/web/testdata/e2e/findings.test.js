// The pane with the report.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { E2E_ENDED, HELLO, ROWS, both, exchange, fake, open, rendered, reported, text } from "./lib.js";

// What the report's own writer makes of a run, kept current by its Go tests.
const REPORT = readFileSync(new URL("../../../report/testdata/report-corporate.json.golden", import.meta.url), "utf8");
const report = JSON.parse(REPORT);

test("the report: where the time went, what is wrong, what helps", async () => {
  const page = await open(E2E_ENDED, { setup: reported(REPORT) });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.waitForSelector(ROWS);
  await page.click("#findings-button");
  await page.waitForSelector("#findings .buckets");
  assert.equal(await page.locator("#findings .buckets tr").count(), report.accounting.buckets.length);
  assert.match(await text(page, "#findings .buckets tr >> nth=0"), /wait\s*31\.0 s\s*64 %\s*until answers began/);
  assert.deepEqual(await page.locator("#findings .find[data-finding] .title").allTextContents(), report.findings.map((f) => f.title));
  assert.match(await text(page, '[data-finding="tls-slow"]'), /warning TLS handshakes .* 475 ms 1\.90 s.*2 requests.*2 connections.*median 950 ms \(limit 800 ms\).*Only 2 handshakes were seen/s);
  assert.equal(await page.locator("#findings h2").textContent(), "Findings", "it is not said to be so far");
  assert.match(await text(page, "#findings .what-if >> nth=0"), /22\.9 s instead of 48\.2 s, 25\.3 s less \(sure: /);
  assert.ok(await page.locator('[data-finding="low-parallelism"] .follow').isDisabled(), "it rests on no request");

  await page.click('[data-finding="tls-slow"] .follow');
  await rendered(page);
  assert.equal(await page.getAttribute('[data-finding="tls-slow"] .follow', "aria-pressed"), "true");
  assert.ok((await page.locator(".row.evidence").count()) >= 1);
  const next = page.getByRole("button", { name: "Next request of the evidence" });
  await next.click();
  await rendered(page);
  assert.equal(await text(page, ".row.selected .id"), "1");
  await next.click();
  await rendered(page);
  assert.equal(await text(page, ".row.selected .id"), "7");
  assert.match(await text(page, '[data-finding="tls-slow"] .links'), /2 of 2 requests/);

  await page.getByRole("button", { name: "Copy the command go env -w GOPRIVATE=git.corp.example" }).first().click();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "go env -w GOPRIVATE=git.corp.example");
  await page.click("#findings .close");
  await rendered(page);
  assert.equal(await page.locator("#findings").count(), 0);
  await page.done();
});

test("without a report the findings of the stream are shown", async () => {
  const page = await open(E2E_ENDED, { setup: reported("") });
  await page.waitForSelector(ROWS);
  await page.click("#findings-button");
  await page.waitForSelector("#findings .find");
  assert.equal(await page.locator("#findings .find").count(), 2);
  assert.equal(await page.locator("#findings .buckets").count(), 0, "nothing is made up");
  await page.click(".find.bad .follow");
  await rendered(page);
  assert.ok((await page.locator(".row.evidence").count()) >= 2);
  await page.done();
});

test("the report is asked for when there is a reason, and not more often than every three seconds", async () => {
  const asked = [];
  let timer = 0;
  const page = await open(E2E_ENDED, { setup: both(reported(REPORT, asked), fake((ws) => {
    ws.send(HELLO);
    let id = 0;
    timer = setInterval(() => { id++; ws.send(JSON.stringify({ seq: id, events: [exchange(id)], lost: 0 })); }, 50);
  })) });
  await page.waitForSelector(ROWS);
  await page.waitForTimeout(1000); // nobody looks
  assert.equal(asked.length, 0);
  await page.click("#findings-button");
  await page.waitForSelector("#findings .buckets");
  assert.match(await text(page, "#findings h2"), /so far/);
  await page.waitForTimeout(6500); // two more
  assert.ok(asked.length >= 2 && asked.length <= 4, `asked ${asked.length} times`);
  for (let i = 1; i < asked.length; i++) assert.ok(asked[i] - asked[i - 1] > 2900, `${asked[i] - asked[i - 1]} ms`);
  clearInterval(timer);
  await page.done();
});
