// The table with the bars. Only the lines in view are in the DOM: a few dozen elements
// that are filled anew as one scrolls, whatever the length of the session.

import { fold, select } from "./actions.js";
import { Head, drawTicks } from "./axis.js";
import { Connectors } from "./connectors.js";
import { $ } from "./dom.js";
import { Empty } from "./empty.js";
import { GroupView } from "./groupview.js";
import { effect, html, useLayoutEffect, useRef } from "./html.js";
import { grown, indexOf, lines } from "./lines.js";
import { onPath } from "./path.js";
import { RowView } from "./rowview.js";
import { aside, atGroup, clock, connection, end, evidence, group, range, selected, session, sort, store, unfolded, version, wanted } from "./state.js";
import { Scale, room } from "./scale.js";
import { Tip } from "./tip.js";

const ROW = 24; // px, --row in style.css
const SPARE = 4; // lines above and below the view
const TALLEST = 14e6; // px; browsers place nothing beyond 17 million
const COLOURS = ["queue", "dns", "connect", "tls", "send", "wait", "receive", "fail"];

// Requests is the table of requests. Preact makes its frame once; lines are drawn by hand.
export function Requests() {
  const table = useRef(null);
  useLayoutEffect(() => {
    table.current = new Waterfall(store);
    return follow(table.current);
  }, []);
  const grouped = group.value !== "request";
  return html`
    <section class="table" aria-label="Requests">
      <div id="scroll" role=${grouped ? "treegrid" : "grid"} aria-label="Requests" aria-colcount="8" tabindex="0">
        <${Head} scale=${() => table.current.scale()} />
        <div class="row lines" aria-hidden="true"><div id="lines"></div></div>
        <div id="space" role="rowgroup"></div>
      </div>
      <${Empty} />
    </section>`;
}

// follow draws the table when anything changes that it shows, at most once a frame.
function follow(table) {
  let due = 0;
  const draw = () => { due ||= requestAnimationFrame(() => { due = 0; table.update(); }); };
  const stop = effect(() => {
    void [version.value, clock.value, lines.value, grown.value, selected.value, atGroup.value, evidence.value, range.value, aside.value, session.value,
      end.value, connection.value, wanted.value, group.value, sort.value, unfolded.value, onPath.value];
    draw();
  });
  const sizes = new ResizeObserver(() => { table.resized(); draw(); });
  sizes.observe(table.scroller);
  table.scroller.addEventListener("scroll", () => { table.scrolled(); draw(); }, { passive: true });
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const recolour = () => { table.sized = false; draw(); };
  scheme.addEventListener("change", recolour);
  return () => {
    stop();
    sizes.disconnect();
    scheme.removeEventListener("change", recolour);
    cancelAnimationFrame(due);
    table.tip.remove();
  };
}

class Waterfall {
  constructor(store) {
    this.store = store;
    this.lines = [];
    this.views = new Map(); // line to the view that shows it
    this.free = { row: [], group: [] };
    this.follow = true; // stay at the newest row while the session lasts and none is selected
    this.sized = false; // the measures of the page are known
    this.ticks = "";
    this.scroller = $("scroll");
    this.space = $("space");
    this.connectors = new Connectors(this.space);
    this.tip = new Tip();
    this.space.addEventListener("click", (e) => this.click(e));
    this.space.addEventListener("mousemove", (e) => this.hover(e));
    this.space.addEventListener("mouseleave", () => this.tip.hide());
  }

  click(e) {
    const line = this.lineOf(e.target);
    if (!line) return;
    this.tip.hide();
    if (line.group) {
      atGroup.value = line.group.key;
      fold(line.group.key);
    } else select(line.row.id === selected.value && aside.value === "details" ? 0 : line.row.id);
  }

  hover(e) {
    const line = e.target.closest(".bar") ? this.lineOf(e.target) : null;
    if (line) this.tip.show(line, this.store, e.clientX, e.clientY);
    else this.tip.hide();
  }

