// What can be taken away: the HAR, and what is shown as CSV, or to be pasted.

import { api, tell } from "./actions.js";
import { cells, flat, HEADER } from "./cells.js";
import { copy } from "./clipboard.js";
import { header, line } from "./columns.js";
import { csv, tsv } from "./csv.js";
import { plural } from "./format.js";
import { html, useEffect, useRef, useSignal } from "./html.js";
import { job } from "./jobs.js";
import { lines } from "./lines.js";
import { recording, session, store, view } from "./state.js";
import { hosts, modules } from "./tables.js";

// Export is a button with a menu.
export function Export() {
  const open = useSignal(false);
  const parts = useSignal(1);
  const root = useRef(null);
  const close = (focus) => {
    open.value = false;
    if (focus) root.current.querySelector("button").focus();
  };
  useEffect(() => {
    if (!open.value) return undefined;
    countParts(parts);
    root.current.querySelector("[role=menuitem]")?.focus();
    const outside = (e) => { if (!root.current.contains(e.target)) close(false); };
    document.addEventListener("pointerdown", outside, true);
    return () => document.removeEventListener("pointerdown", outside, true);
  }, [open.value]);
  if (!session.value && !recording.value) return null;
  return html`
    <div class="export" ref=${root}>
      <button id="export" type="button" class="chip" aria-haspopup="menu" aria-expanded=${open.value} title="Take the recording, or what is shown, away (e)" onclick=${() => { open.value = !open.value; }}>Export</button>
      ${open.value && html`
        <div class="menu" role="menu" aria-label="Export" onkeydown=${(e) => move(e, close)} onclick=${(e) => { if (e.target.closest("[role=menuitem]")) close(true); }}>
          ${recording.value && Array.from({ length: parts.value }, (_, i) => html`<${Har} part=${i + 1} of=${parts.value} />`)}
          <button id="csv" type="button" role="menuitem" tabindex="-1" onclick=${download}>${what()} as CSV</button>
          <button id="tsv" type="button" role="menuitem" tabindex="-1" onclick=${paste}>Copy ${what().toLowerCase()} for a spreadsheet</button>
        </div>`}
    </div>`;
}

// Har is a link to the recording, or to a part of one that was cut into parts; the server
// names the later ones.
function Har({ part, of }) {
  return html`
    <a id=${part === 1 ? "har" : undefined} role="menuitem" tabindex="-1" href=${api("recording.har", part > 1 ? { part } : {})} download=${part === 1 ? recording.value : ""} title=${recording.value}>
      Recording as HAR${of > 1 ? `, part ${part} of ${of}` : ""}</a>`;
}

// countParts asks in how many files the recording is.
async function countParts(parts) {
  try {
    parts.value = Math.max(1, (await (await fetch(api("recording"))).json()).parts ?? 1);
  } catch { /* modtap has stopped: the stream says so */ }
}

// move is the keyboard in the menu.
function move(e, close) {
  const items = [...e.currentTarget.querySelectorAll("[role=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[e.key];
  if (e.key === "Escape") close(true);
  else if (e.key === "Tab") {
    close(false);
    return;
  } else if (to !== undefined) items[(to + items.length) % items.length].focus();
  else if (e.key !== "Enter" && e.key !== " ") return;
  e.stopPropagation();
  if (e.key !== "Enter" && e.key !== " ") e.preventDefault();
}

const table = () => ({ modules, hosts })[view.value];
const what = () => ({ modules: "Modules", hosts: "Hosts" })[view.value] ?? "Requests";

// written is what is shown as text, a line by write (csv or tsv), in slices: {chunks, n}.
async function written(write) {
  const t = table();
  const list = t ? t.lines() : flat(lines.peek());
  const { origin, now } = store;
  return job("export", function* () {
    const chunks = [write(t ? header(t.columns) : HEADER)];
    for (let i = 0; i < list.length; i++) {
      chunks.push(write(t ? line(t.columns, list[i]) : cells(list[i], origin, now)));
      if (i % 64 === 63) yield;
    }
    return { chunks, n: list.length };
  });
}

// fileName is the recording's name with another ending, else the session's start.
export function fileName(har, start, what) {
  const base = har ? har.replace(/(\.har)?(\.gz)?$/, "") : `modtap-${(start ?? "").slice(0, 19).replace(/[-:]/g, "").replace("T", "-")}`;
  return `${base}-${what}.csv`;
}

// download gives what is shown as a CSV file.
async function download() {
  const name = fileName(recording.peek(), session.peek()?.start, what().toLowerCase());
  const made = await written(csv);
  if (!made) return;
  const url = URL.createObjectURL(new Blob(made.chunks, { type: "text/csv" }));
  const a = document.createElement("a");
  a.href = url;
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000); // the browser reads it after the click
  tell(`${plural(made.n, "line")} written to ${name}.`);
}

// paste puts what is shown on the clipboard.
async function paste() {
  const made = await written(tsv);
  if (made) await copy(made.chunks.join(""), plural(made.n, "line"));
}
