// The pane with the report: where the time went, what is wrong, which command fixes it.

import { follow, only, step, toggleFindings } from "./actions.js";
import { copy } from "./clipboard.js";
import { bytes, duration, plural } from "./format.js";
import { html } from "./html.js";
import { evidence, findings, over as isOver, report, selected, session } from "./state.js";

const MEANING = { // as viewer/report says it
  dns: "looking up names",
  connect: "opening TCP connections",
  tls: "TLS handshakes",
  send: "sending requests",
  wait: "until answers began",
  receive: "answers arriving",
  queue: "for a proxy or a free slot",
  go: "the command's own work",
  vcs: "git: ssh, and its own work",
  lock: "another process has a lock",
  injected: "delays of your rules",
  modtap: "modtap's own time",
  idle: "no request, no work seen",
};
const SEVERITY = { bad: ["✖", "bad"], warn: ["▲", "warning"], info: ["i", "info"] };
const RANK = { bad: 0, warn: 1, info: 2 };
const SURE = { high: "sure", medium: "fairly sure", low: "a guess" };

// percent writes a share of a whole as viewer/report does.
export function percent(share) {
  const p = share * 100;
  if (!(p > 0)) return "0 %";
  if (p < 0.1) return "< 0.1 %";
  return `${p.toFixed(p < 9.95 ? 1 : 0)} %`;
}

// quantity writes a number of a finding with its unit.
export function quantity(value, unit) {
  switch (unit) {
    case "ms": return duration(value);
    case "B": return bytes(value);
    case "B/s": return `${bytes(value)}/s`;
    case "share": return percent(value);
  }
  const n = Number(value.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 6 });
  return unit ? `${n} ${unit}` : n;
}

// fromEvent is a Finding event in the words of a report, which has its remedy apart.
const fromEvent = (f) => ({ ...f, evidence: f.evidence ?? [], remedy: { text: f.remedy ?? "", commands: f.commands ?? [] } });

// list is what is wrong: the report's findings in its order, and those that came since;
// after the end, what the report says and nothing else.
export function list(made, events, ended) {
  const out = [...(made?.findings ?? [])];
  if (made && ended) return out;
  const has = new Set(out.map((f) => f.id));
  const more = [...events.values()].filter((f) => !has.has(f.id)).map(fromEvent);
  more.sort((a, b) => (RANK[a.severity] ?? 3) - (RANK[b.severity] ?? 3) || b.cost_ms - a.cost_ms);
  return [...out, ...more];
}

export function Findings() {
  const made = report.value;
  const over = isOver.value;
  const all = list(made, findings.value, over);
  return html`
    <aside id="findings" aria-label="Findings" tabindex="-1">
      <header>
        <h2>Findings${over ? "" : html` <span class="dim">so far</span>`}</h2>
        <button type="button" class="close" aria-label="Close the findings" title="Close (f)" onclick=${toggleFindings}>×</button>
      </header>
      <div class=${made ? "parts" : ""}>
        ${made && html`<div class="where"><${Time} made=${made} over=${over} /></div>`}
        <div class="wrong">
          <h3>What is wrong</h3>
          ${all.length === 0 && html`<p id="no-findings" class="dim">${nothing(made, over)}</p>`}
          <ol class="list">${all.map((f) => html`<${Finding} key=${f.id} f=${f} />`)}</ol>
          ${made?.what_if?.length > 0 && html`<${WhatIf} list=${made.what_if} over=${over} />`}
        </div>
        ${made && html`<div class="rest"><${Rest} made=${made} /></div>`}
      </div>
    </aside>`;
}

// nothing says why there is no finding.
function nothing(made, over) {
  if (!session.value) return "Nothing was recorded yet.";
  if (!over) return "Nothing so far.";
  if (!made) return "No finding was recorded, and there is no report of this recording.";
  if (made.exit_code || made.signal) return "None that explains the failure: see what the command itself printed.";
  return "Nothing that this recording shows is wrong.";
}

// Time is the wall time as a bar of the report's buckets, and in numbers.
function Time({ made, over }) {
  const buckets = made.accounting?.buckets ?? [];
  if (buckets.length === 0) return null;
  const sorted = [...buckets].sort((a, b) => b.ms - a.ms);
  return html`
    <h3>Where ${duration(made.wall_ms)} went${over ? "" : ", so far"}</h3>
    <div class="stack" aria-hidden="true">
      ${buckets.map((b) => html`<i class=${`bucket b-${b.name}`} style=${{ flexGrow: b.share }} title=${`${b.name} ${duration(b.ms)}`}></i>`)}
    </div>
    <table class="buckets">
      <caption class="off-screen">The wall time in parts that add up to it, as the critical path spent it</caption>
      <tbody>${sorted.map((b) => html`
        <tr>
          <th scope="row"><i class=${`bucket b-${b.name}`}></i>${b.name}</th>
          <td class="num">${duration(b.ms)}</td>
          <td class="num">${percent(b.share)}</td>
          <td class="dim">${b.what || MEANING[b.name] || ""}</td>
        </tr>`)}
      </tbody>
    </table>`;
}

