// The box beside the mouse: what a bar is made of, in numbers.

import { h } from "./dom.js";
import { bytes, duration, fullName, kind, status } from "./format.js";
import { GroupView } from "./groupview.js";
import { timings } from "./marks.js";

export class Tip {
  constructor() {
    this.el = h("div", { id: "tip", class: "tip", role: "tooltip", hidden: true });
    document.body.append(this.el);
    this.line = null;
  }

  // show tells about a line, next to the mouse.
  show(line, store, x, y) {
    if (line !== this.line || line.row?.inFlight) {
      this.line = line;
      this.el.replaceChildren(...(line.group ? group(line.group, store) : request(line.row, store)));
    }
    this.el.hidden = false;
    const { offsetWidth: w, offsetHeight: height } = this.el;
    const left = x + 16 + w > innerWidth ? Math.max(4, x - w - 12) : x + 16;
    const top = y + 18 + height > innerHeight ? Math.max(4, y - height - 10) : y + 18;
    this.el.style.transform = `translate(${left}px, ${top}px)`;
  }

  hide() {
    this.el.hidden = true;
    this.line = null;
  }

  remove() {
    this.el.remove();
  }
}

// follows says how a request follows another one.
function follows({ row, how, word }) {
  if (how === "pair") return `the same request as #${row.id}: go sends every 4xx twice`;
  if (how === "direct") return `GOPROXY's entries do not have it (#${row.id}): its origin is asked`;
  return `${word} of GOPROXY's entries that were asked for this file`;
}

const facts = (list) => h("dl", {}, ...list.map(([what, value, look]) => [h("dt", {}, look ? h("i", { class: `seg ${look}` }) : null, what), h("dd", {}, value)]));

function request(row, store) {
  const x = row.x;
  const t = timings(row.marks(store.now));
  const tcp = t.connect - Math.max(t.ssl, 0); // HAR counts TLS inside connect
  const list = [["started at", duration(Math.max(0, row.at - store.origin))]];
  const phases = [["queue", t.blocked - t.proxy], ["dns", t.dns], ["connect", t.connect > 0 ? tcp : -1], ["proxy", t.proxy], ["tls", t.ssl], ["send", t.send], ["wait", t.wait], ["receive", t.receive]];
  for (const [phase, ms] of phases) {
    if (ms > 0) list.push([phase, duration(ms), phase]);
  }
  if (x.client_blocked_ms > 0) list.push(["held by client", duration(x.client_blocked_ms)]);
  list.push([row.inFlight ? "so far" : "took", duration(row.took(store.now))]);
  if (x.response?.body_size > 0) list.push(["received", bytes(x.response.body_size)]);
  const before = store.links.before(row);
  return [
    h("b", {}, `#${x.id} ${kind(x)} ${fullName(x)}`),
    h("p", { class: "dim" }, `${x.method} ${x.url}`),
    h("p", {}, status(x), x.error ? `: ${x.error.msg}` : ""),
    before && h("p", { class: "dim" }, follows(before)),
    facts(list),
  ].filter(Boolean);
}

function group(g, store) {
  return [h("b", {}, g.title), facts(GroupView.explain(g, store.origin))];
}
