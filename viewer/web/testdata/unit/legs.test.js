import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { legs } from "../../static/legs.js";
import { timings } from "../../static/marks.js";

const golden = JSON.parse(readFileSync(new URL("../timings.json", import.meta.url)));
const sum = (lines) => lines.reduce((n, l) => n + l.took, 0);

test("the server's lines sum to the whole, and lie on the axis", () => {
  for (const { name, marks } of golden) {
    const { total, server } = legs({}, marks, false);
    const end = Math.max(marks.end_ms ?? 0, 0);
    assert.ok(Math.abs(sum(server) - end) < 1e-5, `${name}: ${sum(server)} of ${end}`);
    for (const l of server) {
      for (const b of l.bars) assert.ok(b.from >= 0 && b.to >= b.from && b.to <= total, `${name}: ${l.name} ${b.from} ${b.to} of ${total}`);
      const drawn = l.bars.reduce((n, b) => n + b.to - b.from, 0);
      assert.ok(Math.abs(drawn - l.took) < 1e-5, `${name}: ${l.name} is ${l.took}, drawn ${drawn}`);
    }
    const queue = server.find((l) => l.name === "queue")?.took ?? 0;
    const t = timings(marks);
    assert.ok(Math.abs(queue - (t.blocked - t.proxy)) < 1e-5, name);
  }
});

test("the client's lines are what happened, with the time since the one before", () => {
  const x = { client: { got_conn_ms: 5, first_byte_ms: 40, last_byte_ms: 100, end_ms: 101 }, client_blocked_ms: 20 };
  const { total, client } = legs(x, { end_ms: 90 }, false);
  assert.equal(total, 101, "one axis for both");
  assert.deepEqual(client.map((l) => [l.name, l.at, l.took]), [["headers read", 5, 5], ["first byte given", 40, 35], ["last byte given", 100, 60], ["done", 101, 1]]);
  assert.deepEqual(client[2].bars, [{ from: 40, to: 100, look: "giving" }, { from: 80, to: 100, look: "held" }]);
});

test("what did not happen is no line", () => {
  assert.deepEqual(legs({}, {}, true), { total: 0.001, server: [], client: [] });
  assert.deepEqual(legs({ client: { got_conn_ms: 1, first_byte_ms: 0, end_ms: 9 } }, { end_ms: 9 }, false).client.map((l) => l.name), ["headers read", "done"]);
  assert.deepEqual(legs({}, { end_ms: 500 }, true).server, [], "what is in flight and has told nothing is not said to queue");
  assert.equal(legs({ error: { op: "tls" } }, { tls_start_ms: 2, end_ms: 9 }, false).server.at(-1).bars[0].look, "tls fail");
});
