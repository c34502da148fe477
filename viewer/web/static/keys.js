// All keys, and the sheet that shows them: both are made of the one table below.

import * as actions from "./actions.js";
import { copyCurl, copyLink } from "./details.js";
import { pickFile } from "./drop.js";
import { focusFilter } from "./filter.js";
import { html, useLayoutEffect, useRef } from "./html.js";
import { indexOf, lines } from "./lines.js";
import { aside, atGroup, help, selected, sort, view, wanted } from "./state.js";

// KEYS is every key: where it is listed, how it is written on the sheet, what it does. In
// the tables of modules and hosts, those with rows belong to the tables themselves.
export const KEYS = [
  { part: "Move", keys: ["j", "ArrowDown"], show: "j ↓", words: "next line", rows: true, run: () => move(1) },
  { part: "Move", keys: ["k", "ArrowUp"], show: "k ↑", words: "previous line", rows: true, run: () => move(-1) },
  { part: "Move", keys: ["PageDown"], show: "Page Down", words: "a page on", rows: true, run: () => move(page()) },
  { part: "Move", keys: ["PageUp"], show: "Page Up", words: "a page back", rows: true, run: () => move(-page()) },
  { part: "Move", keys: ["Home"], show: "Home", words: "first line", rows: true, run: () => move(-Infinity) },
  { part: "Move", keys: ["End"], show: "End", words: "last line", rows: true, run: () => move(Infinity) },
  { part: "Move", keys: ["Enter"], show: "Enter", words: "details of the request, or fold the group", rows: true, run: enter },
  { part: "Move", keys: ["o"], show: "o", words: "fold or unfold the group", rows: true, run: foldHere },
  { part: "Look", keys: ["/"], show: "/", words: "filter", run: focusFilter },
  { part: "Look", keys: ["g"], show: "g", words: "group by the next: request, module, host, connection, step", run: () => actions.nextGroup(1) },
  { part: "Look", keys: ["G"], show: "G", words: "group by the one before", run: () => actions.nextGroup(-1) },
  { part: "Look", keys: ["s"], show: "s", words: "sort by the next column", run: () => actions.nextSort() },
  { part: "Look", keys: ["S"], show: "S", words: "turn the order around", run: () => actions.setSort(sort.value.by) },
  { part: "Look", keys: [], show: "← → + −", words: "in the strip above (Tab): move and size the part of the run" },
  { part: "Look", keys: ["0"], show: "0", words: "look at the whole run again", run: () => actions.zoom(null) },
  { part: "Look", keys: ["p"], show: "p", words: "mark the critical path", run: () => actions.togglePath() },
  { part: "Show", keys: ["r"], show: "r", words: "requests", run: () => actions.show("requests") },
  { part: "Show", keys: ["m"], show: "m", words: "modules", run: () => actions.show("modules") },
  { part: "Show", keys: ["h"], show: "h", words: "hosts", run: () => actions.show("hosts") },
  { part: "Show", keys: ["f"], show: "f", words: "findings", run: () => actions.toggleFindings() },
  { part: "Show", keys: ["]"], show: "]", words: "next request of the finding's evidence", run: () => actions.step(1) },
  { part: "Show", keys: ["["], show: "[", words: "previous request of the evidence", run: () => actions.step(-1) },
  { part: "Do", keys: ["c"], show: "c", words: "copy the request as a curl command", run: () => withSelected(copyCurl) },
  { part: "Do", keys: ["l"], show: "l", words: "copy a link to the request", run: () => withSelected(copyLink) },
  { part: "Do", keys: ["e"], show: "e", words: "export: the recording, or what is shown", run: () => document.getElementById("export")?.click() },
  { part: "Do", keys: ["O"], show: "O", words: "open a recording (a HAR file)", run: pickFile },
  { part: "Do", keys: ["Escape"], show: "Esc", words: "back: details, findings, evidence, zoom, filter", run: actions.back },
  { part: "Do", keys: ["?"], show: "?", words: "this sheet", run: () => { help.value = !help.value; } },
];

