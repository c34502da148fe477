package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// slowNotFound: a server took long to say that it has not got something. proxy.golang.org
// tries to clone the repository meanwhile.
func slowNotFound(v *goView) *recorder.Finding {
	usual := notFoundUsual
	if w := v.wait(v.where(func(c *Call) bool { return isModuleFile(c) && c.Last().Server.Timings().Wait < slow404 })); w > 0 {
		usual = min(usual, w)
	}
	cut := map[uint64]recorder.Span{}
	var worst recorder.Span
	calls := v.where(func(c *Call) bool {
		if !missed(c) || !isModuleFile(c) {
			return false
		}
		slow := false
		for _, x := range c.Exchanges {
			if w := x.Server.Timings().Wait - x.Injected; w >= slow404 {
				slow = true
				cut[x.ID] = w - usual
				worst = max(worst, w)
			}
		}
		return slow
	})
	if len(calls) == 0 {
		return nil
	}
	ids := v.ids(calls)
	c := v.CallOf(ids[0])
	f := &recorder.Finding{
		Title:    fmt.Sprintf("%s took %s to say that it has no %s", host(c), secs(worst), fileName(c.First().Go)),
		Cost:     v.Saving(cut),
		Evidence: ids,
		Numbers:  []recorder.Number{msNumber("wait for the 404", worst, slow404), countNumber("slow 404s", len(calls), 0)},
	}
	if worst >= fetchLimit {
		f.Numbers = append(f.Numbers, msNumber("the time after which proxy.golang.org gives up a fetch", worst, fetchLimit))
	}
	if v.Failed() && !v.recovered(c) {
		f.Severity = recorder.Bad
	}
	v.remedySlow404(f, c)
	return f
}

// fileName is what a request asks for, in words: ".info of x@v1.0.0".
func fileName(g gomod.Request) string {
	switch g.Kind {
	case gomod.Info, gomod.Mod, gomod.Zip:
		return fmt.Sprintf(".%s of %s@%s", g.Kind, g.Module, g.Version)
	case gomod.List:
		return "list of " + g.Module
	case gomod.Latest:
		return "latest version of " + g.Module
	case gomod.SumdbLookup:
		return fmt.Sprintf("checksum of %s@%s", g.Module, g.Version)
	}
	return g.String()
}

// isModuleFile reports whether c asks a GOPROXY or a checksum database about a module.
func isModuleFile(c *Call) bool {
	k := c.First().Go.Kind
	return isFile(k) || k == gomod.SumdbLookup
}

func (v *goView) remedySlow404(f *recorder.Finding, c *Call) {
	m := c.First().Go.Module
	if v.looksPrivate(m) {
		f.Remedy = "The module looks private: keep it away from the proxy and the checksum database."
		f.Commands = v.keepPrivate(privatePatterns([]string{m}))
		return
	}
	if i := v.answeredBy(c); i >= 0 && !v.Entries[i].isWord() {
		v.remedyOrder(f, c, i)
		return
	}
	f.Remedy = "Ask for a version that exists, by its tag. If the module is public but too big for the proxy, fetch it directly."
	f.Commands = []string{
		"go list -m -versions " + v.quote(m),
		v.with("GONOPROXY", v.addTo("GONOPROXY", []string{m}), v.with("GONOSUMDB", v.addTo("GONOSUMDB", []string{m}), v.command())),
	}
}

// remedyOrder says what to do where entry i had what c asked for in vain.
func (v *goView) remedyOrder(f *recorder.Finding, c *Call, i int) {
	name, own := v.Entries[i].host(), slices.IndexFunc(v.Entries[:i], Entry.isOwn)
	switch list := v.first(i); {
	case c.Entry > i:
		f.Remedy = fmt.Sprintf("%s, which go asks before %s, had it another time: run the command again.", name, host(c))
		f.Commands = []string{v.command()}
	case list != "":
		f.Remedy = "Another entry of GOPROXY had it at once: ask that one first."
		f.Commands = []string{v.goEnvW("GOPROXY", list)}
	case v.Entries[i].isPublic() && own >= 0:
		f.Remedy = fmt.Sprintf("%s had it at once, but is not to be asked before %s, which may have private modules. Show who runs %s how long it takes to say no.", name, v.Entries[own].host(), host(c))
		f.Commands = []string{v.curl() + " -v -o - " + v.quote(c.First().URL)}
	default: // the list has what cannot be printed
		f.Remedy = fmt.Sprintf("%s had it at once: name it before %s in GOPROXY.", name, host(c))
		f.Commands = []string{"go env GOPROXY"}
	}
}

