// Wiring: the stream fills the store, version tells, at most ten times a second, that it
// changed, and the components are drawn from the signals of state.js.

import { batch, effect, html, render } from "./html.js";
import { Aside } from "./aside.js";
import { Banner } from "./banner.js";
import { Drop, listenToDrops } from "./drop.js";
import { fillHoles } from "./history.js";
import { Keys, listenToKeys } from "./keys.js";
import { Overview } from "./overview.js";
import { stayPresent } from "./presence.js";
import { followReport } from "./reportfeed.js";
import { Requests } from "./waterfall.js";
import { Hosts, Modules } from "./tables.js";
import { Tools } from "./tools.js";
import { Top } from "./top.js";
import { api, open, setFilter, tell as say } from "./actions.js";
import { aside, clock, connection, end, findings, live, process, recording, selected, session, source, store, version, view, wanted } from "./state.js";
import { Stream } from "./stream.js";

const PACE = 100; // ms between drawings of what was received

function Page() {
  const table = { requests: Requests, modules: Modules, hosts: Hosts }[view.value];
  return html`
    <a class="skip" href="#main" onclick=${toTable}>Skip to the table</a>
    <${Top} />
    <${Overview} />
    <${Tools} />
    <${Banner} />
    <main id="main" class=${aside.value ? "with-aside" : ""}>
      <${table} />
      <${Aside} />
    </main>
    <${Drop} />
    <${Keys} />`;
}

// toTable puts the focus on the table; the address keeps naming the request.
function toTable(e) {
  e.preventDefault();
  (document.getElementById("scroll") ?? document.querySelector("#main [tabindex='0'], #main button"))?.focus();
}

let due = false;
let last = 0;

// changed tells the components what the store received, soon.
function changed() {
  if (due) return;
  due = true;
  setTimeout(tell, Math.max(0, last + PACE - performance.now()));
}

function tell() {
  due = false;
  last = performance.now();
  batch(() => {
    session.value = store.session;
    process.value = store.process;
    end.value = store.end;
    if (store.findings.size !== findings.value.size || [...store.findings.values()].some((f) => findings.value.get(f.id) !== f)) {
      findings.value = new Map(store.findings);
    }
    clock.value = store.elapsed;
    version.value = store.version;
  });
}

// offerRecording learns the name of the HAR that can be downloaded.
async function offerRecording() {
  try {
    recording.value = (await (await fetch(api("recording"))).json()).har;
  } catch { /* modtap has stopped, or does not know us: the stream says so */ }
}

let stream = null;

// connect follows the recording that is to be shown.
function connect() {
  stream?.stop();
  stream = new Stream(store, source.value, (state) => {
    if (state === "gone") {
      open("");
      say("modtap has closed that recording to make room for others; this is what it was started with.");
      return;
    }
    connection.value = state;
    if (state === "complete") store.finish();
    if (state === "open") offerRecording();
    if (state === "open" || state === "complete") fillHoles();
  });
  stream.open();
}

function fromHash() {
  const id = Number(/^#x=(\d+)$/.exec(location.hash)?.[1] ?? 0);
  if (id === selected.value) return;
  batch(() => {
    selected.value = wanted.value = id;
    if (id) aside.value = "details";
  });
}

store.changed = changed;
setInterval(() => { if (live.value) changed(); }, PACE); // the clock runs
addEventListener("hashchange", fromHash);
fromHash();
listenToKeys();
listenToDrops();
followReport();
stayPresent();
effect(() => {
  source.value; // another one: another stream
  connect();
});
effect(() => {
  const s = session.value;
  document.title = s ? `${s.argv?.length ? s.argv.join(" ") : `modtap ${s.mode}`} · modtap` : "modtap";
});
setFilter(new URLSearchParams(location.search).get("filter") ?? ""); // modtap view --filter
render(html`<${Page} />`, document.body);
