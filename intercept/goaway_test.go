package intercept_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"modtap/intercept/origintest"
	"modtap/recorder"
)

// TestGoAwayAndClose: a server that says GOAWAY and hangs up soon after loses no request of
// a client that it has not read, however close together these are; and none is recorded
// that did not reach it.
func TestGoAwayAndClose(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Protos: []string{"h2"}, Knobs: []origintest.Knob{{CloseEvery: 2}}})
	r := newRig(t, o, nil)
	const clients, requests = 4, 60
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			c := r.tapped("h2")
			for range requests {
				resp, err := c.Get(o.URL() + "/bytes/10")
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Error(resp.Status)
				}
			}
		})
	}
	wg.Wait()
	xs := r.exchanges(clients * requests)
	for _, x := range xs {
		if x.Err != nil {
			t.Errorf("%s: %v", x.URL, x.Err)
		}
	}
	if len(xs) != len(o.Requests()) {
		t.Errorf("%d exchanges, the origin was asked %d times", len(xs), len(o.Requests()))
	}
}

// TestGoAwayAndGone: a server says GOAWAY, and the replacement of its connection cannot be
// opened. That is recorded as any failure is, of a connection's first request and of a
// later one.
func TestGoAwayAndGone(t *testing.T) {
	for _, op := range []string{"dial", "tls"} {
		for before := range 2 {
			t.Run(fmt.Sprintf("%s fails, after %d requests", op, before), func(t *testing.T) {
				c := origintest.Config{Protos: []string{"h2"}, Knobs: []origintest.Knob{{Match: origintest.Match{Skip: before}, Fail: origintest.GoAwayUnseen}}}
				if op == "tls" {
					c.Handshakes = []origintest.Handshake{{Skip: 1, Fail: origintest.HandshakeAlert}}
				}
				o := origintest.Start(t, c)
				r := newRig(t, o, nil)
				url := o.URL()
				if op == "dial" {
					url = "https://" + origintest.ProxyHost + ":" + onlyOnce(t, o.Addr())
				}
				client := r.tapped("h2")
				for n := range before + 1 {
					req, _ := http.NewRequest("GET", url+"/bytes/10", nil)
					if got := seen(client, req); strings.Contains(got, "200 OK") != (n < before) {
						t.Errorf("request %d: the client saw %s", n, got)
					}
				}
				checkInVain(t, r, r.exchanges(before + 1)[before], op)
			})
		}
	}
}

// checkInVain checks the record of a request that was to be sent again on a connection
// whose opening failed at op, and that none is in flight any more.
func checkInVain(t *testing.T, r *rig, x *recorder.Exchange, op string) {
	t.Helper()
	if opOf(x) != op || !x.Done || x.Status != 0 || x.Resent != 1 {
		t.Errorf("recorded status %d, %v, sent again %d times", x.Status, x.Err, x.Resent)
	}
	if m := x.Server; op == "dial" && (m.TLSStart != 0 || x.TCP != nil) || m.ConnectStart == 0 {
		t.Errorf("it has marks of the connection before: %+v, %+v", m, x.TCP)
	}
	start := time.Now()
	r.stop()
	if took := time.Since(start); took > time.Second {
		t.Errorf("Shutdown waited %v", took)
	}
}

// onlyOnce listens on the port that it returns for one connection, which leads to addr.
func onlyOnce(t *testing.T, addr string) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var copies sync.WaitGroup
	t.Cleanup(func() { l.Close(); copies.Wait() })
	copies.Go(func() {
		a, err := l.Accept()
		l.Close()
		if err != nil {
			return
		}
		defer a.Close()
		b, err := net.Dial("tcp", addr)
		if err != nil {
			t.Error(err)
			return
		}
		copies.Go(func() { io.Copy(b, a); b.Close() })
		io.Copy(a, b)
	})
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// TestHungUpBehindASlowReader: the server has sent its answer and hung up, the client is
// still taking it in. Its next request goes out all the same, on a new connection, and
// what it is reading is not cut.
func TestHungUpBehindASlowReader(t *testing.T) {
	const size = 6 << 20 // more than the client's window: modtap holds the rest
	o := origintest.Start(t, origintest.Config{Protos: []string{"h2"}, Knobs: []origintest.Knob{{CloseEvery: 1}}})
	r := newRig(t, o, nil)
	ask := func(c *http.Client) (slow, next string) {
		resp, err := c.Get(fmt.Sprintf("%s/bytes/%d", o.URL(), size))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		io.ReadFull(resp.Body, make([]byte, 1000))
		for range 400 { // Go's server hangs up one second after its GOAWAY
			if s := o.Stats(); len(s.Conns) > 0 && !s.Conns[len(s.Conns)-1].Closed.IsZero() {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		req, _ := http.NewRequest("GET", o.URL()+"/bytes/10", nil)
		next = seen(c, req)
		n, err := io.Copy(io.Discard, resp.Body)
		return fmt.Sprint(n+1000, " ", err), next
	}
	slow, next := ask(r.tapped("h2"))
	if want := fmt.Sprint(size, " <nil>"); slow != want || !strings.Contains(next, "200 OK") {
		t.Errorf("the slow body: %s, want %s; the next request: %s", slow, want, next)
	}
	for _, x := range r.exchanges(2) {
		if x.Err != nil || x.Status != 200 {
			t.Errorf("%s: %d, %v", x.URL, x.Status, x.Err)
		}
	}
}

// TestAbandonedBodyIsNotTheEnd: a client that gives up a body over HTTP/2 goes on with its
// connection; when the server ends that later, it is the server's doing.
func TestAbandonedBodyIsNotTheEnd(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Protos: []string{"h2"}, Knobs: []origintest.Knob{
		{Match: origintest.Match{Suffix: "/bytes/100000"}, BodyDelay: time.Minute}, {CloseEvery: 2}}})
	r := newRig(t, o, nil)
	c := r.tapped("h2")
	resp, err := c.Get(o.URL() + "/bytes/100000")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	req, _ := http.NewRequest("GET", o.URL()+"/bytes/10", nil)
	if got := seen(c, req); !strings.Contains(got, "200 OK") {
		t.Fatal(got)
	}
	closed := ""
	for deadline := time.Now().Add(5 * time.Second); closed == "" && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		closed = r.conns()[0].Closed
	}
	if closed != "server" {
		t.Errorf("the connection was closed by %q", closed)
	}
}

// TestResetBehindTheHandler: a client that takes no bytes of an answer resets the stream
// when modtap's handler has long written it. The connection leaves all the same.
func TestResetBehindTheHandler(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Protos: []string{"h2"}, Knobs: []origintest.Knob{{CloseEvery: 1}}})
	r := newRig(t, o, nil)
	host := strings.TrimPrefix(o.URL(), "https://")
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", host, host)
	if _, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect}); err != nil {
		t.Fatal(err)
	}
	tc := tls.Client(c, &tls.Config{InsecureSkipVerify: true, ServerName: "x.test", NextProtos: []string{"h2"}})
	io.WriteString(tc, http2.ClientPreface)
	f := http2.NewFramer(tc, tc)
	f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	for _, h := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", host}, {":path", "/bytes/10"}} {
		e.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
	for {
		fr, err := f.ReadFrame()
		if err != nil {
			t.Fatal("there was no GOAWAY: ", err)
		}
		switch fr.(type) {
		case *http2.HeadersFrame:
			time.Sleep(50 * time.Millisecond) // the handler has returned
			f.WriteRSTStream(1, http2.ErrCodeCancel)
		case *http2.GoAwayFrame:
			return
		}
	}
}
