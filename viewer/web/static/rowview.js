// One request in the table: a row of elements that is filled anew for another one.

import { h, mark, put, span } from "./dom.js";
import { bytes, duration, failed, fit, fullName, kind, name, place, status } from "./format.js";
import { segments } from "./marks.js";

const DRAWN = ["dns", "connect", "proxy", "tls", "send", "wait", "receive"];

// within is where a span of the session lies on the axis, cut off just outside of it:
// [left, width], or null when it is out of sight.
export function within(scale, from, to) {
  const a = Math.min(Math.max(scale.at(from), -0.01), 1.01);
  const b = Math.min(Math.max(scale.at(to), -0.01), 1.01);
  return [a, b - a];
}

export class RowView {
  constructor() {
    this.id = h("div", { class: "num id", role: "gridcell" });
    this.status = h("div", { role: "gridcell", class: "status" });
    this.kind = h("div", { class: "kind", role: "gridcell" });
    this.nameHead = h("span", { class: "dim cut" });
    this.nameTail = h("span", { class: "tail" });
    this.version = h("span", { class: "version" });
    this.word = h("span", { class: "word" });
    this.host = h("div", { class: "host", role: "gridcell" });
    this.size = h("div", { class: "num", role: "gridcell" });
    this.time = h("div", { class: "num", role: "gridcell" });
    this.queue = h("i", { class: "seg queue" });
    this.segs = Object.fromEntries(DRAWN.map((p) => [p, h("i", { class: `seg ${p}` })]));
    this.pending = h("i", { class: "seg pending" });
    this.held = h("i", { class: "seg held" });
    this.cap = h("i", { class: "cap" });
    this.paths = [h("i", { class: "path" })];
    this.bar = h("div", { class: "bar", role: "gridcell" }, this.queue, ...Object.values(this.segs), this.pending, this.held, this.cap, this.paths[0]);
    this.name = h("div", { class: "name", role: "gridcell" }, this.nameHead, this.nameTail, this.version, this.word);
    this.el = h("div", { class: "row", role: "row" },
      this.id, this.status, this.kind, this.name, this.host, this.size, this.time, this.bar);
    this.hidden = {};
    for (const key of ["queue", "pending", "held", ...DRAWN]) this.off(key);
  }

  // off hides a part of the bar; on places one, in ms of the session.
  off(key) {
    if (this.hidden[key] === true) return;
    this.hidden[key] = true;
    (this.segs[key] ?? this[key]).hidden = true;
  }

  on(key, scale, from, to) {
    const el = this.segs[key] ?? this[key];
    const [left, width] = within(scale, from, to);
    if (this.hidden[key] !== false) {
      this.hidden[key] = false;
      el.hidden = false;
    }
    span(el, left, width);
  }

  // hide leaves nothing behind that could be taken for a row in view.
  hide() {
    if (this.el.hidden) return;
    this.el.hidden = true;
    this.shown = this.drawn = null;
    mark(this.el, "row");
    this.el.removeAttribute("id");
  }

  // show fills the cells that change only with the exchange. about has {selected,
  // evidence, word, critical}, room is how many characters its name may have.
  show(row, about, room) {
    const x = row.x;
    mark(this.el, `row${about.selected ? " selected" : ""}${about.evidence ? " evidence" : ""}${failed(x) ? " failed" : ""}${row.inFlight ? " live" : ""}${row.stale ? " stale" : ""}${row.of ? " inner" : ""}`);
    if (this.shown === x && this.room === room && this.said === about.word) return;
    this.shown = x;
    this.room = room;
    this.said = about.word;
    this.drawn = null;
    this.el.dataset.id = row.id;
    this.el.id = `row-${row.id}`;
    const n = fit(name(x), about.word ? Math.max(8, room - about.word.length - 2) : room);
    put(this.id, String(x.id));
    put(this.status, status(x));
    put(this.kind, kind(x));
    put(this.nameHead, n.head);
    put(this.nameTail, n.tail);
    put(this.version, n.version);
    put(this.word, about.word);
    put(this.host, place(x).host);
    put(this.size, x.response?.body_size > 0 ? bytes(x.response.body_size) : "");
    const full = fullName(x);
    this.bar.setAttribute("aria-label", about.word ? `${full}, ${about.word}` : full);
    if (n.head + n.tail + n.version === full) this.name.removeAttribute("title");
    else this.name.title = full;
  }

  // draw places the bar; it changes with the clock and the axis too. pixel is the time
  // that one of them shows; critical are the times that it is on the critical path.
  draw(row, store, scale, pixel, critical) {
    const key = `${scale.from} ${scale.to} ${row.inFlight ? store.now : 0} ${store.origin}`;
    if (key === this.drawn && critical === this.critical) return;
    this.drawn = key;
    this.critical = critical;
    const marks = row.marks(store.now);
    const start = row.at - store.origin;
    const list = segments(marks);
    const end = marks.end_ms;
    put(this.time, end > 0 ? duration(end) : "");
    const sent = list.find((s) => s.phase === "send");
    // A request that was just sent off has told nothing yet: it is not said to queue.
    const known = row.inFlight && !sent ? (list.at(-1)?.to ?? 0) : end;
    this.on("queue", scale, start, start + (sent ? sent.from : known));
    if (known < end) this.on("pending", scale, start + known, start + end);
    else this.off("pending");
    const broken = this.phases(list, row, scale, start, pixel * 0.5);
    this.queue.classList.toggle("fail", broken === "queue");
    const receive = list.find((s) => s.phase === "receive");
    const held = Math.min(row.x.client_blocked_ms ?? 0, receive ? receive.to - receive.from : 0);
    if (held > 0) this.on("held", scale, start + receive.to - held, start + receive.to);
    else this.off("held");
    const [at] = within(scale, start + end, start + end);
    span(this.cap, at, 0);
    this.path(scale, critical);
  }

  // phases places the phases. What would be thinner than least is left out, or the least
  // of all phases would look like the longest; that one is always seen. It returns the
  // phase in which the request failed, or "".
  phases(list, row, scale, start, least) {
    const longest = list.reduce((a, s) => (a && a.to - a.from >= s.to - s.from ? a : s), null);
    const broken = row.x.error ? (list.findLast((s) => s.to > s.from)?.phase ?? "queue") : "";
    const seen = new Set();
    for (const s of list) {
      const must = s === longest || s.phase === broken;
      if (!(s.to - s.from > (must ? 0 : least))) continue;
      seen.add(s.phase);
      this.on(s.phase, scale, start + s.from, start + s.to);
      const { classList } = this.segs[s.phase];
      classList.toggle("longest", s === longest);
      classList.toggle("fail", s.phase === broken);
    }
    for (const p of DRAWN) {
      if (!seen.has(p)) this.off(p);
    }
    return broken;
  }

  // path underlines what is on the critical path.
  path(scale, spans = []) {
    while (this.paths.length < spans.length) {
      const el = h("i", { class: "path" });
      this.paths.push(el);
      this.bar.append(el);
    }
    this.paths.forEach((el, i) => {
      el.hidden = i >= spans.length;
      if (i < spans.length) span(el, ...within(scale, ...spans[i]));
    });
  }
}