  lineOf(target) {
    const el = target.closest(".row");
    for (const [line, view] of this.views) {
      if (view.el === el) return line;
    }
    return null;
  }

  // scale is the time axis as it is now.
  scale() {
    const s = this.store;
    if (range.value) return new Scale(...range.value);
    const length = s.now - s.origin;
    const from = Math.min(0, (s.rows[0]?.at ?? s.origin) - s.origin);
    return new Scale(from, s.over ? Math.max(length * 1.005, 1) : room(length));
  }

  // measure reads the sizes that a frame needs; reading them in every frame would have the
  // browser lay out the page each time.
  measure() {
    const style = getComputedStyle(document.documentElement);
    const axis = $("axis");
    const name = $("name");
    this.height = this.scroller.clientHeight;
    this.head = this.scroller.firstElementChild.offsetHeight;
    this.left = axis.offsetLeft;
    this.room = Math.floor((name.clientWidth - 12) / ($("ruler").offsetWidth / 50));
    this.pixels = {
      width: axis.clientWidth, ratio: Math.min(devicePixelRatio || 1, 2), scheme: matchMedia("(prefers-color-scheme: dark)").matches,
      colours: Object.fromEntries([...COLOURS.map((c) => [c, style.getPropertyValue(`--${c}`)]), ["proxy", style.getPropertyValue("--queue")]]),
    };
    this.sized = this.pixels.width > 0;
  }

  // resized keeps the selected line in view when the banner or a pane takes room.
  resized() {
    this.sized = false;
    const id = atGroup.peek() || selected.peek();
    const y = indexOf(id) * ROW - this.scroller.scrollTop * this.ratio;
    if (id && y > -ROW && y < this.height - this.head) wanted.value ||= id;
  }

  // widen gives the ids the room of the longest.
  widen() {
    const digits = String(this.store.rows.at(-1)?.id ?? 0).length;
    if (digits === this.digits) return;
    this.digits = digits;
    this.sized = false;
    this.scroller.style.setProperty("--ids", `${Math.max(44, 20 + 8 * digits)}px`);
  }

  // update draws what the signals say.
  update() {
    if (!this.scroller.isConnected) return;
    this.lines = lines.value;
    this.widen();
    if (!this.sized) this.measure();
    this.stretch();
    this.stick();
    this.reveal(wanted.peek());
    this.render();
  }

  // stretch makes the scrollbar as long as there are lines. Of more lines than a browser
  // can place, a pixel of the scrollbar stands for more than one.
  stretch() {
    this.virtual = this.lines.length * ROW;
    this.real = Math.min(this.virtual, TALLEST);
    if (this.real !== this.tall) this.space.style.height = `${this.real}px`;
    this.tall = this.real;
    const view = Math.max(1, this.height - this.head);
    this.ratio = this.virtual > this.real ? (this.virtual - view) / Math.max(1, this.real - view) : 1;
  }

  // stick stays at the newest row.
  stick() {
    if (!this.follow || selected.value || atGroup.value || !this.store.live || !this.store.ready) return;
    if (group.value !== "request" || sort.value.by !== "id" || sort.value.down) return;
    const bottom = this.real + this.head - this.height;
    if (bottom > 0 && Math.abs(bottom - this.scroller.scrollTop) > 1) this.scroller.scrollTop = bottom;
  }

  // reveal scrolls the line of a request or a group into view, once it is there. The group
  // of a request is unfolded.
  reveal(id) {
    if (!id) return;
    const i = indexOf(id);
    if (i < 0) {
      const row = this.store.byID.get(id);
      if (row?.of && row.in && !unfolded.value.has(row.of.key)) fold(row.of.key, true);
      return;
    }
    wanted.value = 0;
    const s = this.scroller;
    const room = this.height - this.head - ROW;
    const now = s.scrollTop * this.ratio;
    const top = i * ROW;
    if (top < now) s.scrollTop = top / this.ratio;
    else if (top > now + room) s.scrollTop = (top - room) / this.ratio;
  }

