// The head of the table: what it is sorted by, and the time axis, over which one drags to
// look at a part of the run.

import { setSort, zoom } from "./actions.js";
import { $, h } from "./dom.js";
import { html, useEffect, useRef } from "./html.js";
import { path, togglePath } from "./path.js";
import { group, report, sort } from "./state.js";
import { niceStep, tickLabel } from "./scale.js";

const COLUMNS = [
  { by: "id", name: "#", look: "num", about: "in the order of starting" },
  { by: "status", name: "status" },
  { by: "kind", name: "kind", grouped: { name: "requests", about: "the number of requests" } },
  { by: "name", name: "module or path", grouped: { name: "group" } },
  { by: "host", name: "host", look: "host", grouped: { name: "over", look: "host num", about: "the time from the first start to the last end" } },
  { by: "size", name: "size", look: "num" },
  { by: "time", name: "time", look: "num", grouped: { name: "busy", about: "the time in which at least one request of the group was under way" } },
];

// Head is the first row of the table. scale returns the axis as it is drawn.
export function Head({ scale }) {
  const now = sort.value;
  const grouped = group.value !== "request";
  const cell = (column) => {
    const { by, name, look, about } = { ...column, ...(grouped && column.grouped) };
    const on = now.by === by;
    return html`
      <div role="columnheader" class=${look} id=${by === "name" ? "name" : undefined} aria-sort=${on ? (now.down ? "descending" : "ascending") : "none"}>
        <button type="button" title=${`Sort by ${about ?? name}`} onclick=${() => setSort(by)}>${name}${on ? html`<i aria-hidden="true">${now.down ? " ↓" : " ↑"}</i>` : ""}</button>
        ${by === "name" && html`<span id="ruler" aria-hidden="true">00000000000000000000000000000000000000000000000000</span>`}
      </div>`;
  };
  return html`
    <div class="row head" role="row" aria-rowindex="1">
      ${COLUMNS.map(cell)}
      <${Axis} scale=${scale} />
    </div>`;
}

// Axis is the last column's head. Its ticks are drawn by hand, with the rows.
function Axis({ scale }) {
  const box = useRef(null);
  useEffect(() => brushing(box.current, scale), []);
  const known = report.value?.critical_path?.length > 0;
  return html`
    <div id="axis" class="axis" role="columnheader" aria-label="waterfall" ref=${box} title="Drag to look at a part of the run">
      <div id="ticks"></div>
      <i id="brush" hidden></i>
      ${known && html`<button type="button" class="legend-path" aria-pressed=${path.value} title="Mark what the length of the run is made of, one after the other (p)" onpointerdown=${(e) => e.stopPropagation()} ondblclick=${(e) => e.stopPropagation()} onclick=${togglePath}><i class="path"></i>critical path</button>`}
    </div>`;
}

// brushing lets one drag over the axis.
function brushing(axis, scale) {
  let from = null;
  const part = (e) => {
    const box = axis.getBoundingClientRect();
    return Math.min(Math.max((e.clientX - box.left) / box.width, 0), 1);
  };
  const show = (to) => {
    const brush = $("brush");
    brush.hidden = false;
    brush.style.left = `${Math.min(from, to) * 100}%`;
    brush.style.width = `${Math.abs(to - from) * 100}%`;
  };
  const down = (e) => {
    if (e.button !== 0) return;
    from = part(e);
    axis.setPointerCapture(e.pointerId);
  };
  const move = (e) => { if (from !== null) show(part(e)); };
  const up = (e) => {
    if (from === null) return;
    const to = part(e);
    const s = scale();
    const ends = [s.ms(Math.min(from, to)), s.ms(Math.max(from, to))];
    const wide = Math.abs(to - from) * axis.clientWidth >= 4; // less is a click
    from = null;
    $("brush").hidden = true;
    if (wide) zoom(ends);
  };
  const cancel = () => { from = null; $("brush").hidden = true; };
  const reset = () => zoom(null);
  const all = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: cancel, dblclick: reset };
  for (const name in all) axis.addEventListener(name, all[name]);
  return () => { for (const name in all) axis.removeEventListener(name, all[name]); };
}

// drawTicks puts the ticks on the axis, and their lines behind the rows; height is that of
// the rows in view: a longer line would make more to scroll than there are rows.
export function drawTicks(scale, width, height) {
  const wanted = Math.max(2, Math.floor(width / 80));
  const step = niceStep((scale.to - scale.from) / wanted);
  const labels = [];
  const lines = [];
  for (const ms of scale.ticks(wanted)) {
    const at = scale.at(ms);
    const line = h("i", { class: "line" });
    line.style.left = `${at * 100}%`;
    line.style.height = `${height}px`;
    lines.push(line);
    if (at * width > width - 36) continue; // would be cut off
    const text = h("span", { class: "tick" }, tickLabel(ms, step));
    text.style.left = `${at * 100}%`;
    labels.push(text);
  }
  $("ticks").replaceChildren(...labels);
  $("lines").replaceChildren(...lines);
}
