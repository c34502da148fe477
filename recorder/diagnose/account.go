package diagnose

import (
	"modtap/recorder"
)

// account fills in what the critical path says: the accounting, the path as links, the
// overhead, the head of the report and its notes.
func (a *Analysis) account(r *Report) {
	a.head(r)
	r.Accounting = a.buckets()
	r.CriticalPath = a.links()
	r.Overhead = a.overhead()
	r.Notes = a.notes()
}

// head fills in what the report is about.
func (a *Analysis) head(r *Report) {
	if s := a.In.Session; s != nil {
		r.Command, r.Mode, r.Tool = s.Argv, s.Mode, s.Tool
	}
	if p := a.In.Process; p != nil {
		r.ExitCode, r.Signal = p.ExitCode, p.Signal
	}
	if e := a.In.End; e != nil {
		r.BlindSpots, r.Unseen = e.BlindSpots, e.Unseen
		if a.In.Process == nil {
			r.ExitCode = e.ExitCode
		}
	}
}

// buckets sums the critical path.
func (a *Analysis) buckets() Accounting {
	sums := make(map[string]recorder.Span, len(Buckets))
	for i := range a.Path {
		sums[a.Path[i].Bucket] += a.Path[i].Took()
	}
	var acc Accounting
	for _, name := range Buckets {
		if d := sums[name]; d > 0 {
			acc.Buckets = append(acc.Buckets, Bucket{Name: name, Time: d, Share: a.share(d)})
			last := &acc.Buckets[len(acc.Buckets)-1]
			switch {
			case name == BucketGo:
				last.What = a.ownWork(d)
			case name == BucketIdle && !a.sampled():
				last.What = "no request; work not known"
			}
		}
	}
	return acc
}

// sampled reports whether the processes of the command were watched.
func (a *Analysis) sampled() bool { return a.In.Process != nil && len(a.In.Process.Samples) > 0 }

// share is d as a part of the wall time.
func (a *Analysis) share(d recorder.Span) float64 {
	if a.Wall <= 0 {
		return 0
	}
	return float64(d) / float64(a.Wall)
}

// overhead is modtap's own time for all exchanges, whether the command waited for it or
// not, and for the certificates of tunnels that no request waited for.
func (a *Analysis) overhead() Bucket {
	var sum recorder.Span
	charged := map[uint64]bool{} // tunnels whose certificate is in an exchange's overhead
	for i := range a.In.Exchanges {
		x := &a.In.Exchanges[i]
		sum += max(0, x.Overhead)
		if !x.Server.Reused {
			charged[x.Tunnel] = true
		}
	}
	for i := range a.In.Tunnels {
		if t := &a.In.Tunnels[i]; !charged[t.ID] {
			sum += max(0, t.Mint)
		}
	}
	return Bucket{Name: BucketModtap, Time: sum, Share: a.share(sum)}
}

// tiny is how short a link of the critical path is to be told with its neighbour.
const tiny = recorder.Span(1e6)

// links tells the critical path: one link per call, and one per stretch between calls.
// Stretches under 1 ms go to the call before them, and short calls of one kind that follow
// one another are one link.
func (a *Analysis) links() []Link {
	var out []Link
	for i := 0; i < len(a.Path); {
		s := &a.Path[i]
		call := a.linkOf(s)
		j := i + 1
		for ; j < len(a.Path); j++ {
			if n := a.linkOf(&a.Path[j]); n != call || n < 0 && a.Path[j].Bucket != s.Bucket {
				break
			}
		}
		out = a.addLink(out, call, a.Path[i:j])
		i = j
	}
	return out
}

// linkOf is the call that a segment belongs to; -1 for time between calls.
func (a *Analysis) linkOf(s *Segment) int {
	if n, ok := a.callOf[s.Exchange]; ok && s.Exchange != 0 {
		return n
	}
	return -1
}

// addLink adds the segments of one call, or of one stretch between calls.
func (a *Analysis) addLink(out []Link, call int, segments []Segment) []Link {
	l := Link{From: segments[0].From, To: segments[len(segments)-1].To, Bucket: largest(segments)}
	last := len(out) - 1
	if call < 0 {
		if l.To-l.From < tiny && last >= 0 {
			out[last].To = l.To
			return out
		}
		l.What = longestNote(segments)
		if l.What == "" {
			l.What = between(l.Bucket, l.From == a.From, l.To == a.To)
		}
		return append(out, l)
	}
	c := &a.Calls[call]
	l.Exchange, l.What, l.Why = segments[0].Exchange, label(c), c.Why
	switch {
	case segments[len(segments)-1].Note == noteOpening:
		l.What = "connecting for " + l.What
	case c.Doubled:
		l.What += ", sent twice"
	}
	if last >= 0 && l.To-l.From < tiny && out[last].To-out[last].From < tiny && out[last].Exchange != 0 {
		if before := a.CallOf(out[last].Exchange); before != nil && before.First().Go.Kind == c.First().Go.Kind {
			out[last].To = l.To
			return out
		}
	}
	return append(out, l)
}

// between words what is known of time between calls: its bucket, and where it lies.
func between(bucket string, first, last bool) string {
	what := map[string]string{
		BucketGo: "the command's own work", BucketVCS: "git", BucketLock: "waits for a lock", BucketIdle: "nothing that was measured",
	}[bucket]
	switch {
	case first && last:
		return what
	case first:
		return what + " before the first request"
	case last:
		return what + " after the last request"
	}
	return what
}

// longestNote is the note that covers most of some segments; "" when none covers half.
func longestNote(segments []Segment) string {
	sums := map[string]recorder.Span{}
	best, all := "", recorder.Span(0)
	for _, s := range segments {
		all += s.Took()
		sums[s.Note] += s.Took()
		if s.Note != "" && (best == "" || sums[s.Note] > sums[best]) {
			best = s.Note
		}
	}
	if 2*sums[best] < all {
		return ""
	}
	return best
}

// largest is the bucket that has most of some segments.
func largest(segments []Segment) string {
	sums := map[string]recorder.Span{}
	best := segments[0].Bucket
	for _, s := range segments {
		sums[s.Bucket] += s.Took()
	}
	for _, name := range Buckets {
		if sums[name] > sums[best] {
			best = name
		}
	}
	return best
}
