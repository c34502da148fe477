package diagnose

import (
	"cmp"
	"math"
	"net/url"
	"slices"

	"modtap/recorder"
)

// tables fills in the counts and the tables by host, step, module and GOPROXY entry.
func (a *Analysis) tables(r *Report) {
	onPath := a.pathByExchange()
	r.Requests = a.requests(onPath)
	r.Connections = a.connections()
	r.Entries = a.entryUses(onPath)
	r.Hosts = a.hosts(onPath)
	r.Steps = a.groups(onPath, func(x *recorder.Exchange) string { return x.Go.Kind.Step() })
	r.Modules = a.modules(onPath)
	levels, busy, peak := a.levels()
	r.Requests.AnyInFlight, r.Requests.MaxInFlight = busy, peak
	r.Concurrency = thin(levels, maxLevels)
}

// pathByExchange is how much of the critical path each exchange has. Asking OnPath for
// every exchange of a long recording would walk the path as often.
func (a *Analysis) pathByExchange() map[uint64]recorder.Span {
	on := make(map[uint64]recorder.Span, len(a.Path))
	for _, s := range a.Path {
		if s.Exchange != 0 {
			on[s.Exchange] += s.Took()
		}
	}
	return on
}

// requests counts what was asked, but for what was in flight.
func (a *Analysis) requests(onPath map[uint64]recorder.Span) Requests {
	q := Requests{Count: len(a.In.Exchanges), Logical: len(a.Calls)}
	for i := range a.In.Exchanges {
		x := &a.In.Exchanges[i]
		q.Bytes += max(x.Response.BodySize, 0) + max(x.Request.BodySize, 0)
		if failedExchange(x) {
			q.Failed++
		}
	}
	for i := range a.Calls {
		c := &a.Calls[i]
		if absent(c.Last()) {
			q.NotFound++
		}
		if c.Doubled {
			q.Doubled++
			for _, x := range c.repeats() {
				q.DoubledCost += onPath[x.ID]
			}
		}
	}
	return q
}

// failedExchange reports whether x got no answer, or one that was cut short. A request that is
// still on its way has not failed.
func failedExchange(x *recorder.Exchange) bool { return x.Err != nil || x.Done && x.Status == 0 }

func absent(x *recorder.Exchange) bool { return x.Status == 404 || x.Status == 410 }

// connections counts connections to servers. A recording of another program has none, but
// its requests say which of them shook hands.
func (a *Analysis) connections() Connections {
	var n Connections
	for i := range a.In.Conns {
		c := &a.In.Conns[i]
		switch {
		case !c.Opened():
			n.Failed++
		case c.Unused():
			n.Unused++
			n.Count++
		default:
			n.Count++
		}
		if shookHands(c) {
			n.Handshakes++
		}
	}
	if len(a.In.Conns) == 0 {
		for i := range a.In.Exchanges {
			m := &a.In.Exchanges[i].Server
			if m.ConnectDone > 0 {
				n.Count++
			}
			if m.TLSDone > 0 {
				n.Handshakes++
			}
		}
	}
	if len(a.In.Exchanges) > 0 {
		n.PerRequest = float64(n.Handshakes) / float64(len(a.In.Exchanges))
	}
	return n
}

// shookHands reports whether TLS with the server came to its end on c.
func shookHands(c *recorder.Conn) bool {
	return c.Marks.TLSDone > 0 && (c.Opened() || c.TLS != nil)
}

// entryUses says what each entry of GOPROXY did.
func (a *Analysis) entryUses(onPath map[uint64]recorder.Span) []EntryUse {
	uses := make([]EntryUse, len(a.Entries))
	for i, e := range a.Entries {
		uses[i] = EntryUse{Name: e.Name, Sep: e.Sep}
	}
	for i := range a.Calls {
		c := &a.Calls[i]
		if c.Entry < 0 || c.Entry >= len(uses) {
			continue
		}
		u, last := &uses[c.Entry], c.Last()
		u.Requests += a.askedOf(c)
		switch {
		case last.Err == nil && last.Status >= 200 && last.Status < 300:
			u.Answered++
			continue
		case last.Err == nil && absent(last):
			u.NotFound++
		default:
			u.Failed++
		}
		for _, x := range c.Exchanges {
			u.Cost += onPath[x.ID]
		}
	}
	return uses
}

// askedOf is how many of a call's requests its entry got: where it redirects to is another's.
func (a *Analysis) askedOf(c *Call) int {
	e := &a.Entries[c.Entry]
	if len(c.Exchanges) == 1 || e.isWord() {
		return len(c.Exchanges)
	}
	n := 1
	for _, x := range c.Exchanges[1:] {
		if u, err := url.Parse(x.URL); err == nil && e.at(u) {
			n++
		}
	}
	return n
}

// A tally gathers a Group: the counts, and the times that percentiles are taken of.
type tally struct {
	Group
	waits, tooks []recorder.Span
}

// add counts x.
func (g *tally) add(x *recorder.Exchange, onPath recorder.Span) {
	g.Requests++
	g.Bytes += max(x.Response.BodySize, 0)
	d := tookOf(x)
	g.Time += d
	g.OnPath += onPath
	if d > 0 { // 0: the file does not say
		g.tooks = append(g.tooks, d)
	}
	if x.Server.FirstByte > 0 {
		g.waits = append(g.waits, x.Server.Timings().Wait)
	}
	if failedExchange(x) {
		g.Failed++
	}
}

// group is the finished Group.
func (g *tally) group() Group {
	slices.Sort(g.waits)
	slices.Sort(g.tooks)
	g.WaitP50, g.WaitP95 = percentile(g.waits, 50), percentile(g.waits, 95)
	g.TookP50, g.TookP95 = percentile(g.tooks, 50), percentile(g.tooks, 95)
	return g.Group
}

// percentile is the smallest of sorted that at least p percent of them do not exceed (the
// nearest rank); 0 of none.
func percentile(sorted []recorder.Span, p float64) recorder.Span {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// tallies counts the exchanges under the names that name gives them; "" is left out.
func (a *Analysis) tallies(onPath map[uint64]recorder.Span, name func(*recorder.Exchange) string) map[string]*tally {
	by := map[string]*tally{}
	for i := range a.In.Exchanges {
		x := &a.In.Exchanges[i]
		key := name(x)
		if key == "" {
			continue
		}
		g := by[key]
		if g == nil {
			g = &tally{Group: Group{Name: key}}
			by[key] = g
		}
		g.add(x, onPath[x.ID])
	}
	return by
}

// groups is the table of the exchanges by name, the most time first.
func (a *Analysis) groups(onPath map[uint64]recorder.Span, name func(*recorder.Exchange) string) []Group {
	return sortGroups(a.tallies(onPath, name))
}

func sortGroups(by map[string]*tally) []Group {
	out := make([]Group, 0, len(by))
	for _, g := range by {
		out = append(out, g.group())
	}
	slices.SortFunc(out, func(x, y Group) int {
		return cmp.Or(-cmp.Compare(x.Time, y.Time), cmp.Compare(x.Name, y.Name))
	})
	return out
}
