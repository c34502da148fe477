// The time axis: from ms since the session's start to parts of its width.

export class Scale {
  constructor(from, to) {
    this.from = from;
    this.to = Math.max(to, from + 0.001);
  }

  // at is where an instant lies: 0 is the left end, 1 the right one.
  at(ms) {
    return (ms - this.from) / (this.to - this.from);
  }

  // ms is the instant at a part of the width.
  ms(part) {
    return this.from + part * (this.to - this.from);
  }

  // ticks returns round instants, about count of them.
  ticks(count) {
    const step = niceStep((this.to - this.from) / Math.max(1, count));
    const list = [];
    for (let i = Math.ceil(this.from / step); i * step <= this.to; i++) list.push(i * step);
    return list;
  }
}

const HOUR = 3600e3;
const DAY = 24 * HOUR;

// niceStep returns the smallest round number of ms that is not below ms.
export function niceStep(ms) {
  if (ms > 30000) {
    for (const s of [60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200]) {
      if (s * 1000 >= ms) return s * 1000;
    }
    return Math.max(1, decimal(ms / DAY)) * DAY;
  }
  return decimal(ms);
}

// decimal is the smallest of 1, 2, 5, 10, 20… and 0.5, 0.2, 0.1… that is not below n.
function decimal(n) {
  const power = 10 ** Math.floor(Math.log10(n));
  for (const f of [1, 2, 5]) {
    if (f * power >= n * (1 - 1e-9)) return f * power;
  }
  return 10 * power;
}

// tickLabel writes a tick of a scale whose ticks are step apart.
export function tickLabel(ms, step) {
  if (ms === 0) return "0";
  if (step >= DAY) return `${ms / DAY} d`;
  if (step >= HOUR) return `${ms / HOUR} h`;
  if (step >= 60000) return `${ms / 60000} min`;
  if (step >= 1000) return `${ms / 1000} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(Math.ceil(-Math.log10(step / 1000) - 1e-9))} s`;
  return `${Number(ms.toPrecision(6))} ms`;
}

const ROOM = [1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.4, 8, 10];

// room is the length of the axis while the session lasts: it grows in steps, because
// bars that shrink all the time cannot be read.
export function room(ms) {
  const power = 10 ** Math.floor(Math.log10(Math.max(ms, 1000)));
  return ROOM.find((f) => f * power >= ms) * power;
}
