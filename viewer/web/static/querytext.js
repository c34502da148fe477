// The words of a filter, and what stands behind its keys as it is written: numbers and
// patterns. The twin of words.go, bounds.go, pattern.go and nearest.go of recorder/query.

// An Oops points at the part of the filter that was not understood, in UTF-16 units.
export class Oops extends Error {
  constructor({ at, end }, msg, hint) {
    super(msg);
    Object.assign(this, { at, len: end - at, hint });
  }
}

// isSpace are the characters between words.
export const isSpace = (c) => c === " " || (c >= "\t" && c <= "\r");

// split finds the words: [{at, end}]. Quotes keep spaces together; one that is not closed
// goes to the end.
export function split(text) {
  const words = [];
  let at = -1;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (isSpace(c) && !quoted) {
      if (at >= 0) words.push({ at, end: i });
      at = -1;
      continue;
    }
    if (at < 0) at = i;
    if (c === '"') quoted = !quoted;
  }
  if (at >= 0) words.push({ at, end: text.length });
  return words;
}

export const unquote = (word) => word.replaceAll('"', "");

// items splits the values of text[at:end] at the commas outside of quotes; empty ones are
// left out. raw is without quotes, text is raw in lower case, quoted: it is meant as it is
// written.
export function items(text, at, end, key) {
  const out = [];
  let quoted = false;
  const add = (to) => {
    const word = text.slice(at, to);
    const raw = unquote(word);
    if (raw) out.push({ at, end: to, key, raw, text: raw.toLowerCase(), quoted: word[0] === '"' });
  };
  for (let i = at; i < end; i++) {
    if (text[i] === '"') quoted = !quoted;
    else if (text[i] === "," && !quoted) {
      add(i);
      at = i + 1;
    }
  }
  add(end);
  return out;
}

// isName says whether a key can be called that: letters and hyphens.
export const isName = (text) => /^[a-z][a-z-]*$/i.test(text);

// nearest is the one of names that word was most likely meant as, the first of equals; ""
// when none is near: one that begins so, or that a few changed letters make of it.
export function nearest(word, names) {
  const { length } = [...word];
  let best = "";
  let least = Infinity;
  for (const n of names) {
    let d = far(word, n);
    if (length > 1 && n.startsWith(word)) d = Math.min(d, 1);
    if (length > 1 && d <= Math.max(1, Math.floor(length / 3)) && d < least) [best, least] = [n, d];
  }
  return best;
}

// far is how many letters must be put in, left out, changed or swapped with their neighbour
// to make b of a.
export function far(a, b) {
  const x = [...a];
  const y = [...b];
  if (x.length > 64 || y.length > 64 || y.length === 0) return 1024; // that is no slip
  let before = [];
  let last = y.map((_, j) => j).concat(y.length);
  for (let i = 1; i <= x.length; i++) {
    const now = [i];
    for (let j = 1; j <= y.length; j++) {
      const cost = x[i - 1] === y[j - 1] ? 0 : 1;
      now[j] = Math.min(last[j] + 1, now[j - 1] + 1, last[j - 1] + cost);
      if (i > 1 && j > 1 && x[i - 1] === y[j - 2] && x[i - 2] === y[j - 1]) now[j] = Math.min(now[j], before[j - 2] + 1);
    }
    [before, last] = [last, now];
  }
  return last[y.length];
}

// A number is how a key's numbers are written: units, what one without a unit counts in,
// whether one may stand alone, and whether it has no fraction.
export const DURATION = { what: "duration", none: 1e6, sample: "KEY:>1s, KEY:<200ms or KEY:1s..2s; units are ns us ms s m h",
  units: { ns: 1, us: 1e3, "\u00b5s": 1e3, "\u03bcs": 1e3, ms: 1e6, s: 1e9, m: 60e9, min: 60e9, h: 3600e9 } };
export const SIZE = { what: "size", none: 1, sample: "KEY:>1MB, KEY:<10k or KEY:1kB..2MB; units are B kB MB GB KiB MiB GiB",
  units: { b: 1, k: 1e3, kb: 1e3, m: 1e6, mb: 1e6, g: 1e9, gb: 1e9, ki: 2 ** 10, kib: 2 ** 10, mi: 2 ** 20, mib: 2 ** 20, gi: 2 ** 30, gib: 2 ** 30 } };
