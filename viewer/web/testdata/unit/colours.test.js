// The colours of style.css, by numbers: contrast of text after WCAG 2.2, and the distance
// of the phases' colours for every kind of colour vision.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../static/style.css", import.meta.url), "utf8");

// tokens reads the colours of a scheme; the dark one changes some of the light one's.
function tokens(scheme) {
  const read = (text) => Object.fromEntries([...text.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})\b/gi)].map((m) => [m[1], m[2]]));
  const [light, dark] = css.split("@media (prefers-color-scheme: dark)");
  const first = read(light);
  return scheme === "light" ? first : { ...first, ...read(dark.slice(0, dark.indexOf("\n}\n"))) };
}

const channels = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255);
const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);

function contrast(a, b) {
  const light = (hex) => channels(hex).map(linear).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}

// Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB.
const VISION = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
};

// lab is CIE L*a*b* (D65) of a colour as someone with that vision sees it.
function lab(hex, vision) {
  const rgb = channels(hex).map(linear);
  const seen = VISION[vision].map((row) => Math.min(Math.max(row.reduce((s, v, i) => s + v * rgb[i], 0), 0), 1));
  const [r, g, b] = seen;
  const xyz = [(0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047, 0.2126729 * r + 0.7151522 * g + 0.0721750 * b, (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883];
  const [x, y, z] = xyz.map((t) => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 * t + 16) / 116));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const distance = (a, b, vision) => {
  const [p, q] = [lab(a, vision), lab(b, vision)];
  return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]); // CIE76
};

const TEXT = ["text", "dim", "accent", "bad", "warn", "good", "code-number"];
const PHASES = ["dns", "connect", "tls", "send", "wait", "receive", "queue", "fail"];
const GROUNDS = ["bg", "raised", "faint", "picked", "bad-bg"];

for (const scheme of ["light", "dark"]) {
  const c = tokens(scheme);

  test(`${scheme}: text has a contrast of 4.5 on every ground`, () => {
    for (const t of TEXT) {
      for (const g of GROUNDS) {
        assert.ok(c[t] && c[g], `${t} on ${g}: no such colour`);
        const k = contrast(c[t], c[g]);
        assert.ok(k >= 4.5, `--${t} on --${g}: ${k.toFixed(2)}`);
      }
    }
    assert.ok(contrast(c.bg, c.accent) >= 4.5, "the skip link");
  });

  // 2.3 is what one just sees side by side; the height of a bar tells phases apart too.
  test(`${scheme}: all phases differ, for every vision`, () => {
    for (const vision of Object.keys(VISION)) {
      PHASES.forEach((a, i) => PHASES.slice(i + 1).forEach((b) => {
        const d = distance(c[a], c[b], vision);
        assert.ok(d >= 10, `${vision}: --${a} and --${b} differ by ${d.toFixed(1)}`);
      }));
    }
  });

  test(`${scheme}: neighbours in a bar differ clearly`, () => {
    for (const vision of Object.keys(VISION)) {
      for (const [a, b] of [["dns", "connect"], ["connect", "tls"], ["tls", "send"], ["send", "wait"], ["wait", "receive"], ["receive", "fail"]]) {
        const d = distance(c[a], c[b], vision);
        assert.ok(d >= 18, `${vision}: --${a} and --${b} differ by ${d.toFixed(1)}`);
      }
    }
  });

  // What failed must be seen as a shape, 3:1 after WCAG 1.4.11. The phases need not: queue
  // and wait are pale so that the download stands out, and their numbers are text.
  test(`${scheme}: a bar can be seen on the ground of its row`, () => {
    for (const g of ["bg", "picked"]) {
      for (const p of PHASES) assert.ok(contrast(c[p], c[g]) >= 1.6, `--${p} on --${g}: ${contrast(c[p], c[g]).toFixed(2)}`);
      for (const p of ["fail", "receive"]) assert.ok(contrast(c[p], c[g]) >= 3, `--${p} on --${g}: ${contrast(c[p], c[g]).toFixed(2)}`);
    }
  });
}
