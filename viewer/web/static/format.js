// Words and numbers for people. Everything returned is a plain string; whoever shows it
// uses textContent.

// duration writes milliseconds in at most three digits that matter, as viewer/report does:
// every time on the page is written by it, the running one too.
export function duration(ms) {
  if (ms === undefined || ms === null || ms < 0 || Number.isNaN(ms)) return "–";
  if (ms === 0) return "0 ms";
  if (ms < 0.01) return "<0.01 ms";
  if (ms < 0.9995) return `${ms.toFixed(2)} ms`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 9995) return `${(ms / 1e3).toFixed(2)} s`;
  if (ms < 59950) return `${(ms / 1e3).toFixed(1)} s`;
  const s = Math.round(ms / 1e3);
  if (s < 3600) return `${Math.floor(s / 60)}m${String(s % 60).padStart(2, "0")}s`;
  return `${Math.floor(s / 3600)}h${String(Math.floor(s / 60) % 60).padStart(2, "0")}m`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

// bytes writes a size in powers of 1000, as go and the network count.
export function bytes(n) {
  if (n === undefined || n === null || n < 0) return "–";
  let i = 0;
  while (n >= 999.5 && i < UNITS.length - 1) {
    n /= 1000;
    i++;
  }
  return `${i === 0 || n >= 99.95 ? n.toFixed(0) : n.toFixed(1)} ${UNITS[i]}`;
}

// plural writes a count with its noun.
export const plural = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;

// instant reads an RFC 3339 time as milliseconds since 1970 with the fraction that
// Date.parse would cut off.
export function instant(text) {
  const m = /^(.*T\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(text ?? "");
  if (!m) return NaN;
  return Date.parse(m[1] + m[3]) + (m[2] ? Number(m[2]) * 1e3 : 0);
}

// place splits an exchange's URL without trusting it: {host, path}.
export function place(x) {
  if (x.method === "CONNECT") {
    return { host: x.url.replace(/^[a-z]+:\/\//, "").replace(/\/$/, ""), path: "" };
  }
  const m = /^[a-z]+:\/\/([^/?#]*)([^#]*)/i.exec(x.url ?? "");
  return m ? { host: m[1].replace(/^.*@/, ""), path: m[2] || "/" } : { host: "", path: x.url ?? "" };
}

// name says what an exchange is about: {head, tail, version}, of which head is the part
// that may be cut first.
export function name(x) {
  const go = x.go ?? {};
  const split = (text, version) => {
    const i = text.indexOf("/") + 1;
    return { head: text.slice(0, i), tail: text.slice(i), version };
  };
  if (go.module) return split(go.module, go.version ?? "");
  if (go.kind?.startsWith("sumdb")) return split(go.extra || place(x).path, "");
  if (go.repo) return split(go.repo, "");
  const { host, path } = place(x);
  return { head: "", tail: path || host, version: "" };
}

// shortVersion leaves the time out of a pseudo-version, which says little and is long.
export const shortVersion = (v) => v.replace(/(\d{14})-([0-9a-f]{12})(?=$|\+)/, "…$2");

const TAIL = 8; // characters that a name keeps, however long its version is

// fit cuts a name to room characters: first the head goes, then the beginning of the
// tail, and the end of the version at last; the last elements of a path say most.
export function fit(n, room) {
  let version = n.version ? `@${shortVersion(n.version)}` : "";
  let { head, tail } = n;
  if (head.length + tail.length + version.length <= room) return { head, tail, version };
  head = "…";
  const most = Math.max(room - 1 - Math.min(tail.length, TAIL), 0);
  if (version.length > most) version = `${version.slice(0, Math.max(most - 1, 0))}…`;
  const left = Math.max(room - 1 - version.length, 1);
  if (tail.length > left) tail = tail.slice(-left);
  else if (n.head && tail.length < left) head = "…/";
  return { head, tail, version };
}

// fullName is name in one string.
export function fullName(x) {
  const n = name(x);
  return n.head + n.tail + (n.version ? `@${n.version}` : "");
}

// kind names what was asked for; a request that is none of go's by its method.
export const kind = (x) => x.go?.kind || (x.method ?? "").toLowerCase();

// failed says whether something went wrong with an exchange, as is:failed does.
export const failed = (x) => Boolean(x.error) || x.status >= 400 || Boolean(x.done && !x.status);

// status is the word for how an exchange went.
export function status(x) {
  if (x.error) return x.status ? `${x.status} ${x.error.op}` : x.error.op;
  if (x.status) return String(x.status);
  return x.done ? "–" : "…";
}

// isRedacted recognises what modtap put in the place of a secret.
export const isRedacted = (value) => /redacted|\*{3}|•{3}/i.test(value);
