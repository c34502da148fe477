package tui

import (
	"strconv"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/viewer/report"
)

// details is everything that is known of the request that is pointed at.
func (m *model) details(p *page) {
	r := m.selected()
	if r == nil {
		p.title = "details"
		p.add(span{"No request is pointed at.", dim})
		return
	}
	x := r.x
	p.title = "#" + utoa(x.ID) + " " + x.Method + " " + kindOf(x) + " " + nameOf(x).full()
	word, st := statusOf(r)
	p.add(span{word + " " + x.Reason + "  ", st | bold}, span{x.Proto, dim})
	p.wrap(x.URL, 0, plain)
	if x.Err != nil {
		p.wrap(x.Err.Op+": "+x.Err.Msg, 0, bad)
	}
	if r.stale {
		p.wrap("The end of this request was lost: the viewer fell behind, and the recording does not have it.", 0, warn)
	}
	m.links(p, r)
	m.serverLeg(p, r)
	m.clientLeg(p, x)
	m.connection(p, x)
	m.messages(p, x)
}

// links names the requests before and after, what modtap did to it, and the findings about it.
func (m *model) links(p *page, r *row) {
	x := r.x
	if x.Parent != 0 {
		text := "follows #" + utoa(x.Parent)
		if before := m.store.byID[x.Parent]; before != nil {
			switch {
			case before.x.Status >= 300 && before.x.Status < 400:
				text += ", which redirected here"
			case before.x.URL == x.URL:
				text += ", the same request: go sends every 4xx twice"
			}
		}
		p.add(span{text, note})
	}
	for _, f := range m.store.after(x.ID) {
		p.add(span{"led to #" + utoa(f.x.ID) + " " + nameOf(f.x).full(), note})
	}
	for _, f := range m.found() {
		for _, id := range f.Evidence {
			if id == x.ID {
				p.wrap(f.Severity+": "+f.Title, 0, severityColors[f.Severity])
				break
			}
		}
	}
	if len(x.Rules) > 0 {
		p.wrap("changed by "+strings.Join(x.Rules, ", "), 0, note)
	}
	if x.SentTo != "" {
		p.wrap("sent to "+x.SentTo, 0, note)
	}
	if x.Resent > 0 {
		p.add(span{"sent again " + count(x.Resent, "time") + " on another connection", note})
	}
}

// after are the exchanges that a redirect or a repeat of id led to: they start soon after.
func (s *store) after(id uint64) []*row {
	var list []*row
	r := s.byID[id]
	if r == nil {
		return nil
	}
	if s.followers == nil || s.followersOf != len(s.rows) {
		s.followers, s.followersOf = map[uint64][]*row{}, len(s.rows)
		for _, f := range s.rows {
			if f.x.Parent != 0 {
				s.followers[f.x.Parent] = append(s.followers[f.x.Parent], f)
			}
		}
	}
	return append(list, s.followers[id]...)
}

// serverLeg is a small waterfall of the phases, with numbers.
func (m *model) serverLeg(p *page, r *row) {
	clock := m.store.clock()
	took := m.store.took(r, clock)
	p.head("Server leg")
	list := segments(r.x, took, r.flying(), nil)
	const numbers = 9 + 9 + 2
	room := min(max(p.w-numbers-1, 0), 60)
	var at [phases]struct {
		sum  recorder.Span
		bars []segment
	}
	for _, s := range list {
		at[s.phase].sum += s.to - s.from
		at[s.phase].bars = append(at[s.phase].bars, s)
	}
	sc := scale{0, max(took, 1), room}
	for ph := range phases {
		if at[ph].sum < recorder.Span(time.Microsecond) { // a mark at the very start is 1 ns behind it
			continue
		}
		track := []rune(strings.Repeat(" ", room))
		for _, s := range at[ph].bars {
			from, to := int(sc.cell(s.from)), int(sc.cell(s.to)+0.999)
			for i := max(min(from, room-1), 0); i < min(max(to, from+1), room); i++ {
				track[i] = m.g.phases[ph]
			}
		}
		p.add(span{phaseNames[ph] + strings.Repeat(" ", 9-len(phaseNames[ph])), plain}, span{pad(duration(at[ph].sum), 9) + "  ", plain},
			span{string(track), phaseColors[ph]})
	}
	word := "total"
	if r.flying() {
		word = "so far"
	}
	value := duration(took)
	if value == "" {
		value = "–"
	}
	p.add(span{word + strings.Repeat(" ", 9-len(word)), bold}, span{pad(value, 9), bold})
}

