// The critical path: what the length of the run was made of, one thing after the other, as
// the report found it.

import { computed, signal } from "./html.js";
import { report } from "./state.js";

export const path = signal(true); // it is marked in the waterfall

export const togglePath = () => { path.value = !path.value; };

// onPath has, by the id of a request, the times that it is on the critical path, in ms
// since the session's start: [[from, to], …]. It is empty without a report, and while the
// path is not to be marked.
export const onPath = computed(() => {
  const map = new Map();
  if (!path.value) return map;
  for (const { exchange, from_ms: from, to_ms: to } of report.value?.critical_path ?? []) {
    if (!exchange) continue; // time between requests
    if (!map.has(exchange)) map.set(exchange, []);
    map.get(exchange).push([from, to]);
  }
  return map;
});
