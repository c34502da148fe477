package diagnose

import (
	"net/url"
	"slices"
	"strings"

	"modtap/recorder"
)

// partition walks back from the end of the run along what each call waited for, and puts
// every nanosecond from From to To into a bucket. The segments are in the order of time,
// none is empty, and each begins where the one before ends.
func (a *Analysis) partition() []Segment {
	if a.Wall <= 0 {
		return nil
	}
	w := &walk{a: a, cursor: a.To}
	n, next := a.lastEnd, -1
	for n >= 0 && w.cursor > a.From {
		c := &a.Calls[n]
		w.gap(c.End, n, next)
		w.call(c)
		n, next = c.Pred, n
	}
	w.gap(a.From, -1, next)
	slices.Reverse(w.out)
	return merge(w.out)
}

// A walk is the path so far, from its end back to the cursor.
type walk struct {
	a      *Analysis
	out    []Segment // the last one first
	cursor recorder.Span

	openings map[string][]interval // see openingTo; nil until it is needed
}

// put adds segments, which are in the order of time, end at the cursor, and lie behind
// one another.
func (w *walk) put(segments []Segment) {
	for i := len(segments) - 1; i >= 0; i-- {
		s := segments[i]
		s.From, s.To = max(s.From, w.a.From), min(s.To, w.cursor)
		if s.From < s.To {
			s.To = w.cursor // nothing lies between; said again, so that nothing ever can
			w.cursor = s.From
			w.out = append(w.out, s)
		}
	}
}

// gap adds the time from the end of call before (-1: from the start) to the cursor, where
// call next begins (-1: the command ends).
func (w *walk) gap(from recorder.Span, before, next int) {
	from, to := max(from, w.a.From), w.cursor
	if from >= to {
		return
	}
	var opening []Segment
	if next >= 0 {
		opening = w.a.opening(&w.a.Calls[next], from, to)
	}
	g := gapOf{w.a, before, next}
	if len(opening) == 0 {
		w.put(w.crowded(g.work(from, to), next))
		return
	}
	w.put(g.work(opening[len(opening)-1].To, to))
	w.put(opening)
	w.put(w.crowded(g.work(from, w.cursor), next))
}

// noteCrowded is the note of time in which a call waited for any connection.
const noteCrowded = "waits for a free connection"

// crowded names what is idle before call next while connections to its host were being opened,
// over HTTP/1.1: all others were taken. The go command takes the first that is free, which need
// not be the one that it had opened for the call.
func (w *walk) crowded(gap []Segment, next int) []Segment {
	if next < 0 || !strings.HasPrefix(w.a.Calls[next].First().Proto, "HTTP/1") {
		return gap
	}
	for i := range gap {
		s := &gap[i]
		middle := (s.From + s.To) / 2
		if s.Bucket == BucketIdle && touches(w.openingTo(w.a.Calls[next].URL), middle, middle+1) {
			s.Bucket, s.Note = BucketQueue, noteCrowded
		}
	}
	return gap
}

// openingTo is when connections to u's host were being opened.
func (w *walk) openingTo(u *url.URL) []interval {
	if w.openings == nil {
		all := map[string][]interval{}
		for i := range w.a.In.Conns {
			k := &w.a.In.Conns[i]
			host := strings.ToLower(k.Target)
			all[host] = append(all[host], interval{w.a.at(k.Start), w.a.readyAt(k)})
		}
		for host := range all {
			all[host] = united(all[host])
		}
		w.openings = all
	}
	return w.openings[hostPort(u)]
}

// call adds the call up to the cursor: its exchanges by their phases, and what lies
// between them.
func (w *walk) call(c *Call) {
	var segments []Segment
	at := c.Start
	for i, x := range c.Exchanges {
		start := w.a.at(x.Start)
		if start > at {
			g := gapOf{w.a, -1, -1}
			for _, s := range g.work(at, start) {
				s.Exchange = x.ID
				if s.Note == "" && i > 0 {
					s.Note = "before the request is sent again"
					if c.Exchanges[i-1].Status < 400 {
						s.Note = "before the redirect is followed"
					}
				}
				segments = append(segments, s)
			}
			at = start
		}
		for _, p := range pieces(x, w.a.length(x)) {
			if to := start + p.to; to > at {
				segments = append(segments, Segment{Bucket: p.bucket, From: at, To: to, Exchange: x.ID})
				at = to
			}
		}
	}
	w.put(segments)
}

// noteOpening is the note of time in which a call waited for its connection.
const noteOpening = "opening its connection"

// opening is the part of from to to in which c waited for its connection to be opened, by
// phases; nil when it did not.
func (a *Analysis) opening(c *Call, from, to recorder.Span) []Segment {
	if c.opening <= 0 {
		return nil
	}
	k := a.conns[c.First().Conn]
	start, m := a.at(k.Start), k.Marks
	m.End = openedBy(k)
	list := phasesOf(m)
	if ready := a.readyAt(k) - start; ready > m.End { // the child's own handshake with modtap
		var ours recorder.Span
		if t := a.tunnels[k.Tunnel]; t != nil {
			ours = min(max(0, t.Mint), ready-m.End)
		}
		list = append(list, piece{m.End, m.End + ours, BucketModtap}, piece{m.End + ours, ready, BucketGo})
	}
	var out []Segment
	for _, p := range list {
		s := Segment{Bucket: p.bucket, From: max(start+p.from, from), To: min(start+p.to, to), Exchange: c.First().ID, Note: noteOpening}
		if s.Bucket == blocked {
			s.Bucket = BucketQueue
		}
		if s.From < s.To {
			out = append(out, s)
		}
	}
	return out
}

// merge joins neighbours that differ in nothing but their time.
func merge(in []Segment) []Segment {
	out := in[:0]
	for _, s := range in {
		if n := len(out); n > 0 && out[n-1].Bucket == s.Bucket && out[n-1].Exchange == s.Exchange && out[n-1].Note == s.Note {
			out[n-1].To = s.To
			continue
		}
		out = append(out, s)
	}
	return slices.Clip(out)
}
