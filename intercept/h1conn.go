package intercept

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	// lookAfter is how long a connection idles until somebody reads it, to hear that the
	// server closes it. Requests that come one after another do not pay for a goroutine.
	lookAfter = time.Millisecond
	// maxAnswerHead bounds the headers of an answer, as net/http does
	// (Transport.MaxResponseHeaderBytes).
	maxAnswerHead = 10 << 20
	// continueAfter is how long a body waits for 100 Continue, http.DefaultTransport's.
	continueAfter = time.Second
	// writtenWithin is how long a connection whose answer is complete may still be sending
	// the request, and be used again (net/http/transport.go, maxWriteWaitBeforeConnReuse).
	writtenWithin = 50 * time.Millisecond
	// lastWords is how long a server that takes no more of a request may still answer it.
	lastWords = time.Second
	// headAtOnce is how much of a request without a body is written before its answer is
	// listened for: what a socket takes in, whether or not the server reads.
	headAtOnce = 16 << 10
	// headKept is how much is remembered of the beginning of an answer.
	headKept = 4 << 10
)

// An h1Conn sends requests on one HTTP/1.1 connection, one at a time, on the goroutine
// that asks. net/http has two goroutines for each connection; handing each request and
// each answer over to them costs more than all the rest of relaying a small one, most of
// all where processors are few.
//
// Requests are written by http.Request.Write and answers read by http.ReadResponse. It
// does what net/http's persistConn does in every other respect.
type h1Conn struct {
	conn   net.Conn
	parent *url.URL        // the proxy that plain-http requests are sent to; nil: none
	raw    syscall.RawConn // tells whether there is something to read; nil: nothing does
	gone   func(who string)
	br     *bufio.Reader
	bw     *bufio.Writer

	// of whoever reads
	room  int    // header bytes that may still come
	head  []byte // how the last answer began
	ended bool   // nothing more comes

	mu      sync.Mutex
	state   h1State
	err     error         // why it is closed, of type *h1End or the cancelled request's
	free    chan struct{} // made for who waits until it is idle; closed then
	timer   *time.Timer   // starts looking
	used    bool          // it has answered a request
	looking bool          // a goroutine waits for the first byte
	awaited bool          // so does a request that was sent meanwhile
	looked  chan peeked   // what the goroutine saw, for that request
}

type h1State int

const (
	h1Idle h1State = iota
	h1Reserved
	h1Busy
	h1Upgraded // the connection is the body of a 101
	h1Closed
)

// A peeked is the first byte of an answer, or why there was none.
type peeked struct {
	at  time.Time
	err error
}

// An h1End is why a connection has ended, and whose doing it is.
type h1End struct {
	who string
	err error
}

func (e *h1End) Error() string { return e.err.Error() }
func (e *h1End) Unwrap() error { return e.err }

var (
	errIdleClosed  = errors.New("http: server closed idle connection") // net/http's
	errUnsolicited = errors.New("the server sent what nobody asked for")
	errNotIdle     = errors.New("the connection is in use")
	errLateWriter  = errors.New("the request was not sent within 50 ms of its answer")
	errLastAnswer  = errors.New("the connection was for one request")
	errBodyGivenUp = errors.New("the body was given up")
	errUpgradeOver = errors.New("the upgraded connection was closed")
	errConnClosed  = errors.New("the connection was closed")
)

// newH1Conn takes conn over. gone is called once, when it has ended by itself, with
// whose doing that is.
func newH1Conn(conn net.Conn, parent *url.URL, gone func(who string)) *h1Conn {
	c := &h1Conn{conn: conn, parent: parent, gone: gone, looked: make(chan peeked, 1), room: maxAnswerHead}
	c.br, c.bw = bufio.NewReader(h1Reader{c}), bufio.NewWriter(conn)
	c.raw = rawOf(conn)
	c.mu.Lock()
	defer c.mu.Unlock() // look waits until c.timer is there
	c.timer = time.AfterFunc(c.lookAfter(), c.look)
	return c
}

// An h1Reader is where the h1Conn's bufio.Reader reads.
type h1Reader struct{ *h1Conn }

func (c h1Reader) Read(p []byte) (int, error) {
	if c.room <= 0 {
		return 0, fmt.Errorf("net/http: server response headers exceeded %d bytes; aborted", maxAnswerHead)
	}
	n, err := c.conn.Read(p[:min(len(p), c.room)])
	if room := headKept - len(c.head); room > 0 && n > 0 {
		c.head = append(c.head, p[:min(n, room)]...)
	}
	if c.room != unlimited { // which a body would use up where an int has 32 bits
		c.room -= n
	}
	c.ended = c.ended || err == io.EOF
	return n, err
}

// lookAfter is how long it idles until it is looked at: at once where glance cannot help.
func (c *h1Conn) lookAfter() time.Duration {
	if c.raw == nil {
		return 0
	}
	return lookAfter
}

// rawOf is the socket under conn; nil where it cannot be asked.
func rawOf(conn net.Conn) syscall.RawConn {
	if tc, ok := conn.(*tls.Conn); ok {
		conn = tc.NetConn()
	}
	if pc, ok := conn.(*peekConn); ok {
		conn = pc.Conn
	}
	if s, ok := conn.(syscall.Conn); ok && canAsk {
		raw, _ := s.SyscallConn()
		return raw
	}
	return nil
}

