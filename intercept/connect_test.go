package intercept_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/intercept/rules"
	"modtap/intercept/upstream"
	"modtap/recorder"
)

func TestClientDistrusts(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	r := newRig(t, o, nil)
	c := r.client(&url.URL{Scheme: "http", Host: r.addr}, o.CertPool(), nil)
	req, _ := http.NewRequest("GET", o.URL()+"/bytes/1", nil)
	if got := seen(c, req); !strings.Contains(got, "certificate signed by unknown authority") {
		t.Errorf("the client saw %s", got)
	}
	if x := r.exchanges(1)[0]; opOf(x) != "client-tls" || !strings.Contains(x.Err.Msg, "does not trust modtap's certificate") {
		t.Errorf("recorded %v", x.Err)
	}
}

func TestServerClosesIdle(t *testing.T) {
	for _, proto := range []string{"h2", "http/1.1"} {
		o := origintest.Start(t, origintest.Config{Protos: []string{proto}, Idle: 100 * time.Millisecond})
		r := newRig(t, o, nil)
		c := r.tapped(proto)
		for i := range 3 {
			req, _ := http.NewRequest("POST", o.URL()+"/echo", io.MultiReader(strings.NewReader("not to be sent twice")))
			if got := seen(c, req); !strings.Contains(got, "200 OK") {
				t.Fatalf("%s request %d: %s", proto, i, got)
			}
			time.Sleep(400 * time.Millisecond) // the origin hangs up, and so must we
		}
		for _, x := range r.exchanges(3) {
			if x.Server.Reused {
				t.Errorf("%s: exchange %d reused a connection that the server had closed", proto, x.ID)
			}
		}
		for range 300 { // Go's server closes a second after its GOAWAY
			if !slices.ContainsFunc(r.conns(), func(c *recorder.Conn) bool { return c.Closed == "" }) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		for _, c := range r.conns() {
			if c.Closed != "server" || c.Exchanges != 1 || c.Marks.End == 0 {
				t.Errorf("%s: a connection that the server closed was recorded as closed by %q, with %d exchanges", proto, c.Closed, c.Exchanges)
			}
		}
	}
}

func TestSpeculativeConnection(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	r := newRig(t, o, nil)
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\n\r\n", strings.TrimPrefix(o.URL(), "https://"))
	if line, _ := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, "200") {
		t.Fatalf("CONNECT was answered %q", line)
	}
	c.Close()
	for range 100 {
		if cs := r.conns(); len(cs) == 1 && cs[0].Closed == "client" && cs[0].Unused() {
			break
		}
		time.Sleep(10 * time.Millisecond) // the proxy hears of it when the kernel says so
	}
	if cs := r.conns(); len(cs) != 1 || cs[0].Closed != "client" || !cs[0].Unused() {
		t.Errorf("connections: %+v", cs)
	}
	if xs := r.exchanges(0); len(xs) != 0 {
		t.Errorf("%d exchanges, want none", len(xs))
	}
}

// TestNeitherTLSNorHTTP relays other protocols, whichever side speaks first.
func TestNeitherTLSNorHTTP(t *testing.T) {
	for _, banner := range []string{"220 ready\r\n", ""} {
		b := origintest.StartBanner(t, origintest.BannerConfig{Text: banner})
		_, port, _ := net.SplitHostPort(b.Addr())
		r := newRig(t, origintest.Start(t, origintest.Config{}), nil)
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(c, "CONNECT banner.golang.test:%s HTTP/1.1\r\n\r\n", port)
		br := bufio.NewReader(c)
		resp, err := http.ReadResponse(br, &http.Request{Method: "CONNECT"})
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		if banner != "" {
			if line, err := br.ReadString('\n'); err != nil || line != banner {
				t.Errorf("read %q, %v; want the server's banner", line, err)
			}
		}
		io.WriteString(c, "\x00echo\n")
		if line, err := br.ReadString('\n'); err != nil || line != "\x00echo\n" {
			t.Errorf("read %q, %v; want what was sent", line, err)
		}
		c.Close()
		r.stop()
		events, _ := r.log.Snapshot()
		for _, e := range events {
			if tn := e.Tunnel; tn != nil && (tn.Kind != "raw" || tn.BytesOut != 6 || tn.BytesIn != int64(6+len(banner)) || tn.End == 0) {
				t.Errorf("the tunnel was recorded as %+v", tn)
			}
		}
	}
}

