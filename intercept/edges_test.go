package intercept_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http/httpproxy"

	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/intercept/rules"
	"modtap/intercept/upstream"
	"modtap/recorder"
)

// TestBypassThroughParent: a tunnel that is relayed unread goes through the corporate
// proxy like every other.
func TestBypassThroughParent(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	parent := origintest.StartConnectProxy(t, o)
	choose := (&httpproxy.Config{HTTPSProxy: parent.URL()}).ProxyFunc()
	r := newRig(t, o, func(c *intercept.Config) {
		c.Bypass = []string{"proxy.*"}
		c.Upstream = upstream.New(upstream.Config{Proxy: choose})
	})
	c := r.client(&url.URL{Scheme: "http", Host: r.addr}, o.CertPool(), nil)
	req, _ := http.NewRequest("GET", o.URL()+"/bytes/9", nil)
	if got := seen(c, req); !strings.Contains(got, "200 OK") || len(parent.Connects()) != 1 {
		t.Errorf("%d CONNECTs at the parent; the client saw %s", len(parent.Connects()), got)
	}
}

// TestAcceptedThenClosed: a server that hangs up before a byte is a failure on record.
func TestAcceptedThenClosed(t *testing.T) {
	addr := answering(t, func(c net.Conn) {
		c.Close()
	})
	r := newRig(t, origintest.Start(t, origintest.Config{}), nil)
	_, port, _ := net.SplitHostPort(addr)
	req, _ := http.NewRequest("GET", "https://closed.golang.test:"+port+"/", nil)
	if got := seen(r.tapped(), req); !strings.Contains(got, "EOF") && !strings.Contains(got, "reset") {
		t.Errorf("the client saw %s", got)
	}
	if x := r.exchanges(1)[0]; x.Err == nil || x.Method != "CONNECT" {
		t.Errorf("recorded %s, %v", x.Method, x.Err)
	}
}

// TestEarlyHintsDoNotEndWait: the wait is for the answer, not for a 103.
func TestEarlyHintsDoNotEndWait(t *testing.T) {
	for _, proto := range []string{"h2", "http/1.1"} {
		o := origintest.Start(t, origintest.Config{Protos: []string{proto}, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusEarlyHints)
			time.Sleep(200 * time.Millisecond) // the server's own time
			io.WriteString(w, "late")
		})})
		r := newRig(t, o, nil)
		req, _ := http.NewRequest("GET", o.HostURL("hints.golang.test")+"/slow", nil)
		if got := seen(r.tapped(proto), req); !strings.Contains(got, "late") {
			t.Fatal(got)
		}
		if p := r.exchanges(1)[0].Server.Timings(); p.Wait < recorder.Span(190*time.Millisecond) || p.Receive > recorder.Span(100*time.Millisecond) {
			t.Errorf("%s: phases %+v; the server took 200 ms to answer", proto, p)
		}
	}
}

// TestMirrorToHTTP1 sends the requests of one HTTP/2 client to a mirror that speaks
// HTTP/1.1: the mirror's connection headers stay off the client's connection, the dials
// do not wait for each other, and none of it is modtap's own time.
func TestMirrorToHTTP1(t *testing.T) {
	const n, shake = 5, 200 * time.Millisecond
	mirror := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Keep-Alive", "timeout=5")
		w.Header().Set("Upgrade", "h2,h2c")
		io.WriteString(w, "from the mirror")
	}))
	defer mirror.Close()
	slow := origintest.Start(t, origintest.Config{Protos: []string{"http/1.1"}, Handshakes: []origintest.Handshake{{Delay: shake}}})
	set, err := rules.Parse([]string{"dead.example.test=" + mirror.URL, "slow.example.test=" + slow.URL()}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, slow, func(c *intercept.Config) { c.Rules = set })
	c := r.tapped()
	req, _ := http.NewRequest("GET", "https://dead.example.test/x", nil)
	if got := seen(c, req); !strings.Contains(got, "HTTP/2.0 200 OK") || strings.Contains(got, "Keep-Alive") || strings.Contains(got, "Upgrade") {
		t.Errorf("the client saw %s", got)
	}
	warm, _ := http.NewRequest("GET", "https://slow.example.test/bytes/1", nil)
	seen(c, warm) // now it is known to speak HTTP/1.1
	var wg sync.WaitGroup
	start := time.Now()
	for i := range n {
		wg.Go(func() {
			req, _ := http.NewRequest("GET", fmt.Sprintf("https://slow.example.test/bytes/%d", 100000+i), nil)
			if got := seen(c, req); !strings.Contains(got, "200 OK") {
				t.Error(got)
			}
		})
	}
	wg.Wait()
	if took := time.Since(start); took > 3*shake {
		t.Errorf("%d requests to an HTTP/1.1 mirror took %v: their dials waited for each other", n, took)
	}
	for _, x := range r.exchanges(n + 2) {
		if x.Overhead > recorder.Span(shake/2) {
			t.Errorf("exchange %d: overhead %v, but modtap only waited for the network", x.ID, x.Overhead)
		}
	}
}

