package intercept

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// claimWithin is how soon after the client's handshake its first request's headers must
// come for the connection's opening to be part of that request. The go command sends
// them at once; a connection that was opened speculatively sits idle.
const claimWithin = 5 * time.Millisecond

// A tunnel is one CONNECT: a client connection, and the upstream connection that
// mirrors it.
type tunnel struct {
	p      *Proxy
	client *peekConn
	host   string  // of the target, without port
	up     *upConn // the mirrored connection; nil when rules decide where requests go
	leg    *leg
	conn   net.Conn // what the requests come on; nil before
	scheme string   // of the requests in it

	ready   time.Time // when requests could begin: the end of the client's handshake
	claimed atomic.Bool

	mu     sync.Mutex
	rec    recorder.Tunnel
	idle   bool // the server waits for the client's next request
	gone   bool // upstream has ended
	closed bool
	over   chan struct{} // closed when end has run
	relays chan struct{} // made when bytes are relayed untouched, closed when that is over
}

// connect serves one CONNECT on client until its bytes are somebody else's: the http
// server's, or nobody's.
func (p *Proxy) connect(r *http.Request, client *peekConn) {
	t := &tunnel{p: p, client: client, scheme: "https", over: make(chan struct{})}
	t.rec = recorder.Tunnel{
		ID: p.tunnelID.Add(1), Target: r.Host, Agent: p.c.Redactor.Text(r.UserAgent()), Kind: "mitm", Start: time.Now(),
	}
	client.tunnel = t
	p.plainClosed(client) // it is a tunnel now
	p.track(t)
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		t.refuse(http.StatusBadRequest, "CONNECT wants HOST:PORT, not "+r.Host)
		return
	}
	t.host = host
	t.mu.Lock()
	if t.leg = newLeg(p, t.rec.ID); p.c.Pool {
		t.leg = p.pool
	}
	t.mu.Unlock()
	bypass := p.bypassed(host)
	if bypass {
		t.rec.Kind = "bypass"
	}
	if bypass || (!p.c.Pool && !p.c.Rules.MayRewrite(r.Host)) {
		if !t.dial(bypass) {
			return
		}
	}
	if !t.answer(http.StatusOK, "HTTP/1.1 200 Connection established\r\n\r\n") {
		t.end(nil)
		return
	}
	if bypass {
		t.relay(client, t.up.wire)
		return
	}
	t.listen()
}

// dial opens the mirrored connection; a client that hangs up meanwhile ends it.
func (t *tunnel) dial(bypass bool) bool {
	t.p.opening.add(1)
	defer t.p.opening.add(-1)
	ctx, stop := t.whileClientWaits()
	scheme := "https"
	if bypass {
		scheme = "raw"
	}
	up, err := t.p.dial(ctx, t.rec.ID, scheme, t.rec.Target)
	gaveUp := stop()
	t.mu.Lock()
	t.up, t.rec.Conn = up, up.rec.ID
	closed := t.closed
	t.mu.Unlock()
	if closed { // by Shutdown
		up.close("modtap")
		return false
	}
	if err != nil {
		status, answer := connectFailure(err)
		op := opOf(err, "dial")
		if gaveUp {
			op, err = "canceled", errClientGone
		}
		if t.rec.Status == 0 { // or a 200 has gone out, and what follows is not HTTP
			t.answer(status, answer)
		}
		if !gaveUp || time.Since(t.rec.Start) >= patience {
			t.failed(status, op, err)
		}
		t.end(&recorder.Error{Op: op, Msg: t.p.c.Redactor.Text(err.Error())})
		return false
	}
	up.onGone = t.upstreamGone
	if t.leg != t.p.pool {
		t.leg.mirror, t.leg.onGone = true, t.upstreamGone
	}
	return true
}

// whileClientWaits returns a context that ends when the client hangs up. stop ends the
// watch and reports whether it did.
func (t *tunnel) whileClientWaits() (ctx context.Context, stop func() bool) {
	ctx, cancel := context.WithCancel(t.p.ctx)
	w := t.client.watch()
	released := make(chan struct{})
	go func() {
		select {
		case <-w.done:
			if w.err != nil {
				cancel()
			}
		case <-released:
		}
	}()
	return ctx, func() bool {
		close(released)
		err := w.stop()
		cancel()
		return err != nil
	}
}

