// The strip over the whole run: how many requests were in flight, bytes per second, gaps.
// A part of it can be brushed, and everything else shows only that part.

import { zoom } from "./actions.js";
import { bytes, duration, plural } from "./format.js";
import { effect, html, useLayoutEffect, useRef } from "./html.js";
import { job } from "./jobs.js";
import { Load, sweep } from "./load.js";
import { Scale, room } from "./scale.js";
import { clock, over, process, range, report, session, store, version } from "./state.js";
import { draw, explain, palette, peakRate } from "./strip.js";

const GRIP = 6; // px around an edge of the brush that take hold of it
const CLICK = 4; // px that the mouse may move in a click
const PACE = 250; // ms between drawings of what came in; one costs as much as all of the table
const SWEEP = 1000; // ms between exact counts while the run goes on
const LEAST = 20; // ms: go is never without shorter gaps, and they cannot be seen
const PART = 250; // nor can be seen what is less than this part of the run

// Overview is the strip. Preact makes its elements once; Strip draws.
export function Overview() {
  const root = useRef(null);
  useLayoutEffect(() => {
    const strip = new Strip(root.current);
    return () => strip.stop();
  }, []);
  return html`
    <section id="overview" class="overview" aria-label="The whole run" ref=${root}>
      <canvas role="img"></canvas>
      <p class="peak" aria-hidden="true"></p>
      <i class="shade before" hidden></i><i class="brushed" hidden></i><i class="shade after" hidden></i>
      <div id="overview-brush" class="brush" tabindex="0" role="slider" aria-label="Part of the run that is shown" aria-orientation="horizontal"
        title="Drag to look at a part of the run; a double click shows all of it"></div>
      <p class="tip" role="tooltip" hidden></p>
    </section>`;
}

class Strip {
  constructor(root) {
    this.load = new Load();
    this.exact = { peak: 0, at: 0, busy: 0, gaps: [] };
    this.swept = { at: -Infinity, key: "" };
    this.sheet = null; // colours and size: asking for them would have the browser lay out the page each time
    this.timer = 0;
    this.drawn = -Infinity; // performance.now() of the last drawing
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.brush = root.querySelector(".brush");
    this.tip = root.querySelector(".tip");
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.again = () => {
      this.sheet = null;
      this.schedule();
    };
    this.dark.addEventListener("change", this.again);
    this.sizes = new ResizeObserver(this.again);
    this.sizes.observe(this.canvas);
    const now = effect(() => {
      void [range.value, report.value, over.value, process.value];
      this.schedule();
    });
    const soon = effect(() => {
      void [version.value, clock.value];
      this.later();
    });
    this.undo = () => { now(); soon(); };
    listen(this);
  }

  stop() {
    this.stopped = true;
    this.undo();
    this.sizes.disconnect();
    this.dark.removeEventListener("change", this.again);
    cancelAnimationFrame(this.due);
    clearTimeout(this.timer);
  }

