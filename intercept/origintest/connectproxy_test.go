package origintest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// through returns a client of o that goes through the proxy at raw.
func through(t *testing.T, o *Origin, raw string) *http.Client {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	c := o.Client("http/1.1") // see failureTests: an HTTP/2 client need not notice a reset
	tr := c.Transport.(*http.Transport)
	tr.Proxy = http.ProxyURL(u)
	tr.DialContext = nil
	t.Cleanup(tr.CloseIdleConnections)
	return c
}

var proxyTests = []struct {
	name string
	c    ProxyConfig
	user string
	knob Knob
	want string // in the error; "": none
}{
	{"a tunnel", ProxyConfig{}, "", Knob{}, ""},
	{"the right user", ProxyConfig{User: "ann:pw"}, "ann:pw@", Knob{}, ""},
	{"no user", ProxyConfig{User: "ann:pw"}, "", Knob{}, "Proxy Authentication Required"},
	{"the wrong user", ProxyConfig{User: "ann:pw"}, "bob:pw@", Knob{}, "Proxy Authentication Required"},
	{"nobody listens", ProxyConfig{Route: func(string) string { return "127.0.0.1:1" }}, "", Knob{}, "connection refused"},
	{"the origin resets", ProxyConfig{}, "", Knob{Fail: Reset}, "connection reset by peer"},
	{"the origin closes", ProxyConfig{}, "", Knob{Fail: Close}, "EOF"},
}

func TestConnectProxy(t *testing.T) {
	o := Start(t, Config{})
	for _, tt := range proxyTests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.c.Route == nil {
				tt.c.Route = RouteTo(o.Addr())
			}
			p, err := NewConnectProxy(tt.c)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			o.SetKnobs(tt.knob)
			c := through(t, o, strings.Replace(p.URL(), "//", "//"+tt.user, 1))
			g := get(c, "https://slow.golang.test"+m0+"list") // port 443: the route decides
			if !said(g.Err, tt.want) {
				t.Errorf("error %q, want %q", g.Err, tt.want)
			}
			if diff := cmp.Diff([]string{"slow.golang.test:443"}, p.Connects()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestConnectProxyRefusesOtherMethods(t *testing.T) {
	p, err := NewConnectProxy(ProxyConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	resp, err := http.Get(p.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || len(p.Connects()) != 0 {
		t.Errorf("status %d, %v", resp.StatusCode, p.Connects())
	}
}

func TestBanner(t *testing.T) {
	b := StartBanner(t, BannerConfig{Text: "220 hello\r\n", Delay: 20 * time.Millisecond})
	c, err := net.Dial("tcp", b.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	br := bufio.NewReader(c)
	for _, want := range []string{"220 hello\r\n", "QUIT\r\n"} {
		if line, err := br.ReadString('\n'); line != want {
			t.Errorf("got %q %v, want %q", line, err, want)
		}
		_, _ = io.WriteString(c, "QUIT\r\n")
	}
}
