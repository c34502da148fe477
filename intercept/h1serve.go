package intercept

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

const (
	// maxRequestHead bounds a request's line and headers, as net/http's server does
	// (http.DefaultMaxHeaderBytes).
	maxRequestHead = http.DefaultMaxHeaderBytes
	unlimited      = math.MaxInt
)

// An h1Server serves what is inside a tunnel, HTTP/1.1: one request after another on the
// goroutine that it is called on, which relays the answers, too. net/http's server has a
// second goroutine for each request, to hear that the client hangs up; here there is one
// for requests that take their time. What it says to clients that do not speak HTTP is
// what net/http's says. Like that it takes the end of what a client sends for the client's
// leaving.
type h1Server struct {
	t      *tunnel
	conn   net.Conn
	remote string // the client's address
	br     *bufio.Reader
	bw     *bufio.Writer
	ctx    context.Context // of the connection

	room int    // header bytes that may still come
	last string // the method of the last request

	mu       sync.Mutex
	cancel   context.CancelFunc // of the request that is being answered; nil between
	taken    bool               // all of that request was read
	timer    *time.Timer        // starts looking
	looking  bool               // a goroutine waits for the client to hang up, or ask more
	awaited  bool               // its result is awaited
	looked   chan error
	hijacked bool
}

// serveH1 serves conn until it ends.
func (t *tunnel) serveH1(conn net.Conn) {
	ctx, cancel := context.WithCancel(context.WithValue(t.p.ctx, connKey{}, conn))
	s := &h1Server{t: t, conn: conn, ctx: ctx, remote: conn.RemoteAddr().String(), room: unlimited, looked: make(chan error, 1)}
	s.br, s.bw = bufio.NewReader(h1ServerReader{s}), bufio.NewWriter(conn)
	s.timer = time.AfterFunc(time.Hour, s.look)
	defer func() {
		v := recover()
		if v != nil && v != http.ErrAbortHandler {
			t.p.c.Logger.Error().Msg(t.p.c.Redactor.Text(fmt.Sprintf("panic serving %s: %v\n%s", t.rec.Target, v, debug.Stack())))
		}
		s.timer.Stop()
		cancel()
		if !s.hijacked || v != nil {
			s.bw.Flush()
			conn.Close() // TLS says goodbye
			t.end(nil)
		}
	}()
	for s.next() {
		t.state(http.StateIdle)
	}
}

// An h1ServerReader is where the h1Server's bufio.Reader reads.
type h1ServerReader struct{ s *h1Server }

func (r h1ServerReader) Read(p []byte) (int, error) {
	if r.s.room <= 0 {
		return 0, errHeadTooLarge
	}
	n, err := r.s.conn.Read(p[:min(len(p), r.s.room)])
	if r.s.room != unlimited { // which a body would use up where an int has 32 bits
		r.s.room -= n
	}
	if err != nil {
		r.s.hungUp()
	}
	return n, err
}

// hungUp cancels the request that is being answered: nothing can be read from its client
// any more.
func (s *h1Server) hungUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil && !s.hijacked && !s.t.client.refused.Load() { // or it is we who do not want to read
		s.cancel()
	}
}

