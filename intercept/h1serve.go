package intercept

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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
	unlimited      = 1 << 62
	// cutOffWait is how long reading that somebody else does may take to stop.
	cutOffWait = 5 * time.Second
)

// An h1Server serves what is inside a tunnel, HTTP/1.1: one request after another on the
// goroutine that it is called on, which relays the answers, too. net/http's server has a
// second goroutine for each request, to hear that the client hangs up; here there is one
// for requests that take their time. What it says to clients that do not speak HTTP is
// what net/http's says.
type h1Server struct {
	t    *tunnel
	conn net.Conn
	br   *bufio.Reader
	bw   *bufio.Writer
	ctx  context.Context // of the connection

	remote string // the client's address

	room int    // header bytes that may still come
	last string // the method of the last request

	mu       sync.Mutex
	cancel   context.CancelFunc // of the request that is being answered; nil between
	timer    *time.Timer        // starts looking
	looking  bool               // a goroutine waits for the client to hang up, or ask more
	awaited  bool               // its result is awaited
	looked   chan error
	hijacked bool
}

// serveH1 serves conn until it ends.
func (t *tunnel) serveH1(conn net.Conn) {
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), connKey{}, conn))
	defer cancel()
	s := &h1Server{t: t, conn: conn, ctx: ctx, remote: conn.RemoteAddr().String(), room: unlimited, looked: make(chan error, 1)}
	s.br, s.bw = bufio.NewReader(h1ServerReader{s}), bufio.NewWriter(conn)
	s.timer = time.AfterFunc(time.Hour, s.look)
	defer s.timer.Stop()
	for s.next() {
		t.state(http.StateIdle)
	}
	if !s.hijacked {
		conn.Close() // TLS says goodbye
		t.end(nil)
	}
}

// An h1ServerReader is where the h1Server's bufio.Reader reads.
type h1ServerReader struct{ s *h1Server }

func (r h1ServerReader) Read(p []byte) (int, error) {
	if r.s.room <= 0 {
		return 0, errHeadTooLarge
	}
	n, err := r.s.conn.Read(p)
	r.s.room -= n
	return n, err
}

// next serves one request and reports whether another may follow.
func (s *h1Server) next() bool {
	if s.await() != nil {
		return false
	}
	s.room = maxRequestHead // what was read ahead does not count
	s.t.state(http.StateActive)
	r, err := s.read()
	asked := time.Now()
	if err != nil {
		s.refuse(err)
		return false
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	r = r.WithContext(ctx)
	w := &h1Writer{s: s, r: r, header: http.Header{}, length: -1}
	if !s.expect(w, r) {
		return false
	}
	s.mu.Lock()
	s.cancel = cancel
	s.mu.Unlock()
	if w.body == nil {
		s.timer.Reset(lookAfter)
	}
	ok := s.handle(w, r, asked)
	s.mu.Lock()
	s.cancel = nil
	s.timer.Stop()
	s.mu.Unlock()
	switch {
	case s.hijacked:
		return false
	case !ok:
		s.bw.Flush()
		return false
	}
	return w.finish()
}

// handle has the request answered, and reports whether the answer is complete.
func (s *h1Server) handle(w *h1Writer, r *http.Request, asked time.Time) (ok bool) {
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler {
			s.t.p.c.Logger.Error().Msg(s.t.p.c.Redactor.Text(fmt.Sprintf("panic serving %s: %v\n%s", s.t.rec.Target, v, debug.Stack())))
		}
	}()
	s.t.p.serveInside(w, r, &call{asked: asked, tunnel: s.t})
	return true
}

// await waits for the first byte of a request.
func (s *h1Server) await() error {
	s.mu.Lock()
	s.awaited = s.looking
	looking := s.looking
	s.mu.Unlock()
	if looking {
		return <-s.looked
	}
	_, err := s.br.Peek(1)
	return err
}

// look waits for the client to hang up while its request is being answered.
func (s *h1Server) look() {
	s.mu.Lock()
	if s.cancel == nil || s.looking || s.hijacked {
		s.mu.Unlock()
		return
	}
	s.looking = true
	s.mu.Unlock()
	_, err := s.br.Peek(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil && s.cancel != nil && !s.hijacked {
		s.cancel()
	}
	if s.awaited {
		s.looked <- err
	}
	s.looking, s.awaited = false, false
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
		select {
		case <-s.looked:
		case <-time.After(cutOffWait):
			return nil, nil, errors.New("the connection is being read")
		}
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
	if s.last == http.MethodPost {
		for { // old clients send a line too much (RFC 9112 §2.2)
			if b, _ := s.br.Peek(1); len(b) == 0 || b[0] != '\r' && b[0] != '\n' {
				break
			}
			s.br.Discard(1)
		}
	}
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
	const status = "400 Bad Request"
	switch {
	case errors.As(err, &bad):
		text := fmt.Sprintf("%d %s: %s", bad.status, http.StatusText(bad.status), bad.text)
		s.say(text, text)
	case err == errHeadTooLarge:
		const status = "431 Request Header Fields Too Large"
		s.say(status, status)
		s.t.client.refuse()
	case strings.HasPrefix(err.Error(), "unsupported transfer encoding"):
		s.say("501 Not Implemented", "Unsupported transfer encoding")
	case err == io.EOF, errors.As(err, &op):
	default:
		s.say(status, status)
	}
}

func (s *h1Server) say(status, body string) {
	io.WriteString(s.bw, "HTTP/1.1 "+status+"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"+body)
	s.bw.Flush()
}

// expect makes the request's body one that asks for itself, where the client waits for
// that. It reports whether the request can be served.
func (s *h1Server) expect(w *h1Writer, r *http.Request) bool {
	e := r.Header.Get("Expect")
	continues := httpguts.HeaderValuesContainsToken(r.Header["Expect"], "100-continue")
	if e != "" && !continues {
		w.header.Set("Connection", "close")
		w.WriteHeader(http.StatusExpectationFailed)
		w.finish()
		return false
	}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return true
	}
	w.body = &h1RequestBody{ReadCloser: r.Body, w: w}
	w.body.asks.Store(continues && r.ProtoAtLeast(1, 1))
	r.Body = w.body
	return true
}
