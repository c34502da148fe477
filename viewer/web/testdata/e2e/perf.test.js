// A hundred thousand requests, and two thousand new ones a second: the page stays fluid.
//
// Frames, tasks and the heap are measured by Chromium itself. The bounds are those of a
// quiet machine with two cores when MODTAP_PERF is 1. Otherwise tests run beside other
// things: frames, which wait for whatever else there is, are told and not judged, a task
// counts with the time that it had a processor, and three times as much is let pass.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ROWS, open, rendered, text } from "./lib.js";

const { E2E_MANY, E2E_MANY_LIVE, MODTAP_PERF } = process.env;
const STRICT = MODTAP_PERF === "1";
const FACTOR = STRICT ? 1 : 3;
const ALL = 100000;

// first notes in the page when the first frame of the snapshot came, and when the first
// row was drawn.
async function first(page) {
  await page.addInitScript(() => {
    const Real = window.WebSocket;
    let frames = 0;
    window.WebSocket = class extends Real {
      constructor(...args) {
        super(...args);
        this.addEventListener("message", () => { if (++frames === 2) window.began = performance.now(); });
      }
    };
    const look = () => {
      if (document.querySelector("#space .row:not([hidden])")) window.shown = performance.now();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

// measured runs work while Chromium traces, and the page counts its frames.
async function measured(page, t, name, work) {
  const cdp = await page.context().newCDPSession(page);
  const events = [];
  cdp.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await cdp.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel", "__metadata"] } });
  await page.evaluate(() => {
    window.frames2 = [];
    let last = performance.now();
    const tick = (now) => {
      window.frames2?.push(now - last);
      last = now;
      if (window.frames2) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  await work();
  const frames = await page.evaluate(() => { const f = window.frames2; window.frames2 = null; return f.slice(2); });
  const end = new Promise((r) => cdp.once("Tracing.tracingComplete", r));
  await cdp.send("Tracing.end");
  await end;
  const { usedSize } = await cdp.send("Runtime.getHeapUsage");
  await cdp.detach();
  const result = { frames: spread(frames), ...tasks(events), heap: usedSize / 1e6 };
  t.diagnostic(`${name}: frames p50 ${result.frames.p50.toFixed(1)} p95 ${result.frames.p95.toFixed(1)} max ${result.frames.max.toFixed(0)} ms of ${frames.length}; `
    + `longest tasks ${result.tasks.slice(0, 5).map((d) => d.toFixed(0)).join(" ")} ms, by the wall clock ${result.wall.toFixed(0)} ms, with a processor ${result.cpu.toFixed(0)} ms; heap ${result.heap.toFixed(0)} MB; FACTOR ${FACTOR}`);
  for (const f of result.functions) t.diagnostic(`  in the longest task: ${f}`);
  return result;
}

const spread = (list) => {
  const s = list.toSorted((a, b) => a - b);
  return { p50: s[Math.floor(s.length * 0.5)], p95: s[Math.floor(s.length * 0.95)], max: s.at(-1) };
};

// tasks are the durations of the tasks of the page's main thread in ms, longest first, and
// what the longest was made of.
function tasks(events) {
  const main = new Set(events.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain").map((e) => `${e.pid} ${e.tid}`));
  const own = events.filter((e) => main.has(`${e.pid} ${e.tid}`) && e.ph === "X");
  const took = (e) => (STRICT ? e.dur : e.tdur ?? e.dur);
  const all = own.filter((e) => /RunTask$/.test(e.name)).sort((a, b) => took(b) - took(a));
  const longest = all[0];
  const inside = longest ? own.filter((e) => e !== longest && e.pid === longest.pid && e.ts >= longest.ts && e.ts < longest.ts + longest.dur && e.dur > 3000) : [];
  return { tasks: all.map((e) => took(e) / 1e3), wall: Math.max(...all.map((e) => e.dur / 1e3)), cpu: Math.max(...all.map((e) => (e.tdur ?? e.dur) / 1e3)), functions: inside.slice(0, 6).map((e) => `${e.name} ${(e.dur / 1e3).toFixed(0)} ms ${e.args?.data?.functionName ?? ""}`) };
}

function fluid(r, what) {
  assert.ok(r.tasks.length > 50, `${what}: the trace has ${r.tasks.length} tasks`);
  if (STRICT) assert.ok(r.frames.p95 < 33.45, `${what}: p95 of frames ${r.frames.p95} ms`); // two frames of 1/60 s, by a clock of 0.1 ms
  assert.ok(r.tasks[0] <= 100 * FACTOR, `${what}: a task of ${r.tasks[0]} ms`);
  assert.ok(r.heap < 400, `${what}: heap ${r.heap} MB`);
}

// scrolling goes down like a wheel does, with jumps to anywhere.
const scrolling = (page, seconds) => page.evaluate(async (seconds) => {
  const s = document.getElementById("scroll");
  const end = performance.now() + seconds * 1000;
  for (let i = 0; performance.now() < end; i++) {
    s.scrollTop = i % 60 === 59 ? (i * 7919 * 24) % s.scrollHeight : s.scrollTop + 180;
    await new Promise(requestAnimationFrame);
  }
}, seconds);

// typing writes filters, a key every 90 ms, as a fast person does.
async function typing(page, seconds) {
  const end = Date.now() + seconds * 1000;
  const words = ["kind:zip ", "module-12", "kind:mod status:404 ", "athens -list ", "time:>150ms "];
  for (let i = 0; Date.now() < end; i++) {
    await page.fill("#filter", "");
    await page.focus("#filter");
    await page.keyboard.type(words[i % words.length], { delay: 90 });
    await page.waitForTimeout(200);
  }
  await page.fill("#filter", "");
}

test("100,000 requests", { skip: !E2E_MANY && "no E2E_MANY" }, async (t) => {
  const page = await open(E2E_MANY, { setup: first });
  await page.waitForSelector(ROWS);
  const delay = await page.evaluate(() => window.shown - window.began);
  t.diagnostic(`first rows ${delay.toFixed(0)} ms after the snapshot began`);
  assert.ok(delay < 1000 * FACTOR, `${delay} ms`);
  const loading = await measured(page, t, "loading", () => page.waitForFunction((n) => document.querySelector("#t-requests").textContent === n, ALL.toLocaleString("en"), { timeout: 90000 }));
  assert.ok(loading.tasks[0] <= 100 * FACTOR, `loading: a task of ${loading.tasks[0]} ms`);
  await rendered(page);
  await measured(page, t, "nothing to do", () => page.waitForTimeout(2000)); // what the others compare with
  assert.ok((await page.locator("#space .row").count()) < 100, "only the rows in view are in the DOM");
  fluid(await measured(page, t, "scrolling", () => scrolling(page, 5)), "scrolling");
  fluid(await measured(page, t, "typing a filter", () => typing(page, 8)), "typing");
  for (const by of ["module", "host", "connection"]) {
    fluid(await measured(page, t, `by ${by}`, async () => {
      await page.selectOption("#group", by);
      const first = `#space .row.group:not([hidden])[data-group^="${by.slice(0, 4)}"]`;
      await page.waitForFunction((s) => document.querySelector(s), first);
      await page.evaluate((s) => document.querySelector(s).click(), first); // a click of playwright waits for an idle page
      await scrolling(page, 2);
    }), by);
  }
  await page.selectOption("#group", "request");
  await page.evaluate(() => [...document.querySelectorAll(".row.head button")].find((b) => b.textContent.startsWith("time")).click());
  fluid(await measured(page, t, "sorted by time", () => scrolling(page, 2)), "sorted");
  await page.done();
});

test("2,000 new requests a second", { skip: !E2E_MANY_LIVE && "no E2E_MANY_LIVE" }, async (t) => {
  const page = await open(E2E_MANY_LIVE);
  await page.waitForSelector(ROWS);
  await page.waitForFunction((n) => document.querySelector("#t-requests").textContent === n && !document.querySelector("#loading"), ALL.toLocaleString("en"), { timeout: 90000 });
  await page.evaluate(() => fetch("/").then((r) => r.text())); // from here on they come
  const count = async () => Number((await text(page, "#t-requests")).replaceAll(",", ""));
  await page.waitForFunction((n) => Number(document.querySelector("#t-requests").textContent.replaceAll(",", "")) > n, ALL, { timeout: 90000 });
  const before = await count();
  const began = Date.now();
  fluid(await measured(page, t, "live", () => page.waitForTimeout(10000)), "live");
  const rate = ((await count()) - before) / ((Date.now() - began) / 1000);
  t.diagnostic(`${rate.toFixed(0)} new requests a second`);
  assert.ok(rate > (STRICT ? 1000 : 100), `only ${rate} a second came`); // else the live part had ended before it was measured
  await page.done();
});
