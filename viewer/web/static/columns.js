// The columns of the tables of modules and of hosts. title says what a number is, value is
// what it is sorted by and exported as, show what is written in the cell.

import { bytes, duration, shortVersion } from "./format.js";
import { percent } from "./findings.js";

const ms = (v) => (v === undefined ? "–" : duration(v));
const count = (v) => v.toLocaleString("en");

// rank is a column with a percentile; of is the field with how many it is of.
const rank = (id, head, title, of) => ({
  id, head, title, num: true, value: (s) => s[id], show: (s) => ms(s[id]),
  about: (s) => (s[of] === 0 ? "none was measured" : `of ${count(s[of])}`), unit: "ms",
});

const NAME = (head) => ({ id: "name", head, title: "Enter or a click shows its requests", value: (s) => s.name, show: (s) => s.name });
const REQUESTS = { id: "requests", head: "requests", title: "Requests that are shown", num: true, value: (s) => s.requests, show: (s) => count(s.requests) };
const FAILED = { id: "failed", head: "failed", title: "Without an answer, cut short, or answered with 4xx or 5xx", num: true, value: (s) => s.failed, show: (s) => (s.failed ? count(s.failed) : ""), bad: (s) => s.failed > 0 };
const BYTES = { id: "bytes", head: "bytes", title: "Response bodies, as they came over the wire", num: true, value: (s) => s.bytes, show: (s) => bytes(s.bytes), unit: "B" };
const SPARK = { id: "spark", head: "requests over time", title: "Requests that began in each part of the run, or of the part that is shown; the highest bar is the line's own maximum", spark: true };

export const MODULES = [
  NAME("module"), REQUESTS, FAILED,
  {
    id: "versions", head: "versions", title: "Versions that were asked for", value: (s) => s.versions.length,
    show: (s) => (s.versions.length > 1 ? `${shortVersion(s.versions.at(-1))} +${s.versions.length - 1}` : s.versions.map(shortVersion).join("")),
    about: (s) => s.versions.slice(0, 20).join(" "), text: (s) => s.versions.join(" "),
  },
  BYTES,
  { id: "busy", head: "busy", title: "Time with at least one of these requests in flight", num: true, value: (s) => s.busy, show: (s) => ms(s.busy), unit: "ms" },
  { id: "first", head: "first → last", title: "From the start of the first to the end of the last, since the session began", value: (s) => s.first, show: (s) => `${ms(Math.max(s.first, 0))} → ${ms(Math.max(s.last, 0))}`, unit: "ms" },
  rank("took50", "P50", "Time of a request, median of those that ended", "tookN"),
  rank("took95", "P95", "Time of a request, 95th percentile of those that ended", "tookN"),
  SPARK,
];

export const HOSTS = [
  NAME("host"), REQUESTS,
  { id: "conns", head: "conns", title: "Connections that these requests used", num: true, value: (s) => s.conns, show: (s) => (s.conns ? count(s.conns) : "–") },
  { id: "reused", head: "reused", title: "Share of the requests that went over a connection that was open already", num: true, value: (s) => s.reused, show: (s) => (s.reused === undefined ? "–" : percent(s.reused)), about: (s) => `of ${count(s.sent)} sent` },
  FAILED, BYTES,
  rank("connect50", "connect", "TCP connect, median of the connections that these requests used or opened", "connectN"),
  rank("tls50", "TLS", "TLS handshake, median of the connections that these requests used or opened", "tlsN"),
  rank("wait50", "TTFB P50", "From the request's last byte to the answer's first, median", "waitN"),
  rank("wait95", "TTFB P95", "From the request's last byte to the answer's first, 95th percentile", "waitN"),
  { id: "rate", head: "rate", title: "Bytes per second while at least one answer was arriving", num: true, value: (s) => s.rate, show: (s) => (s.rate === undefined ? "–" : `${bytes(s.rate)}/s`), unit: "B/s" },
  SPARK,
];

// header and line are the cells of an export; a number is exported in full, in its unit.
export const header = (columns) => columns.filter((c) => !c.spark).flatMap((c) => {
  const name = c.unit ? `${c.head} (${c.unit})` : c.head;
  return c.id === "first" ? ["first (ms)", "last (ms)"] : c.id === "took50" ? ["ended", name] : c.id === "wait50" ? ["answered", name] : [name];
});
export const line = (columns, s) => columns.filter((c) => !c.spark).flatMap((c) => {
  const value = c.text ? c.text(s) : c.value(s);
  return c.id === "first" ? [s.first, s.last] : c.id === "took50" ? [s.tookN, value] : c.id === "wait50" ? [s.waitN, value] : [value];
});
