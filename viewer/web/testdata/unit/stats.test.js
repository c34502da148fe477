import assert from "node:assert/strict";
import { test } from "node:test";
import { csv, tsv } from "../../static/csv.js";
import { percentile, union } from "../../static/stats.js";

const ranks = [
  { of: [], p: 50, want: undefined },
  { of: [7], p: 50, want: 7 },
  { of: [7], p: 95, want: 7 },
  { of: [1, 2], p: 50, want: 1 },
  { of: [1, 2], p: 95, want: 2 },
  { of: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], p: 50, want: 5 },
  { of: Array.from({ length: 100 }, (_, i) => i + 1), p: 95, want: 95 },
  { of: [1, 2, 3], p: 0, want: 1 },
];
test("percentiles are nearest ranks", () => {
  for (const { of, p, want } of ranks) assert.equal(percentile(of, p), want, `P${p} of ${of}`);
});

test("time is counted once, however many spans cover it", () => {
  const covered = (...spans) => union(Float64Array.from(spans, (s) => s[0]), Float64Array.from(spans, (s) => s[1]));
  assert.equal(covered(), 0);
  assert.equal(covered([5, 9], [0, 3], [2, 4], [2.5, 3]), 8);
  assert.equal(covered([0, 10], [2, 3], [10, 11]), 11);
  assert.equal(covered([1, 1], [1, 1], [3, 4]), 1);
  assert.equal(covered([0, 100], [1, 2], [3, 4], [200, 201]), 101);
  // Against a count of every ms that is covered.
  let seed = 7;
  const rnd = (n) => (seed = (seed * 16807) % 2147483647) % n;
  for (let run = 0; run < 50; run++) {
    const spans = Array.from({ length: 20 }, () => { const from = rnd(200); return [from, from + rnd(15)]; });
    const at = new Set(spans.flatMap(([a, b]) => Array.from({ length: b - a }, (_, i) => a + i)));
    assert.equal(covered(...spans), at.size);
  }
});

const cells = [
  ["plain", "plain", "plain"],
  ['say "no"', '"say ""no"""', 'say "no"'],
  ["a,b", '"a,b"', "a,b"],
  ["a\r\nb", '"a\r\nb"', "a b"],
  [" a", '" a"', " a"],
  ["=1+1", "'=1+1", "'=1+1"],
  ["+1", "'+1", "'+1"],
  ["-1", "'-1", "'-1"],
  ["@x", "'@x", "'@x"],
  ["\t=1", "'\t=1", "' =1"],
  ["=HYPERLINK(\"a\",1)", '"\'=HYPERLINK(""a"",1)"', "'=HYPERLINK(\"a\",1)"],
  [-1.5, "-1.5", "-1.5"],
  [undefined, "", ""],
  [null, "", ""],
  [NaN, "", ""],
  [0, "0", "0"],
  [true, "true", "true"],
];
test("cells hold what they hold, and no formula", () => {
  for (const [value, asCSV, asTSV] of cells) {
    assert.equal(csv([value, 1]), `${asCSV},1\r\n`);
    assert.equal(tsv([value, 1]), `${asTSV}\t1\n`);
  }
});
