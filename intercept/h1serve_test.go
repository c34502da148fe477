package intercept

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"modtap/intercept/upstream"
	"modtap/recorder"
)

// An h1Client is the client's end of a tunnel whose requests are answered by a handler.
type h1Client struct {
	net.Conn
	t   *tunnel
	log *bytes.Buffer // read it when the tunnel is over
}

func newH1Client(t testing.TB, h http.HandlerFunc) *h1Client {
	t.Helper()
	c := &h1Client{log: &bytes.Buffer{}}
	none := func(string, error) (*tls.Certificate, error) { return nil, errors.New("not here") }
	p, err := New(Config{Leaf: none, Upstream: upstream.New(upstream.Config{}), Log: recorder.NewLog(), Redactor: recorder.NewRedactor(), Logger: zerolog.New(c.log)})
	if err != nil {
		t.Fatal(err)
	}
	p.forward = h
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if c.Conn, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(20 * time.Second))
	c.t = &tunnel{p: p, client: &peekConn{Conn: server}, scheme: "http", over: make(chan struct{}), leg: newLeg(p, 1)}
	c.t.rec = recorder.Tunnel{ID: 1, Target: "h.test:80", Start: time.Now()}
	c.t.client.tunnel = c.t
	p.track(c.t)
	t.Cleanup(func() { c.Close(); <-c.t.over })
	c.t.serve(c.t.client)
	return c
}

// echo answers with the request's body, and its length when that is known.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Context().Value(callKey{}).(*call).taken.Store(true) // as a Tap does
	w.Header()["Date"] = nil
	if r.URL.Path != "/chunked" {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)+len(r.URL.Path)))
	}
	io.WriteString(w, r.URL.Path+string(body))
}

const (
	badRequestSaid = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	length2        = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
)

