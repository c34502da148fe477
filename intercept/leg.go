package intercept

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// tlsTimeout is http.DefaultTransport's, by which the go command gives up (net/http,
// transport.go). A client that waits for an answer cannot: its own handshake is over.
const tlsTimeout = 10 * time.Second

// A leg holds the upstream connections that one client connection uses. A tunnel's leg
// starts with the connection that mirrors the client's; with --pool one leg serves all.
type leg struct {
	p      *Proxy
	tunnel uint64 // 0: plain HTTP proxying, or the shared pool
	mirror bool   // one connection at a time, replaced only after GOAWAY
	onGone func()
	// accepted is the verdict on the first connection's certificate, which the client
	// has accepted (GOINSECURE): a replacement may be as bad.
	accepted error

	mu     sync.Mutex
	routes map[route]*lane
	old    []*upConn // given up with requests still on them
	closed bool
}

// A route is where a connection leads.
type route struct{ scheme, target string }

// A lane is the connections of one route.
type lane struct {
	h1     bool // known to speak HTTP/1.1: one connection is not enough
	hungUp bool // the server closed the last connection without a GOAWAY
	conns  []*upConn
	first  *opening // on its way; on HTTP/2 one connection is enough for all who wait
}

// An opening is a dial that several requests wait for.
type opening struct {
	done chan struct{}
	u    *upConn
	err  error
}

// errHungUp is a request that came while its server was closing the connection.
var errHungUp = errors.New("the server closed the connection")

func newLeg(p *Proxy, tunnel uint64) *leg {
	return &leg{p: p, tunnel: tunnel, routes: map[route]*lane{}}
}

// add puts an open connection into the leg.
func (l *leg) add(r route, u *upConn) {
	l.mu.Lock()
	ln := l.lane(r)
	ln.conns = append(ln.conns, u)
	ln.h1, ln.hungUp = !u.h2, false
	closed := l.closed
	l.mu.Unlock()
	if closed {
		u.close("client")
	}
}

func (l *leg) lane(r route) *lane {
	ln := l.routes[r]
	if ln == nil {
		ln = &lane{h1: r.scheme == "http"}
		l.routes[r] = ln
	}
	return ln
}

// ready returns a connection that can take one request now; nil when there is none.
func (l *leg) ready(r route) *upConn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if ln := l.routes[r]; ln != nil && len(ln.conns) == 1 {
		if u := ln.conns[0]; !u.spent() && u.cc.Reserve() == nil {
			return u
		}
	}
	return nil
}

// acquire returns a connection to send one request on, dialling when there is none that
// can take it. dialled tells whether it did. The upConn is not nil when a dial failed.
func (l *leg) acquire(ctx context.Context, r route) (u *upConn, dialled bool, err error) {
	for {
		l.mu.Lock()
		ln := l.lane(r)
		switch u := l.pick(ln); {
		case u != nil:
			l.mu.Unlock()
			return u, false, nil
		case l.mirror && ln.hungUp && ln.h1:
			// The client dials, if it wants to. Over HTTP/2 it may be reading other answers on
			// its connection: this request goes out on a replacement, and it is told to leave
			// when all is quiet.
			l.mu.Unlock()
			return nil, false, errHungUp
		case ln.h1:
			l.mu.Unlock()
			u, err = l.open(ctx, r)
			return u, true, err
		case ln.first == nil:
			o := &opening{done: make(chan struct{})}
			ln.first = o
			l.mu.Unlock()
			o.u, o.err = l.open(ctx, r)
			l.mu.Lock()
			ln.first = nil
			l.mu.Unlock()
			close(o.done)
			return o.u, true, o.err
		}
		o := ln.first
		l.mu.Unlock()
		select {
		case <-o.done:
			if o.err != nil && ctx.Err() == nil && !errors.Is(o.err, context.Canceled) {
				return o.u, false, o.err
			}
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
		if ctx.Err() != nil {
			return nil, false, ctx.Err()
		}
	}
}

// pick returns a reserved connection, or one whose RoundTrip will wait for a free stream.
func (l *leg) pick(ln *lane) *upConn {
	live := make([]*upConn, 0, len(ln.conns))
	var chosen, busy *upConn
	for _, u := range ln.conns {
		switch {
		case u.spent():
			ln.hungUp = u.hungUp()
			l.retire(u)
			continue
		case chosen != nil:
		case u.cc.Reserve() == nil:
			chosen = u
		default:
			busy = u
		}
		live = append(live, u)
	}
	ln.conns = live
	if len(live) > 0 {
		ln.hungUp = false
	}
	if chosen == nil && busy != nil && (l.mirror || busy.h2) {
		return busy
	}
	return chosen
}

// retire closes u, now or with the leg when requests are still on it.
func (l *leg) retire(u *upConn) {
	kept := l.old[:0]
	for _, x := range l.old {
		if !x.gone.Load() {
			kept = append(kept, x)
		}
	}
	clear(l.old[len(kept):])
	l.old = kept
	if u.gone.Load() || u.cc.InFlight() == 0 {
		go u.close("server") // it said so
		return
	}
	l.old = append(l.old, u)
}

// open dials r, gets the connection ready and reserves it for one request.
func (l *leg) open(ctx context.Context, r route) (*upConn, error) {
	u, err := l.p.dial(ctx, l.tunnel, r.scheme, r.target)
	if err != nil {
		return u, err
	}
	if r.scheme == "https" {
		host, _, _ := net.SplitHostPort(r.target)
		verdict, err := l.handshake(ctx, u, host)
		if err != nil {
			return u, err
		}
		if verdict != nil && l.accepted == nil { // nobody but us can judge here: the client sees another host's leaf
			u.fail("tls", verdict)
			return u, &errVerdict{verdict}
		}
	}
	u.onGone = l.onGone
	if err := u.open(); err != nil {
		return u, err
	}
	err = u.cc.Reserve()
	if err != nil {
		u.close("modtap")
		return u, err
	}
	l.add(r, u)
	return u, nil
}

// handshake runs TLS on u, offering what net/http offers.
func (l *leg) handshake(ctx context.Context, u *upConn, host string) (verdict, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, tlsTimeout, tlsTimeoutError{})
	defer cancel()
	return u.handshake(ctx, host, []string{"h2", "http/1.1"})
}

// spend gives u up after GOAWAY.
func (l *leg) spend(r route, u *upConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ln := l.lane(r)
	for i, x := range ln.conns {
		if x == u {
			ln.conns = append(ln.conns[:i:i], ln.conns[i+1:]...)
			l.retire(u)
			break
		}
	}
}

// close ends every connection of the leg.
func (l *leg) close(who string) {
	l.mu.Lock()
	l.closed = true
	all := l.old
	l.old = nil
	for _, ln := range l.routes {
		all = append(all, ln.conns...)
		ln.conns = nil
	}
	l.mu.Unlock()
	for _, u := range all {
		u.close(who)
	}
}

// routeOf returns where a request goes.
func routeOf(r *http.Request) route {
	host := r.URL.Host
	if r.URL.Port() == "" {
		port := "443"
		if r.URL.Scheme == "http" {
			port = "80"
		}
		host = net.JoinHostPort(r.URL.Hostname(), port)
	}
	return route{r.URL.Scheme, host}
}

// A tlsTimeoutError is net/http's own, which has no name there.
type tlsTimeoutError struct{}

func (tlsTimeoutError) Error() string        { return "net/http: TLS handshake timeout" }
func (tlsTimeoutError) Timeout() bool        { return true }
func (tlsTimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
