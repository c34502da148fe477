package query

import (
	"modtap/recorder"
	"modtap/recorder/gomod"
)

// Step is the step of a go command that an exchange belongs to: resolve, mod, sumdb, zip,
// toolchain, vcs or other.
func Step(x *recorder.Exchange) string { return stepOf(kindOf(x)) }

// steps has what each step of a go command is.
var steps = []Value{
	{"resolve", "which versions there are: list, info, latest, go-get"},
	{"mod", "go.mod files"},
	{"sumdb", "the checksum database"},
	{"zip", "sources, from a storage host too"},
	{"toolchain", "a Go toolchain, all of it"},
	{"vcs", "git, hg, svn, bzr, fossil"},
	{"other", "all else"},
}

func stepOf(k gomod.Kind) string {
	switch k.Step() {
	case "list", "info", "latest", "go-get":
		return "resolve"
	case "mod", "sumdb", "zip", "toolchain":
		return k.Step()
	case "git", "vcs":
		return "vcs"
	}
	return "other"
}

// kindOf is the kind of x; what was not recognised is other.
func kindOf(x *recorder.Exchange) gomod.Kind {
	if x.Go.Kind == "" {
		return gomod.Other
	}
	return x.Go.Kind
}

// kinds has every kind, and what it asks for.
var kinds = []Value{
	{"list", "the versions of a module"},
	{"info", "a version and its time"},
	{"mod", "a go.mod file"},
	{"zip", "a module's source"},
	{"latest", "a module's newest version"},
	{"sumdb-supported", "whether the proxy passes on the checksum database"},
	{"sumdb-latest", "the checksum database's newest tree"},
	{"sumdb-lookup", "a module's checksums"},
	{"sumdb-tile", "a part of the checksum database's tree"},
	{"toolchain-list", "which Go toolchains there are"},
	{"toolchain-info", "a Go toolchain's time"},
	{"toolchain-mod", "a Go toolchain's go.mod"},
	{"toolchain-zip", "a Go toolchain"},
	{"storage-zip", "a zip from where the proxy sent the command"},
	{"go-get", "the page that says where a module's repository is"},
	{"git-info-refs", "git: branches and tags"},
	{"git-upload-pack", "git: commits and files"},
	{"repo-probe", "a repository's page, after git failed"},
	{"connect", "a tunnel that failed before any request"},
	{"telemetry", "Go telemetry"},
	{"vulndb", "the vulnerability database"},
	{"hg", "Mercurial"},
	{"svn", "Subversion"},
	{"bzr", "Bazaar"},
	{"fossil", "Fossil"},
	{"other", "nothing of the go command's"},
}

// families has the names of several kinds together.
var families = []Value{
	{"module", "list, info, mod, zip and latest"},
	{"sumdb", "all of the checksum database"},
	{"git", "all of git, and repo-probe"},
	{"toolchain", "all of Go toolchains"},
	{"storage", "storage-zip"},
	{"vcs", "hg, svn, bzr and fossil"},
}

// familyOf is the family of a kind, "" when it has none.
func familyOf(k gomod.Kind) string {
	switch k {
	case gomod.List, gomod.Info, gomod.Mod, gomod.Zip, gomod.Latest:
		return "module"
	case gomod.StorageZip:
		return "storage"
	}
	switch step := k.Step(); step {
	case "sumdb", "git", "toolchain", "vcs":
		return step
	}
	return ""
}
