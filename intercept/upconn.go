package intercept

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"modtap/intercept/upstream"
	"modtap/recorder"
)

// An upConn is one connection to a server (or to a parent proxy in front of it).
type upConn struct {
	p      *Proxy
	start  time.Time
	trace  *upstream.Trace
	meter  *meter    // of the TCP connection
	wire   *peekConn // the bytes on the wire, under TLS
	tls    *tls.Conn // nil without TLS
	parent *url.URL
	cc     sender // nil until open
	h2     bool
	remote string

	claimed atomic.Bool // an exchange has taken the cost of opening it
	gone    atomic.Bool // the server ended it, or we did
	onGone  func()      // called once when the server ended it; set before open
	ours    atomic.Bool // it is gone, and neither the server nor the client is why

	seen int // most streams the server has been seen to allow, sampled at responses

	mu  sync.Mutex // guards rec, and tls and cc against close
	rec recorder.Conn
}

// A sender sends requests on one connection. Its other methods are those of an
// http.ClientConn.
type sender interface {
	roundTrip(*http.Request, *exchange) (*http.Response, error)
	Reserve() error
	Available() int
	InFlight() int
	Err() error
	Close() error
}

// dial opens a connection for requests of scheme to target (host:port). The upConn is
// returned on failure too: it is the record of what happened.
func (p *Proxy) dial(ctx context.Context, tunnel uint64, scheme, target string) (*upConn, error) {
	u := &upConn{p: p, start: time.Now()}
	u.trace, u.meter = upstream.NewTrace(u.start), &meter{}
	u.trace.Opened = u.meter.open
	u.rec = recorder.Conn{ID: p.connID.Add(1), Tunnel: tunnel, Target: target, Scheme: scheme, Start: u.start}
	r, err := p.c.Upstream.Dial(ctx, scheme, target, u.trace)
	if err != nil {
		p.noticeLimit(err)
		u.fail(opOf(err, "dial"), err)
		return u, err
	}
	u.parent, u.remote = r.Parent, r.Conn.RemoteAddr().String()
	u.wire = &peekConn{Conn: r.Conn, closing: func() { u.meter.read(0) }}
	u.wire.ended = func(err error) {
		if !errors.Is(err, net.ErrClosed) { // that was us
			u.ended("server")
		}
	}
	u.snapshot()
	return u, nil
}

// errVerdict is a certificate that does not verify.
type errVerdict struct{ err error }

func (e *errVerdict) Error() string { return e.err.Error() }
func (e *errVerdict) Unwrap() error { return e.err }

// handshake runs TLS with the server, offering alpn. Whether its certificate verifies is
// the verdict, not the error: the client is to judge it.
func (u *upConn) handshake(ctx context.Context, serverName string, alpn []string) (verdict, err error) {
	cfg := &tls.Config{
		ServerName: serverName, NextProtos: alpn, KeyLogWriter: u.p.c.KeyLog,
		InsecureSkipVerify: true, // VerifyConnection judges, and the client hears the verdict
		VerifyConnection: func(s tls.ConnectionState) error {
			verdict = u.p.verdicts.verify(s, serverName, u.p.c.Roots)
			return nil
		},
	}
	start := u.now()
	u.lock(func(c *recorder.Conn) {
		u.tls = tls.Client(u.wire, cfg)
		c.Marks.TLSStart = start
	})
	err = u.tls.HandshakeContext(ctx)
	done := u.now()
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = context.Cause(ctx)
		}
		u.lock(func(c *recorder.Conn) { c.Marks.TLSDone = done })
		u.fail("tls", err)
		return nil, err
	}
	facts := tlsFacts(u.tls.ConnectionState())
	if verdict != nil {
		facts.Verdict = verdict.Error()
	}
	u.lock(func(c *recorder.Conn) { c.Marks.TLSDone, c.TLS = done, facts })
	u.snapshot()
	return verdict, nil
}

type handedOverKey struct{}

// newTransport makes the one http.Transport of the proxy. It dials nothing and pools
// nothing: it turns connections that were already opened into http.ClientConns.
func newTransport() *http.Transport {
	take := func(ctx context.Context, _, _ string) (net.Conn, error) {
		if c, ok := ctx.Value(handedOverKey{}).(net.Conn); ok {
			return c, nil
		}
		return nil, errors.New("modtap: the transport must not dial")
	}
	return &http.Transport{
		DialContext: take, DialTLSContext: take, ForceAttemptHTTP2: true,
		DisableCompression: true, // the client's Accept-Encoding is the only one
		HTTP2:              &http.HTTP2Config{MaxReadFrameSize: maxReadFrame},
	}
}

// maxReadFrame lets servers that can (Go's do) send larger DATA frames than the default of
// 16 KiB: fewer reads and wake-ups for each MB of a body. net/http hands on whole frames,
// so on a line of 500 kbit/s a frame of this size comes a second late; 256 KiB, which is
// no faster by much, would be four. Windows stay as they are.
const maxReadFrame = 64 << 10

// open makes u ready for requests.
func (u *upConn) open() error {
	conn := net.Conn(u.wire)
	if u.tls != nil {
		conn = u.tls
		u.h2 = u.tls.ConnectionState().NegotiatedProtocol == "h2"
	}
	if !u.h2 {
		u.lock(func(*recorder.Conn) { u.cc = newH1Conn(conn, u.parent, u.ended) })
		return nil
	}
	cc, err := u.p.transport.NewClientConn(context.WithValue(context.Background(), handedOverKey{}, conn), "https", u.rec.Target)
	if err != nil {
		u.fail(opOf(err, "write"), err)
		return err
	}
	u.lock(func(*recorder.Conn) { u.cc = h2Conn{cc} })
	// An orderly end of TLS is the end of the connection, though its bytes are not.
	cc.SetStateHook(func(cc *http.ClientConn) {
		if err := cc.Err(); err != nil {
			u.ended(whoEnded(err))
		}
	})
	return nil
}

