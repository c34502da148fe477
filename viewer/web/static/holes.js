// Which ids are missing.

// Spans is a set of whole numbers that come in runs.
export class Spans {
  constructor() {
    this.list = []; // [from, to] in order, with a gap between each two
  }

  add(from, to) {
    const out = [];
    for (const [a, b] of this.list) {
      if (b < from - 1 || a > to + 1) {
        out.push([a, b]);
        continue;
      }
      from = Math.min(from, a);
      to = Math.max(to, b);
    }
    out.push([from, to]);
    this.list = out.sort((a, b) => a[0] - b[0]);
  }

  // without is [from, to] with what is in the set cut out.
  without(from, to) {
    const out = [];
    for (const [a, b] of this.list) {
      if (b < from) continue;
      if (a > to) break;
      if (a > from) out.push([from, a - 1]);
      from = b + 1;
    }
    if (from <= to) out.push([from, to]);
    return out;
  }
}

// holesOf returns the ids that are missing among rows, and before them, as [from, to] in
// the order of ids, without those that were asked for.
export function holesOf(rows, asked) {
  const holes = [];
  let next = 1;
  for (const { id } of rows) {
    if (id > next) holes.push(...asked.without(next, id - 1));
    next = id + 1;
  }
  return holes;
}
