package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// serialInfos: the go command asks for the .info of one module after another.
func serialInfos(v *goView) *recorder.Finding {
	chain := v.infoChain()
	if len(chain) < chainLength {
		return nil
	}
	var took, slowest recorder.Span
	cut := v.cut(chain)
	for _, i := range chain {
		d := v.Calls[i].Took()
		took += d
		slowest = max(slowest, d)
	}
	if len(v.Path) > 0 {
		took = min(took, v.onPath(chain))
	}
	if float64(took) < serialInfo*float64(v.Wall) {
		return nil
	}
	f := &recorder.Finding{Evidence: v.ids(chain), Cost: max(min(v.Saving(cut), took)-slowest, 0)} // side by side they still take as long as the slowest
	if f.Cost < waste {
		return nil
	}
	f.Title = fmt.Sprintf("go asks for %d .info files one after another: %s of %s", len(chain), secs(took), secs(v.Wall))
	f.Numbers = []recorder.Number{
		countNumber(".info files in a row", len(chain), chainLength),
		shareNumber("share of the wall time", float64(took)/float64(max(v.Wall, 1)), serialInfo),
		v.medianWait(chain),
	}
	if v.verb() == "mod download" {
		v.byLatency(f, chain)
		f.Remedy = "go mod download reads them in a row, whatever GOMAXPROCS is. go list -deps fetches what the build needs with the .info files side by side; or keep GOMODCACHE between runs."
		f.Commands = []string{"go list -deps ./..."}
		return f
	}
	f.Remedy = "The go command reads them in a row, whatever GOMAXPROCS is. Keep GOMODCACHE between runs, or use a nearer proxy."
	f.Commands = []string{"go env GOMODCACHE"}
	v.atMost(f, recorder.Warn)
	v.byLatency(f, chain)
	return f
}

// onPath is how much of the critical path is time of the calls.
func (v *goView) onPath(calls []int) recorder.Span {
	in := map[uint64]bool{}
	for _, i := range calls {
		for _, x := range v.Calls[i].Exchanges {
			in[x.ID] = true
		}
	}
	return v.PathTime(func(s Segment) bool { return s.Exchange != 0 && in[s.Exchange] })
}

// infoChain is the longest row of .info calls each of which began after the one before had
// ended, without another kind of module file between them.
func (v *goView) infoChain() []int {
	var best, row []int
	var end recorder.Span
	for i := range v.Calls {
		c := &v.Calls[i]
		switch k := c.First().Go.Kind; {
		case k == gomod.Info && got(c) && (len(row) == 0 || c.Start >= end-ms(1)):
			row, end = append(row, i), c.End
		case k == gomod.Info && clientError(c) && (len(row) == 0 || c.Start >= end-ms(1)):
			end = c.End // the next GOPROXY entry is asked for it
		case k == gomod.Info || k == gomod.Mod || k == gomod.Zip:
			if len(row) > len(best) {
				best = row
			}
			row = nil
			if k == gomod.Info && got(c) {
				row, end = []int{i}, c.End
			}
		}
	}
	if len(row) > len(best) {
		best = row
	}
	return best
}

// lowParallelism: GOMAXPROCS lets go fetch few files at a time, while each is mostly
// waited for.
func lowParallelism(v *goView) *recorder.Finding {
	p := v.Env.MaxProcs
	if p == 0 || p > fewSlots {
		return nil
	}
	mods := v.slots(func(k gomod.Kind) bool { return k == gomod.Mod || k == gomod.SumdbLookup }, p)
	zips := v.slots(func(k gomod.Kind) bool { return k == gomod.Zip }, p)
	calls := slices.Concat(mods.calls, zips.calls)
	if len(calls) < 4*p || float64(mods.full+zips.full) < slotsBusy*float64(mods.busy+zips.busy) {
		return nil
	}
	// A zip waits for nothing but a slot; of the .mod files some wait for others, so that
	// only a part of what more slots could bring is taken as sure.
	more := 1 - float64(p)/manySlots
	f := &recorder.Finding{Cost: recorder.Span(more * (0.75*mods.waiting() + zips.waiting()))}
	if saves, ok := v.predicted("parallelism"); ok {
		f.Cost = saves
	}
	if f.Cost < warnCost || float64(f.Cost) < warnShare*float64(v.Wall) {
		return nil
	}
	f.Evidence = v.ids(calls)
	f.Title = fmt.Sprintf("GOMAXPROCS=%d lets go fetch %d files at a time: about %s of %s", p, p, secs(f.Cost), secs(v.Wall))
	f.Numbers = []recorder.Number{
		countNumber("files at a time", p, fewSlots),
		shareNumber("share of the time with all of them taken", float64(mods.full+zips.full)/float64(max(mods.busy+zips.busy, 1)), slotsBusy),
		v.medianWait(calls),
	}
	if v.Env.CPUs > p {
		f.Numbers = append(f.Numbers, countNumber("processors of the machine", v.Env.CPUs, 0))
	}
	v.byLatency(f, calls)
	f.Remedy = "Fetching waits more than it computes: allow more at a time for this command."
	f.Commands = []string{v.with("GOMAXPROCS", strconv.Itoa(manySlots), v.command())}
	return f
}

