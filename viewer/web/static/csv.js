// Tables as text. What is in them was recorded from somewhere that modtap does not trust,
// and a spreadsheet takes a cell that begins like a formula for one.

const FORMULA = /^[=+\-@\t\r]/;

// plain is a value as it stands in a cell. Texts that a spreadsheet would calculate get an
// apostrophe in front; numbers are ours and stay what they are.
function plain(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return "";
  if (typeof value === "number") return String(value);
  const text = String(value);
  return FORMULA.test(text) ? `'${text}` : text;
}

// csv writes one line of RFC 4180.
export function csv(cells) {
  const quote = (text) => (/[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text);
  return `${cells.map((c) => quote(plain(c))).join(",")}\r\n`;
}

// tsv writes one line to be pasted into a spreadsheet. It has no quotes, so what would
// break a cell becomes a space.
export function tsv(cells) {
  return `${cells.map((c) => plain(c).replace(/[\t\r\n]+/g, " ")).join("\t")}\n`;
}
