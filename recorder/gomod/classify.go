package gomod

import (
	"net/url"
	"strings"
)

// maxPath bounds the paths that are looked at. No request of the go command comes near
// it, and what is longer must not cost the relay time.
const maxPath = 8 << 10

// A Classifier knows the GOPROXY entries and the checksum database of a session. It never
// changes, so any number of goroutines may use one. A nil or zero Classifier knows Go's
// defaults.
type Classifier struct {
	proxies []base // GOPROXY entries that have a path, the longest path first
	sumdb   *base  // where GOSUMDB is reached without a proxy; nil: only the public database is known
}

// NewClassifier takes the values of GOPROXY and GOSUMDB; "" means Go's defaults. What
// the go command would reject in them is ignored.
func NewClassifier(goproxy, gosumdb string) *Classifier {
	return &Classifier{proxies: proxyBases(goproxy), sumdb: sumdbBase(gosumdb)}
}

// Classify says what a request means. u is absolute; its host may carry a port. referer
// is the Referer header (or, where a caller knows that u was the Location of another
// answer, that request's URL), by which the storage request after a redirected zip is
// attributed; "" when there is none.
//
// The shapes and their order are those of go-command.md §1.6, read in cmd/go of Go
// 1.26.8: internal/modfetch/{proxy,sumdb}.go, internal/vcs/vcs.go. What takes knowledge
// of earlier requests (RepoProbe) or of headers is left to callers.
func (c *Classifier) Classify(method string, u *url.URL, referer string) Request {
	if method == "CONNECT" {
		return Request{Kind: Connect}
	}
	if u == nil || len(u.Path) > maxPath {
		return Request{Kind: Other}
	}
	if c == nil {
		c = &Classifier{}
	}
	host := hostOf(u)
	if r, ok := goGetOrGit(method, host, u); ok {
		return r
	}
	if r, ok := c.sumdbRequest(host, u.Path); ok {
		return r
	}
	if r, ok := c.proxyFile(host, u.Path); ok {
		return r
	}
	if r, ok := c.redirectedZip(referer); ok {
		return r // says exactly what the path of the storage host only implies
	}
	if r, ok := storagePath(host, u.Path); ok {
		return r
	}
	switch {
	case strings.EqualFold(host, "telemetry.go.dev"):
		return Request{Kind: Telemetry}
	case strings.EqualFold(host, "vuln.go.dev"):
		return Request{Kind: VulnDB}
	}
	return otherVCS(method, host, u)
}

// A base is a place that requests are relative to.
type base struct {
	host string // without the scheme's default port
	path string // starts and ends with a slash
	name string // of a checksum database
}

// proxyBases reads a GOPROXY list as the go command does
// (cmd/go/internal/modfetch/proxy.go, proxyList).
func proxyBases(goproxy string) []base {
	var bases []base
	for entry := range strings.FieldsFuncSeq(goproxy, func(r rune) bool { return r == ',' || r == '|' }) {
		entry = strings.TrimSpace(entry)
		if entry == "direct" || entry == "off" {
			break // nothing after them is ever asked
		}
		if strings.ContainsAny(entry, ".:/") && !strings.Contains(entry, ":/") && !strings.HasPrefix(entry, "/") {
			entry = "https://" + entry
		}
		u, err := url.Parse(entry)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" {
			continue
		}
		path := strings.TrimSuffix(u.Path, "/") + "/"
		if path == "/" {
			continue // an entry without a path needs no base
		}
		at := 0
		for at < len(bases) && len(bases[at].path) >= len(path) {
			at++
		}
		bases = append(bases[:at:at], append([]base{{host: hostOf(u), path: path}}, bases[at:]...)...)
	}
	return bases
}

// sumdbBase reads GOSUMDB as the go command does (cmd/go/internal/modfetch/sumdb.go,
// dbDial): a name or a verifier key ("name+hash+key"), and perhaps the URL to reach it at.
func sumdbBase(gosumdb string) *base {
	fields := strings.Fields(gosumdb)
	if len(fields) == 0 || len(fields) > 2 || gosumdb == "off" || gosumdb == aliasSumdb {
		return nil // the public database and its alias are always known
	}
	name, _, _ := strings.Cut(fields[0], "+")
	at := "https://" + name
	if len(fields) == 2 {
		at = fields[1]
	}
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || !plainName(name) {
		return nil
	}
	return &base{host: hostOf(u), path: strings.TrimSuffix(u.Path, "/") + "/", name: name}
}

// hostOf returns u's host and port, without the port when it is the scheme's own.
func hostOf(u *url.URL) string {
	switch u.Scheme {
	case "https":
		return strings.TrimSuffix(u.Host, ":443")
	case "http":
		return strings.TrimSuffix(u.Host, ":80")
	}
	return u.Host
}

// plainName reports whether a name from the wire is printable ASCII without spaces, so
// that it may go into Extra, whose parts are separated by a space.
func plainName(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}
