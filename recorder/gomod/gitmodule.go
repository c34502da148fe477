package gomod

import (
	"path"
	"regexp"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// The hosts whose import paths name the repository, so that the go command asks for no
// meta tag (cmd/go/internal/vcs/vcs.go, vcsPaths). Repositories there are asked for by the
// import path itself; one with ".git" after it was named by somebody else.
var knownRepos = regexp.MustCompile(`^(?:` +
	`github\.com/[\w.\-]+/[\w.\-]+|bitbucket\.org/[\w.\-]+/[\w.\-]+|` +
	`hub\.jazz\.net/git/[a-z0-9]+/[\w.\-]+|git\.openstack\.org/[\w.\-]+/[\w.\-]+)$`)

var apacheRepos = regexp.MustCompile(`^git\.apache\.org/[a-z0-9_.\-]+\.git$`)

// KnownRoot returns the module path of the root of a repository (a Request's Repo) on a
// host whose import paths name the repository. ok is false where only a go-import tag
// tells.
func KnownRoot(repo string) (root string, ok bool) {
	ok = knownRepos.MatchString(repo) && !strings.HasSuffix(repo, ".git") || apacheRepos.MatchString(repo)
	if !ok || module.CheckPath(repo) != nil {
		return "", false
	}
	return repo, true
}

// TagModule returns the module version that a tag of a repository is. root and subDir are
// the repository's go-import tag: the module path of its root, and the folder in which
// that lies. asked reports whether the go command looked for a module path. ok is false
// where the tag is none of a module below root, or where the wire does not tell: v2 and up
// may be root/v2@v2.0.0 or root@v2.0.0+incompatible.
//
// How tags name versions is go.dev/ref/mod#vcs-version, and newCodeRepo in
// cmd/go/internal/modfetch/coderepo.go.
func TagModule(root, subDir, tag string, asked func(string) bool) (mod, version string, ok bool) {
	dir, version := path.Split(tag)
	if version == "" || semver.Canonical(version) != version || module.IsPseudoVersion(version) {
		return "", "", false
	}
	dir = strings.TrimSuffix(dir, "/")
	if subDir = strings.Trim(subDir, "/"); subDir != "" && dir != subDir {
		if dir, ok = strings.CutPrefix(dir, subDir+"/"); !ok {
			return "", "", false
		}
	} else if subDir != "" {
		dir = ""
	}
	mod = root
	if dir != "" {
		mod += "/" + dir
	}
	major := semver.Major(version)
	_, has, valid := module.SplitPathVersion(mod)
	switch {
	case !valid:
		return "", "", false
	case module.CheckPathMajor(version, has) == nil:
	case has == "" && major != "v0" && major != "v1" && asked(mod+"/"+major):
		mod += "/" + major
	default:
		return "", "", false
	}
	if module.Check(mod, version) != nil {
		return "", "", false
	}
	return mod, version, true
}

// ShortRef returns the name of a tag or of a branch (or HEAD) from that of its ref; "" for
// any other ref.
func ShortRef(ref string) (name string, isTag bool) {
	if tag, ok := strings.CutPrefix(ref, "refs/tags/"); ok {
		return tag, true
	}
	if branch, ok := strings.CutPrefix(ref, "refs/heads/"); ok || ref == "HEAD" {
		return branch, false
	}
	return "", false
}
