// The load of a run: how many requests were in flight and how many bytes came, in bins of
// equal length; and, exactly, the most at one instant and the gaps without any. Nothing
// here draws, and all times are ms since the session's start.

export const BINS = 1024;
const FIRST = 1; // ms, the length of a bin to begin with

// Bins are sums over time. Adding costs what an interval covers; when the run outgrows
// them, pairs of bins become one, so that nothing has to be counted again.
export class Bins {
  constructor(from = 0) {
    this.from = from;
    this.width = FIRST;
    this.busy = new Float64Array(BINS); // ms of requests in flight: busy / width is how many on average
    this.bytes = new Float64Array(BINS); // of response bodies
  }

  get to() {
    return this.from + this.width * BINS;
  }

  // fit makes room until to.
  fit(to) {
    while (to > this.to) {
      this.width *= 2;
      for (const list of [this.busy, this.bytes]) {
        for (let i = 0; i < BINS / 2; i++) list[i] = list[2 * i] + list[2 * i + 1];
        list.fill(0, BINS / 2);
      }
    }
  }

  // add counts one request that was in flight in [from, to], whose size bytes came evenly
  // in [first, to].
  add({ from, to, first, size }) {
    if (!(to >= from)) return; // a start that is no time
    this.fit(to);
    this.spread(this.busy, from, to, to - from);
    if (size > 0) this.spread(this.bytes, first, to, size);
  }

  // spread adds amount to list, in equal parts over [from, to].
  spread(list, from, to, amount) {
    const bin = (ms) => Math.min(Math.max(Math.floor((ms - this.from) / this.width), 0), BINS - 1);
    const a = bin(from);
    const b = bin(to);
    if (a === b || to <= from) {
      list[a] += amount;
      return;
    }
    const rate = amount / (to - from);
    list[a] += rate * (this.from + (a + 1) * this.width - from);
    for (let i = a + 1; i < b; i++) list[i] += rate * this.width;
    list[b] += rate * (to - this.from - b * this.width);
  }

  // copyTo makes other the same, without making new arrays.
  copyTo(other) {
    other.from = this.from;
    other.width = this.width;
    other.busy.set(this.busy);
    other.bytes.set(this.bytes);
  }
}

// lifetime is what Bins count of a row: when it was in flight, and when which bytes came.
export function lifetime(row, origin, now) {
  const m = row.marks(now);
  const from = row.at - origin;
  const to = from + Math.max(0, m.end_ms || 0);
  const first = m.first_byte_ms > 0 ? Math.min(Math.max(from + m.first_byte_ms, from), to) : to;
  return { from, to, first, size: Math.max(0, row.x.response?.body_size ?? 0) };
}

// A Load follows a store: a request that is done is counted once, one in flight again and
// again.
export class Load {
  constructor() {
    this.reset(0);
  }

  reset(origin) {
    this.origin = origin;
    this.bins = new Bins();
    this.now = new Bins(); // bins with what is in flight
    this.known = new Set(); // ids that were taken, whether done or open
    this.open = []; // rows in flight
    this.taken = 0; // rows that were looked at, from the left of store.rows
    this.last = null; // the last of them
    this.count = 0; // done
    this.starts = new Float64Array(1024); // of those that are done
    this.ends = new Float64Array(1024);
  }

  // follow takes what is new in the store; a generator, because the first time that may be
  // a hundred thousand rows. What it has done is kept when it is not run to its end.
  * follow(store) {
    if (store.origin !== this.origin || (this.last && store.byID.get(this.last.id) !== this.last)) this.reset(store.origin);
    this.open = this.open.filter((row) => !this.settle(row));
    const { rows } = store;
    // Rows that came in before those that were taken: the known ones are passed over.
    if (this.taken > 0 && rows[this.taken - 1] !== this.last) this.taken = 0;
    while (this.taken < rows.length) {
      const row = rows[this.taken++];
      this.last = row;
      if (!this.known.has(row.id)) {
        this.known.add(row.id);
        if (!this.settle(row)) this.open.push(row);
      }
      if (this.taken % 256 === 0) yield;
    }
    this.bins.copyTo(this.now);
    for (const row of this.open) this.now.add(lifetime(row, this.origin, store.now));
  }

  // settle counts a row for good if it is done.
  settle(row) {
    if (!row.x.done) return false;
    const life = lifetime(row, this.origin, 0);
    if (Number.isNaN(life.from)) return true;
    this.before(life.from);
    this.bins.add(life);
    if (this.count === this.starts.length) {
      for (const name of ["starts", "ends"]) {
        const more = new Float64Array(2 * this.count);
        more.set(this[name]);
        this[name] = more;
      }
    }
    this.starts[this.count] = life.from;
    this.ends[this.count++] = life.to;
    return true;
  }

  // before makes room on the left for a request that began before the session did: that
  // is in recordings of other programs.
  before(from) {
    if (from >= this.bins.from) return;
    const old = this.bins;
    this.bins = new Bins(from);
    this.bins.fit(old.to);
    for (let i = 0; i < BINS; i++) {
      const at = old.from + i * old.width;
      if (old.busy[i]) this.bins.spread(this.bins.busy, at, at + old.width, old.busy[i]);
      if (old.bytes[i]) this.bins.spread(this.bins.bytes, at, at + old.width, old.bytes[i]);
    }
  }

  // intervals are when each request was in flight, until now: {starts, ends} in no order.
  intervals(now) {
    const n = this.count + this.open.length;
    const starts = new Float64Array(n);
    const ends = new Float64Array(n);
    starts.set(this.starts.subarray(0, this.count));
    ends.set(this.ends.subarray(0, this.count));
    this.open.forEach((row, i) => {
      const life = lifetime(row, this.origin, now);
      starts[this.count + i] = life.from;
      ends[this.count + i] = life.to;
    });
    return { starts, ends };
  }
}

// sweep goes through all instants in order: {peak: the most requests in flight, at: since
// when, busy: ms with any in flight, first, last, gaps: [{from, to}] in [from, to] without
// one, at least least ms long}. It sorts what it is given. A generator.
export function* sweep({ starts, ends }, from, to, least) {
  starts.sort();
  yield;
  ends.sort();
  yield;
  const out = { peak: 0, at: 0, busy: 0, first: starts[0] ?? NaN, last: ends[ends.length - 1] ?? NaN, gaps: [] };
  const gap = (a, b) => {
    const g = { from: Math.max(a, from), to: Math.min(b, to) };
    if (g.to - g.from >= least && g.to > g.from) out.gaps.push(g);
  };
  let free = from; // since when nothing is in flight
  let level = 0;
  let s = 0;
  for (let e = 0; e < ends.length;) {
    if (s < starts.length && starts[s] <= ends[e] && (level === 0 || starts[s] < ends[e])) {
      if (level++ === 0) {
        gap(free, starts[s]);
        free = starts[s]; // until the level is 0 again it is since when something is
      }
      if (level > out.peak) [out.peak, out.at] = [level, starts[s]];
      s++;
    } else {
      if (--level === 0) {
        out.busy += ends[e] - free;
        free = ends[e];
      }
      e++;
    }
    if ((s + e) % 4096 === 0) yield;
  }
  gap(free, to);
  return out;
}
