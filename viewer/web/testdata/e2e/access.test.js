// What everybody needs to use the page: names, focus, room, contrast.

import assert from "node:assert/strict";
import { test } from "node:test";
import { E2E_ENDED, ROWS, focused, open, rendered } from "./lib.js";

// unnamed lists the controls that a screen reader could not name, and pictures without a
// text for them.
const unnamed = (page) => page.evaluate(() => {
  const seen = (e) => e.checkVisibility?.() ?? true;
  const label = (e) => [e.getAttribute("aria-label"), e.getAttribute("aria-labelledby") && document.getElementById(e.getAttribute("aria-labelledby"))?.textContent, e.labels?.length && e.labels[0].textContent, e.matches("input, select") ? "" : e.textContent].find((t) => t && t.trim());
  const bad = [];
  for (const e of document.querySelectorAll("button, a, input, select, [role=separator], [role=grid], [role=dialog], dialog, aside, [role=listbox]")) if (seen(e) && !label(e)) bad.push(`${e.outerHTML.slice(0, 80)} has no name`);
  for (const e of document.querySelectorAll("img")) if (!e.hasAttribute("alt")) bad.push("img without alt");
  for (const e of document.querySelectorAll("[aria-controls], [aria-describedby], [aria-activedescendant]")) {
    for (const a of ["aria-controls", "aria-describedby", "aria-activedescendant"]) {
      for (const id of (e.getAttribute(a) ?? "").split(" ").filter(Boolean)) if (!document.getElementById(id)) bad.push(`${a}=${id} leads nowhere`);
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) bad.push(`two elements have the id ${id}`);
  if (document.querySelectorAll("main").length !== 1) bad.push("not one main");
  if (document.querySelectorAll("h1").length !== 1) bad.push("not one h1");
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(seen).map((e) => Number(e.tagName[1]));
  levels.forEach((l, i) => { if (i > 0 && l > levels[i - 1] + 1) bad.push(`h${l} after h${levels[i - 1]}`); });
  if (!document.documentElement.lang) bad.push("no language");
  for (const e of document.querySelectorAll("[tabindex]")) if (Number(e.getAttribute("tabindex")) > 0) bad.push("a tabindex above 0");
  return bad;
});

test("everything has a name, and Tab goes through it in order", async () => {
  const page = await open(`${E2E_ENDED}#x=203`);
  await page.waitForSelector("#details .headers");
  await page.waitForSelector(ROWS);
  assert.deepEqual(await unnamed(page), []);
  await page.keyboard.press("?");
  await page.waitForSelector("#keys[open]");
  assert.deepEqual(await unnamed(page), []);
  await page.keyboard.press("Escape");
  await page.keyboard.press("f");
  await page.waitForSelector("#findings");
  assert.deepEqual(await unnamed(page), []);
  await page.keyboard.press("f");
  for (const key of ["m", "h", "r", "g", "g", "g", "g"]) { // the tables, the groups
    await page.keyboard.press(key);
    await rendered(page);
    assert.deepEqual(await unnamed(page), [], `after ${key}`);
  }
  await page.reload(); // the focus starts at the top
  await page.waitForSelector(ROWS);
  const order = [];
  for (let i = 0; i < 30; i++) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    if (at === "BODY") break;
    if (order.at(-1) !== at) order.push(at);
  }
  assert.equal(order[0], "skip");
  const place = (id) => order.findIndex((o) => o === id);
  assert.ok(place("findings-button") > 0 && place("filter") > place("findings-button") && place("group") > place("filter") && place("scroll") > place("group"), order.join(" "));
  await page.reload();
  await page.waitForSelector(ROWS);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  assert.equal(await focused(page), "scroll", "the first link skips to the table");
  await page.done();
});

test("the pane's edge moves with the mouse and with keys", async () => {
  for (const [width, side] of [[1400, "width"], [1100, "height"]]) {
    const page = await open(`${E2E_ENDED}#x=1`, { width });
    await page.waitForSelector("#details .url");
    const size = async () => (await page.locator("#details").boundingBox())[side];
    const before = await size();
    await page.locator(".edge").focus();
    await page.keyboard.press(side === "width" ? "ArrowLeft" : "ArrowUp");
    await rendered(page);
    const wider = await size();
    assert.ok(wider > before + 5, `${before} → ${wider}`);
    assert.equal(await page.getAttribute(".edge", "aria-orientation"), side === "width" ? "vertical" : "horizontal");
    const edge = await page.locator(".edge").boundingBox();
    await page.mouse.move(edge.x + edge.width / 2, edge.y + edge.height / 2);
    await page.mouse.down();
    await page.mouse.move(edge.x + edge.width / 2 + (side === "width" ? 120 : 0), edge.y + edge.height / 2 + (side === "height" ? 80 : 0), { steps: 4 });
    await page.mouse.up();
    await rendered(page);
    assert.ok((await size()) < wider - 50);
    await page.done();
  }
});

test("nothing wraps on top at 1000 px, with a pane and without", async () => {
  for (const fragment of ["", "#x=203"]) {
    const page = await open(`${E2E_ENDED}${fragment}`, { width: 1000, height: 700 });
    await page.waitForSelector(ROWS);
    await rendered(page);
    const box = await page.locator(".top").boundingBox();
    assert.ok(box.height < 56, `the top is ${box.height} px high`);
    const over = await page.evaluate(() => [...document.querySelectorAll("body, .top, .tools, main, #scroll, #details, .banner")]
      .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.id || e.className || e.tagName));
    assert.deepEqual(over, []);
    await page.done();
  }
});

test("bars are there in high contrast, and nothing moves that should not", async () => {
  const page = await open(`${E2E_ENDED}#x=1`);
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  await page.waitForSelector("#details .track .seg");
  const look = await page.evaluate(() => {
    const s = getComputedStyle(document.querySelector("#space .seg.wait:not([hidden])"));
    return [s.backgroundColor, s.borderTopStyle];
  });
  assert.notEqual(look[0], "rgba(0, 0, 0, 0)");
  assert.equal(look[1], "solid");
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0);
  await page.done();
});
