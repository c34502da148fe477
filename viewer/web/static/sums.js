// The numbers of the tables of modules and of hosts, from the rows that are shown.

import { failed, place } from "./format.js";
import { tellsReuse, timings } from "./marks.js";
import { percentile, union } from "./stats.js";

export const SPARK = 48; // bars of a sparkline

// A Sum is the requests about one module, or to one host.
class Sum {
  constructor(name) {
    this.name = name;
    this.requests = 0;
    this.failed = 0;
    this.bytes = 0; // of response bodies
    this.starts = []; // when requests were in flight
    this.ends = [];
    this.came = []; // when bytes came
    this.gone = [];
    this.tooks = []; // ms, of those that are done
    this.waits = []; // ms to the first byte, of those that have one
    this.first = Infinity;
    this.last = -Infinity;
    this.versions = new Set();
    this.conns = new Set();
    this.sent = 0; // requests that went to a server over a connection that is known
    this.reused = 0; // of them, those on a connection that was there already
    this.connects = []; // ms, for connections that are not listed apart
    this.tls = [];
    this.spark = new Uint32Array(SPARK);
  }

  // add counts a row; at is ms since the session's start, run the times that the sparkline shows.
  add(row, at, now, run) {
    const x = row.x;
    const m = row.marks(now);
    const to = at + Math.max(0, m.end_ms || 0);
    this.requests++;
    if (failed(x)) this.failed++;
    const size = Math.max(0, x.response?.body_size ?? 0);
    this.bytes += size;
    this.starts.push(at);
    this.ends.push(to);
    this.first = Math.min(this.first, at);
    this.last = Math.max(this.last, to);
    if (x.done && m.end_ms > 0) this.tooks.push(m.end_ms); // 0: the file does not say
    if (x.go?.version) this.versions.add(x.go.version);
    this.spark[Math.min(Math.max(Math.floor(((at - run.from) / (run.to - run.from)) * SPARK), 0), SPARK - 1)]++;
    return { m, to, size };
  }

  // reach counts what tells of the server, too.
  reach(row, at, now, run, conns) {
    const { m, to, size } = this.add(row, at, now, run);
    if (tellsReuse(row.x, m)) {
      this.sent++;
      if (m.reused) this.reused++;
    }
    if (m.first_byte_ms > 0) {
      if (row.x.done) this.waits.push(waited(m));
      if (size > 0 && to > at + m.first_byte_ms) {
        this.came.push(at + m.first_byte_ms);
        this.gone.push(to);
      }
    }
    const { conn } = row.x;
    if (conn) this.conns.add(conn);
    if (!m.reused && !(conn && conns.has(conn))) opened(m, this);
  }

  // end makes the numbers out of what was gathered; a generator, because of one host there
  // may be a hundred thousand.
  * end(conns) {
    for (const id of this.conns) {
      const c = conns.get(id);
      if (c) opened(c.marks ?? {}, this);
    }
    const busy = union(Float64Array.from(this.starts), Float64Array.from(this.ends));
    yield;
    const receiving = union(Float64Array.from(this.came), Float64Array.from(this.gone));
    const out = {
      name: this.name, requests: this.requests, failed: this.failed, bytes: this.bytes, busy,
      first: this.first, last: this.last, versions: [...this.versions].sort(versionOrder),
      conns: this.conns.size, sent: this.sent, reused: this.sent ? this.reused / this.sent : undefined,
      rate: receiving > 0 ? (this.bytes / receiving) * 1000 : undefined, spark: this.spark,
    };
    for (const [name, list] of [["took", this.tooks], ["wait", this.waits], ["connect", this.connects], ["tls", this.tls]]) {
      yield;
      const sorted = Float64Array.from(list).sort();
      Object.assign(out, { [`${name}50`]: percentile(sorted, 50), [`${name}95`]: percentile(sorted, 95), [`${name}N`]: sorted.length });
    }
    return out;
  }
}

// waited is timings(m).wait of a request that was answered. Most went over a connection
// that was open; for those it is made without all that timings makes.
export function waited(m) {
  if (m.dns_start_ms || m.connect_start_ms || m.proxy_start_ms || m.tls_start_ms || !(m.wrote_headers_ms > 0)) return timings(m).wait;
  const end = Math.max(m.end_ms || 0, 0);
  const sent = m.wrote_request_ms > 0 && m.wrote_request_ms <= m.first_byte_ms ? m.wrote_request_ms : m.first_byte_ms;
  const wrote = Math.min(Math.max(sent, m.wrote_headers_ms), end);
  return Math.min(Math.max(m.first_byte_ms, wrote), end) - wrote;
}

// opened takes how long opening a connection took from its marks, where it came to that.
function opened(m, sum) {
  if (m.connect_start_ms > 0 && m.connect_done_ms >= m.connect_start_ms) sum.connects.push(m.connect_done_ms - m.connect_start_ms);
  if (m.tls_start_ms > 0 && m.tls_done_ms >= m.tls_start_ms) sum.tls.push(m.tls_done_ms - m.tls_start_ms);
}

const collator = new Intl.Collator("en", { numeric: true });

// versionOrder sorts v1.9.0 before v1.10.0.
const versionOrder = (a, b) => collator.compare(a, b);

// sums goes through rows and returns {list, none}: a line for each module or host (by), and
// how many of the requests that are shown are about none. In is {match, range, origin, now,
// conns, byID}, the last two the store's. A generator.
export function* sums(by, rows, { match, range, origin, now, conns, byID }) {
  const [from, to] = range ?? [-Infinity, Infinity];
  const run = range ? { from, to } : { from: Math.min(0, (rows[0]?.at ?? origin) - origin), to: Math.max(now - origin, 1) };
  const found = new Map();
  let none = 0;
  for (let i = 0; i < rows.length; i++) {
    if (i % 128 === 127) yield;
    const row = rows[i];
    const at = row.at - origin;
    if (Number.isNaN(at) || at > to || at + row.took(now) < from || !match(row, now, byID)) continue;
    const name = by === "module" ? row.x.go?.module : place(row.x).host;
    if (!name) {
      none++;
      continue;
    }
    let sum = found.get(name);
    if (!sum) found.set(name, sum = new Sum(name));
    if (by === "module") sum.add(row, at, now, run);
    else sum.reach(row, at, now, run, conns);
  }
  const list = [];
  for (const sum of found.values()) {
    list.push(yield* sum.end(conns));
    yield;
  }
  return { list, none, run };
}

// order sorts lines by what value gives of them; what has no value comes last either way.
export function order(list, value, down) {
  const sign = down ? -1 : 1;
  const of = (s) => {
    const v = value(s);
    return Number.isNaN(v) || v === null ? undefined : v;
  };
  return [...list].sort((x, y) => {
    const [a, b] = [of(x), of(y)];
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined) || collator.compare(x.name, y.name);
    const d = typeof a === "string" ? collator.compare(a, b) : a - b;
    return d === 0 ? collator.compare(x.name, y.name) : sign * d;
  });
}
