// The parts that the details are made of.

import { isRedacted } from "./format.js";
import { html } from "./html.js";

// known is whether a value can be shown.
const known = (v) => v !== undefined && v !== null && v !== "" && v !== false;

// Section is a part with a heading; nothing when it has no content.
export function Section({ title, children }) {
  const list = [children].flat(Infinity).filter(known);
  if (list.length === 0) return null;
  return html`<section><h3>${title}</h3>${list}</section>`;
}

// facts is a list of names and values without those that are not known; null when none is.
export function facts(of) {
  const list = Object.entries(of).filter(([, v]) => known(v));
  if (list.length === 0) return null;
  return html`<dl class="facts">${list.map(([name, value]) => html`<dt>${name}</dt><dd>${typeof value === "object" ? value : String(value)}</dd>`)}</dl>`;
}

// headers is a table of header lines, null without any. What modtap hid is told by a word,
// not by the look alone.
export function headers(list, label) {
  if (!list?.length) return null;
  return html`<table class="headers" aria-label=${label}>
    ${list.map(({ name, value }) => html`<tr>
      <th scope="row">${name}</th>
      ${isRedacted(value) ? html`<td><span class="redacted">${value}</span> <span class="tag">hidden by modtap</span></td>` : html`<td>${value}</td>`}
    </tr>`)}
  </table>`;
}

// severityWord is how bad a finding is, as a word.
export const severityWord = (f) => (f.severity === "warn" ? "warning" : f.severity);
