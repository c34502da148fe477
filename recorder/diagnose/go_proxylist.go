package diagnose

import (
	"fmt"
	"slices"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// stops reports whether c ended in a way after which go does not go on to the next entry
// behind a comma, and which another server might do better: a 5xx, or no answer. What a
// policy decides (401, 403, 429, 451) is not for going round.
func stops(c *Call) bool {
	x := c.Last()
	switch {
	case canceled(c) || distrust(c):
		return false
	case x.Err != nil:
		return x.Err.Op != "proxy" && x.Err.Op != "rule"
	}
	return x.Status >= 500
}

// fallbackStopped: an entry of GOPROXY failed, and the comma behind it kept go from asking
// the next one.
func fallbackStopped(v *goView) *recorder.Finding {
	if !v.Failed() || len(v.Entries) < 2 {
		return nil
	}
	reached := -1 // the furthest entry that was asked
	for i := range v.Calls {
		reached = max(reached, v.Calls[i].Entry)
		if isDirect(v.Calls[i].First().Go.Kind) {
			reached = max(reached, slices.IndexFunc(v.Entries, Entry.isWord))
		}
	}
	calls := v.where(func(c *Call) bool {
		if c.Entry < 0 || c.Entry >= len(v.Entries)-1 || v.isSumdb(c) || !v.stopped(c.Entry, c) {
			return false
		}
		return stops(c) && !v.recovered(c) && c.Entry >= reached
	})
	if len(calls) == 0 {
		return nil
	}
	f := &recorder.Finding{Severity: recorder.Bad, Evidence: v.ids(calls)}
	c := v.CallOf(f.Evidence[0])
	next := v.Entries[c.Entry+1]
	f.Title = fmt.Sprintf("%s %s, and a comma kept go from asking %s", v.Entries[c.Entry].host(), failure(c), next.host())
	f.Numbers = []recorder.Number{
		countNumber("requests that failed there", len(calls), 0),
		msNumber("time until the failure", c.Took(), 0),
		countNumber("entries that were not asked", len(v.Entries)-1-c.Entry, 0),
	}
	f.Remedy = "Behind a comma go asks the next entry after 404 and 410 only; behind | after any failure."
	f.Caveat = "Each file waits for the first entry's failure anew: one that is down for long is better taken out."
	if list := v.goOn(c.Entry); list != "" {
		f.Commands = []string{v.goEnvW("GOPROXY", list)}
	} else if v.shields(c.Entry) {
		f.Remedy += fmt.Sprintf(" But with | each outage of %s would tell a server for everyone which private modules you use: run the command again, and tell who runs %[1]s.", v.Entries[c.Entry].host())
		f.Commands, f.Caveat = []string{v.command()}, ""
	}
	return f
}

// stopped reports whether the comma behind entry e stands between c's failure and another
// server that could be asked: any for a 5xx, another proxy when there was no answer, as
// what cannot reach a proxy can seldom reach the repositories.
func (v *goView) stopped(e int, c *Call) bool {
	if v.Entries[e].Sep != "," || v.Entries[e+1].Name == "off" {
		return false
	}
	x := c.Last() // of a failed CONNECT the status is modtap's own
	return x.Status >= 500 && x.Go.Kind != gomod.Connect || !v.Entries[e+1].isWord()
}

// failure says how c failed: "answered 502", "did not answer (dial) after 30.0 s".
func failure(c *Call) string {
	x := c.Last()
	if x.Err != nil || x.Status == 0 {
		op := "no answer"
		if x.Err != nil {
			op = x.Err.Op
		}
		return fmt.Sprintf("did not answer (%s) after %s", op, secs(c.Took()))
	}
	return fmt.Sprintf("answered %d after %s", x.Status, secs(c.Took()))
}

// serverError: a server answered with 5xx, and that ended or slowed the command.
func serverError(v *goView) *recorder.Finding {
	fatal := false
	calls := v.where(func(c *Call) bool {
		x := c.Last()
		if x.Err != nil || x.Status < 500 || v.isSumdb(c) || c.First().Go.Kind == gomod.Connect || c.First().Go.Kind == gomod.Telemetry {
			return false
		}
		fatal = fatal || v.Failed() && !v.recovered(c)
		return true
	})
	if len(calls) == 0 {
		return nil
	}
	f := &recorder.Finding{Cost: v.without(calls), Evidence: v.ids(calls)}
	c := v.CallOf(f.Evidence[0])
	if fatal {
		c = &v.Calls[calls[slices.IndexFunc(calls, func(i int) bool { return !v.recovered(&v.Calls[i]) })]]
		f.Evidence = unique(append([]uint64{c.First().ID}, f.Evidence...))
		f.Severity = recorder.Bad
	}
	f.Title = fmt.Sprintf("%s answered %d to %s: %s", host(c), c.Last().Status, requests(len(calls), c), secs(f.Cost))
	if fatal {
		f.Title += ", and the command failed"
	}
	f.Numbers = []recorder.Number{countNumber("answers of 5xx", len(calls), 0), countNumber("status", c.Last().Status, 0)}
	f.Remedy = "Run the command again (what it has stays in the module cache): go itself does not try again after a 5xx. If it stays so, tell who runs the server."
	f.Commands = []string{v.command()}
	if list := v.goOn(c.Entry); list != "" { // of what direct mode asked there is no next one
		f.Remedy += " With | behind " + v.Entries[c.Entry].host() + " in GOPROXY go asks the next entry."
		f.Commands = []string{v.goEnvW("GOPROXY", list)}
	}
	return f
}

// requests names the one request, or how many there were.
func requests(n int, c *Call) string {
	if n == 1 {
		return fileName(c.First().Go)
	}
	return plural(n, "request")
}
