// The filter language, the twin of recorder/query, which says what it means;
// testdata/vectors.json there keeps the two in step. What a filter asks is made into
// functions once, so that a hundred thousand rows pass in a few frames.

import { KEYS, hasText } from "./querykeys.js";
import { Oops, far, isName, items, nearest, split, unquote } from "./querytext.js";

export { Known, complete } from "./querycomplete.js";
export { KEYS, hostOf } from "./querykeys.js";
export { stepOf as step, stepOf } from "./querywords.js";

// parse reads a filter: {match(row, now, byID), error, empty}. error is null or
// {at, len, msg, hint} about the first thing that was not understood; match is what the
// filter means without that, so that the table does not run empty while one types. now is
// the instant up to which what is in flight has taken its time (ms since 1970; now when it
// is left out). byID has the rows that others follow: without it a 4xx at the end of a
// redirect is taken for the repeat of one (is:doubled).
export function parse(text) {
  const terms = [];
  let error = null;
  const failed = (e) => {
    if (!(e instanceof Oops)) throw e;
    error ??= { at: e.at, len: e.len, msg: e.message, hint: e.hint };
  };
  for (const word of split(text)) {
    const term = parseWord(text, word, failed);
    if (term.any.length > 0) terms.push(join(term));
  }
  const [one, two] = terms;
  let match = () => true;
  if (terms.length === 1) match = (row, now = Date.now(), byID) => one(row, now, byID);
  else if (terms.length === 2) match = (row, now = Date.now(), byID) => one(row, now, byID) && two(row, now, byID);
  else if (terms.length > 2) {
    match = (row, now = Date.now(), byID) => {
      for (const term of terms) if (!term(row, now, byID)) return false;
      return true;
    };
  }
  return { match, error, empty: terms.length === 0 };
}

// join makes one function of a term: one of its values must match, or, negated, none.
function join({ not, any }) {
  const is = any.length === 1 ? any[0] : (row, now, byID) => any.some((f) => f(row, now, byID));
  return not ? (row, now, byID) => !is(row, now, byID) : is;
}

// parseWord reads one word: [-]key:value,value or [-]text.
function parseWord(text, { at, end }, failed) {
  const not = text[at] === "-";
  if (not) at++;
  const term = { not, any: [] };
  const word = text.slice(at, end);
  if (word === "") {
    failed(new Oops({ at: at - 1, end }, "- is followed by nothing", "as in -kind:zip, all that is no zip"));
    return term;
  }
  const colon = word.indexOf(":");
  const name = word.slice(0, Math.max(colon, 0));
  const known = KEYS.get(name.toLowerCase());
  if (!isName(name) || (!known && isAddress(name.toLowerCase(), word.slice(colon + 1)))) {
    const needle = unquote(word).toLowerCase();
    if (needle) term.any.push(hasText(needle));
    return term;
  }
  if (!known) {
    failed(new Oops({ at, end: at + name.length }, `there is no key ${name.toLowerCase()}`, keyHint(name.toLowerCase())));
    return term;
  }
  const list = items(text, at + colon + 1, end, known.name);
  if (list.length === 0) failed(new Oops({ at, end }, `${known.name}: needs a value`, `as in ${known.example}`));
  for (const it of list) {
    try {
      term.any.push(known.parse(it));
    } catch (e) {
      failed(e);
    }
  }
  return term;
}

// isAddress says whether name:rest is a URL or host:port, which is plain text. "statu:404"
// is no host.
function isAddress(name, rest) {
  if (rest.startsWith("//")) return true;
  const [port] = rest.split("/", 1);
  if (!/^\d{1,5}$/.test(port)) return false;
  return far(name, nearest(name, [...KEYS.keys()])) > 1;
}

// keyHint says which key may have been meant.
function keyHint(name) {
  const near = nearest(name, [...KEYS.keys()]);
  return near ? `did you mean ${near}:?` : `keys are ${[...KEYS.keys()].join(" ")}; in quotes it is text`;
}
