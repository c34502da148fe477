package diagnose

import (
	"time"

	"modtap/recorder"
)

// analyse lays out a run: its calls, what each waited for, and the critical path.
func analyse(in *Input) *Analysis {
	a := &Analysis{
		In: in, Env: &recorder.Environ{GoSum: -1}, lastEnd: -1,
		conns: make(map[uint64]*recorder.Conn, len(in.Conns)), tunnels: make(map[uint64]*recorder.Tunnel, len(in.Tunnels)),
		callOf: make(map[uint64]int, len(in.Exchanges)),
	}
	if in.Session != nil && in.Session.Environ != nil {
		a.Env = in.Session.Environ
	}
	for i := range in.Conns {
		a.conns[in.Conns[i].ID] = &in.Conns[i]
	}
	for i := range in.Tunnels {
		a.tunnels[in.Tunnels[i].ID] = &in.Tunnels[i]
	}
	a.zero = zeroOf(in)
	a.Entries = parseEntries(a.Setting("GOPROXY"))
	a.layOut()
	a.window()
	a.depend()
	a.Path = a.partition()
	return a
}

// zeroOf is the instant that offsets count from.
func zeroOf(in *Input) time.Time {
	if s := in.Session; s != nil && !s.Start.IsZero() {
		return s.Start
	}
	var first time.Time
	for i := range in.Exchanges {
		if x := &in.Exchanges[i]; first.IsZero() || x.Start.Before(first) {
			first = x.Start
		}
	}
	return first
}

// at is t as an offset from Session.Start.
func (a *Analysis) at(t time.Time) recorder.Span { return recorder.Span(t.Sub(a.zero)) }

// window sets From, To and Wall: the time of the command, or from the first request to
// the last where there was none. A command whose end is not known, because the recording
// was cut short or it is still running, lasts to the last thing that is known.
func (a *Analysis) window() {
	for i := range a.Calls {
		c := &a.Calls[i]
		if i == 0 {
			a.From, a.To = c.Start, c.End
		}
		a.From, a.To = min(a.From, c.Start), max(a.To, c.End)
	}
	if p := a.In.Process; p != nil {
		last := a.To
		a.From, a.To = p.Start, p.End
		if p.End <= p.Start {
			a.To = max(p.Start, last)
			if e := a.In.End; e != nil {
				a.To = max(a.To, e.At)
			}
		}
	}
	a.Wall = a.To - a.From
	for i := range a.Calls {
		c := &a.Calls[i]
		if c.Start >= a.To || c.End <= a.From {
			continue // not the command's: the proxy was used before it or after it
		}
		if a.lastEnd < 0 || min(c.End, a.To) > min(a.Calls[a.lastEnd].End, a.To) {
			a.lastEnd = i
		}
	}
}
