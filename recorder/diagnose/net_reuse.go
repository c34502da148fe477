package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"modtap/recorder"
)

// h2Hosts are known to speak HTTP/2 to everybody.
var h2Hosts = []string{
	"proxy.golang.org", "sum.golang.org", "storage.googleapis.com", "golang.org", "go.dev", "goproxy.cn", "goproxy.io",
	"sum.golang.google.cn", "github.com", "gitlab.com", "gopkg.in", "go.googlesource.com",
}

// publicCAs are words in the issuers of the authorities that public hosts use.
var publicCAs = []string{
	"Google Trust Services", "Let's Encrypt", "ISRG", "DigiCert", "Sectigo", "GlobalSign", "Amazon", "Cloudflare", "Entrust", "GTS ", "Microsoft",
	"USERTrust", "COMODO", "GoDaddy", "IdenTrust", "Certum", "Baltimore", "TrustAsia", "GeoTrust", "RapidSSL", "Thawte", "WoTrus", "Buypass", "SSL.com", "ZeroSSL", "Encryption Everywhere",
}

func publicCA(issuer string) bool {
	return slices.ContainsFunc(publicCAs, func(ca string) bool { return strings.Contains(issuer, ca) })
}

// A hostUse is what one host's connections were used for, git's aside: each git process
// has its own.
type hostUse struct {
	host     string
	opened   []opening // TLS ended well, and a request was sent on it, in their order
	requests int
	http1    int    // of opened, those that agreed on HTTP/1.1
	byServer int    // of opened, those that the server closed
	issuer   string // of the last HTTP/1.1 one
	via      string
}

// hostUses groups them, in the order of the first connection.
func (a *Analysis) hostUses() []*hostUse {
	by := map[string]*hostUse{}
	var out []*hostUse
	use := func(host string) *hostUse {
		u := by[host]
		if u == nil {
			u = &hostUse{host: host}
			by[host] = u
			out = append(out, u)
		}
		return u
	}
	vcs := map[uint64]bool{}
	for x := range a.exchanges {
		switch {
		case isDirect(x.Go.Kind):
			vcs[x.Conn] = true
		case x.Server.WroteHeaders > 0 && strings.HasPrefix(x.URL, "https:"):
			use(netHost(x.URL)).requests++
		}
	}
	for _, o := range a.openings() {
		if !o.ok() || o.tls() < 0 || o.conn != nil && (o.conn.Unused() || vcs[o.conn.ID]) || o.conn == nil && isDirect(o.x.Go.Kind) {
			continue
		}
		u := use(o.host)
		u.opened = append(u.opened, o)
		u.add(o)
	}
	return out
}

func (u *hostUse) add(o opening) {
	if o.conn == nil {
		if o.x.Proto == "HTTP/1.1" {
			u.http1++
		}
		return
	}
	if o.conn.Closed == "server" {
		u.byServer++
	}
	if t := o.conn.TLS; t != nil && (t.ALPN == "" || t.ALPN == "http/1.1") {
		u.http1++
		u.issuer, u.via = t.Issuer, o.conn.Via
	}
}

// churns reports that there are many more handshakes than requests need.
func (u *hostUse) churns() bool {
	return u.requests >= 10 && len(u.opened) >= 5 && float64(len(u.opened)) > churn*float64(u.requests)
}

// extra are the openings after the first n, whose cost another way of using connections
// would have saved.
func (u *hostUse) extra(n int) []occurrence {
	var out []occurrence
	for i, o := range u.opened {
		if i >= n {
			oc := o.occurrence(o.took(), 0)
			if o.x == nil {
				oc.excess = 0 // nobody waited for it
			}
			out = append(out, oc)
		}
	}
	return out
}

// downgraded reports that it is HTTP/1.1 that costs the handshakes: by something on the
// way, or because the server speaks nothing else.
func (a *Analysis) downgraded(u *hostUse) (yes, onTheWay bool) {
	if len(u.opened) == 0 || u.http1 < len(u.opened) || strings.Contains(a.Setting("GODEBUG"), "http2client=0") ||
		strings.Contains(","+a.Setting("GOINSECURE")+",", ","+hostName(u.host)+",") {
		return false, false
	}
	if slices.Contains(h2Hosts, u.host) {
		onTheWay = u.issuer != "" && !publicCA(u.issuer) || u.via != "" && u.issuer == ""
		return onTheWay, onTheWay
	}
	return u.churns() && 2*u.byServer < len(u.opened) && u.opened[0].conn != nil, false
}