// An h2Conn sends requests on an HTTP/2 connection.
type h2Conn struct{ *http.ClientConn }

func (c h2Conn) roundTrip(r *http.Request, x *exchange) (*http.Response, error) {
	resp, err := c.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), x.hooks())))
	if x.early.Load() && err == nil {
		// the hook fired for the 1xx, and does not fire again
		x.marks[markFirstByte].Store(int64(x.now()))
	}
	return resp, err
}

// whoEnded says whose doing it is that a connection was given up with err.
func whoEnded(err error) string {
	var end *h1End
	if errors.As(err, &end) {
		return end.who
	}
	if errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "canceled") {
		return "client"
	}
	return "server"
}

// over reports that the connection has ended. net/http tells a body so before it calls the
// state hook.
func (u *upConn) over() bool { return u.gone.Load() || u.cc.Err() != nil }

// hungUp reports that it has, and that it is not our own doing.
func (u *upConn) hungUp() bool {
	if u.gone.Load() {
		return !u.ours.Load()
	}
	err := u.cc.Err()
	return err != nil && whoEnded(err) != "modtap"
}

// hear ends u if the server has closed it, HTTP/1.1, and nobody knows yet.
func (u *upConn) hear() {
	if u == nil {
		return
	}
	if c, ok := u.cc.(*h1Conn); ok {
		c.hear()
	}
}

// spent reports that no further request can be sent, now or later: the server said
// GOAWAY, or the connection is closed.
func (u *upConn) spent() bool {
	return u.over() || (u.cc.Available() == 0 && u.cc.InFlight() == 0)
}

// saidGoAway reports whether the server of an HTTP/2 connection has said GOAWAY: no stream is
// free although there were more. (One that allows a single stream looks the same otherwise.)
func (u *upConn) saidGoAway() bool {
	free, busy := u.cc.Available(), u.cc.InFlight()
	u.mu.Lock()
	defer u.mu.Unlock()
	seen := u.seen
	u.seen = max(seen, free+busy)
	return free == 0 && busy <= 1 && seen > 1
}

// ended is called when the connection has ended by itself: the server closed it, or
// net/http did because a request on it was cancelled. One that ended for a reason of ours
// is nothing for the client to hear of: the next request gets another.
func (u *upConn) ended(who string) {
	if who == "modtap" {
		u.ours.Store(true)
	}
	if u.gone.CompareAndSwap(false, true) {
		u.end(who)
		u.wire.Close()
		if u.onGone != nil && who != "modtap" {
			u.onGone()
		}
	}
}

// close ends the connection; who is client or modtap. After the server's GOAWAY it is the
// server's doing, though the client that was told may be first to hang up.
func (u *upConn) close(who string) {
	u.mu.Lock()
	cc, tc := u.cc, u.tls
	u.mu.Unlock()
	if who == "client" && u.h2 && cc != nil {
		if err := cc.Err(); err != nil {
			who = whoEnded(err) // it was over before
		} else if u.saidGoAway() {
			who = "server"
		}
	}
	first := u.gone.CompareAndSwap(false, true)
	switch {
	case cc != nil:
		cc.Close()
	case tc != nil:
		tc.Close()
	}
	if u.wire != nil {
		u.wire.Close()
	}
	if first {
		u.end(who)
	}
}

func (u *upConn) now() recorder.Span { return recorder.Span(max(1, time.Since(u.start))) }

func (u *upConn) lock(f func(*recorder.Conn)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f(&u.rec)
}

func (u *upConn) fail(op string, err error) {
	now := u.now()
	u.gone.Store(true)
	if u.wire != nil {
		u.wire.Close()
	}
	u.lock(func(c *recorder.Conn) {
		c.Err = &recorder.Error{Op: op, Msg: u.p.c.Redactor.Text(err.Error())}
		c.Marks.End = now
	})
	u.snapshot()
}

func (u *upConn) end(who string) {
	now := u.now()
	u.meter.read(0) // while it can still be asked
	u.lock(func(c *recorder.Conn) {
		if c.Closed == "" && c.Err == nil {
			c.Closed, c.Marks.End = who, now
		}
	})
	u.snapshot()
}

// record returns what is known of the connection now.
func (u *upConn) record() recorder.Conn {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := u.rec
	u.trace.Fill(&c)
	if u.wire != nil {
		c.BytesIn, c.BytesOut = u.wire.in.Load(), u.wire.out.Load()
	}
	c.TCP = u.meter.record()
	return c
}

func (u *upConn) snapshot() {
	c := u.record()
	u.p.c.Log.Append(recorder.Event{Conn: &c})
}

// tlsFacts says what a handshake agreed on.
func tlsFacts(s tls.ConnectionState) *recorder.TLS {
	f := &recorder.TLS{
		Version: tls.VersionName(s.Version), Suite: tls.CipherSuiteName(s.CipherSuite), Curve: s.CurveID.String(),
		ALPN: s.NegotiatedProtocol, Resumed: s.DidResume,
	}
	if s.CurveID == 0 {
		f.Curve = ""
	}
	if len(s.PeerCertificates) > 0 {
		c := s.PeerCertificates[0]
		f.Subject, f.Issuer, f.Expires = c.Subject.String(), c.Issuer.String(), c.NotAfter
	}
	return f
}
