// The tables of modules and hosts, and the export of what is shown.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { E2E_ENDED, E2E_HOSTILE, HELLO, ROWS, both, exchange, fake, open, rendered, reported, rows, text, total } from "./lib.js";

// What the report's own writer makes of a run, kept current by its Go tests.
const REPORT = readFileSync(new URL("../../../report/testdata/report-corporate.json.golden", import.meta.url), "utf8");
const show = async (page, name) => {
  await page.getByRole("button", { name, exact: true }).click();
  await page.waitForSelector("#sums tbody tr[data-name]");
  await rendered(page);
};
const column = (page, c) => page.locator(`#sums tbody .c-${c}`).allTextContents().then((list) => list.map((t) => t.trim()));

test("modules: numbers, order, filter, keys", async () => {
  const page = await open(E2E_ENDED, { setup: reported("") });
  await page.waitForSelector(ROWS);
  await show(page, "modules");
  const names = await column(page, "name");
  const counts = (await column(page, "requests")).map(Number);
  const none = Number(/^(\d+) requests? about no module/.exec(await text(page, "#sums .none"))[1]);
  assert.equal(counts.reduce((a, b) => a + b, 0) + none, await total(page), "every request is in a line or named below");
  assert.equal(names[0], "golang.org/x/text");
  assert.equal(await page.getAttribute("#sums th.c-busy", "aria-sort"), "descending");

  await page.click("#sums th.c-name button");
  await rendered(page);
  assert.equal(await page.getAttribute("#sums th.c-name", "aria-sort"), "ascending");
  assert.deepEqual(await column(page, "name"), [...names].sort((a, b) => new Intl.Collator("en", { numeric: true }).compare(a, b)));
  await page.click("#sums th.c-failed button");
  await rendered(page);
  assert.equal((await column(page, "name"))[0], "git.corp.example/shop/ledger");
  assert.equal((await column(page, "failed"))[0], "2");

  await page.focus("#sums");
  for (const key of ["j", "j", "k"]) await page.keyboard.press(key);
  await rendered(page);
  assert.equal(await page.getAttribute("#sums", "aria-activedescendant"), "sum-0");
  assert.equal(await page.locator("#sums tr.selected .c-name").textContent().then((t) => t.trim()), "git.corp.example/shop/ledger");
  await page.keyboard.press("Enter");
  await rendered(page);
  assert.equal(await page.inputValue("#filter"), "module:=git.corp.example/shop/ledger");
  assert.equal(await page.locator("#sums").count(), 0);

  await page.fill("#filter", "zap");
  await show(page, "modules");
  await page.waitForFunction(() => document.querySelectorAll("#sums tbody tr[data-name]").length === 1);
  assert.deepEqual(await column(page, "name"), ["go.uber.org/zap"]);
  await page.locator("#sums tr[data-name]").click();
  await rendered(page);
  assert.equal(await page.inputValue("#filter"), "zap module:=go.uber.org/zap", "what was counted is what is shown");
  await page.done();
});

test("hosts: numbers", async () => {
  const page = await open(E2E_ENDED, { setup: reported("") });
  await page.waitForSelector(ROWS);
  await show(page, "hosts");
  assert.deepEqual(await column(page, "name"), ["proxy.golang.org", "storage.googleapis.com", "git.corp.example:443"]);
  assert.equal((await column(page, "requests")).map(Number).reduce((a, b) => a + b, 0), await total(page));
  assert.match((await column(page, "connect50"))[0], /^\d+ ms$/);
  assert.equal((await column(page, "connect50"))[1], "–", "what was not measured is not 0");
  assert.deepEqual((await column(page, "wait50"))[2], "–");
  await page.done();
});

test("two thousand modules: those in view are in the DOM, and a live run is counted again", async () => {
  let socket = null;
  const N = 2000;
  const page = await open(E2E_ENDED, { setup: both(reported(""), fake((ws) => {
    socket = ws;
    ws.send(HELLO);
    const all = Array.from({ length: N }, (_, i) => exchange(i + 1, { go: { kind: "mod", module: `example.test/m${i + 1}`, version: "v1.0.0" } }));
    ws.send(JSON.stringify({ seq: N, events: all, lost: 0 }));
  })) });
  await page.waitForFunction(() => document.querySelector("#t-requests").textContent === "2,000");
  await show(page, "modules");
  assert.equal(await page.getAttribute("#sums", "aria-rowcount"), String(N + 1));
  assert.ok((await page.locator("#sums tbody tr[data-name]").count()) < 100);
  await page.click("#sums th.c-name button");
  await page.focus("#sums");
  await page.keyboard.press("End");
  await rendered(page);
  assert.ok(await page.locator(`#sums tr[data-name="example.test/m${N}"].selected`).isVisible());
  assert.ok((await page.locator("#sums tbody tr[data-name]").count()) < 100);
  socket.send(JSON.stringify({ seq: N + 1, events: [exchange(N + 1, { go: { kind: "zip", module: `example.test/m${N}`, version: "v1.0.0" } })], lost: 0 }));
  await page.waitForFunction((n) => document.querySelector(`#sums tr[data-name="example.test/m${n}"] .c-requests`)?.textContent.trim() === "2", N);
  await page.done();
});