  scrolled() {
    const s = this.scroller;
    this.follow = s.scrollTop + this.height >= this.tall + this.head - ROW;
    this.tip.hide();
  }

  render() {
    const { lines, store } = this;
    const scroll = this.scroller.scrollTop;
    const top = scroll * this.ratio;
    const first = Math.max(0, Math.floor(top / ROW) - SPARE);
    const count = Math.max(0, Math.min(lines.length - first, Math.ceil(this.height / ROW) + 2 * SPARE));
    const scale = this.scale();
    this.pixel = (scale.to - scale.from) / Math.max(1, this.pixels.width);
    this.assign(first, count);
    const place = (i) => i * ROW - top + scroll;
    for (let i = first; i < first + count; i++) this.fill(this.views.get(lines[i]), lines[i], i, place(i), scale);
    const at = (ms) => scale.at(ms - store.origin);
    this.connectors.draw(lines, first, count, store.links, place, at, this.left, this.pixels.width);
    this.tell();
    const view = Math.max(0, this.height - this.head);
    const key = `${scale.from} ${scale.to} ${this.pixels.width} ${view}`;
    if (key !== this.ticks) drawTicks(scale, this.pixels.width, view);
    this.ticks = key;
  }

  // assign gives each line in view a view: the one that shows it already, or one that is free.
  assign(first, count) {
    const views = new Map();
    const bare = [];
    for (let i = first; i < first + count; i++) {
      const line = this.lines[i];
      const view = this.views.get(line);
      if (view) views.set(line, view);
      else bare.push(line);
      this.views.delete(line);
    }
    for (const view of this.views.values()) this.free[view instanceof GroupView ? "group" : "row"].push(view);
    for (const line of bare) {
      const kind = line.group ? "group" : "row";
      views.set(line, this.free[kind].pop() ?? this.make(kind));
    }
    for (const kind in this.free) {
      for (const view of this.free[kind]) view.hide();
    }
    this.views = views;
  }

  make(kind) {
    const view = kind === "group" ? new GroupView() : new RowView();
    this.space.append(view.el);
    return view;
  }

  fill(view, line, i, y, scale) {
    if (view.el.hidden) view.el.hidden = false;
    if (view.y !== y) view.el.style.transform = `translateY(${y}px)`;
    view.y = y;
    if (view.index !== i) view.el.setAttribute("aria-rowindex", i + 2);
    view.index = i;
    if (line.group) {
      const g = line.group;
      const conn = group.value === "connection" ? this.store.conns.get(Number(g.key.slice(5))) : undefined;
      view.show(g, { selected: g.key === atGroup.value, open: unfolded.value.has(g.key), evidence: !unfolded.value.has(g.key) && this.marked(g) });
      view.draw(g, this.store, scale, conn, this.pixels);
      return;
    }
    const row = line.row;
    const word = this.store.links.before(row)?.word ?? "";
    view.show(row, { selected: row.id === selected.value, evidence: evidence.value.ids.has(row.id), word }, this.room);
    view.draw(row, this.store, scale, this.pixel, onPath.value.get(row.id));
  }

  // marked is whether a group has a request that is evidence.
  marked(g) {
    for (const id of evidence.value.ids) {
      if (this.store.byID.get(id)?.of === g) return true;
    }
    return false;
  }

  // tell says to a screen reader how long the table is and which line is selected.
  tell() {
    this.scroller.setAttribute("aria-rowcount", this.lines.length + 1);
    const i = indexOf(atGroup.value || selected.value);
    const view = i >= 0 ? this.views.get(this.lines[i]) : undefined;
    for (const v of this.views.values()) {
      if (v !== view && v.told) v.el.removeAttribute("aria-selected");
      v.told = v === view;
    }
    if (view) {
      view.el.setAttribute("aria-selected", "true");
      this.scroller.setAttribute("aria-activedescendant", view.el.id);
    } else {
      this.scroller.removeAttribute("aria-activedescendant");
    }
  }
}
