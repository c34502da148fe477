// The pane with everything that is known of one request.

import { $, h, span } from "./dom.js";
import { bytes, duration, failed, fullName, isRedacted, kind, name, plural, status } from "./format.js";
import { segments, timings } from "./marks.js";

const MAX_BODY = 256 << 10; // bytes that are shown
const WORDS = { blocked: "queue", tls: "tls", proxy: "parent proxy" };

export class Details {
  // go is called with the id of another request that was clicked, close when done.
  constructor(store, go, close) {
    this.store = store;
    this.go = go;
    this.close = close;
    this.pane = $("details");
    this.shown = null;
  }

  // render shows the request with id, or nothing; it does nothing if that is shown already.
  render(id) {
    const row = this.store.byID.get(id);
    this.pane.hidden = !row;
    if (!row) {
      this.shown = null;
      return;
    }
    const conn = this.store.conns.get(row.x.conn);
    const tunnel = this.store.tunnels.get(row.x.tunnel);
    const key = [row.x, conn, tunnel, row.stale];
    if (this.shown && key.every((v, i) => v === this.shown[i])) return;
    const same = this.shown?.[0].id === row.x.id;
    const at = same ? this.pane.scrollTop : 0;
    this.shown = key;
    const x = row.x;
    this.pane.replaceChildren(...[
      this.title(x),
      h("p", { class: "url" }, x.url),
      x.error ? h("p", { class: "error" }, x.error.msg.startsWith(x.error.op) ? null : h("b", {}, `${x.error.op} `), x.error.msg) : null,
      row.stale ? h("p", { class: "note" }, "The end of this request was lost: the page fell behind.") : null,
      this.links(x),
      this.timing(row),
      section("Connection", connection(x, conn, tunnel)),
      section("Go", facts({ module: x.go?.module, version: x.go?.version, repository: x.go?.repo, detail: x.go?.extra })),
      this.body(x),
      section("Response", headers(x.response)),
      section("Request", headers(x.request)),
    ].filter(Boolean));
    this.pane.scrollTop = at;
  }

  title(x) {
    const n = name(x);
    return h("header", {},
      h("span", { class: "dim" }, `#${x.id}`),
      h("span", { class: failed(x) ? "status bad" : "status" }, status(x)),
      h("span", { class: "dim" }, kind(x) === x.method.toLowerCase() ? x.method : `${x.method} ${kind(x)}`),
      h("button", { type: "button", class: "close", title: "Close (Esc)", "aria-label": "Close", onclick: this.close }, "×"),
      h("h2", {}, h("span", { class: "dim" }, n.head), n.tail, n.version ? h("span", { class: "version" }, `@${n.version}`) : null));
  }

  // links lead to the requests before and after this one, and name what modtap did to it.
  links(x) {
    const to = (id, words) => h("a", { href: `#x=${id}`, onclick: (e) => { e.preventDefault(); this.go(id); } }, words);
    const list = [];
    if (x.parent) list.push(h("p", {}, "follows ", to(x.parent, `#${x.parent}`), this.why(x)));
    for (const f of this.store.followers(x.id)) list.push(h("p", {}, "led to ", to(f.id, `#${f.id} ${fullName(f)}`)));
    for (const f of this.store.findings.values()) {
      if (f.evidence?.includes(x.id)) list.push(h("p", {}, `${f.severity}: ${f.title}`));
    }
    if (x.rules?.length) list.push(h("p", {}, `changed by ${x.rules.join(", ")}`));
    if (x.sent_to) list.push(h("p", {}, `sent to ${x.sent_to}`));
    if (x.resent) list.push(h("p", {}, `sent again ${plural(x.resent, "time")} on another connection`));
    return list.length ? h("div", { class: "links" }, list) : null;
  }

  why(x) {
    const before = this.store.byID.get(x.parent)?.x;
    if (!before) return "";
    if (before.status >= 300 && before.status < 400) return ", which redirected here";
    return before.url === x.url ? ", the same request: go sends every 4xx twice" : "";
  }

  timing(row) {
    const marks = row.marks(this.store.now);
    const t = timings(marks);
    const list = segments(marks);
    const total = Math.max(marks.end_ms, 0.001);
    const sent = list.find((s) => s.phase === "send");
    const lines = [];
    const line = (phase, ms, pieces, look = phase) => {
      const bars = pieces.map(([from, to]) => {
        const bar = h("i", { class: `seg ${look}` });
        span(bar, from / total, (to - from) / total);
        return bar;
      });
      lines.push(h("tr", {}, h("th", {}, WORDS[phase] ?? phase), h("td", { class: "num" }, duration(ms)), h("td", { class: "track" }, bars)));
    };
    if (t.blocked - t.proxy > 0) line("blocked", t.blocked - t.proxy, gaps(list, sent ? sent.from : total), "queue");
    const broken = row.x.error && list.findLast((s) => s.to > s.from);
    for (const s of list) line(s.phase, s.to - s.from, [[s.from, s.to]], s === broken ? `${s.phase} fail` : s.phase);
    lines.push(h("tr", { class: "total" }, h("th", {}, row.inFlight ? "so far" : "total"), h("td", { class: "num" }, duration(marks.end_ms)), h("td")));
    const x = row.x;
    const c = x.client ?? {};
    const some = (ms) => (ms > 0 ? duration(ms) : undefined);
    return section("Server", h("table", { class: "phases" }, lines),
      h("h3", {}, "Client"),
      facts({
        "headers read": at(c.got_conn_ms),
        "first byte given": at(c.first_byte_ms),
        "last byte given": at(c.last_byte_ms),
        "done": at(c.end_ms),
      }) ?? h("p", { class: "dim" }, "nothing has been given to the client"),
      facts({
        "waited for the server": some(x.server_blocked_ms),
        "held by the client": some(x.client_blocked_ms),
        "modtap's own time": some(x.overhead_ms),
        "delay added by rules": some(x.injected_ms),
      }));
  }

