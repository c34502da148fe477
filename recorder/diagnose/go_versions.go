package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// maxLooked bounds how many versions that are missing are looked into; what is wrong shows
// in the first few.
const maxLooked = 50

// notYet are the calls for a version which a proxy did not have though it had others of
// that module: its memory of "no such version" lasts for up to 30 minutes.
func (v *goView) notYet(mod, version string) []int {
	if !semver.IsValid(version) {
		return nil
	}
	var missing []int
	known := map[string]bool{} // hosts that had something of the module
	for _, i := range v.asked[mod] {
		c := &v.Calls[i]
		if got(c) && (c.First().Go.Kind != gomod.List || c.Last().Response.BodySize > 0) && c.First().Go.Version != version {
			known[c.URL.Host] = true
		}
	}
	for _, i := range v.asked[mod] {
		if c := &v.Calls[i]; missed(c) && c.First().Go.Version == version && known[c.URL.Host] {
			missing = append(missing, i)
		}
	}
	return missing
}

// exists reports whether the recording shows that the version exists: in a list, as a tag
// of the repository, or as it was fetched.
func (v *goView) exists(mod, version string) bool {
	for _, i := range v.asked[mod] {
		c := &v.Calls[i]
		switch {
		case !got(c):
		case c.First().Go.Version == version:
			return true
		case c.First().Go.Kind == gomod.List && slices.Contains(strings.Fields(text(c.Last())), version):
			return true
		}
	}
	for _, i := range v.directly(mod) {
		c := &v.Calls[i]
		g := c.First().Go
		if g.Kind != gomod.GitUploadPack || !got(c) {
			continue
		}
		if g.Version == version || g.Module == mod && taggedAs(gomod.ParseRefs([]byte(text(c.Last()))), mod, version) {
			return true
		}
	}
	return false
}

// taggedAs reports whether refs have the tag of a version of mod, whose folder in the
// repository may be any end of its path.
func taggedAs(refs []gomod.Ref, mod, version string) bool {
	for _, r := range refs {
		tag, ok := strings.CutPrefix(r.Name, "refs/tags/")
		if !ok {
			continue
		}
		folder, ok := strings.CutSuffix(tag, version)
		if prefix, _, _ := module.SplitPathVersion(mod); ok && (folder == "" || strings.HasSuffix(folder, "/") && strings.HasSuffix(prefix+"/", "/"+folder)) {
			return true
		}
	}
	return false
}

// newTag: a proxy has not got a version that exists.
func newTag(v *goView) *recorder.Finding {
	var calls []int
	var mod, version string
	seen := map[module.Version]bool{}
	for i := range v.Calls {
		if len(seen) == maxLooked {
			break
		}
		c := &v.Calls[i]
		g := c.First().Go
		at := module.Version{Path: g.Module, Version: g.Version}
		if !missed(c) || !isModuleFile(c) || seen[at] || v.slow(c) {
			continue
		}
		seen[at] = true
		missing := v.notYet(g.Module, g.Version)
		if g.Kind == gomod.SumdbLookup && len(missing) == 0 && v.proxied(g.Module) && !v.ownProxy(g.Module) {
			missing = []int{i}
		}
		if len(missing) == 0 || !v.exists(g.Module, g.Version) {
			continue
		}
		if mod == "" {
			mod, version = g.Module, g.Version
		}
		calls = append(calls, missing...)
		calls = append(calls, v.fetchesOf(g.Module, c.Start)...)
		calls = append(calls, v.lookups(at)...)
	}
	if len(calls) == 0 {
		return nil
	}
	slices.Sort(calls)
	calls = slices.Compact(calls)
	f := &recorder.Finding{Cost: v.without(calls), Evidence: v.ids(calls)}
	first := &v.Calls[slices.IndexFunc(v.Calls, func(c Call) bool { return c.First().Go.Module == mod && c.First().Go.Version == version && missed(&c) })]
	f.Title = fmt.Sprintf("%s has no %s@%s yet, which exists: %d", host(first), mod, version, first.Last().Status)
	f.Numbers = []recorder.Number{countNumber("requests about it", len(calls), 0), msNumber("wall time", f.Cost, 0)}
	if v.Failed() && !v.recovered(first) {
		f.Severity = recorder.Bad
	}
	f.Remedy = "The proxy remembers for up to 30 minutes that a version was not there. Ask it again later (the first command warms it up), or fetch the version directly meanwhile."
	at := v.quote(mod + "@" + version)
	if server := v.serverOf(first); server != "" {
		f.Commands = []string{v.with("GOPROXY", server, "go list -m "+at)}
	}
	f.Commands = append(f.Commands, v.with("GONOSUMDB", v.addTo("GONOSUMDB", []string{mod}), v.with("GOPROXY", "direct", "go get "+at)))
	return f
}

// slow reports whether the answer is the matter of slow-404.
func (v *goView) slow(c *Call) bool {
	return slices.ContainsFunc(c.Exchanges, func(x *recorder.Exchange) bool { return x.Server.Timings().Wait-x.Injected >= slow404 })
}

// fetchesOf are the calls of direct mode for a module from an instant on.
func (v *goView) fetchesOf(mod string, from recorder.Span) []int {
	return slices.DeleteFunc(v.directly(mod), func(i int) bool { return v.Calls[i].Start < from })
}

// lookups are the checksum database's refusals of a version.
func (v *goView) lookups(at module.Version) []int {
	return v.where(func(c *Call) bool {
		g := c.First().Go
		return g.Kind == gomod.SumdbLookup && g.Module == at.Path && g.Version == at.Version && missed(c)
	})
}

