package child

import (
	"slices"
	"strconv"
	"strings"
)

// A Change is one variable to set or to unset.
type Change struct {
	Name  string
	Value string
	Unset bool
	// Of is a variable that has this value already, "" when there is none or the value is
	// no secret: scripts then need not spell out a proxy's password.
	Of string
}

const (
	// Marker is set by ShellChanges to the proxy's URL; it says that the shell was changed.
	Marker = "MODTAP_PROXY"
	// reversed is set by ShellChanges in reverse mode, which sets fewer variables.
	reversed = "MODTAP_REVERSE"
	// saved prefixes the variables that hold what ShellChanges replaced.
	saved = "MODTAP_OLD_"
)

// ShellChanges returns what a shell with the environment base must change to use p.
// What it replaces is kept in MODTAP_OLD_ variables, for Restore. It may be applied
// again, also with another p.
func ShellChanges(base []string, p Proxy) []Change {
	original := newEnv(restored(base, p.goos()), p.goos())
	after := newEnv(Environ(original.list(), p), p.goos())
	for _, name := range slices.Clone(after.names) {
		old, was := original.get(name)
		if now, _ := after.get(name); was && now != old {
			after.set(saved+name, old)
		}
	}
	after.set(Marker, p.URL)
	if p.Reverse {
		after.set(reversed, "1")
	}
	// Everything ours is said, also what a shell has already: it may not be exported.
	ours := func(name string) bool {
		old, was := original.get(name)
		now, _ := after.get(name)
		return !was || old != now || after.isOurs(name, p.URL)
	}
	return changes(newEnv(base, p.goos()), after, ours)
}

// Restore returns what a shell with the environment base must change to be as it was
// before ShellChanges.
func Restore(base []string, goos string) []Change {
	return changes(newEnv(base, goos), newEnv(restored(base, goos), goos), nil)
}

// Original returns base as it was before ShellChanges.
func Original(base []string, goos string) []string { return restored(base, goos) }

// restored undoes ShellChanges in base.
func restored(base []string, goos string) []string {
	e := newEnv(base, goos)
	url, ok := e.get(Marker)
	if !ok {
		return base
	}
	for _, name := range slices.Clone(e.names) {
		if e.isOurs(name, url) {
			e.unset(name)
		}
	}
	e.dropGitConfig(url)
	for _, name := range slices.Clone(e.names) {
		if rest, ok := strings.CutPrefix(name, saved); ok {
			v, _ := e.get(name)
			e.unset(name)
			if !strings.HasPrefix(rest, "GIT_CONFIG_") {
				e.set(rest, v)
			}
		}
	}
	e.unset(Marker)
	e.unset(reversed)
	return e.list()
}

// isOurs reports whether Environ set name for the proxy at url, GIT_CONFIG variables apart.
func (e *env) isOurs(name, url string) bool {
	is := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return e.key(n) == e.key(name) })
	}
	if is("GOPROXY", "GOSUMDB") {
		v, _ := e.get(name)
		return strings.Contains(v, url+"/") // or it is the user's own
	}
	if _, ok := e.get(reversed); ok {
		return is("GIT_SSL_CAINFO")
	}
	return is(proxyNames...) || is(bundleNames...) || is("NO_PROXY", "no_proxy", "SSL_CERT_DIR")
}

// dropGitConfig removes the last entries if they are those that Environ appended for url.
func (e *env) dropGitConfig(url string) {
	ours := gitConfig(Proxy{URL: url, GOOS: e.goos})
	s, _ := e.get(gitCount)
	n, err := strconv.Atoi(s)
	if err != nil || n < len(ours) {
		return
	}
	first := n - len(ours)
	for i, kv := range ours {
		k, _ := e.get("GIT_CONFIG_KEY_" + strconv.Itoa(first+i))
		v, _ := e.get("GIT_CONFIG_VALUE_" + strconv.Itoa(first+i))
		if k != kv[0] || v != kv[1] {
			return
		}
	}
	for i := first; i < n; i++ {
		e.unset("GIT_CONFIG_KEY_" + strconv.Itoa(i))
		e.unset("GIT_CONFIG_VALUE_" + strconv.Itoa(i))
	}
	e.set(gitCount, strconv.Itoa(first))
	if first == 0 {
		e.unset(gitCount)
	}
}

// changes says how from becomes to; always names variables that are set even when they
// are the same already. What refers to another variable comes first, before that one
// changes; unsetting comes last.
func changes(from, to *env, always func(string) bool) []Change {
	var out []Change
	for _, name := range to.names {
		now, _ := to.get(name)
		if old, was := from.get(name); !was || old != now || (always != nil && always(name)) {
			out = append(out, Change{Name: name, Value: now, Of: from.holder(now)})
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int { return min(1, len(b.Of)) - min(1, len(a.Of)) })
	for _, name := range from.names {
		if _, stays := to.get(name); !stays {
			out = append(out, Change{Name: name, Unset: true})
		}
	}
	return out
}

// holder is a variable whose value is v, if v may be a URL with a password.
func (e *env) holder(v string) string {
	if !strings.Contains(v, "@") {
		return ""
	}
	for _, name := range e.names {
		if has, _ := e.get(name); has == v && isPlainName(name) {
			return name
		}
	}
	return ""
}

// isPlainName reports whether every shell can refer to the variable.
func isPlainName(name string) bool {
	return strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789") == "" && name[0] > '9'
}
