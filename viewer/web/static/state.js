// What the page's modules share, all of it signals. A module reads what it shows and
// writes only by the functions of actions.js, so that each way to do a thing (key, click,
// link) does the same.

import { computed, signal } from "./html.js";
import { parse } from "./query.js";
import { Store } from "./store.js";

// store holds everything that was received; it is not a signal. version says that it
// changed, at most ten times a second.
export const store = new Store();
export const version = signal(0);

export const source = signal(""); // the recording that is shown: "" what modtap was started with, else the id of one that was dropped here
export const connection = signal("connecting"); // connecting open complete broken denied foreign
export const session = signal(null); // recorder.Session
export const process = signal(null); // recorder.Process
export const end = signal(null); // recorder.End; not null: nothing more will come
export const findings = signal(new Map()); // id to recorder.Finding
export const report = signal(null); // modtap.report/1, as far as the run has come; null: none yet
export const recording = signal(""); // name of the HAR that can be downloaded; "": none
export const clock = signal(0); // ms that the command ran, or runs; ticks while it is live

export const filter = signal(""); // text of the filter
export const query = computed(() => parse(filter.value)); // {match(row, now, byID), error: {at, len, msg, hint} or null}
export const group = signal("request"); // request module host connection step
export const sort = signal({ by: "id", down: false });
export const unfolded = signal(new Set()); // keys of groups whose requests are shown
export const range = signal(null); // [from, to] in ms since the session's start that is looked at; null: all
export const view = signal("requests"); // requests modules hosts
export const aside = signal(""); // details findings, or "" for none
export const selected = signal(0); // id of the request that is selected; 0: none
export const atGroup = signal(""); // key of the group whose line is pointed at; "": none is
export const evidence = signal({ of: "", ids: new Set() }); // the finding whose evidence is marked
export const wanted = signal(0); // id of a request, or key of a group, whose line is to be scrolled to; the table sets it to 0
export const help = signal(false); // the sheet with the keys is open
export const notice = signal(""); // one line about what was just done, or could not be done

export const over = computed(() => end.value !== null || connection.value === "complete"); // nothing more will come
export const live = computed(() => session.value !== null && end.value === null && connection.value === "open"); // more is coming
