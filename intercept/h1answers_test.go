package intercept

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// An h1Rig is an h1Conn and the server's end of it.
type h1Rig struct {
	*h1Conn
	server net.Conn
	gone   chan string
}

func newH1Rig(t testing.TB) *h1Rig {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r := &h1Rig{gone: make(chan string, 1)}
	if r.server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	r.server.SetDeadline(time.Now().Add(20 * time.Second))
	r.h1Conn = newH1Conn(c, nil, func(who string) { r.gone <- who })
	t.Cleanup(func() { r.server.Close(); r.Close() })
	return r
}

// exchangeFor is what roundTrip tells of its progress.
func exchangeFor(r *http.Request) *exchange {
	x := &exchange{p: &Proxy{ctx: context.Background()}, call: &call{}, start: time.Now()}
	x.rec.Request.HeaderSize = requestSize(r)
	return x
}

func (r *h1Rig) ask(req *http.Request) (*http.Response, error) {
	return r.roundTrip(req, exchangeFor(req))
}

func get(method string) *http.Request {
	r, _ := http.NewRequest(method, "http://h.test/", nil)
	return r
}

// outcomeOf is what a client makes of an answer.
func outcomeOf(resp *http.Response, err error) string {
	if err != nil {
		return "no answer"
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%s %q %v %d %d:%.99q %v %v", resp.Proto, resp.Status, resp.Header, resp.ContentLength, len(body), body, err, resp.Trailer)
}

// netHTTP asks the same with net/http.
func netHTTP(method, answer string) string {
	tr := &http.Transport{DisableCompression: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return &scripted{answer: strings.NewReader(answer), done: make(chan struct{})}, nil
	}}
	defer tr.CloseIdleConnections()
	return outcomeOf(tr.RoundTrip(get(method)))
}

// A scripted connection answers what was written for it, when it has been asked.
type scripted struct {
	net.Conn
	answer *strings.Reader
	done   chan struct{} // closed by the request
	asked  bool
	refuse error // what a write yields
}

func (c *scripted) Write(p []byte) (int, error) {
	if !c.asked {
		c.asked = true
		close(c.done)
	}
	return len(p), c.refuse
}

func (c *scripted) Read(p []byte) (int, error) {
	<-c.done
	return c.answer.Read(p)
}

func (c *scripted) Close() error { return nil }

const large = maxAnswerHead + 100<<10

