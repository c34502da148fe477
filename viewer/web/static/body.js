// The body of a request or of its answer, as text whatever it is, or the list of a zip.

import { api } from "./actions.js";
import { reason } from "./answers.js";
import { bytes, kind } from "./format.js";
import { tokens } from "./highlight.js";
import { html, useEffect, useMemo, useState } from "./html.js";
import { facts } from "./parts.js";
import { recording, source } from "./state.js";

const MOST = 256 << 10; // bytes of text that are shown
const FILES = 200; // files of a zip that are listed at first

// Body tells of one direction's body; of is "request" or "response".
export function Body({ x, of }) {
  const m = x[of] ?? {};
  const sizes = [m.mime, m.body_size > 0 && bytes(m.body_size), m.encoding, m.redacted && "secrets redacted"].filter(Boolean).join(", ");
  const rate = of === "response" ? throughput(x) : "";
  const about = [sizes, rate].filter(Boolean).join("; ");
  const kept = Boolean(m.kept || m.body_file) && Boolean(x.done);
  if (!kept) {
    const why = m.sha256 ? facts({ "SHA-256": m.sha256 }) : m.note ? html`<p class="dim">${m.note}</p>` : null;
    if (!about && !why) return null;
    return html`<p class="dim">${about}</p>${why}`;
  }
  const zip = of === "response" && (/\bzip\b/.test(m.mime ?? "") || /(^|-)zip$/.test(kind(x)));
  return html`
    <p class="dim">${about} <a class="chip" href=${api(`body/${x.id}`, of === "request" ? { of } : {})} download title="Save the body as a file">save</a></p>
    ${m.sha256 && facts({ "SHA-256": m.sha256 })}
    <${zip ? Zip : Text} key=${`${source.value} ${x.id} ${of}`} x=${x} of=${of} />`;
}

// throughput is how fast the body came; of less than a packet or two it says nothing.
function throughput(x) {
  const size = x.response?.body_size ?? 0;
  const { first_byte_ms: from, last_byte_ms: to } = x.server ?? {};
  if (!(to - from >= 1) || size < 10000) return "";
  return `${bytes(size / (to - from) * 1e3)}/s from first to last byte`;
}

// load asks for a body and resolves with {data} or {error}.
async function load(x, query, read) {
  try {
    const answer = await fetch(api(`body/${x.id}`, query));
    if (answer.status === 404) return { error: `modtap no longer has the body in memory${inHAR()}.` };
    if (!answer.ok) return { error: reason(await answer.text()) || `modtap answered ${answer.status}` };
    return { data: await read(answer) };
  } catch {
    return { error: `modtap does not answer${inHAR()}.` };
  }
}

// inHAR tells of the file where a body is, if there is one.
const inHAR = () => (recording.value ? `; it is in ${recording.value}` : "");

// useBody loads once for each component; null while it does.
function useBody(x, query, read) {
  const [got, set] = useState(null);
  useEffect(() => {
    let current = true;
    load(x, query, read).then((r) => { if (current) set(r); });
    return () => { current = false; };
  }, []);
  return got;
}

function Text({ x, of }) {
  const m = x[of];
  const got = useBody(x, of === "request" ? { of } : {}, async (answer) => ({
    bytes: new Uint8Array(await answer.arrayBuffer()),
    cut: answer.headers.has("X-Modtap-Cut"),
  }));
  const shown = useMemo(() => (got?.data ? coloured(got.data.bytes, got.data.cut, { mime: m.mime, kind: of === "response" ? kind(x) : "", url: x.url }) : null), [got]);
  return html`<pre tabindex="0" aria-label=${`Body of the ${of}`}>${got === null ? "…" : got.error ?? shown}</pre>`;
}

// coloured makes spans of the text in data, which goes on behind that when it was cut.
function coloured(data, goesOn, about) {
  const cut = data.subarray(0, MOST);
  const text = new TextDecoder().decode(cut);
  if (text.includes("\0")) return `${bytes(data.length)} that are not text`;
  const rest = data.length - cut.length;
  return [
    ...tokens(text, about).map(([word, piece]) => (word ? html`<span class=${`t-${word}`}>${piece}</span>` : piece)),
    rest > 0 && `\n… ${bytes(rest)} more: save it to see ${goesOn ? `the first ${bytes(data.length)} of it, unpacked; no more is unpacked here` : "all"}`,
  ];
}

function Zip({ x }) {
  const got = useBody(x, { as: "zip" }, (answer) => answer.json());
  const [all, setAll] = useState(false);
  if (got === null) return html`<p class="dim">…</p>`;
  if (got.error) return html`<p class="dim">${got.error}</p>`;
  const files = got.data.files ?? [];
  const total = got.data.of ?? files.length;
  const shown = all ? files : files.slice(0, FILES);
  const sum = files.reduce((n, f) => n + f.size, 0);
  return html`
    <p class="dim">${total.toLocaleString("en")} files${files.length === total ? `, ${bytes(sum)} when unpacked` : ""}</p>
    <div class="listing" tabindex="0" role="group" aria-label="Files in the zip">
      <table class="zip">
        <thead><tr><th scope="col">file</th><th scope="col" class="num">size</th><th scope="col" class="num">packed</th></tr></thead>
        <tbody>${shown.map((f) => html`<tr title=${f.modified ?? ""}><td>${f.name}</td><td class="num">${bytes(f.size)}</td><td class="num">${bytes(f.packed)}</td></tr>`)}</tbody>
      </table>
    </div>
    ${shown.length < files.length && html`<button type="button" class="chip" onclick=${() => setAll(true)}>show all ${files.length.toLocaleString("en")}</button>`}
    ${files.length < total && html`<p class="dim">${(total - files.length).toLocaleString("en")} more are not listed</p>`}`;
}
