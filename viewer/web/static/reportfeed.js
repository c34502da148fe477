// Keeps state.report current: it asks /api/report when a finding comes, at the end, and
// every few seconds while someone looks at the findings.

import { api } from "./actions.js";
import { effect } from "./html.js";
import { aside, connection, findings, live, over, report, source, version } from "./state.js";

const PACE = 3000; // ms between two questions
const SCHEMA = "modtap.report/1";

let asked = ""; // what was known when it was asked last: recording, findings, end
let seen = -1; // version of the store then
let last = -Infinity; // when that was
let asking = false;
let timer = 0;

// followReport begins; it never ends.
export function followReport() {
  effect(() => {
    void [aside.value, connection.value, over.value, findings.value, live.value, source.value, version.value];
    consider();
  });
}

// state is what makes a new report worth asking for at once.
const state = () => JSON.stringify([source.peek(), over.peek(), [...findings.peek().keys()]]);

// consider asks if there is a reason, now or when the pace allows it.
function consider() {
  if (asking || timer || !["open", "complete"].includes(connection.peek())) return;
  const open = aside.peek() === "findings";
  const news = state() !== asked && (over.peek() || findings.peek().size > 0 || open);
  const growing = open && live.peek() && version.peek() !== seen;
  if (!news && !growing) return;
  // The end is worth no wait: nothing comes after it.
  const wait = over.peek() ? 0 : last + PACE - performance.now();
  if (wait > 0) {
    timer = setTimeout(() => { timer = 0; consider(); }, wait);
    return;
  }
  ask();
}

async function ask() {
  const of = source.peek();
  asking = true;
  [asked, seen, last] = [state(), version.peek(), performance.now()];
  try {
    const answer = await fetch(api("report"));
    const made = answer.status === 200 ? await answer.json() : null;
    // Anything else than a report (none yet, none at all, it failed) leaves what there was.
    if (made?.schema === SCHEMA && of === source.peek()) report.value = made;
  } catch { /* modtap has stopped: the stream says so */ }
  asking = false;
  consider();
}
