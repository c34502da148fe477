// The tables of modules and of hosts: one line for each, made from the requests that pass
// the filter and lie in the part of the run that is looked at.

import { only } from "./actions.js";
import { HOSTS, MODULES } from "./columns.js";
import { plural } from "./format.js";
import { effect, html, signal, useEffect, useLayoutEffect, useRef } from "./html.js";
import { job } from "./jobs.js";
import { aside, filter, over, query, range, session, store, version } from "./state.js";
import { SPARK, order, sums } from "./sums.js";

const ROW = 24; // px, --row in style.css
const SPARE = 10; // lines above and below the view
const ALL = 300; // so many lines are in the DOM at once; of more, those in view
const PACE = 1000; // ms between two counts while the run goes on
const PART = 4; // so many times as long as a count took, there is none, if that is longer
const HAND = 80; // ms after a key in the filter

// A Table is what one of the two keeps while the other, or the requests, are shown.
class Table {
  constructor(by, columns, first) {
    this.by = by;
    this.columns = columns;
    this.sort = signal({ by: first, down: true });
    this.result = signal({ list: [], none: 0, made: false });
    this.pointed = signal(""); // name of the line that the keys are at
    this.scroll = signal({ top: 0, height: 800 });
    this.next = 0; // when it may be counted again
    this.timer = 0;
    this.settings = null;
  }

  // lines are all, in order; the one place that sorts.
  lines() {
    const { list } = this.result.value;
    const { by, down } = this.sort.value;
    if (this.sorted?.list !== list || this.sorted.by !== by || this.sorted.down !== down) {
      const column = this.columns.find((c) => c.id === by);
      this.sorted = { list, by, down, lines: order(list, column.value, down) };
    }
    return this.sorted.lines;
  }

  // follow counts again when something changed: soon after a key, seldom while the run
  // goes on.
  follow() {
    const undo = effect(() => {
      void [version.value, session.value, over.value];
      const settings = [query.value, range.value, store.session?.id].map((v) => v ?? null);
      const turned = !this.settings || settings.some((v, i) => v !== this.settings[i]);
      this.settings = settings;
      this.soon(turned ? HAND : over.value ? HAND : this.next - performance.now(), turned);
    });
    return () => {
      undo();
      clearTimeout(this.timer);
      this.timer = 0;
      this.settings = null;
    };
  }

  // soon counts in so many ms; at once, if it was never done.
  soon(wait, turned) {
    if (this.counting && !turned) {
      this.late = true;
      return;
    }
    if (this.timer && !turned) return;
    clearTimeout(this.timer);
    if (!this.result.peek().made) wait = 0;
    this.timer = setTimeout(() => { this.timer = 0; this.count(); }, Math.max(wait, 0));
  }

  async count() {
    const { match, empty } = query.peek();
    const count = this.counting = {};
    const from = performance.now();
    const at = { match: empty ? () => true : match, range: range.peek(), origin: store.origin, now: store.now, conns: store.conns, byID: store.byID };
    const made = await job(`sums-${this.by}`, () => sums(this.by, store.rows, at));
    if (this.counting !== count) return; // a newer one goes on
    this.counting = null;
    if (made) this.result.value = { ...made, made: true };
    this.next = Math.max(from + PACE, performance.now() + PART * (performance.now() - from));
    if (this.late) {
      this.late = false;
      this.soon(this.next - performance.now(), false);
    }
  }
}

export const modules = new Table("module", MODULES, "busy");
export const hosts = new Table("host", HOSTS, "requests");

export const Modules = () => html`<${View} key="modules" of=${modules} label="Modules" noun="module" />`;
export const Hosts = () => html`<${View} key="hosts" of=${hosts} label="Hosts" noun="host" />`;

// choose shows the requests of a line. The filter stays, for they are what was counted.
function choose(table, name) {
  only(`${filter.peek()} ${table.by}:${exactly(name)}`.trim());
}

// exactly is the value of the filter language that is name and nothing more, but for case:
// golang.org/x/net is not golang.org/x/netbsd.
function exactly(name) {
  if (name.includes('"')) return `"${name.replaceAll('"', "")}"`; // quotes cannot be written: this is a part of it
  return /[\s,]/.test(name) ? `="${name}"` : `=${name}`;
}

