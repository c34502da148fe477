package intercept

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// An h1Trip is one request on an h1Conn, and its answer.
type h1Trip struct {
	c        *h1Conn
	r        *http.Request
	x        *exchange
	looking  bool        // the first byte comes from c.looked
	uncancel func() bool // stops watching the request's context

	sent *h1Body    // the request's body; nil: it has none
	done chan error // yields what became of writing it; nil when all is written
}

// An h1Body is the body of a request that is being sent.
type h1Body struct {
	io.ReadCloser
	hold     chan bool // with Expect: 100-continue the first Read waits for it: is it unwanted?
	waited   bool
	unwanted bool
	err      error // the client's, which is why writing failed
}

var errNotContinued = errors.New("the server did not ask for the request's body")

func (b *h1Body) Read(p []byte) (int, error) {
	if b.hold != nil && !b.waited {
		b.waited = true
		t := time.NewTimer(continueAfter)
		defer t.Stop()
		select {
		case b.unwanted = <-b.hold:
		case <-t.C:
		}
	}
	if b.unwanted {
		return 0, errNotContinued // net/http hides which error this was
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// send writes the request: here, or beside reading the answer, which may come before all
// of a body is sent.
func (t *h1Trip) send() error {
	t.x.mark(markWroteHeaders)
	out := t.r
	switch {
	case t.r.Body != nil && t.r.Body != http.NoBody:
		t.sent = &h1Body{ReadCloser: t.r.Body}
		if t.r.ProtoAtLeast(1, 1) && httpguts.HeaderValuesContainsToken(t.r.Header["Expect"], "100-continue") {
			t.sent.hold = make(chan bool, 1)
		}
		with := *t.r
		with.Body = t.sent
		out = &with
	case t.x.rec.Request.HeaderSize <= headAtOnce:
		return t.write(t.r)
	}
	t.done = make(chan error, 1)
	go t.sendAside(out)
	return nil
}

func (t *h1Trip) sendAside(r *http.Request) {
	err := t.write(r)
	switch {
	case err == nil:
	case t.sent != nil && t.sent.unwanted:
		err = errNotContinued
	case t.sent != nil && t.sent.err != nil:
		err = t.c.end("client", t.sent.err)
	default: // the server may have said why, before it stopped reading
		time.AfterFunc(lastWords, func() { t.c.end("server", err) })
	}
	t.done <- err
}

func (t *h1Trip) write(r *http.Request) (err error) {
	if p := t.c.parent; p != nil {
		if u := p.User; u != nil {
			pass, _ := u.Password()
			r = r.Clone(r.Context()) // the client knows nothing of it
			r.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+pass)))
		}
		err = r.WriteProxy(t.c.bw)
	} else {
		err = r.Write(t.c.bw)
	}
	if err == nil {
		err = t.c.bw.Flush()
	}
	if err == nil || t.sent != nil && t.sent.unwanted {
		t.x.mark(markWroteRequest)
	}
	return err
}

// cancel ends the connection because the request's context has ended.
func (t *h1Trip) cancel() {
	who := "client"
	if t.x.p.ctx.Err() != nil {
		who = "modtap"
	}
	t.c.end(who, context.Cause(t.r.Context()))
}

// answer reads the headers of the answer, and those that may come before.
func (t *h1Trip) answer(err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		if err := t.firstByte(first); err != nil {
			return nil, err
		}
		resp, err := http.ReadResponse(t.c.br, t.r)
		if err != nil {
			return nil, fmt.Errorf("the answer's headers: %w", err)
		}
		if s := resp.StatusCode; s >= 100 && s < 200 && s != http.StatusSwitchingProtocols {
			t.x.informational(s, resp.Header)
			t.c.room = maxAnswerHead
			if s == http.StatusContinue {
				t.goOn(true)
			}
			continue
		}
		if t.x.call.w != nil {
			t.x.call.w.answered()
		}
		t.goOn(!resp.Close && !t.r.Close)
		t.c.room = unlimited
		return resp, nil
	}
}

// firstByte waits for the answer to begin.
func (t *h1Trip) firstByte(first bool) error {
	var p peeked
	if first && t.looking {
		p = <-t.c.looked
	} else {
		_, p.err = t.c.br.Peek(1)
		p.at = time.Now()
	}
	t.looking = false
	switch {
	case p.err == io.EOF:
		return fmt.Errorf("the server closed the connection and did not answer: %w", p.err)
	case p.err != nil:
		return p.err
	}
	t.x.marks[markFirstByte].Store(int64(t.x.at(p.at)))
	return nil
}

