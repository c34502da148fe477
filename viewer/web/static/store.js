// The one state of the page. Snapshots go in, the last one with an id wins, and
// rendering is a function of what is here.

import { failed, instant } from "./format.js";
import { Links } from "./links.js";

// A Row is an exchange with what the table needs to know of it again and again. It is a
// line of the table, too: line.row is the row itself.
class Row {
  constructor(x) {
    this.id = x.id;
    this.of = null; // the group that it is shown in; lines.js sets it
    this.line = -1; // its place among the lines; lines.js sets it
    this.in = false; // it passes the filter
    this.seen = null; // by which pass of lines.js
    this.moved = false; // it leaves its place among the lines
    this.key = 0; // what it is sorted by
    this.set(x);
  }

  set(x) {
    this.x = x;
    this.at = instant(x.start); // ms since 1970
    this.stale = false; // the end of it was lost on the way
  }

  get row() {
    return this;
  }

  // inFlight is whether more of it will come.
  get inFlight() {
    return !this.x.done && !this.stale;
  }

  // marks are the server leg's, made to last until now while the request is in flight.
  marks(now) {
    const m = this.x.server ?? {};
    if (this.inFlight) return { ...m, end_ms: Math.max(now - this.at, m.last_byte_ms ?? 0, 0) };
    return m.end_ms ? m : { ...m, end_ms: this.x.client?.end_ms ?? m.last_byte_ms ?? 0 };
  }

  // took is how long it took, or takes already.
  took(now) {
    const m = this.x.server;
    if (this.inFlight) return Math.max(now - this.at, m?.last_byte_ms ?? 0, 0);
    return m?.end_ms || (this.x.client?.end_ms ?? m?.last_byte_ms ?? 0);
  }
}

// A Watch gathers which rows are new or changed for one reader, which takes them when it
// has the time.
class Watch {
  constructor() {
    this.rows = new Set();
    this.all = true; // everything is new
  }

  // take returns what changed since the last time.
  take() {
    const { rows, all } = this;
    this.rows = new Set();
    this.all = false;
    return { rows, all };
  }
}

export class Store {
  constructor() {
    this.changed = () => {};
    this.settled = () => {}; // a snapshot is complete
    this.skew = 0; // how far our clock is ahead of modtap's
    this.version = 0; // grows with every change
    this.watches = [];
    this.reset();
  }

  // reset forgets everything, for another session.
  reset() {
    this.session = null;
    this.process = null;
    this.end = null;
    this.cut = false; // nothing more will come, and no end was recorded
    this.rows = []; // by id, which is the order of starting
    this.byID = new Map();
    this.flying = new Set(); // rows in flight
    this.links = new Links(this.byID);
    this.conns = new Map();
    this.tunnels = new Map();
    this.findings = new Map();
    this.words = new Map(); // strings that many exchanges share
    this.lost = 0;
    this.totals = { requests: 0, inFlight: 0, bytes: 0, failed: 0 };
    this.ready = false; // the first snapshot is complete
    this.seen = null; // ids in the snapshot that is coming in
    for (const w of this.watches) {
      w.rows = new Set();
      w.all = true;
    }
  }

  // watch returns a Watch of all rows from now on.
  watch() {
    const w = new Watch();
    this.watches.push(w);
    return w;
  }

  // hello takes the first frame of a connection. Our clock is only corrected when it is
  // clearly another machine's.
  hello({ session, now }) {
    if (this.session && session && this.session.id !== session.id) this.reset();
    if (session) this.session = session;
    const off = Date.now() - instant(now);
    this.skew = Math.abs(off) > 2000 ? off : 0;
    this.touch();
  }

  // apply takes one frame. It returns false when events were lost and only a snapshot
  // can tell what the state is.
  apply(frame) {
    if (frame.snapshot) this.seen ??= new Set();
    for (const e of frame.events) this.event(e);
    const ends = this.seen && (!frame.snapshot || frame.seq > 0);
    if (ends) this.endSnapshot();
    this.ready ||= this.seen === null;
    if (ends) this.settled();
    this.lost += frame.lost;
    this.touch();
    return frame.lost === 0;
  }

  event(e) {
    if (e.exchange) this.exchange(e.exchange);
    else if (e.conn) this.conns.set(e.conn.id, e.conn);
    else if (e.tunnel) this.tunnels.set(e.tunnel.id, e.tunnel);
    else if (e.finding) this.findings.set(e.finding.id, e.finding);
    else if (e.process) this.process = e.process;
    else if (e.session) this.session = e.session;
    else if (e.end) this.end = e.end;
  }

  exchange(x) {
    this.seen?.add(x.id);
    const row = this.byID.get(x.id);
    if (row) {
      this.count(row, -1);
      row.set(this.compact(x));
      this.count(row, 1);
      this.links.update(row);
      return;
    }
    const added = this.add(x);
    let i = this.rows.length;
    while (i > 0 && this.rows[i - 1].id > x.id) i--;
    if (i === this.rows.length) this.rows.push(added);
    else this.rows.splice(i, 0, added);
  }

