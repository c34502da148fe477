package diagnose

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// A random makes parts of a recording.
type random struct{ *rand.Rand }

func (r random) pick(all ...string) string { return all[r.IntN(len(all))] }

func (r random) span() recorder.Span {
	switch r.IntN(6) {
	case 0:
		return 0
	case 1:
		return -1
	case 2:
		return ms(float64(r.IntN(40)) * 1000)
	}
	return ms(r.Float64() * 500)
}

func (r random) marks() (m recorder.Marks) {
	for _, s := range []*recorder.Span{
		&m.DNSStart, &m.DNSDone, &m.ConnectStart, &m.ConnectDone, &m.ProxyStart, &m.ProxyDone, &m.TLSStart, &m.TLSDone,
		&m.WroteHeaders, &m.WroteRequest, &m.FirstByte, &m.LastByte, &m.End,
	} {
		*s = r.span()
	}
	m.Reused = r.IntN(2) == 0
	return m
}

func (r random) err() *recorder.Error {
	if r.IntN(3) > 0 {
		return nil
	}
	return &recorder.Error{
		Op: r.pick("dns", "dial", "proxy", "tls", "write", "read", "timeout", "canceled", "client-tls", "redirect", "rule", ""),
		Msg: r.pick("", "lookup ", "lookup x: no such host", "x509: certificate has expired or is not yet valid", "proxyconnect tcp: EOF",
			"Forbidden", "Proxy Authentication Required", "i/o timeout", ": ", "context canceled"),
	}
}

func (r random) tcp() *recorder.TCP {
	if r.IntN(2) == 0 {
		return nil
	}
	n := func() int64 { return int64(r.IntN(9)) - 1 }
	return &recorder.TCP{
		Samples: r.IntN(3), RTT: r.span(), RTTVar: r.span(), MinRTT: r.span(), MaxRTT: r.span(),
		Retrans: n(), SynRetrans: n(), SegsOut: n(), BytesOut: n(), Reordered: n(),
	}
}

func (r random) host() string {
	return r.pick(proxyHost, "sum.golang.org", "storage.googleapis.com", "github.com", "a.example:8443", "[2001:db8::1]:443", "", "10.0.0.1")
}

func (r random) exchange(id uint64) recorder.Exchange {
	kind := r.pick("zip", "storage-zip", "mod", "info", "list", "connect", "sumdb-lookup", "git-info-refs", "go-get", "toolchain-zip", "other", "")
	x := recorder.Exchange{
		ID: id, Conn: uint64(r.IntN(9)), Start: epoch.Add(time.Duration(r.span())), Method: "GET",
		URL:   r.pick("https://", "http://", "") + r.host() + r.pick("", "/", "/x?y", "/%zz"),
		Proto: r.pick("HTTP/2.0", "HTTP/1.1", ""), Server: r.marks(), Client: r.marks(), Err: r.err(), TCP: r.tcp(), Done: r.IntN(4) > 0,
		Overhead: r.span(), Injected: r.span(), ClientBlocked: r.span(),
		Status: []int{0, 200, 200, 302, 403, 404, 407, 429, 502, 503}[r.IntN(10)],
		Go:     gomod.Request{Kind: gomod.Kind(kind), Module: r.pick("", "example.com/m"), Version: r.pick("", "v1.0.0")},
	}
	x.Response.BodySize = int64(r.IntN(3)) * int64(r.IntN(40e6))
	x.Response.Header = []recorder.Header{{
		Name:  r.pick("Location", "Retry-After", "Content-Length", "Proxy-Authenticate"),
		Value: r.pick("", "30", "https://storage.googleapis.com/x", "NTLM", "x"),
	}}
	return x
}

func (r random) conn(id uint64) recorder.Conn {
	c := recorder.Conn{
		ID: id, Target: r.host(), Scheme: r.pick("https", "http", "raw"), Start: epoch, Marks: r.marks(),
		Remote: r.pick("192.0.2.1:443", "[2001:db8::1]:443", ""), Via: r.pick("", "", "http://proxy.corp.example:3128"),
		TCP: r.tcp(), Exchanges: r.IntN(9), BytesIn: int64(r.IntN(2)), BytesOut: int64(r.IntN(2000)), Err: r.err(),
		Closed: r.pick("", "client", "server"), Addrs: []string{r.pick("192.0.2.1", "2001:db8::1", "")},
	}
	for range r.IntN(3) {
		c.Dials = append(c.Dials, recorder.Dial{Addr: r.pick(c.Remote, "[2001:db8::1]:443"), Start: r.span(), Done: r.span(), Err: r.pick("", "x")})
	}
	if r.IntN(3) > 0 {
		c.TLS = &recorder.TLS{
			Version: r.pick("TLS 1.3", "TLS 1.2"), ALPN: r.pick("h2", "http/1.1", ""), Issuer: r.pick("", "CN=Corp CA", "O=,"),
			Verdict: r.pick("", "", "x509: certificate signed by unknown authority"),
		}
	}
	return c
}

