// Which requests belong together: the second of a pair that go sends of every 4xx, the
// same file asked at the next entry of GOPROXY, its origin after that, and what a redirect
// led to.

const FILES = new Set(["list", "info", "mod", "zip", "latest"]);
const NONE = [];

export class Links {
  constructor(byID) {
    this.byID = byID;
    this.next = new Map(); // id to the rows whose parent it is
    this.lookups = []; // requests to the checksum database for a module
    this.files = new Map(); // file of a module to the rows that asked for it, one row or a list
    this.modules = new Map(); // module to the rows that asked an entry of GOPROXY for a file of it
    this.under = new Map(); // path to the modules at it and below it, which are in its repository if it is one
    this.origins = new Map(); // module or repository to the rows that asked where it comes from
  }

  // add takes a row that is new.
  add(row) {
    put(this.next, row.x.parent, row);
    row.parent = row.x.parent;
    if (row.x.go?.kind === "sumdb-lookup") this.lookups.push(row);
    const file = fileOf(row.x);
    if (!file) {
      put(this.origins, originOf(row.x), row);
      return;
    }
    put(this.files, file, row);
    const { module } = row.x.go;
    if (this.modules.has(module)) this.modules.get(module).push(row); // may be thousands: in no order
    else {
      this.modules.set(module, [row]);
      for (const path of lineage(module)) {
        if (this.under.has(path)) this.under.get(path).push(module);
        else this.under.set(path, [module]);
      }
    }
  }

  // update takes a row whose exchange is another one.
  update(row) {
    if (row.parent === row.x.parent) return;
    put(this.next, row.x.parent, row);
    row.parent = row.x.parent;
  }

  // children are the rows that follow a request, in the order of ids.
  children(id) {
    return get(this.next, id).filter((row) => row.x.parent === id);
  }

  // first is the request of which row is the repetition: go sends each one again that a
  // 4xx answered. null: it is no repetition.
  first(row) {
    const p = row.x.parent ? this.byID.get(row.x.parent) : undefined;
    return p && p.x.status >= 400 && p.x.status < 500 && p.x.url === row.x.url && p.x.method === row.x.method ? p : null;
  }

  // again is the repetition of row, or null.
  again(row) {
    const x = row.x;
    if (!(x.status >= 400 && x.status < 500)) return null;
    return get(this.next, x.id).find((r) => this.first(r) === row) ?? null;
  }

  // chain is what GOPROXY's entries were asked for the same file, one after the other
  // because the one before said 404 or 410: a row of each, the first request of a pair.
  // Of a file that was asked at one place only, it is empty.
  chain(row) {
    const file = fileOf(row.x);
    const all = file ? get(this.files, file) : NONE;
    if (all.length < 2) return NONE;
    let chain = [];
    let bases = [];
    for (const r of all) {
      if (this.first(r)) continue;
      const last = chain.at(-1);
      const base = baseOf(r.x);
      if (last && !(missing(last.x) && !bases.includes(base) && r.at >= last.at + last.took(Infinity) - 0.001)) {
        if (chain.length > 1 && this.holds(chain, row)) return chain;
        chain = [];
        bases = [];
      }
      chain.push(r);
      bases.push(base);
    }
    return chain.length > 1 && this.holds(chain, row) ? chain : NONE;
  }

  holds(chain, row) {
    return chain.includes(row) || chain.includes(this.first(row));
  }

  // refused is the last answer of GOPROXY's entries that they do not have a module, when
  // row is the first to go to the module's origin after it, as "direct" has it; or null.
  refused(row) {
    const origin = originOf(row.x);
    if (!origin) return null;
    let last = null;
    for (const module of isRepo(row.x) ? this.under.get(origin) ?? NONE : [origin]) {
      for (const r of this.modules.get(module) ?? NONE) {
        if (missing(r.x) && ended(r) <= row.at + 0.001 && (!last || ended(r) > ended(last) || (ended(r) === ended(last) && r.id > last.id))) last = r;
      }
    }
    if (!last) return null;
    return this.asked(last.x.go.module).find((r) => r.at >= ended(last) - 0.001) === row ? last : null;
  }

