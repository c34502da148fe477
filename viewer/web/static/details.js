// The pane with everything that is known of one request.

import { follow, select, step, tell } from "./actions.js";
import { Body } from "./body.js";
import { copy } from "./clipboard.js";
import { Connection, TCP, TLS } from "./connection.js";
import { curl } from "./curl.js";
import { duration, failed, fullName, kind, name, plural, status } from "./format.js";
import { Fragment, html, useLayoutEffect, useMemo, useRef } from "./html.js";
import { legs } from "./legs.js";
import { Section, facts, headers, severityWord } from "./parts.js";
import { clock, evidence, findings, report, selected, session, source, store, version } from "./state.js";
import { useConn, useWhole, whole } from "./whole.js";

// Details shows the request that is selected.
export function Details() {
  version.value; // rows, connections and tunnels are no signals
  const id = selected.value;
  const row = store.byID.get(id);
  const got = useWhole(id, row?.x);
  const pane = useRef(null);
  useLayoutEffect(() => { pane.current.scrollTop = 0; }, [id]);
  // Who was in the pane when it closes goes on in the table, not at the top of the page.
  useLayoutEffect(() => {
    const el = pane.current;
    return () => { if (el.contains(document.activeElement)) document.getElementById("scroll")?.focus(); };
  }, []);
  const shown = row ?? (got.x && pastRow(got.x));
  return html`
    <aside id="details" ref=${pane} aria-label="Request details" tabindex="-1">
      ${shown ? html`<${Request} row=${shown} got=${got} />` : html`<${Missing} id=${id} state=${got.state} />`}
    </aside>`;
}

// pastRow is what a row would be, of a request that the table does not have.
const pastRow = (x) => ({ id: x.id, x, inFlight: false, stale: !x.done, marks: () => x.server ?? {} });

function Missing({ id, state }) {
  const words = { loading: "Loading…", missing: "modtap does not have this request.", off: "modtap does not answer." }[state] ?? "";
  return html`
    <header><span class="dim">#${id}</span><${Close} /></header>
    <p class="dim" role="status">${words}</p>`;
}

const Close = () => html`<button type="button" class="close" title="Close (Esc)" aria-label="Close details" onclick=${() => select(0)}>×</button>`;

function Request({ row, got }) {
  if (row.inFlight) clock.value; // it goes on
  const x = row.x;
  const conn = useConn(x.conn);
  const tunnel = store.tunnels.get(x.tunnel);
  const marks = row.marks(store.now);
  return html`
    <${Title} x=${x} />
    <p class="url">${x.url}</p>
    ${x.error && html`<p class="error">${!x.error.msg.startsWith(x.error.op) && html`<b>${x.error.op} </b>`}${x.error.msg}</p>`}
    ${row.stale && html`<p class="note">The end of this request was lost: the page fell behind.</p>`}
    <${Tools} x=${x} />
    <${Links} x=${x} />
    <div class="parts">
    <${Timing} x=${x} marks=${marks} inFlight=${row.inFlight} />
    <${Bodies} x=${x} />
    <${Headers} x=${x} got=${got} />
    <${Section} title="Connection"><${Connection} x=${x} conn=${conn} tunnel=${tunnel} /><//>
    ${conn?.tls && html`<${Section} title="TLS"><${TLS} conn=${conn} /><//>`}
    ${conn && html`<${Section} title="TCP"><${TCP} x=${x} conn=${conn} /><//>`}
    <${Section} title="Go">${facts({ module: x.go?.module, version: x.go?.version, repository: x.go?.repo, detail: x.go?.extra })}<//>
    </div>`;
}

function Title({ x }) {
  const n = name(x);
  return html`
    <header>
      <span class="dim">#${x.id}</span>
      <span class=${failed(x) ? "status bad" : "status"}>${status(x)}</span>
      <span class="dim">${kind(x) === x.method?.toLowerCase() ? x.method : `${x.method} ${kind(x)}`}</span>
      <${Close} />
      <h2><span class="dim">${n.head}</span>${n.tail}${n.version && html`<span class="version">@${n.version}</span>`}</h2>
    </header>`;
}

// Tools are what can be done with the request.
function Tools({ x }) {
  const marked = evidence.value.ids.size > 1;
  return html`
    <div class="doings" role="group" aria-label="This request">
      <button type="button" class="chip" title="Copy a curl command that sends it again (c)" onclick=${() => copyCurl(x.id)}>copy as curl</button>
      <button type="button" class="chip" title="Copy the address of this request on this page (l)" onclick=${() => copyLink(x.id)}>copy link</button>
      ${marked && html`<button type="button" class="chip" title="Previous request of the evidence ([)" aria-label="Previous request of the evidence" onclick=${() => step(-1)}>‹</button>
      <button type="button" class="chip" title="Next request of the evidence (])" aria-label="Next request of the evidence" onclick=${() => step(1)}>›</button>`}
    </div>`;
}

// copyCurl copies the request with that id as a curl command.
export async function copyCurl(id) {
  let x = null;
  try {
    x = await whole(id, store.byID.get(id)?.x);
  } catch { /* said below */ }
  if (!x) {
    tell(`The headers of #${id} are not there: modtap no longer has them, or has stopped.`);
    return;
  }
  const { text, error } = curl(x);
  if (error) tell(`No curl command for #${id}: ${error}.`);
  else await copy(text, `curl command of #${id}`);
}

