// Drawing the strip over the whole run on a canvas: requests in flight upwards, bytes per
// second downwards, gaps as hatched bands, and the critical path along the lower edge.

import { bytes, duration } from "./format.js";
import { BINS } from "./load.js";
import { niceStep, tickLabel } from "./scale.js";

const AXIS = 14; // px, for the labels on top
const EDGE = 5; // px, for the critical path
const UP = 0.62; // part of what is left that shows requests in flight
const WINDOW = 100; // ms: what is shorter says nothing of a rate

// peakRate is the most bytes per second over a window of 100 ms or one bin: {rate, over, at}.
export function peakRate(bins) {
  const n = Math.min(Math.max(1, Math.ceil(WINDOW / bins.width)), BINS);
  let sum = 0;
  let best = { rate: 0, over: n * bins.width, at: bins.from };
  for (let i = 0; i < BINS; i++) {
    sum += bins.bytes[i] - (i >= n ? bins.bytes[i - n] : 0);
    const rate = (sum / best.over) * 1000;
    if (rate > best.rate) best = { ...best, rate, at: bins.from + (i + 1 - n) * bins.width };
  }
  return best;
}

// palette reads the colours that CSS gives to the scheme in force, each once.
export function palette(element) {
  const style = getComputedStyle(element);
  const known = new Map();
  return (name) => {
    if (!known.has(name)) known.set(name, style.getPropertyValue(`--${name}`).trim() || style.color);
    return known.get(name);
  };
}

// A picture is what is drawn: {bins, scale, gaps, links, color}, and in how many px.
export function draw(canvas, { bins, scale, gaps, links, color, width, height }) {
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const g = canvas.getContext("2d");
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  const x = (ms) => scale.at(ms) * width;
  const box = { width, height, x, top: AXIS, bottom: height - EDGE - 1, color };
  box.base = AXIS + (box.bottom - AXIS) * UP;
  ticks(g, box, scale);
  bands(g, box, gaps);
  const last = Math.min(BINS, Math.ceil((scale.to - bins.from) / bins.width));
  area(g, box, bins, bins.busy, last, box.base, AXIS + 2, color("load"), color("accent"));
  area(g, box, bins, bins.bytes, last, box.base, box.bottom, color("receive"), null);
  g.fillStyle = color("line");
  g.fillRect(0, box.base - 0.5, width, 1);
  path(g, box, links);
}

// ticks are the time axis.
function ticks(g, { width, bottom, x, color }, scale) {
  const count = Math.max(2, Math.floor(width / 110));
  const step = niceStep((scale.to - scale.from) / count);
  g.font = "11px system-ui, sans-serif";
  g.textBaseline = "top";
  g.textAlign = "left";
  for (const ms of scale.ticks(count)) {
    const at = Math.round(x(ms)) + 0.5;
    g.fillStyle = color("line");
    g.fillRect(at, 0, 1, bottom);
    g.fillStyle = color("dim");
    if (at < width - 40) g.fillText(tickLabel(ms, step), at + 4, 1);
  }
}

// bands are times in which nothing was in flight, with how long they were.
function bands(g, { x, top, bottom, color }, gaps) {
  g.textAlign = "center";
  g.textBaseline = "middle";
  for (const { from, to } of gaps) {
    const left = x(from);
    const wide = Math.max(1, x(to) - left);
    g.fillStyle = color("faint");
    g.fillRect(left, top, wide, bottom - top);
    g.save();
    g.beginPath();
    g.rect(left, top, wide, bottom - top);
    g.clip();
    g.strokeStyle = color("line");
    g.beginPath();
    for (let at = left - (bottom - top); at < left + wide; at += 6) {
      g.moveTo(at, bottom);
      g.lineTo(at + bottom - top, top);
    }
    g.stroke();
    g.restore();
    if (wide < 44) continue;
    const label = duration(to - from);
    const room = g.measureText(label).width + 8;
    g.fillStyle = color("bg");
    g.fillRect(left + wide / 2 - room / 2, (top + bottom) / 2 - 8, room, 16);
    g.fillStyle = color("text");
    g.fillText(label, left + wide / 2, (top + bottom) / 2);
  }
}

// area fills list, a value for each bin, from base towards edge, up to the last that is not 0.
function area(g, { x }, bins, list, last, base, edge, fill, line) {
  while (last > 0 && list[last - 1] === 0) last--;
  let most = 0;
  for (let i = 0; i < last; i++) most = Math.max(most, list[i]);
  if (most === 0) return;
  const y = (v) => base + ((edge - base) * v) / most;
  g.beginPath();
  g.moveTo(x(bins.from), base);
  for (let i = 0; i < last; i++) {
    g.lineTo(x(bins.from + i * bins.width), y(list[i]));
    g.lineTo(x(bins.from + (i + 1) * bins.width), y(list[i]));
  }
  g.lineTo(x(bins.from + last * bins.width), base);
  g.fillStyle = fill;
  g.fill();
  if (!line) return;
  g.strokeStyle = line;
  g.stroke();
}

// path colours the lower edge by what the critical path waited for.
function path(g, { x, height, color }, links) {
  for (const l of links) {
    const left = x(l.from_ms);
    g.fillStyle = color(`b-${l.bucket}`);
    g.fillRect(left, height - EDGE, Math.max(0.5, x(l.to_ms) - left), EDGE);
  }
}

// linkAt is the link of the critical path at an instant.
const linkAt = (links, ms) => links.find((l) => l.from_ms <= ms && ms < l.to_ms);

// explain says in words what the strip shows at an instant: one line each.
export function explain(ms, { bins, gaps, links, mode }) {
  const lines = [];
  const gap = gaps.find((g) => g.from <= ms && ms <= g.to);
  const link = linkAt(links, ms);
  if (gap) {
    lines.push(`${duration(gap.to - gap.from)} without a request`);
    if (!link && mode === "run") lines.push("the command did its own work, or waited for what modtap does not see");
  } else {
    const i = Math.floor((ms - bins.from) / bins.width);
    const load = (bins.busy[i] ?? 0) / bins.width;
    lines.push(`${load.toFixed(load < 9.95 ? 1 : 0)} in flight · ${bytes(((bins.bytes[i] ?? 0) / bins.width) * 1000)}/s`, `averages over ${duration(bins.width)}`);
  }
  if (link) lines.push(`critical path: ${link.what}, mostly ${link.bucket}`);
  return lines;
}