// A slotUse is how calls of some kinds used the slots that GOMAXPROCS gives.
type slotUse struct {
	calls      []int
	busy, full recorder.Span // time with at least one on its way, and with as many as there are slots
	wait, took recorder.Span // sums over the calls
}

// waiting is the time with all slots taken that was waiting for a server, in nanoseconds.
func (s *slotUse) waiting() float64 {
	if s.took == 0 {
		return 0
	}
	return float64(s.full) * float64(s.wait) / float64(s.took)
}

func (v *goView) slots(of func(gomod.Kind) bool, slots int) *slotUse {
	type edge struct {
		at   recorder.Span
		step int
	}
	s := &slotUse{}
	var edges []edge
	for i := range v.Calls {
		c := &v.Calls[i]
		if !of(c.First().Go.Kind) || !got(c) {
			continue
		}
		s.calls = append(s.calls, i)
		edges = append(edges, edge{c.Start, 1}, edge{c.End, -1})
		s.took += c.Took()
		s.wait += min(c.Last().Server.Timings().Wait, c.Took())
	}
	slices.SortFunc(edges, func(x, y edge) int { return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.step, y.step)) })
	n := 0
	var last recorder.Span
	for _, e := range edges {
		if n > 0 {
			s.busy += e.at - last
		}
		if n >= slots {
			s.full += e.at - last
		}
		n, last = n+e.step, e.at
	}
	return s
}

// unprunedGraph: old go directives make go read the .mod files of versions that are never
// built.
func unprunedGraph(v *goView) *recorder.Finding {
	used := map[gomod.Request]bool{}
	fetches := slices.ContainsFunc(v.Calls, func(c Call) bool { return wantedOf(&c).Kind == gomod.Zip }) // else .info is of a list
	firstEnd := v.To
	mods, old := 0, 0
	for i := range v.Calls {
		c := &v.Calls[i]
		g := wantedOf(c)
		switch {
		case !got(c):
		case g.Kind == gomod.Zip || g.Kind == gomod.Info && fetches:
			g.Kind = gomod.Mod
			used[g] = true
		case g.Kind == gomod.Mod:
			firstEnd = min(firstEnd, c.End)
			switch v.modGraphs[i] {
			case graphWhole:
				mods, old = mods+1, old+1
			case graphPruned:
				mods++
			}
		}
	}
	main := v.Env.GoDirective
	oldMain := main != "" && !prunes(main)
	if !oldMain && (mods == 0 || 2*old < mods) {
		return nil
	}
	calls := v.where(func(c *Call) bool { // those of the first round are the requirements themselves
		return c.First().Go.Kind == gomod.Mod && got(c) && !used[wantedOf(c)] && c.Start >= firstEnd
	})
	if len(calls) < unusedMods {
		return nil
	}
	f := &recorder.Finding{Cost: v.without(append(slices.Clone(calls), v.lookupsOf(calls)...)), Evidence: v.ids(calls)}
	f.Title = fmt.Sprintf("go read %d .mod files of versions that it did not fetch: %s of %s", len(calls), secs(f.Cost), secs(v.Wall))
	f.Numbers = []recorder.Number{countNumber("such .mod files", len(calls), unusedMods)}
	if mods > 0 {
		f.Numbers = append(f.Numbers, countNumber(".mod files with a go line before 1.17", old, 0))
	}
	f.Remedy = "From go 1.17 on a go.mod names all that it needs, so that go need not read further. Raise the go line, and upgrade dependencies whose own go.mod is older."
	if oldMain {
		f.Commands = append(f.Commands, "go mod tidy "+v.quote("-go=1.17"))
	}
	f.Commands = append(f.Commands, "go get -u ./...")
	f.Caveat = "Only the part behind dependencies that have a go line of 1.17 or later goes away."
	return f
}

// lookupsOf are the checksum lookups of the versions that calls are about.
func (v *goView) lookupsOf(calls []int) []int {
	versions := map[gomod.Request]bool{}
	for _, i := range calls {
		g := v.Calls[i].First().Go
		versions[gomod.Request{Module: g.Module, Version: g.Version}] = true
	}
	return v.where(func(c *Call) bool {
		g := c.First().Go
		return g.Kind == gomod.SumdbLookup && versions[gomod.Request{Module: g.Module, Version: g.Version}]
	})
}