function Finding({ f }) {
  const [icon, word] = SEVERITY[f.severity] ?? ["i", f.severity];
  const followed = evidence.value.of === f.id;
  const n = f.evidence.length;
  return html`
    <li class=${`find ${f.severity}${followed ? " followed" : ""}`} data-finding=${f.id}>
      <h4>
        <button type="button" class="follow" aria-pressed=${followed} disabled=${n === 0} title=${n ? "Mark the requests that it rests on" : "It rests on no request"} onclick=${() => follow(f.id)}>
          <span><span class="severity"><i aria-hidden="true">${icon}</i>${word}</span>${" "}<span class="title">${f.title}</span></span>${" "}
          ${f.cost_ms > 0 && html`<span class="cost" title="Of the wall time">${duration(f.cost_ms)}</span>`}
        </button>
      </h4>
      <p class="links">
        <code>${f.id}</code>
        <${Evidence} f=${f} followed=${followed} />
      </p>
      ${f.remedy.text && html`<p class="remedy">${f.remedy.text}</p>`}
      ${f.remedy.commands.map((c) => html`<${Command} text=${c} />`)}
      ${f.numbers?.length > 0 && html`<ul class="numbers">${f.numbers.map((m) => html`<li>${m.name} <b>${quantity(m.value, m.unit)}</b>${m.limit ? html` <span class="dim">(limit ${quantity(m.limit, m.unit)})</span>` : ""}</li>`)}</ul>`}
      ${f.caveat && html`<p class="dim">${f.caveat}</p>`}
    </li>`;
}

// Evidence says on how much a finding rests, and leads from one request to the next.
function Evidence({ f, followed }) {
  const n = f.evidence.length;
  const of = Math.max(f.evidence_of ?? 0, n);
  const at = followed ? f.evidence.indexOf(selected.value) : -1;
  const conns = f.conns ?? [];
  return html`
    ${n > 0 && html`<span>${at >= 0 ? `${at + 1} of ` : ""}${plural(n, "request")}${of > n ? ` named, of ${of.toLocaleString("en")}` : ""}</span>`}
    ${followed && n > 1 && html`
      <span class="steps">
        <button type="button" class="chip" aria-label="Previous request of the evidence" title="Previous ([)" onclick=${() => step(-1)}>←</button>
        <button type="button" class="chip" aria-label="Next request of the evidence" title="Next (])" onclick=${() => step(1)}>→</button>
      </span>`}
    ${conns.length > 0 && html`<button type="button" class="chip" title="Show the requests on these connections" onclick=${() => only(`conn:${conns.join(",")}`)}>${plural(Math.max(f.conns_of ?? 0, conns.length), "connection")}</button>`}`;
}

// Command is a command for the user's shell, with a button that copies it.
function Command({ text }) {
  return html`
    <div class="command">
      <code>${text}</code>
      <button type="button" class="chip copy" aria-label=${`Copy the command ${text}`} onclick=${() => copy(text, "the command")}>copy</button>
    </div>`;
}

// WhatIf are the report's predictions.
function WhatIf({ list, over }) {
  return html`
    <h3>What would help${over ? "" : ", so far"}</h3>
    <ul class="list">${list.map((p) => html`
      <li class="find what-if" key=${p.id}>
        <p><b>${p.what}</b></p>
        <p>${duration(p.wall_ms)} instead of ${duration(p.wall_ms + p.saves_ms)}, <b>${duration(p.saves_ms)} less</b> <span class="dim">(${SURE[p.sure] ?? p.sure}: ${p.why})</span></p>
        ${(p.commands ?? []).map((c) => html`<${Command} text=${c} />`)}
      </li>`)}
    </ul>`;
}

// Rest is what a reader must know of the numbers.
function Rest({ made }) {
  const notes = made.notes ?? [];
  const blind = made.blind_spots ?? [];
  const own = made.overhead;
  const r = made.recording ?? {};
  if (notes.length + blind.length === 0 && !own?.ms && !r.lost && !r.missing) return null;
  return html`
    <h3>About these numbers</h3>
    <ul class="notes">
      ${r.lost > 0 && html`<li>${plural(r.lost, "event")} lost: modtap could not keep up, and the numbers are too low</li>`}
      ${r.missing > 0 && html`<li>${plural(r.missing, "request")} missing from the recording${r.failure ? `: ${r.failure}` : ""}</li>`}
      ${own?.ms > 0 && html`<li>modtap itself took ${duration(own.ms)} (${percent(own.share)}), on the critical path or not</li>`}
      ${blind.map((b) => html`<li>Not seen: ${b}</li>`)}
      ${notes.map((n) => html`<li>${n}</li>`)}
    </ul>`;
}
