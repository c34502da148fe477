// What a filter may go on with at the cursor; the twin of complete.go of recorder/query.

import { KEYS, hostOf } from "./querykeys.js";
import { isSpace, split, unquote } from "./querytext.js";
import { kindOf, values } from "./querywords.js";

const texts = (list) => list.map((v) => v.text);

// Known are values that were seen, to complete a filter with. How many are remembered is
// bounded: more than these no one reads.
export class Known {
  constructor() {
    this.sets = { modules: new Set(), hosts: new Set(), kinds: new Set(), methods: new Set(), rules: new Set() };
    for (const name in this.sets) Object.defineProperty(this, name, { get: () => [...this.sets[name]] });
  }

  // add remembers what an exchange tells.
  add(x) {
    const put = (name, value, most) => {
      if (value && this.sets[name].size < most) this.sets[name].add(value);
    };
    put("modules", x.go?.module, 2000);
    put("hosts", hostOf(x), 200);
    put("kinds", kindOf(x), 50);
    put("methods", x.method, 50);
    for (const r of x.rules ?? []) put("rules", r, 50);
  }
}

const MOST = 30; // completions that are listed: all keys are, and no longer list is read

// complete lists what may stand at the cursor, the most likely first: [{text, from, to, about}].
// known has lists of what was seen: modules, hosts, kinds, methods, rules.
export function complete(text, cursor, known = {}) {
  cursor = Math.min(Math.max(cursor, 0), text.length);
  let { at, end } = split(text).find((w) => w.at <= cursor && cursor <= w.end) ?? { at: cursor, end: cursor };
  if (at < cursor && text[at] === "-") at++;
  const typed = text.slice(at, cursor);
  const colon = typed.indexOf(":");
  if (colon < 0) return typed.includes('"') ? [] : completeWord(text, at, end, typed.toLowerCase(), known);
  const k = KEYS.get(typed.slice(0, colon).toLowerCase());
  return k ? completeValue(text, at + colon + 1, end, cursor, k, known) : [];
}

// completeWord completes the word text[from:end], of which typed stands before the cursor:
// to a key, to a term, or to one with a module or host that was seen.
function completeWord(text, from, end, typed, known) {
  const colon = text.slice(from, end).indexOf(":");
  const to = colon < 0 ? end : from + colon + 1;
  const out = [...KEYS.values()].filter((k) => k.name.startsWith(typed)).map((k) => ({ text: `${k.name}:`, from, to, about: k.about }));
  if (colon >= 0 || byteLength(typed) < 2) return out.slice(0, MOST);
  for (const name of ["kind", "is", "step", "status"]) {
    for (const v of KEYS.get(name).values) {
      if (v.text.startsWith(typed)) out.push({ text: `${name}:${v.text}`, from, to, about: v.about });
    }
  }
  for (const [name, list] of [["module", known.modules], ["host", known.hosts]]) {
    for (const v of ranked(seen(list), typed).slice(0, 5)) out.push({ text: `${name}:${quoted(v.text)}`, from, to, about: "" });
  }
  return out.slice(0, MOST);
}

const byteLength = (text) => new TextEncoder().encode(text).length;

// completeValue completes the value at the cursor, between commas.
function completeValue(text, at, end, cursor, k, known) {
  let from = at;
  let to = end;
  let inQuotes = false;
  for (let i = at; i < end; i++) {
    if (text[i] === '"') inQuotes = !inQuotes;
    else if (text[i] === "," && !inQuotes) {
      if (i < cursor) from = i + 1;
      else if (to === end) to = i;
    }
  }
  const typed = unquote(text.slice(from, cursor)).toLowerCase();
  const whole = unquote(text.slice(from, to)).toLowerCase();
  return ranked(valuesOf(k, known), typed).filter((v) => v.text.toLowerCase() !== whole).slice(0, MOST)
    .map((v) => ({ text: quoted(v.text), from, to, about: v.about }));
}

// valuesOf are the values that a key may have: those that were seen first.
function valuesOf(k, known) {
  switch (k.name) {
    case "module": return seen(known.modules);
    case "host": return seen(known.hosts);
    case "rule": return seen(known.rules);
    case "method": return merged(seen(known.methods), k.values);
    case "kind": return merged(seen(known.kinds), k.values);
    default: return k.values;
  }
}

const seen = (list) => values(...(list ?? []));

// merged is first, and what only second has. What a value means is second's.
function merged(first, second) {
  const about = new Map(second.map((v) => [v.text, v]));
  const had = new Set(texts(first));
  return [...first.map((v) => about.get(v.text) ?? v), ...second.filter((v) => !had.has(v.text))];
}

// ranked are the values that typed is in: those that begin with it, then those with a part
// that does, then the others.
function ranked(list, typed) {
  const ranks = [[], [], []];
  for (const v of list) {
    const text = v.text.toLowerCase();
    const i = text.indexOf(typed);
    if (i >= 0) ranks[i === 0 ? 0 : "/.-_@".includes(text[i - 1]) ? 1 : 2].push(v);
  }
  return ranks.flat();
}

// quoted is a value as it must be written.
function quoted(value) {
  for (const c of value) if (c === "," || isSpace(c)) return `"${unquote(value)}"`;
  return value;
}