// checkHTTP1: HTTP/1.1 where HTTP/2 would do with one connection.
func checkHTTP1(a *Analysis) *recorder.Finding {
	var seen []occurrence
	uses := map[string]*hostUse{}
	onTheWay := map[string]bool{}
	for _, u := range a.hostUses() {
		if yes, way := a.downgraded(u); yes {
			extra := u.extra(1)
			if len(extra) == 0 {
				o := u.opened[0]
				extra = []occurrence{o.occurrence(o.took(), o.took())}
			}
			seen = append(seen, extra...)
			uses[u.host], onTheWay[u.host] = u, way
		}
	}
	if len(seen) == 0 {
		return nil
	}
	host, _ := worst(seen)
	u := uses[host]
	f := a.evidenceOf(&recorder.Finding{Numbers: []recorder.Number{
		countNumber("TLS handshakes", len(u.opened), 0), countNumber("requests", u.requests, 0),
		{Name: "handshakes per request", Value: float64(len(u.opened)) / float64(max(u.requests, 1)), Limit: churn},
	}}, seen)
	f.Title = fmt.Sprintf("%s speaks HTTP/1.1 alone: %s for %d requests", host, plural(len(u.opened), "TLS handshake"), u.requests)
	if !onTheWay[host] {
		f.Remedy = "go keeps two idle connections to a host over HTTP/1.1; over HTTP/2 one connection carries everything. Switch HTTP/2 on at the server of " + hostName(host) + "; until then fewer requests at once need fewer connections."
		f.Commands = []string{a.with("GOMAXPROCS", "4", a.command())}
		return f
	}
	who := "what is in between"
	switch {
	case u.issuer != "":
		who = fmt.Sprintf("%q", netClip(commonName(u.issuer), 30))
	case u.via != "":
		who = "the proxy " + netHost(u.via)
	}
	f.Title = fmt.Sprintf("%s: HTTP/1.1 through %s, %s", host, who, plural(len(u.opened), "handshake"))
	f.Remedy = "The host speaks HTTP/2, but something on the way opens TLS and speaks HTTP/1.1. Ask whoever runs it to leave " + hostName(host) + " alone (or to pass HTTP/2). Fewer requests at once need fewer connections."
	if u.via != "" {
		old := a.Env.Proxy["NO_PROXY"]
		f.Commands = append(f.Commands, a.setProxy("NO_PROXY", strings.TrimPrefix(old+","+hostName(host), ","))...)
		f.Caveat = "NO_PROXY helps only where the host can be reached without the proxy."
	}
	f.Commands = append(f.Commands, a.with("GOMAXPROCS", "4", a.command()))
	return f
}

// checkNoReuse: connections are thrown away.
func checkNoReuse(a *Analysis) *recorder.Finding {
	keep := max(a.Env.MaxProcs, 2)
	var seen []occurrence
	uses := map[string]*hostUse{}
	for _, u := range a.hostUses() {
		if u.churns() && len(u.opened) > keep {
			seen = append(seen, u.extra(keep)...)
			uses[u.host] = u
		}
	}
	if len(seen) == 0 {
		return nil
	}
	host, _ := worst(seen)
	u := uses[host]
	f := a.evidenceOf(&recorder.Finding{
		Title: fmt.Sprintf("%d TLS handshakes for %d requests to %s; 1 in %.0f is much", len(u.opened), u.requests, host, 1/churn),
		Numbers: []recorder.Number{
			countNumber("TLS handshakes", len(u.opened), 0), countNumber("requests", u.requests, 0),
			{Name: "handshakes per request", Value: float64(len(u.opened)) / float64(u.requests), Limit: churn},
			countNumber("connections closed by the server", u.byServer, 0),
		},
		Remedy: "Connections should be used again. ",
	}, seen)
	if 2*u.byServer >= len(u.opened) {
		f.Remedy += "The server closes them: whoever runs " + hostName(host) + " should switch keep-alive and HTTP/2 on."
	} else {
		f.Remedy += "Fewer requests at once need fewer connections; over HTTP/2 one carries everything."
	}
	if around := a.around(host); 2*u.byServer >= len(u.opened) && len(around) > 0 {
		f.Commands = around // fewer at once would be closed as well
		return f
	}
	f.Commands = append([]string{a.with("GOMAXPROCS", "2", a.command())}, a.around(host)...)
	return f
}