const byKey = new Map(KEYS.flatMap((k) => k.keys.map((name) => [name, k])));
const MOVES = /^(Arrow|Page|Home|End)/; // keys that scroll what has the focus

// withSelected does something with the request that is selected, or says that none is.
function withSelected(what) {
  if (selected.value) what(selected.value);
  else actions.tell("No request is selected: j and k select one.");
}

// here is the index of the line that is pointed at; -1: none.
const here = () => (atGroup.value || selected.value ? indexOf(atGroup.value || selected.value) : -1);

// move points at another line. The details follow when they are open.
function move(by) {
  const list = lines.value;
  if (list.length === 0) return;
  const at = here();
  const from = at >= 0 ? at : by > 0 ? -1 : list.length;
  const line = list[Math.min(Math.max(from + by, 0), list.length - 1)];
  atGroup.value = line.group?.key ?? "";
  if (line.group) {
    if (aside.value === "details") actions.select(0);
    actions.point(0);
    wanted.value = line.group.key;
  } else if (aside.value === "details") {
    actions.select(line.row.id);
  } else {
    actions.point(line.row.id);
  }
}

// page is how many lines fit the table.
function page() {
  const table = document.getElementById("scroll");
  return Math.max(1, Math.floor((table?.clientHeight ?? 0) / 24) - 2);
}

function enter() {
  if (atGroup.value) actions.fold(atGroup.value);
  else if (!selected.value) move(1);
  else if (aside.value === "details") document.getElementById("details")?.focus();
  else actions.select(selected.value);
}

// foldHere folds or unfolds the group of the line that is pointed at.
function foldHere() {
  const line = lines.value[here()];
  const key = line?.group?.key ?? line?.of?.key;
  if (!key) return;
  actions.fold(key);
  if (line.row) { // its line may be gone now
    atGroup.value = key;
    actions.point(0);
    wanted.value = key;
  }
}

// listenToKeys handles keys for the page. What has its own keys (a field, the strip, a
// table) handles them first and prevents the default.
export function listenToKeys() {
  document.addEventListener("keydown", (e) => {
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    const key = byKey.get(e.key);
    if (!key || belongsTo(e.target, e.key) || (key.rows && view.value !== "requests")) return;
    if (help.value && e.key !== "Escape" && e.key !== "?") return;
    e.preventDefault();
    key.run();
  });
}

// belongsTo is whether a key is for the element that has the focus and not for the page.
function belongsTo(target, key) {
  if (key === "Escape") return false;
  if (target.closest?.("input, select, textarea, [contenteditable]")) return true;
  if (key === "Enter" && target.closest?.("button, a, summary, [role=option]")) return true;
  return MOVES.test(key) && Boolean(target.closest?.("aside, dialog, [role=separator], [role=menu]"));
}

// Keys is the sheet. The browser keeps the focus inside of a modal dialog, and gives it
// back.
export function Keys() {
  return help.value ? html`<${Sheet} />` : null;
}

function Sheet() {
  const box = useRef(null);
  useLayoutEffect(() => {
    const dialog = box.current;
    dialog.showModal();
    return () => dialog.close(); // which gives the focus back
  }, []);
  const parts = [...new Set(KEYS.map((k) => k.part))];
  const close = () => { help.value = false; };
  return html`
    <dialog id="keys" ref=${box} aria-modal="true" aria-labelledby="keys-title" onclose=${close} onclick=${(e) => { if (e.target === box.current) close(); }}>
      <div class="sheet">
        <header><h2 id="keys-title">Keys</h2><button type="button" class="close" aria-label="Close" title="Close (Esc)" onclick=${close}>×</button></header>
        <div class="columns">${parts.map((part) => html`
          <section><h3>${part}</h3><dl>${KEYS.filter((k) => k.part === part).map((k) => html`<dt>${k.show.split(/ (?!Up|Down)/).map((s) => html`<kbd>${s}</kbd> `)}</dt><dd>${k.words}</dd>`)}</dl></section>`)}
        </div>
      </div>
    </dialog>`;
}
