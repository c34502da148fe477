// Brackets between requests that belong together: a 4xx and its repetition, and a file
// that was asked at one entry of GOPROXY after the other, and at its origin at last.

import { h, mark } from "./dom.js";

const ROW = 24; // px

export class Connectors {
  // space is the element that the rows lie in.
  constructor(space) {
    this.space = space;
    this.pool = [];
  }

  // draw connects the requests among the lines from first on, count of them; place is how
  // far down a line's top is, at(ms) where an instant of 1970 lies, 0 left and 1 right.
  draw(lines, first, count, links, place, at, left, width) {
    let used = 0;
    const drawn = new Set();
    const connect = (row) => {
      const b = row && !drawn.has(row) ? links.before(row) : null;
      if (!b) return;
      drawn.add(row);
      const from = lines[b.row.line] === b.row ? b.row.line : -1;
      if (from < 0 || lines[row.line] !== row || from === row.line) return;
      const x = at(row.at);
      if (x < 0 || x > 1) return;
      this.bracket(used++, b.how, left + x * width, Math.min(from, row.line), Math.max(from, row.line), first, count, place);
    };
    for (let i = first; i < first + count; i++) {
      const row = lines[i].row;
      if (!row) continue;
      connect(row);
      connect(links.after(row));
    }
    for (; used < this.pool.length; used++) this.pool[used].hidden = true;
  }

  // bracket reaches from the middle of one line to that of another; what lies outside of
  // the view is cut off.
  bracket(i, how, x, from, to, first, count, place) {
    const el = this.pool[i] ??= this.space.appendChild(h("i", { "aria-hidden": "true" }));
    const above = from < first - 1;
    const below = to > first + count;
    const top = place(above ? first - 1 : from) + ROW / 2;
    const bottom = place(below ? first + count : to) + ROW / 2;
    mark(el, `bracket ${how}${above ? " above" : ""}${below ? " below" : ""}`);
    el.hidden = false;
    el.style.transform = `translate(${Math.round(x)}px, ${top}px)`;
    el.style.height = `${Math.max(bottom - top, 1)}px`;
  }
}
