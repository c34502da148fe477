// What is known of the connection of a request: TCP, TLS, and how it came about.

import { only } from "./actions.js";
import { bytes, duration, plural } from "./format.js";
import { html } from "./html.js";
import { facts } from "./parts.js";
import { session } from "./state.js";

// Connection tells of the connection that a request used.
export function Connection({ x, conn, tunnel }) {
  if (!conn) {
    return facts({ remote: x.remote, protocol: x.proto, tunnel: tunnel && `${tunnel.target} (${tunnel.kind})`, client: tunnel?.agent })
      ?? html`<p class="dim">no connection to a server was used</p>`;
  }
  const failures = (conn.dials ?? []).filter((d) => d.error).map((d) => `${d.addr}: ${d.error}`);
  return facts({
    connection: html`#${conn.id}, <button type="button" class="link" title="Show the requests of this connection" onclick=${() => only(`conn:${conn.id}`)}>${plural(conn.exchanges, "request")}</button>`,
    reused: x.server?.reused ? "yes" : "no, opened for this request",
    remote: conn.remote || x.remote,
    "parent proxy": conn.via,
    protocol: x.proto,
    addresses: conn.addrs?.length > 1 && conn.addrs.join(", "),
    "failed attempts": failures.join("\n"),
    error: conn.error && `${conn.error.op}: ${conn.error.msg}`,
    "closed by": conn.closed,
    client: tunnel?.agent,
  });
}

// TLS tells what the handshake with the server agreed on; null of a connection without.
export function TLS({ conn }) {
  const tls = conn?.tls;
  if (!tls) return null;
  return facts({
    version: tls.version,
    suite: tls.suite,
    "key exchange": tls.curve,
    ALPN: tls.alpn || "none agreed",
    resumed: tls.resumed ? "yes" : "no, a full handshake",
    certificate: tls.subject,
    issuer: tls.issuer,
    expires: tls.expires && tls.expires.slice(0, 10),
    // Of a resumed session there is no new certificate, so nothing was verified.
    verified: tls.verdict ? html`<b class="bad">no</b>: ${tls.verdict}` : tls.subject || tls.issuer ? "yes" : "",
  });
}

const count = (n, noun) => (n === undefined || n < 0 ? null : plural(n, noun));
const span = (ms) => (ms === undefined || ms < 0 ? null : duration(ms));

// tcpRows are what the kernel told, as [name, title, value of one TCP record]. A negative
// number is one that this system does not tell.
function tcpRows(os) {
  const linux = os.startsWith("linux");
  return [
    ["RTT", "Smoothed round-trip time at the last sample, with the server's delay of its acknowledgements", (t) => span(t.rtt_ms)],
    ["RTT variation", "Mean deviation of the round-trip time; it begins as half of the first", (t) => span(t.rttvar_ms)],
    ["min RTT", "The least since the connection was opened", (t) => span(t.min_rtt_ms)],
    ["max RTT", "The largest of the samples that modtap took", (t) => span(t.max_rtt_ms)],
    ["sent again", `What modtap's side sent again; what the server did cannot be seen from here${linux ? ". With the SYNs" : ""}`, (t) => count(t.retrans, "segment")],
    ["SYNs sent again", "Each one has cost a second or more", (t) => count(t.syn_retrans, "SYN")],
    ["out of order", "What arrived behind a hole: something was lost, or packets overtook others", (t) => (t.reordered < 0 || t.reordered === undefined ? null : linux ? plural(t.reordered, "segment") : bytes(t.reordered))],
    ["wait for window", "Our sending waited for room at the server", (t) => span(t.rwnd_limited_ms)],
    ["wait for buffer", "Our sending waited for room in the kernel's own buffer", (t) => span(t.sndbuf_limited_ms)],
  ];
}

// TCP is a table: during the request, and since the connection was opened. What was not
// measured is said to be so, never shown as 0.
export function TCP({ x, conn }) {
  if (!conn) return null;
  const columns = [["this request", x.tcp], ["connection", conn.tcp]].filter(([, t]) => t?.samples > 0);
  const notes = [...new Set([x.tcp?.note, conn.tcp?.note].filter(Boolean))];
  if (columns.length === 0) return html`<p class="dim">not measured${notes.length ? `: ${notes.join("; ")}` : ""}</p>`;
  const rows = tcpRows(session.value?.os ?? "");
  return html`
    <table class="tcp">
      <tr><td></td>${columns.map(([name]) => html`<th scope="col">${name}</th>`)}</tr>
      ${rows.map(([name, title, value]) => html`<tr>
        <th scope="row" title=${title}>${name}</th>
        ${columns.map(([, t]) => html`<td>${value(t) ?? html`<span class="dim">not measured</span>`}</td>`)}
      </tr>`)}
    </table>
    ${notes.map((n) => html`<p class="dim">${n}</p>`)}`;
}