// randomNetwork has whatever a recording can have, a foreign or damaged one too.
func randomNetwork(seed uint64) *world {
	r := random{rand.New(rand.NewPCG(seed, 1))}
	w := newWorld()
	for i := range r.IntN(60) {
		w.Exchanges = append(w.Exchanges, r.exchange(uint64(i+1)))
	}
	for i := range r.IntN(9) {
		w.Conns = append(w.Conns, r.conn(uint64(i+1)))
	}
	w.Session.OS = r.pick("linux/amd64", "windows/amd64", "darwin/arm64", "")
	w.Session.Environ.Shell = r.pick("sh", "fish", "powershell", "cmd", "")
	w.Session.Environ.SystemProxy = r.pick("", "p:1", "x.pac", ";=")
	w.Session.Environ.Proxy = map[string]string{"NO_PROXY": r.pick("", "*", ",", "golang.org"), "HTTPS_PROXY": r.pick("", "http://p:1")}
	w.set("GOPROXY", r.pick("", "https://proxy.golang.org,direct", "|", "%zz,direct", "off"))
	w.set("GOPRIVATE", r.pick("", "[", "*.example/x"))
	w.ends(float64(r.IntN(40000)), r.IntN(2))
	switch r.IntN(5) {
	case 0:
		w.Process = nil
	case 1:
		w.Foreign, w.Process, w.End = true, nil, nil
	case 2:
		w.Session = nil
	}
	return w
}

// FuzzNetwork: no recording makes a rule panic, and what is found makes sense.
func FuzzNetwork(f *testing.F) {
	for i := range uint64(200) {
		f.Add(i)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := randomNetwork(seed)
		known := map[uint64]bool{}
		for _, x := range w.Exchanges {
			known[x.ID] = true
		}
		r := Run(w.Input)
		for _, f := range r.Findings {
			if f.Title == "" || f.Remedy == "" || rank(f.Severity) < 0 || f.Cost < 0 || f.Cost > max(r.Wall, 0) {
				t.Errorf("%+v (wall %v)", f, r.Wall)
			}
			for _, id := range f.Evidence {
				if !known[id] {
					t.Errorf("%s: evidence %d does not exist", f.ID, id)
				}
			}
			for _, n := range f.Numbers {
				if n.Value != n.Value || n.Value < -1e15 || n.Value > 1e15 {
					t.Errorf("%s: %+v", f.ID, n)
				}
			}
		}
	})
}

// BenchmarkNetwork asks every network rule about 100,000 requests on 2,000 connections.
func BenchmarkNetwork(b *testing.B) {
	w := newWorld()
	for i := range 100_000 {
		p := phases{wait: 30, receive: 1}
		if i%50 == 0 {
			p.dns, p.connect, p.tls = 1, 20, 30
		}
		w.Exchanges = append(w.Exchanges, *benchGet(uint64(i/50+1), float64(i)*2, i, p))
	}
	for i := range w.Exchanges {
		w.Exchanges[i].ID = uint64(i + 1)
	}
	for i := range uint64(2000) {
		w.Conns = append(w.Conns, recorder.Conn{ID: i + 1, Target: proxyHost + ":443", Scheme: "https", Start: epoch, Marks: w.Exchanges[i*50].Server, Remote: "192.0.2.1:443", TLS: &recorder.TLS{ALPN: "h2"}, Exchanges: 50})
	}
	w.ends(200_000, 0)
	a := analyse(&w.Input)
	b.ResetTimer()
	for b.Loop() {
		for _, r := range networkRules {
			r.Check(a)
		}
	}
}

func benchGet(conn uint64, at float64, i int, p phases) *recorder.Exchange {
	one := newWorld()
	return one.get(conn, at, proxyURL(fmt.Sprintf("example.com/m%d@v1.0.0", i), "mod"), 200, 300, p)
}
