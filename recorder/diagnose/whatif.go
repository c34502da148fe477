package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

const (
	worthShare = 0.05                 // chosen: of the wall time; what saves less is not said
	worthTime  = recorder.Span(200e6) // chosen
	moreProcs  = 16                   // measured: go-command.md §3.3; more brings nothing on real module sets
	surely     = 0.10                 // chosen: a replay that misses the wall time by less is sure,
	rather     = 0.25                 // chosen: by less than this rather sure
	notPlayed  = 0.1                  // chosen: the share of the wall time from which on the time without requests is told
)

// whatIf predicts what the remedies that can be computed would make of the run: those that
// save time worth a command, the most first.
func (a *Analysis) whatIf() []Prediction {
	p, err := a.player()
	if err != nil {
		return nil
	}
	var out []Prediction
	for _, remedy := range a.remedies() {
		q := remedy.Prediction
		q.Wall = p.predict(remedy.change)
		q.Saves = a.Wall - q.Wall
		if q.Saves < worthTime || float64(q.Saves) < worthShare*float64(a.Wall) {
			continue
		}
		q.Sure, q.Why = p.sure(remedy.change)
		out = append(out, q)
	}
	slices.SortStableFunc(out, func(x, y Prediction) int { return cmp.Compare(x.Wall, y.Wall) })
	return out
}

// costedBy are the findings that say what a prediction says, by its ID.
var costedBy = map[string]string{"parallelism": "low-parallelism", "go-sum": "sumdb-dominates"}

// agreeing leaves out the guesses about what a finding has measured: where the model is not
// good enough for the finding's cost, the report would have two numbers for one thing.
func agreeing(all []Prediction, findings []recorder.Finding) []Prediction {
	return slices.DeleteFunc(all, func(p Prediction) bool {
		return p.Sure == "low" && slices.ContainsFunc(findings, func(f recorder.Finding) bool { return f.ID == costedBy[p.ID] })
	})
}

// A remedyChange is a remedy and what it changes.
type remedyChange struct {
	Prediction
	change Change
}

// remedies are the remedies that apply to the run.
func (a *Analysis) remedies() []remedyChange {
	var out []remedyChange
	add := func(id, what string, c Change, commands ...string) {
		out = append(out, remedyChange{Prediction{ID: id, What: what, Commands: commands}, c})
	}
	if n := a.Env.MaxProcs; n > 0 && n < moreProcs {
		add("parallelism", fmt.Sprintf("GOMAXPROCS=%d instead of %d", moreProcs, n), Change{MaxProcs: moreProcs},
			a.with("GOMAXPROCS", fmt.Sprint(moreProcs), a.command()))
	}
	looksUp := slices.ContainsFunc(a.Calls, func(c Call) bool { return c.First().Go.Kind == gomod.SumdbLookup })
	if looksUp && a.verb() != "get" && !a.namesVersion() { // what those look up is new, or no go.sum is read
		add("go-sum", "a complete go.sum beside go.mod, so that the checksum database is not asked", Change{NoSumDB: true}, a.keepGoSum()...)
	}
	if i, list := a.deadEntry(); i >= 0 {
		var commands []string
		if list != "" {
			commands = []string{a.goEnvW("GOPROXY", list)}
		}
		add("no-fallback", fmt.Sprintf("GOPROXY without %s, which gave nothing", a.Entries[i].Name), Change{DropEntries: []int{i}}, commands...)
	}
	add("half-latency", "a mirror that answers in half the time", Change{LatencyFactor: 0.5})
	add("rate", "twice the bandwidth", Change{RateFactor: 2})
	return out
}

// keepGoSum completes go.sum, unless the command has just done so, and keeps it.
func (a *Analysis) keepGoSum() []string {
	keep := "git add go.mod go.sum"
	if verb := a.verb(); verb == "get" || verb == "mod tidy" {
		return []string{keep}
	}
	return []string{"go mod tidy", keep}
}

// deadEntry is the first entry of GOPROXY that was asked and never answered although a
// later one did, and the list without it; -1 where there is none. The list is "" where it
// cannot be pasted, as it has a password, or should not be, as the entry is the user's own.
func (a *Analysis) deadEntry() (entry int, list string) {
	uses := a.entryUses(nil)
	for i, u := range uses {
		later := slices.ContainsFunc(uses[i+1:], func(u EntryUse) bool { return u.Answered > 0 })
		if u.Requests == 0 || u.Answered > 0 || !later {
			continue
		}
		if a.Entries[i].isOwn() {
			return i, "" // private modules may come from it at other times
		}
		return i, a.withoutEntries(func(k int, _ Entry) bool { return k == i })
	}
	return -1, ""
}

// offBy says by how much the run as recorded, played, misses its time from the first request
// to the last.
func offBy(share float64) string {
	percent := math.Round(100 * share)
	switch {
	case percent == 0:
		return "comes out at the time that the requests took, within 1 %"
	case percent > 0:
		return fmt.Sprintf("comes out %.0f %% above the time that the requests took", percent)
	}
	return fmt.Sprintf("comes out %.0f %% below the time that the requests took", -percent)
}

// sure says how sure a prediction is, and what that rests on.
func (p *player) sure(c Change) (level, why string) {
	miss := max(p.miss, -p.miss)
	level = "low"
	switch {
	case miss <= surely:
		level = "high"
	case miss <= rather:
		level = "medium"
	}
	why = "the same model, with nothing changed, " + offBy(p.miss)
	if float64(p.outside) > notPlayed*float64(p.a.Wall) {
		why += fmt.Sprintf("; %s before the first request and after the last stay as they are", secs(p.outside))
	}
	if c.MaxProcs > p.procs && !p.knowsGraph() {
		if level == "high" {
			level = "medium"
		}
		why += "; the .mod files were not kept, so which module led to which is told from the order alone"
	}
	if c.MaxProcs > p.procs && p.a.compiled() {
		if level == "high" {
			level = "medium"
		}
		why += "; it also lets go compile more at a time, which is not foreseen"
	}
	if c.MaxProcs > p.procs && p.cpus == 1 {
		if level == "high" {
			level = "medium"
		}
		why += "; with one processor, unzipping beside downloads is hard to foresee"
	}
	return level, why
}

// compiled reports whether the command was seen to compile.
func (a *Analysis) compiled() bool {
	return a.In.Process != nil && slices.ContainsFunc(a.In.Process.Samples, func(s recorder.Sample) bool { return toolOf(&s, buildTools) != "" })
}
