package intercept

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// A leg holds the upstream connections that one client connection uses. A tunnel's leg
// starts with the connection that mirrors the client's; with --pool one leg serves all.
type leg struct {
	p      *Proxy
	tunnel uint64 // 0: plain HTTP proxying, or the shared pool
	home   route  // a tunnel's target; zero: requests go where their URL says
	mirror bool   // one connection at a time, replaced only when it is spent
	onGone func()
	// accepted is the verdict on the first connection's certificate, which the client
	// has accepted (GOINSECURE): a replacement may be as bad.
	accepted error

	mu     sync.Mutex
	routes map[route]*lane
	closed bool
}

// A route is where a connection leads.
type route struct{ scheme, target string }

// A lane is the connections of one route.
type lane struct {
	dialing sync.Mutex // held while the first connection opens: on h2 one is enough
	h1      bool       // known to speak HTTP/1.1: dials need not wait for each other
	conns   []*upConn
}

func newLeg(p *Proxy, tunnel uint64) *leg {
	return &leg{p: p, tunnel: tunnel, routes: map[route]*lane{}}
}

// add puts an open connection into the leg.
func (l *leg) add(r route, u *upConn) {
	l.mu.Lock()
	ln := l.lane(r)
	ln.conns = append(ln.conns, u)
	ln.h1 = !u.h2
	closed := l.closed
	l.mu.Unlock()
	if closed {
		u.close("client")
	}
}

func (l *leg) lane(r route) *lane {
	ln := l.routes[r]
	if ln == nil {
		ln = &lane{}
		l.routes[r] = ln
	}
	return ln
}

// acquire returns a connection to send one request on, dialling when there is none that
// can take it. dialled tells whether it did. The upConn is not nil when a dial failed.
func (l *leg) acquire(ctx context.Context, r route) (u *upConn, dialled bool, err error) {
	l.mu.Lock()
	ln := l.lane(r)
	u, h1 := l.pick(ln), ln.h1
	l.mu.Unlock()
	if u != nil {
		return u, false, nil
	}
	if !h1 {
		ln.dialing.Lock()
		defer ln.dialing.Unlock()
		l.mu.Lock()
		u = l.pick(ln) // somebody else may have dialled meanwhile
		l.mu.Unlock()
		if u != nil {
			return u, false, nil
		}
	}
	u, err = l.open(ctx, r)
	if err != nil {
		return u, true, err
	}
	if err := u.cc.Reserve(); err != nil {
		return u, true, err
	}
	l.add(r, u)
	return u, true, nil
}

// pick returns a reserved connection, or one whose RoundTrip will wait for a free stream.
func (l *leg) pick(ln *lane) *upConn {
	live := ln.conns[:0]
	var chosen, busy *upConn
	for _, u := range ln.conns {
		if u.spent() {
			continue
		}
		live = append(live, u)
		if chosen == nil {
			if u.cc.Reserve() == nil {
				chosen = u
			} else {
				busy = u
			}
		}
	}
	clear(ln.conns[len(live):])
	ln.conns = live
	if chosen == nil && busy != nil && (l.mirror || busy.h2) {
		return busy
	}
	return chosen
}

// open dials r and gets the connection ready for requests.
func (l *leg) open(ctx context.Context, r route) (*upConn, error) {
	u, err := l.p.dial(ctx, l.tunnel, r.scheme, r.target)
	if err != nil {
		return u, err
	}
	if r.scheme == "https" {
		host, _, _ := net.SplitHostPort(r.target)
		verdict, err := u.handshake(ctx, host, []string{"h2", "http/1.1"})
		if err != nil {
			return u, err
		}
		if verdict != nil && l.accepted == nil { // nobody but us can judge here: the client sees another host's leaf
			u.fail("tls", verdict)
			return u, &errVerdict{verdict}
		}
	}
	u.onGone = l.onGone
	return u, u.open()
}

// spend marks u as no longer usable, after GOAWAY.
func (l *leg) spend(r route, u *upConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	ln := l.lane(r)
	for i, x := range ln.conns {
		if x == u {
			ln.conns = append(ln.conns[:i:i], ln.conns[i+1:]...)
			break
		}
	}
}

// close ends every connection of the leg.
func (l *leg) close(who string) {
	l.mu.Lock()
	l.closed = true
	var all []*upConn
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
