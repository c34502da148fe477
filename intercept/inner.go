package intercept

import (
	"context"
	"log"
	"net"
	"net/http"
	"sync"
)

// An inner is the server of HTTP/2 inside tunnels.
type inner struct {
	*handoff
	http *http.Server
}

func newInner(p *Proxy, quiet *log.Logger) *inner {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true) // the TLS is under the frameConn
	return &inner{newHandoff(), &http.Server{
		Protocols: protocols,
		Handler:   http.HandlerFunc(p.serveTunnel), ErrorLog: quiet,
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, nc)
		},
		ConnState: func(nc net.Conn, s http.ConnState) { tunnelOf(nc).state(s) },
	}}
}

func (in *inner) serve() { in.http.Serve(in.handoff) }

func (in *inner) close() {
	in.handoff.Close()
	in.http.Close()
}

// A handoff is a net.Listener whose connections are given to it.
type handoff struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newHandoff() *handoff {
	return &handoff{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (h *handoff) give(c net.Conn) bool {
	select {
	case h.conns <- c:
		return true
	case <-h.done:
		return false
	}
}

func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

func (h *handoff) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (h *handoff) Addr() net.Addr { return &net.TCPAddr{} }
