package gomod

import (
	"net/url"
	"strings"

	"golang.org/x/mod/module"
)

const (
	toolchainModule = "golang.org/toolchain"
	publicSumdb     = "sum.golang.org"
	aliasSumdb      = "sum.golang.google.cn" // the public database, reachable inside mainland China
	storageHost     = "storage.googleapis.com"
	storageBucket   = "/proxy-golang-org-prod/"
)

// proxyFile recognises the files of the GOPROXY protocol (go.dev/ref/mod#goproxy-protocol).
func (c *Classifier) proxyFile(host, path string) (Request, bool) {
	at := strings.LastIndex(path, "/@")
	if at < 0 {
		return Request{}, false
	}
	kind, version, ok := protocolFile(path[at+2:])
	if !ok {
		return Request{}, false
	}
	mod, ok := c.modulePath(host, path[:at])
	if !ok {
		return Request{}, false
	}
	r := Request{Kind: kind, Module: mod, Version: version}
	if mod == toolchainModule {
		r.toolchain()
	}
	return r, true
}

// protocolFile reads what follows the "/@" of a GOPROXY request.
func protocolFile(s string) (kind Kind, version string, ok bool) {
	if s == "latest" {
		return Latest, "", true
	}
	s, ok = strings.CutPrefix(s, "v/")
	if !ok || strings.Contains(s, "/") {
		return "", "", false
	}
	if s == "list" {
		return List, "", true
	}
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 {
		return "", "", false
	}
	switch s[dot+1:] {
	case "info":
		kind = Info
	case "mod":
		kind = Mod
	case "zip":
		kind = Zip
	default:
		return "", "", false
	}
	version, ok = decodeVersion(s[:dot])
	return kind, version, ok
}

// modulePath decodes the module from the path before "/@". The base path of a GOPROXY
// entry is taken off first. Where none fits (a redirect to a mirror, a child with another
// GOPROXY), the module starts at the first element with a dot: a module path must have
// one in its first element (x/mod/module.CheckPath), so what lies before cannot be it.
func (c *Classifier) modulePath(host, path string) (string, bool) {
	for _, b := range c.proxies {
		if rest, ok := strings.CutPrefix(path, b.path); ok && strings.EqualFold(b.host, host) {
			if mod, ok := decodePath(rest); ok {
				return mod, true
			}
		}
	}
	for path != "" {
		first, after, _ := strings.Cut(path, "/")
		if strings.Contains(first, ".") {
			return decodePath(path)
		}
		path = after
	}
	return "", false
}

// decodePath undoes the case encoding of a module path. Most paths have none and are
// returned as they are, without the copy that module.UnescapePath makes.
func decodePath(escaped string) (string, bool) {
	for i := range len(escaped) {
		switch b := escaped[i]; {
		case b == '!':
			mod, err := module.UnescapePath(escaped)
			return mod, err == nil
		case 'A' <= b && b <= 'Z' || b >= 0x80:
			return "", false // the go command never sends it
		}
	}
	return escaped, module.CheckPath(escaped) == nil
}

// decodeVersion undoes the case encoding of a version. What people type into curl without
// it (v1.0.0-RC1) is taken as it is, as long as it could name a file.
func decodeVersion(escaped string) (string, bool) {
	if strings.Contains(escaped, "!") {
		if v, err := module.UnescapeVersion(escaped); err == nil {
			return v, true
		}
	}
	return escaped, module.CheckFilePath(escaped) == nil
}

// toolchain turns the kind of a file of golang.org/toolchain into the toolchain's own, and
// notes the release and the platform of its version ("v0.0.1-go1.27.4.windows-amd64").
func (r *Request) toolchain() {
	switch r.Kind {
	case List:
		r.Kind = ToolchainList
	case Info:
		r.Kind = ToolchainInfo
	case Mod:
		r.Kind = ToolchainMod
	case Zip:
		r.Kind = ToolchainZip
	}
	name, ok := strings.CutPrefix(r.Version, "v0.0.1-")
	dash := strings.LastIndexByte(name, '-')
	if !ok || dash < 0 || !plainName(name) {
		return
	}
	dot := strings.LastIndexByte(name[:dash], '.')
	if dot < 0 || !strings.HasPrefix(name, "go") || strings.Contains(name[:dot], "-") {
		return
	}
	r.Extra = name[:dot] + " " + name[dot+1:]
}

// storagePath recognises the bucket that proxy.golang.org redirects large zips to:
// 16 hex digits, the module with ':' for '/', the version (golang/go#68412).
func storagePath(host, path string) (Request, bool) {
	if !strings.EqualFold(host, storageHost) {
		return Request{}, false
	}
	name, isBucket := strings.CutPrefix(path, storageBucket)
	name, isZip := strings.CutSuffix(name, ".zip")
	if !isBucket || !isZip || len(name) < 17 || name[16] != '-' || strings.Trim(name[:16], "0123456789abcdef") != "" {
		return Request{}, false
	}
	name = name[17:]
	dash := strings.LastIndex(name, "-v")
	for dash >= 0 && !startsWithSemver(name[dash+2:]) {
		dash = strings.LastIndex(name[:dash], "-v")
	}
	if dash < 0 {
		return Request{}, false
	}
	path = strings.ReplaceAll(name[:dash], ":", "/")
	mod, ok := decodePath(path)
	if !ok {
		mod, ok = path, module.CheckPath(path) == nil // the bucket may keep upper case as it is
	}
	version, okVersion := decodeVersion(name[dash+1:])
	if !ok || !okVersion || strings.Contains(version, "/") {
		return Request{}, false
	}
	r := Request{Kind: StorageZip, Module: mod, Version: version}
	if mod == toolchainModule {
		r.toolchain()
	}
	return r, true
}

// startsWithSemver reports whether s starts with three numbers separated by dots.
func startsWithSemver(s string) bool {
	for i := range 3 {
		n := digits(s)
		if n == 0 || i < 2 && (n == len(s) || s[n] != '.') {
			return false
		}
		s = s[min(n+1, len(s)):]
	}
	return true
}

// redirectedZip attributes a request to the zip it was redirected from. The go command's
// client names it in the Referer (net/http.refererForURL).
func (c *Classifier) redirectedZip(referer string) (Request, bool) {
	if !strings.Contains(referer, ".zip") {
		return Request{}, false
	}
	u, err := url.Parse(referer)
	if err != nil || len(u.Path) > maxPath {
		return Request{}, false
	}
	host := hostOf(u)
	r, ok := c.proxyFile(host, u.Path)
	if !ok {
		r, ok = storagePath(host, u.Path) // a second hop
	}
	if !ok || r.Kind != Zip && r.Kind != ToolchainZip && r.Kind != StorageZip {
		return Request{}, false
	}
	r.Kind = StorageZip
	return r, true
}
