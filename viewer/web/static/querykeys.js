// The keys of the filter language, each with what it means and the function that makes the
// test of one of its values. A test takes a row, the instant now and the rows by id.

import { phase } from "./queryphases.js";
import { COUNT, DURATION, Oops, SIZE, STATUS, bounds, glob, misread, nearest, pattern, within } from "./querytext.js";
import { FAMILIES, KINDS, OPERATIONS, SIZES, SPANS, STATUSES, STEPS, TRAITS, familyOf, kindOf, stepOf, values } from "./querywords.js";

const texts = (list) => list.map((v) => v.text);

// unknown is about a word that is none of a key's: it names the one that was meant, here
// or behind another key.
function unknown(it, list) {
  const most = 12; // a hint is one line
  const all = texts(list);
  let hint = `it is one of ${all.slice(0, most).join(" ")}${all.length > most ? " …" : ""}`;
  const near = nearest(it.text, all);
  if (near) hint = `did you mean ${near}?`;
  const other = elsewhere(it.text);
  if (other) hint = `did you mean ${other}?`;
  return new Oops(it, `${it.key}:${it.raw} is not known`, hint);
}

const METHODS = ["get", "head", "post", "put", "delete", "options", "patch"];

// elsewhere is the term that a word is a value of.
function elsewhere(word) {
  if (statusClass(word) || word === "error") return `status:${word}`;
  if (texts(TRAITS).includes(word)) return `is:${word}`;
  if (texts(KINDS).includes(word) || texts(FAMILIES).includes(word)) return `kind:${word}`;
  if (texts(STEPS).includes(word)) return `step:${word}`;
  return METHODS.includes(word) ? `method:${word}` : "";
}

// hostOf is the host of an exchange's URL, with its port where it has one.
export function hostOf(x) {
  const url = x.url ?? "";
  let at = url.indexOf("://");
  if (at < 0 && x.method !== "CONNECT") return "";
  at = at < 0 ? 0 : at + 3;
  const slash = url.indexOf("/", at);
  let host = url.slice(at, slash < 0 ? url.length : slash);
  for (const c of "?#") {
    const end = host.indexOf(c);
    if (end >= 0) host = host.slice(0, end);
  }
  return host.slice(host.lastIndexOf("@") + 1);
}

// moduleOf is the module of an exchange, and where that is asked for, its version.
const moduleOf = (x, version) => (version && x.go?.module && x.go.version ? `${x.go.module}@${x.go.version}` : (x.go?.module ?? ""));
const errorOf = (x) => (x.error ? `${x.error.op}: ${x.error.msg ?? ""}` : "");

// hasText makes the test of a bare word: whether it is in what is said of a row. Nothing is
// put together or kept for that: most text is in lower case already, so that looking at it
// in place is as quick, and a hundred thousand rows need no second copy of it.
export function hasText(needle) {
  const has = (s) => s !== undefined && s !== "" && s.toLowerCase().includes(needle);
  const kinds = new Map();
  const statuses = new Map();
  const known = (map, k) => {
    let is = map.get(k);
    if (is === undefined) map.set(k, is = has(String(k)));
    return is;
  };
  const at = needle.includes("@");
  return ({ x }) => {
    if (has(x.url) || known(kinds, kindOf(x)) || (x.status > 0 && known(statuses, x.status))) return true;
    const g = x.go;
    if (g && (has(g.module) || has(g.version) || has(g.repo) || has(g.extra) || (at && has(moduleOf(x, true))))) return true;
    return Boolean(x.error) && has(errorOf(x));
  };
}

// textOf makes the parser of a key for text.
const textOf = (of) => (it) => {
  const match = pattern(it);
  const at = it.text.includes("@");
  return ({ x }) => {
    const s = of(x, at);
    return s !== "" && match(s.toLowerCase());
  };
};

// numberOf makes the parser of a key for numbers without a unit.
const numberOf = (of) => (it) => {
  const { has } = bounds(COUNT, it);
  return ({ x }) => has(of(x) ?? 0);
};

// ns is a time in whole nanoseconds, as Go counts.
const ns = (ms) => Math.round(ms * 1e6);

// phaseOf makes the parser of a key for the length of a phase.
const phaseOf = (name) => (it) => {
  const { has } = bounds(DURATION, it);
  return (row, now) => {
    const length = phase(name, row, now);
    return length >= 0 && has(length);
  };
};

function parseTime(it) {
  const { has } = bounds(DURATION, it);
  return (row, now) => has(ns(row.took(now)));
}

function parseSize(it) {
  const exact = /^\d*$/.test(it.text); // so many bytes may be meant; 1.2MB is never met
  const { has } = bounds({ ...SIZE, exact }, it);
  return ({ x }) => {
    const n = x.response?.body_size ?? 0;
    return n >= 0 && has(n);
  };
}

// parseKind takes a kind, a family of them, or a pattern with *.
function parseKind(it) {
  const word = it.text;
  const match = word.includes("*") ? glob(word) : (k) => k === word || familyOf(k) === word;
  const set = new Set(texts(KINDS).filter(match));
  if (set.size === 0) throw unknown(it, [...FAMILIES, ...KINDS]);
  return ({ x }) => set.has(kindOf(x));
}

function parseStep(it) {
  if (!texts(STEPS).includes(it.text)) throw unknown(it, STEPS);
  return ({ x }) => stepOf(x) === it.text;
}