export const COUNT = { what: "number", none: 1, exact: true, whole: true, units: {}, sample: "KEY:3, KEY:3..9 or KEY:>5" };
export const STATUS = { what: "status", none: 1, exact: true, whole: true, units: {}, sample: "KEY:404, KEY:4xx, KEY:>=400, KEY:error or KEY:pending" };

// read takes a number and its unit apart; null when it is none.
function read(number, text) {
  const m = /^(\d[\d.]*)([^]*)$/.exec(text);
  if (!m || m[1].length > 15 || m[1].endsWith(".") || (m[2] && !Object.hasOwn(number.units, m[2]))) return null;
  const points = m[1].split(".").length - 1;
  return points === 0 || (points === 1 && !number.whole) ? { value: m[1], unit: m[2] } : null;
}

// count is a number in the smallest unit, to the nearest whole one.
const count = (number, m) => Math.floor(Number(m.value) * (m.unit ? number.units[m.unit] : number.none) + 0.5);

// misread is about what is no number.
export const misread = (number, it) => new Oops(it, `${it.raw} is no ${number.what}`, `as in ${number.sample.replaceAll("KEY", it.key)}`);

// bounds reads >1s, >=1s, <1s, <=1s, =1s, 1s..2s, 1s.., ..2s, and 1s where it may stand
// alone: {low, high, has(v)}.
export function bounds(number, it) {
  const text = it.text;
  const dots = text.indexOf("..");
  if (dots >= 0) return between(number, it, text.slice(0, dots), text.slice(dots + 2));
  const [op] = /^[<>=]*/.exec(text);
  const m = read(number, text.slice(op.length));
  if (!m) throw misread(number, it);
  const v = count(number, m);
  switch (op) {
    case ">": return { low: v, high: Infinity, has: (n) => n > v };
    case ">=": return { low: v, high: Infinity, has: (n) => n >= v };
    case "<": return { low: -Infinity, high: v, has: (n) => n < v };
    case "<=": return { low: -Infinity, high: v, has: (n) => n <= v };
    case "":
      if (!number.exact && (v !== 0 || m.unit)) {
        throw new Oops(it, `${it.raw} does not say whether more or less`, `${it.key}:>${it.raw}, ${it.key}:<${it.raw} or ${it.key}:${it.raw}..`);
      }
      return within(v, v);
    case "=": return within(v, v);
    default: throw misread(number, it);
  }
}

// within is bounds that are both in.
export const within = (low, high) => ({ low, high, has: (n) => n >= low && n <= high });

// between reads from..to, of which one may be empty. A unit that only the second number
// has is the first one's, too.
function between(number, it, from, to) {
  const low = read(number, from);
  const high = read(number, to);
  if ((from === "" && to === "") || (from !== "" && !low) || (to !== "" && !high)) throw misread(number, it);
  if (low && high && !low.unit) low.unit = high.unit;
  const b = within(low ? count(number, low) : -Infinity, high ? count(number, high) : Infinity);
  if (b.low <= b.high) return b;
  const dots = it.raw.indexOf("..");
  throw new Oops(it, `${it.raw} ends before it begins`, `${it.key}:${it.raw.slice(dots + 2)}..${it.raw.slice(0, dots)}`);
}

// pattern makes the test of a text value: =whole, path/..., with * for anything, else a
// part of it. In quotes it is a part, whatever is in it.
export function pattern(it) {
  const { text } = it;
  if (it.quoted) return (s) => s.includes(text);
  if (text[0] === "=") {
    const whole = text.slice(1);
    if (whole === "") throw new Oops(it, "= is followed by nothing", `as in ${it.key}:=text, the whole of it`);
    return (s) => s === whole;
  }
  if (text.endsWith("/...") && text.length > 4) {
    const path = text.slice(0, -4);
    return (s) => s.startsWith(path) && (s.length === path.length || s[path.length] === "/");
  }
  return text.includes("*") ? glob(text) : (s) => s.includes(text);
}

// glob makes the test of a pattern in which each * stands for any text.
export function glob(text) {
  const parts = text.split("*");
  const first = parts.shift();
  const last = parts.pop();
  return (s) => {
    if (s.length < first.length + last.length || !s.startsWith(first) || !s.endsWith(last)) return false;
    const end = s.length - last.length;
    let at = first.length;
    for (const part of parts) {
      const i = s.indexOf(part, at);
      if (i < 0 || i + part.length > end) return false;
      at = i + part.length;
    }
    return true;
  };
}