func TestUpgrade(t *testing.T) {
	for _, to := range []string{"websocket", "echo"} {
		o := origintest.Start(t, origintest.Config{})
		r := newRig(t, o, nil)
		req, _ := http.NewRequest("GET", o.URL()+"/upgrade", nil)
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", to)
		c := r.tapped("http/1.1")
		c.Timeout = 0 // it would hide that the body can be written to
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		rw, ok := resp.Body.(io.ReadWriteCloser)
		if resp.StatusCode != 101 || !ok {
			t.Fatalf("%s: answered %s", to, resp.Status)
		}
		io.WriteString(rw, "echo me")
		got := make([]byte, 7)
		if _, err := io.ReadFull(rw, got); err != nil || string(got) != "echo me" {
			t.Errorf("%s: the upgraded connection gave %q, %v", to, got, err)
		}
		rw.Close()
		if x := r.exchanges(1)[0]; x.Status != 101 || x.Response.BodySize != 7 || x.Request.BodySize != 7 {
			t.Errorf("%s: recorded status %d, %d bytes in, %d out", to, x.Status, x.Response.BodySize, x.Request.BodySize)
		}
	}
}

func TestBypass(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	r := newRig(t, o, func(c *intercept.Config) { c.Bypass = []string{"proxy.*"} })
	c := r.client(&url.URL{Scheme: "http", Host: r.addr}, o.CertPool(), nil) // knows nothing of our CA
	req, _ := http.NewRequest("GET", o.URL()+"/bytes/9", nil)
	if got := seen(c, req); !strings.Contains(got, "200 OK") {
		t.Error(got)
	}
	c.CloseIdleConnections()
	r.stop()
	if xs := r.exchanges(0); len(xs) != 0 {
		t.Errorf("%d exchanges in a tunnel that must not be opened", len(xs))
	}
}

func TestParentProxy(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	parent := origintest.StartConnectProxy(t, o)
	u, _ := url.Parse(parent.URL())
	r := newRig(t, o, func(c *intercept.Config) {
		c.Upstream = upstream.New(upstream.Config{Proxy: func(*url.URL) (*url.URL, error) { return u, nil }})
	})
	req, _ := http.NewRequest("GET", o.URL()+"/bytes/9", nil)
	if got := seen(r.tapped(), req); !strings.Contains(got, "200 OK") {
		t.Error(got)
	}
	if n := len(parent.Connects()); n != 1 {
		t.Errorf("the parent proxy saw %d CONNECTs, want 1", n)
	}
	if x := r.exchanges(1)[0]; x.Server.ProxyDone == 0 {
		t.Errorf("the parent's part was not measured: %+v", x.Server)
	}
}

func TestMirrorOfADeadHost(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	set, err := rules.Parse([]string{"dead.example.test=" + o.URL()}, []string{"kind:list=120ms"})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, o, func(c *intercept.Config) { c.Rules = set })
	req, _ := http.NewRequest("GET", "https://dead.example.test/example.golang.test/m0/@v/list", nil)
	if got := seen(r.tapped(), req); !strings.Contains(got, "v1.0.0") {
		t.Fatal(got)
	}
	x := r.exchanges(1)[0]
	if len(x.Rules) != 2 || !strings.HasPrefix(x.SentTo, o.URL()) || x.Injected.Duration() < 120*time.Millisecond {
		t.Errorf("recorded rules %q, sent to %s, %v injected", x.Rules, x.SentTo, x.Injected)
	}
	if w := x.Server.Timings(); w.Wait.Duration() > 60*time.Millisecond {
		t.Errorf("the injected delay was charged to the server: %+v", w)
	}
}

func TestRefusesItself(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	var own netip.AddrPort
	r := newRig(t, o, func(c *intercept.Config) {
		c.Upstream = upstream.New(upstream.Config{Refuse: func(a netip.AddrPort) bool { return a == own }})
	})
	own = netip.MustParseAddrPort(r.addr)
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\n\r\n", r.addr)
	if line, _ := bufio.NewReader(c).ReadString('\n'); !strings.Contains(line, "502") || !strings.Contains(line, "own port") {
		t.Errorf("CONNECT to the proxy itself was answered %q", line)
	}
}