  // add makes the row of an exchange that is new; the caller puts it into rows.
  add(x) {
    const row = new Row(this.compact(x));
    this.byID.set(x.id, row);
    this.links.add(row);
    this.count(row, 1);
    return row;
  }

  // page takes exchanges that were read from the recording, in the order of ids. What the
  // stream has told already is newer and stays.
  page(list) {
    const fresh = [];
    for (const x of list) {
      if (!this.byID.has(x.id)) fresh.push(this.add(x));
    }
    if (fresh.length > 0) this.rows = mergeByID(this.rows, fresh);
    for (const row of fresh) {
      if (row.inFlight) this.giveUp(row); // its end never reached the recording
      for (const next of this.links.children(row.id)) this.mark(next); // their group is found through it
    }
    this.touch();
    return fresh.length;
  }

  // compact has exchanges share strings, so that a hundred thousand of them fit into a
  // page's memory. Headers are not here at all: the stream is asked to leave them out.
  compact(x) {
    for (const field of ["method", "proto", "remote"]) {
      if (x[field]) x[field] = this.share(x[field]);
    }
    const go = x.go;
    if (go?.module) go.module = this.share(go.module);
    if (go?.kind) go.kind = this.share(go.kind);
    if (x.response?.mime) x.response.mime = this.share(x.response.mime);
    return x;
  }

  share(text) {
    const known = this.words.get(text);
    if (known !== undefined) return known;
    if (this.words.size < 50000) this.words.set(text, text);
    return text;
  }

  // count keeps the totals without looking at every row again, and tells the watches.
  count(row, sign) {
    const t = this.totals;
    t.requests += sign;
    t.bytes += sign * Math.max(0, row.x.response?.body_size ?? 0);
    if (row.inFlight) {
      t.inFlight += sign;
      if (sign > 0) this.flying.add(row);
      else this.flying.delete(row);
    }
    if (failed(row.x)) t.failed += sign;
    if (sign > 0) this.mark(row);
  }

  mark(row) {
    for (const w of this.watches) {
      if (!w.all) w.rows.add(row);
    }
  }

  giveUp(row) {
    row.stale = true;
    this.totals.inFlight--;
    this.flying.delete(row);
    this.mark(row);
  }

  // endSnapshot gives up on requests whose end was lost: a snapshot has all that are in flight.
  endSnapshot() {
    for (const row of [...this.flying]) {
      if (!this.seen.has(row.id)) this.giveUp(row);
    }
    this.seen = null;
  }

  touch() {
    this.version++;
    this.changed();
  }

  get live() {
    return this.session !== null && !this.over;
  }

  // over is whether nothing more will come.
  get over() {
    return this.end !== null || this.cut;
  }

  // finish is told that nothing more will come. A recording of another program, and one
  // that was cut off, has no end: what is the last in it stands for that.
  finish() {
    this.cut = this.end === null;
    this.touch();
  }

  // origin is the left end of the time axis.
  get origin() {
    if (!this.session) return this.rows[0]?.at ?? Date.now() - this.skew;
    if (this.started?.of !== this.session) this.started = { of: this.session, at: instant(this.session.start) };
    return this.started.at;
  }

  // now is modtap's time; when the session is over, its end.
  get now() {
    if (this.end) return this.origin + this.end.at_ms;
    return this.cut ? this.latest() : Date.now() - this.skew;
  }

  // latest is the last instant that is known of. It is kept until something changes.
  latest() {
    if (this.found?.version === this.version && this.found.rows === this.rows) return this.found.at;
    let at = Math.max(this.origin, this.origin + (this.process?.end_ms ?? 0));
    for (const { at: start, x } of this.rows) {
      const m = x.server;
      const end = start + Math.max(m?.end_ms ?? 0, x.client?.end_ms ?? 0, m?.last_byte_ms ?? 0, m?.first_byte_ms ?? 0);
      if (end > at) at = end;
    }
    this.found = { version: this.version, rows: this.rows, at };
    return at;
  }

  // elapsed is how long the command ran, or runs, in ms. What modtap does after its end
  // (waiting for the last bytes, judging) is not the command's time.
  get elapsed() {
    if (!this.session) return 0;
    const p = this.process;
    return this.over && p?.end_ms > 0 ? p.end_ms - p.start_ms : this.now - this.origin;
  }

  // followers are the exchanges that a redirect or a repeat of id led to.
  followers(id) {
    return this.links.children(id).map((row) => row.x);
  }
}

// mergeByID merges two lists of rows, both in the order of ids.
function mergeByID(a, b) {
  if (a.length === 0 || a.at(-1).id < b[0].id) return a.concat(b);
  if (b.at(-1).id < a[0].id) return b.concat(a);
  const out = new Array(a.length + b.length);
  for (let i = 0, j = 0, k = 0; k < out.length; k++) {
    out[k] = j === b.length || (i < a.length && a[i].id < b[j].id) ? a[i++] : b[j++];
  }
  return out;
}
