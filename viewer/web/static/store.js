// The one state of the page. Snapshots go in, the last one with an id wins, and
// rendering is a function of what is here.

import { failed, fullName, instant, kind, place, status } from "./format.js";

// A Row is an exchange with what the table needs to know of it again and again.
class Row {
  constructor(x) {
    this.id = x.id;
    this.set(x);
  }

  set(x) {
    this.x = x;
    this.at = instant(x.start); // ms since 1970
    this.stale = false; // the end of it was lost on the way
    this.text = undefined;
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
    return this.marks(now).end_ms;
  }

  matches(words) {
    this.text ??= `${this.x.url} ${kind(this.x)} ${fullName(this.x)} ${place(this.x).host} ${status(this.x)}`.toLowerCase();
    return words.every((w) => this.text.includes(w));
  }
}

export class Store {
  constructor() {
    this.changed = () => {};
    this.words = []; // of the filter
    this.skew = 0; // how far our clock is ahead of modtap's
    this.version = 0; // grows with every change
    this.reset();
  }

  // reset forgets everything, for another session.
  reset() {
    this.session = null;
    this.process = null;
    this.end = null;
    this.rows = []; // by id, which is the order of starting
    this.byID = new Map();
    this.conns = new Map();
    this.tunnels = new Map();
    this.findings = new Map();
    this.lost = 0;
    this.totals = { requests: 0, inFlight: 0, bytes: 0, failed: 0 };
    this.window = null; // [from, to] in ms since origin: only what happened in it
    this.filtered = null;
    this.ready = false; // the first snapshot is complete
    this.seen = null; // ids in the snapshot that is coming in
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
    if (this.seen && (!frame.snapshot || frame.seq > 0)) this.endSnapshot();
    this.ready ||= this.seen === null;
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
    let row = this.byID.get(x.id);
    if (row) {
      this.count(row, -1);
      row.set(x);
    } else {
      row = new Row(x);
      this.byID.set(x.id, row);
      let i = this.rows.length;
      while (i > 0 && this.rows[i - 1].id > x.id) i--;
      this.rows.splice(i, 0, row);
    }
    this.count(row, 1);
  }

  // count keeps the totals without looking at every row again.
  count(row, sign) {
    const t = this.totals;
    t.requests += sign;
    t.bytes += sign * Math.max(0, row.x.response?.body_size ?? 0);
    if (row.inFlight) t.inFlight += sign;
    if (failed(row.x)) t.failed += sign;
  }

  // endSnapshot gives up on requests whose end was lost: a snapshot has all that are in flight.
  endSnapshot() {
    for (const row of this.rows) {
      if (row.inFlight && !this.seen.has(row.id)) {
        row.stale = true;
        this.totals.inFlight--;
      }
    }
    this.seen = null;
  }

  touch() {
    this.filtered = null;
    this.version++;
    this.changed();
  }

  get live() {
    return this.session !== null && this.end === null;
  }

  // origin is the left end of the time axis.
  get origin() {
    return this.session ? instant(this.session.start) : (this.rows[0]?.at ?? Date.now() - this.skew);
  }

  // now is modtap's time; when the session is over, its end.
  get now() {
    return this.end ? this.origin + this.end.at_ms : Date.now() - this.skew;
  }

  filter(text) {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.touch();
  }

  // visible are the rows that pass the filter.
  get visible() {
    if (this.words.length === 0 && !this.window) return this.rows;
    this.filtered ??= this.rows.filter((row) => row.matches(this.words) && this.inWindow(row));
    return this.filtered;
  }

  inWindow(row) {
    if (!this.window) return true;
    const from = row.at - this.origin;
    return from <= this.window[1] && from + row.took(this.now) >= this.window[0];
  }

  // followers are the exchanges that a redirect or a repeat of id led to.
  followers(id) {
    return this.rows.filter((row) => row.x.parent === id).map((row) => row.x);
  }
}