// look waits for the server to close an idle connection.
func (c *h1Conn) look() {
	c.mu.Lock()
	if c.state > h1Reserved || c.looking {
		c.mu.Unlock()
		return
	}
	c.looking = true
	c.mu.Unlock()
	_, err := c.br.Peek(1)
	at := time.Now()
	c.mu.Lock()
	awaited := c.awaited
	c.looking, c.awaited = false, false
	c.mu.Unlock()
	switch {
	case awaited:
		c.looked <- peeked{at, err}
	case err == io.EOF:
		c.end("server", errIdleClosed)
	case err != nil:
		c.end("server", err)
	default:
		c.end("server", errUnsolicited)
	}
}

// roundTrip sends r and returns the answer's headers. x hears how far it is.
func (c *h1Conn) roundTrip(r *http.Request, x *exchange) (*http.Response, error) {
	looking, err := c.begin(r.Context())
	if err != nil {
		return nil, err
	}
	t := &h1Trip{c: c, r: r, x: x, looking: looking}
	t.uncancel = context.AfterFunc(r.Context(), t.cancel)
	resp, err := t.answer(t.send())
	if err == nil && r.Context().Err() != nil { // closing the connection made the server answer
		err = context.Cause(r.Context())
	}
	if err != nil {
		return nil, t.fail(err)
	}
	t.deliver(resp)
	return resp, nil
}

// begin takes the connection for one request, when it is free.
func (c *h1Conn) begin(ctx context.Context) (looking bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.state == h1Busy {
		if c.free == nil {
			c.free = make(chan struct{})
		}
		free := c.free
		c.mu.Unlock()
		select {
		case <-free:
		case <-ctx.Done():
		}
		c.mu.Lock()
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
	}
	switch c.state {
	case h1Closed:
		return false, c.err
	case h1Upgraded:
		return false, errNotIdle
	}
	if ctx.Err() != nil {
		c.state = h1Idle
		return false, ctx.Err()
	}
	c.state = h1Busy
	c.timer.Stop()
	c.awaited = c.looking
	return c.looking, nil
}

// release makes the connection free for the next request.
func (c *h1Conn) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != h1Busy {
		return
	}
	c.state, c.used, c.room, c.head = h1Idle, true, maxAnswerHead, c.head[:0]
	c.wake()
	c.timer.Reset(c.lookAfter())
}

// wake tells who waits for the connection. c.mu is held.
func (c *h1Conn) wake() {
	if c.free != nil {
		close(c.free)
		c.free = nil
	}
}

// end closes the connection and returns why it ended: err, unless something else ended it
// before.
func (c *h1Conn) end(who string, err error) error {
	c.mu.Lock()
	if c.state == h1Closed {
		err = c.err
		c.mu.Unlock()
		return err
	}
	c.err = &h1End{who, err}
	c.state = h1Closed
	c.timer.Stop()
	c.wake()
	err = c.err
	c.mu.Unlock()
	c.conn.Close()
	c.gone(who)
	return err
}

// Reserve takes the connection for the next roundTrip, and fails when it is not idle.
func (c *h1Conn) Reserve() error {
	c.mu.Lock()
	if c.state != h1Idle {
		c.mu.Unlock()
		return errNotIdle
	}
	if err := c.glance(); err != nil {
		c.mu.Unlock()
		return c.end("server", err)
	}
	c.state = h1Reserved
	c.mu.Unlock()
	return nil
}

// hear ends the connection if its end is there already.
func (c *h1Conn) hear() {
	c.mu.Lock()
	var err error
	if c.state == h1Idle {
		err = c.glance()
	}
	c.mu.Unlock()
	if err != nil {
		c.end("server", err)
	}
}

// glance is what look would find, where nobody looks yet: a request must not be lost on a
// connection whose end is there already. Before the first one it is not looked for: a
// server's session tickets are there then, and waiting for more is a millisecond of ours.
// c.mu is held.
func (c *h1Conn) glance() error {
	if c.looking || !c.used || c.raw == nil || !readable(c.raw) {
		return nil
	}
	c.conn.SetReadDeadline(time.Now().Add(lookAfter)) // TLS has messages of its own
	_, err := c.br.Peek(1)
	c.conn.SetReadDeadline(time.Time{})
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case err == io.EOF:
		return errIdleClosed
	case err == nil:
		return errUnsolicited
	}
	return err
}

// Available is how many requests may be sent at once.
func (c *h1Conn) Available() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == h1Idle {
		return 1
	}
	return 0
}

// InFlight is how many are.
func (c *h1Conn) InFlight() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == h1Idle || c.state == h1Closed {
		return 0
	}
	return 1
}

// Err is why no request can be sent any more; nil when one can.
func (c *h1Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection, and what is under way on it.
func (c *h1Conn) Close() error {
	c.end("modtap", errConnClosed)
	return nil
}

// answered is how the last answer began, at most headKept bytes of it.
func (c *h1Conn) answered() []byte { return c.head }
