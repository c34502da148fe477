// The line on top: what is run, how it goes, and the totals.

import { open, toggleFindings } from "./actions.js";
import { pickFile } from "./drop.js";
import { Export } from "./export.js";
import { bytes, duration, plural } from "./format.js";
import { list } from "./findings.js";
import { Loading } from "./history.js";
import { html } from "./html.js";
import { aside, clock, connection, end, findings, help, over, process, report, session, source, store, version } from "./state.js";

export function Top() {
  const s = session.value;
  const command = s?.argv?.length ? s.argv.join(" ") : s?.mode === "har" ? `recording of ${s.tool || "another program"}` : s ? `modtap ${s.mode}` : "modtap";
  const n = list(report.value, findings.value, over.value).length;
  // Before there is a report nobody has looked.
  const none = over.value && report.value ? "no findings" : "findings";
  return html`
    <header class="top">
      <img class="logo" src="icon.svg" alt="" width="22" height="22" />
      <h1 id="command" title=${command}>${command}</h1>
      <${State} />
      <${Loading} />
      ${source.value && html`<button id="back" type="button" class="chip" title="Back to what modtap was started with" onclick=${() => open("")}>‹ Back to the session</button>`}
      <div class="doings">
        <button id="findings-button" type="button" class=${`chip${n ? " some" : ""}`} aria-pressed=${aside.value === "findings"} title="What is wrong, and what fixes it (f)" onclick=${toggleFindings}>${n ? plural(n, "finding") : none}</button>
        <${Export} />
        <button id="open" type="button" class="chip" title="Open a recording, a HAR file (O)" onclick=${pickFile}>Open…</button>
        <button type="button" class="chip" title="Keys (?)" aria-label="Keys" onclick=${() => { help.value = true; }}>?</button>
      </div>
      <${Totals} />
    </header>`;
}

function State() {
  const p = process.value;
  const code = end.value?.exit_code ?? 0;
  const [word, look] = end.value && p?.signal ? [p.signal, "bad"]
    : end.value && (p || code) ? [`exit ${code}`, code ? "bad" : "good"] // a serve has no exit status
    : end.value ? ["ended", "off"]
    : connection.value === "open" ? ["live", "live"]
      : [{ connecting: "connecting", complete: "complete" }[connection.value] ?? "not connected", "off"];
  return html`<span id="state" class=${`state ${look}`} role="status">${word}</span>`;
}

function Totals() {
  version.value; // they are not signals
  const { totals, conns } = store;
  const fact = (name, id, value, look = "") => html`<div class=${look}><dt>${name}</dt><dd id=${id}>${value}</dd></div>`;
  return html`
    <dl id="totals" class="totals" aria-label="Totals">
      ${fact("elapsed", "t-elapsed", session.value ? duration(clock.value) : "–")}
      ${fact("requests", "t-requests", totals.requests.toLocaleString("en"))}
      ${fact("in flight", "t-inflight", over.value ? 0 : totals.inFlight, "spare")}
      ${fact("received", "t-bytes", bytes(totals.bytes))}
      ${fact("failed", "t-failed", totals.failed.toLocaleString("en"), totals.failed ? "bad" : "")}
      ${fact("connections", "t-conns", conns.size || session.value?.mode !== "har" ? conns.size.toLocaleString("en") : "–", "spare")}
    </dl>`;
}