// statusClass reads 404, 40x and 4xx as bounds.
function statusClass(text) {
  if (!/^[1-9](\d\d|\dx|xx)$/.test(text)) return null;
  return within(Number(text.replaceAll("x", "0")), Number(text.replaceAll("x", "9")));
}

function parseStatus(it) {
  if (it.text === "error") return ({ x }) => Boolean(x.error) || Boolean(x.done && !x.status);
  if (it.text === "pending") return (row) => row.inFlight;
  let b = statusClass(it.text);
  if (!b) {
    if (nearest(it.text, ["error", "pending"]) || elsewhere(it.text)) throw unknown(it, STATUSES);
    b = bounds(STATUS, it);
    const fits = (n) => n >= 100 && n < 1000;
    if ((!fits(b.low) && !fits(b.high)) || (b.low < 100 && b.low >= 0)) throw misread(STATUS, it);
  }
  return ({ x }) => x.status > 0 && b.has(x.status);
}

const PROTOCOLS = { h1: "http/1.", h2: "http/2", h3: "http/3" };

function parseProto(it) {
  const part = Object.hasOwn(PROTOCOLS, it.text) ? PROTOCOLS[it.text] : it.text;
  return ({ x }) => (x.proto ?? "").toLowerCase().includes(part);
}

function parseRule(it) {
  const match = pattern(it);
  return ({ x }) => Boolean(x.rules?.some((r) => match(r.toLowerCase())));
}

const refused = (status) => status >= 400 && status < 500;

// doubled says whether a row asks again for what was just refused with a 4xx.
function doubled({ x }, now, byID) {
  if (!x.parent) return false;
  const p = byID?.get(x.parent)?.x;
  if (p) return refused(p.status) && p.method === x.method && p.url === x.url;
  return refused(x.status) && kindOf(x) !== "storage-zip";
}

// When the command counts as slow to take an answer; as in recorder/query.
const SLOW_CLIENT = 10; // ms
const SLOW_CLIENT_SHARE = 0.2; // of the time in which the answer came

function slowClient(row, now) {
  const held = row.x.client_blocked_ms ?? 0;
  if (held <= SLOW_CLIENT) return false;
  const receive = phase("receive", row, now);
  return receive >= 0 && ns(held) > SLOW_CLIENT_SHARE * receive;
}

const REDIRECTS = [301, 302, 303, 307, 308];
const IS = {
  failed: ({ x }) => Boolean(x.error) || x.status >= 400 || Boolean(x.done && !x.status),
  pending: (row) => row.inFlight,
  reused: ({ x }) => Boolean(x.server?.reused),
  first: ({ x }) => !x.server?.reused && (x.server?.connect_done_ms > 0 || x.server?.tls_done_ms > 0),
  doubled,
  redirected: ({ x }) => REDIRECTS.includes(x.status),
  redacted: ({ x }) => Boolean(x.request?.redacted || x.response?.redacted || x.url?.includes("REDACTED")),
  kept: ({ x }) => Boolean(x.response?.kept || x.response?.body_file),
  "slow-client": slowClient,
};

function parseTrait(it) {
  if (!Object.hasOwn(IS, it.text)) throw unknown(it, TRAITS);
  return IS[it.text];
}

const key = (name, about, example, list, parse) => [name, { name, about, example, values: list, parse }];
const phaseKey = (name, about) => key(name, about, `${name}:>100ms`, SPANS, phaseOf(name));

// KEYS is the whole language but for bare words, the most used first.
export const KEYS = new Map([
  key("kind", "what was asked for", "kind:zip", [...FAMILIES, ...KINDS], parseKind),
  key("module", "module path: part of it, path/... or *", "module:k8s.io/...", [], textOf(moduleOf)),
  key("status", "status code, error or pending", "status:4xx", STATUSES, parseStatus),
  key("host", "host that was asked", "host:proxy.golang.org", [], textOf(hostOf)),
  key("time", "how long it took, or takes already", "time:>1s", SPANS, parseTime),
  key("size", "bytes of the answer's body, as on the wire", "size:>1MB", SIZES, parseSize),
  key("is", "what is true of it", "is:failed", TRAITS, parseTrait),
  key("step", "step of the go command", "step:sumdb", STEPS, parseStep),
  key("version", "version of the module", "version:v1.2", [], textOf((x) => x.go?.version ?? "")),
  phaseKey("wait", "time from the request's end to the answer's first byte"),
  phaseKey("receive", "time from the answer's first byte to its last"),
  phaseKey("blocked", "time before the request was sent, but for dns, connect and tls"),
  phaseKey("dns", "time to look up the host"),
  phaseKey("connect", "time to open the TCP connection"),
  phaseKey("tls", "time of the TLS handshake"),
  phaseKey("send", "time to send the request"),
  key("error", "text of the error", "error:timeout", OPERATIONS, textOf(errorOf)),
  key("text", "text anywhere, as a bare word", "text:quote", [], (it) => hasText(it.text)),
  key("method", "HTTP method", "method:POST", values("GET", "HEAD", "POST", "CONNECT"), (it) => ({ x }) => (x.method ?? "").toLowerCase() === it.text),
  key("proto", "HTTP version", "proto:h2", values("h1", "h2"), parseProto),
  key("conn", "number of the connection to the server, 0: none", "conn:3", [], numberOf((x) => x.conn)),
  key("tunnel", "number of the client's tunnel, 0: none", "tunnel:3..9", [], numberOf((x) => x.tunnel)),
  key("id", "number of the request", "id:3..9", [], numberOf((x) => x.id)),
  key("rule", "name of a rule that changed it", "rule:slow", [], parseRule),
]);
