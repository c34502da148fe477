package gomod

import "strings"

// maxNames bounds how many readings of a path with several "sumdb" in it are tried.
const maxNames = 4

// sumdbRequest recognises requests to a checksum database, at its own host or through a
// proxy at …/sumdb/<name>/… (go.dev/design/25530-sumdb).
func (c *Classifier) sumdbRequest(host, path string) (Request, bool) {
	if strings.EqualFold(host, publicSumdb) || strings.EqualFold(host, aliasSumdb) {
		if r, ok := sumdbFile(publicSumdb, strings.TrimPrefix(path, "/")); ok {
			return r, true
		}
	}
	if c.sumdb != nil && strings.EqualFold(host, c.sumdb.host) {
		if rest, ok := strings.CutPrefix(path, c.sumdb.path); ok {
			if r, ok := sumdbFile(c.sumdb.name, rest); ok {
				return r, true
			}
		}
	}
	if !strings.Contains(path, "/sumdb/") {
		return Request{}, false
	}
	for _, b := range c.proxies { // a base path may itself contain "sumdb"
		rest, ok := strings.CutPrefix(path, b.path)
		if !ok || !strings.EqualFold(b.host, host) {
			continue
		}
		if rest, ok = strings.CutPrefix(rest, "sumdb/"); ok {
			if r, ok := proxiedSumdb(rest); ok {
				return r, true
			}
		}
	}
	for range maxNames {
		_, rest, ok := strings.Cut(path, "/sumdb/")
		if !ok {
			break
		}
		if r, ok := proxiedSumdb(rest); ok {
			return r, true
		}
		path = path[len(path)-len(rest)-1:] // the slash before rest may begin the next "/sumdb/"
	}
	return Request{}, false
}

// proxiedSumdb reads what follows "/sumdb/". The database's name is a host, perhaps with
// a path: the shortest name that leaves a known request is it. A host has a dot or a
// port, which a page like github.com/corp/sumdb/blob/latest has not.
func proxiedSumdb(s string) (Request, bool) {
	if first, _, _ := strings.Cut(s, "/"); !strings.ContainsAny(first, ".:") {
		return Request{}, false
	}
	end := 0
	for range maxNames {
		i := strings.IndexByte(s[end:], '/')
		if i < 0 {
			break
		}
		end += i
		name, rest := s[:end], s[end+1:]
		end++
		if !plainName(name) {
			break
		}
		if rest == "supported" {
			return Request{Kind: SumdbSupported, Extra: name}, true
		}
		if r, ok := sumdbFile(name, rest); ok {
			return r, true
		}
	}
	return Request{}, false
}

// sumdbFile reads a path relative to a database's base.
func sumdbFile(db, s string) (Request, bool) {
	if s == "latest" {
		return Request{Kind: SumdbLatest, Extra: db}, true
	}
	if rest, ok := strings.CutPrefix(s, "tile/"); ok {
		if !isTile(rest) {
			return Request{}, false
		}
		return Request{Kind: SumdbTile, Extra: db + " " + s}, true
	}
	s, ok := strings.CutPrefix(s, "lookup/")
	at := strings.LastIndexByte(s, '@')
	if !ok || at < 0 || strings.Contains(s[at:], "/") {
		return Request{}, false
	}
	mod, okPath := decodePath(s[:at])
	version, okVersion := decodeVersion(s[at+1:])
	if !okPath || !okVersion {
		return Request{}, false
	}
	return Request{Kind: SumdbLookup, Module: mod, Version: version, Extra: db}, true
}

// isTile reports whether s is H/L/N with perhaps .p/W behind it, where N is groups of
// three digits, all but the last marked by an x (x/mod/sumdb/tlog.ParseTilePath).
func isTile(s string) bool {
	height, s, _ := strings.Cut(s, "/")
	level, s, ok := strings.Cut(s, "/")
	if !ok || !isNumber(height, 2) || level != "data" && !isNumber(level, 2) {
		return false
	}
	if n, width, partial := strings.Cut(s, ".p/"); partial {
		if !isNumber(width, 5) {
			return false
		}
		s = n
	}
	for len(s) >= 5 && s[0] == 'x' && digits(s[1:]) == 3 && s[4] == '/' {
		s = s[5:]
	}
	return len(s) == 3 && digits(s) == 3
}

// isNumber reports whether s is a decimal number of at most n digits.
func isNumber(s string, n int) bool { return s != "" && len(s) <= n && digits(s) == len(s) }

// digits returns how many decimal digits s starts with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
