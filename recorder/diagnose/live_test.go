package diagnose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// at is an instant, in seconds since epoch.
func at(seconds float64) time.Time {
	return epoch.Add(time.Duration(seconds * float64(time.Second)))
}

// underWay is the snapshot of a zip's request that began at start and has bytes so far.
func underWay(id uint64, host string, start float64, bytes int64) *recorder.Exchange {
	x := &recorder.Exchange{
		ID: id, Start: at(start), Method: "GET", URL: "https://" + host + "/golang.org/x/text/@v/v0.43.0.zip",
		Go: gomod.Request{Kind: gomod.Zip, Module: "golang.org/x/text", Version: fmt.Sprintf("v0.%d.0", id)},
	}
	x.Server.WroteHeaders, x.Server.WroteRequest = 1000, 2000
	if bytes > 0 {
		x.Status, x.Response.BodySize, x.Server.FirstByte = 200, bytes, ms(100)
	}
	return x
}

func ended(x *recorder.Exchange) *recorder.Exchange {
	done := *x
	done.Done, done.Status = true, 200
	return &done
}

func change(x *recorder.Exchange, f func(*recorder.Exchange)) *recorder.Exchange {
	f(x)
	return x
}

// A liveStep is what happens at a time, and what Check then says.
type liveStep struct {
	at    float64 // seconds
	event any
	want  []string // titles; nil: nothing
}

const mirror = "proxy.golang.org"

