package intercept

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"modtap/recorder"
)

// serveClient handles what clients send to the proxy's port: CONNECT, plain-HTTP requests
// with an absolute URL, and those of reverse mode.
func (p *Proxy) serveClient(w http.ResponseWriter, r *http.Request) {
	asked := time.Now()
	switch {
	case r.Method == http.MethodConnect:
		p.forward.ServeHTTP(hijackable{w}, r)
	case !r.URL.IsAbs():
		if !p.reversal.serves(w, r) {
			p.forward.ServeHTTP(w, r) // says that this is a proxy
		}
	default:
		// these are for us, not for the server (RFC 9110 §7.6.1)
		r.Header.Del("Proxy-Connection")
		r.Header.Del("Proxy-Authorization")
		if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			r.Header.Del("Connection")
		}
		l, _ := r.Context().Value(legKey{}).(*leg)
		p.relay(w, r, &call{asked: asked}, l)
	}
}

type legKey struct{}

// serveTunnel handles the requests inside a tunnel that speaks HTTP/2.
func (p *Proxy) serveTunnel(w http.ResponseWriter, r *http.Request) {
	asked := time.Now()
	t := tunnelOf(r.Context().Value(connKey{}).(net.Conn))
	fc, ok := r.Context().Value(connKey{}).(*frameConn)
	if ok {
		stream := streamOf(w)
		if !fc.took(stream) {
			panic(http.ErrAbortHandler) // the client sends it again, elsewhere
		}
		defer func() {
			if r.Context().Err() != nil {
				fc.abandoned(stream)
			}
		}()
	}
	p.serveInside(w, r, &call{asked: asked, tunnel: t, frames: fc})
}

// serveInside handles one request inside c's tunnel.
func (p *Proxy) serveInside(w http.ResponseWriter, r *http.Request, c *call) {
	t := c.tunnel
	if r.Method == http.MethodConnect {
		http.Error(w, "modtap: CONNECT inside a tunnel", http.StatusMethodNotAllowed)
		return
	}
	r.URL.Scheme, r.URL.Host = t.scheme, r.Host
	if r.Host == "" {
		r.URL.Host = t.rec.Target
	}
	p.relay(w, r, c, t.leg)
}

type connKey struct{}

// clientOf is the client's connection under what an http.Server was given.
func clientOf(c net.Conn) *peekConn {
	switch v := c.(type) {
	case *frameConn:
		c = v.Conn
	}
	if g, ok := c.(*gathered); ok {
		c = g.NetConn()
	}
	return c.(*peekConn)
}

func tunnelOf(c net.Conn) *tunnel { return clientOf(c).tunnel }

// relay passes one request through goproxy to a Tap of l, and its answer back.
func (p *Proxy) relay(w http.ResponseWriter, r *http.Request, c *call, l *leg) {
	c.tap = Tap{p: p, leg: l}
	if t := c.tunnel; t != nil {
		c.tap.home = route{t.scheme, t.rec.Target}
	}
	p.through(w, r, c, &c.tap)
}

// through passes one request through goproxy to rt, and its answer back.
func (p *Proxy) through(w http.ResponseWriter, r *http.Request, c *call, rt http.RoundTripper) {
	if r.ContentLength == 0 {
		// on HTTP/2 it is not nil: it would travel as a body of unknown length
		r.Body = http.NoBody
	} else if r.ProtoMajor == 1 {
		// a server may answer while it is still being sent to; net/http's would first take
		// what the client has yet to send
		c.duplex = http.NewResponseController(w).EnableFullDuplex() == nil
	}
	c.writer.ResponseWriter, c.writer.c = w, c
	c.w, c.rt = &c.writer, rt
	defer func() {
		if v := recover(); v != nil { // never lose a record over it
			if c.x != nil {
				c.x.finish("canceled", errors.New("modtap: the relay panicked"))
			}
			panic(v)
		}
	}()
	p.forward.ServeHTTP(c.w, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	c.w.finish()
	p.settle(w, r, c)
	if c.early() {
		clientOf(r.Context().Value(connKey{}).(net.Conn)).refuse()
		r.Body.Close() // here, where net/http's server expects its end
	}
}

// settle decides what the client sees of a failure: what it would have seen without us.
func (p *Proxy) settle(w http.ResponseWriter, r *http.Request, c *call) {
	x := c.x
	if client := c.w.hijacked; client != nil {
		c.written()
		client.Close() // goproxy leaves it open when the server ends first
		if c.tunnel != nil {
			c.tunnel.end(nil)
		} else if pc, ok := client.(*peekConn); ok {
			p.plainClosed(pc)
		}
	}
	if x == nil || (x.failed == nil && x.cut == nil) {
		return
	}
	x.finish("read", x.cut) // if goproxy did not close the body
	if x.failed == nil && c.w.hijacked == nil {
		// the panic below drops what net/http has buffered: on a small body the headers too
		c.frames.hurry()
		http.NewResponseController(w).Flush()
	}
	mirrored := c.tunnel != nil && c.tunnel.leg.mirror
	if x.failed != nil && !mirrored && r.Context().Err() == nil {
		if c.reverse != nil {
			p.failReverse(w, r, c)
			return
		}
		// There is no connection of the server's whose end could be passed on.
		http.Error(w, "modtap: "+x.rec.Err.Msg, http.StatusBadGateway)
		return
	}
	// A stream that its client gave up was not ended by the server, though that may have hung
	// up since: others of the connection may have their answers yet to be written.
	gone := r.Context().Err() == nil && (errors.Is(x.failed, errHungUp) || x.up != nil && x.up.over())
	if mirrored && gone {
		c.tunnel.client.written() // before the end is
	}
	switch {
	case !mirrored || passCode(w, r, c):
	case r.ProtoMajor == 1 && r.Context().Err() == nil && passHead(w, c):
		return
	case gone && isReset(errors.Join(x.failed, x.cut)):
		c.tunnel.client.reset()
		c.tunnel.client.Close()
	case gone:
		c.tunnel.client.CloseWrite() // a close with bytes unread would be a reset
	case r.ProtoMajor == 2 && errors.Is(x.cut, io.ErrUnexpectedEOF):
		return // the server ended the stream in order, though short of its Content-Length
	}
	panic(http.ErrAbortHandler) // h1: the connection ends; h2: the stream is reset
}

// headers copies h in the order of names, redacted.
func (p *Proxy) headers(h http.Header) []recorder.Header {
	if len(h) == 0 {
		return nil
	}
	out := make([]recorder.Header, 0, len(h))
	for name, values := range h {
		for _, v := range values {
			out = append(out, recorder.Header{Name: name, Value: p.c.Redactor.Header(name, v)})
		}
	}
	sortHeaders(out)
	return out
}

// A peeking is a listener that makes each client connection a peekConn.
type peeking struct {
	net.Listener
	failed func(error)
}

func (l peeking) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		l.failed(err)
		return nil, err
	}
	return &peekConn{Conn: c}, nil
}
