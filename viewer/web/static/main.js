// Wiring: the stream fills the store, the store says that it changed, and everything is
// rendered from it, at most ten times a second while the session lasts.

import { $, h, mark, put } from "./dom.js";
import { Details } from "./details.js";
import { bytes, clock, duration, plural } from "./format.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";
import { Waterfall } from "./waterfall.js";

const PACE = 100; // ms between renderings

const store = new Store();
const table = new Waterfall(store, (id) => select(id === table.selected ? 0 : id));
const details = new Details(store, select, () => select(0));
let connection = "connecting";
let last = 0;
let wanted = 0; // id to scroll to once it is there
let due = false;

// soon asks for a rendering; now for one that answers the user's hand.
function soon() {
  if (due) return;
  due = true;
  setTimeout(() => requestAnimationFrame(render), Math.max(0, last + PACE - performance.now()));
}

function now() {
  last = 0;
  requestAnimationFrame(render);
}

function render() {
  due = false;
  last = performance.now();
  header();
  banner();
  empty();
  details.render(table.selected); // first, for it takes room from the table
  table.size();
  if (wanted && store.byID.has(wanted)) {
    reveal(wanted);
    wanted = 0;
  }
  table.render();
  if (store.live && connection === "open") soon(); // the clock runs
}

function header() {
  const { session, totals, end, process } = store;
  const command = session?.argv?.length ? session.argv.join(" ") : session ? `modtap ${session.mode}` : "modtap";
  put($("command"), command);
  put($("t-elapsed"), session ? clock(store.now - store.origin) : "–");
  put($("t-requests"), totals.requests.toLocaleString("en"));
  put($("t-inflight"), String(end ? 0 : totals.inFlight));
  put($("t-bytes"), bytes(totals.bytes));
  put($("t-failed"), totals.failed.toLocaleString("en"));
  mark($("t-failed-box"), totals.failed ? "bad" : "");
  put($("t-conns"), store.conns.size.toLocaleString("en"));
  document.title = session ? `${command} · modtap` : "modtap";
  const n = store.visible.length;
  put($("shown"), n === totals.requests ? "" : `${n.toLocaleString("en")} of ${totals.requests.toLocaleString("en")}`);
  $("unzoom").hidden = !store.window;
  if (store.window) put($("unzoom"), `${duration(store.window[0])} – ${duration(store.window[1])}  ×`);

  const code = end?.exit_code ?? process?.exit_code ?? 0;
  const [word, look] = end ? [`exit ${code}`, code ? "bad" : "good"]
    : connection === "open" ? ["live", "live"]
      : [{ connecting: "connecting", complete: "complete" }[connection] ?? "not connected", "off"];
  put($("state"), word);
  mark($("state"), `state ${look}`);
}

const TROUBLE = {
  broken: "The connection to modtap is broken; trying again. What is shown may be old.",
  denied: "modtap does not know this browser. Open the address that it printed: its token belongs to one session.",
  foreign: "This page and modtap speak different versions of the protocol. Reload the page.",
};

let bannerKey = "";

function banner() {
  const { end, findings } = store;
  const key = JSON.stringify([connection in TROUBLE ? connection : "", end, [...findings.values()], [...table.evidence]]);
  if (key === bannerKey) return;
  bannerKey = key;
  const lines = [];
  if (TROUBLE[connection] && !end) lines.push(h("p", { class: "trouble" }, TROUBLE[connection]));
  if (end) lines.push(h("p", {}, h("b", {}, `Ended after ${duration(end.at_ms)}`), `, exit status ${end.exit_code}`, blind(end)));
  for (const f of findings.values()) lines.push(finding(f));
  $("banner").hidden = lines.length === 0;
  $("banner").replaceChildren(...lines);
}

function blind({ blind_spots: spots }) {
  return spots?.length ? h("span", { class: "dim" }, ` · not seen: ${spots.join("; ")}`) : null;
}

function finding(f) {
  const ids = f.evidence ?? [];
  const on = ids.length > 0 && ids.every((id) => table.evidence.has(id));
  const show = () => {
    table.evidence = new Set(on ? [] : ids);
    if (!on && ids.length) wanted = ids[0];
    now();
  };
  return h("p", { class: `finding ${f.severity}` },
    h("b", {}, f.severity), ` ${f.title}`,
    f.cost_ms > 0 ? h("span", { class: "cost" }, duration(f.cost_ms)) : null,
    ids.length ? h("button", { type: "button", class: "chip", onclick: show }, on ? "hide" : `show ${plural(ids.length, "request")}`) : null,
    ...(f.commands ?? []).map((c) => h("code", {}, c)));
}

function empty() {
  const box = $("empty");
  box.hidden = store.visible.length > 0;
  if (box.hidden) return;
  const key = `${store.rows.length > 0} ${Boolean(store.end)} ${connection} ${store.session?.mode} ${store.words}`;
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  box.replaceChildren(...emptyWords());
}

