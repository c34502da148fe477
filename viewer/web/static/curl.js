// A request as a curl command for a POSIX shell. Everything in it was recorded from
// somewhere that modtap does not trust, and the command will be pasted: what a shell or
// curl would take for more than text is quoted or left out.

import { isRedacted } from "./format.js";

const NAME = /^[\w!#$%&'*+.^`|~-]+$/; // of a header or a method, RFC 9110
const OWN = new Set(["connection", "proxy-connection", "proxy-authorization", "content-length", "transfer-encoding", "keep-alive", "te", "upgrade"]);

// quote writes a word so that a POSIX shell takes it as it is.
export const quote = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

// curl returns {text} with the command that sends x again, or {error} with the reason why
// there is none. Comments before the command name the headers that are left out.
export function curl(x) {
  if (x.method !== "GET" && x.method !== "HEAD") return { error: "only GET and HEAD can be sent again: the body of this request is not kept in a command" };
  if (!/^https?:\/\/[^/?#]/i.test(x.url) || hasControls(x.url)) return { error: "this address is none that curl should ask for" };
  const words = ["curl", "--globoff"]; // [ and { are text
  if (x.method === "HEAD") words.push("--head");
  if (x.proto === "HTTP/1.1") words.push("--http1.1");
  const hidden = [];
  for (const { name, value } of x.request?.header ?? []) {
    if (OWN.has(name.toLowerCase())) continue; // of the connection, not of the request
    if (!NAME.test(name) || hasControls(value)) continue;
    if (isRedacted(value)) {
      hidden.push(name);
      continue;
    }
    if (name.toLowerCase() === "accept-encoding") words.push("--compressed"); // it is decoded, too
    words.push("-H", quote(value === "" ? `${name};` : `${name}: ${value}`));
  }
  const lines = [];
  if (hidden.length) lines.push(`# left out, because their values are redacted: ${[...new Set(hidden)].filter(isPlain).join(" ")}`);
  if (isRedacted(x.url)) lines.push("# parts of the address are redacted: put yours in their place");
  words.push("--url", quote(x.url));
  return { text: [...lines, words.join(" ")].join("\n") };
}

// hasControls is whether a text has characters that could end a line or a header.
function hasControls(text) {
  for (const c of text) {
    const n = c.codePointAt(0);
    if (n < 32 || n === 127) return true;
  }
  return false;
}

// isPlain is whether a header's name may stand in a comment: a shell that does not know
// comments would take the rest for words.
const isPlain = (name) => /^[\w-]+$/.test(name);