// TestUploadBrokenOff: a request whose client leaves in the middle of it is the client's
// doing.
func TestUploadBrokenOff(t *testing.T) {
	for _, proto := range []string{"h2", "http/1.1"} {
		begun := make(chan bool)
		o := origintest.Start(t, origintest.Config{Protos: []string{proto}, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			io.ReadFull(r.Body, make([]byte, 4))
			close(begun)
			io.Copy(io.Discard, r.Body)
		})})
		r := newRig(t, o, nil)
		body, w := io.Pipe()
		go func() {
			io.WriteString(w, "half")
			<-begun
			w.CloseWithError(errors.New("broken off"))
		}()
		if _, err := r.tapped(proto).Post(o.URL()+"/handler", "text/plain", body); err == nil {
			t.Error("no error")
		}
		if x := r.exchanges(1)[0]; opOf(x) != "canceled" || x.Request.BodySize != 4 {
			t.Errorf("%s: recorded %v, %d bytes", proto, x.Err, x.Request.BodySize)
		}
	}
}

// TestMirrorThatShakesNoHands: the client's own handshake is over when its request is sent
// to a mirror, so it does not give up the mirror's; modtap does, as net/http would.
func TestMirrorThatShakesNoHands(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	t.Parallel()
	mute := origintest.Start(t, origintest.Config{Handshakes: []origintest.Handshake{{Host: "mute.golang.test", Fail: origintest.HandshakeStall}}})
	_, port, _ := net.SplitHostPort(mute.Addr())
	set, err := rules.Parse([]string{"dead.golang.test=https://mute.golang.test:" + port}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, mute, func(c *intercept.Config) { c.Rules = set })
	c := r.tapped("http/1.1")
	c.Timeout = 20 * time.Second
	start := time.Now()
	resp, err := c.Get("https://dead.golang.test/x")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway || time.Since(start) < 10*time.Second {
		t.Errorf("%s after %v", resp.Status, time.Since(start))
	}
	if x := r.exchanges(1)[0]; opOf(x) != "timeout" {
		t.Errorf("recorded %v", x.Err)
	}
}

// TestRefusal answers a CONNECT without a port with a status line that clients can read.
func TestRefusal(t *testing.T) {
	r := newRig(t, origintest.Start(t, origintest.Config{}), nil)
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "CONNECT example.test HTTP/1.1\r\n\r\n")
	c.SetDeadline(time.Now().Add(5 * time.Second))
	b, _ := io.ReadAll(c)
	if !strings.HasPrefix(string(b), "HTTP/1.1 400 ") {
		t.Errorf("answered %q", b)
	}
}

// TestShutdownKeepsOpenings: Ctrl-C while a server never answers the handshake must leave
// the evidence.
func TestShutdownKeepsOpenings(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Handshakes: []origintest.Handshake{{Fail: origintest.HandshakeStall}}})
	r := newRig(t, o, nil)
	c := r.tapped()
	c.Timeout = 2300 * time.Millisecond
	req, _ := http.NewRequest("GET", o.URL()+"/bytes/1", nil)
	done := make(chan string)
	go func() { done <- seen(c, req) }()
	<-done
	r.stop()
	if xs := r.exchanges(1); opOf(xs[0]) != "timeout" {
		t.Errorf("recorded %v", xs[0].Err)
	}
}
