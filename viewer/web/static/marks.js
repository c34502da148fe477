// Phases from marks, exactly as recorder/marks.go derives them; testdata/timings.json,
// written by the Go code, keeps the two in step. Everything is counted in whole
// nanoseconds, as in Go, so that no rounding can tell them apart.

const ns = (ms) => Math.round((ms ?? 0) * 1e6);
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);

// The phases in the order in which they happen. HAR counts ssl inside connect; a bar
// shows them apart, so here they are connect and tls.
export const PHASES = ["blocked", "dns", "connect", "tls", "send", "wait", "receive"];

// tellsReuse reports whether it is known if an exchange went over a connection that was there
// already: a file of another program may not say.
export const tellsReuse = (x, marks) => marks.wrote_headers_ms > 0 && Boolean(x.conn || marks.reused || marks.connect_done_ms > 0 || marks.tls_done_ms > 0);

// segments returns where each phase lies: {phase, from, to} in ms since the exchange's
// start, in order, without overlap. What no segment covers before send is blocked.
export function segments(marks) {
  return walk(marks).list.map(([phase, from, to]) => ({ phase, from: from / 1e6, to: to / 1e6 }));
}

// timings returns the seven HAR phases and proxy (the part of blocked that a parent
// proxy's CONNECT took) in ms; -1 means the phase does not apply to this request.
export function timings(marks) {
  const { list, end, sent } = walk(marks);
  const sum = { blocked: 0, dns: -1, connect: -1, ssl: -1, send: 0, wait: 0, receive: 0, proxy: 0 };
  let known = 0;
  let blocked = end;
  for (const [phase, from, to] of list) {
    const d = to - from;
    switch (phase) {
      case "dns":
      case "connect":
        sum[phase] = d;
        known += d;
        break;
      case "tls":
        sum.ssl = d;
        sum.connect = Math.max(sum.connect, 0) + d;
        known += d;
        break;
      case "send":
        blocked = from;
        sum.send = d;
        break;
      default:
        sum[phase] = d;
    }
  }
  sum.blocked = (sent ? blocked : end) - known;
  for (const phase in sum) {
    if (sum[phase] !== -1) sum[phase] /= 1e6;
  }
  return sum;
}

// walk goes through the marks once; times in ns.
function walk(m) {
  const end = Math.max(ns(m.end_ms), 0);
  const list = [];
  let cursor = 0; // everything before it is already accounted for
  const take = (phase, from, to) => {
    if (from <= 0) return;
    if (to < from) to = next(m, from, end);
    from = Math.min(Math.max(from, cursor), end);
    to = Math.min(Math.max(to, cursor), end);
    cursor = to;
    list.push([phase, from, to]);
  };
  take("dns", ns(m.dns_start_ms), ns(m.dns_done_ms));
  take("connect", ns(m.connect_start_ms), ns(m.connect_done_ms));
  take("proxy", ns(m.proxy_start_ms), ns(m.proxy_done_ms));
  take("tls", ns(m.tls_start_ms), ns(m.tls_done_ms));
  const headers = ns(m.wrote_headers_ms);
  if (headers <= 0) return { list, end, sent: false };

  const start = Math.min(Math.max(headers, cursor), end);
  let first = ns(m.first_byte_ms);
  let wrote = ns(m.wrote_request_ms);
  if (wrote <= 0 || (first > 0 && wrote > first)) wrote = first; // answered before it was out: all sending until then
  if (wrote <= 0) wrote = end;
  wrote = clamp(wrote, start, end);
  if (first <= 0) first = end;
  first = clamp(first, wrote, end);
  list.push(["send", start, wrote], ["wait", wrote, first], ["receive", first, end]);
  return { list, end, sent: true };
}

// next is when a phase that began at from and never ended was over: at the next thing
// that happened if it was given up, else at the failure that ended everything.
function next(m, from, end) {
  for (const start of [m.connect_start_ms, m.proxy_start_ms, m.tls_start_ms, m.wrote_headers_ms]) {
    if (ns(start) > from) end = Math.min(end, ns(start));
  }
  return end;
}
