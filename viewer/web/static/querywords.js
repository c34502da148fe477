// The words that the filter language knows: the tables of step.go and values.go of
// recorder/query, as they stand there.

// values are words that need no explanation.
export const values = (...list) => list.map((text) => ({ text, about: "" }));

// STEPS has what each step of a go command is.
export const STEPS = [
  { text: "resolve", about: "which versions there are: list, info, latest, go-get" },
  { text: "mod", about: "go.mod files" },
  { text: "sumdb", about: "the checksum database" },
  { text: "zip", about: "sources, from a storage host too" },
  { text: "toolchain", about: "a Go toolchain, all of it" },
  { text: "vcs", about: "git, hg, svn, bzr, fossil" },
  { text: "other", about: "all else" },
];

// KINDS has every kind, and what it asks for.
export const KINDS = [
  { text: "list", about: "the versions of a module" },
  { text: "info", about: "a version and its time" },
  { text: "mod", about: "a go.mod file" },
  { text: "zip", about: "a module's source" },
  { text: "latest", about: "a module's newest version" },
  { text: "sumdb-supported", about: "whether the proxy passes on the checksum database" },
  { text: "sumdb-latest", about: "the checksum database's newest tree" },
  { text: "sumdb-lookup", about: "a module's checksums" },
  { text: "sumdb-tile", about: "a part of the checksum database's tree" },
  { text: "toolchain-list", about: "which Go toolchains there are" },
  { text: "toolchain-info", about: "a Go toolchain's time" },
  { text: "toolchain-mod", about: "a Go toolchain's go.mod" },
  { text: "toolchain-zip", about: "a Go toolchain" },
  { text: "storage-zip", about: "a zip from where the proxy sent the command" },
  { text: "go-get", about: "the page that says where a module's repository is" },
  { text: "git-info-refs", about: "git: branches and tags" },
  { text: "git-upload-pack", about: "git: commits and files" },
  { text: "repo-probe", about: "a repository's page, after git failed" },
  { text: "connect", about: "a tunnel that failed before any request" },
  { text: "telemetry", about: "Go telemetry" },
  { text: "vulndb", about: "the vulnerability database" },
  { text: "hg", about: "Mercurial" },
  { text: "svn", about: "Subversion" },
  { text: "bzr", about: "Bazaar" },
  { text: "fossil", about: "Fossil" },
  { text: "other", about: "nothing of the go command's" },
];

// FAMILIES has the names of several kinds together.
export const FAMILIES = [
  { text: "module", about: "list, info, mod, zip and latest" },
  { text: "sumdb", about: "all of the checksum database" },
  { text: "git", about: "all of git, and repo-probe" },
  { text: "toolchain", about: "all of Go toolchains" },
  { text: "storage", about: "storage-zip" },
  { text: "vcs", about: "hg, svn, bzr and fossil" },
];

// STATUSES are those that are asked for most.
export const STATUSES = [
  { text: "4xx", about: "refused or not there" },
  { text: "5xx", about: "the server failed" },
  { text: "404", about: "not there" },
  { text: "410", about: "gone, or not allowed" },
  { text: ">=400", about: "refused, or the server failed" },
  { text: "2xx", about: "answered" },
  { text: "3xx", about: "sent elsewhere, or not changed" },
  { text: "error", about: "no answer, or one that was cut short" },
  { text: "pending", about: "still in flight" },
];

// TRAITS are what may be true of a request.
export const TRAITS = [
  { text: "failed", about: "an error, a status from 400 on, or no answer" },
  { text: "pending", about: "still in flight" },
  { text: "reused", about: "on a connection that was open already" },
  { text: "first", about: "opened its connection" },
  { text: "doubled", about: "the second request of a 4xx, which go sends twice" },
  { text: "redirected", about: "answered with where to go instead" },
  { text: "redacted", about: "secrets were taken out of its URL or a body" },
  { text: "kept", about: "the answer's body is in the recording" },
  { text: "slow-client", about: "the command did not take the bytes that were there" },
];

// OPERATIONS are what an error may have happened in.
export const OPERATIONS = values("dns", "dial", "proxy", "tls", "write", "read", "timeout", "canceled", "client-tls", "redirect", "rule");

export const SPANS = values(">100ms", ">1s", ">10s", "<50ms", "1s..2s");
export const SIZES = values(">1MB", ">10MB", ">100kB", "<1kB", "1MB..10MB", "0");

// GROUPS has the family and the step of each kind; of another kind: none, and other.
const GROUPS = new Map();
const group = (family, step, ...list) => list.forEach((k) => GROUPS.set(k, { family, step }));
group("module", "resolve", "list", "info", "latest");
group("module", "mod", "mod");
group("module", "zip", "zip");
group("storage", "zip", "storage-zip");
group("sumdb", "sumdb", "sumdb-supported", "sumdb-latest", "sumdb-lookup", "sumdb-tile");
group("toolchain", "toolchain", "toolchain-list", "toolchain-info", "toolchain-mod", "toolchain-zip");
group("", "resolve", "go-get");
group("git", "vcs", "git-info-refs", "git-upload-pack", "repo-probe");
group("vcs", "vcs", "hg", "svn", "bzr", "fossil");

// kindOf is the kind of an exchange; what was not recognised is other.
export const kindOf = (x) => x.go?.kind || "other";

// familyOf is the family of a kind, "" when it has none.
export const familyOf = (k) => GROUPS.get(k)?.family ?? "";

// stepOf is the step of a go command that an exchange belongs to.
export const stepOf = (x) => GROUPS.get(kindOf(x))?.step ?? "other";
