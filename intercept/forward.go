package intercept

import (
	"bufio"
	"fmt"
	"net"
	"net/http"

	"github.com/elazarl/goproxy"
)

// newForward makes the goproxy server that all our servers feed: the one that clients
// connect to, and those that serve what is inside their tunnels. It runs no
// MITM of its own: CONNECT is hijacked, requests are sent by a Tap.
func newForward(p *Proxy) http.Handler {
	g := goproxy.NewProxyHttpServer()
	g.Logger = forwardLog{p}
	g.KeepAcceptEncoding = true // bytes and times are to be the client's
	g.KeepHeader = true         // what is in a tunnel is nobody's to remove; see serveClient
	g.Tr = p.transport
	g.ConnectDial = nil
	g.NonproxyHandler = http.HandlerFunc(notAProxyRequest)
	g.OnRequest().HandleConnectFunc(func(host string, _ *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
		return &goproxy.ConnectAction{Action: goproxy.ConnectHijack, Hijack: func(r *http.Request, c net.Conn, _ *goproxy.ProxyCtx) {
			p.connect(r, c.(*peekConn))
		}}, host
	})
	g.OnRequest().DoFunc(func(r *http.Request, ctx *goproxy.ProxyCtx) (*http.Request, *http.Response) {
		if c, ok := r.Context().Value(callKey{}).(*call); ok {
			ctx.RoundTripper = (*forwarded)(c)
		}
		return r, nil
	})
	return g
}

// A forwarded is a call as goproxy sends it.
type forwarded call

func (c *forwarded) RoundTrip(r *http.Request, _ *goproxy.ProxyCtx) (*http.Response, error) {
	return c.rt.RoundTrip(r)
}

// forwardLog gives goproxy's own messages to our logger. Its warnings are about things
// that are recorded as exchanges anyway.
type forwardLog struct{ p *Proxy }

func (l forwardLog) Printf(format string, args ...any) {
	if e := l.p.c.Logger.Debug(); e.Enabled() {
		e.Msg(l.p.c.Redactor.Text(fmt.Sprintf(format, args...)))
	}
}

func notAProxyRequest(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "This is modtap's proxy port. Point HTTPS_PROXY at it; `modtap env` prints how.", http.StatusBadRequest)
}

// A hijackable hands goproxy the client's connection together with the bytes that the
// server had already read from it, which goproxy would drop.
type hijackable struct {
	http.ResponseWriter
}

func (w hijackable) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	pc := c.(*peekConn) // the listener makes nothing else
	if n := rw.Reader.Buffered(); n > 0 {
		early, _ := rw.Reader.Peek(n)
		pc.ahead = append([]byte(nil), early...)
	}
	return pc, rw, nil
}
