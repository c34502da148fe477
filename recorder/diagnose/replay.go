package diagnose

import "modtap/recorder"

// Saving returns how much shorter the run would have been had each of these exchanges taken
// that much less: it replays the run with all that each call waited for, and with what the
// command did in between unchanged. It is at most the sum of the cuts, and 0 for what was
// off the critical path by more than the cut. A cut of more than the exchange took is the
// whole of it, and of the opening of the connection that it waited for.
func (a *Analysis) Saving(cut map[uint64]recorder.Span) recorder.Span {
	if len(cut) == 0 {
		return 0
	}
	return a.replay(func(c *Call) (took, opening recorder.Span) {
		took = cutOf(c, cut)
		return took, max(0, took-c.Took())
	})
}

// savingOpenings is Saving for connections: the opening of each one (by its id) takes that
// much less, for every call that waited for it, and each exchange that much less.
func (a *Analysis) savingOpenings(conns, cut map[uint64]recorder.Span) recorder.Span {
	return a.replay(func(c *Call) (took, opening recorder.Span) {
		took = cutOf(c, cut)
		opening = conns[c.First().Conn]
		if !c.First().Server.Reused { // its phases are its own
			took, opening = took+opening, 0
		}
		return took, opening
	})
}

// replay says how much earlier the command would have ended had each call, and the opening
// of the connection that it waited for before it, taken less.
func (a *Analysis) replay(less func(*Call) (took, opening recorder.Span)) recorder.Span {
	if a.lastEnd < 0 {
		return 0
	}
	ends := make([]recorder.Span, len(a.Calls))
	last := a.From
	for n := range a.Calls {
		c := &a.Calls[n]
		shorter, opening := less(c)
		took := c.Took()
		opening = min(opening, c.opening)
		start := c.Start
		for i, d := range c.Preds {
			lag := d.Lag
			if lag > 0 {
				lag -= min(lag, opening)
			}
			if at := ends[d.Call] + lag; i == 0 || at > start {
				start = at
			}
		}
		if len(c.Preds) == 0 {
			start -= min(opening, max(0, c.Start-a.From))
		}
		ends[n] = start + max(0, took-shorter)
		if c.Start >= a.To || c.End <= a.From {
			continue
		}
		last = max(last, min(ends[n], a.To))
	}
	saved := min(a.Calls[a.lastEnd].End, a.To) - last
	return min(max(0, saved), a.Wall)
}

// cutOf is by how much c is cut.
func cutOf(c *Call, cut map[uint64]recorder.Span) recorder.Span {
	var sum recorder.Span
	for _, x := range c.Exchanges {
		if d := cut[x.ID]; d > 0 {
			sum += d
		}
	}
	return sum
}
