// The pane beside the table: one request, or the findings. Its edge can be dragged.

import { Details } from "./details.js";
import { Findings } from "./findings.js";
import { html, signal, useLayoutEffect, useRef } from "./html.js";
import { aside } from "./state.js";

const LEAST = 20; // per cent of the page that the pane has at least
const MOST = 70;
const STEP = 2;
const below = matchMedia("(max-width: 1180px)"); // the pane is under the table, as in aside.css

const sizes = { beside: signal(31), under: signal(46) }; // per cent of the page
const stacked = signal(below.matches);
below.addEventListener("change", () => { stacked.value = below.matches; });

export function Aside() {
  if (!aside.value) return null;
  return html`
    <${Edge} />
    <${aside.value === "details" ? Details : Findings} />`;
}

// Edge is what the pane is made larger and smaller by: with the mouse, or with the arrows.
function Edge() {
  const edge = useRef(null);
  const size = stacked.value ? sizes.under : sizes.beside;
  const set = (v) => { size.value = Math.round(Math.min(Math.max(v, LEAST), MOST) * 10) / 10; };
  useLayoutEffect(() => {
    edge.current.parentElement.style.setProperty("--aside", `${size.value}%`);
  });
  const drag = (e) => {
    if (!edge.current.hasPointerCapture(e.pointerId)) return;
    const box = edge.current.parentElement.getBoundingClientRect();
    set(stacked.value ? (box.bottom - e.clientY) / box.height * 100 : (box.right - e.clientX) / box.width * 100);
  };
  const keydown = (e) => {
    const by = { ArrowLeft: STEP, ArrowUp: STEP, ArrowRight: -STEP, ArrowDown: -STEP, Home: -100, End: 100 }[e.key];
    if (!by) return;
    e.preventDefault();
    set(size.value + by);
  };
  return html`<div class="edge" ref=${edge} role="separator" tabindex="0" aria-label="Size of the pane" aria-controls=${aside.value}
    aria-orientation=${stacked.value ? "horizontal" : "vertical"} aria-valuenow=${Math.round(size.value)} aria-valuemin=${LEAST} aria-valuemax=${MOST} title="Drag, or use the arrow keys"
    onpointerdown=${(e) => { edge.current.setPointerCapture(e.pointerId); e.preventDefault(); edge.current.focus(); }} onpointermove=${drag} onkeydown=${keydown}></div>`;
}
