package intercept_test

import (
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/intercept/upstream"
	"modtap/recorder"
)

// needTCPInfo skips where the system need not say what these tests look at.
func needTCPInfo(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("looks at what Linux says")
	}
}

func get(t *testing.T, c *http.Client, url string) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
}

// TestTCP checks the statistics of requests that follow each other on one connection.
func TestTCP(t *testing.T) {
	needTCPInfo(t)
	for _, proto := range []string{"h2", "http/1.1"} {
		o := origintest.Start(t, origintest.Config{Protos: []string{proto}})
		r := newRig(t, o, nil)
		c := r.tapped(proto)
		for range 3 {
			get(t, c, o.URL()+"/bytes/20000")
		}
		xs := r.exchanges(3)
		c.CloseIdleConnections()
		r.stop()
		conns := r.conns()
		if len(conns) != 1 || conns[0].TCP == nil {
			t.Fatalf("%s: %d connections, want one that is measured", proto, len(conns))
		}
		var sent int64
		for i, x := range xs {
			if x.TCP == nil {
				t.Fatalf("%s: exchange %d is not measured", proto, i)
			}
			checkLossless(t, x.TCP)
			if x.TCP.BytesOut == 0 || x.TCP.Samples < 2 || i > 0 && x.TCP.Samples > 4 {
				t.Errorf("%s: exchange %d: %+v", proto, i, x.TCP)
			}
			sent += x.TCP.BytesOut
		}
		whole := conns[0].TCP
		checkLossless(t, whole)
		// what lies between requests is nobody's: acknowledgements of HTTP/2 settings and pings
		if whole.BytesOut < sent || whole.BytesOut > conns[0].BytesOut || whole.BytesOut < conns[0].BytesOut-100 {
			t.Errorf("%s: the exchanges sent %d bytes, the connection %d, of which the kernel tells of %d", proto, sent, conns[0].BytesOut, whole.BytesOut)
		}
		if xs[0].TCP.BytesOut < 2*xs[1].TCP.BytesOut {
			t.Errorf("%s: the first exchange sent %d bytes, the second %d: the TLS handshake is the first one's", proto, xs[0].TCP.BytesOut, xs[1].TCP.BytesOut)
		}
	}
}

// checkLossless checks what holds on loopback.
func checkLossless(t *testing.T, s *recorder.TCP) {
	t.Helper()
	second := recorder.Span(time.Second)
	if s.Retrans != 0 || s.RetransBytes != 0 || s.SynRetrans != 0 || s.Reordered != 0 || s.SegsOut == 0 || s.Note != "" ||
		s.RTT <= 0 || s.RTT > second || s.MinRTT <= 0 || s.MinRTT > s.MaxRTT || s.MaxRTT < s.RTT || s.MaxRTT > second || s.RwndLimit < 0 || s.SndLimit < 0 {
		t.Errorf("recorded over loopback: %+v", s)
	}
}

// TestTCPWhileWaiting waits for headers, and for the rest of a body: the kernel is asked
// every second, and viewers are told.
func TestTCPWhileWaiting(t *testing.T) {
	needTCPInfo(t)
	const long = 2500 * time.Millisecond
	knobs := []origintest.Knob{
		{Match: origintest.Match{Suffix: "/bytes/1000"}, FirstByte: long},
		{Match: origintest.Match{Suffix: "/bytes/2000"}, BodyDelay: long},
	}
	var wg sync.WaitGroup
	for _, proto := range []string{"h2", "http/1.1"} {
		for _, path := range []string{"/bytes/1000", "/bytes/2000"} {
			o := origintest.Start(t, origintest.Config{Protos: []string{proto}, Knobs: knobs})
			r := newRig(t, o, nil)
			wg.Go(func() {
				most := watchSamples(r.log)
				get(t, r.tapped(proto), o.URL()+path)
				x := r.exchanges(1)[0]
				seen := most()
				// connected, two seconds, the end; of those before the end viewers see all
				if x.TCP == nil || x.TCP.Samples < 4 || seen < 3 {
					t.Errorf("%s %s: recorded %+v; while it was in flight at most %d samples", proto, path, x.TCP, seen)
				}
			})
		}
	}
	wg.Wait()
}

