package diagnose

import (
	"slices"

	"modtap/recorder"
)

// maxLevels bounds Report.Concurrency: more points than a terminal or a chart is wide say
// nothing more.
const maxLevels = 500

// levels is how many exchanges were in flight from when on, how long at least one was, and
// the most at a time.
func (a *Analysis) levels() (levels []Level, busy recorder.Span, peak int) {
	n := len(a.In.Exchanges)
	starts, ends := make([]recorder.Span, 0, n), make([]recorder.Span, 0, n)
	for i := range a.In.Exchanges {
		x := &a.In.Exchanges[i]
		start := a.at(x.Start)
		end := start + tookOf(x)
		if !x.Done {
			end = max(end, a.To) // still on its way
		}
		if end > start {
			starts, ends = append(starts, start), append(ends, end)
		}
	}
	slices.Sort(starts)
	slices.Sort(ends)
	flight, s := 0, 0
	for e := 0; e < len(ends); {
		at := ends[e]
		if s < len(starts) {
			at = min(at, starts[s])
		}
		if k := len(levels); k > 0 && flight > 0 {
			busy += at - levels[k-1].At
		}
		for s < len(starts) && starts[s] == at {
			flight, s = flight+1, s+1
		}
		for e < len(ends) && ends[e] == at {
			flight, e = flight-1, e+1
		}
		levels = append(levels, Level{At: at, N: flight})
		peak = max(peak, flight)
	}
	return levels, busy, peak
}

// thin merges levels into at most n points. A point is the peak of its stretch, so that no
// peak is lost; the last one is the end.
func thin(levels []Level, n int) []Level {
	if len(levels) <= n {
		return levels
	}
	from, last := levels[0].At, levels[len(levels)-1]
	stretch := (last.At-from)/recorder.Span(n-1) + 1
	out := make([]Level, 0, n)
	now, i := 0, 0
	for at := from; at <= last.At; at += stretch {
		peak := now
		if levels[i].At == at {
			peak = 0 // what was in flight before it has no part in this stretch
		}
		for ; i < len(levels)-1 && levels[i].At < at+stretch; i++ {
			now = levels[i].N
			peak = max(peak, now)
		}
		if k := len(out); k == 0 || out[k-1].N != peak {
			out = append(out, Level{At: at, N: peak})
		}
	}
	return append(out, last)
}
