package diagnose

import (
	"fmt"
	"net/http"
	"path"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// checkForbidden: 403 of a mirror, or of a parent proxy.
func checkForbidden(a *Analysis) *recorder.Finding {
	var seen []occurrence
	modules := map[string]map[string]bool{}
	asked := map[string]map[string]bool{}
	there := a.modulesThere()
	prefixes := above(there)
	byProxy := map[string]string{}
	mark := func(m map[string]map[string]bool, host, module string) {
		if m[host] == nil {
			m[host] = map[string]bool{}
		}
		m[host][module] = true
	}
	for x := range a.exchanges {
		host := netHost(x.URL)
		if x.Go.Module != "" && x.Go.Kind != gomod.List && x.Status != 0 {
			mark(asked, host, x.Go.Module)
		}
		if x.Status != http.StatusForbidden || x.Go.Kind == gomod.StorageZip || isDirect(x.Go.Kind) || isSumdb(x) {
			continue
		}
		if x.Go.Kind == gomod.List && (!a.Failed() || nextTo(there, prefixes, x.Go.Module)) {
			continue // a mirror's way to say that there is no such path
		}
		if x.Go.Kind == gomod.Connect {
			byProxy[host] = "the proxy"
			if c := a.Conn(x.Conn); c != nil && c.Via != "" {
				byProxy[host] = "the proxy " + netHost(c.Via)
			}
		} else {
			mark(modules, host, x.Go.Module)
		}
		took := max(x.Client.End, x.Server.End)
		seen = append(seen, occurrence{host: host, x: x, conn: a.Conn(x.Conn), took: took, excess: took})
	}
	if len(seen) == 0 {
		return nil
	}
	host, its := worst(seen)
	f := a.evidenceOf(&recorder.Finding{Numbers: []recorder.Number{countNumber("answers 403", len(seen), 0)}}, seen)
	told := telling(its)
	if p := byProxy[host]; p != "" {
		f.Title = fmt.Sprintf("%s forbids %s (403, %s)", netCapital(p), host, times(len(its)))
		f.Remedy = "Ask whoever runs the proxy to let " + hostName(host) + " pass, or use a mirror that is allowed."
	} else {
		refused(f, told, modules[host], asked[host], times(len(its)))
	}
	if told.Go.Kind == gomod.Info && a.Failed() {
		f.Commands = append(f.Commands, "go list -m -versions "+a.quote(told.Go.Module))
	}
	if list := a.goproxyOn(host); list != "" && byProxy[host] == "" {
		f.Remedy += " If your rules permit other sources, let go ask the next one after any error: a comma goes on after 404 and 410 alone."
		f.Commands = append(f.Commands, a.goEnvW("GOPROXY", list))
	} else if a.hasEntry(host) {
		f.Commands = append(f.Commands, a.around(host)...)
	}
	if a.Failed() {
		f.Severity = recorder.Bad
	}
	return f
}

// refused writes what a mirror that refuses modules, of those asked for, has refused; told is
// the request to name.
func refused(f *recorder.Finding, told *recorder.Exchange, modules, asked map[string]bool, often string) {
	host, probes := netHost(told.URL), dropPrefixes(modules)
	n, of := len(modules)-probes, len(asked)-probes
	switch {
	case told.Go.Module == "":
		f.Title = fmt.Sprintf("%s answers 403 (forbidden), %s", host, often)
	case n == 1 && of > 1:
		f.Title = fmt.Sprintf("%s forbids %s (403), 1 of %d modules", host, told.Go.Module, of)
	case n == 1:
		f.Title = fmt.Sprintf("%s forbids %s (403)", host, told.Go.Module)
	default:
		f.Title = fmt.Sprintf("%s forbids %d of %d modules (403), as %s", host, n, max(of, n), told.Go.Module)
	}
	f.Remedy = "Ask whoever runs " + hostName(host) + " to allow it (" + netSubject(told) + ")." + serverSays(told)
}

// modulesThere are the modules that some server had.
func (a *Analysis) modulesThere() map[string]bool {
	there := map[string]bool{}
	for x := range a.exchanges {
		if x.Go.Module != "" && x.Status == http.StatusOK && x.Go.Kind != gomod.GoGet {
			there[x.Go.Module] = true
		}
	}
	return there
}

// nextTo reports whether module lies above or below one of the modules: go asks for every
// prefix of a package's path whether it is a module.
func nextTo(modules, above map[string]bool, module string) bool {
	for p := module; p != "." && p != "/"; p = path.Dir(p) {
		if modules[p] {
			return true
		}
	}
	return above[module]
}

// above are the proper prefixes of the modules' paths.
func above(modules map[string]bool) map[string]bool {
	out := map[string]bool{}
	for m := range modules {
		for p := path.Dir(m); p != "." && p != "/" && !out[p]; p = path.Dir(p) {
			out[p] = true
		}
	}
	return out
}

// telling is the request to name: that of the longest module path, as go asks for all the
// prefixes of a path.
func telling(its []occurrence) *recorder.Exchange {
	best := its[0].x
	for _, o := range its[1:] {
		if strings.HasPrefix(o.x.Go.Module, best.Go.Module+"/") {
			best = o.x
		}
	}
	return best
}

// dropPrefixes counts the modules that are a prefix of another one.
func dropPrefixes(modules map[string]bool) (n int) {
	for p := range above(modules) {
		if modules[p] {
			n++
		}
	}
	return n
}

// serverSays is what the body of x says, as " It says: \"no such version\"."; "" when it was
// not kept, or is for no reader.
func serverSays(x *recorder.Exchange) string {
	r := &x.Response
	if r.Encoding != "" || !strings.HasPrefix(r.Mime, "text/plain") {
		return ""
	}
	text := strings.TrimSuffix(netClip(string(r.Body), 80), ".")
	if text == "" {
		return ""
	}
	return fmt.Sprintf(" It says: %q.", text)
}