// answer writes the answer to the CONNECT.
func (t *tunnel) answer(status int, text string) bool {
	_, err := io.WriteString(t.client, text)
	t.set(func(r *recorder.Tunnel) { r.Status, r.Answered = status, t.now() })
	t.snapshot()
	return err == nil
}

func (t *tunnel) refuse(status int, why string) {
	t.answer(status, "HTTP/1.1 "+strconv.Itoa(status)+" "+http.StatusText(status)+"\r\nContent-Length: 0\r\nX-Modtap-Error: "+oneLine(why)+"\r\n\r\n")
	t.end(&recorder.Error{Op: "read", Msg: t.p.c.Redactor.Text(why)})
}

// listen waits for either side to speak, and goes on with what it said: TLS, HTTP, or
// something to relay untouched.
func (t *tunnel) listen() {
	cw := t.client.watch()
	if t.up != nil {
		sw := t.up.wire.watch()
		select {
		case <-cw.done:
		case <-sw.done:
		}
		serverErr, clientErr := sw.stop(), cw.stop()
		switch {
		case clientErr != nil:
			t.end(nil)
			return
		case serverErr != nil && len(t.up.wire.ahead) == 0:
			t.up.end("server")
			if isReset(serverErr) {
				t.client.reset()
			}
			t.fail(opOf(serverErr, "read"), serverErr)
			return
		case len(t.up.wire.ahead) > 0 && len(t.client.ahead) == 0:
			t.set(func(r *recorder.Tunnel) { r.Kind = "raw" })
			t.relay(t.client, t.up.wire)
			return
		}
	} else {
		<-cw.done
		if cw.stop() != nil {
			t.end(nil)
			return
		}
	}
	t.set(func(r *recorder.Tunnel) { r.Hello = t.now() })
	switch first := t.client.ahead; {
	case first[0] == recordHandshake:
		t.serveTLS()
	case looksLikeHTTP(first):
		t.servePlain()
	case t.up != nil || t.dial(true):
		t.set(func(r *recorder.Tunnel) { r.Kind = "raw" })
		t.relay(t.client, t.up.wire)
	}
}

// recordHandshake is the first byte of a TLS ClientHello (RFC 8446 §5.1).
const recordHandshake = 22

// looksLikeHTTP reports whether b can be the beginning of an HTTP/1 request line.
func looksLikeHTTP(b []byte) bool {
	word, _, ok := strings.Cut(string(b[:min(len(b), 20)]), " ")
	if !ok || word == "" {
		return false
	}
	return strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") == ""
}

// servePlain goes on with HTTP inside CONNECT, without TLS.
func (t *tunnel) servePlain() {
	t.scheme, t.ready = "http", time.Now()
	t.set(func(r *recorder.Tunnel) { r.Kind = "plain" })
	if t.up != nil {
		t.up.lock(func(c *recorder.Conn) { c.Scheme = "http" })
		if err := t.up.open(); err != nil {
			t.end(&recorder.Error{Op: "write", Msg: t.p.c.Redactor.Text(err.Error())})
			return
		}
		t.leg.add(route{"http", t.rec.Target}, t.up)
	}
	t.snapshot()
	t.serve(t.client)
}

// serve answers the requests that come on c.
func (t *tunnel) serve(c net.Conn) {
	t.mu.Lock()
	t.conn, t.idle = c, true
	gone := t.gone
	t.mu.Unlock()
	_, h2 := c.(*frameConn)
	switch {
	case gone:
		t.end(nil)
	case !h2:
		go t.serveH1(c) // what is on this stack, or waits for it, is only about opening
	case !t.p.inner.give(c):
		t.end(nil)
	}
}

// claim returns the connection whose opening is part of a request that was asked at that
// time; nil when it is not.
func (t *tunnel) claim(asked time.Time) *upConn {
	if !t.claimed.CompareAndSwap(false, true) || t.up == nil {
		return nil
	}
	if asked.Sub(t.ready) > t.p.claimWithin || !t.up.claimed.CompareAndSwap(false, true) {
		return nil
	}
	return t.up
}

