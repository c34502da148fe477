package diagnose

import (
	"modtap/recorder"
	"modtap/recorder/gomod"
)

// The go command works on a module's file as one task: it asks for the .mod (or .zip), looks
// it up in the checksum database, and reads the tiles that prove the record; only then does
// it go on, and only then is the task's slot free (cmd/go/internal/modfetch, checkMod). A
// .mod that is asked for after the .zip, as when packages are loaded, is of the .zip's task.
//
// tasks says for each call which task it is of, named by the call for the .mod or .zip, and
// for each task which of its calls ended last.
type tasks struct {
	owner []int32 // by call: the call that leads its task; itself for others
	last  []int32 // by leading call: the call of its task that ended last
	after []int32 // by call: the call of its task that had ended last when it began; -1 for leading calls
}

// ends is when the task that call n leads was over.
func (ts *tasks) ends(calls []Call, n int) recorder.Span { return calls[ts.last[n]].End }

// add makes call n part of the task that lead leads.
func (ts *tasks) add(calls []Call, n, lead int) {
	ts.owner[n], ts.after[n] = int32(lead), ts.last[lead]
	ts.wait(calls, n, lead)
}

// wait makes the task that lead leads wait for call n, whoever asked for it.
func (ts *tasks) wait(calls []Call, n, lead int) {
	if calls[n].End > calls[ts.last[lead]].End {
		ts.last[lead] = int32(n)
	}
}

// tasks finds the tasks of the run.
func (a *Analysis) tasks() *tasks {
	ts := &tasks{owner: make([]int32, len(a.Calls)), last: make([]int32, len(a.Calls)), after: make([]int32, len(a.Calls))}
	for n := range ts.owner {
		ts.owner[n], ts.last[n], ts.after[n] = int32(n), int32(n), -1
	}
	places := a.tilesOf()
	proofs := map[tilePlace]int{} // the last lookup that ended and whose proof may need that tile
	p := a.progress(func(n int) {
		for _, place := range places[n] {
			proofs[place] = n
		}
	})
	tiles := map[tilePlace][]int32{}
	for n := range a.Calls {
		p.begin(n)
		switch x := a.Calls[n].First(); x.Go.Kind {
		case gomod.Mod:
			if zip := p.of(gomod.Zip, x.Go.Module, x.Go.Version, n); zip >= 0 {
				ts.add(a.Calls, n, zip)
			}
		case gomod.SumdbLookup:
			if lead := later(a.Calls, p.of(gomod.Mod, x.Go.Module, x.Go.Version, n), p.of(gomod.Zip, x.Go.Module, x.Go.Version, n)); lead >= 0 {
				ts.add(a.Calls, n, int(ts.owner[lead]))
			}
		case gomod.SumdbSupported:
			if lead := later(a.Calls, p.last("mod", n), p.last("zip", n)); lead >= 0 {
				ts.add(a.Calls, n, int(ts.owner[lead]))
			}
		case gomod.SumdbTile:
			place, ok := placeOf(x.Go.Extra)
			if ok {
				tiles[place] = append(tiles[place], int32(n))
			}
			by, known := proofs[place]
			if !ok || !known || by >= n {
				by = later(a.Calls, p.last(string(gomod.SumdbLookup), n), p.last(string(gomod.SumdbTile), n))
			}
			if by >= 0 {
				ts.add(a.Calls, n, int(ts.owner[by]))
			}
		}
	}
	a.shareTiles(ts, places, tiles)
	return ts
}

// shareTiles makes tasks wait for the tiles that were on their way for others when they
// needed them: the go command asks for each tile once.
func (a *Analysis) shareTiles(ts *tasks, places map[int][]tilePlace, tiles map[tilePlace][]int32) {
	for n := range a.Calls {
		end := a.Calls[n].End
		for _, place := range places[n] {
			for _, tile := range tiles[place] {
				if t := &a.Calls[tile]; t.Start <= end && t.End > end {
					ts.wait(a.Calls, int(tile), int(ts.owner[n]))
				}
			}
		}
	}
}

// tilesOf reads which tiles lookups needed from those of their answers that were kept.
func (a *Analysis) tilesOf() map[int][]tilePlace {
	out := map[int][]tilePlace{}
	for n := range a.Calls {
		x := a.Calls[n].Last()
		if x.Go.Kind != gomod.SumdbLookup {
			continue
		}
		if body := bodyOf(x); body != nil {
			if r, ok := readRecord(body); ok {
				out[n] = r.places()
			}
		}
	}
	return out
}

// later is whichever of two calls ended later; -1 is no call.
func later(calls []Call, n, m int) int {
	if n < 0 || m >= 0 && calls[m].End > calls[n].End {
		return m
	}
	return n
}
