package origintest

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var certTests = []struct {
	kind CertKind
	want string // in the client's error; "": none
}{
	{Good, ""},
	{UnknownCA, "certificate signed by unknown authority"},
	{Expired, "certificate has expired"},
	{WrongName, "certificate is valid for other.example.test, not proxy.golang.test"},
}

func TestCertificates(t *testing.T) {
	ca, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range certTests {
		t.Run(string(tt.kind), func(t *testing.T) {
			o := Start(t, Config{Cert: tt.kind, CA: ca})
			g := get(o.Client(), o.URL()+m0+"list")
			if !said(g.Err, tt.want) {
				t.Errorf("error %q, want %q", g.Err, tt.want)
			}
			waitClosedHandshakes(t, o, tt.want != "")
			c := o.Stats().Conns[0]
			if tt.want == "" && (o.Handshakes() != 1 || c.Error != "" || c.Protocol != "h2") {
				t.Errorf("%d handshakes, %+v", o.Handshakes(), c)
			}
			if tt.want != "" && (o.Handshakes() != 0 || !strings.Contains(c.Error, "remote error: tls: bad certificate")) {
				t.Errorf("%d handshakes, %+v", o.Handshakes(), c)
			}
			if c.ServerName != ProxyHost {
				t.Errorf("SNI %q", c.ServerName)
			}
		})
	}
}

// waitClosedHandshakes waits until the origin has seen the client's alert, where one is due.
func waitClosedHandshakes(t *testing.T, o *Origin, alert bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for alert && o.Stats().Conns[0].Error == "" {
		if time.Now().After(deadline) {
			t.Fatal("the handshake does not end")
		}
		time.Sleep(time.Millisecond) // the client is done before the server knows
	}
}

var handshakeTests = []struct {
	name string
	host string
	h    Handshake
	want string // in the client's error; "": none
}{
	{"reset", ProxyHost, Handshake{Fail: HandshakeReset}, "connection reset by peer"},
	{"close", ProxyHost, Handshake{Fail: HandshakeClose}, "EOF"},
	{"alert", ProxyHost, Handshake{Fail: HandshakeAlert}, "remote error: tls: internal error"},
	{"plain text", ProxyHost, Handshake{Fail: HandshakePlain}, "server gave HTTP response to HTTPS client"},
	{"stall", ProxyHost, Handshake{Fail: HandshakeStall}, "Timeout"},
	{"another host", ProxyHost, Handshake{Host: "slow.golang.test", Fail: HandshakeReset}, ""},
	{"this host", "slow.golang.test", Handshake{Host: "slow.golang.test", Fail: HandshakeReset}, "connection reset by peer"},
	{"the second one", ProxyHost, Handshake{Skip: 1, Fail: HandshakeReset}, ""},
}

func TestHandshakes(t *testing.T) {
	o := Start(t, Config{})
	for _, tt := range handshakeTests {
		t.Run(tt.name, func(t *testing.T) {
			o.SetHandshakes(tt.h)
			c := o.Client()
			if tt.h.Fail == HandshakeStall {
				c.Timeout = 200 * time.Millisecond
			} else {
				c.Timeout = 20 * time.Second
			}
			g := get(c, o.HostURL(tt.host)+m0+"list")
			if !said(g.Err, tt.want) {
				t.Errorf("error %q, want %q", g.Err, tt.want)
			}
		})
	}
}

func TestHandshakeDelay(t *testing.T) {
	const want = 200 * time.Millisecond
	o := Start(t, Config{Handshakes: []Handshake{{Host: "slow.*", Delay: want}}})
	inTime(t, func() []delay {
		var ds []delay
		for _, host := range []string{ProxyHost, "slow.golang.test"} {
			o.Forget()
			raw, err := net.Dial("tcp", o.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			c := tls.Client(raw, &tls.Config{RootCAs: o.CertPool(), ServerName: host})
			start := time.Now()
			if err := c.Handshake(); err != nil {
				t.Fatal(err)
			}
			d := delay{"handshake with " + host, time.Since(start), 0}
			if host != ProxyHost {
				d.want = want
			}
			ds = append(ds, d)
			info := o.Stats().Conns[0]
			if host != ProxyHost && !info.Secured.IsZero() && info.Secured.Sub(info.Hello) < want {
				t.Errorf("recorded %v", info.Secured.Sub(info.Hello))
			}
		}
		return ds
	})
}

func TestOldServerOffersHTTP1Alone(t *testing.T) {
	o := Start(t, Config{Protos: []string{"http/1.1"}})
	g := get(o.Client(), o.URL()+m0+"list")
	if g.Err != "" || g.response.Proto != "HTTP/1.1" {
		t.Errorf("%q %v", g.Err, g.response)
	}
	c := o.Stats().Conns[0]
	if diff := cmp.Diff([]string{"h2", "http/1.1"}, c.Offered); diff != "" || c.Protocol != "http/1.1" {
		t.Errorf("agreed on %q, offered %s", c.Protocol, diff)
	}
}

func TestLoadCAKeepsTheRoot(t *testing.T) {
	file := t.TempDir() + "/ca.pem"
	first, err := LoadCA(file)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadCA(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(first.PEM()), string(second.PEM())); diff != "" {
		t.Error(diff)
	}
	o := Start(t, Config{CA: second})
	c := o.Client()
	if g := get(c, o.URL()+m0+"list"); g.Err != "" {
		t.Error(g.Err)
	}
}
