// Lines above the table: trouble with the connection, how the run ended, the worst that
// was found, what was done.

import { follow, toggleFindings } from "./actions.js";
import { list } from "./findings.js";
import { duration, plural } from "./format.js";
import { html } from "./html.js";
import { severityWord } from "./parts.js";
import { aside, clock, connection, end, evidence, findings, notice, over, process, report } from "./state.js";

const TROUBLE = {
  broken: "The connection to modtap is broken; trying again. What is shown may be old.",
  denied: "modtap does not know this browser. Open the address that it printed: its token belongs to one session.",
  foreign: "This page and modtap speak different versions of the protocol. Reload the page.",
};

const RANK = { bad: 0, warn: 1, info: 2 };

// worst is the finding that matters most: by severity, then by what it costs.
function worst(list) {
  const order = (f) => RANK[f.severity] ?? 3;
  return list.reduce((a, f) => (!a || order(f) < order(a) || (order(f) === order(a) && (f.cost_ms ?? 0) > (a.cost_ms ?? 0)) ? f : a), null);
}

// how is how the command ended; a serve has none.
const how = (e, p) => (p?.signal ? `, by ${p.signal}` : p || e.exit_code ? `, exit status ${e.exit_code}` : "");

export function Banner() {
  const e = end.value;
  const trouble = e ? undefined : TROUBLE[connection.value];
  const all = list(report.value, findings.value, over.value);
  const found = aside.value === "findings" ? null : worst(all); // the pane has them all
  if (!trouble && !e && !found && !notice.value) return null;
  return html`
    <div id="banner" class="banner" role="status" aria-atomic="false">
      ${trouble && html`<p class="trouble">${trouble}</p>`}
      ${e && html`<p><b>Ended after ${duration(clock.value)}</b>${how(e, process.value)}
        ${e.blind_spots?.length ? html`<span class="dim"> · not seen: ${e.blind_spots.join("; ")}</span>` : ""}</p>`}
      ${found && html`<${Worst} f=${found} others=${all.length - 1} />`}
      ${notice.value && html`<p class="notice">${notice.value}</p>`}
    </div>`;
}

function Worst({ f, others }) {
  const n = f.evidence?.length ?? 0;
  const on = evidence.value.of === f.id;
  return html`
    <p class=${`finding ${f.severity}`}>
      <b>${severityWord(f)}</b><span class="title">${f.title}</span>
      ${f.cost_ms > 0 && !` ${f.title}`.includes(` ${duration(f.cost_ms)}`) && html`<span class="cost">${duration(f.cost_ms)}</span>`}
      ${n > 0 && html`<button type="button" class="chip" aria-pressed=${on} onclick=${() => follow(f.id)}>${on ? "hide" : `show ${plural(n, "request")}`}</button>`}
      <button type="button" class="chip" title="What is wrong, and what fixes it (f)" onclick=${toggleFindings}>${others > 0 ? `and ${others} more` : "more"}</button>
    </p>`;
}
