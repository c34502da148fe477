// The filter's field: completion, the place of an error, what was looked for before.

import { setFilter } from "./actions.js";
import { batch, effect, html, signal, useEffect, useLayoutEffect, useRef } from "./html.js";
import { job } from "./jobs.js";
import { Known, complete, parse } from "./query.js";
import { filter, store } from "./state.js";

const PAUSE = 80; // ms without a key until the table follows
const OFFERED = 12; // completions that are shown
const RECENT = 8; // filters that are kept, in memory only

const draft = signal(""); // what is in the field
const offers = signal([]); // {text, from, to, about} that are offered
const active = signal(-1); // the one that the arrows are at
const recent = signal([]);
let due = 0;
let known = new Known();

// The field follows when the filter is set elsewhere (a click, Esc, another recording).
effect(() => {
  const text = filter.value;
  clearTimeout(due);
  due = 0;
  if (text.trim() !== draft.peek().trim()) batch(() => { draft.value = text; close(); });
});

export function focusFilter() {
  const field = document.getElementById("filter");
  field?.focus();
  field?.select();
}

// type takes what is in the field now; the table follows after a pause.
function type(text) {
  draft.value = text;
  clearTimeout(due);
  due = setTimeout(apply, PAUSE);
}

function apply() {
  clearTimeout(due);
  due = 0;
  if (filter.peek() !== draft.peek()) setFilter(draft.peek());
}

// keep remembers the filter for this visit.
function keep() {
  const text = draft.peek().trim();
  if (!text || parse(text).error) return;
  recent.value = [text, ...recent.peek().filter((t) => t !== text)].slice(0, RECENT);
}

function close() {
  offers.value = [];
  active.value = -1;
}

// offer lists what may stand at the cursor; of an empty field, the filters before.
function offer(field) {
  const text = field.value;
  const list = text.trim() === ""
    ? recent.peek().map((t) => ({ text: t, from: 0, to: text.length, about: "before" }))
    : complete(text, field.selectionStart ?? text.length, known).slice(0, OFFERED);
  batch(() => {
    offers.value = list;
    active.value = -1;
  });
}

// accept puts an offer into the field.
function accept(o, field) {
  const text = draft.peek();
  const cursor = o.from + o.text.length;
  batch(() => {
    draft.value = text.slice(0, o.from) + o.text + text.slice(o.to);
    close();
  });
  apply();
  // The field gets its text when it is drawn; the cursor goes behind the word then.
  requestAnimationFrame(() => {
    field.focus();
    field.setSelectionRange(cursor, cursor);
    if (/:$/.test(o.text)) offer(field); // now its values
  });
}

// learn looks through the requests for values to complete with, a slice at a time.
async function learn() {
  const seen = new Known();
  const made = await job("known", function* () {
    for (let i = 0; i < store.rows.length; i++) {
      seen.add(store.rows[i].x);
      if (i % 200 === 199) yield;
    }
    return seen;
  });
  if (made) known = made;
}

// keydown handles the keys of the field; the rest is typing.
function keydown(e) {
  const list = offers.value;
  const field = e.target;
  const go = (by) => { active.value = (active.value + by + list.length + (active.value < 0 && by < 0 ? 1 : 0)) % list.length; };
  if (e.isComposing) return;
  if (e.key === "ArrowDown" || e.key === "ArrowUp") {
    if (list.length) go(e.key === "ArrowDown" ? 1 : -1);
    else if (e.key === "ArrowDown") offer(field);
    else return;
  } else if (e.key === "Tab" && !e.shiftKey && list.length) {
    accept(list[Math.max(active.value, 0)], field);
  } else if (e.key === "Enter") {
    if (active.value >= 0) accept(list[active.value], field);
    else done();
  } else if (e.key === "Escape") {
    if (list.length && draft.value) close();
    else if (draft.value) batch(() => { draft.value = ""; apply(); });
    else done();
  } else {
    return;
  }
  e.preventDefault();
}

// done goes from the field to the table.
function done() {
  apply();
  keep();
  close();
  document.getElementById("scroll")?.focus();
}

// fault is what is wrong with the text; a word that is being completed is not wrong yet.
function fault(text, offered) {
  const { error } = parse(text);
  const here = offered[0];
  return error && here && error.at <= here.to && error.at + error.len >= here.from ? null : error;
}

// Filter is the field with all that belongs to it.
export function Filter() {
  const field = useRef(null);
  const under = useRef(null);
  useEffect(() => { // what is known grows while someone types
    const timer = setInterval(() => { if (document.activeElement === field.current) learn(); }, 3000);
    return () => clearInterval(timer);
  }, []);
  const text = draft.value;
  const scroll = () => { if (under.current) under.current.scrollLeft = field.current.scrollLeft; };
  useLayoutEffect(scroll);
  const open = offers.value.length > 0;
  const error = fault(text, offers.value);
  return html`
    <div class="filter" role="search">
      <input id="filter" ref=${field} type="text" role="combobox" value=${text} placeholder="Filter: kind:zip time:>1s" aria-label="Filter requests"
        aria-autocomplete="list" aria-expanded=${open} aria-controls="offers" aria-activedescendant=${active.value >= 0 ? `offer-${active.value}` : undefined}
        aria-invalid=${error ? "true" : undefined} aria-describedby="filter-error" autocomplete="off" autocapitalize="off" spellcheck="false"
        oninput=${(e) => { type(e.target.value); offer(e.target); }} onkeydown=${keydown} onscroll=${scroll} onkeyup=${scroll}
        onfocus=${learn} onblur=${() => { keep(); close(); }} />
      ${error && html`<div class="under" ref=${under} aria-hidden="true">${text.slice(0, error.at)}<u>${text.slice(error.at, error.at + error.len) || " "}</u>${text.slice(error.at + error.len)} </div>`}
      ${text ? html`<button type="button" class="clear" aria-label="Clear the filter" title="Clear (Esc)" onclick=${() => { batch(() => { draft.value = ""; apply(); close(); }); field.current.focus(); }}>×</button>` : html`<kbd aria-hidden="true">/</kbd>`}
      <div id="filter-error" class=${error && !open ? "hint" : "hint none"} role="status" aria-live="polite">${error && html`<b>${error.msg}</b>${error.hint ? ` ${error.hint}` : ""}`}</div>
      <ul id="offers" role="listbox" aria-label="Completions" hidden=${!open}>
        ${offers.value.map((o, i) => html`<li id=${`offer-${i}`} role="option" aria-selected=${i === active.value} onpointerdown=${(e) => { e.preventDefault(); accept(o, field.current); }}>
          <span>${o.text}</span> <span class="dim">${o.about}</span></li>`)}
      </ul>
    </div>`;
}
