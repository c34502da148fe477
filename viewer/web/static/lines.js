// The lines of the table: the rows that pass the filter, sorted and grouped.
//
// A change of the filter, the order or the grouping goes through all rows, in slices. What
// the stream brings only touches the rows that it is about, so that two thousand new
// requests a second cost about as much among a hundred thousand as among ten.

import { batch, effect, signal, untracked } from "./html.js";
import { Group, keyOf as groupOf, orderOf, ownerOf } from "./groups.js";
import { job } from "./jobs.js";
import { compare, keyOf, merged, sorted } from "./order.js";
import { clock, group, query, range, sort, store, unfolded, version } from "./state.js";

// lines is what the table shows, in order: {row} for a request, {group} for a group of
// them, {row, of: group} for a request of a group that is unfolded. While requests are only
// added at its end it stays the same list, and grown tells that it is longer.
export const lines = signal([]);
export const grown = signal(0);

// shown counts requests: those that pass the filter, and all.
export const shown = signal({ n: 0, of: 0 });

// work is whether the lines are not yet those of the filter that is set.
export const work = signal(false);

const LARGE = 5000; // requests of a group whose numbers are made less often
const SELDOM = 500; // ms between them

const watch = store.watch();
let list = []; // the rows that pass, in order; of groups: unused
let groups = null; // key to Group; null: not grouped
let current = null; // the settings that list and groups are made with
let valid = false; // they are made
let running = false; // they are being made
let turn = 0; // counts the updates: only the newest may hand over what it made
let again = false; // more has come in meanwhile

// settings are what decides about every row.
function settings() {
  const by = group.value;
  const owner = by === "module" ? ownerOf(store.links.lookups, store.now) : null;
  return {
    query: query.value, range: range.value, by: sort.value.by, down: sort.value.down, group: by,
    origin: range.value ? store.origin : 0, owner, tile: owner ? `${owner.module} ${owner.from} ${owner.to}` : "",
  };
}

const same = (a, b) => ["query", "range", "by", "down", "group", "origin", "tile"].every((k) => a[k] === b[k]);

// Rules are the settings made into functions.
class Rules {
  constructor(s) {
    const { match, empty } = s.query;
    const [from, to] = s.range ?? [];
    this.s = s;
    this.now = store.now;
    this.key = keyOf(s.by);
    this.cmp = compare(s.down);
    this.match = empty ? null : match;
    this.from = s.range ? s.origin + from : 0;
    this.to = to === undefined ? 0 : s.origin + to;
  }

  passes(row) {
    if (this.s.range && (row.at > this.to || row.at + row.took(this.now) < this.from)) return false;
    return this.match === null || this.match(row, this.now, store.byID);
  }
}

// all goes through every row.
function* all(rules) {
  const rows = store.rows; // it may grow, and a row that comes late moves others on
  const seen = {};
  let next = [];
  const found = rules.s.group === "request" ? null : new Map();
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i];
    if (row.seen === seen) continue;
    row.seen = seen;
    row.in = rules.passes(row);
    row.of = null;
    if (row.in && found) join(found, row, rules).rows.push(row);
    else if (row.in) {
      row.key = rules.key(row, rules.now);
      next.push(row);
    }
    if (i % 50 === 49) yield;
  }
  if (!found) next = yield* sorted(next, rules.cmp);
  list = next;
  groups = found;
}

// join finds the group of a row, or founds it.
function join(map, row, rules) {
  const { key, title } = groupOf(rules.s.group, row, store, rules.s.owner);
  let g = map.get(key);
  if (!g) map.set(key, g = new Group(key, title));
  if (rules.s.group === "connection") g.title = title; // more of it becomes known
  g.dirty = true;
  row.of = g;
  return g;
}

// some takes the rows that changed into the list.
function* some(rules, changed) {
  let gone = false;
  const added = [];
  let i = 0;
  for (const row of changed) {
    if (++i % 50 === 0) yield;
    const was = row.in;
    row.in = rules.passes(row);
    if (!was && !row.in) continue;
    const key = row.in ? rules.key(row, rules.now) : 0;
    if (was && row.in && key === row.key) continue;
    row.moved = was;
    gone ||= was;
    if (row.in) added.push([row, key]);
  }
  // From here to the end nothing yields: keys and list belong together.
  if (gone) list = list.filter((row) => !row.moved);
  for (const row of changed) row.moved = false;
  for (const pair of added) pair[0].key = pair[1];
  const fresh = added.map(([row]) => row).sort(rules.cmp);
  if (!gone && list === lines.peek() && list.length > 0 && fresh.length > 0 && rules.cmp(list.at(-1), fresh[0]) <= 0) append(fresh);
  else list = merged(list, fresh, rules.cmp);
}

