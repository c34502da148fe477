package gomod

import (
	"net/url"
	"strings"

	"golang.org/x/mod/module"
)

// goGetOrGit recognises the requests that a query or a POST marks, whatever their path.
func goGetOrGit(method, host string, u *url.URL) (Request, bool) {
	if u.RawQuery != "" {
		if v, _ := queryValue(u.RawQuery, "go-get"); v == "1" {
			r := Request{Kind: GoGet}
			if path := strings.ToLower(host) + strings.TrimSuffix(u.Path, "/"); importPath(path) {
				r.Module = path
			}
			return r, true
		}
		if repo, ok := strings.CutSuffix(u.Path, "/info/refs"); ok {
			if v, _ := queryValue(u.RawQuery, "service"); strings.HasPrefix(v, "git-") {
				return Request{Kind: GitInfoRefs, Repo: repoName(host, repo)}, true
			}
		}
	}
	if method == "POST" {
		if repo, ok := strings.CutSuffix(u.Path, "/git-upload-pack"); ok {
			return Request{Kind: GitUploadPack, Repo: repoName(host, repo)}, true
		}
	}
	return Request{}, false
}

// repoName is the host and path of a repository. Readers print it, so what would not
// print is percent-encoded, as it was on the wire.
func repoName(host, path string) string {
	if path != "" && !plainName(path) {
		path = (&url.URL{Path: path}).EscapedPath()
	}
	if !plainName(host) {
		return ""
	}
	return host + path
}

// importPath reports whether the go command could ask for path with ?go-get=1: an import
// path whose first element looks like a host (k8s.io/api/core/v1 is one and no module path).
func importPath(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".") && module.CheckImportPath(path) == nil
}

// otherVCS recognises the version control systems that GOVCS may allow beside git. The
// go command runs their own programs, so the shapes are those programs'.
func otherVCS(method, host string, u *url.URL) Request {
	if u.RawQuery != "" {
		if v, ok := queryValue(u.RawQuery, "cmd"); ok && isHgCommand(v) {
			return Request{Kind: Hg, Repo: repoName(host, u.Path)}
		}
	}
	if repo, _, ok := strings.Cut(u.Path, "/!svn/"); ok || method == "PROPFIND" || method == "REPORT" {
		return Request{Kind: Svn, Repo: repoName(host, repo)}
	}
	if repo, _, ok := strings.Cut(u.Path, "/.bzr/"); ok {
		return Request{Kind: Bzr, Repo: repoName(host, repo)}
	}
	// fossil's src/http.c posts every sync to <repository>/xfer/xfer.
	if repo, ok := strings.CutSuffix(u.Path, "/xfer/xfer"); ok && method == "POST" {
		return Request{Kind: Fossil, Repo: repoName(host, repo)}
	}
	return Request{Kind: Other}
}

// isHgCommand reports whether cmd is a command of Mercurial's HTTP protocol
// (mercurial/helptext/internals/wireprotocol.txt); other programs have ?cmd= too.
func isHgCommand(cmd string) bool {
	switch cmd {
	case "batch", "between", "branches", "branchmap", "capabilities", "changegroup",
		"changegroupsubset", "clonebundles", "clonebundles_manifest", "getbundle", "heads",
		"hello", "known", "listkeys", "lookup", "protocaps", "pushkey", "stream_out", "unbundle":
		return true
	}
	return false
}

// queryValue returns the first value of key. url.ParseQuery would build a map of all of
// them for every request.
func queryValue(raw, key string) (string, bool) {
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		k, v, _ := strings.Cut(pair, "=")
		if k == key || strings.ContainsAny(k, "%+") && unescapeQuery(k) == key {
			return unescapeQuery(v), true
		}
	}
	return "", false
}

// unescapeQuery decodes a part of a query; what is malformed stays as it is.
func unescapeQuery(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	d, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return d
}