// upstreamGone hears that the server ended the connection: an idle client is told so at
// once, a busy one when its answer is out.
func (t *tunnel) upstreamGone() {
	t.mu.Lock()
	t.gone = true
	c := t.conn
	idle := t.idle
	t.mu.Unlock()
	if idle && c != nil {
		go bye(c) // TLS says goodbye first; the caller is the reader of the other leg
	}
}

// bye ends an idle client's connection.
func bye(c net.Conn) {
	if fc, ok := c.(*frameConn); ok {
		fc.leave()
		return
	}
	c.Close()
}

// state follows the http.Server's view of the connection.
func (t *tunnel) state(s http.ConnState) {
	switch s {
	case http.StateActive:
		t.mu.Lock()
		t.idle = false
		t.mu.Unlock()
	case http.StateIdle:
		t.up.hear() // the client may ask again before anybody looks
		t.mu.Lock()
		t.idle = true
		gone := t.gone
		t.mu.Unlock()
		if gone {
			go bye(t.conn)
		}
	case http.StateClosed:
		t.end(nil)
	}
}

// failed appends the exchange that a failed CONNECT is.
func (t *tunnel) failed(status int, op string, err error) {
	x := &exchange{p: t.p, start: t.rec.Start}
	x.rec = recorder.Exchange{
		ID: t.p.exchangeID.Add(1), Tunnel: t.rec.ID, Start: t.rec.Start, Method: http.MethodConnect,
		URL:   "https://" + strings.TrimSuffix(t.rec.Target, ":443") + "/",
		Proto: "HTTP/1.1", Go: gomod.Request{Kind: gomod.Connect}, Status: status, Done: true,
		Err:      &recorder.Error{Op: op, Msg: t.p.c.Redactor.Text(err.Error())},
		Request:  recorder.Message{HeaderSize: -1},
		Response: recorder.Message{Header: t.p.challenges(err), HeaderSize: -1},
	}
	if t.up != nil {
		t.up.claimed.Store(true)
		x.charge(t.up)
	}
	x.rec.Server.End = x.now()
	x.rec.Client.GotConn, x.rec.Client.End = 1, x.rec.Server.End
	x.rec.Overhead = t.rec.Mint
	t.p.c.Log.Append(recorder.Event{Exchange: &x.rec})
}

// cut ends the tunnel at Shutdown. What was relayed is counted when its copying ends.
func (t *tunnel) cut() {
	t.mu.Lock()
	relays, up, conn := t.relays, t.up, t.conn
	t.mu.Unlock()
	if conn != nil && t.client.gathered != nil {
		t.client.gathered.drain()
	}
	if relays != nil {
		t.client.Close()
		up.close("modtap")
		within(time.Second, relays)
	}
	if _, h2 := conn.(*frameConn); conn != nil && !h2 {
		conn.Close() // TLS says goodbye
	}
	t.end(nil)
	within(time.Second, t.over) // somebody else may be ending it
}

func within(d time.Duration, done <-chan struct{}) {
	select {
	case <-done:
	case <-time.After(d):
	}
}

// end closes everything and appends the last snapshot.
func (t *tunnel) end(e *recorder.Error) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return
	}
	t.closed = true
	up, l, who := t.up, t.leg, "client"
	if t.p.ctx.Err() != nil {
		who = "modtap"
	}
	t.rec.End = t.now()
	if e != nil {
		t.rec.Err = e
	}
	t.mu.Unlock()
	t.client.Close()
	if up != nil {
		up.close(who)
	}
	if l != nil && l != t.p.pool {
		l.close(who)
	}
	t.snapshot()
	t.p.untrack(t)
	close(t.over)
}

func (t *tunnel) now() recorder.Span { return recorder.Span(max(1, time.Since(t.rec.Start))) }

func (t *tunnel) set(f func(*recorder.Tunnel)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f(&t.rec)
}

func (t *tunnel) snapshot() {
	t.mu.Lock()
	r := t.rec
	t.mu.Unlock()
	t.p.c.Log.Append(recorder.Event{Tunnel: &r})
}