// next serves one request and reports whether another may follow. A request that was not
// answered to its end panics.
func (s *h1Server) next() bool {
	if s.await() != nil {
		return false
	}
	s.t.state(http.StateActive)
	r, err := s.read()
	asked := time.Now()
	if err != nil {
		s.refuse(err)
		return false
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	w := &h1Writer{s: s, r: r.WithContext(ctx), header: http.Header{}, length: -1}
	if !s.expect(w) {
		return false
	}
	s.mu.Lock()
	s.cancel, s.taken = cancel, w.body == nil
	if s.taken {
		s.timer.Reset(lookAfter)
	}
	s.mu.Unlock()
	s.t.p.serveInside(w, w.r, &call{asked: asked, tunnel: s.t})
	s.mu.Lock()
	s.cancel = nil
	s.timer.Stop()
	s.mu.Unlock()
	return !s.hijacked && w.finish()
}

// await waits for the first byte of a request.
func (s *h1Server) await() error {
	s.mu.Lock()
	s.awaited = s.looking
	looking := s.looking
	s.mu.Unlock()
	if looking {
		if err := <-s.looked; err != nil {
			return err
		}
	}
	for {
		b, err := s.br.Peek(1)
		if err != nil || s.last != http.MethodPost || b[0] != '\r' && b[0] != '\n' {
			return err
		}
		s.br.Discard(1) // old clients send a line too much (RFC 9112 §2.2)
	}
}

// look waits for the client to hang up while its request is being answered.
func (s *h1Server) look() {
	s.mu.Lock()
	if s.cancel == nil || !s.taken || s.looking || s.hijacked {
		s.mu.Unlock()
		return
	}
	s.looking = true
	s.mu.Unlock()
	_, err := s.br.Peek(1)
	if err != nil {
		s.hungUp()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.awaited {
		s.looked <- err
	}
	s.looking, s.awaited = false, false
}

// take notes that all of the request was read: what comes next is another, or the end.
func (s *h1Server) take() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken {
		return
	}
	s.taken = true
	if s.cancel != nil {
		s.timer.Reset(lookAfter)
	}
}

// hijack gives the connection to somebody else.
func (s *h1Server) hijack() (net.Conn, *bufio.ReadWriter, error) {
	s.mu.Lock()
	if s.hijacked {
		s.mu.Unlock()
		return nil, nil, http.ErrHijacked
	}
	s.hijacked = true
	s.timer.Stop()
	looking := s.looking
	s.awaited = looking
	s.mu.Unlock()
	if looking {
		s.conn.SetReadDeadline(time.Unix(1, 0))
		<-s.looked
		s.conn.SetReadDeadline(time.Time{})
	}
	s.room = unlimited
	return s.conn, bufio.NewReadWriter(s.br, s.bw), nil
}

var errHeadTooLarge = errors.New("the request's headers are too large")

// A badRequest is what is wrong with a request, and the status for it.
type badRequest struct {
	status int
	text   string
}

func (e *badRequest) Error() string { return e.text }

// read reads a request's line and headers.
func (s *h1Server) read() (*http.Request, error) {
	s.room = maxRequestHead // what was read ahead does not count
	r, err := http.ReadRequest(s.br)
	if err != nil {
		if s.room <= 0 {
			return nil, errHeadTooLarge
		}
		return nil, err
	}
	s.last, s.room = r.Method, unlimited
	switch {
	case r.ProtoMajor != 1:
		return nil, &badRequest{http.StatusHTTPVersionNotSupported, "unsupported protocol version"}
	case r.Host == "" && r.ProtoAtLeast(1, 1) && r.Method != http.MethodConnect:
		return nil, &badRequest{http.StatusBadRequest, "missing required Host header"}
	case !httpguts.ValidHostHeader(r.Host):
		return nil, &badRequest{http.StatusBadRequest, "malformed Host header"}
	}
	for name, values := range r.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return nil, &badRequest{http.StatusBadRequest, "invalid header name"}
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return nil, &badRequest{http.StatusBadRequest, "invalid header value"}
			}
		}
	}
	r.RemoteAddr = s.remote
	return r, nil
}

// refuse answers what is no request.
func (s *h1Server) refuse(err error) {
	var bad *badRequest
	var op *net.OpError
	var unsupported = strings.HasPrefix(err.Error(), "unsupported transfer encoding") ||
		strings.HasPrefix(err.Error(), "too many transfer encodings") // net/http does not export it
	switch {
	case errors.As(err, &bad):
		text := fmt.Sprintf("%d %s: %s", bad.status, http.StatusText(bad.status), bad.text)
		s.say(text, text)
	case err == errHeadTooLarge:
		const status = "431 Request Header Fields Too Large"
		s.say(status, status)
	case unsupported:
		s.say("501 Not Implemented", "Unsupported transfer encoding")
	case err == io.EOF, errors.As(err, &op):
	default:
		const status = "400 Bad Request"
		s.say(status, status)
	}
}

func (s *h1Server) say(status, body string) {
	io.WriteString(s.bw, "HTTP/1.1 "+status+"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"+body)
	s.bw.Flush()
	s.t.client.refuse() // there may be more of it; Close takes that in for a while
}

// expect makes the request's body one that asks for itself, where the client waits for
// that. It reports whether the request can be served.
func (s *h1Server) expect(w *h1Writer) bool {
	r := w.r
	continues := httpguts.HeaderValuesContainsToken(r.Header["Expect"], "100-continue")
	if r.ContentLength != 0 {
		w.body = &h1RequestBody{ReadCloser: r.Body, w: w, expects: continues && r.ProtoAtLeast(1, 1)}
		w.body.asks.Store(w.body.expects)
		r.Body = w.body
	}
	if r.Header.Get("Expect") == "" || continues {
		return true
	}
	s.taken = false
	w.header.Set("Connection", "close")
	w.header.Set("Content-Length", "0")
	w.WriteHeader(http.StatusExpectationFailed)
	w.finish()
	return false
}