// watchSamples follows the log. stop says how many samples the records in flight had.
func watchSamples(l *recorder.Log) (stop func() int) {
	done, most := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			events, _ := l.Snapshot()
			for _, e := range events {
				if x := e.Exchange; x != nil && !x.Done && x.TCP != nil {
					n = max(n, x.TCP.Samples)
				}
			}
			select {
			case <-done:
				most <- n
				return
			case <-time.After(50 * time.Millisecond): // snapshots come a second apart
			}
		}
	}()
	return func() int { close(done); return <-most }
}

// TestTCPOfFailures has the statistics of connections that came to nothing.
func TestTCPOfFailures(t *testing.T) {
	needTCPInfo(t)
	for _, fail := range []origintest.HandshakeFailure{origintest.HandshakeReset, origintest.HandshakeClose, origintest.HandshakeAlert} {
		o := origintest.Start(t, origintest.Config{Handshakes: []origintest.Handshake{{Fail: fail}}})
		r := newRig(t, o, nil)
		if _, err := r.tapped().Get(o.URL() + "/bytes/1"); err == nil {
			t.Fatal("the request did not fail")
		}
		x := r.exchanges(1)[0]
		r.stop()
		c := r.conns()[0]
		for _, s := range []*recorder.TCP{x.TCP, c.TCP} {
			// a ClientHello is some hundred bytes
			if s == nil || s.Samples < 2 || s.BytesOut < 200 || s.SynRetrans != 0 {
				t.Errorf("%s: recorded %+v", fail, s)
			}
		}
	}
	o := origintest.Start(t, origintest.Config{})
	r := newRig(t, o, nil)
	if _, err := r.tapped().Get("https://proxy.golang.test:1/"); err == nil {
		t.Fatal("the request did not fail")
	}
	if x, c := r.exchanges(1)[0], r.conns()[0]; x.TCP != nil || c.TCP != nil {
		t.Errorf("a connection that never was is measured: %+v, %+v", x.TCP, c.TCP)
	}
}

// TestTCPOfAParent says whose numbers they are.
func TestTCPOfAParent(t *testing.T) {
	needTCPInfo(t)
	o := origintest.Start(t, origintest.Config{})
	parent, err := url.Parse(origintest.StartConnectProxy(t, o).URL())
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, o, func(c *intercept.Config) {
		c.Upstream = upstream.New(upstream.Config{Proxy: func(*url.URL) (*url.URL, error) { return parent, nil }})
	})
	get(t, r.tapped(), o.URL()+"/bytes/1")
	x := r.exchanges(1)[0]
	r.stop()
	for _, s := range []*recorder.TCP{x.TCP, r.conns()[0].TCP} {
		if s == nil || s.Samples < 2 || s.SynRetrans != 0 || !strings.Contains(s.Note, "parent proxy") {
			t.Errorf("recorded %+v", s)
		}
	}
}

// TestTCPOfARelay measures what is only relayed.
func TestTCPOfARelay(t *testing.T) {
	needTCPInfo(t)
	o := origintest.Start(t, origintest.Config{})
	r := newRig(t, o, func(c *intercept.Config) { c.Bypass = []string{"*.golang.test"} })
	c := r.tapped()
	get(t, c, o.URL()+"/bytes/100000")
	c.CloseIdleConnections()
	r.stop()
	conn := r.conns()[0]
	if conn.Scheme != "raw" || conn.TCP == nil {
		t.Fatalf("recorded %+v", conn)
	}
	checkLossless(t, conn.TCP)
	if conn.TCP.BytesOut < 200 {
		t.Errorf("recorded %+v", conn.TCP)
	}
}
