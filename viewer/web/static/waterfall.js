// The table with the bars. Only the rows in view are in the DOM: a few dozen elements
// that are filled anew as one scrolls, whatever the length of the session.

import { $, h, mark, put, span } from "./dom.js";
import { bytes, duration, failed, fit, fullName, kind, name, place, status } from "./format.js";
import { segments, timings } from "./marks.js";
import { Scale, niceStep, room, tickLabel } from "./scale.js";

const ROW = 24; // px, --row in style.css
const SPARE = 4; // rows above and below the view
const DRAWN = ["dns", "connect", "proxy", "tls", "send", "wait", "receive"];

export class Waterfall {
  // select is called with the id of a row that was clicked.
  constructor(store, select) {
    this.store = store;
    this.pool = [];
    this.selected = 0;
    this.evidence = new Set();
    this.follow = true; // stay at the newest row while the session lasts and none is selected
    this.drawn = ""; // what the axis shows
    this.scroller = $("scroll");
    this.space = $("space");
    this.space.addEventListener("click", (e) => {
      const row = e.target.closest(".row");
      if (row) select(Number(row.dataset.id));
    });
    this.space.addEventListener("mouseover", (e) => this.explain(e.target.closest(".row")));
  }

  // scale is the time axis as it is now.
  scale() {
    const s = this.store;
    if (s.window) return new Scale(...s.window);
    const length = s.now - s.origin;
    const from = Math.min(0, (s.rows[0]?.at ?? s.origin) - s.origin);
    return new Scale(from, s.end ? length * 1.005 : room(length));
  }

  // size makes the scrollbar as long as there are rows.
  size() {
    this.space.style.height = `${this.store.visible.length * ROW}px`;
  }

  render() {
    const rows = this.store.visible;
    const top = this.scroller.scrollTop;
    const height = this.scroller.clientHeight;
    this.size();
    if (this.follow && !this.selected && this.store.live && this.store.ready) {
      const bottom = rows.length * ROW + this.head() - height;
      if (bottom > 0 && Math.abs(bottom - top) > 1) this.scroller.scrollTop = bottom;
    }
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - SPARE);
    const count = Math.min(rows.length - first, Math.ceil(height / ROW) + 2 * SPARE);
    this.grow(Math.max(count, 0));
    const scale = this.scale();
    this.used = new Set();
    this.room = Math.floor(($("name").clientWidth - 12) / ($("ruler").offsetWidth / 50));
    this.pixel = (scale.to - scale.from) / Math.max(1, $("axis").clientWidth);
    for (let i = first; i < first + count; i++) {
      this.fill(this.pool[i % this.pool.length], rows[i], i, scale);
    }
    for (const r of this.pool) {
      if (!this.used.has(r)) r.hide();
    }
    this.scroller.setAttribute("aria-rowcount", rows.length + 1);
    if (this.selected) this.scroller.setAttribute("aria-activedescendant", `row-${this.selected}`);
    else this.scroller.removeAttribute("aria-activedescendant");
    this.axis(scale);
  }

  head() {
    return this.scroller.firstElementChild.offsetHeight;
  }

  grow(count) {
    while (this.pool.length < count) {
      const r = new RowView();
      this.pool.push(r);
      this.space.append(r.el);
    }
  }

  fill(view, row, index, scale) {
    this.used.add(view);
    view.el.hidden = false;
    view.el.style.transform = `translateY(${index * ROW}px)`;
    view.el.setAttribute("aria-rowindex", index + 2);
    view.show(row, row.id === this.selected, this.evidence.has(row.id), this.room);
    view.draw(row, this.store, scale, this.pixel);
  }

  // explain puts the phases into the tooltip of the row under the mouse.
  explain(el) {
    const row = el && this.store.byID.get(Number(el.dataset.id));
    if (!row) return;
    const t = timings(row.marks(this.store.now));
    const parts = Object.entries({ queue: t.blocked, dns: t.dns, connect: t.connect, send: t.send, wait: t.wait, receive: t.receive })
      .filter(([, ms]) => ms > 0).map(([phase, ms]) => `${phase} ${duration(ms)}`);
    el.title = `${row.x.method} ${row.x.url}\n${parts.join(" · ")}`;
  }

  // axis draws the ticks, their lines behind the rows, and how many requests were in flight.
  axis(scale) {
    const width = $("axis").clientWidth;
    const key = `${scale.from} ${scale.to} ${width} ${this.store.window ? 0 : this.store.version} ${matchMedia("(prefers-color-scheme: dark)").matches}`;
    if (key === this.drawn) return;
    this.drawn = key;
    const wanted = Math.max(2, Math.floor(width / 80));
    const step = niceStep((scale.to - scale.from) / wanted);
    const ticks = scale.ticks(wanted).map((ms) => ({ at: scale.at(ms), label: tickLabel(ms, step) }));
    const labels = [];
    const lines = [];
    for (const { at, label } of ticks) {
      const line = h("i", { class: "line" });
      line.style.left = `${at * 100}%`;
      lines.push(line);
      if (at * width > width - 36) continue; // would be cut off
      const text = h("span", { class: "tick" }, label);
      text.style.left = `${at * 100}%`;
      labels.push(text);
    }
    $("axis").querySelectorAll(".tick").forEach((e) => e.remove());
    $("axis").append(...labels);
    $("lines").replaceChildren(...lines);
    drawLoad($("load"), width, this.store, scale);
  }
}