function View({ of: table, label, noun }) {
  const scroller = useRef(null);
  useEffect(() => table.follow(), [table]);
  useLayoutEffect(() => {
    const e = scroller.current;
    const measure = () => {
      const { scrollTop: top, clientHeight: height } = e;
      const was = table.scroll.peek();
      if (was.top !== top || was.height !== height) table.scroll.value = { top, height };
    };
    const keys = (event) => press(table, e, event);
    const sizes = new ResizeObserver(measure);
    sizes.observe(e);
    e.addEventListener("scroll", measure, { passive: true });
    // Before the page's own keys, which move in the requests.
    document.addEventListener("keydown", keys, true);
    return () => { sizes.disconnect(); document.removeEventListener("keydown", keys, true); };
  }, [table]);
  const lines = table.lines();
  const { none, made } = table.result.value;
  const at = lines.findIndex((s) => s.name === table.pointed.value);
  return html`
    <section class="table sums" aria-label=${label}>
      <div id="sums" class="sums-scroll" role="grid" aria-label=${label} tabindex="0" aria-rowcount=${lines.length + 1} aria-colcount=${table.columns.length}
        aria-activedescendant=${at >= 0 ? `sum-${at}` : undefined} ref=${scroller}>
        <table role="presentation">
          <thead><tr role="row" aria-rowindex="1">${table.columns.map((c) => html`<${Head} key=${c.id} table=${table} c=${c} />`)}</tr></thead>
          <${Body} table=${table} lines=${lines} at=${at} />
        </table>
        ${made && lines.length === 0 && html`<p class="nothing">${store.rows.length ? `No request that is shown is about a ${noun}.` : "No request yet."}</p>`}
        ${none > 0 && html`<p class="none dim">${plural(none, "request")} about no ${noun} ${none === 1 ? "is" : "are"} not in this table.</p>`}
      </div>
    </section>`;
}

// Head is a column's head: a button that sorts.
function Head({ table, c }) {
  const { by, down } = table.sort.value;
  const sorted = by === c.id;
  const turn = () => { table.sort.value = { by: c.id, down: sorted ? !down : Boolean(c.num) }; };
  return html`
    <th role="columnheader" scope="col" class=${`${c.num ? "num " : ""}c-${c.id}`} aria-sort=${c.spark ? undefined : sorted ? (down ? "descending" : "ascending") : "none"} title=${c.title}>
      ${c.spark ? c.head : html`<button type="button" onclick=${turn}>${c.head}<span aria-hidden="true">${sorted ? (down ? " ↓" : " ↑") : ""}</span></button>`}
    </th>`;
}

// Body has the lines in view, and room for the others.
function Body({ table, lines, at }) {
  const { top, height } = table.scroll.value;
  const virtual = lines.length > ALL;
  const first = virtual ? Math.min(Math.max(0, Math.floor(top / ROW) - SPARE), lines.length) : 0;
  const last = virtual ? Math.min(lines.length, Math.ceil((top + height) / ROW) + SPARE) : lines.length;
  const space = (n) => html`<tr class="space" role="presentation" aria-hidden="true" style=${{ height: `${n * ROW}px` }}><td colspan=${table.columns.length}></td></tr>`;
  return html`
    <tbody onclick=${(e) => { const tr = e.target.closest("tr[data-name]"); if (tr) choose(table, tr.dataset.name); }}>
      ${first > 0 && space(first)}
      ${lines.slice(first, last).map((s, i) => html`<${Line} key=${s.name} table=${table} s=${s} i=${first + i} pointed=${first + i === at} />`)}
      ${last < lines.length && space(lines.length - last)}
    </tbody>`;
}

function Line({ table, s, i, pointed }) {
  return html`
    <tr role="row" id=${`sum-${i}`} data-name=${s.name} class=${pointed ? "selected" : ""} aria-selected=${pointed} aria-rowindex=${i + 2}>
      ${table.columns.map((c) => html`
        <td role="gridcell" class=${`${c.num ? "num " : ""}c-${c.id}${c.bad?.(s) ? " bad" : ""}`} title=${c.about?.(s) ?? (c.id === "name" ? s.name : undefined)}>
          ${c.spark ? html`<${Spark} bars=${s.spark} />` : c.show(s)}
        </td>`)}
    </tr>`;
}

// Spark draws counts as bars; the highest is as high as the line.
function Spark({ bars }) {
  const most = Math.max(...bars);
  let d = "";
  bars.forEach((n, i) => { if (n) d += `M${i} 14v${-Math.max(1, (14 * n) / most).toFixed(1)}h.85V14z`; });
  return html`<svg class="spark" viewBox=${`0 0 ${SPARK} 14`} preserveAspectRatio="none" role="img" aria-label=${`at most ${most} in one of ${SPARK} parts`}><path d=${d} /></svg>`;
}

// press moves through the lines, as the same keys do in the requests.
function press(table, scroller, e) {
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest?.("input, textarea, select, button, a, [role=dialog], [role=slider]")) return;
  if (aside.peek() && e.target.closest?.("aside")) return;
  const lines = table.lines();
  const page = Math.max(1, Math.floor(scroller.clientHeight / ROW) - 2);
  const at = lines.findIndex((s) => s.name === table.pointed.peek());
  const to = { j: at + 1, ArrowDown: at + 1, k: at - 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: Infinity }[e.key];
  if (e.key === "Enter" && at >= 0) choose(table, lines[at].name);
  else if (to === undefined || lines.length === 0) return;
  else {
    const i = Math.min(Math.max(to, 0), lines.length - 1);
    table.pointed.value = lines[i].name;
    const head = scroller.querySelector("thead").offsetHeight;
    const top = i * ROW;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + ROW + head > scroller.scrollTop + scroller.clientHeight) scroller.scrollTop = top + ROW + head - scroller.clientHeight;
  }
  e.preventDefault();
  e.stopPropagation();
}
