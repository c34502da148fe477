// What the table says when it has no line.

import { setFilter } from "./actions.js";
import { html } from "./html.js";
import { lines, shown, work } from "./lines.js";
import { connection, end, query, range, session, store, version } from "./state.js";

// Empty says why there is nothing to show.
export function Empty() {
  version.value;
  if (lines.value.length > 0 || (work.value && store.rows.length > 0)) return null;
  return html`<div id="empty" class="empty">${words()}</div>`;
}

// none says which of filter and zoom leaves nothing.
function none() {
  const zoomed = range.value && html`<p><kbd>0</kbd> shows the whole run.</p>`;
  if (query.value.empty) return html`<h2>No request in this part of the run</h2>${zoomed}`;
  return html`<h2>No request matches</h2><p><button type="button" class="chip" onclick=${() => setFilter("")}>Clear the filter</button></p>${zoomed}`;
}

function words() {
  const s = session.value;
  if (shown.value.of > 0 && store.rows.length > 0) return none();
  if (end.value) {
    return html`<h2>The command ended without a request</h2>
      <p>All it needed was in the module cache. To see a download from nothing:</p><code>modtap run --cold -- go mod download</code>`;
  }
  if (!s) return html`<h2>${connection.value === "denied" ? "No access" : "Waiting for modtap…"}</h2>`;
  if (s.mode === "serve") {
    return html`<h2>Waiting for the first request…</h2>
      <p>The proxy listens on ${s.proxy}. A shell uses it after:</p><code>eval "$(modtap env)"</code>`;
  }
  return html`<h2>Waiting for the first request…</h2><p>The command is running; nothing has gone to the network yet.</p>`;
}
