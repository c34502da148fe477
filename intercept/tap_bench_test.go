package intercept

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"modtap/intercept/upstream"
	"modtap/recorder"
)

// What is relayed: a body that is kept, as most of what the go command reads is, and one
// that is not.
var benchExchanges = []struct{ name, request, answer string }{
	{"mod", benchRequest("mod"), benchAnswer("text/plain; charset=utf-8")},
	{"zip", benchRequest("zip"), benchAnswer("application/zip")},
}

func benchRequest(ext string) string {
	return "GET /example.golang.test/m0/@v/v1.0.0." + ext + " HTTP/1.1\r\nHost: origin.golang.test\r\n" +
		"User-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n"
}

func benchAnswer(mime string) string {
	return "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=31536000\r\nContent-Length: 1024\r\nContent-Type: " + mime +
		"\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nEtag: \"0123456789abcdef\"\r\n\r\n" + strings.Repeat("mod ", 256)
}

// BenchmarkTap is one exchange of 1 KB without a network. "tap" is what becomes of a
// parsed request until its answer is handed to the client's writer: the Tap, its records
// and goproxy. "http1" is all that happens between the two TLS connections, parsing
// and writing included. The stubs allocate nothing.
func BenchmarkTap(b *testing.B) {
	for _, bb := range benchExchanges {
		b.Run("tap/"+bb.name, func(b *testing.B) { benchTap(b, bb.request, bb.answer) })
		b.Run("http1/"+bb.name, func(b *testing.B) { benchWire(b, bb.request, bb.answer) })
	}
}

// benchTunnel is a tunnel to a server that is reached by open.
func benchTunnel(b *testing.B, client net.Conn, open func(*upConn) sender) *tunnel {
	p, err := New(Config{Log: recorder.NewLog(), Leaf: func(string, error) (*tls.Certificate, error) { return nil, errors.ErrUnsupported }, Upstream: upstream.New(upstream.Config{}), Redactor: recorder.NewRedactor()})
	if err != nil {
		b.Fatal(err)
	}
	const target = "origin.golang.test:443"
	now := time.Now()
	u := &upConn{p: p, start: now, trace: upstream.NewTrace(now), remote: "127.0.0.1:443"}
	u.rec = recorder.Conn{ID: 1, Tunnel: 1, Target: target, Scheme: "https", Start: now}
	u.claimed.Store(true) // by an earlier request
	u.meter = &meter{}    // an idle connection takes as long to ask about as a busy one
	u.meter.open(idleConn(b), false)
	u.cc = open(u)
	t := &tunnel{p: p, client: &peekConn{Conn: client}, host: "origin.golang.test", scheme: "https", up: u, leg: newLeg(p, 1), over: make(chan struct{})}
	t.rec = recorder.Tunnel{ID: 1, Target: target, Kind: "mitm", Start: now}
	t.client.tunnel, t.leg.mirror = t, true
	t.leg.add(route{"https", target}, u)
	p.track(t)
	return t
}

// idleConn is a connection over loopback that nothing is sent on.
func idleConn(b *testing.B) net.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return c
}

func benchTap(b *testing.B, request, answer string) {
	s := newCanned(b, request, answer)
	t := benchTunnel(b, &wire{}, func(*upConn) sender { return s })
	r := s.request
	w := &discardWriter{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		w.n = 0
		t.p.serveInside(w, r, &call{asked: time.Now(), tunnel: t})
		if w.n != 1024 || w.status != http.StatusOK {
			b.Fatal(w.status, w.n)
		}
	}
	b.StopTimer()
	t.end(nil)
}

func benchWire(b *testing.B, request, answer string) {
	server := newWire("", answer, 1<<62)
	t := benchTunnel(b, &wire{}, func(u *upConn) sender { return newH1Conn(server, nil, u.ended) })
	client := newWire(request, request, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	t.serveH1(&peekConn{Conn: client, tunnel: t})
	b.StopTimer()
	if want := int64(b.N) * int64(len(answer)); client.taken != want {
		b.Fatalf("%d bytes came, want %d", client.taken, want)
	}
	t.end(nil)
	server.Close()
}

// A canned sender answers every request alike.
type canned struct {
	body    bytes.Reader
	content []byte
	resp    http.Response
	request *http.Request
}

func newCanned(b *testing.B, request, answer string) *canned {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:40000"
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), r)
	if err != nil {
		b.Fatal(err)
	}
	c := &canned{resp: *resp, request: r}
	if c.content, err = io.ReadAll(resp.Body); err != nil {
		b.Fatal(err)
	}
	return c
}

func (c *canned) roundTrip(r *http.Request, x *exchange) (*http.Response, error) {
	x.mark(markWroteHeaders)
	x.mark(markWroteRequest)
	x.mark(markFirstByte)
	c.body.Reset(c.content)
	c.resp.Body, c.resp.Request = c, r
	return &c.resp, nil
}

func (c *canned) Read(p []byte) (int, error) { return c.body.Read(p) }
func (c *canned) Reserve() error             { return nil }
func (c *canned) Available() int             { return 1 }
func (c *canned) InFlight() int              { return 0 }
func (c *canned) Err() error                 { return nil }
func (c *canned) Close() error               { return nil }

// A discardWriter is a client's side that counts.
type discardWriter struct {
	header    http.Header
	status, n int
}

func (w *discardWriter) Header() http.Header         { return w.header }
func (w *discardWriter) WriteHeader(status int)      { w.status = status }
func (w *discardWriter) Write(p []byte) (int, error) { w.n += len(p); return len(p), nil }
func (w *discardWriter) FlushError() error           { return nil }
func (w *discardWriter) EnableFullDuplex() error     { return nil }

// A wire is a connection whose other end says the same in return to every message.
type wire struct {
	net.Conn
	answer string

	mu     sync.Mutex
	told   sync.Cond
	rest   string // still to be read
	left   int    // answers
	taken  int64
	closed bool
}

// newWire says first at once. left is how often it says something.
func newWire(first, answer string, left int) *wire {
	w := &wire{answer: answer, rest: first, left: left}
	if first != "" {
		w.left--
	}
	w.told.L = &w.mu
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.rest == "" {
		if w.closed {
			return 0, io.EOF
		}
		w.told.Wait()
	}
	n := copy(p, w.rest)
	w.rest = w.rest[n:]
	return n, nil
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken += int64(len(p))
	if w.left > 0 {
		w.left--
		w.rest = w.answer
	} else {
		w.closed = true // not before the last answer: who waits for one has not hung up
	}
	w.told.Signal()
	return len(p), nil
}

func (w *wire) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.told.L != nil {
		w.told.Broadcast()
	}
	return nil
}

func (w *wire) RemoteAddr() net.Addr              { return benchAddr }
func (w *wire) SetReadDeadline(t time.Time) error { return nil }

var benchAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40000}
