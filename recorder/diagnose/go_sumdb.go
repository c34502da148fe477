package diagnose

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// sumdbHost is the server of the checksum database when it is asked directly; "" when
// there is none.
func (v *goView) sumdbHost() string {
	f := strings.Fields(v.Setting("GOSUMDB"))
	switch {
	case len(f) == 0:
		return "sum.golang.org"
	case f[0] == "off":
		return ""
	case len(f) > 1:
		if u, err := url.Parse(f[1]); err == nil {
			return u.Hostname()
		}
	}
	name, _, _ := strings.Cut(f[0], "+")
	name, _, _ = strings.Cut(name, "/")
	return name
}

// isSumdb reports whether c is about the checksum database, a connection to it that came
// to nothing included.
func (v *goView) isSumdb(c *Call) bool {
	k := c.First().Go.Kind
	return k.Step() == "sumdb" || k == gomod.Connect && v.sumdbHost() != "" && host(c) == v.sumdbHost()
}

// sumdbFailed reports whether c is a request to the database that failed of the database,
// or of the way to it.
func (v *goView) sumdbFailed(c *Call) bool {
	x := c.Last()
	switch {
	case !v.isSumdb(c) || canceled(c) || distrust(c):
		return false
	case x.Err != nil:
		return true
	}
	return x.Status >= 500
}

// sumdbUnreachable: the checksum database does not answer, while others do.
func sumdbUnreachable(v *goView) *recorder.Finding {
	direct := v.sumdbHost()
	others, answered := v.otherHosts()
	if len(others) > 0 && len(answered) == 0 {
		return nil // nothing answers: not the database's matter
	}
	calls := v.where(func(c *Call) bool { // of a proxy only what it does not do to its other requests
		return v.sumdbFailed(c) && (host(c) == direct || answered[host(c)] || !others[host(c)])
	})
	var conns []uint64
	for i := range v.In.Conns {
		c := &v.In.Conns[i]
		if h, _, _ := strings.Cut(c.Target, ":"); h == direct && h != "" && c.Err != nil && c.Err.Op != "canceled" && !strings.Contains(c.Err.Msg, "x509") && c.Exchanges == 0 {
			conns = append(conns, c.ID)
		}
	}
	if len(calls) == 0 && (len(conns) == 0 || !v.Failed()) {
		return nil
	}
	f := &recorder.Finding{Cost: v.without(calls), Evidence: v.ids(calls), Conns: conns}
	v.sayUnreachable(f, direct)
	if v.Failed() {
		f.Severity = recorder.Bad
	} else {
		v.atLeast(f, recorder.Warn)
	}
	return f
}

// otherHosts are the hosts that were asked for something else than the checksum database,
// and those of them that answered.
func (v *goView) otherHosts() (asked, answered map[string]bool) {
	asked, answered = map[string]bool{}, map[string]bool{}
	for i := range v.Calls {
		c := &v.Calls[i]
		if v.isSumdb(c) || canceled(c) {
			continue
		}
		asked[host(c)] = true
		if s := c.Last().Status; s != 0 && s < 500 {
			answered[host(c)] = true
		}
	}
	return asked, answered
}