// append puts rows behind all others. A new list of a hundred thousand, ten times a second,
// would keep the collector busy, which stops the page for longer than a frame.
function append(rows) {
  for (const row of rows) {
    row.line = list.length;
    list.push(row);
  }
}

const byID = (a, b) => a.id - b.id;

// someGroups takes the rows that changed into their groups.
function someGroups(rules, changed) {
  const added = new Map();
  const gone = new Set();
  for (const row of changed) {
    const was = row.in ? row.of : null;
    row.in = rules.passes(row);
    if (was) was.dirty = true;
    const now = row.in ? join(groups, row, rules) : null;
    if (was === now) continue;
    if (was) {
      row.moved = true;
      gone.add(was);
    }
    row.of = now;
    if (!now) continue;
    if (!added.has(now)) added.set(now, []);
    added.get(now).push(row);
  }
  for (const g of gone) g.rows = g.rows.filter((row) => !row.moved);
  for (const row of changed) row.moved = false;
  for (const [g, rows] of added) g.rows = merged(g.rows, rows, byID);
  for (const g of gone) {
    if (g.rows.length === 0) groups.delete(g.key);
  }
}

// count makes the numbers of the groups that changed.
function* count(rules) {
  for (const g of groups.values()) {
    if (!g.dirty) continue;
    if (g.rows.length > LARGE && g.counted && store.live && performance.now() - g.counted < SELDOM) continue;
    yield* g.recount(rules.now);
    g.counted = performance.now();
    yield;
  }
}

// flat lays the groups out as lines.
function* flat(rules) {
  const open = untracked(() => unfolded.value);
  const order = yield* sorted([...groups.values()], orderOf(rules.s.by, rules.s.down));
  const out = [];
  for (const g of order) {
    out.push(g);
    if (!open.has(g.key)) continue;
    for (const row of g.rows) row.key = rules.key(row, rules.now);
    g.shown = rules.s.by === "id" && !rules.s.down ? g.rows : yield* sorted(g.rows, rules.cmp);
    for (const row of g.shown) out.push(row);
    yield;
  }
  return out;
}

// commit hands the lines over. Every line knows its place; a row that is folded has none.
function commit(next, passing) {
  if (next !== lines.peek()) {
    for (const line of lines.peek()) line.line = -1;
    for (let i = 0; i < next.length; i++) next[i].line = i;
    lines.value = next;
  }
  grown.value = next.length;
  shown.value = { n: passing, of: store.rows.length };
}

const passing = () => {
  let n = 0;
  for (const g of groups.values()) n += g.rows.length;
  return n;
};

// refresh tells the groups of connections what became known of them.
function refresh() {
  for (const g of groups.values()) {
    const { title } = groupOf("connection", g.rows[0], store, null);
    if (title !== g.title) {
      g.title = title;
      g.rev++;
    }
  }
}

// update starts to make the lines with the settings s.
async function update(s) {
  const { rows, all: reset } = watch.take();
  const full = !valid || reset || !same(s, current);
  const rules = new Rules(s);
  current = s;
  valid = false; // what is half made is made anew by whoever takes this one's place
  running = true;
  const mine = ++turn;
  work.value = full;
  for (const row of store.flying) rows.add(row); // they last longer every time
  const made = await job("lines", function* () {
    if (full) yield* all(rules);
    else if (groups) someGroups(rules, rows);
    else yield* some(rules, rows);
    if (!groups) return { next: list, n: list.length };
    if (s.group === "connection") refresh();
    yield* count(rules);
    return { next: yield* flat(rules), n: passing() };
  });
  if (made === undefined || mine !== turn) return; // a newer one goes on
  valid = true;
  running = false;
  batch(() => {
    work.value = false;
    if (!watch.all) commit(made.next, made.n);
  });
  if (!again && !watch.all) return;
  again = false;
  follow();
}

// follow makes the lines what they should be now, at once or after what is under way.
function follow() {
  const s = settings();
  if (running && !watch.all && same(s, current)) again = true;
  else update(s);
}

effect(() => {
  void [version.value, clock.value, query.value, range.value, sort.value, group.value, unfolded.value];
  untracked(follow);
});

// indexOf is the place of a request (its id) or a group (its key) among the lines; -1: it
// is not shown.
export function indexOf(id) {
  const line = typeof id === "string" ? groups?.get(id) : store.byID.get(id);
  return line ? line.line : -1;
}
