package diagnose

import (
	"cmp"
	"math"
	"slices"

	"modtap/recorder"
)

// A fluid is something that what is under way shares: the processors, or a link. Each has
// an equal part, but no more than it can use; what one cannot use the others get.
type fluid struct {
	capacity float64 // per second; 0: no limit
	flows    []user
	last     recorder.Span // up to which what is left of the flows is known
}

// A user is one of those that share a fluid.
type user struct {
	left, most, rate float64 // what is left to do; per second at most; per second now
	then             purpose
}

// add begins something that needs amount and can use most per second.
func (f *fluid) add(now recorder.Span, amount, most float64, then purpose) {
	f.flow(now)
	f.flows = append(f.flows, user{left: amount, most: most, then: then})
	f.divide()
}

// flow brings what is left up to date.
func (f *fluid) flow(now recorder.Span) {
	passed := (now - f.last).Duration().Seconds()
	for i := range f.flows {
		f.flows[i].left = max(f.flows[i].left-f.flows[i].rate*passed, 0)
	}
	f.last = now
}

// divide gives each its rate.
func (f *fluid) divide() {
	if f.capacity <= 0 {
		for i := range f.flows {
			f.flows[i].rate = f.flows[i].most
		}
		return
	}
	order := make([]*user, len(f.flows))
	for i := range f.flows {
		order[i] = &f.flows[i]
	}
	slices.SortFunc(order, func(x, y *user) int { return cmp.Compare(x.most, y.most) })
	rest := f.capacity
	for i, s := range order {
		s.rate = min(s.most, rest/float64(len(order)-i))
		rest -= s.rate
	}
}

// next is when the first of them is done; false: there is none.
func (f *fluid) next() (recorder.Span, bool) {
	best := math.Inf(1)
	for i := range f.flows {
		best = min(best, f.flows[i].left/f.flows[i].rate)
	}
	if math.IsInf(best, 1) || math.IsNaN(best) {
		return 0, false
	}
	return f.last + recorder.Span(math.Ceil(best*1e9)), true
}

// take removes the one that is done at now.
func (f *fluid) take(now recorder.Span) purpose {
	f.flow(now)
	i := 0
	for k := range f.flows {
		if f.flows[k].left/f.flows[k].rate < f.flows[i].left/f.flows[i].rate {
			i = k
		}
	}
	then := f.flows[i].then
	f.flows = slices.Delete(f.flows, i, i+1)
	f.divide()
	return then
}

// A timer is something that happens at a time, whatever else is under way.
type timer struct {
	at  recorder.Span
	seq int // of two at the same time the one that was set first comes first
	purpose
}

// timers is a heap, the soonest first.
type timers []timer

func (t timers) Len() int      { return len(t) }
func (t timers) Swap(i, j int) { t[i], t[j] = t[j], t[i] }
func (t *timers) Push(x any)   { *t = append(*t, x.(timer)) }
func (t timers) Less(i, j int) bool {
	return t[i].at < t[j].at || t[i].at == t[j].at && t[i].seq < t[j].seq
}
func (t *timers) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}