var liveTests = []struct {
	name  string
	steps []liveStep
}{
	{"no answer", []liveStep{
		{0, underWay(1, mirror, 0, 0), nil},
		{9.9, nil, nil},
		{10, nil, []string{"stalled: zip golang.org/x/text@v0.1.0 from proxy.golang.org: no byte for 10 s"}},
		{11, nil, nil},
		{39.9, nil, nil},
		{40.5, nil, []string{"stalled: zip golang.org/x/text@v0.1.0 from proxy.golang.org: no byte for 40 s"}},
		{71, nil, []string{"stalled: zip golang.org/x/text@v0.1.0 from proxy.golang.org: no byte for 1 min 11 s"}},
		{80, ended(underWay(1, mirror, 0, 0)), nil},
		{200, nil, nil},
	}},
	{"a body stands still, goes on, and stands still again", []liveStep{
		{0, underWay(1, mirror, 0, 0), nil},
		{5, underWay(1, mirror, 0, 2_500_000), nil},
		{14, nil, nil},
		{15.5, nil, []string{"stalled: zip golang.org/x/text@v0.1.0 from proxy.golang.org: no byte for 10 s, after 2.5 MB"}},
		{16, underWay(1, mirror, 0, 3_000_000), nil},
		{25, nil, nil},
		{30, nil, nil}, // 14 s, but it was told of 15 s ago
		{46, nil, []string{"stalled: zip golang.org/x/text@v0.1.0 from proxy.golang.org: no byte for 30 s, after 3.0 MB"}},
	}},
	{"a snapshot without a byte is not progress", []liveStep{
		{0, underWay(1, mirror, 0, 500), nil},
		{9, underWay(1, mirror, 0, 500), nil},
		{10.5, nil, []string{"stalled: zip golang.org/x/text@v0.1.0 from proxy.golang.org: no byte for 10 s, after 500 B"}},
	}},
	{"the headers came a while before they are looked at", []liveStep{
		{0, underWay(1, mirror, 0, 0), nil},
		{8, change(underWay(1, mirror, 0, 0), func(x *recorder.Exchange) { x.Status, x.Server.FirstByte = 200, ms(2000) }), nil},
		{12, nil, []string{"stalled: zip golang.org/x/text@v0.1.0 from proxy.golang.org: no byte for 10 s"}},
	}},
	{"several requests of one host are one line, of two hosts one each", []liveStep{
		{0, underWay(1, mirror, 0, 0), nil},
		{0, underWay(2, mirror, 0.5, 0), nil},
		{0, underWay(3, mirror, 0.25, 0), nil},
		{0, underWay(4, "goproxy.cn", 0, 7000), nil},
		{1, nil, nil},
		{12, nil, []string{
			"stalled: zip golang.org/x/text@v0.4.0 from goproxy.cn: no byte for 12 s, after 7.0 kB",
			"stalled: zip golang.org/x/text@v0.1.0 from proxy.golang.org: no byte for 12 s, and 2 other requests",
		}},
	}},
	{"steady progress", []liveStep{
		{0, underWay(1, mirror, 0, 0), nil}, {5, underWay(1, mirror, 0, 1), nil}, {10, underWay(1, mirror, 0, 2), nil}, {19, underWay(1, mirror, 0, 3), nil}, {28, nil, nil},
	}},
	{"an upgraded connection may be silent", []liveStep{
		{0, change(underWay(1, mirror, 0, 0), func(x *recorder.Exchange) { x.Status = 101 }), nil}, {60, nil, nil},
	}},
	{"a rule holds a request back", []liveStep{
		{0, change(underWay(1, mirror, 0, 0), func(x *recorder.Exchange) { x.Rules, x.Server = []string{"slow"}, recorder.Marks{} }), nil}, {60, nil, nil},
	}},
	{"its end may be among what was lost", []liveStep{
		{0, underWay(1, mirror, 0, 0), nil}, {5, uint64(3), nil}, {60, nil, nil},
	}},
	{"a certificate that does not verify", []liveStep{
		{1, &recorder.Conn{ID: 7, Target: mirror + ":443", TLS: &recorder.TLS{Issuer: "CN=Zscaler"}}, nil},
		{2, &recorder.Conn{ID: 8, Target: mirror + ":443", TLS: &recorder.TLS{Issuer: "CN=Zscaler", Verdict: "x509: certificate signed by unknown authority"}},
			[]string{`untrusted-ca: the certificate of proxy.golang.org does not verify: x509: certificate signed by unknown authority (issuer "CN=Zscaler")`}},
		{3, &recorder.Conn{ID: 8, Target: mirror + ":443", TLS: &recorder.TLS{Verdict: "x509: certificate signed by unknown authority"}, Closed: "client"}, nil},
		{4, &recorder.Conn{ID: 9, Target: mirror + ":443", TLS: &recorder.TLS{Verdict: "x509: certificate signed by unknown authority"}}, nil},
		{5, &recorder.Conn{ID: 10, Target: "sum.golang.org:8443", TLS: &recorder.TLS{Verdict: "x509: certificate has expired or is not yet valid"}},
			[]string{`untrusted-ca: the certificate of sum.golang.org:8443 does not verify: x509: certificate has expired or is not yet valid`}},
	}},
	{"the client does not trust modtap", []liveStep{
		{1, &recorder.Tunnel{ID: 1, Target: "github.com:443", Agent: "git/2.39.5", Err: &recorder.Error{Op: "client-tls", Msg: "the client does not trust modtap's certificate for github.com (remote error: tls: bad certificate)"}},
			[]string{"untrusted-ca: git does not trust modtap's certificate for github.com"}},
		{2, &recorder.Tunnel{ID: 2, Target: "github.com:443", Err: &recorder.Error{Op: "client-tls", Msg: "the client does not trust modtap's certificate for github.com"}}, nil},
	}},
	{"a client that leaves", []liveStep{
		{1, &recorder.Tunnel{ID: 1, Target: "github.com:443", Err: &recorder.Error{Op: "client-tls", Msg: "EOF"}}, nil},
		{1, &recorder.Tunnel{ID: 2, Target: "github.com:443", Err: &recorder.Error{Op: "canceled", Msg: "the client went away"}}, nil},
	}},
	{"a parent proxy wants a password", []liveStep{
		{1, &recorder.Conn{ID: 3, Target: mirror + ":443", Via: "http://proxy.corp:3128", Err: &recorder.Error{Op: "proxy", Msg: "Proxy Authentication Required"}, Closed: "modtap"},
			[]string{"proxy-auth: the proxy proxy.corp:3128 wants a name and a password (407)"}},
		{1, &recorder.Exchange{ID: 1, Conn: 3, Method: "CONNECT", URL: "https://" + mirror + "/", Done: true, Err: &recorder.Error{Op: "proxy", Msg: "Proxy Authentication Required"}}, nil},
	}},
	{"a 407 to a request", []liveStep{
		{1, &recorder.Exchange{ID: 1, URL: "http://plain.example/", Done: true, Status: 407}, []string{"proxy-auth: the proxy wants a name and a password (407)"}},
		{2, &recorder.Exchange{ID: 2, URL: "http://plain.example/", Done: true, Status: 407}, nil},
	}},
	{"a proxy forbids", []liveStep{
		{1, &recorder.Conn{ID: 3, Err: &recorder.Error{Op: "proxy", Msg: "Forbidden"}}, nil},
		{2, &recorder.Exchange{ID: 2, Done: true, Status: 403}, nil},
	}},
}

