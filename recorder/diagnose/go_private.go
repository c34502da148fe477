package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/module"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// looksPrivate reports whether the evidence says that a module is not public: its host's
// name is of no use outside, or the proxies have nothing of it while direct mode has it,
// from a host that is not one of those where the public publishes, or with credentials.
func (v *goView) looksPrivate(m string) bool {
	h := hostOfModule(m)
	if h == "" || v.proxied(m) {
		return false
	}
	if internalHost(h) {
		return true
	}
	if slices.Contains(publicModules, h) {
		return false
	}
	unknown, signed := !slices.Contains(hosting, h), false
	for _, i := range v.directly(m) {
		c := &v.Calls[i]
		if !isGit(c.First().Go.Kind) || !got(c) {
			continue
		}
		signed = signed || slices.ContainsFunc(c.Exchanges, func(x *recorder.Exchange) bool { return x.Request.Get("Authorization") != "" })
		if unknown || signed {
			return true
		}
	}
	return false
}

// proxied reports whether a proxy had something of the module, were it an old version.
func (v *goView) proxied(m string) bool {
	return slices.ContainsFunc(v.asked[m], func(i int) bool {
		c := &v.Calls[i]
		return got(c) && (c.First().Go.Kind != gomod.List || c.Last().Response.BodySize > 0)
	})
}

// leaked are the modules that look private and that a proxy was asked for, which had
// nothing of them, with the paths above and below them that were tried, and those calls.
func (v *goView) leaked() (modules []string, calls []int) {
	var vain []string // those of which no proxy had anything
	for m := range v.asked {
		if !v.proxied(m) && !v.isPrivate(m) {
			vain = append(vain, m)
			if v.looksPrivate(m) && slices.ContainsFunc(v.asked[m], func(i int) bool { return clientError(&v.Calls[i]) }) {
				modules = append(modules, m)
			}
		}
	}
	if len(modules) == 0 {
		return nil, nil
	}
	slices.Sort(modules)
	patterns := strings.Join(privatePatterns(modules), ",")
	for _, m := range vain {
		if !module.MatchPrefixPatterns(patterns, m) {
			continue
		}
		for _, i := range v.asked[m] {
			if clientError(&v.Calls[i]) {
				calls = append(calls, i)
			}
		}
	}
	slices.Sort(calls)
	return modules, calls
}

// isPrivate reports whether the settings already keep m from the proxies: GONOPROXY, which
// is GOPRIVATE unless it is set itself.
func (v *goView) isPrivate(m string) bool {
	patterns, known := v.Env.Go["GONOPROXY"]
	if !known {
		patterns = v.Setting("GOPRIVATE")
	}
	return module.MatchPrefixPatterns(patterns, m)
}

// privateLeak: proxies were asked for modules that they cannot have.
func privateLeak(v *goView) *recorder.Finding {
	modules, calls := v.leaked()
	if len(calls) == 0 {
		return nil
	}
	f := &recorder.Finding{Cost: v.without(calls), Evidence: v.ids(calls)}
	at := v.CallOf(f.Evidence[0])
	f.Title = fmt.Sprintf("%s was asked %s about %s, which it cannot have: %s", host(at), times(len(calls)), someOf(modules, "module"), secs(f.Cost))
	f.Numbers = []recorder.Number{countNumber("private modules", len(modules), 0), countNumber("requests for them that a proxy refused", len(calls), 0)}
	f.Remedy = "Tell go that these paths are private: then neither the proxy nor the checksum database is asked for them."
	f.Commands = v.keepPrivate(privatePatterns(modules))
	if slices.ContainsFunc(calls, func(i int) bool { return slices.Contains(publicProxies, host(&v.Calls[i])) }) {
		v.atLeast(f, recorder.Warn) // others now know the names
	}
	if !internalHost(hostOfModule(modules[0])) {
		f.Caveat = "That they are private follows from the proxy's having nothing of them while direct mode had them; a public module of which no version was ever fetched looks the same."
	}
	return f
}

// someOf names the first of things and counts the others.
func someOf(names []string, what string) string {
	if len(names) == 1 {
		return names[0]
	}
	return fmt.Sprintf("%s and %s", names[0], plural(len(names)-1, "other "+what))
}

// sumdbPrivate: the checksum database refuses a module that came from a private place.
func sumdbPrivate(v *goView) *recorder.Finding {
	var modules []string
	byProxy := true
	calls := v.where(func(c *Call) bool {
		g := c.First().Go
		if g.Kind != gomod.SumdbLookup || g.Module == "" || !slices.Contains([]int{400, 403, 404, 410}, c.Last().Status) || c.Last().Err != nil {
			return false
		}
		direct, proxied := v.cameFrom(g.Module, c)
		if !direct && (!proxied || c.Last().Status == 403) || !v.ownProxy(g.Module) || len(v.notYet(g.Module, g.Version)) > 0 {
			return false
		}
		byProxy = byProxy && !direct
		if !slices.Contains(modules, g.Module) {
			modules = append(modules, g.Module)
		}
		return true
	})
	if len(calls) == 0 {
		return nil
	}
	slices.Sort(modules)
	f := &recorder.Finding{Cost: v.without(calls), Evidence: v.ids(calls)}
	c := v.CallOf(f.Evidence[0])
	f.Title = fmt.Sprintf("the checksum database does not know %s: %d from %s", someOf(modules, "module"), c.Last().Status, host(c))
	f.Numbers = []recorder.Number{countNumber("lookups refused", len(calls), 0), countNumber("modules", len(modules), 0)}
	if v.Failed() {
		f.Severity = recorder.Bad
	} else {
		v.atLeast(f, recorder.Warn)
	}
	if byProxy {
		f.Remedy = "Your proxy has it and the public database cannot: tell go not to look it up there."
		f.Commands = []string{v.goEnvW("GONOSUMDB", v.addTo("GONOSUMDB", privatePatterns(modules)))}
		return f
	}
	f.Remedy = "Tell go that the paths are private: then they come directly and are not looked up."
	f.Commands = v.keepPrivate(privatePatterns(modules))
	return f
}

// cameFrom reports how a module was had: in direct mode, or from a proxy, other than the
// lookup itself.
func (v *goView) cameFrom(m string, lookup *Call) (direct, proxied bool) {
	proxied = slices.ContainsFunc(v.asked[m], func(i int) bool { return got(&v.Calls[i]) && v.Calls[i].First().Go.Kind != gomod.List })
	for _, i := range v.directly(m) {
		direct = direct || isGit(v.Calls[i].First().Go.Kind) && got(&v.Calls[i])
	}
	if s := v.In.End; s != nil { // git over ssh, of the module's host
		for _, u := range s.Unseen {
			direct = direct || u.Start <= lookup.Start && strings.Contains(u.Target, hostOfModule(m))
		}
	}
	return direct, proxied
}

// ownProxy reports whether what a proxy had of m came from one that is not public.
func (v *goView) ownProxy(m string) bool {
	return !slices.ContainsFunc(v.asked[m], func(i int) bool { return got(&v.Calls[i]) && slices.Contains(publicProxies, host(&v.Calls[i])) })
}
