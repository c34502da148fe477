package diagnose

import (
	"cmp"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// An opening is one connection being opened, whether it came to anything or not.
type opening struct {
	host  string             // that was asked for
	conn  *recorder.Conn     // nil in a foreign recording
	x     *recorder.Exchange // that waited for it; nil: none, as for a speculative connection
	marks *recorder.Marks    // of the connection, else of the exchange
	err   *recorder.Error    // why it failed; nil: it did not
}

// Where an opening failed.
const (
	failedDNS   = "dns"
	failedDial  = "dial"
	failedProxy = "proxy" // the parent proxy's CONNECT
	failedTLS   = "tls"
)

// openings returns every opening, connections in the order of their ids.
func (a *Analysis) openings() []opening {
	paid := map[uint64]*recorder.Exchange{}
	var out []opening
	for x := range a.exchanges {
		m := &x.Server
		if m.Reused || m.DNSStart <= 0 && m.ConnectStart <= 0 && m.TLSStart <= 0 && x.Go.Kind != gomod.Connect {
			continue
		}
		if a.Conn(x.Conn) != nil {
			if paid[x.Conn] == nil {
				paid[x.Conn] = x
			}
			continue
		}
		out = append(out, opening{host: netHost(x.URL), x: x, marks: m, err: openingError(x, nil)})
	}
	for i := range a.In.Conns {
		c := &a.In.Conns[i]
		x := paid[c.ID]
		out = append(out, opening{host: bareTarget(c.Target), conn: c, x: x, marks: &c.Marks, err: openingError(x, c)})
	}
	return out
}

// openingError is why a connection could not be used; what the client gave up is no
// failure, unless it had waited for the connection.
func openingError(x *recorder.Exchange, c *recorder.Conn) *recorder.Error {
	var err *recorder.Error
	switch {
	case x != nil && x.Go.Kind == gomod.Connect && x.Err != nil:
		err = x.Err
	case x != nil && x.Status == 0 && x.Err != nil && x.Server.WroteHeaders <= 0:
		err = x.Err
	case c != nil && c.Err != nil && c.Exchanges == 0:
		err = c.Err
	}
	if err == nil || err.Op == "canceled" || err.Op == "client-tls" || err.Op == "rule" {
		return nil
	}
	if (x == nil || x.Go.Kind != gomod.Connect) && strings.Contains(err.Msg, "context canceled") {
		return nil
	}
	return err
}

func (o opening) end() recorder.Span {
	return cmp.Or(o.marks.End, o.marks.TLSDone, o.marks.ConnectDone)
}

func (o opening) dns() recorder.Span {
	return lasted(o.marks.DNSStart, o.marks.DNSDone, o.marks.ConnectStart, o.end())
}

// connect is how long the connect took: the attempt that won, where that is known.
func (o opening) connect() recorder.Span {
	if d := o.won(); d != nil {
		return d.Done - d.Start
	}
	return lasted(o.marks.ConnectStart, o.marks.ConnectDone, o.marks.ProxyStart, o.marks.TLSStart, o.end())
}

func (o opening) tls() recorder.Span { return lasted(o.marks.TLSStart, o.marks.TLSDone, o.end()) }

// took is the whole opening.
func (o opening) took() recorder.Span {
	return max(o.dns(), 0) + max(lasted(o.marks.ConnectStart, o.marks.ConnectDone, o.end()), 0) +
		max(lasted(o.marks.ProxyStart, o.marks.ProxyDone, o.end()), 0) + max(o.tls(), 0)
}

// won is the attempt that became the connection; nil when it is not known.
func (o opening) won() *recorder.Dial {
	if o.conn == nil {
		return nil
	}
	for i := range o.conn.Dials {
		if d := &o.conn.Dials[i]; d.Addr == o.conn.Remote && d.Err == "" && d.Done >= d.Start && d.Done > 0 {
			return d
		}
	}
	return nil
}

// stage is where it failed; "" when it did not.
func (o opening) stage() string {
	switch {
	case o.err == nil:
		return ""
	case o.err.Op == "dns":
		return failedDNS
	case o.err.Op == "proxy":
		return failedProxy
	case o.marks.TLSStart > 0:
		return failedTLS
	case o.err.Op == "timeout" && o.marks.ProxyStart > 0:
		return failedProxy
	}
	return failedDial
}

// ok reports that it ended well, TLS included where there was any.
func (o opening) ok() bool {
	return o.err == nil && (o.marks.TLSStart <= 0 || o.marks.TLSDone > 0)
}

// occurrence is o as evidence of what took so long, and normally takes so much less.
func (o opening) occurrence(took, normal recorder.Span) occurrence {
	return occurrence{host: o.host, x: o.x, conn: o.conn, took: took, excess: max(took-normal, 0), opens: true}
}

// via is the parent proxy that o went through; "" when direct.
func (o opening) via() string {
	if o.conn == nil {
		return ""
	}
	return o.conn.Via
}

// peer is whose name was looked up and who was dialled: the parent proxy, or the host.
func (o opening) peer() string {
	if v := o.via(); v != "" {
		return "the proxy " + netHost(v)
	}
	return o.host
}

// rtts is the round-trip time of each host: the least that the kernel saw, else the
// quickest connect. A host behind a parent proxy has none: the kernel sees the proxy's.
func rtts(all []opening) map[string]recorder.Span {
	out := map[string]recorder.Span{}
	note := func(host string, d recorder.Span) {
		if d > 0 && (out[host] == 0 || d < out[host]) {
			out[host] = d
		}
	}
	for _, o := range all {
		if o.via() != "" {
			continue
		}
		if o.conn != nil && o.conn.TCP != nil {
			note(o.host, o.conn.TCP.MinRTT)
		}
		if s := o.stage(); s == "" || s == failedTLS {
			note(o.host, o.connect())
		}
	}
	return out
}

// healthyMedian is the median of a phase of the openings of host that took less than
// limit, else of those of other hosts, else otherwise.
func healthyMedian(all []opening, host string, phase func(opening) recorder.Span, limit, otherwise recorder.Span) recorder.Span {
	var own, others []recorder.Span
	for _, o := range all {
		d := phase(o)
		if d <= 0 || d >= limit || !o.ok() {
			continue
		}
		if o.host == host {
			own = append(own, d)
		} else {
			others = append(others, d)
		}
	}
	switch {
	case len(own) > 0:
		return netMedian(own)
	case len(others) > 0:
		return netMedian(others)
	}
	return otherwise
}

// normals answers healthyMedian once for each host.
func normals(all []opening, phase func(opening) recorder.Span, limit, otherwise recorder.Span) func(host string) recorder.Span {
	known := map[string]recorder.Span{}
	return func(host string) recorder.Span {
		d, ok := known[host]
		if !ok {
			d = healthyMedian(all, host, phase, limit, otherwise)
			known[host] = d
		}
		return d
	}
}

// An interval is time between two instants.
type interval struct{ from, to recorder.Span }

// bulk is when bodies of some size were being received, by any request, as intervals in
// the order of time that do not touch.
func (a *Analysis) bulk() []interval {
	var all []interval
	for x := range a.exchanges {
		if x.Response.BodySize < bulkAnswer || x.Server.FirstByte <= 0 {
			continue
		}
		at := a.at(x.Start)
		all = append(all, interval{at + x.Server.FirstByte, at + max(x.Server.LastByte, x.Server.End)})
	}
	return united(all)
}

// united sorts intervals and joins those that touch.
func united(all []interval) []interval {
	slices.SortFunc(all, func(x, y interval) int { return cmp.Compare(x.from, y.from) })
	var out []interval
	for _, v := range all {
		if n := len(out); n > 0 && v.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, v.to)
			continue
		}
		out = append(out, v)
	}
	return out
}

// touches reports whether any of the united intervals has time in common with from to to.
func touches(all []interval, from, to recorder.Span) bool {
	i, _ := slices.BinarySearchFunc(all, from, func(v interval, at recorder.Span) int { return cmp.Compare(v.to, at) })
	return i < len(all) && all[i].from < to
}
