package diagnose

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// twinWithin is how soon the second copy of a 4xx follows the first: at once, a GOAUTH
// helper aside (go-command.md §0.1).
const twinWithin = recorder.Span(5 * time.Second)

// jitter is how much later than the child itself modtap may note that the child has the
// last byte of an answer.
const jitter = recorder.Span(time.Millisecond)

// A request is what the second copy of a 4xx has in common with the first.
type request struct{ method, url string }

// layOut makes the calls of the exchanges.
func (a *Analysis) layOut() {
	in := a.In
	a.Calls = make([]Call, 0, len(in.Exchanges))
	latest := make(map[request]int, len(in.Exchanges)) // to the last call that began so
	firsts := make([]*recorder.Exchange, len(in.Exchanges))
	for i := range in.Exchanges {
		x := &in.Exchanges[i]
		start := a.at(x.Start)
		end := start + a.length(x)
		if n, ok := a.joins(x, start, latest); ok {
			c := &a.Calls[n]
			c.Doubled = c.Doubled || again(c, x)
			c.Exchanges = append(c.Exchanges, x)
			c.End = max(c.End, end)
			a.callOf[x.ID] = n
			continue
		}
		u, err := url.Parse(x.URL)
		if err != nil {
			u = &url.URL{Opaque: x.URL}
		}
		n := len(a.Calls)
		a.callOf[x.ID], latest[request{x.Method, x.URL}] = n, n
		firsts[i] = x
		a.Calls = append(a.Calls, Call{
			Exchanges: firsts[i : i+1 : i+1], URL: u, Start: start, End: end, Entry: a.entryOf(u, x.Go.Kind), Pred: -1,
		})
	}
	slices.SortStableFunc(a.Calls, func(p, q Call) int { return cmp.Compare(p.Start, q.Start) })
	for n := range a.Calls {
		for _, x := range a.Calls[n].Exchanges {
			a.callOf[x.ID] = n
		}
	}
}

// length is how long the child waited for x. Of one that was still in flight when the
// recording ended, it is up to the last thing that is known.
func (a *Analysis) length(x *recorder.Exchange) recorder.Span {
	d := max(0, x.Client.End, x.Server.End)
	if x.Done || d > 0 {
		return d
	}
	for _, m := range []recorder.Marks{x.Server, x.Client} {
		d = max(d, m.DNSDone, m.ConnectDone, m.ProxyDone, m.TLSDone, m.GotConn, m.WroteRequest, m.FirstByte, m.LastByte)
	}
	if p := a.In.Process; p != nil {
		d = max(d, p.End-a.at(x.Start))
	}
	return d
}

// joins returns the call that x goes on with: it is where a redirect led, or the second
// copy of a 4xx.
func (a *Analysis) joins(x *recorder.Exchange, start recorder.Span, latest map[request]int) (int, bool) {
	if n, ok := a.callOf[x.Parent]; ok && x.Parent != 0 {
		c := &a.Calls[n]
		last := c.Last()
		if last.ID == x.Parent && start >= c.End-jitter && (last.Status >= 300 && last.Status < 400 || again(c, x)) {
			return n, true
		}
	}
	n, ok := latest[request{x.Method, x.URL}]
	if !ok {
		return 0, false
	}
	// The redirects of a refused request are asked again from the first on, and a recording
	// of another program has no parents.
	c := &a.Calls[n]
	if !again(c, x) || start < c.End-jitter || start-c.End > twinWithin || !a.doubles(x) {
		return 0, false
	}
	return n, true
}

// again reports whether x asks for what c was refused, for the first time.
func again(c *Call, x *recorder.Exchange) bool {
	s := c.Last().Status
	return s >= 400 && s < 500 && !c.Doubled && x.Method == c.First().Method && x.URL == c.First().URL
}

// repeats are the exchanges of the second copy of a doubled call, with the redirects that it
// led to.
func (c *Call) repeats() []*recorder.Exchange {
	for i, x := range c.Exchanges[1:] {
		if x.Method == c.First().Method && x.URL == c.First().URL {
			return c.Exchanges[1+i:]
		}
	}
	return nil
}

// doubles reports whether the go command sends a 4xx twice where x was sent: over https,
// which it does not use toward modtap in reverse mode.
func (a *Analysis) doubles(x *recorder.Exchange) bool {
	if x.Go.Kind.Step() == "git" && x.Go.Kind != gomod.RepoProbe || x.Go.Kind == gomod.Connect {
		return false
	}
	if len(x.URL) < 8 || x.URL[:8] != "https://" {
		return false
	}
	return x.Tunnel != 0 || a.In.Foreign
}