// A RowView is one reusable row of elements.
class RowView {
  constructor() {
    this.id = h("div", { class: "num id", role: "gridcell" });
    this.status = h("div", { role: "gridcell", class: "status" });
    this.kind = h("div", { class: "kind", role: "gridcell" });
    this.nameHead = h("span", { class: "dim cut" });
    this.nameTail = h("span", { class: "tail" });
    this.version = h("span", { class: "version" });
    this.host = h("div", { class: "host", role: "gridcell" });
    this.size = h("div", { class: "num", role: "gridcell" });
    this.time = h("div", { class: "num", role: "gridcell" });
    this.queue = h("i", { class: "seg queue" });
    this.segs = Object.fromEntries(DRAWN.map((p) => [p, h("i", { class: `seg ${p}` })]));
    this.pending = h("i", { class: "seg pending" });
    this.held = h("i", { class: "seg held" });
    this.cap = h("i", { class: "cap" });
    this.bar = h("div", { class: "bar", role: "gridcell" }, this.queue, ...Object.values(this.segs), this.pending, this.held, this.cap);
    const label = h("div", { class: "name", role: "gridcell" }, this.nameHead, this.nameTail, this.version);
    this.el = h("div", { class: "row", role: "row" },
      this.id, this.status, this.kind, label, this.host, this.size, this.time, this.bar);
  }

  // hide leaves nothing behind that could be taken for a row in view.
  hide() {
    if (this.el.hidden) return;
    this.el.hidden = true;
    this.shown = null;
    mark(this.el, "row");
    this.el.removeAttribute("id");
  }

  // show fills the cells that change only with the exchange; room is how many
  // characters its name may have.
  show(row, selected, evidence, room) {
    const x = row.x;
    mark(this.el, `row${selected ? " selected" : ""}${evidence ? " evidence" : ""}${failed(x) ? " failed" : ""}${row.inFlight ? " live" : ""}${row.stale ? " stale" : ""}`);
    if (this.shown === x && this.room === room) return;
    this.shown = x;
    this.room = room;
    this.el.dataset.id = row.id;
    this.el.id = `row-${row.id}`;
    const n = fit(name(x), room);
    put(this.id, String(x.id));
    put(this.status, status(x));
    put(this.kind, kind(x));
    put(this.nameHead, n.head);
    put(this.nameTail, n.tail);
    put(this.version, n.version);
    put(this.host, place(x).host);
    put(this.size, x.response?.body_size > 0 ? bytes(x.response.body_size) : "");
    this.bar.setAttribute("aria-label", fullName(x));
  }

  // draw places the bar; it changes with the clock and the axis too. pixel is the time
  // that one of them shows.
  draw(row, store, scale, pixel) {
    const marks = row.marks(store.now);
    const start = row.at - store.origin;
    const list = segments(marks);
    const end = marks.end_ms;
    put(this.time, end > 0 ? duration(end) : "");
    const place = (el, from, to) => {
      const a = Math.min(Math.max(scale.at(start + from), -0.01), 1.01);
      const b = Math.min(Math.max(scale.at(start + to), -0.01), 1.01);
      el.hidden = false;
      span(el, a, b - a);
    };
    for (const p of DRAWN) this.segs[p].hidden = true;
    const sent = list.find((s) => s.phase === "send");
    // A request that was just sent off has told nothing yet: it is not said to queue.
    const known = row.inFlight && !sent ? (list.at(-1)?.to ?? 0) : end;
    place(this.queue, 0, sent ? sent.from : known);
    if (known < end) place(this.pending, known, end);
    else this.pending.hidden = true;
    // What would be thinner than half a pixel is left out, or the least of all phases
    // would look like the longest; that one is always seen.
    const least = pixel * 0.5;
    const longest = list.reduce((a, s) => (a && a.to - a.from >= s.to - s.from ? a : s), null);
    const broken = row.x.error ? (list.findLast((s) => s.to > s.from)?.phase ?? "queue") : "";
    for (const s of list) {
      const must = s === longest || s.phase === broken;
      if (s.to - s.from > (must ? 0 : least)) place(this.segs[s.phase], s.from, s.to);
      this.segs[s.phase].classList.toggle("longest", s === longest);
      this.segs[s.phase].classList.toggle("fail", s.phase === broken);
    }
    this.queue.classList.toggle("fail", broken === "queue");

    const receive = list.find((s) => s.phase === "receive");
    const held = Math.min(row.x.client_blocked_ms ?? 0, receive ? receive.to - receive.from : 0);
    if (held > 0) place(this.held, receive.to - held, receive.to);
    else this.held.hidden = true;
    place(this.cap, end, end);
  }
}

// drawLoad paints how many requests were in flight over the time of the axis.
function drawLoad(canvas, width, store, scale) {
  const height = canvas.parentElement.clientHeight;
  const dpr = devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * dpr));
  canvas.height = Math.round(height * dpr);
  const steps = new Int32Array(canvas.width + 2);
  const column = (ms) => Math.min(Math.max(Math.floor(scale.at(ms) * canvas.width), 0), canvas.width);
  for (const row of store.rows) {
    const from = row.at - store.origin;
    const to = from + row.took(store.now);
    if (to < scale.from || from > scale.to) continue;
    steps[column(from)]++;
    steps[column(to) + 1]--;
  }
  let most = 1;
  for (let i = 0, n = 0; i < canvas.width; i++) most = Math.max(most, n += steps[i]);
  const g = canvas.getContext("2d");
  g.fillStyle = getComputedStyle(canvas).color;
  for (let i = 0, n = 0; i < canvas.width; i++) {
    n += steps[i];
    const bar = Math.round((n / most) * canvas.height * 0.52);
    if (n > 0) g.fillRect(i, canvas.height - Math.max(bar, dpr), 1, Math.max(bar, dpr));
  }
}
