// Spans of time that lie over each other.

// A Union is the time that is covered by spans which come roughly in the order of their
// starts: their sum without counting anything twice.
export class Union {
  constructor() {
    this.spans = []; // from, to, from, to… in order, with a gap between each two
    this.late = false; // a span began before the last one
  }

  add(from, to) {
    if (!(to > from)) return;
    const s = this.spans;
    const n = s.length;
    if (n === 0 || from > s[n - 1]) s.push(from, to);
    else if (from >= s[n - 2]) s[n - 1] = Math.max(s[n - 1], to);
    else {
      s.push(from, to);
      this.late = true;
    }
  }

  // settle brings the spans in order, and returns their sum.
  settle() {
    if (this.late) this.sort();
    let sum = 0;
    for (let i = 0; i < this.spans.length; i += 2) sum += this.spans[i + 1] - this.spans[i];
    return sum;
  }

  sort() {
    const pairs = [];
    for (let i = 0; i < this.spans.length; i += 2) pairs.push([this.spans[i], this.spans[i + 1]]);
    pairs.sort((a, b) => a[0] - b[0]);
    this.spans = [];
    this.late = false;
    for (const [from, to] of pairs) this.add(from, to);
  }
}

// columns says which of width columns a span of parts (0 the left end, 1 the right one)
// covers: [first, last], or null when it lies outside. What is shorter than a column
// still covers one.
export function columns(from, to, width) {
  if (to < 0 || from > 1 || width <= 0) return null;
  const first = Math.min(Math.max(Math.floor(from * width), 0), width - 1);
  const last = Math.min(Math.max(Math.ceil(to * width) - 1, first), width - 1);
  return [first, last];
}
