package diagnose

import (
	"cmp"
	"slices"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// A file names what a call asked for.
type file struct {
	kind            gomod.Kind
	module, version string
}

func fileOf(c *Call) file {
	g := &c.First().Go
	return file{g.Kind, g.Module, g.Version}
}

// A progress goes through the calls in the order of starting and knows, at each one, what
// had ended by then.
type progress struct {
	calls []Call
	byEnd []int32            // every call, in the order of ending
	done  int                // how many of byEnd had ended
	file  map[file]int32     // the last call for it that ended
	kind  map[string][]int32 // calls that ended, by step or kind, in the order of ending
	onEnd func(n int)        // nil, or told of each call that ended
	now   recorder.Span
}

func (a *Analysis) progress(onEnd func(int)) *progress {
	p := &progress{
		calls: a.Calls, byEnd: make([]int32, len(a.Calls)), file: make(map[file]int32, len(a.Calls)), kind: map[string][]int32{},
		onEnd: onEnd,
	}
	for i := range p.byEnd {
		p.byEnd[i] = int32(i)
	}
	slices.SortStableFunc(p.byEnd, func(x, y int32) int { return cmp.Compare(a.Calls[x].End, a.Calls[y].End) })
	return p
}

// begin goes on to the start of call n. Calls begin in their order.
func (p *progress) begin(n int) {
	p.now = p.calls[n].Start
	for p.done < len(p.byEnd) && p.calls[p.byEnd[p.done]].End <= p.now+jitter {
		e := p.byEnd[p.done]
		p.done++
		c := &p.calls[e]
		k := c.First().Go.Kind
		p.file[fileOf(c)] = e
		p.kind[string(k)] = append(p.kind[string(k)], e)
		if s := k.Step(); s != string(k) {
			p.kind[s] = append(p.kind[s], e)
		}
		if p.onEnd != nil {
			p.onEnd(int(e))
		}
	}
}

// last is the call of a step or kind that ended last and began before n; -1: none.
func (p *progress) last(name string, n int) int {
	list := p.kind[name]
	for i := len(list) - 1; i >= 0; i-- {
		if int(list[i]) < n {
			return int(list[i])
		}
	}
	return -1
}

// of is the last call for a file that ended, and began before n; -1: none.
func (p *progress) of(kind gomod.Kind, module, version string, n int) int {
	if e, ok := p.file[file{kind, module, version}]; ok && int(e) < n {
		return int(e)
	}
	return -1
}

// latest is the call that ended last before t of those that began before n; -1: none.
func (p *progress) latest(n int, t recorder.Span) int {
	for i := p.done - 1; i >= 0; i-- {
		if e := int(p.byEnd[i]); e < n && p.calls[e].End <= t+jitter {
			return e
		}
	}
	return -1
}
