// The length of one phase of a row, as a filter asks for it of a hundred thousand rows:
// what timings of marks.js gives, without an object for each. Their test holds them together.

const ns = (ms) => (ms > 0 ? Math.round(ms * 1e6) : 0);

// What take has gone through of the marks that are looked at.
let end = 0;
let cursor = 0; // everything before it is accounted for

// take is the length of a phase in ns, -1 when it did not begin.
function take(m, start, done) {
  let from = ns(start);
  if (from <= 0) return -1;
  let to = ns(done);
  if (to < from) to = given(m, from);
  from = Math.min(Math.max(from, cursor), end);
  cursor = Math.min(Math.max(to, cursor), end);
  return cursor - from;
}

// given is when a phase that began at from and never ended was given up.
function given(m, from) {
  let to = end;
  for (const mark of [m.connect_start_ms, m.proxy_start_ms, m.tls_start_ms, m.wrote_headers_ms]) {
    if (ns(mark) > from) to = Math.min(to, ns(mark));
  }
  return to;
}

// phase is how long a phase of a row took, in ns: blocked, dns, connect (without tls), tls,
// send, wait or receive. -1: it did not happen, or of a request in flight it is not known yet.
export function phase(name, row, now) {
  const s = row.x.server;
  const headers = s === undefined ? 0 : ns(s.wrote_headers_ms);
  switch (name) { // what most rows do not have is told by one look
    case "dns": if (!(s?.dns_start_ms > 0)) return -1; break;
    case "connect": if (!(s?.connect_start_ms > 0)) return -1; break;
    case "tls": if (!(s?.tls_start_ms > 0)) return -1; break;
    case "blocked": if (headers <= 0 && row.inFlight) return -1; break;
    case "receive": if (headers <= 0 || !(s.first_byte_ms > 0)) return -1; break;
    case "wait": if (headers <= 0 || !(s.wrote_request_ms > 0 || s.first_byte_ms > 0)) return -1; break;
    default: if (headers <= 0) return -1;
  }
  return length(name, row.marks(now), headers);
}

function length(name, m, headers) {
  end = ns(m.end_ms);
  cursor = 0;
  const dns = take(m, m.dns_start_ms, m.dns_done_ms);
  if (name === "dns") return dns;
  const connect = take(m, m.connect_start_ms, m.connect_done_ms);
  if (name === "connect") return connect;
  take(m, m.proxy_start_ms, m.proxy_done_ms);
  const tls = take(m, m.tls_start_ms, m.tls_done_ms);
  if (name === "tls") return tls;
  const start = Math.min(Math.max(headers, cursor), end);
  if (name === "blocked") return (headers > 0 ? start : end) - Math.max(dns, 0) - Math.max(connect, 0) - Math.max(tls, 0);
  let first = ns(m.first_byte_ms);
  let wrote = ns(m.wrote_request_ms);
  if (wrote <= 0 || (first > 0 && wrote > first)) wrote = first; // answered before it was out: all sending until then
  if (wrote <= 0) wrote = end;
  wrote = Math.min(Math.max(wrote, start), end);
  if (name === "send") return wrote - start;
  if (first <= 0) first = end;
  first = Math.min(Math.max(first, wrote), end);
  return name === "wait" ? first - wrote : end - first;
}
