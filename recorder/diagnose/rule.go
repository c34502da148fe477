package diagnose

import (
	"cmp"
	"slices"
	"sync/atomic"

	"modtap/recorder"
)

// A Rule recognises one thing that is wrong. Its prose is findings/ID.md.
type Rule struct {
	ID string
	// Check returns the finding, or nil. It sets everything but the ID; Run fills in the
	// severity where Check leaves it empty, from the cost.
	Check func(*Analysis) *recorder.Finding
	// Explains are findings that this one makes pointless: they are left out when all of
	// their evidence is in this one's, or when they have none.
	Explains []string
	// Server says that the finding blames a server or the network, so that it must not
	// stand when modtap's own time explains it.
	Server bool
}

// Rules has every rule.
func Rules() []Rule { return slices.Concat(networkRules, goRules) }

// ask asks every rule, drops what another finding explains, and sorts: the worst first,
// then the dearest. told are the exchanges that a finding of more weight than info is about,
// of which the finding itself may name only some.
func (a *Analysis) ask(rules []Rule) (out []recorder.Finding, told map[uint64]bool) {
	found := map[string]*recorder.Finding{}
	answers := a.check(rules)
	for i, r := range rules {
		f := answers[i]
		if f == nil {
			continue
		}
		f.ID = r.ID
		f.Cost = min(max(f.Cost, 0), a.Wall)
		if a.grade(r, f) {
			found[r.ID] = f
		}
	}
	for _, r := range rules {
		by := found[r.ID]
		if by == nil {
			continue
		}
		for _, id := range r.Explains {
			if f := found[id]; f != nil && a.explains(by, f) {
				delete(found, id)
			}
		}
	}
	told = map[uint64]bool{}
	for _, r := range rules {
		f := found[r.ID]
		if f == nil {
			continue
		}
		if f.Severity != recorder.Info {
			for _, id := range f.Evidence {
				told[id] = true
			}
		}
		clip(f) // not before: what explains what needs all of them
		a.finish(f)
		out = append(out, *f)
	}
	slices.SortStableFunc(out, func(x, y recorder.Finding) int {
		return cmp.Or(first(x)-first(y), cmp.Compare(rank(x.Severity), rank(y.Severity)), -cmp.Compare(x.Cost, y.Cost))
	})
	return out, told
}

// check asks every rule. Each looks through a whole recording, which of a long one takes a
// while: the others go on beside it.
func (a *Analysis) check(rules []Rule) []*recorder.Finding {
	answers := make([]*recorder.Finding, len(rules))
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; int(i) < len(rules); i = next.Add(1) - 1 {
			answers[i] = rules[i].Check(a)
		}
	}
	both(work, work)
	return answers
}

// explains reports whether by, one of whose rule's Explains f is, makes f pointless: it has
// all of f's evidence, and is not about something much cheaper, unless the command failed
// of it.
func (a *Analysis) explains(by, f *recorder.Finding) bool {
	if !covered(f.Evidence, by.Evidence) || !covered(f.Conns, by.Conns) {
		return false
	}
	return 2*by.Cost >= f.Cost || a.Failed() && by.Severity == recorder.Bad
}

// covered reports whether all of ids are in those of another finding.
func covered(ids, by []uint64) bool {
	if len(ids) == 0 {
		return true
	}
	set := make(map[uint64]bool, len(by))
	for _, id := range by {
		set[id] = true
	}
	return !slices.ContainsFunc(ids, func(id uint64) bool { return !set[id] })
}

func rank(severity string) int {
	return slices.Index([]string{recorder.Bad, recorder.Warn, recorder.Info}, severity)
}

// severity is that of a finding which costs so much and breaks nothing.
func (a *Analysis) severity(cost recorder.Span) string {
	share := 0.0
	if a.Wall > 0 {
		share = float64(cost) / float64(a.Wall)
	}
	switch {
	case cost >= badCost && share >= badShare:
		return recorder.Bad
	case cost >= warnCost && share >= warnShare:
		return recorder.Warn
	}
	return recorder.Info
}
