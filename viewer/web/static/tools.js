// The line with the filter, the grouping and the legend.

import { GROUPS, setGroup, show, zoom } from "./actions.js";
import { Filter } from "./filter.js";
import { duration } from "./format.js";
import { html } from "./html.js";
import { shown } from "./lines.js";
import { group, live, range, view } from "./state.js";

// LEGEND has last what one can best do without: of a narrow window only the beginning is seen.
const LEGEND = ["dns", "connect", "tls", "wait", "receive", "failed", "held", "send", "queue"];
const LOOK = { failed: ["fail"], held: ["receive", "held"] };
const ABOUT = { failed: "Where it failed", held: "The server's bytes were there, the command did not take them" };

export function Tools() {
  return html`
    <div class="tools">
      <${Filter} />
      <${Shown} />
      <label class="by">by <select id="group" value=${group.value} onchange=${(e) => setGroup(e.target.value)}>${GROUPS.map((g) => html`<option>${g}</option>`)}</select></label>
      <div class="views" role="group" aria-label="Table">
        ${["requests", "modules", "hosts"].map((v) => html`<button type="button" class="chip" aria-pressed=${view.value === v} title=${`Show ${v} (${v[0]})`} onclick=${() => show(v)}>${v}</button>`)}
      </div>
      ${range.value && html`<button id="unzoom" class="chip" type="button" title="Look at the whole run (0)" onclick=${() => zoom(null)}>${duration(range.value[0])} – ${duration(range.value[1])} ×</button>`}
      ${view.value === "requests" && html`<ul class="legend" aria-label="Phases" title="A request's phases: queue, dns, connect, tls, send, wait, receive">
        ${LEGEND.map((name) => html`<li title=${ABOUT[name]}>${(LOOK[name] ?? [name]).map((look) => html`<i class=${`seg ${look}`}></i>`)}${name}</li>`)}
      </ul>`}
    </div>`;
}

// Shown says how many requests pass the filter, when not all do.
function Shown() {
  const { n, of } = shown.value;
  // While it goes on the count changes all the time; nobody wants that read out.
  return html`<span id="shown" class="shown" role=${live.value ? undefined : "status"}>${n === of ? "" : `${n.toLocaleString("en")} of ${of.toLocaleString("en")}`}</span>`;
}