  // body loads what was kept of the response's body, as text whatever it is.
  body(x) {
    const m = x.response ?? {};
    const size = m.body_size > 0 ? bytes(m.body_size) : "";
    const about = [m.mime, size, m.encoding, m.redacted ? "secrets redacted" : ""].filter(Boolean).join(", ");
    if (!m.kept) {
      const why = m.sha256 ? facts({ "SHA-256": m.sha256 }) : m.note ? h("p", { class: "dim" }, m.note) : null;
      return about || why ? section("Body", h("p", { class: "dim" }, about), why) : null;
    }
    const pre = h("pre", {}, "…");
    loadBody(x.id, pre);
    return section("Body", h("p", { class: "dim" }, about), pre);
  }
}

// gaps are the pieces of the time until end that no phase covers.
function gaps(list, end) {
  const pieces = [];
  let cursor = 0;
  for (const { from, to } of [...list, { from: end, to: end }]) {
    if (Math.min(from, end) > cursor) pieces.push([cursor, Math.min(from, end)]);
    cursor = Math.max(cursor, to);
  }
  return pieces;
}

// at writes an instant; 0 did not happen, and a mark of some nanoseconds is the start itself.
const at = (ms) => (ms > 0 ? (ms < 0.01 ? "at once" : `after ${duration(ms)}`) : undefined);

async function loadBody(id, pre) {
  let data;
  try {
    const answer = await fetch(`/api/body/${id}`);
    if (!answer.ok) {
      pre.textContent = "modtap no longer has it in memory; it is in the HAR file.";
      return;
    }
    data = new Uint8Array(await answer.arrayBuffer());
  } catch {
    pre.textContent = "modtap has stopped; the body is in the HAR file.";
    return;
  }
  const cut = data.subarray(0, MAX_BODY);
  const text = new TextDecoder().decode(cut);
  if (text.includes("\0")) {
    pre.textContent = `${bytes(data.length)} that are not text`;
    return;
  }
  pre.textContent = text + (cut.length < data.length ? `\n… ${bytes(data.length - cut.length)} more in the HAR file` : "");
}

function section(title, ...content) {
  if (content.every((c) => c === null)) return null;
  return h("section", {}, h("h3", {}, title), ...content);
}

// facts is a list of names and values without those that are not known; null when empty.
function facts(of) {
  const known = Object.entries(of).filter(([, v]) => v !== undefined && v !== null && v !== "");
  if (known.length === 0) return null;
  return h("dl", { class: "facts" }, known.flatMap(([k, v]) => [h("dt", {}, k), h("dd", {}, String(v))]));
}

function connection(x, conn, tunnel) {
  if (!conn) {
    const f = facts({ remote: x.remote, protocol: x.proto, tunnel: tunnel && `${tunnel.target} (${tunnel.kind})` });
    return f ?? h("p", { class: "dim" }, "no connection to a server was used");
  }
  const tls = conn.tls;
  const failedDials = (conn.dials ?? []).filter((d) => d.error).map((d) => `${d.addr}: ${d.error}`);
  return [facts({
    connection: `#${conn.id}, ${plural(conn.exchanges, "request")}`,
    reused: x.server?.reused ? "yes" : "no, opened for this request",
    remote: conn.remote || x.remote,
    "parent proxy": conn.via,
    protocol: x.proto,
    addresses: conn.addrs?.length > 1 ? conn.addrs.join(", ") : undefined,
    "failed attempts": failedDials.join("\n") || undefined,
    TLS: tls && `${tls.version}, ${tls.suite}${tls.curve ? `, ${tls.curve}` : ""}${tls.resumed ? ", resumed" : ""}`,
    ALPN: tls && (tls.alpn || "none"),
    certificate: tls?.subject,
    issuer: tls?.issuer,
    "does not verify": tls?.verdict,
    error: conn.error && `${conn.error.op}: ${conn.error.msg}`,
    "closed by": conn.closed,
    client: tunnel?.agent,
  })];
}

function headers(m) {
  const lines = [...(m?.header ?? []), ...(m?.trailer ?? [])];
  if (lines.length === 0) return null;
  return h("table", { class: "headers" }, lines.map(({ name, value }) =>
    h("tr", {}, h("th", {}, name), h("td", isRedacted(value) ? { class: "redacted" } : {}, value))));
}
