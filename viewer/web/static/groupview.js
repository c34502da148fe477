// One group in the table: what it sums up, and a bar of all its requests.

import { h, mark, put } from "./dom.js";
import { bytes, duration, failed, instant, plural } from "./format.js";
import { segments } from "./marks.js";
import { columns } from "./spans.js";

const PHASES = ["dns", "connect", "proxy", "tls", "send", "wait", "receive"];
// DETAILED is up to how many requests the bar shows phases. Of more, it says only when at
// least one of them was under way: going through all of them would hold up the page.
const DETAILED = 1500;
const HEIGHT = { dns: 8, connect: 8, proxy: 8, tls: 8, send: 8, wait: 8, receive: 12 };

export class GroupView {
  constructor() {
    this.arrow = h("span", { class: "arrow", "aria-hidden": "true" });
    this.status = h("div", { role: "gridcell", class: "status" });
    this.count = h("div", { class: "kind", role: "gridcell" });
    this.title = h("span", { class: "tail" });
    this.over = h("span", { class: "over", title: "From the first start to the last end" });
    this.size = h("div", { class: "num", role: "gridcell" });
    this.busy = h("div", { class: "num", role: "gridcell" });
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.bar = h("div", { class: "bar", role: "gridcell" }, this.canvas);
    this.el = h("div", { class: "row group", role: "row", "aria-level": "1" },
      h("div", { class: "id", role: "gridcell" }, this.arrow), this.status, this.count,
      h("div", { class: "name", role: "gridcell" }, this.title, this.over), this.size, this.busy, this.bar);
    this.drawn = "";
  }

  hide() {
    if (this.el.hidden) return;
    this.el.hidden = true;
    this.shown = null;
    this.drawn = "";
    mark(this.el, "row group");
    this.el.removeAttribute("id");
  }

  show(g, about) {
    mark(this.el, `row group${about.selected ? " selected" : ""}${about.evidence ? " evidence" : ""}${g.failed ? " failed" : ""}${g.inFlight ? " live" : ""}`);
    put(this.arrow, about.open ? "▾" : "▸");
    this.el.setAttribute("aria-expanded", String(about.open));
    if (this.shown === g && this.rev === g.rev && this.named === g.title) return;
    this.shown = g;
    this.rev = g.rev;
    this.named = g.title;
    this.el.dataset.group = g.key;
    this.el.id = `group-${g.id}`;
    put(this.status, g.failed ? `${g.failed.toLocaleString("en")} ✗` : "");
    this.status.setAttribute("aria-label", g.failed ? `${g.failed} failed` : "none failed");
    put(this.count, plural(g.count, "request"));
    put(this.title, g.title);
    put(this.size, g.bytes > 0 ? bytes(g.bytes) : "");
    put(this.busy, g.to > g.from ? duration(g.busy) : "");
    put(this.over, g.over && `over ${g.over}`);
    this.bar.setAttribute("aria-label", `${g.title}: ${plural(g.count, "request")}, ${g.words}`);
  }

  // draw paints the bar. Where requests lie over each other, each pixel has the colour of
  // the phase that most time was spent in there.
  draw(g, store, scale, conn, pixels) {
    const width = pixels.width;
    const key = `${g.key} ${g.rev} ${scale.from} ${scale.to} ${width} ${pixels.ratio} ${store.origin} ${pixels.scheme} ${conn?.marks?.tls_done_ms ?? 0}`;
    if (this.drawn === key || width === 0) return;
    this.drawn = key;
    const c = this.canvas;
    c.width = Math.round(width * pixels.ratio);
    c.height = Math.round(24 * pixels.ratio);
    const p = c.getContext("2d");
    p.scale(pixels.ratio, pixels.ratio);
    const colours = pixels.colours;
    const part = (ms) => scale.at(ms - store.origin);
    const fill = (colour, height, from, to) => {
      const cut = columns(part(from), part(to), width);
      if (!cut) return;
      p.fillStyle = colour;
      p.fillRect(cut[0], 12 - height / 2, cut[1] - cut[0] + 1, height);
    };
    const whole = g.rows.length > DETAILED;
    for (let i = 0; i < g.spans.length; i += 2) fill(whole ? colours.wait : colours.queue, whole ? 10 : 2, g.spans[i], g.spans[i + 1]);
    if (!whole) this.phases(g, store, part, width, p, colours);
    if (conn) opening(conn, fill, colours);
  }

  phases(g, store, part, width, p, colours) {
    const now = store.now;
    const time = new Float32Array(width * PHASES.length);
    for (const row of g.rows) {
      for (const { phase, from, to } of segments(row.marks(now))) {
        if (to > from) spread(time, PHASES.indexOf(phase), part(row.at + from) * width, part(row.at + to) * width, width);
      }
    }
    for (let x = 0; x < width; x++) {
      const most = top(time, x);
      if (most < 0) continue;
      const height = HEIGHT[PHASES[most]];
      p.fillStyle = colours[PHASES[most]];
      p.fillRect(x, 12 - height / 2, 1, height);
    }
    p.fillStyle = colours.fail;
    for (const row of g.rows) {
      const x = part(row.at + row.took(now)) * width;
      if (failed(row.x) && x >= 0 && x <= width) p.fillRect(Math.min(x, width - 2), 4, 2, 16);
    }
  }

  // explain is what the tooltip says: [[what, value]…].
  static explain(g, origin) {
    return [
      ["requests", g.count.toLocaleString("en")],
      ["failed", g.failed.toLocaleString("en")],
      ["received", bytes(g.bytes)],
      ["first start", duration(Math.max(0, g.from - origin))],
      ["last end", duration(Math.max(0, g.to - origin))],
      ["busy", `${duration(g.busy)}, the time in which at least one was under way`],
      ["bar", g.rows.length > DETAILED ? "when at least one was under way; of so many, phases are not drawn" : "at each pixel the phase that most of the time there was spent in"],
    ];
  }
}

// spread adds the part of [from, to] (in columns) that lies in each column to a phase.
export function spread(time, phase, from, to, width) {
  if (to < 0 || from > width) return;
  const last = Math.min(Math.floor(to), width - 1);
  for (let x = Math.max(Math.floor(from), 0); x <= last; x++) {
    time[x * PHASES.length + phase] += Math.max(Math.min(to, x + 1) - Math.max(from, x), 1e-6);
  }
}

// top is the phase with most time in a column, or -1.
export function top(time, x) {
  let best = -1;
  for (let i = 0; i < PHASES.length; i++) {
    const t = time[x * PHASES.length + i];
    if (t > 0 && (best < 0 || t > time[x * PHASES.length + best])) best = i;
  }
  return best;
}

// opening paints how a connection was opened, over what its requests did.
function opening(conn, fill, colours) {
  const at = instant(conn.start);
  const m = conn.marks ?? {};
  for (const [phase, from, to] of [["dns", m.dns_start_ms, m.dns_done_ms], ["connect", m.connect_start_ms, m.connect_done_ms],
    ["proxy", m.proxy_start_ms, m.proxy_done_ms], ["tls", m.tls_start_ms, m.tls_done_ms]]) {
    if (from > 0 && to > from) fill(colours[phase], 8, at + from, at + to);
  }
}