  // later draws within PACE.
  later() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.schedule();
    }, Math.max(0, this.drawn + PACE - performance.now()));
  }

  // schedule draws in the next frame; while one drawing counts rows, the next one waits.
  schedule() {
    if (this.stopped) return;
    if (this.counting) {
      this.late = true;
      return;
    }
    this.due ||= requestAnimationFrame(() => this.turn());
  }

  async turn() {
    this.due = 0;
    this.counting = true;
    await job("overview", () => this.load.follow(store));
    if (this.stopped) return;
    this.counting = false;
    this.draw();
    this.sweep();
    if (this.late) {
      this.late = false;
      this.schedule();
    }
  }

  // bounds are the times in which a gap is one: while the command ran, or the session did.
  bounds() {
    const to = process.value?.end_ms || (store.now - store.origin);
    return [process.value?.start_ms ?? 0, Math.max(to, 0)];
  }

  // sweep counts exactly, now and then.
  async sweep() {
    const now = performance.now();
    const key = `${version.peek()} ${over.peek()}`;
    if (this.sweeping || key === this.swept.key || (!over.peek() && now - this.swept.at < SWEEP)) return;
    this.sweeping = true;
    this.swept = { at: now, key };
    const [from, to] = this.bounds();
    const least = Math.max(LEAST, (to - from) / PART);
    const exact = await job("overview-sweep", () => sweep(this.load.intervals(store.now), from, to, least));
    this.sweeping = false;
    if (exact && !this.stopped) {
      this.exact = exact;
      this.schedule();
    }
  }

  // picture is all that is drawn and told.
  picture() {
    const length = Math.max(store.now - store.origin, 0);
    const from = this.load.now.from;
    const scale = new Scale(from, over.peek() ? Math.max(length * 1.005, 1) : room(length));
    const links = report.peek()?.critical_path ?? [];
    return { bins: this.load.now, scale, gaps: session.peek() ? this.exact.gaps : [], links, mode: session.peek()?.mode };
  }

  draw() {
    this.drawn = performance.now();
    const p = this.shown = this.picture();
    this.sheet ??= { color: palette(this.root), width: this.canvas.clientWidth, height: this.canvas.clientHeight };
    draw(this.canvas, { ...p, ...this.sheet });
    const rate = peakRate(p.bins);
    const peak = this.exact.peak ? `at most ${this.exact.peak.toLocaleString("en")} in flight` : "";
    const flow = rate.rate > 0 ? `about ${bytes(rate.rate)}/s` : ""; // when an answer's bytes came is known of the first and the last
    this.root.querySelector(".peak").textContent = [peak, flow].filter(Boolean).join(" · ");
    this.canvas.setAttribute("aria-label", this.words(rate));
    this.place();
    if (this.pointer !== undefined) this.hover(this.pointer);
  }

  // words are what the picture says, for those who do not see it.
  words(rate) {
    const { peak, at, busy, gaps } = this.exact;
    if (peak === 0) return "No request yet";
    const [from, to] = this.bounds();
    const longest = gaps.reduce((a, g) => (a && a.to - a.from >= g.to - g.from ? a : g), null);
    return [
      `Requests in flight: at most ${peak}, at ${duration(at)}`,
      `any for ${duration(busy)}${busy <= to - from ? ` of ${duration(to - from)}` : ""}`, // more, when some came after the command's end
      rate.rate > 0 ? `at most about ${bytes(rate.rate)}/s over ${duration(rate.over)}, at ${duration(Math.max(rate.at, 0))}` : "no bytes",
      longest ? `${plural(gaps.length, "gap")} without a request, the longest ${duration(longest.to - longest.from)} at ${duration(longest.from)}` : "no gap worth a mark",
    ].join("; ");
  }

  // place puts the brush where the range is.
  place() {
    const { scale } = this.shown;
    const r = range.peek();
    const [before, brushed, after] = this.root.querySelectorAll("i");
    for (const e of [before, brushed, after]) e.hidden = !r;
    this.brush.setAttribute("aria-valuemin", Math.round(scale.from));
    this.brush.setAttribute("aria-valuemax", Math.round(scale.to));
    this.brush.setAttribute("aria-valuenow", Math.round(r ? (r[0] + r[1]) / 2 : (scale.from + scale.to) / 2));
    this.brush.setAttribute("aria-valuetext", r ? `${duration(Math.max(r[0], 0))} to ${duration(r[1])}` : "all of the run");
    if (!r) return;
    const part = (ms) => Math.min(Math.max(scale.at(ms), 0), 1);
    const [a, b] = r.map(part);
    before.style.width = `${a * 100}%`;
    brushed.style.left = `${a * 100}%`;
    brushed.style.width = `${(b - a) * 100}%`;
    after.style.left = `${b * 100}%`;
    after.style.width = `${(1 - b) * 100}%`;
  }

  // ms is the instant under a pointer.
  ms(clientX) {
    const box = this.canvas.getBoundingClientRect();
    return this.shown.scale.ms(Math.min(Math.max((clientX - box.left) / box.width, 0), 1));
  }

  // hover tells what is under the pointer; undefined: it has left.
  hover(clientX) {
    this.pointer = clientX;
    const lines = clientX === undefined || !this.shown ? [] : explain(this.ms(clientX), this.shown);
    this.tip.hidden = lines.length === 0;
    if (lines.length === 0) return;
    const box = this.canvas.getBoundingClientRect();
    this.tip.textContent = [`at ${duration(Math.max(this.ms(clientX), 0))}`, ...lines].join("\n");
    const left = clientX - box.left;
    this.tip.style.left = `${Math.min(Math.max(left + 12, 0), Math.max(0, box.width - this.tip.offsetWidth - 4))}px`;
  }

  // look zooms to [from, to] in either order, or to all when that is all; never to less
  // than a ten thousandth.
  look(from, to) {
    const { scale } = this.shown;
    const all = scale.to - scale.from;
    const least = all / 10000;
    let [a, b] = from <= to ? [from, to] : [to, from];
    if (b - a < least) [a, b] = [(a + b) / 2 - least / 2, (a + b) / 2 + least / 2];
    a = Math.max(a, scale.from);
    b = Math.min(b, scale.to);
    zoom(b - a >= all * 0.999 ? null : [a, b]);
  }
}

