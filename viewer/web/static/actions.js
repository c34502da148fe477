// What one can do, whatever it is done with.

import { batch } from "./html.js";
import { aside, atGroup, end, evidence, filter, findings, group, help, notice, range, report, selected, session, sort, source, unfolded, version, view, wanted, process, recording, store } from "./state.js";

export const GROUPS = ["request", "module", "host", "connection", "step"];
const SORTS = ["id", "time", "size", "status", "name"];

const next = (list, now, by = 1) => list[(list.indexOf(now) + by + list.length) % list.length];

// select opens the details of a request (0: closes them) and scrolls to its row.
export function select(id) {
  batch(() => {
    if (id) atGroup.value = "";
    selected.value = id;
    wanted.value = id;
    if (id) aside.value = "details";
    else if (aside.value === "details") aside.value = "";
  });
  history.replaceState(null, "", id ? `#x=${id}` : location.pathname + location.search);
}

// point selects a request without opening its details, as moving through rows does.
export function point(id) {
  batch(() => {
    if (id) atGroup.value = "";
    selected.value = id;
    wanted.value = id;
  });
}

export function setFilter(text) {
  filter.value = text;
}

export function setGroup(name) {
  batch(() => {
    group.value = name;
    view.value = "requests";
  });
}

export const nextGroup = (by = 1) => setGroup(next(GROUPS, group.value, by));

// setSort sorts by a column; the same column again turns the order around.
export function setSort(by) {
  const now = sort.value;
  sort.value = { by, down: now.by === by ? !now.down : by === "time" || by === "size" };
}

export const nextSort = () => setSort(next(SORTS, sort.value.by));

// fold shows or hides the requests of a group.
export function fold(key, open = !unfolded.value.has(key)) {
  const keys = new Set(unfolded.value);
  if (open) keys.add(key);
  else keys.delete(key);
  unfolded.value = keys;
}

// zoom looks at a part of the run: [from, to] in ms since its start; null: all of it.
export function zoom(to) {
  range.value = to;
}

export const show = (name) => { view.value = name; };

export { togglePath } from "./path.js";

// only shows the requests of a table's line: it sets the filter and goes to the requests.
export function only(text) {
  batch(() => {
    filter.value = text;
    view.value = "requests";
    group.value = "request";
  });
}

export function toggleFindings() {
  aside.value = aside.value === "findings" ? "" : "findings";
}

// follow marks the requests that a finding rests on and scrolls to the first of them; of
// the finding that is followed already, nothing is marked any more.
export function follow(id) {
  const ids = findings.value.get(id)?.evidence ?? report.value?.findings?.find((f) => f.id === id)?.evidence ?? [];
  batch(() => {
    const off = evidence.value.of === id || ids.length === 0;
    evidence.value = { of: off ? "" : id, ids: new Set(off ? [] : ids) };
    if (off) return;
    view.value = "requests";
    wanted.value = ids[0];
  });
}

// step selects the next request of the evidence that is marked.
export function step(by) {
  const ids = [...evidence.value.ids];
  if (ids.length === 0) return;
  const at = ids.indexOf(selected.value);
  point(ids[at < 0 ? (by > 0 ? 0 : ids.length - 1) : (at + by + ids.length) % ids.length]);
}

// back leaves the innermost thing: the keys, the details, the evidence, the part of the
// run, the filter.
export function back() {
  if (help.value) help.value = false;
  else if (aside.value === "details") select(0);
  else if (aside.value) aside.value = "";
  else if (evidence.value.of) evidence.value = { of: "", ids: new Set() };
  else if (selected.value) point(0);
  else if (atGroup.value) atGroup.value = "";
  else if (range.value) zoom(null);
  else if (view.value !== "requests") view.value = "requests";
  else filter.value = "";
}

let told = 0;

// tell shows one line for some seconds.
export function tell(text) {
  notice.value = text;
  clearTimeout(told);
  told = setTimeout(() => { notice.value = ""; }, 6000);
}

// open shows another recording: "" what modtap was started with, or one that was dropped.
export function open(id) {
  batch(() => {
    store.reset();
    source.value = id;
    session.value = process.value = end.value = report.value = null;
    findings.value = new Map();
    recording.value = filter.value = "";
    selected.value = wanted.value = 0;
    aside.value = atGroup.value = "";
    range.value = null;
    unfolded.value = new Set();
    evidence.value = { of: "", ids: new Set() };
    version.value++;
  });
}

// api is the address of an API of the server, for the recording that is shown.
export function api(path, query = {}) {
  const q = new URLSearchParams(query);
  if (source.value) q.set("recording", source.value);
  const text = q.toString();
  return `/api/${path}${text ? `?${text}` : ""}`;
}
