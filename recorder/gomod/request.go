// Package gomod says what a request of the go command (or of the git under it) means:
// which file of which module at which version. It is pure: no I/O, no clock, no state.
//
// What must never happen here: guessing. A request that does not match a known shape is
// Other, without a module.
package gomod

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
	RepoProbe      Kind = "repo-probe"
	Telemetry      Kind = "telemetry"
	VulnDB         Kind = "vulndb"
	Hg             Kind = "hg"
	Svn            Kind = "svn"
	Bzr            Kind = "bzr"
	Fossil         Kind = "fossil"
	Other          Kind = "other"
)

// A Request is the meaning of one HTTP request.
type Request struct {
	Kind    Kind   `json:"kind,omitempty"`
	Module  string `json:"module,omitempty"`  // decoded module path, as in go.mod
	Version string `json:"version,omitempty"` // decoded; a branch or hash where the go command asked for one
	Repo    string `json:"repo,omitempty"`    // git: host and path of the repository
	Extra   string `json:"extra,omitempty"`   // sumdb name and tile, or toolchain and platform
}