// serverOf is the GOPROXY entry that c was sent to, else its server; of a lookup that went
// to the checksum database itself, which is no proxy, the one that had the module. "": none,
// or one that cannot be written.
func (v *goView) serverOf(c *Call) string {
	if c.First().Go.Kind == gomod.SumdbLookup && c.Entry < 0 {
		i := slices.IndexFunc(v.asked[c.First().Go.Module], func(i int) bool { return got(&v.Calls[i]) })
		if i < 0 {
			return ""
		}
		c = &v.Calls[v.asked[c.First().Go.Module][i]]
	}
	if c.Entry >= 0 && c.Entry < len(v.Entries) {
		if v.Entries[c.Entry].hidden() {
			return "" // without its path or its password it is another
		}
		return v.Entries[c.Entry].Name
	}
	return c.URL.Scheme + "://" + c.URL.Host
}

// unknownVersion: the command failed as nobody has the version that it asked for.
func unknownVersion(v *goView) *recorder.Finding {
	if !v.Failed() {
		return nil
	}
	_, leaks := v.leaked()
	var first *Call
	looked := 0
	for i := range v.Calls {
		c := &v.Calls[i]
		g := c.First().Go
		if g.Version == "" || g.Module == "" || !isFile(g.Kind) || !missed(c) || v.recovered(c) || slices.Contains(leaks, i) {
			continue
		}
		if looked++; looked > maxLooked {
			break
		}
		if v.broken(g.Module) || v.exists(g.Module, g.Version) || v.otherPath(c) {
			continue
		}
		if first == nil || len(g.Module) > len(first.First().Go.Module) { // of the prefixes of a path the whole
			first = c
		}
	}
	if first == nil {
		return v.noVersionMatches()
	}
	return v.unknown(first.First().Go.Module, first.First().Go.Version, first)
}

// broken reports whether something about the module failed otherwise than by not being
// there, direct mode included: then its version may well exist.
func (v *goView) broken(mod string) bool {
	bad := func(i int) bool {
		c := &v.Calls[i]
		return !got(c) && !missed(c) && !canceled(c) && c.Last().Done
	}
	return slices.ContainsFunc(v.asked[mod], bad) || slices.ContainsFunc(v.directly(mod), bad)
}

// otherPath reports whether a path above or below that of c has that version, so that the
// miss is only a part of the search for the module.
func (v *goView) otherPath(c *Call) bool {
	g := c.First().Go
	for m, asked := range v.asked {
		if related(m, g.Module) && slices.ContainsFunc(asked, func(i int) bool {
			o := &v.Calls[i]
			return got(o) && o.First().Go.Version == g.Version && o.Start <= c.End
		}) {
			return true
		}
	}
	return false
}

// noVersionMatches: the list of versions was had, and the command's own words ask for one
// that is not in it, so that no further request was made.
func (v *goView) noVersionMatches() *recorder.Finding {
	s := v.In.Session
	if s == nil {
		return nil
	}
	for _, word := range s.Argv {
		mod, query, ok := strings.Cut(word, "@")
		if !ok || !semver.IsValid(query) {
			continue
		}
		if lists := v.asked[mod]; len(lists) > 0 && v.onlyLists(mod) {
			list := &v.Calls[lists[len(lists)-1]]
			if got(list) && list.Last().Response.Kept && !slices.ContainsFunc(v.listed(mod), func(x string) bool { return x == query || strings.HasPrefix(x, query+".") }) {
				return v.unknown(mod, query, list)
			}
		}
	}
	return nil
}

// onlyLists reports whether nothing but the list was asked of mod.
func (v *goView) onlyLists(mod string) bool {
	return !slices.ContainsFunc(v.asked[mod], func(i int) bool { return v.Calls[i].First().Go.Kind != gomod.List })
}

func (v *goView) unknown(mod, version string, first *Call) *recorder.Finding {
	calls := slices.DeleteFunc(slices.Clone(v.asked[mod]), func(i int) bool {
		c := &v.Calls[i]
		return !missed(c) && c != first
	})
	calls = append(calls, v.fetchesOf(mod, first.Start)...)
	slices.Sort(calls)
	f := &recorder.Finding{Severity: recorder.Bad, Evidence: v.ids(slices.Compact(calls)), Cost: v.without(calls)}
	f.Title = fmt.Sprintf("%s has no version %s of %s", host(first), version, mod)
	f.Numbers = []recorder.Number{countNumber("requests that found nothing", len(calls), 0)}
	f.Commands = []string{"go list -m -versions " + v.quote(mod)}
	f.Remedy = "Ask for a version that exists: a tag vX.Y.Z, sub/vX.Y.Z for a module in a folder, and a path that ends in /v2 from v2 on. If the tag was pushed in the last 30 minutes, the proxy may not see it yet."
	if versions := v.listed(mod); len(versions) > 0 {
		latest := versions[len(versions)-1]
		f.Title += fmt.Sprintf("; it lists %d, up to %s", len(versions), latest)
		f.Numbers = append(f.Numbers, countNumber("versions listed", len(versions), 0))
		f.Commands = append(f.Commands, "go get "+v.quote(mod+"@"+latest))
	}
	return f
}

// listed are the versions in the lists of mod, from the lowest.
func (v *goView) listed(mod string) []string {
	var versions []string
	for _, i := range v.asked[mod] {
		c := &v.Calls[i]
		if c.First().Go.Kind != gomod.List || !got(c) {
			continue
		}
		for _, w := range strings.Fields(text(c.Last())) {
			if semver.IsValid(w) {
				versions = append(versions, w)
			}
		}
	}
	semver.Sort(versions)
	return slices.Compact(versions)
}