// What a server may answer, and then close the connection; free tells that it could have
// been used again.
var h1Answers = []struct {
	name   string
	method string
	answer string
	free   bool
}{
	{"a length", "", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", true},
	{"nothing", "", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
	{"chunks", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", true},
	{"chunks and a length", "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", true},
	{"trailer", "", "HTTP/1.1 200 OK\r\nTrailer: X-A\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX-A: b\r\nX-B: c\r\n\r\n", true},
	{"no chunk of zero", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n", false},
	{"bad chunk", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxx\r\nbody\r\n", false},
	{"other coding", "", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nbody", false},
	{"two lengths", "", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody", false},
	{"to the end", "", "HTTP/1.1 200 OK\r\n\r\nbody", false},
	{"short", "", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", false},
	{"closes", "", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody", false},
	{"HTTP/1.0", "", "HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody", false},
	{"HTTP/1.0, kept alive", "", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody", true},
	{"HTTP/1.0, chunks", "", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n", false},
	{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", true},
	{"HEAD, chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true},
	{"HEAD with a body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", false},
	{"204", "", "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n", true},
	{"304", "", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n", true},
	{"304, chunks", "", "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", true},
	{"100", "", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", true},
	{"many 1xx", "", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 20) + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody", true},
	{"only a 1xx", "", "HTTP/1.1 103 Early Hints\r\n\r\n", false},
	{"099", "", "HTTP/1.1 099 Odd\r\nContent-Length: 4\r\n\r\nbody", false},
	{"no reason", "", "HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nbody", true},
	{"more than asked for", "", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodyHTTP/1.1 200 OK\r\n\r\n", false},
	{"nothing at all", "", "", false},
	{"half a head", "", "HTTP/1.1 200 OK\r\nContent-Le", false},
	{"no HTTP", "", "SSH-2.0-OpenSSH\r\n\r\n", false},
	{"bad header", "", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", false},
	{"large body", "", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", large, strings.Repeat("x", large)), true},
	{"large body in chunks", "", fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", large, strings.Repeat("x", large)), true},
	{"large head", "", "HTTP/1.1 200 OK\r\nX-Large: " + strings.Repeat("x", large) + "\r\n\r\n", false},
	{"large head of small ones", "", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", large/1000) + "\r\n", false},
}

// TestH1Answers: answers are read as net/http reads them, and the connection is used again
// when it can be.
func TestH1Answers(t *testing.T) {
	for _, test := range h1Answers {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			method := cmp.Or(test.method, "GET")
			want := netHTTP(method, test.answer)
			r := newH1Rig(t)
			go func() {
				http.ReadRequest(bufio.NewReader(r.server))
				io.WriteString(r.server, test.answer)
				r.server.(*net.TCPConn).CloseWrite()
			}()
			got := outcomeOf(r.ask(get(method)))
			if got != want {
				t.Errorf("got %.500s\nnet/http %.500s", got, want)
			}
			r.mu.Lock() // or the server's end is noticed
			who, err := r.err, r.state
			r.mu.Unlock()
			if end, _ := who.(*h1End); test.free && end != nil && end.err != errIdleClosed || !test.free && (end == nil || end.err == errIdleClosed) {
				t.Errorf("state %d, ended %v; free: %v", err, who, test.free)
			}
			select {
			case who := <-r.gone:
				if who != "server" {
					t.Errorf("ended by %s", who)
				}
			case <-time.After(10 * time.Second):
				t.Error("the end of the connection is not noticed")
			}
		})
	}
}

// FuzzH1Answer: whatever a server answers, what the client gets is what it gets from
// net/http, and the connection is free or has ended.
func FuzzH1Answer(f *testing.F) {
	for _, test := range h1Answers {
		if len(test.answer) < maxFuzzInput {
			f.Add([]byte(test.answer), test.method == "HEAD")
		}
	}
	f.Fuzz(func(t *testing.T, answer []byte, head bool) {
		// net/http has an upgrade's connection only where headers say so
		if len(answer) > maxFuzzInput || bytes.Contains(answer, []byte(" 101")) {
			return
		}
		method := "GET"
		if head {
			method = "HEAD"
		}
		c := newH1Conn(&scripted{answer: strings.NewReader(string(answer)), done: make(chan struct{})}, nil, func(string) {})
		defer c.Close()
		req := get(method)
		got := outcomeOf(c.roundTrip(req, exchangeFor(req)))
		if want := netHTTP(method, string(answer)); got != want {
			t.Errorf("got %s\nnet/http %s", got, want)
		}
		if c.InFlight() != 0 {
			t.Error("the connection is neither free nor closed")
		}
	})
}

// TestLastWords: the answer of a server that takes no more of a request's body is read.
func TestLastWords(t *testing.T) {
	const answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nstop"
	for _, test := range []struct{ answer, want string }{{answer, "413 Too Large stop"}, {"", "broken pipe"}} {
		conn := &scripted{answer: strings.NewReader(test.answer), done: make(chan struct{}), refuse: errors.New("broken pipe")}
		who := make(chan string, 1)
		c := newH1Conn(conn, nil, func(w string) { who <- w })
		req, _ := http.NewRequest("POST", "http://h.test/", io.NopCloser(strings.NewReader(strings.Repeat("x", 9000))))
		resp, err := c.roundTrip(req, exchangeFor(req))
		if test.answer == "" {
			if err == nil || <-who != "server" {
				t.Errorf("%v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if got := resp.Status + " " + string(body); got != test.want || err != nil || <-who != "server" {
			t.Errorf("%s, %v", got, err)
		}
	}
}
