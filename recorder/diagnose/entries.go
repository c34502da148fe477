package diagnose

import (
	"net/url"
	"slices"
	"strings"

	"modtap/recorder/gomod"
)

// defaultGOPROXY is what the go command takes where GOPROXY is empty.
const defaultGOPROXY = "https://proxy.golang.org,direct"

// parseEntries reads a GOPROXY list as the go command does
// (cmd/go/internal/modfetch/proxy.go, proxyList); "" is the default. What the go command
// would refuse stays in the list, with a URL that no request has.
func parseEntries(list string) []Entry {
	if strings.Trim(list, " ,|") == "" {
		list = defaultGOPROXY
	}
	var entries []Entry
	for list != "" {
		name, sep := list, ""
		if i := strings.IndexAny(list, ",|"); i >= 0 {
			name, sep, list = list[:i], list[i:i+1], list[i+1:]
		} else {
			list = ""
		}
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		entries = append(entries, Entry{Name: name, Sep: sep, URL: entryURL(name)})
		if name == "off" || name == "direct" {
			break // nothing after them is ever asked
		}
	}
	if n := len(entries); n > 0 {
		entries[n-1].Sep = ""
	}
	return entries
}

// entryURL is where an entry leads; nil for direct and off.
func entryURL(name string) *url.URL {
	if name == "direct" || name == "off" || name == "noproxy" {
		return nil
	}
	if strings.ContainsAny(name, ".:/") && !strings.Contains(name, ":/") && !strings.HasPrefix(name, "/") {
		name = "https://" + name
	}
	u, err := url.Parse(name)
	if err != nil {
		return &url.URL{Opaque: name}
	}
	return u
}

// hostPort is u's host with a port, in lower case.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = "443"
		if u.Scheme == "http" {
			port = "80"
		}
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// at reports whether the entry is on u's server.
func (e *Entry) at(u *url.URL) bool {
	return e.URL != nil && e.URL.Host != "" && e.URL.Scheme == u.Scheme && hostPort(e.URL) == hostPort(u)
}

// covers reports whether u is below the entry.
func (e *Entry) covers(u *url.URL) bool {
	if !e.at(u) {
		return false
	}
	base := strings.TrimSuffix(e.URL.Path, "/") + "/"
	return strings.HasPrefix(u.Path, base)
}

// entryOf returns the index of the entry that a request was sent to, the one with the
// longest path where several fit: direct for what the go command and git ask of the
// module's own host; -1: none of them. A CONNECT that failed tells no path: it goes to the
// first entry on that server, which go asks first.
func (a *Analysis) entryOf(u *url.URL, kind gomod.Kind) int {
	if kind == gomod.Connect {
		return slices.IndexFunc(a.Entries, func(e Entry) bool { return e.at(u) })
	}
	best, length := -1, -1
	for i := range a.Entries {
		if e := &a.Entries[i]; e.covers(u) && len(e.URL.Path) > length {
			best, length = i, len(e.URL.Path)
		}
	}
	if best >= 0 {
		return best
	}
	if isDirect(kind) {
		return slices.IndexFunc(a.Entries, func(e Entry) bool { return e.Name == "direct" })
	}
	return -1
}