// clientLeg is when the child gave and took bytes.
func (m *model) clientLeg(p *page, x *recorder.Exchange) {
	p.head("Client leg")
	c := x.Client
	if c == (recorder.Marks{}) {
		p.add(span{"nothing was given to the command", dim})
	}
	at := func(name string, s recorder.Span) {
		if s > 0 {
			p.fact(name, instant(s))
		}
	}
	at("headers read", c.GotConn)
	at("first byte given", c.FirstByte)
	at("last byte given", c.LastByte)
	at("done", c.End)
	p.fact("waited for server", duration(x.ServerBlocked))
	p.fact("held by the command", duration(x.ClientBlocked))
	p.fact("modtap's own time", duration(x.Overhead))
	p.fact("delay by rules", duration(x.Injected))
}

// connection is what is known of the connection: addresses, TLS and the kernel's figures.
func (m *model) connection(p *page, x *recorder.Exchange) {
	c := m.store.conns[x.Conn]
	if x.Conn == 0 && x.TCP == nil {
		return
	}
	p.head("Connection")
	if x.Conn != 0 {
		how := "opened for this request"
		if x.Server.Reused {
			how = "reused"
		}
		p.fact("connection", utoa(x.Conn)+", "+how)
	}
	p.fact("remote", x.Remote)
	if c == nil {
		m.tcp(p, x.TCP)
		return
	}
	p.fact("target", c.Target)
	p.fact("via", c.Via)
	p.fact("addresses", strings.Join(c.Addrs, " "))
	for _, d := range c.Dials {
		text := d.Addr
		if d.Done > 0 {
			text += " " + duration(d.Done-d.Start)
		}
		if d.Err != "" {
			text += " " + d.Err
		}
		p.fact("dial", text)
	}
	p.fact("requests on it", strconv.Itoa(c.Exchanges))
	p.fact("bytes", report.Bytes(c.BytesIn)+" in, "+report.Bytes(c.BytesOut)+" out")
	p.fact("closed by", c.Closed)
	if c.Err != nil {
		p.wrap(c.Err.Error(), 0, bad)
	}
	m.tls(p, c.TLS)
	if x.TCP != nil {
		m.tcp(p, x.TCP)
		return
	}
	m.tcp(p, c.TCP)
}

func (m *model) tls(p *page, t *recorder.TLS) {
	if t == nil {
		return
	}
	p.head("TLS")
	p.fact("version", t.Version)
	p.fact("suite", t.Suite)
	p.fact("key exchange", t.Curve)
	p.fact("ALPN", t.ALPN)
	p.fact("resumed", map[bool]string{true: "yes", false: "no"}[t.Resumed])
	p.fact("subject", t.Subject)
	p.fact("issuer", t.Issuer)
	if !t.Expires.IsZero() {
		p.fact("expires", t.Expires.UTC().Format("2006-01-02"))
	}
	p.fact("does not verify", t.Verdict)
}

// tcp shows the kernel's figures; a negative one is not known.
func (m *model) tcp(p *page, t *recorder.TCP) {
	if t == nil {
		return
	}
	p.head("TCP")
	if t.Samples > 0 {
		number := func(name string, n int64) {
			if n >= 0 {
				p.fact(name, thousands(int(n)))
			}
		}
		p.fact("round trip", duration(t.RTT))
		p.fact("least round trip", duration(t.MinRTT))
		number("SYNs sent again", t.SynRetrans)
		number("sent again", t.Retrans)
		number("out of order", t.Reordered)
	}
	if t.Note != "" {
		p.wrap(t.Note, 0, dim)
	}
}
