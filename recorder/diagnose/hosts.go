package diagnose

import (
	"net/url"

	"modtap/recorder"
)

// hosts is the table by host. Connections that no request used are there as well: they
// are counted where the requests of their host are, or on a line of their own.
func (a *Analysis) hosts(onPath map[uint64]recorder.Span) []Group {
	by := a.tallies(onPath, a.hostOf)
	for i := range a.In.Conns {
		c := &a.In.Conns[i]
		name := withoutPort(c.Target, c.Scheme)
		g := by[name]
		if g == nil {
			g = &tally{Group: Group{Name: name}}
			by[name] = g
		}
		if shookHands(c) {
			g.Handshakes++
		}
		if c.Opened() && c.Unused() {
			g.Unused++
		}
		if t := c.TCP; t != nil && t.MinRTT > 0 && (g.MinRTT == 0 || t.MinRTT < g.MinRTT) {
			g.MinRTT = t.MinRTT
		}
	}
	if len(a.In.Conns) == 0 {
		for i := range a.In.Exchanges {
			x := &a.In.Exchanges[i]
			if g := by[a.hostOf(x)]; g != nil && x.Server.TLSDone > 0 {
				g.Handshakes++
			}
		}
	}
	return sortGroups(by)
}

// hostOf is the host that x was sent to; "" when its URL is none.
func (a *Analysis) hostOf(x *recorder.Exchange) string {
	if c := a.CallOf(x.ID); c != nil && c.First() == x {
		return hostLabel(c.URL) // parsed once
	}
	u, err := url.Parse(x.URL)
	if err != nil {
		return ""
	}
	return hostLabel(u)
}

// hostLabel is the host of u, with the port where it is not the scheme's own.
func hostLabel(u *url.URL) string { return withoutPort(u.Host, u.Scheme) }

// withoutPort takes the port of the scheme off host:port; of a raw relay 443 is it.
func withoutPort(hostport, scheme string) string {
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	if n := len(hostport) - len(port); n > 0 && hostport[n:] == port {
		return hostport[:n]
	}
	return hostport
}