  // asked are the rows that asked where a module comes from: its own page, and the
  // repositories that it may be in, as github.com/x/y of github.com/x/y/v2. In the order of ids.
  asked(module) {
    const out = [];
    for (const path of lineage(module)) {
      for (const r of get(this.origins, path)) {
        if (path === module || isRepo(r.x)) out.push(r);
      }
    }
    return out.sort((a, b) => a.id - b.id);
  }

  // direct is the request to the origin that followed row; null: none did.
  direct(row) {
    if (!missing(row.x) || !fileOf(row.x)) return null;
    const next = this.asked(row.x.go.module).find((r) => r.at >= ended(row) - 0.001); // no later one is the first
    return next && this.refused(next) === row ? next : null;
  }

  // before is the request that row follows in the table, and how: {row, how, word}, of
  // which how is pair, chain or direct; null: it stands alone.
  before(row) {
    const first = this.first(row);
    if (first) return { row: first, how: "pair", word: "again" };
    const refused = this.refused(row);
    if (refused) return { row: refused, how: "direct", word: "direct" };
    const chain = this.chain(row);
    const i = chain.indexOf(row);
    if (i <= 0) return null;
    const last = chain[i - 1];
    return { row: this.again(last) ?? last, how: "chain", word: `fallback ${i + 1}/${chain.length}` };
  }

  // after is what follows row in the table, as before says it of the other.
  after(row) {
    const again = this.again(row);
    if (again) return again;
    const chain = this.chain(row);
    const i = chain.indexOf(this.first(row) ?? row);
    return i >= 0 && i + 1 < chain.length ? chain[i + 1] : this.direct(row);
  }
}

const missing = (x) => x.status === 404 || x.status === 410;
const ended = (row) => row.at + row.took(Infinity);
const isRepo = (x) => x.go?.kind === "git-info-refs";

// lineage is a module's path and all that it lies below, the longest first. What ends in
// .git, as a repository may, is called without, as originOf calls it.
function lineage(module) {
  const out = [module];
  for (let path = module; path; path = path.slice(0, Math.max(path.lastIndexOf("/"), 0))) {
    const plain = path.replace(/\.git$/, "");
    if (plain !== module) out.push(plain);
  }
  return out;
}

// fileOf names the file of a module that an entry of GOPROXY was asked for, "" when it is
// something else.
function fileOf(x) {
  const go = x.go;
  if (!go?.module || !FILES.has(go.kind)) return "";
  return `${go.kind} ${go.module}@${go.version ?? ""}`;
}

// originOf names the module or the repository whose origin a request asks, "" when it asks
// for something else. Of go-get, module is an import path, which may be that of a package.
function originOf(x) {
  const go = x.go;
  if (go?.kind === "go-get") return go.module ?? "";
  return isRepo(x) ? (go.repo ?? "").replace(/^\w+:\/\//, "").replace(/\.git$/, "") : "";
}

// baseOf is the entry of GOPROXY that a request went to: its URL before the module.
function baseOf(x) {
  const escaped = x.go.module.replace(/[A-Z]/g, (c) => `!${c.toLowerCase()}`);
  const i = x.url.indexOf(`/${escaped}/@`);
  return i < 0 ? x.url : x.url.slice(0, i);
}

function put(map, key, row) {
  if (!key) return;
  const old = map.get(key);
  if (old === undefined) map.set(key, row);
  else if (!Array.isArray(old)) map.set(key, old.id < row.id ? [old, row] : [row, old]);
  else {
    let i = old.length;
    while (i > 0 && old[i - 1].id > row.id) i--;
    old.splice(i, 0, row);
  }
}

function get(map, key) {
  const rows = map.get(key);
  return rows === undefined ? NONE : Array.isArray(rows) ? rows : [rows];
}
