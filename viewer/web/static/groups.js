// What requests are grouped by, and what is said of a group.

import { duration, failed, fullName, kind, place } from "./format.js";
import * as language from "./query.js";
import { Union } from "./spans.js";

const DATABASE = "checksum database";

// A Group is a line of the table that stands for requests. line.group is the group itself.
export class Group {
  constructor(key, title) {
    this.key = key;
    this.title = title;
    this.rows = []; // by id
    this.shown = []; // as sorted, when they are shown
    this.line = -1;
    this.id = 0; // of its first request
    this.dirty = true;
    this.rev = 0; // grows when its numbers change
    this.counted = 0; // when they were last made, performance.now()
    this.zero();
  }

  get group() {
    return this;
  }

  zero() {
    this.count = this.failed = this.bytes = this.inFlight = 0;
    this.from = Infinity; // ms since 1970: the first start
    this.to = -Infinity; // the last end
    this.busy = 0; // ms in which at least one of its requests was under way
    this.spans = []; // those times, ms since 1970: from, to, from, to…
  }

  // recount makes the numbers anew; a generator, because a group may be everything.
  *recount(now) {
    const rows = this.rows;
    const union = new Union();
    let bad = 0;
    let size = 0;
    let flying = 0;
    let from = Infinity;
    let to = -Infinity;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      const end = row.at + row.took(now);
      union.add(row.at, end);
      if (failed(row.x)) bad++;
      if (row.inFlight) flying++;
      size += Math.max(0, row.x.response?.body_size ?? 0);
      if (row.at < from) from = row.at;
      if (end > to) to = end;
      if (i % 1000 === 999) yield;
    }
    const busy = union.settle();
    Object.assign(this, { count: rows.length, failed: bad, bytes: size, inFlight: flying, from, to, busy, spans: union.spans });
    this.id = rows[0]?.id ?? 0;
    this.dirty = false;
    this.rev++;
  }

  // words are the sum of its times, so that busy cannot be taken for the time from the
  // first to the last.
  get words() {
    return this.to > this.from ? `busy ${duration(this.busy)}${this.over && ` in ${this.over}`}` : "";
  }

  // over is the time from the first start to the last end, "" when it was busy all along.
  get over() {
    const span = this.to - this.from;
    return this.busy >= span * 0.995 ? "" : duration(span);
  }
}

// ownerOf says which module the first tiles of the checksum database belong to: a tile is
// asked for to prove a lookup, and while only one lookup has been answered it is that one's.
// Later ones prove several, so nobody owns them.
export function ownerOf(lookups, now) {
  let first = null;
  let second = Infinity;
  let end = Infinity;
  for (const row of lookups) {
    if (row.inFlight) continue;
    const at = row.at + row.took(now);
    if (at < end) {
      second = end;
      end = at;
      first = row;
    } else if (at < second) {
      second = at;
    }
  }
  return first?.x.go?.module ? { module: first.x.go.module, from: end, to: second } : { module: "", from: 0, to: 0 };
}

// keyOf returns which group a row belongs to: {key, title}.
export function keyOf(by, row, store, owner) {
  const x = row.x;
  switch (by) {
    case "module": return module(row, store, owner);
    case "host": {
      const { host } = place(x);
      return { key: `host ${host}`, title: host || "no host" };
    }
    case "connection": return x.conn ? { key: `conn ${x.conn}`, title: connection(x, store) } : { key: "conn 0", title: "no connection" };
    case "step": {
      const s = language.step?.(x) ?? kind(x);
      return { key: `step ${s}`, title: s };
    }
  }
  return null;
}

function module(row, store, owner) {
  const x = row.x;
  const go = x.go ?? {};
  const of = (name) => ({ key: `module ${name}`, title: name });
  if (go.module) return of(go.module);
  if (go.kind === "sumdb-tile" && row.at >= owner.from && row.at < owner.to) return of(owner.module);
  if (go.kind?.startsWith("sumdb")) return of(DATABASE);
  if (go.repo) return of(go.repo.replace(/\.git$/, ""));
  const parent = x.parent ? store.byID.get(x.parent) : undefined;
  if (parent?.x.go?.module) return of(parent.x.go.module); // where a redirect led to
  if (go.kind?.startsWith("toolchain")) return of(`toolchain ${go.extra ?? ""}`.trim());
  if (go.extra) return of(`${go.kind} ${go.extra}`);
  return of(place(x).host ? `other requests to ${place(x).host}` : fullName(x) || "other requests");
}

// connection is a connection in one line.
function connection(x, store) {
  const c = store.conns.get(x.conn);
  if (!c) return `#${x.conn} ${place(x).host}${x.remote ? ` ${x.remote}` : ""}`;
  const tls = c.tls?.version ? ` ${c.tls.version}` : c.scheme === "http" ? " no TLS" : "";
  const proto = c.tls?.alpn || x.proto || "";
  return `#${c.id} ${c.target}${c.remote && c.remote !== c.target ? ` (${c.remote})` : ""}${tls}${proto ? ` ${proto}` : ""}`;
}

// orderOf returns what groups are sorted by: what their line shows in the column. There,
// time is the busy time, and the host's place has the time from the first to the last, which
// is left out where it is the busy time.
export function orderOf(by, down) {
  const sign = down ? -1 : 1;
  const key = {
    time: (g) => g.busy, size: (g) => g.bytes, status: (g) => g.failed, kind: (g) => g.count,
    name: (g) => g.title, host: (g) => g.to - g.from,
  }[by] ?? ((g) => g.id);
  return (a, b) => {
    const x = key(a);
    const y = key(b);
    return x < y ? -sign : x > y ? sign : a.id - b.id;
  };
}
