package intercept

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
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
	last bool       // the connection is not used again
}

// An h1Body is the body of a request that is being sent.
type h1Body struct {
	io.ReadCloser
	hold   chan bool // with Expect: 100-continue the first Read waits for it: is it wanted?
	waited bool
	err    error // the client's, which is why writing failed
}

var errNotContinued = errors.New("the server did not ask for the request's body")

func (b *h1Body) Read(p []byte) (int, error) {
	if b.hold != nil && !b.waited {
		b.waited = true
		t := time.NewTimer(continueAfter)
		defer t.Stop()
		select {
		case yes := <-b.hold:
			if !yes {
				return 0, errNotContinued
			}
		case <-t.C:
		}
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// send writes the request: here, or beside reading the answer, which may come before all
// of a body is sent.
func (t *h1Trip) send() (err error) {
	t.x.mark(markWroteHeaders)
	if t.r.Body == nil || t.r.Body == http.NoBody {
		return t.write(t.r)
	}
	t.sent = &h1Body{ReadCloser: t.r.Body}
	if strings.EqualFold(t.r.Header.Get("Expect"), "100-continue") {
		t.sent.hold = make(chan bool, 1)
	}
	t.done = make(chan error, 1)
	out := *t.r
	out.Body = t.sent
	go func() {
		err := t.write(&out)
		switch {
		case err == nil, err == errNotContinued:
		case t.sent.err != nil:
			err = t.c.end("client", t.sent.err)
		default:
			err = t.c.end("server", err)
		}
		t.done <- err
	}()
	return nil
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
	if err == nil {
		t.x.mark(markWroteRequest)
	}
	return err
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
			return nil, err
		}
		switch s := resp.StatusCode; {
		case s == http.StatusContinue:
			t.goOn(true)
		case s < 200 && s != http.StatusSwitchingProtocols:
			t.x.informational(s, resp.Header)
			t.c.room = maxAnswerHead
		default:
			t.last = resp.Close || t.r.Close || s < 200
			t.goOn(!t.last)
			t.c.room = unlimited
			return resp, nil
		}
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
	t.x.marks[markFirstByte].Store(int64(t.x.at(p.at)))
	return p.err
}

// goOn tells a body that waits for 100 Continue whether it is wanted.
func (t *h1Trip) goOn(yes bool) {
	if t.sent != nil && t.sent.hold != nil {
		select {
		case t.sent.hold <- yes:
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
		resp.Body = &h1Upgrade{c}
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
		c.end("client", context.Cause(t.r.Context()))
	case resp.Close || resp.StatusCode < 200:
		c.end("server", errLastAnswer)
	case t.r.Close:
		c.end("client", errLastAnswer)
	case !t.wrote():
		c.end("modtap", errLateWriter)
	case c.br.Buffered() > 0:
		c.end("server", errUnsolicited)
	default:
		c.release()
	}
}

// wrote reports whether all of the request is sent, for which it waits a little.
func (t *h1Trip) wrote() bool {
	if t.done == nil {
		return true
	}
	timer := time.NewTimer(writtenWithin)
	defer timer.Stop()
	select {
	case err := <-t.done:
		t.done = nil
		return err == nil
	case <-timer.C:
		return false
	}
}

// join waits until nobody reads the request's body any more.
func (t *h1Trip) join() {
	if t.done != nil {
		<-t.done
	}
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
		err = b.t.c.end("server", err)
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
type h1Upgrade struct{ c *h1Conn }

func (u *h1Upgrade) Read(p []byte) (int, error) {
	if n := u.c.br.Buffered(); n > 0 {
		return u.c.br.Read(p[:min(n, len(p))])
	}
	return u.c.conn.Read(p)
}

func (u *h1Upgrade) Write(p []byte) (int, error) { return u.c.conn.Write(p) }
func (u *h1Upgrade) CloseWrite() error           { return closeWrite(u.c.conn) }
func (u *h1Upgrade) Close() error                { return u.c.conn.Close() }