// sayUnreachable writes the title and the remedy of f, which has its evidence.
func (v *goView) sayUnreachable(f *recorder.Finding, direct string) {
	var worst *Call
	if len(f.Evidence) > 0 {
		worst = v.CallOf(f.Evidence[0])
	}
	took := recorder.Span(0)
	switch {
	case worst == nil:
		c := v.Conn(f.Conns[0])
		took = c.Marks.End
		f.Title = fmt.Sprintf("the checksum database at %s does not answer (%s): given up after %s", direct, c.Err.Op, secs(took))
	case worst.Last().Err != nil && host(worst) != direct:
		took = worst.Took()
		f.Title = fmt.Sprintf("%s does not answer for the checksum database (%s): given up after %s", host(worst), worst.Last().Err.Op, secs(took))
	case worst.Last().Err != nil:
		took = worst.Took()
		f.Title = fmt.Sprintf("the checksum database at %s does not answer (%s): given up after %s", host(worst), worst.Last().Err.Op, secs(took))
	default:
		took = worst.Took()
		f.Title = fmt.Sprintf("%s answers for the checksum database with %d after %s", host(worst), worst.Last().Status, secs(took))
	}
	f.Numbers = []recorder.Number{msNumber("time until the failure", took, 0), countNumber("requests that failed", len(f.Evidence), 0)}
	if worst != nil && host(worst) != direct { // by way of a proxy
		f.Remedy = "Give the proxy more time for /sumdb/, or let go ask the database itself; a complete go.sum needs neither."
		if name := strings.Fields(v.Setting("GOSUMDB")); len(name) < 2 && direct != "" {
			db := direct
			if len(name) == 1 {
				db = name[0]
			}
			f.Commands = append(f.Commands, v.goEnvW("GOSUMDB", db+" https://"+direct))
		}
	} else {
		f.Remedy = "Ask a mirror of the database that can be reached, directly or by a proxy that serves it; a complete go.sum needs neither. Do not turn it off."
		switch direct {
		case "sum.golang.org":
			f.Commands = append(f.Commands, v.goEnvW("GOSUMDB", "sum.golang.google.cn"))
		case "sum.golang.google.cn": // which stands for an address, so that no proxy is asked for the database
			if !slices.ContainsFunc(v.Entries, func(e Entry) bool { return !e.isWord() }) {
				f.Commands = append(f.Commands, v.portCommand(direct)) // the usual name is seldom reached where this one is set
				break
			}
			f.Remedy += " Under this name go asks no proxy for it: set GOSUMDB back, so that a proxy of GOPROXY may serve it."
			f.Commands = append(f.Commands, v.setTo("GOSUMDB", ""))
			if list := v.mirrorBefore(slices.IndexFunc(v.Entries, Entry.isPublic), "https://goproxy.cn", ","); list != "" {
				f.Commands = append(f.Commands, v.goEnvW("GOPROXY", list))
			}
		}
	}
	if len(f.Commands) == 0 && v.Setting("GOSUMDB") != "" {
		f.Remedy += " The setting names another database than the usual one: this goes back to it."
		f.Commands = append(f.Commands, v.setTo("GOSUMDB", ""))
	}
}

// sumdbDominates: much of the run is for the checksum database, as go.sum lacks lines.
func sumdbDominates(v *goView) *recorder.Finding {
	calls := v.where(v.isSumdb)
	if len(calls) == 0 {
		return nil
	}
	share := float64(len(calls)) / float64(len(v.Calls))
	cost := v.without(calls)
	if saves, ok := v.predicted("go-sum"); ok {
		cost = saves
	}
	if share < sumdbShare && float64(cost) < sumdbShare*float64(v.Wall) {
		return nil
	}
	if cost < warnCost || float64(cost) < warnShare*float64(v.Wall) || slices.ContainsFunc(calls, func(i int) bool { return v.sumdbFailed(&v.Calls[i]) }) {
		return nil
	}
	f := &recorder.Finding{Cost: cost, Evidence: v.ids(calls)}
	f.Title = fmt.Sprintf("%d of %d requests ask the checksum database: %s of %s", len(calls), len(v.Calls), secs(cost), secs(v.Wall))
	f.Numbers = []recorder.Number{shareNumber("share of the requests", share, sumdbShare), msNumber("wall time that they cost", cost, warnCost)}
	if v.Env.GoSum > 0 {
		f.Numbers = append(f.Numbers, countNumber("lines of go.sum at the start", v.Env.GoSum, 0))
	}
	v.byLatency(f, calls)
	if verb := v.verb(); verb == "get" || verb == "mod tidy" {
		f.Remedy = "This command writes go.sum: commit it, and the next run has no such request. In CI keep the folder cache/download/sumdb of GOMODCACHE between runs."
		f.Commands = []string{"git add go.mod go.sum"}
		f.Caveat = "What is new to go.sum must be looked up once."
		v.atMost(f, recorder.Info)
		return f
	}
	if v.namesVersion() {
		f.Remedy = "The command names a version, so that no go.sum is read. Keep the folder cache/download/sumdb of GOMODCACHE between runs."
		f.Commands = []string{"go env GOMODCACHE"}
		v.atMost(f, recorder.Info)
		return f
	}
	f.Remedy = "Commit a complete go.sum: what it has is not looked up. In CI keep the folder cache/download/sumdb of GOMODCACHE between runs."
	f.Commands = []string{"go mod tidy", "git add go.mod go.sum"}
	return f
}

// predicted is what the remedy of a prediction would save, where that can be told.
func (v *goView) predicted(id string) (saves recorder.Span, ok bool) {
	if v.Predicted == nil {
		return 0, false
	}
	return v.Predicted(id)
}
