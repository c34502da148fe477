// Statistics of requests, and nothing that draws.

// percentile is the smallest of sorted that at least p percent of them do not exceed: the
// nearest rank, as in recorder/diagnose. undefined of none.
export function percentile(sorted, p) {
  if (sorted.length === 0) return undefined;
  const rank = Math.ceil((p / 100) * sorted.length);
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1];
}

// union is how much time is covered by spans that begin at starts and end at ends; it
// sorts both (Float64Array), which does not change what is covered.
export function union(starts, ends) {
  starts.sort();
  ends.sort();
  let sum = 0;
  let since = 0;
  for (let s = 0, e = 0; e < ends.length; e++) {
    for (; s < starts.length && starts[s] <= ends[e]; s++) {
      if (s === e) since = starts[s]; // as many have ended as begun before it
    }
    if (s === e + 1) sum += ends[e] - since;
  }
  return sum;
}
