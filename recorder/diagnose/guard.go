package diagnose

import (
	"modtap/recorder"
)

// grade fills in the severity of a finding of r where r has not. It reports false when
// modtap's own time explains what the finding blames a server for.
func (a *Analysis) grade(r Rule, f *recorder.Finding) bool {
	byCost := f.Severity == ""
	if byCost {
		f.Severity = a.severity(f.Cost)
	}
	if !r.Server || f.Cost <= 0 {
		return true
	}
	var within recorder.Span // modtap's own time in the very requests
	for _, id := range f.Evidence {
		if c := a.CallOf(id); c != nil {
			for _, x := range c.Exchanges {
				if x.ID == id {
					within += x.Overhead
				}
			}
		}
	}
	switch own := a.ownTime(); {
	case within >= f.Cost && byCost:
		return false
	case within >= f.Cost:
		f.Caveat = joined(f.Caveat, "modtap's own time in these requests was "+secs(within)+", as much as the cost.")
	case own > f.Cost && byCost && f.Severity != recorder.Info:
		f.Severity = recorder.Info
		f.Caveat = joined(f.Caveat, "modtap itself took "+secs(own)+" of the run, more than this cost: run it again before believing it.")
	}
	return true
}

func joined(caveat, more string) string {
	if caveat == "" {
		return more
	}
	return caveat + " " + more
}

// first puts modtap's own slowness before everything else (DESIGN §3.2).
func first(f recorder.Finding) int {
	if f.ID == "modtap-overhead" && f.Severity != recorder.Info {
		return 0
	}
	return 1
}

// clip keeps as many of f's ids as a reader will look at, and notes how many there were.
func clip(f *recorder.Finding) {
	if n := len(f.Evidence); n > maxEvidence {
		f.Of = n
	}
	if n := len(f.Conns); n > maxEvidence {
		f.ConnsOf = n
	}
	f.Evidence, f.Conns = clipIDs(f.Evidence), clipIDs(f.Conns)
}

// clipIDs keeps as many as a reader will look at.
func clipIDs(ids []uint64) []uint64 { return ids[:min(len(ids), maxEvidence)] }
