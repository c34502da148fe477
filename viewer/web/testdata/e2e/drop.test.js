// Recordings that are dropped on the page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { E2E_ENDED, HELLO, ROWS, exchange, fake, open, rows, session, text } from "./lib.js";

// drag drops files on the page as a person would, as far as a script can.
const drag = (page, files, types = []) => page.evaluate(([files, types]) => {
  const data = new DataTransfer();
  for (const [name, body] of files) data.items.add(new File([body], name, { type: "application/json" }));
  for (const [type, value] of types) data.setData(type, value);
  const fire = (name) => document.getElementById("main").dispatchEvent(new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
  fire("dragenter");
  const shown = new Promise((r) => setTimeout(() => r(document.querySelector(".drop")?.textContent ?? ""), 100));
  fire("dragover");
  return shown.then((words) => { fire("drop"); return words; });
}, [files, types]);

test("a recording that is dropped is opened, and left again", async () => {
  const sent = [];
  const queries = [];
  const page = await open(E2E_ENDED, { setup: async (p) => {
    await p.route("**/api/recordings", (route) => {
      sent.push([route.request().method(), route.request().headers()["x-file-name"], route.request().postData()]);
      route.fulfill({ json: { recording: "r1" } });
    });
    await p.route("**/api/recording?*", (route) => route.fulfill({ json: { har: "" } }));
    await fake((ws, n, said, query) => {
      queries.push(new URLSearchParams(query).get("recording"));
      const other = query.includes("recording=r1");
      ws.send(other ? HELLO.replace('"go","build"', '"go","dropped"').replace('"id":"a"', '"id":"b"') : HELLO);
      ws.send(JSON.stringify({ seq: 1, events: Array.from({ length: other ? 2 : 5 }, (_, i) => exchange(i + 1)), lost: 0, snapshot: true }));
    })(p);
  } });
  await page.waitForFunction(() => document.querySelectorAll("#space .row:not([hidden])").length === 5);
  assert.equal(await drag(page, [["my run ü.har", '{"log":{}}']]), "Drop to open");
  await page.waitForSelector("#back");
  await page.waitForFunction(() => document.querySelector("#command").textContent === "go dropped" && document.querySelectorAll("#space .row:not([hidden])").length === 2);
  assert.deepEqual(sent, [["POST", "my%20run%20%C3%BC.har", '{"log":{}}']]);
  assert.match(await text(page, "#banner"), /my run ü\.har is open/);
  await page.click("#back");
  await page.waitForFunction(() => document.querySelector("#command").textContent === "go build" && document.querySelectorAll("#space .row:not([hidden])").length === 5);
  assert.deepEqual(queries, [null, "r1", null]);
  await page.done();
});

// opening is a page that a dropped file becomes a recording of: r1.
const opening = (script) => open(E2E_ENDED, { setup: async (p) => {
  await p.route("**/api/recordings", (route) => route.fulfill({ json: { recording: "r1" } }));
  await p.route("**/api/recording?*", (route) => route.fulfill({ status: 404, json: { error: "this recording is no longer open here" } }));
  await fake(script)(p);
} });

test("a recording that modtap let go leads back to the session", async () => {
  let other = 0;
  const page = await opening((ws, n, said, query) => {
    if (!query.includes("recording=r1")) {
      ws.send(HELLO);
      ws.send(JSON.stringify({ seq: 1, events: [exchange(1)], lost: 0, snapshot: true }));
    } else if (++other === 1) {
      ws.send(HELLO.replace('"id":"a"', '"id":"b"'));
      ws.send(JSON.stringify({ seq: 1, events: [exchange(1), exchange(2)], lost: 0, snapshot: true }));
      setTimeout(() => ws.close({ code: 1001 }), 300);
    } else ws.close({ code: 1006 });
  });
  await page.waitForSelector(ROWS);
  await drag(page, [["a.har", "{}"]]);
  await page.waitForSelector("#back");
  await page.waitForFunction(() => /closed that recording/.test(document.querySelector(".notice")?.textContent));
  await page.waitForFunction(() => document.querySelectorAll("#space .row:not([hidden])").length === 1);
  assert.equal(await page.locator("#back").count(), 0);
  await page.context().close(); // the console has the 404
});

test("Esc leaves a file that is on its way", async () => {
  const page = await open(E2E_ENDED, { setup: async (p) => {
    await p.route("**/api/recordings", () => {}); // it is never there
    await session([exchange(1)])(p);
  } });
  await page.waitForSelector(ROWS);
  await page.fill("#filter", "host");
  await drag(page, [["slow.har", "{}"]]);
  await page.waitForSelector(".drop.busy");
  await page.focus("#filter");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.querySelector(".notice")?.textContent === "slow.har was not opened.");
  assert.equal(await page.locator(".drop").count(), 0);
  assert.equal(await page.inputValue("#filter"), "host", "nothing else is left with it");
  await page.done();
});

test("what cannot be opened is told", async () => {
  const pickers = [];
  const page = await open(E2E_ENDED, { setup: async (p) => {
    p.on("filechooser", (f) => pickers.push(f)); // from now on: to ask for it at the key may be too late
    await p.route("**/api/recordings", (route) => route.fulfill({ status: 422, json: { error: "it is no HAR: line 1, <b>column</b> 1" } }));
    await session([exchange(1)])(p);
  } });
  await page.waitForSelector(ROWS);
  await drag(page, [["a.har", "x"], ["b.har", "x"]]);
  await page.waitForFunction(() => /One recording at a time/.test(document.querySelector("#banner")?.textContent));
  await drag(page, [], [["text/plain", "words"]]);
  await page.waitForFunction(() => /Only files can be opened/.test(document.querySelector("#banner")?.textContent));
  const picker = async (how) => {
    const n = pickers.length;
    await how();
    for (let i = 0; pickers.length === n && i < 100; i++) await page.waitForTimeout(100);
    return pickers[n];
  };
  assert.ok(await picker(() => page.click("#open")), "by the mouse");
  await (await picker(() => page.keyboard.press("O"))).setFiles({ name: "bad.har", mimeType: "application/json", buffer: Buffer.from("x") });
  await page.waitForFunction(() => /bad\.har could not be opened: it is no HAR: line 1, <b>column<\/b> 1$/.test(document.querySelector(".notice")?.textContent));
  assert.equal(await page.locator(".drop").count(), 0);
  assert.equal(await rows(page), 1, "what was shown is still shown");
  await page.context().close(); // the console has the 422
});