// copyLink copies the address of a request. It has no token in it: a browser that modtap
// knows can open it, as long as modtap runs.
export async function copyLink(id) {
  if (source.value) {
    tell("A recording that was dropped here has no address; a link would show the other one.");
    return;
  }
  await copy(`${location.origin}/#x=${id}`, `link to #${id}, for this browser while modtap runs`);
}

// Links lead to the requests before and after this one, and name what modtap did to it.
function Links({ x }) {
  const to = (id, words) => html`<a href=${`#x=${id}`} onclick=${(e) => { e.preventDefault(); select(id); }}>${words}</a>`;
  const list = [];
  if (x.parent) list.push(html`<p>follows ${to(x.parent, `#${x.parent}`)}${why(x)}</p>`);
  for (const f of store.followers(x.id)) list.push(html`<p>led to ${to(f.id, `#${f.id} ${fullName(f)}`)}</p>`);
  for (const f of found()) {
    if (f.evidence?.includes(x.id)) list.push(html`<p><b class=${f.severity}>${severityWord(f)}</b>: <button type="button" class="link" title="Mark the requests that it rests on" onclick=${() => follow(f.id)}>${f.title}</button></p>`);
  }
  if (x.rules?.length) list.push(html`<p>changed by ${x.rules.join(", ")}</p>`);
  if (x.sent_to) list.push(html`<p>sent to ${x.sent_to}</p>`);
  if (x.resent) list.push(html`<p>sent again ${plural(x.resent, "time")} on another connection</p>`);
  return list.length ? html`<div class="links">${list}</div>` : null;
}

// found are the findings of the stream, and those that only the report has.
const found = () => [...findings.value.values(), ...(report.value?.findings ?? []).filter((f) => !findings.value.has(f.id))];

function why(x) {
  const before = store.byID.get(x.parent)?.x;
  if (!before) return "";
  if (before.status >= 300 && before.status < 400) return ", which redirected here";
  return before.url === x.url ? ", the same request: go sends every 4xx twice" : "";
}

// Timing is both legs on one axis, with numbers.
function Timing({ x, marks, inFlight }) {
  const { total, server, client } = legs(x, marks, inFlight);
  const some = (ms) => (ms > 0 ? duration(ms) : null);
  const line = (l) => html`<tr>
      <th scope="row">${l.name}</th><td class="num">${instant(l.at)}</td><td class="num">${duration(l.took)}</td>
      <td class="track" aria-hidden="true">${l.bars.map((b) => html`<i class=${`seg ${b.look}`} style=${place(b, total)}></i>`)}</td>
    </tr>`;
  return html`
    <section>
      <h3>Timing</h3>
      <table class="phases">
        <thead><tr><th scope="col">server</th><th scope="col" class="num">from</th><th scope="col" class="num">took</th><td><span class="scale" aria-hidden="true"><i>0</i><i>${duration(total)}</i></span></td></tr></thead>
        <tbody>${server.map(line)}
          <tr class="total"><th scope="row">${inFlight ? "so far" : "total"}</th><td></td><td class="num">${duration(marks.end_ms)}</td><td></td></tr>
        </tbody>
        <thead><tr><th scope="col">client</th><th scope="col" class="num">at</th><th scope="col" class="num">since</th><td></td></tr></thead>
        <tbody>${client.length ? client.map(line) : html`<tr><td class="dim" colspan="4">${session.value?.mode === "har" ? "not recorded: another program's recording has only the server's side" : "nothing has been given to the client"}</td></tr>`}</tbody>
      </table>
      ${facts({
        "waited for the body": some(x.server_blocked_ms),
        "held by the client": some(x.client_blocked_ms),
        "modtap's own time": some(x.overhead_ms),
        "delay added by rules": some(x.injected_ms),
      })}
    </section>`;
}

// place is where a bar lies, in parts of the axis.
const place = ({ from, to }, total) => ({ left: `${(from / total * 100).toFixed(3)}%`, width: `${((to - from) / total * 100).toFixed(3)}%` });

// instant writes when something was; a mark of some nanoseconds is the start itself.
const instant = (ms) => (ms < 0.01 ? "0 ms" : duration(ms));

// Bodies draws what does not change any more only once: a body may be some thousand
// elements, and the page is drawn anew ten times a second while others are in flight.
function Bodies({ x }) {
  return useMemo(() => html`<${Fragment}>
      <${Section} title="Body">${Body({ x, of: "response" })}<//>
      <${Section} title="Request body">${x.request?.body_size > 0 || x.request?.kept ? Body({ x, of: "request" }) : null}<//>
    <//>`, [x]);
}

// Headers are those of both directions; the stream leaves them out, so they are asked for.
function Headers({ x, got }) {
  const { request, response } = got.x ?? x;
  const none = !got.x && { loading: "…", missing: "modtap no longer has the headers.", off: "modtap does not answer." }[got.state];
  if (none) return html`<${Section} title="Headers"><p class="dim" role="status">${none}</p><//>`;
  return html`
    <${Section} title="Response headers">${headers(response?.header, "Response headers")}<//>
    <${Section} title="Response trailers">${headers(response?.trailer, "Response trailers")}<//>
    <${Section} title="Request headers">${headers(request?.header, "Request headers")}<//>
    <${Section} title="Request trailers">${headers(request?.trailer, "Request trailers")}<//>`;
}
