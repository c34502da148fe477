package diagnose

import (
	"slices"
	"strings"

	"modtap/recorder"
)

// What is written below are GOPROXY lists for the user to set. None may ask a server that
// serves everyone for what the user's own servers were asked for first: the paths of
// private modules would go out, and somebody else's module might come back.

// isWord reports whether e is direct or off, which are no servers.
func (e Entry) isWord() bool { return e.URL == nil }

// host is the server of e, or the word that it is.
func (e Entry) host() string {
	if e.URL == nil {
		return e.Name
	}
	return e.URL.Hostname()
}

// server is that of e as netHost writes it; "" for direct and off.
func (e Entry) server() string {
	if e.isWord() {
		return ""
	}
	return netHost(e.URL.Scheme + "://" + e.URL.Host)
}

// isPublic reports whether e is a server for everyone.
func (e Entry) isPublic() bool { return slices.Contains(publicProxies, e.server()) }

// isOwn reports whether e is a server that is not for everyone.
func (e Entry) isOwn() bool { return !e.isWord() && !e.isPublic() }

// hasOwn reports whether an entry of GOPROXY is a server that is not for everyone.
func (a *Analysis) hasOwn() bool { return slices.ContainsFunc(a.Entries, Entry.isOwn) }

// hidden reports whether the name of e is not what the user has: a secret was taken out of
// it, or may have been, or it is nothing that go would take.
func (e Entry) hidden() bool {
	return e.Name == "" || strings.Contains(e.Name, "@") || strings.Contains(e.Name, recorder.Redacted) || e.URL != nil && e.URL.Opaque != ""
}

// writable reports whether entries of the user's GOPROXY can be printed in a command: it is
// known (Entries are go's default where it is not), and nothing of them is hidden.
func (a *Analysis) writable(entries []Entry) bool {
	return a.Setting("GOPROXY") != "" && !slices.ContainsFunc(entries, Entry.hidden)
}

// proxyList writes GOPROXY from entries, each followed by its own separator.
func proxyList(entries []Entry) string {
	var b strings.Builder
	for i, e := range entries {
		b.WriteString(e.Name)
		switch {
		case i == len(entries)-1:
		case e.Sep == "": // it was the last
			b.WriteString(",")
		default:
			b.WriteString(e.Sep)
		}
	}
	return b.String()
}

// withoutEntries is the user's GOPROXY without the entries that drop chooses; "" when
// nothing would be left, or it cannot be written.
func (a *Analysis) withoutEntries(drop func(i int, e Entry) bool) string {
	var left []Entry
	for i, e := range a.Entries {
		if !drop(i, e) {
			left = append(left, e)
		}
	}
	if !a.writable(left) {
		return ""
	}
	return proxyList(left)
}

// first is the user's GOPROXY with entry i first, the separators as they stand; "" when
// that cannot be written, is no change, or would put a server for everyone before one that
// is not.
func (a *Analysis) first(i int) string {
	if i <= 0 || i >= len(a.Entries) || a.Entries[i].isWord() || !a.writable(a.Entries) {
		return ""
	}
	before := a.Entries[:i]
	if a.Entries[i].isPublic() && slices.ContainsFunc(before, func(e Entry) bool { return !e.isPublic() }) {
		return ""
	}
	list := slices.Concat(a.Entries[i:i+1], before, a.Entries[i+1:])
	for j := range list {
		list[j].Sep = a.Entries[j].Sep
	}
	return proxyList(list)
}

// goOn is the user's GOPROXY with "|" after entry i, so that go asks the next one after any
// error; "" when there is no next one to ask, it is so already, or it cannot be written, or
// an outage of the user's own server would send what is private to one for everyone. No
// other comma goes: each may be there for a policy.
func (a *Analysis) goOn(i int) string {
	if i < 0 || i >= len(a.Entries)-1 || a.Entries[i].Sep != "," || a.Entries[i+1].Name == "off" || !a.writable(a.Entries) || a.shields(i) {
		return ""
	}
	list := slices.Clone(a.Entries)
	list[i].Sep = "|"
	return proxyList(list)
}

// shields reports whether entry i is a server of the user's own with one for everyone
// behind it.
func (a *Analysis) shields(i int) bool {
	return a.Entries[i].isOwn() && slices.ContainsFunc(a.Entries[i+1:], Entry.isPublic)
}

// goproxyOn is goOn after the first entry of host that has a comma.
func (a *Analysis) goproxyOn(host string) string {
	return a.goOn(slices.IndexFunc(a.Entries, func(e Entry) bool { return e.server() == host && host != "" && e.Sep == "," }))
}

// hasEntry reports whether host is that of an entry of GOPROXY, as far as that is known.
func (a *Analysis) hasEntry(host string) bool {
	return host != "" && a.Setting("GOPROXY") != "" && slices.ContainsFunc(a.Entries, func(e Entry) bool { return e.server() == host })
}

// mirrorBefore is the user's GOPROXY with another server for everyone, and sep, before
// entry i, which must be one as well; "" when it cannot be written, or the list has it.
func (a *Analysis) mirrorBefore(i int, mirror, sep string) string {
	if i < 0 || !a.Entries[i].isPublic() || !a.writable(a.Entries) || a.hasEntry(netHost(mirror)) {
		return ""
	}
	return proxyList(slices.Insert(slices.Clone(a.Entries), i, Entry{Name: mirror, Sep: sep}))
}

// goproxyMirror is the user's GOPROXY with a mirror before the entry of host; "" when host
// is no entry of it or not for everyone, or no mirror is known that is not in it.
func (a *Analysis) goproxyMirror(host string) string {
	if host == "storage.googleapis.com" {
		host = "proxy.golang.org" // whose zips lie there
	}
	i := slices.IndexFunc(a.Entries, func(e Entry) bool { return e.server() == host })
	for _, mirror := range []string{"https://proxy.golang.org", "https://goproxy.cn", "https://goproxy.io"} {
		if list := a.mirrorBefore(i, mirror, "|"); list != "" {
			return list
		}
	}
	return ""
}

// around are the commands that lead around a host: a mirror before it in GOPROXY; for the
// checksum database, its other name. None: there is no way.
func (a *Analysis) around(host string) []string {
	if host == "sum.golang.org" {
		return []string{a.goEnvW("GOSUMDB", "sum.golang.google.cn")}
	}
	if list := a.goproxyMirror(host); list != "" {
		return []string{a.goEnvW("GOPROXY", list)}
	}
	return nil
}

// aroundOr is around, or another command where there is no way.
func (a *Analysis) aroundOr(host, other string) []string {
	if commands := a.around(host); len(commands) > 0 {
		return commands
	}
	return []string{other}
}
