// Words of a body with what they are, for colours. Nothing here makes elements: a token is
// [kind, text], and what a page shows of it is text in a span.

const VERBS = new Set(["module", "go", "toolchain", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore"]);
const DEEPEST = 40; // levels of JSON that are indented; deeper ones stay at that column
const LONGEST = 1 << 19; // characters that indenting may make of a JSON text

// goMod cuts a go.mod or go.work file into tokens: verb, path, version, comment, string,
// mark. Put together again they are the text.
export function goMod(text) {
  const tokens = [];
  let first = true; // at the first word of a line
  let block = false; // inside of ( )
  let verb = "";
  for (const [word] of text.matchAll(/\n|[^\S\n]+|\/\/[^\n]*|"(?:\\[^\n]|[^"\\\n])*"?|`[^`]*`?|=>|[()[\],]|(?:(?!\/\/|=>)[^\s()[\],"`])+/g)) {
    let kind = "";
    if (word === "\n") {
      first = true;
    } else if (/^\s/.test(word)) {
      tokens.push(["", word]);
      continue;
    } else if (word.startsWith("//")) {
      kind = "comment";
    } else if (first && !block && (VERBS.has(word) || word === "use")) {
      kind = "verb";
      verb = word;
      first = false;
    } else {
      kind = wordKind(word, verb);
      if (word === "(") block = true;
      if (word === ")") block = false;
      first = false;
    }
    tokens.push([kind, word]);
  }
  return joined(tokens);
}

// wordKind says what a word is that is no comment and does not begin a line.
function wordKind(word, verb) {
  if (/^["`]/.test(word)) return "string";
  if (/^([()[\],]|=>)$/.test(word)) return "mark";
  if (/^v\d/.test(word) || ((verb === "go" || verb === "toolchain") && /\d/.test(word))) return "version";
  return "path";
}

// json cuts a JSON text into tokens (key, string, number, word, mark) and puts it on lines
// with two spaces a level. Strings and numbers stay as they were written. It returns null
// for what is no JSON, or would become too long.
export function json(text) {
  try {
    JSON.parse(text);
  } catch { // no JSON, or nested too deeply for the parser
    return null;
  }
  const tokens = [];
  const words = [...text.matchAll(/"(?:\\.|[^"\\])*"|[-+.\w]+|[[\]{}:,]/g)].map(([w]) => w);
  let level = 0;
  let length = 0;
  const put = (kind, word) => { tokens.push([kind, word]); length += word.length; };
  const line = () => put("", `\n${"  ".repeat(Math.min(level, DEEPEST))}`);
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (length > LONGEST) return null;
    if (word === "{" || word === "[") {
      put("mark", word);
      if (words[i + 1] === (word === "{" ? "}" : "]")) {
        put("mark", words[++i]);
      } else {
        level++;
        line();
      }
    } else if (word === "}" || word === "]") {
      level--;
      line();
      put("mark", word);
    } else if (word === ",") {
      put("mark", word);
      line();
    } else if (word === ":") {
      put("mark", ": ");
    } else {
      put(word.startsWith('"') ? (words[i + 1] === ":" ? "key" : "string") : /^[a-z]/.test(word) ? "word" : "number", word);
    }
  }
  return joined(tokens);
}

// joined puts neighbours of a kind together, so that fewer elements are made of them.
function joined(tokens) {
  const list = [];
  for (const [kind, text] of tokens) {
    const last = list.at(-1);
    if (last && last[0] === kind) last[1] += text;
    else list.push([kind, text]);
  }
  return list;
}

// tokens cuts the text of a body by what it is: of go.mod and JSON into their words,
// anything else stays one piece. Only the first most tokens are told apart: each becomes an
// element, and the page must not stand still for a colour.
export function tokens(text, { mime = "", kind = "", url = "" }, most = 4000) {
  let list = null;
  if (/(^|-)mod$/.test(kind) || /\.mod(\?|$)/.test(url)) list = goMod(text);
  else if (/[/+]json\b/i.test(mime) || /(^|-)(info|latest)$/.test(kind) || /^\s*[{[]/.test(text)) list = json(text);
  list ??= [["", text]];
  if (list.length <= most) return list;
  return [...list.slice(0, most), ["", list.slice(most).map(([, t]) => t).join("")]];
}
