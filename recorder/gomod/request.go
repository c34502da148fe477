// Package gomod says what a request of the go command (or of the git under it) means:
// which file of which module at which version. It is pure: no I/O, no clock, no state.
//
// What must never happen here: guessing. A request that does not match a known shape is
// Other, without a module.
package gomod

import (
	"cmp"
	"strings"
)

// A Kind names what a request asks for.
type Kind string

// The kinds of requests, in the words that filters, rules and reports use.
const (
	Connect        Kind = "connect" // a CONNECT that failed before any request
	List           Kind = "list"
	Info           Kind = "info"
	Mod            Kind = "mod"
	Zip            Kind = "zip"
	Latest         Kind = "latest"
	SumdbSupported Kind = "sumdb-supported"
	SumdbLatest    Kind = "sumdb-latest"
	SumdbLookup    Kind = "sumdb-lookup"
	SumdbTile      Kind = "sumdb-tile"
	ToolchainList  Kind = "toolchain-list"
	ToolchainInfo  Kind = "toolchain-info"
	ToolchainMod   Kind = "toolchain-mod"
	ToolchainZip   Kind = "toolchain-zip"
	StorageZip     Kind = "storage-zip" // the storage host that a zip was redirected to
	GoGet          Kind = "go-get"      // ?go-get=1
	GitInfoRefs    Kind = "git-info-refs"
	GitUploadPack  Kind = "git-upload-pack"
	// RepoProbe is the plain GET of a repository's URL right after its info/refs failed
	// (cmd/go/internal/modfetch/codehost/git.go). Only a caller that remembers the
	// failure can tell it from any other page, so Classify never returns it.
	RepoProbe Kind = "repo-probe"
	Telemetry Kind = "telemetry"
	VulnDB    Kind = "vulndb"
	Hg        Kind = "hg"
	Svn       Kind = "svn"
	Bzr       Kind = "bzr"
	Fossil    Kind = "fossil"
	Other     Kind = "other"
)

// Step returns the group that summaries count k under: connect, list, latest, info, mod,
// zip (the storage host's half of a redirected zip included), toolchain, sumdb, go-get,
// git, vcs (hg, svn, bzr, fossil), telemetry, vulndb, or other for everything else.
func (k Kind) Step() string {
	switch k {
	case Connect, List, Latest, Info, Mod, GoGet, Telemetry, VulnDB:
		return string(k)
	case Zip, StorageZip:
		return "zip"
	case ToolchainList, ToolchainInfo, ToolchainMod, ToolchainZip:
		return "toolchain"
	case SumdbSupported, SumdbLatest, SumdbLookup, SumdbTile:
		return "sumdb"
	case GitInfoRefs, GitUploadPack, RepoProbe:
		return "git"
	case Hg, Svn, Bzr, Fossil:
		return "vcs"
	}
	return "other"
}

// A Request is the meaning of one HTTP request.
type Request struct {
	Kind Kind `json:"kind,omitempty"`
	// Module is the decoded module path, as in go.mod. Of a GoGet it is the import path
	// that was asked about, which may be a package below a module.
	Module  string `json:"module,omitempty"`
	Version string `json:"version,omitempty"` // decoded; a branch or hash where the go command asked for one
	Repo    string `json:"repo,omitempty"`    // git and its like: host and path of the repository as on the wire, ".git" kept
	// Extra is the database's name of a sumdb request, followed for a SumdbTile by a
	// space and the tile's path ("sum.golang.org tile/8/0/x001/234.p/5"); of a toolchain
	// it is the release and the platform ("go1.27.4 windows-amd64"). Of a GitUploadPack it
	// is "ls-refs", or what was fetched where that is not one version: the tag or branch
	// ("main"), a few of them ("sub/v1.1.0,v1.1.0"), or how many objects ("37 objects").
	Extra string `json:"extra,omitempty"`
}

// String returns a short label for tables, as "zip rsc.io/quote@v1.5.2" or
// "sumdb-tile 8/0/123"; "" for the zero Request.
func (r Request) String() string {
	subject := r.Module
	switch {
	case r.Kind == SumdbTile:
		_, subject, _ = strings.Cut(r.Extra, " tile/")
	case r.Kind.Step() == "toolchain" && r.Extra != "":
		subject = r.Extra
	case r.Module != "" && r.Version != "":
		subject = r.Module + "@" + r.Version
	case r.Kind == GitUploadPack && r.Extra != "":
		subject = cmp.Or(r.Module, r.Repo) + " " + r.Extra
	case r.Module == "" && r.Repo != "":
		subject = r.Repo
	case r.Module == "":
		subject = r.Extra
	}
	if subject == "" {
		return string(r.Kind)
	}
	return string(r.Kind) + " " + subject
}
