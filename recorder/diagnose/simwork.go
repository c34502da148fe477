package diagnose

import (
	"cmp"
	"slices"

	"modtap/recorder"
)

// shareWork takes out of the go command's own work, as the gaps between requests show it,
// the waiting for a processor: while more jobs worked than there are processors, each had
// but its part. Played, they wait for each other again, as many as there are then.
func (m *model) shareWork() {
	if m.cpus <= 0 {
		return
	}
	var spans []interval
	var works []*recorder.Span
	add := func(from, to recorder.Span, work *recorder.Span) {
		if from < to {
			spans, works = append(spans, interval{from, to}), append(works, work)
		}
	}
	for j := range m.jobs {
		b := &m.jobs[j]
		add(b.start-b.lead, b.start, &b.lead)
		add(b.end, b.end+b.post, &b.post)
		for i := range b.steps {
			s := &b.steps[i]
			start := m.began(s.calls[0])
			add(start-s.work, start, &s.work)
		}
	}
	for i, d := range aloneTimes(spans, m.cpus) {
		*works[i] = d
	}
}

// aloneTimes is how long each of spans would be if nothing else used what they share,
// which is enough for so many at a time.
func aloneTimes(spans []interval, enough int) []recorder.Span {
	order := make([]int, 0, 2*len(spans)) // i: span i begins, ^i: it ends
	for i := range spans {
		order = append(order, i, ^i)
	}
	byTime(order, spans)
	out := make([]recorder.Span, len(spans))
	began := make([]float64, len(spans))
	n, had := 0, 0.0 // had: what each of those that were there all the time would have
	var last recorder.Span
	for _, e := range order {
		if e < 0 {
			had += float64(spans[^e].to-last) * min(1, float64(enough)/float64(n))
			last = spans[^e].to
			out[^e] = recorder.Span(had - began[^e])
			n--
			continue
		}
		if n > 0 {
			had += float64(spans[e].from-last) * min(1, float64(enough)/float64(n))
		}
		last, began[e] = spans[e].from, had
		n++
	}
	return out
}

// byTime sorts the beginnings (i) and ends (^i) of spans, an end before a beginning.
func byTime(order []int, spans []interval) {
	at := func(e int) recorder.Span {
		if e < 0 {
			return spans[^e].to
		}
		return spans[e].from
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Or(cmp.Compare(at(x), at(y)), cmp.Compare(x, y)) })
}
