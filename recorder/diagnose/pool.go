package diagnose

import (
	"slices"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// A pool is the slots that tasks of one kind take: the go command works on GOMAXPROCS of
// them at once (go-command.md §1.3).
type pool struct {
	g    *graph
	size int // 0: not known
	// always says that there was always another task in line, so that every slot was taken
	// again as soon as it was free, although no request shows its work: the .zip of `go mod
	// download` are unpacked in their slots.
	always bool

	active []int32 // tasks that hold a slot, in the order of starting; with always, the last one of each slot
	free   []int32 // tasks that ended and whose slot was not taken again,
}

// slotWithin is how soon a slot that is free is taken by a task in line: the go command
// writes what it got to its cache before.
const slotWithin = 100 * jitter

// take gives the current call, which leads a task, a slot, and returns the task whose end
// freed it, if all slots were taken until then; -1: it was free, or that is not known.
func (p *pool) take(n int) int {
	if p.size <= 0 {
		return -1
	}
	if p.always {
		return p.chain(n)
	}
	now := p.g.p.now
	kept := p.active[:0]
	for _, t := range p.active {
		if p.end(t) > now+jitter {
			kept = append(kept, t)
		} else {
			p.free = append(p.free, t)
		}
	}
	p.active = append(kept, int32(n))
	p.free = slices.DeleteFunc(p.free, func(t int32) bool {
		return now-p.end(t) > slotWithin+2*p.g.unpacking(int(t))
	})
	best := p.likeliest(p.free)
	if best < 0 || len(kept)+len(p.free) < p.size {
		return -1
	}
	by := int(p.free[best])
	p.free = slices.Delete(p.free, best, best+1)
	return by
}

// likeliest is the index of the task that ended and whose unpacking, where it has one,
// should have ended just now; -1: none ended.
func (p *pool) likeliest(list []int32) int {
	best, least := -1, recorder.Span(0)
	for i, t := range list {
		if p.end(t) > p.g.p.now+jitter {
			continue
		}
		off := p.g.p.now - p.end(t) - p.g.unpacking(int(t))
		if off = max(off, -off); best < 0 || off < least {
			best, least = i, off
		}
	}
	return best
}

// end is when the task that call t leads was over.
func (p *pool) end(t int32) recorder.Span { return p.g.tasks.ends(p.g.a.Calls, int(t)) }

// chain is take where every slot is taken again at once.
func (p *pool) chain(n int) int {
	best := -1
	if len(p.active) >= p.size {
		best = p.likeliest(p.active)
	}
	if best < 0 { // there is a free one, or other work asks for .zip too
		if len(p.active) >= p.size+maxLook {
			p.active = p.active[1:]
		}
		p.active = append(p.active, int32(n))
		return -1
	}
	by := int(p.active[best])
	p.active[best] = int32(n)
	return by
}

// unpackRate is how long hashing and unpacking take per byte of a .zip, when the processor
// time of the command does not tell.
const unpackRate = 100 * float64(time.Millisecond) / (1 << 20) // measured: 42 .zip of 36.6 MB, 3.5 s

// unpacking guesses how long the go command hashed and unpacked the .zip of a call.
func (g *graph) unpacking(n int) recorder.Span {
	if g.a.Calls[n].First().Go.Kind != gomod.Zip {
		return 0
	}
	return recorder.Span(float64(g.a.Calls[n].Last().Response.BodySize) * g.rate)
}

// unpackRate is the guess for this run: all of its processor time went into its .zip
// files, but no more than three times the usual.
func (a *Analysis) unpackRate() float64 {
	p := a.In.Process
	if p == nil || p.User+p.System <= 0 {
		return unpackRate
	}
	var size int64
	for i := range a.Calls {
		if x := a.Calls[i].Last(); x.Go.Kind == gomod.Zip || x.Go.Kind == gomod.StorageZip {
			size += x.Response.BodySize
		}
	}
	if size <= 0 {
		return unpackRate
	}
	return min(float64(p.User+p.System)/float64(size), 3*unpackRate)
}

// readMods reads the .mod files that were kept: which one led to which, and which modules
// a .zip may be needed by.
func (g *graph) readMods() {
	g.parents, g.users = map[file]int32{}, map[string][]int32{}
	asked, zips := map[file]int32{}, map[string]string{} // their keys do not hold on to a whole .mod file
	for n := range g.a.Calls {
		switch f := fileOf(&g.a.Calls[n]); f.kind {
		case gomod.Mod:
			asked[f] = int32(n)
		case gomod.Zip:
			zips[f.module] = f.module
		}
	}
	g.a.modGraphs = make([]modGraph, len(g.a.Calls))
	for n := range g.a.Calls {
		c := &g.a.Calls[n]
		if c.First().Go.Kind != gomod.Mod {
			continue
		}
		m, ok := readModFile(bodyOf(c.Last()))
		if ok && m.named {
			g.a.modGraphs[n] = m.graph()
		}
		end := g.tasks.ends(g.a.Calls, n)
		for _, r := range m.requires {
			if name, ok := zips[r.path]; ok && len(g.users[name]) < maxLook {
				g.users[name] = append(g.users[name], int32(n))
			}
			by, ok := asked[file{gomod.Mod, r.path, r.version}]
			if !ok {
				continue
			}
			f := fileOf(&g.a.Calls[by])
			if old, ok := g.parents[f]; !ok || end < g.tasks.ends(g.a.Calls, int(old)) {
				g.parents[f] = int32(n)
			}
		}
	}
}