// What a client may send, and all that it gets until the connection ends.
var h1Requests = []struct {
	name, send, want string
}{
	{"nothing", "", ""},
	{"one", "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", length2 + "/a"},
	{"two at once", "GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n", length2 + "/a" + length2 + "/b"},
	{"the client closes", "GET /a HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n/a"},
	{"chunked", "GET /chunked HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n/chunked\r\n0\r\n\r\n"},
	{"HEAD", "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", length2},
	{"HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n/a"},
	{"HTTP/1.0, kept alive", "GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n/aHTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n/b"},
	{"HTTP/1.0, unknown length", "GET /chunked HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n/chunked"},
	{"bodies", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy\r\nPOST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n0\r\n\r\n\r\n\r\nGET /c HTTP/1.1\r\nHost: h\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n/axyHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n/bz" + length2 + "/c"},
	{"half a body", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf", ""},
	{"100", "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nxy", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n/axy"},
	{"no 100 for HTTP/1.0", "POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nxy", "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n/axy"},
	{"other expectation", "GET /a HTTP/1.1\r\nHost: h\r\nExpect: rain\r\n\r\n", "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
	{"CONNECT", "CONNECT h:1 HTTP/1.0\r\n\r\n", "HTTP/1.0 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n\r\nmodtap: CONNECT inside a tunnel\n"},
	{"not HTTP", "hello\r\n\r\n", "HTTP/1.1 400 Bad Request" + badRequestSaid + "400 Bad Request"},
	{"half a head", "GET /a HTTP/1.1\r\nHost", "HTTP/1.1 400 Bad Request" + badRequestSaid + "400 Bad Request"},
	{"no Host", "GET /a HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request: missing required Host header" + badRequestSaid + "400 Bad Request: missing required Host header"},
	{"bad Host", "GET /a HTTP/1.1\r\nHost: <\r\n\r\n", "HTTP/1.1 400 Bad Request: malformed Host header" + badRequestSaid + "400 Bad Request: malformed Host header"},
	{"bad value", "GET /a HTTP/1.1\r\nHost: h\r\nX: \x01\r\n\r\n", "HTTP/1.1 400 Bad Request" + badRequestSaid + "400 Bad Request"},
	{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported: unsupported protocol version" + badRequestSaid + "505 HTTP Version Not Supported: unsupported protocol version"},
	{"coding", "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 501 Not Implemented" + badRequestSaid + "Unsupported transfer encoding"},
	{"large head", "GET /a HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", "HTTP/1.1 431 Request Header Fields Too Large" + badRequestSaid + "431 Request Header Fields Too Large"},
	{"large body", "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n" + strings.Repeat("x", 3000000) + "GET /b HTTP/1.1\r\nHost: h\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 3000002\r\n\r\n/a" + strings.Repeat("x", 3000000) + length2 + "/b"},
}

// TestH1Requests: what a client gets for what it sends. (It ends with what it sends: the
// handler does not let a request's context stop it.)
func TestH1Requests(t *testing.T) {
	for _, test := range h1Requests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newH1Client(t, echo)
			go func() {
				io.WriteString(c, test.send)
				c.Conn.(*net.TCPConn).CloseWrite()
			}()
			got, err := io.ReadAll(c)
			if string(got) != test.want || err != nil {
				t.Errorf("got %.500q, %v\nwant %.500q", got, err, test.want)
			}
		})
	}
}

// What a server may answer, as the handler writes it, and what the client gets.
var h1Writes = []struct {
	name, request string
	handler       func(*h1Writer)
	want          string
}{
	{"the server's words", "", func(w *h1Writer) { w.status = "200 Sure"; w.WriteHeader(200) }, "HTTP/1.1 200 Sure\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"only for its status", "", func(w *h1Writer) { w.status = "404 Nope"; w.WriteHeader(502) }, "HTTP/1.1 502 Bad Gateway\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
	{"1xx", "", func(w *h1Writer) {
		w.header.Set("Link", "x")
		w.WriteHeader(103)
		w.header.Del("Link")
		w.WriteHeader(204)
	}, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"},
	{"1xx to HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", func(w *h1Writer) { w.WriteHeader(103); w.WriteHeader(204) }, "HTTP/1.0 204 No Content\r\n\r\n"},
	{"304", "", func(w *h1Writer) { w.header.Set("Content-Length", "9"); w.WriteHeader(304) }, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"},
	{"in HTTP/1.0", "", func(w *h1Writer) { w.old = true; io.WriteString(w, "body") }, "HTTP/1.0 200 OK\r\n\r\nbody"},
	{"in HTTP/1.0, kept alive", "", func(w *h1Writer) {
		w.old = true
		w.header.Set("Connection", "keep-alive")
		w.header.Set("Content-Length", "4")
		io.WriteString(w, "body")
	}, "HTTP/1.0 200 OK\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\nbody"},
	{"trailers", "", func(w *h1Writer) {
		w.header.Set("Trailer", "X-A, X-B")
		io.WriteString(w, "body")
		w.header.Set("X-A", "a")
		w.header.Set(http.TrailerPrefix+"X-Late", "l")
	}, "HTTP/1.1 200 OK\r\nTrailer: X-A, X-B\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-A: a\r\nX-Late: l\r\n\r\n"},
	{"less than its length", "", func(w *h1Writer) { w.header.Set("Content-Length", "9"); io.WriteString(w, "body") }, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody"},
	{"upgrade of a client that closes", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, Upgrade\r\n\r\n", func(w *h1Writer) {
		w.header.Set("Connection", "Upgrade")
		w.WriteHeader(101)
		c, _, err := w.Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(c, "raw")
		c.Close()
		w.s.t.end(nil)
	}, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\nraw"},
	{"the body is not read", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n", func(w *h1Writer) { w.WriteHeader(204) }, "HTTP/1.1 204 No Content\r\n\r\n"},
	{"100 of the server", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nxy", func(w *h1Writer) {
		w.WriteHeader(100)
		io.ReadAll(w.r.Body)
		w.WriteHeader(204)
	}, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"},
	{"100 of the server, too late", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nxy", func(w *h1Writer) {
		io.ReadAll(w.r.Body)
		w.WriteHeader(100)
		w.WriteHeader(204)
	}, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"},
}

// TestH1Writes: what the handler of an h1Server writes is what the client gets.
func TestH1Writes(t *testing.T) {
	for _, test := range h1Writes {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newH1Client(t, func(w http.ResponseWriter, _ *http.Request) {
				test.handler(w.(*relayWriter).ResponseWriter.(*h1Writer))
			})
			request := test.request
			if request == "" {
				request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
			}
			io.WriteString(c, request)
			time.AfterFunc(50*time.Millisecond, func() { c.Conn.(*net.TCPConn).CloseWrite() })
			got, err := io.ReadAll(c)
			if string(got) != test.want || err != nil {
				t.Errorf("got %q, %v\nwant %q", got, err, test.want)
			}
		})
	}
}

// TestH1HangUp: the client's leaving cancels its request, when all of that was read and
// when it was not; one that asks for more has not left.
func TestH1HangUp(t *testing.T) {
	for name, request := range map[string]string{
		"no body":   "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"body":      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nxy",
		"half body": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx",
	} {
		begun, gone := make(chan bool), make(chan bool)
		c := newH1Client(t, func(_ http.ResponseWriter, r *http.Request) {
			go io.Copy(io.Discard, r.Body)
			close(begun)
			<-r.Context().Done()
			close(gone)
		})
		io.WriteString(c, request)
		<-begun
		c.Close()
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: the request goes on", name)
		}
	}
	c := newH1Client(t, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(20 * lookAfter) // somebody looks
		if r.Context().Err() != nil {
			t.Error("a request was cancelled by the next one")
		}
		w.WriteHeader(204)
	})
	io.WriteString(c, strings.Repeat("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 3))
	br := bufio.NewReader(c)
	for range 3 {
		if resp, err := http.ReadResponse(br, nil); err != nil || resp.StatusCode != 204 {
			t.Fatal(resp, err)
		}
	}
}

// TestH1Panic: a panic is logged and ends the connection; that which aborts is not logged.
func TestH1Panic(t *testing.T) {
	for _, v := range []any{"oh no", http.ErrAbortHandler} {
		c := newH1Client(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204); panic(v) })
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		if got, err := io.ReadAll(c); string(got) != "HTTP/1.1 204 No Content\r\n\r\n" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		<-c.t.over
		if logged := strings.Contains(c.log.String(), "panic serving h.test:80: oh no"); logged != (v == "oh no") {
			t.Errorf("logged %s", c.log)
		}
	}
}

// TestH1Shutdown: idle connections are told goodbye, requests are cut, nothing waits.
func TestH1Shutdown(t *testing.T) {
	begun := make(chan bool)
	busy := newH1Client(t, func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
	io.WriteString(busy, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-begun
	for _, c := range []*h1Client{busy, newH1Client(t, nil)} {
		start := time.Now()
		if err := c.t.p.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if got, err := io.ReadAll(c); len(got) > 0 || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("took %v", d)
		}
	}
}

// TestH1Goodbye: TLS says so when the proxy ends an idle connection.
func TestH1Goodbye(t *testing.T) {
	r := newFuzzRig(t)
	tc := tls.Client(r.connectTo(t, "h.test:443"), &tls.Config{InsecureSkipVerify: true, ServerName: "h.test", NextProtos: []string{"http/1.1"}})
	io.WriteString(tc, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	br := bufio.NewReader(tc)
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.ReadAll(resp.Body)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	start := time.Now()
	r.proxy.Shutdown(ctx)
	if d := time.Since(start); d > openingGrace {
		t.Errorf("Shutdown took %v: it waited for a tunnel that was open", d)
	}
	if _, err := br.ReadByte(); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}