test("what is shown is exported", async () => {
  const page = await open(E2E_ENDED, { setup: reported("") });
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.waitForSelector(ROWS);
  const saved = async () => {
    const [file] = await Promise.all([page.waitForEvent("download"), page.click("#csv")]);
    return { name: file.suggestedFilename(), lines: readFileSync(await file.path(), "utf8").split("\r\n") };
  };
  await page.click("#export");
  assert.equal(await page.getAttribute("#export", "aria-expanded"), "true");
  assert.match(await page.getAttribute("#har", "href"), /^\/api\/recording\.har$/);
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.evaluate(() => document.activeElement.id), "csv");
  await page.keyboard.press("Escape");
  await rendered(page);
  assert.equal(await page.locator(".menu").count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), "export");

  await page.click("#export");
  const all = await saved();
  assert.match(all.name, /-requests\.csv$/);
  assert.match(all.lines[0], /^id,status,kind,module,version,/);
  assert.equal(all.lines.length, (await total(page)) + 2, "a head, the requests, and nothing after the last line's end");

  await page.fill("#filter", "ledger 404");
  await rendered(page);
  await page.click("#export");
  const some = await saved();
  assert.equal(some.lines.length, (await rows(page)) + 2);
  assert.match(some.lines[1], /,404,info,git\.corp\.example\/shop\/ledger,v1\.4\.2,GET,/);

  await page.fill("#filter", "");
  await show(page, "hosts");
  await page.click("#export");
  await page.click("#tsv");
  await page.waitForFunction(() => navigator.clipboard.readText().then((t) => t.startsWith("host\t")));
  const pasted = (await page.evaluate(() => navigator.clipboard.readText())).trimEnd().split("\n");
  assert.equal(pasted.length, 4);
  assert.match(pasted[1], /^proxy\.golang\.org\t\d+\t/);
  await page.done();
});

test("an exported cell is no formula", async () => {
  const evil = exchange(1, { go: { kind: "mod", module: "=HYPERLINK(\"x\",\"y\")", version: "@v1" }, url: "https://host.test/a,b" });
  const page = await open(E2E_ENDED, { setup: both(reported(""), fake((ws) => {
    ws.send(HELLO);
    ws.send(JSON.stringify({ seq: 1, events: [evil], lost: 0 }));
  })) });
  await page.waitForSelector(ROWS);
  await page.click("#export");
  const [file] = await Promise.all([page.waitForEvent("download"), page.click("#csv")]);
  const [, line] = readFileSync(await file.path(), "utf8").split("\r\n");
  assert.ok(line.startsWith(`1,200,mod,"'=HYPERLINK(""x"",""y"")",'@v1,GET,"https://host.test/a,b",host.test,`), line);
  await page.done();
});

test("recorded text stays text in tables, findings and the strip", async () => {
  const bad = JSON.parse(REPORT.replaceAll("proxy.golang.org", "<img src=x onerror=pwned=1>"));
  for (const l of bad.critical_path) [l.what, l.bucket, l.to_ms] = ["<img src=x onerror=pwned=1>", "<b>", 1e9];
  const page = await open(E2E_HOSTILE, { setup: reported(JSON.stringify(bad)) });
  await page.waitForSelector(ROWS);
  await page.click("#findings-button");
  await page.waitForSelector("#findings .buckets");
  assert.match(await text(page, "#findings"), /<img src=x onerror=pwned=1> took 23\.2 s/);
  const box = await page.locator("#overview-brush").boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 30);
  await page.getByRole("button", { name: "hosts", exact: true }).click();
  await rendered(page);
  await page.getByRole("button", { name: "modules", exact: true }).click();
  await rendered(page);
  assert.equal(await page.evaluate(() => window.pwned), undefined);
  assert.equal(await page.locator("#main img, #main script, #main iframe, #overview img").count(), 0);
  await page.done();
});

for (const width of [1000, 1400]) {
  test(`tables and findings hang over nowhere at ${width} px`, async () => {
    const page = await open(E2E_ENDED, { width, height: 700, setup: reported(REPORT) });
    await page.waitForSelector(ROWS);
    const over = (...list) => page.evaluate((all) => all.flatMap((s) => [...document.querySelectorAll(s)])
      .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.id || e.className || e.tagName), ["body", "#main", ...list]);
    for (const name of ["modules", "hosts"]) {
      await show(page, name);
      assert.deepEqual(await over("#sums"), [], name);
    }
    await page.click("#findings-button");
    await page.waitForSelector("#findings .buckets");
    assert.deepEqual(await over("#findings", "#findings .find"), []);
    await page.done();
  });
}