// answeredBy is the GOPROXY entry that had what c asked for elsewhere; -1: none.
func (v *goView) answeredBy(c *Call) int {
	f := wantedOf(c)
	for _, i := range v.asked[f.Module] {
		if o := &v.Calls[i]; o.Entry >= 0 && o.Entry != c.Entry && got(o) && wantedOf(o) == f {
			return o.Entry
		}
	}
	return -1
}

// doubled4xx: the go command sends each 4xx twice, and that cost time.
func doubled4xx(v *goView) *recorder.Finding {
	calls := v.where(func(c *Call) bool { return c.Doubled && clientError(c) })
	if len(calls) == 0 {
		return nil
	}
	cut, list := v.secondCopies(calls), ""
	useless := v.uselessEntry(calls)
	if useless >= 0 {
		if list = v.withoutEntries(func(i int, _ Entry) bool { return i == useless }); list != "" {
			cut = v.cut(v.where(func(c *Call) bool { return c.Entry == useless }))
		}
	}
	f := &recorder.Finding{Cost: v.Saving(cut), Evidence: v.ids(calls)}
	if f.Cost < waste {
		return nil
	}
	f.Numbers = []recorder.Number{countNumber("answers of 4xx that go asked for twice", len(calls), 0), msNumber("wall time", f.Cost, waste)}
	f.Caveat = "A go command of version 1.24 or later sends every request with an answer of 4xx over https again, whatever its credentials."
	if list != "" {
		f.Title = fmt.Sprintf("%s never had what go asked it for: %s of 4xx, each sent twice, %s", v.Entries[useless].host(), plural(len(calls), "answer"), secs(f.Cost))
		f.Remedy = "Take the entry out of GOPROXY."
		if !v.Entries[useless].isPublic() {
			f.Remedy = "Take the entry out of GOPROXY, unless private modules come from it at other times."
		}
		if !v.shields(useless) { // else that would tell a server for everyone what is private
			f.Commands = []string{v.goEnvW("GOPROXY", list)}
		}
		return f
	}
	f.Title = fmt.Sprintf("go sent %s with an answer of 4xx twice: %s", plural(len(calls), "request"), secs(f.Cost))
	f.Remedy = "Avoid the 4xx: name the module itself rather than a package in it, ask for versions that exist, and put first in GOPROXY what has most modules."
	if v.hasOwn() { // which stays first, whatever it has
		f.Remedy = "Avoid the 4xx: name the module itself rather than a package in it, and ask for versions that exist."
	}
	v.byLatency(f, calls)
	c := v.CallOf(f.Evidence[0])
	if first := v.first(v.answeredBy(c)); first != "" {
		f.Commands = []string{v.goEnvW("GOPROXY", first)}
	} else if m := c.First().Go.Module; m != "" && v.looksPrivate(m) {
		f.Commands = v.keepPrivate(privatePatterns([]string{m}))
	}
	return f
}

// secondCopies is the cuts that leave every doubled call with its first copy.
func (v *goView) secondCopies(calls []int) map[uint64]recorder.Span {
	cut := map[uint64]recorder.Span{}
	for _, i := range calls {
		for _, x := range v.Calls[i].repeats() {
			cut[x.ID] = v.length(x)
		}
	}
	return cut
}

// uselessEntry is the GOPROXY entry that answered 4xx to all it was asked for, most of
// calls, while a later one had it; -1: none.
func (v *goView) uselessEntry(calls []int) int {
	if len(v.Entries) < 2 {
		return -1
	}
	for e := range v.Entries[:len(v.Entries)-1] {
		asked, had, later := 0, 0, 0
		for i := range v.Calls {
			c := &v.Calls[i]
			switch {
			case c.Entry == e && isFile(c.First().Go.Kind):
				asked++
				if !clientError(c) {
					had++
				}
			case c.Entry > e && got(c):
				later++
			}
		}
		if had == 0 && later > 0 && asked > 0 && 2*asked > len(calls) {
			return e
		}
	}
	return -1
}

