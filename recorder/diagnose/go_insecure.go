package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"modtap/recorder"
)

// insecureFlag: -insecure, which go get no longer takes, or GOINSECURE, which makes go try
// https for 5 s first.
func insecureFlag(v *goView) *recorder.Finding {
	if f := v.insecureGet(); f != nil {
		return f
	}
	return v.insecureHost()
}

// insecureGet: go get with -insecure ends at once.
func (v *goView) insecureGet() *recorder.Finding {
	isFlag := func(w string) bool { return w == "-insecure" || w == "--insecure" || w == "-insecure=true" }
	flags := strings.Fields(v.Setting("GOFLAGS"))
	if !v.Failed() || v.verb() != "get" || len(v.Calls) > 0 {
		return nil
	}
	argv := v.In.Session.Argv
	if !slices.ContainsFunc(flags, isFlag) && !slices.ContainsFunc(argv, isFlag) {
		return nil
	}
	f := &recorder.Finding{Severity: recorder.Bad, Title: "go get does not know -insecure any more: it sent 0 requests"}
	f.Numbers = []recorder.Number{countNumber("requests", 0, 0)}
	f.Remedy = "Take the flag out. For a host that has no https, GOINSECURE and GONOSUMDB name it."
	if slices.ContainsFunc(flags, isFlag) {
		f.Commands = append(f.Commands, v.setTo("GOFLAGS", strings.Join(slices.DeleteFunc(flags, isFlag), " ")))
	}
	for _, w := range argv[2:] {
		if h := hostOfModule(w); strings.Contains(h, ".") && !strings.HasPrefix(w, "-") && !strings.HasPrefix(w, ".") {
			h, _, _ = strings.Cut(h, "@")
			f.Commands = append(f.Commands, v.goEnvW("GOINSECURE", v.addTo("GOINSECURE", []string{h})), v.goEnvW("GONOSUMDB", v.addTo("GONOSUMDB", []string{h})))
			break
		}
	}
	return f
}

// insecureHost: https to a host of GOINSECURE came to nothing before http was tried.
func (v *goView) insecureHost() *recorder.Finding {
	if v.Setting("GOINSECURE") == "" {
		return nil
	}
	plain := map[string]recorder.Span{} // host and path to when it was last asked by http
	for i := range v.Calls {
		if c := &v.Calls[i]; c.URL.Scheme == "http" {
			plain[c.URL.Hostname()+c.URL.Path] = c.Start
			plain[c.URL.Hostname()] = c.Start
		}
	}
	calls := v.where(func(c *Call) bool {
		if c.URL.Scheme == "http" || got(c) || c.Took() < insecureWait {
			return false
		}
		at, ok := plain[c.URL.Hostname()+strings.TrimSuffix(c.URL.Path, "/")]
		if !ok && c.First().Method == "CONNECT" {
			at, ok = plain[c.URL.Hostname()]
		}
		return ok && at >= c.End-ms(1)
	})
	if len(calls) == 0 {
		return nil
	}
	f := &recorder.Finding{Cost: v.without(calls), Evidence: v.ids(calls)}
	c := v.CallOf(f.Evidence[0])
	f.Title = fmt.Sprintf("GOINSECURE made go try https for %s at %s before http", secs(c.Took()), host(c))
	f.Numbers = []recorder.Number{msNumber("time until https was given up", c.Took(), insecureWait), countNumber("times", len(calls), 0)}
	// Without GOINSECURE there would be no http at all, which is what this run lived on.
	f.Remedy = "Look at what port 443 does. Let the host refuse it at once, or serve https there: only then can it be taken out of GOINSECURE."
	f.Commands = []string{v.portCommand(c.URL.Host)}
	return f
}
