package intercept

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"modtap/intercept/reverse"
)

const (
	// lingerTime is how long upstream connections outlive the last client's. A go command
	// whose answer failed closes its connection and opens the next one at once; the next
	// go command is to pay for its connections as it would without modtap.
	lingerTime = 500 * time.Millisecond
)

// A reversal is reverse mode: requests that come to the proxy's port as to a web server,
// http://127.0.0.1:PORT/TOKEN/N/HOST/…, stand for true URLs (see package reverse). There is
// no client TLS to mirror, and the go command opens several HTTP/1.1 connections where it
// would use one of HTTP/2: so all clients share one leg. That hides handshakes which the
// go command would have made for itself, over HTTP/1.1 above all.
type reversal struct {
	p    *Proxy
	plan *reverse.Plan

	mu      sync.Mutex
	leg     *leg
	clients int         // connections that have sent a request
	linger  *time.Timer // closes the leg when no client is left
	failed  map[int]bool
	// direct has the routes whose checksum database is asked at its own host, because the
	// go command would do that.
	direct map[int]bool
}

func newReversal(p *Proxy, plan *reverse.Plan) *reversal {
	return &reversal{p: p, plan: plan, failed: map[int]bool{}, direct: map[int]bool{}}
}

// serves reports whether r is for us, and answers it. The token keeps other programs and
// web pages out, which must not reach a server with the user's credentials; the Host header
// keeps out pages whose name was made to resolve to this machine.
func (v *reversal) serves(w http.ResponseWriter, r *http.Request) bool {
	if v == nil || !isLoopback(r.Host) {
		return false
	}
	n, rest, ok := v.plan.Resolve(r.URL.EscapedPath())
	if !ok {
		return false
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "modtap: only GET and HEAD", http.StatusMethodNotAllowed)
		return true
	}
	c := &call{asked: time.Now(), reverse: &reverseCall{}}
	query := r.URL.RawQuery
	r.URL = v.plan.URL(n, rest)
	user := v.plan.User(n)
	if file, ok := v.plan.Database(rest); ok {
		switch {
		case file == "supported":
			c.reverse.support = func(status int) bool { return v.decide(n, status) }
		case v.goesDirect(n):
			r.URL, user = v.plan.DatabaseURL(file), nil
		}
	}
	if r.URL.RawQuery == "" {
		r.URL.RawQuery = query
	}
	r.Host, r.Body, r.ContentLength, r.TransferEncoding = r.URL.Host, http.NoBody, 0, nil
	dropHopByHop(r.Header)
	if a := v.plan.Authorization(r.URL); user == nil && a != "" {
		r.Header.Set("Authorization", a)
	}
	v.p.inflight.add(1) // between two hops no exchange is
	defer v.p.inflight.add(-1)
	v.p.through(w, r, c, &follower{c: c, tap: &Tap{p: v.p, leg: v.enter(r)}, user: user})
	return true
}

func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	return reverse.Loopback(host)
}

// dropHopByHop removes what is the connection's (RFC 9110 §7.6.1).
func dropHopByHop(h http.Header) {
	for _, name := range []string{"Connection", "Proxy-Connection", "Proxy-Authorization", "Keep-Alive", "Te", "Upgrade"} {
		h.Del(name)
	}
}

// decide reports whether the go command would leave the list, told status for
// /sumdb/NAME/supported on route n, and remembers it.
func (v *reversal) decide(n, status int) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	leaves := v.plan.LeavesList(n, status, func(n int) bool { return v.failed[n] })
	v.failed[n] = status != 200 && status != 404 && status != 410
	v.direct[n] = leaves
	return leaves
}

func (v *reversal) goesDirect(n int) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.direct[n]
}

// enter returns the leg, and counts the client that r came from.
func (v *reversal) enter(r *http.Request) *leg {
	pc := r.Context().Value(connKey{}).(*peekConn)
	v.mu.Lock()
	defer v.mu.Unlock()
	if pc.reversed.CompareAndSwap(false, true) {
		v.clients++
		if v.linger != nil {
			v.linger.Stop()
			v.linger = nil
		}
	}
	if v.p.pool != nil {
		return v.p.pool
	}
	if v.leg == nil {
		v.leg = newLeg(v.p, 0)
	}
	return v.leg
}

// left hears that a client's connection is closed.
func (v *reversal) left(pc *peekConn) {
	if v == nil || !pc.reversed.CompareAndSwap(true, false) {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.clients--; v.clients > 0 || v.leg == nil || v.p.stopping.Load() {
		return
	}
	v.linger = time.AfterFunc(lingerTime, func() {
		v.mu.Lock()
		defer v.mu.Unlock() // until its connections have had their last snapshots
		if v.clients == 0 && v.leg != nil {
			v.leg.close("client")
			v.leg = nil
		}
	})
}

// close ends the leg at Shutdown.
func (v *reversal) close() {
	if v == nil {
		return
	}
	v.mu.Lock()
	if v.linger != nil {
		v.linger.Stop()
	}
	defer v.mu.Unlock()
	if v.leg != nil {
		v.leg.close("modtap")
	}
}

// A reverseCall is what reverse mode adds to a call.
type reverseCall struct {
	after *exchange // the redirect that led here
	// support says, for a request that asks whether a server has the checksum database,
	// whether that is answered with 200 in spite of status.
	support func(status int) bool
	// location is what could not be followed; "": the request itself failed.
	location string
}

// supportedByUs is the rule that a record names when the client got another answer.
const supportedByUs = "reverse: answered 200, the checksum database is asked at its own host"

// instead decides whether the client gets 200 for x, and where the checksum database is
// asked from now on.
func (x *exchange) instead() bool {
	if x.call == nil || x.call.reverse == nil || x.call.reverse.support == nil {
		return false
	}
	redirect := x.rec.Status >= 300 && x.rec.Status < 400
	return !redirect && x.call.reverse.support(x.rec.Status)
}

// failReverse is the answer to a request that got none: the go command prints the text of
// such a page, and treats its status as it treats a connection that failed. Its URL names
// the true server, where the go command's own error names us.
func (p *Proxy) failReverse(w http.ResponseWriter, r *http.Request, c *call) {
	u := c.x.rec.URL
	if c.reverse.location != "" {
		u = p.c.Redactor.URL(c.reverse.location)
	}
	op := r.Method[:1] + strings.ToLower(r.Method[1:])
	http.Error(w, fmt.Sprintf("%s %q: %s", op, u, c.x.rec.Err.Msg), http.StatusBadGateway)
}