func TestLive(t *testing.T) {
	for _, tt := range liveTests {
		t.Run(tt.name, func(t *testing.T) {
			l := NewLive()
			for i, s := range tt.steps {
				give(l, s.event)
				var got []string
				for _, f := range l.Check(at(s.at)) {
					got = append(got, f.ID+": "+f.Title)
					if f.Severity == "" || f.Remedy == "" || len(f.Evidence)+len(f.Conns) == 0 && !strings.Contains(f.Title, "modtap") {
						t.Errorf("%+v", f)
					}
				}
				if diff := cmp.Diff(s.want, got); diff != "" {
					t.Errorf("liveStep %d, at %v s (-want +got):\n%s", i, s.at, diff)
				}
			}
		})
	}
}

func give(l *Live, event any) {
	switch e := event.(type) {
	case *recorder.Exchange:
		l.Write(recorder.Event{Exchange: e})
	case *recorder.Conn:
		l.Write(recorder.Event{Conn: e})
	case *recorder.Tunnel:
		l.Write(recorder.Event{Tunnel: e})
	case uint64:
		l.Lost(e)
	}
}

// TestLiveFindingsAreWhole: a finding has the evidence of those before it, for it takes
// their place, and commands for the user's shell.
func TestLiveFindingsAreWhole(t *testing.T) {
	l := NewLive()
	l.Write(recorder.Event{Session: newWorld().Session})
	give(l, underWay(1, mirror, 0, 0))
	give(l, underWay(2, "goproxy.cn", 0, 0))
	got := l.Check(at(12))
	if len(got) != 2 || len(got[1].Evidence) != 2 {
		t.Fatalf("%+v", got)
	}
	give(l, ended(underWay(1, mirror, 0, 0)))
	give(l, ended(underWay(2, "goproxy.cn", 0, 0)))
	give(l, underWay(3, mirror, 50, 0))
	got = l.Check(at(63))
	want := []recorder.Finding{{
		ID: "stalled", Severity: "bad", Title: "zip golang.org/x/text@v0.3.0 from proxy.golang.org: no byte for 13 s",
		Evidence: []uint64{3, 1, 2}, Numbers: []recorder.Number{{Name: "time without a byte", Value: 13000, Unit: "ms", Limit: 10000}},
		Remedy: got[0].Remedy, Commands: []string{"go mod download"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLiveIsBounded: what it remembers does not grow with the session.
func TestLiveIsBounded(t *testing.T) {
	l := NewLive()
	for i := range uint64(20_000) {
		host := fmt.Sprintf("host%d.example", i)
		give(l, underWay(i+1, host, float64(i), 0))
		give(l, &recorder.Conn{ID: i + 1, Target: host + ":443", Via: "http://" + host, TLS: &recorder.TLS{Verdict: "bad"}})
		if i%100 == 0 {
			l.Check(at(float64(i)))
		}
	}
	if len(l.flights) > liveFlights || len(l.conns) > liveFlights || len(l.told) > liveSubjects || len(l.quiet) > liveSubjects {
		t.Errorf("%d requests, %d connections, %d and %d subjects", len(l.flights), len(l.conns), len(l.told), len(l.quiet))
	}
	for _, f := range l.seen {
		if len(f.Evidence) > liveEvidence || len(f.Conns) > liveEvidence {
			t.Errorf("%s: %d and %d pieces of evidence", f.ID, len(f.Evidence), len(f.Conns))
		}
	}
}