function emptyWords() {
  const { rows, end, session } = store;
  if (rows.length > 0) return [h("h2", {}, "No request matches"), h("p", {}, h("kbd", {}, "Esc"), " clears the filter.")];
  if (end) {
    return [h("h2", {}, "The command ended without a request"),
      h("p", {}, "All it needed was in the module cache. To see a download from nothing:"), h("code", {}, "modtap run --cold -- go mod download")];
  }
  if (!session) return [h("h2", {}, connection === "denied" ? "No access" : "Waiting for modtap…")];
  if (session.mode === "serve") {
    return [h("h2", {}, "Waiting for the first request…"),
      h("p", {}, `The proxy listens on ${session.proxy}. A shell uses it after:`), h("code", {}, 'eval "$(modtap env)"')];
  }
  return [h("h2", {}, "Waiting for the first request…"), h("p", {}, "The command is running; nothing has gone to the network yet.")];
}

// select opens the details of a request (0: none). Its row is scrolled to, also because
// the details may open over it.
function select(id) {
  table.selected = wanted = id;
  history.replaceState(null, "", id ? `#x=${id}` : location.pathname + location.search);
  now();
}

// reveal scrolls the row of id into view.
function reveal(id) {
  const i = store.visible.findIndex((row) => row.id === id);
  if (i < 0) return;
  const s = table.scroller;
  const top = i * 24;
  const view = s.clientHeight - table.head() - 24;
  if (top < s.scrollTop) s.scrollTop = top;
  else if (top > s.scrollTop + view) s.scrollTop = top - view;
}

function move(by) {
  const rows = store.visible;
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.id === table.selected);
  const from = at >= 0 ? at : by > 0 ? -1 : rows.length;
  select(rows[Math.min(Math.max(from + by, 0), rows.length - 1)].id);
}

function setFilter(text) {
  $("filter").value = text;
  store.filter(text);
  if (!(table.follow && store.live)) table.scroller.scrollTop = 0;
  now();
}

function zoom(window) {
  store.window = window;
  store.touch();
  table.scroller.scrollTop = 0;
  wanted = table.selected;
  now();
}

// escape leaves the innermost thing: the filter field, the details, the evidence, the zoom, the filter.
function escape() {
  if (document.activeElement === $("filter")) {
    setFilter("");
    table.scroller.focus();
  } else if (table.selected) select(0);
  else if (table.evidence.size) { table.evidence = new Set(); now(); }
  else if (store.window) zoom(null);
  else setFilter("");
}

const page = () => Math.floor(table.scroller.clientHeight / 24) - 2;
const KEYS = {
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
  PageDown: () => move(page()), PageUp: () => move(-page()),
  g: () => move(-Infinity), Home: () => move(-Infinity), G: () => move(Infinity), End: () => move(Infinity),
  Enter: () => (table.selected ? $("details").focus() : move(1)),
  "/": () => { $("filter").focus(); $("filter").select(); },
};

document.addEventListener("keydown", (e) => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === "Escape") escape();
  else if (e.target === $("filter")) {
    if (e.key === "Enter" || e.key === "ArrowDown") table.scroller.focus();
    else return;
  } else if (e.target.closest?.("button, a, #details") && !/^[jk/gG]$/.test(e.key)) return;
  else if (KEYS[e.key]) KEYS[e.key]();
  else return;
  e.preventDefault();
});

$("filter").addEventListener("input", () => setFilter($("filter").value));
$("unzoom").addEventListener("click", () => zoom(null));
table.scroller.addEventListener("scroll", () => {
  const s = table.scroller;
  table.follow = s.scrollTop + s.clientHeight >= s.scrollHeight - 24;
  now();
}, { passive: true });
new ResizeObserver(now).observe(table.scroller);
addEventListener("hashchange", fromHash);

function fromHash() {
  const id = Number(/^#x=(\d+)$/.exec(location.hash)?.[1] ?? 0);
  if (id !== table.selected) {
    table.selected = wanted = id;
    now();
  }
}

// brush lets one drag over the axis to look at a part of the run.
$("axis").addEventListener("pointerdown", (down) => {
  const box = $("axis").getBoundingClientRect();
  const part = (e) => Math.min(Math.max((e.clientX - box.left) / box.width, 0), 1);
  const from = part(down);
  const brush = $("brush");
  const drag = (e) => {
    const to = part(e);
    brush.hidden = false;
    brush.style.left = `${Math.min(from, to) * 100}%`;
    brush.style.width = `${Math.abs(to - from) * 100}%`;
  };
  $("axis").setPointerCapture(down.pointerId);
  $("axis").addEventListener("pointermove", drag);
  $("axis").addEventListener("pointerup", (up) => {
    $("axis").removeEventListener("pointermove", drag);
    brush.hidden = true;
    const to = part(up);
    const scale = table.scale();
    if (Math.abs(to - from) * box.width > 4) zoom([scale.ms(Math.min(from, to)), scale.ms(Math.max(from, to))]);
  }, { once: true });
});
$("axis").addEventListener("dblclick", () => zoom(null));

// offerRecording shows the link to the HAR file if there is one.
async function offerRecording() {
  try {
    const { har } = await (await fetch("/api/recording")).json();
    $("har").hidden = har === "";
    $("har").title = `Download ${har}`;
    $("har").download = har;
  } catch { /* modtap has stopped, or does not know us: the stream says so */ }
}

store.changed = soon;
fromHash();
new Stream(store, (state) => {
  connection = state;
  if (state === "open") offerRecording();
  now();
}).open();
now();