// listen wires pointer and keys to a strip.
function listen(strip) {
  const { brush } = strip;
  let grip = null; // (ms) => [from, to] while the button is down
  let start = 0;
  brush.addEventListener("pointerdown", (e) => {
    if (e.button !== 0 || !strip.shown) return;
    brush.setPointerCapture(e.pointerId);
    grip = grab(strip, e.clientX);
    start = e.clientX;
  });
  brush.addEventListener("pointermove", (e) => {
    strip.hover(e.clientX);
    brush.style.cursor = cursor(strip, e.clientX);
    if (!grip || (!grip.moved && Math.abs(e.clientX - start) < CLICK)) return;
    grip.moved = true;
    strip.look(...grip(strip.ms(e.clientX)));
  });
  for (const name of ["pointerup", "pointercancel"]) brush.addEventListener(name, () => { grip = null; });
  brush.addEventListener("pointerleave", () => strip.hover(undefined));
  brush.addEventListener("dblclick", () => zoom(null));
  brush.addEventListener("keydown", (e) => {
    if (!strip.shown || e.ctrlKey || e.metaKey || e.altKey) return;
    const to = keyed(e.key, e.shiftKey, range.peek(), strip.shown.scale);
    if (to === undefined) return;
    e.preventDefault();
    e.stopPropagation(); // the page has its own use for some of them
    if (to) strip.look(...to);
    else zoom(null);
  });
}

// at says what of the brush is at clientX: 0 or 1 for an edge, "in", or "out".
function at(strip, clientX) {
  const r = range.peek();
  if (!r || !strip.shown) return "out";
  const box = strip.canvas.getBoundingClientRect();
  const px = r.map((ms) => box.left + strip.shown.scale.at(ms) * box.width);
  const near = px.map((x) => Math.abs(x - clientX));
  const edge = near[0] <= near[1] ? 0 : 1;
  if (near[edge] <= GRIP) return edge;
  return clientX > px[0] && clientX < px[1] ? "in" : "out";
}

const cursor = (strip, x) => ({ in: "grab", out: "crosshair" })[at(strip, x)] ?? "ew-resize";

// grab begins a drag: of an edge, of the whole brush, or of a new one.
function grab(strip, clientX) {
  const what = at(strip, clientX);
  const from = strip.ms(clientX);
  const r = range.peek();
  if (what === "out") return (ms) => [from, ms];
  if (what !== "in") return (ms) => [r[1 - what], ms];
  return (ms) => moved(r, ms - from, strip.shown.scale);
}

// moved is a range that is by ms further, and as long.
export function moved([from, to], by, scale) {
  const d = Math.min(Math.max(by, scale.from - from), scale.to - to);
  return [from + d, to + d];
}

// keyed is the range that a key makes of r: null is all, undefined that it is no such key.
export function keyed(key, shift, r, scale) {
  const all = [scale.from, scale.to];
  const [from, to] = r ?? all;
  const wide = to - from;
  const by = wide * (shift ? 0.5 : 0.1);
  switch (key) {
    case "ArrowLeft": return r ? moved(r, -by, scale) : null;
    case "ArrowRight": return r ? moved(r, by, scale) : null;
    case "Home": return r ? moved(r, -Infinity, scale) : null;
    case "End": return r ? moved(r, Infinity, scale) : null;
    case "+": case "=": return [from + wide / 4, to - wide / 4];
    case "-": return [Math.max(from - wide / 2, all[0]), Math.min(to + wide / 2, all[1])];
    case "0": return null;
  }
  return undefined;
}