// pathProbing: the go command asked for all prefixes of an import path at once, and an
// answer of 4xx came later than the one it needed.
func pathProbing(v *goView) *recorder.Finding {
	var misses []int
	var lost recorder.Span
	best := []int{} // the misses of the dearest group
	var most recorder.Span
	var hit *Call
	for _, g := range v.probes() {
		late, m, h := v.probeCost(g)
		if late <= 0 || len(m) == 0 || h == nil {
			continue // where none is a module, the search is not what costs
		}
		misses = append(misses, m...)
		if lost += late; late > most {
			best, most, hit = m, late, h
		}
	}
	if len(misses) == 0 {
		return nil
	}
	f := &recorder.Finding{Cost: min(lost, v.without(misses)), Evidence: v.ids(misses)}
	if f.Cost < waste {
		return nil
	}
	asked := v.longest(append(slices.Clone(best), v.callOf[hit.First().ID]))
	f.Title = fmt.Sprintf("to find the module of %s go tried %s that is none: %s", asked, plural(len(best), "path"), secs(f.Cost))
	if len(best) > 1 {
		f.Title = strings.Replace(f.Title, "that is none", "that are none", 1)
	}
	f.Numbers = []recorder.Number{countNumber("paths that are no module", len(misses), 0), msNumber("wait for the last of them, after the one that is", lost, waste)}
	switch {
	case v.looksPrivate(asked):
		f.Remedy = "Keep private paths away from the proxy."
		f.Commands = v.keepPrivate(privatePatterns([]string{asked}))
	case hit.First().Go.Module != asked:
		f.Remedy = "Put the module itself into go.mod first, then its packages need no search."
		f.Commands = []string{"go get " + v.quote(hit.First().Go.Module+"@latest")}
	default:
		f.Remedy = "Name the module itself, with a version, so that go need not search for it."
		f.Commands = []string{"go list -m -versions " + v.quote(asked)}
	}
	return f
}

// probes are groups of calls that ask one server about all prefixes of one path at the
// same time: list for the latest version, .info for a named one, or go-get.
func (v *goView) probes() [][]int {
	type place struct {
		host, version string
		kind          gomod.Kind
	}
	type group struct{ calls []int }
	open := map[place][]*group{}
	var all []*group
	for i := range v.Calls {
		c := &v.Calls[i]
		g := c.First().Go
		if g.Module == "" || g.Kind != gomod.List && g.Kind != gomod.Info && g.Kind != gomod.GoGet {
			continue
		}
		at := place{c.URL.Host, g.Version, g.Kind}
		if g.Kind == gomod.GoGet {
			at.host = "" // each is a server of its own
		}
		fresh := slices.DeleteFunc(open[at], func(o *group) bool { return c.Start-v.Calls[o.calls[0]].Start > probeSpread })
		j := slices.IndexFunc(fresh, func(o *group) bool { return related(v.longest(o.calls), g.Module) })
		if j >= 0 {
			fresh[j].calls = append(fresh[j].calls, i)
		} else if len(fresh) < maxProbes {
			fresh = append(fresh, &group{[]int{i}})
			all = append(all, fresh[len(fresh)-1])
		}
		open[at] = fresh
	}
	var groups [][]int
	for _, o := range all {
		if len(o.calls) > 1 {
			groups = append(groups, o.calls)
		}
	}
	return groups
}

// related reports whether one path lies below the other.
func related(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) < len(b) && strings.HasPrefix(b, a) && b[len(a)] == '/'
}

// probeCost is how much later the last miss of a group came than the last answer, its
// misses, and the answer about the longest path; nil when there was none.
func (v *goView) probeCost(group []int) (late recorder.Span, misses []int, hit *Call) {
	from := v.Calls[group[0]].Start
	end := from
	for _, i := range group {
		switch c := &v.Calls[i]; {
		case got(c):
			from = max(from, c.End)
			if hit == nil || len(c.First().Go.Module) > len(hit.First().Go.Module) {
				hit = c
			}
		case clientError(c):
			misses = append(misses, i)
			end = max(end, c.End)
		}
	}
	return end - from, misses, hit
}

// longest is the longest module path of calls.
func (v *goView) longest(calls []int) string {
	m := ""
	for _, i := range calls {
		if p := v.Calls[i].First().Go.Module; len(p) > len(m) {
			m = p
		}
	}
	return m
}
