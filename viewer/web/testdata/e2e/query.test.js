// The filter language in the page: what is typed is what is shown.

import assert from "node:assert/strict";
import { test } from "node:test";
import { E2E_ENDED, HELLO, ROWS, exchange, fake, open, rendered } from "./lib.js";

const go = (kind, module, version) => ({ go: { kind, module, version } });

// served shows four requests that are known to the last number, one of them in flight.
const served = fake((ws) => {
  ws.send(HELLO);
  ws.send(JSON.stringify({ snapshot: true, seq: 4, lost: 0, events: [
    exchange(1, { ...go("list", "k8s.io/api"), status: 404 }),
    exchange(2, { ...go("list", "k8s.io/api"), status: 404, parent: 1, url: "https://host.test/1" }),
    exchange(3, { ...go("zip", "k8s.io/api", "v0.31.0"), server: { wrote_headers_ms: 1, wrote_request_ms: 2, first_byte_ms: 30, end_ms: 2050 }, response: { body_size: 3e6 } }),
    exchange(4, { ...go("zip", "rsc.io/quote", "v1.5.2"), status: 0, done: false, server: {} }),
  ] }));
});

const ids = async (page) => (await page.locator(`${ROWS} .id`).allTextContents()).map(Number).sort((a, b) => a - b);

test("the language of the filter", async () => {
  const page = await open(E2E_ENDED, { setup: served });
  await page.waitForSelector(ROWS);
  const want = {
    "kind:zip": [3, 4],
    "-kind:zip": [1, 2],
    "module:k8s.io/... status:4xx": [1, 2],
    "status:4xx -is:doubled": [1],
    "time:>1s": [3, 4], // what is in flight takes its time already
    "time:1s..3s size:>1MB": [3],
    "is:pending": [4],
    quote: [4],
    "kind:zip,nope": [3, 4],
    "kind:zip tim": [],
    "kind:zip time:": [3, 4], // what is not finished yet does not empty the table
    "": [1, 2, 3, 4],
  };
  for (const [filter, shown] of Object.entries(want)) {
    await page.fill("#filter", filter);
    await rendered(page);
    assert.deepEqual(await ids(page), shown, filter);
  }
  await page.done();
});