// goOn tells a body that waits for 100 Continue whether it is wanted.
func (t *h1Trip) goOn(yes bool) {
	if t.sent != nil && t.sent.hold != nil {
		select {
		case t.sent.hold <- !yes:
		default:
		}
	}
}

// deliver makes what follows the headers the answer's body.
func (t *h1Trip) deliver(resp *http.Response) {
	c := t.c
	switch {
	case resp.StatusCode == http.StatusSwitchingProtocols:
		t.uncancel()
		c.mu.Lock()
		if c.state == h1Busy {
			c.state = h1Upgraded
		}
		c.mu.Unlock()
		resp.Body = &h1Upgrade{c: c}
	case t.r.Method == http.MethodHead || resp.ContentLength == 0:
		t.over(resp)
	default:
		resp.Body = &h1Answer{ReadCloser: resp.Body, t: t, resp: resp}
	}
}

// over is the end of a complete answer.
func (t *h1Trip) over(resp *http.Response) {
	c := t.c
	switch {
	case !t.uncancel():
		t.cancel()
	case resp.Close || resp.StatusCode < 200:
		c.end("server", errLastAnswer)
	case t.r.Close:
		c.end("client", errLastAnswer)
	default:
		t.mayFollow()
	}
}

// mayFollow makes the connection free for the next request, if it is fit for one.
func (t *h1Trip) mayFollow() {
	c := t.c
	switch err := t.wrote(); {
	case err == errLateWriter:
		c.end("modtap", err)
	case err != nil:
		c.end("server", err)
	case c.br.Buffered() > 0:
		c.end("server", errUnsolicited)
	case c.ended:
		c.end("server", errIdleClosed)
	default:
		c.release()
	}
}

// wrote is what became of sending the request, for whose end it waits a little.
func (t *h1Trip) wrote() error {
	if t.done == nil {
		return nil
	}
	timer := time.NewTimer(writtenWithin)
	defer timer.Stop()
	select {
	case err := <-t.done:
		t.done = nil
		return err
	case <-timer.C:
		return errLateWriter
	}
}

// fail ends the connection, for err unless there is a better reason, and returns that when
// nobody uses the request or the connection any more.
func (t *h1Trip) fail(err error) error {
	t.uncancel()
	err = t.c.end("server", t.reset(err))
	t.goOn(false)
	if t.looking {
		<-t.c.looked
	}
	if t.done != nil {
		if t.sent != nil {
			t.x.call.giveUp(t.r)
		}
		<-t.done
	}
	return err
}

// reset is why reading failed: err, or that sending was told first of a reset, which is
// told once.
func (t *h1Trip) reset(err error) error {
	select {
	case sending := <-t.done:
		t.done = nil
		if isReset(sending) {
			return sending
		}
	default:
	}
	return err
}

// An h1Answer is the body of an answer. The connection is free when it has been read.
type h1Answer struct {
	io.ReadCloser
	t    *h1Trip
	resp *http.Response
	err  error // how it ended; nil while it has not
}

func (b *h1Answer) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
	case err == io.EOF:
		b.t.over(b.resp)
	default:
		b.t.uncancel()
		err = b.t.c.end("server", b.t.reset(err))
	}
	b.err = err
	return n, err
}

// Close gives the connection up when there is more to read.
func (b *h1Answer) Close() error {
	if b.err == nil {
		b.t.uncancel()
		b.err = b.t.c.end("client", errBodyGivenUp)
	}
	return nil
}

// An h1Upgrade is the connection after 101 Switching Protocols.
type h1Upgrade struct {
	c     *h1Conn
	ended atomic.Bool // by the server
}

func (u *h1Upgrade) Read(p []byte) (int, error) {
	if n := u.c.br.Buffered(); n > 0 {
		return u.c.br.Read(p[:min(n, len(p))])
	}
	n, err := u.c.conn.Read(p)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		u.ended.Store(true)
	}
	return n, err
}

func (u *h1Upgrade) Write(p []byte) (int, error) { return u.c.conn.Write(p) }
func (u *h1Upgrade) CloseWrite() error           { return closeWrite(u.c.conn) }

func (u *h1Upgrade) Close() error {
	who := "client"
	if u.ended.Load() {
		who = "server"
	}
	u.c.end(who, errUpgradeOver)
	return nil
}
