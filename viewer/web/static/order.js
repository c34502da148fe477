// The order of rows, and keeping lists in it. What may be long yields to the page.

import { fullName, kind, place } from "./format.js";

const STRIDE = 4000; // rows between two yields of a sort

// keyOf returns what the rows are sorted by, a function of a row and the time now.
export function keyOf(by) {
  switch (by) {
    case "time": return (row, now) => row.took(now);
    case "size": return (row) => row.x.response?.body_size ?? 0;
    case "status": return (row) => (row.x.error ? 1000 : row.x.status ?? 0);
    case "name": return (row) => fullName(row.x);
    case "kind": return (row) => kind(row.x);
    case "host": return (row) => place(row.x).host;
  }
  return (row) => row.id;
}

// compare orders rows by their key, and rows with the same key by id.
export function compare(down) {
  const sign = down ? -1 : 1;
  return (a, b) => (a.key < b.key ? -sign : a.key > b.key ? sign : a.id - b.id);
}

// sorted sorts a list in slices; it is a generator that returns another list.
export function* sorted(list, cmp) {
  if (isSorted(list, cmp)) return list;
  let runs = [];
  for (let i = 0; i < list.length; i += STRIDE) {
    runs.push(list.slice(i, i + STRIDE).sort(cmp));
    yield;
  }
  while (runs.length > 1) {
    const longer = [];
    for (let i = 0; i < runs.length; i += 2) {
      longer.push(i + 1 < runs.length ? yield* mergeRuns(runs[i], runs[i + 1], cmp) : runs[i]);
    }
    runs = longer;
  }
  return runs[0] ?? [];
}

function isSorted(list, cmp) {
  for (let i = 1; i < list.length; i++) {
    if (cmp(list[i - 1], list[i]) > 0) return false;
  }
  return true;
}

function* mergeRuns(a, b, cmp) {
  const out = new Array(a.length + b.length);
  for (let i = 0, j = 0, k = 0; k < out.length; k++) {
    out[k] = j === b.length || (i < a.length && cmp(a[i], b[j]) <= 0) ? a[i++] : b[j++];
    if (k % STRIDE === 0) yield;
  }
  return out;
}

// merged puts rows into a list that is in order, and returns the new list.
export function merged(list, added, cmp) {
  if (added.length === 0) return list;
  added.sort(cmp);
  if (list.length === 0 || cmp(list.at(-1), added[0]) <= 0) return list.concat(added);
  const out = new Array(list.length + added.length);
  for (let i = 0, j = 0, k = 0; k < out.length; k++) {
    out[k] = j === added.length || (i < list.length && cmp(list[i], added[j]) <= 0) ? list[i++] : added[j++];
  }
  return out;
}
