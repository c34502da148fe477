// Requests as cells of an export: a column for everything that the page knows of them.
// Times are ms, sizes bytes; what was not measured, or does not apply, is empty.

import { kind, place } from "./format.js";
import { tellsReuse, timings } from "./marks.js";

const known = (v) => (v >= 0 ? v : undefined); // -1: it does not apply, or is not known
const exact = (ms) => (ms === undefined ? undefined : Math.round(ms * 1e6) / 1e6); // whole ns

export const HEADER = [
  "id", "status", "kind", "module", "version", "method", "url", "host", "remote", "protocol", "connection", "tunnel", "follows",
  "start", "offset (ms)", "time (ms)", "in flight", "queue (ms)", "dns (ms)", "connect (ms)", "parent proxy (ms)", "tls (ms)", "send (ms)", "wait (ms)", "receive (ms)",
  "held by client (ms)", "modtap (ms)", "injected (ms)", "reused", "request (B)", "response (B)", "type", "error", "message", "rules",
];

// cells are a row's, in the order of HEADER; origin is the session's start in ms since 1970.
export function cells(row, origin, now) {
  const { x } = row;
  const m = row.marks(now);
  const t = timings(m);
  // HAR counts tls inside connect; here each is apart.
  const tls = known(t.ssl);
  const connect = known(t.connect) === undefined || t.connect === tls ? undefined : t.connect - (tls ?? 0);
  const sent = m.wrote_headers_ms > 0;
  return [
    x.id, x.status || undefined, kind(x), x.go?.module, x.go?.version, x.method, x.url, place(x).host, x.remote, x.proto, x.conn || undefined, x.tunnel || undefined, x.parent || undefined,
    x.start, exact(row.at - origin), exact(m.end_ms), row.inFlight ? "yes" : "", exact(t.blocked - t.proxy), exact(known(t.dns)), exact(connect), m.proxy_start_ms > 0 ? exact(t.proxy) : undefined, exact(tls),
    sent ? exact(t.send) : undefined, sent ? exact(t.wait) : undefined, m.first_byte_ms > 0 ? exact(t.receive) : undefined,
    x.client_blocked_ms, x.overhead_ms, x.injected_ms, tellsReuse(x, m) ? (m.reused ? "yes" : "no") : "", known(x.request?.body_size), known(x.response?.body_size),
    x.response?.mime, x.error?.op, x.error?.msg, (x.rules ?? []).join(" "),
  ];
}

// flat are the requests of the table's lines, in their order: of a group all, whether it
// is unfolded or not, and each once.
export function flat(lines) {
  const seen = new Set();
  const out = [];
  const take = (row) => {
    if (seen.has(row.id)) return;
    seen.add(row.id);
    out.push(row);
  };
  for (const l of lines) {
    if (l.row) take(l.row);
    else for (const row of l.group?.rows ?? []) take(row);
  }
  return out;
}
