package intercept

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"modtap/recorder"
)

// maxResend is how often net/http's own HTTP/2 transport sends a request again after
// GOAWAY or REFUSED_STREAM (h2_bundle.go, RoundTrip).
const maxResend = 6

// A Tap measures one request: it classifies it, asks the rules, sends it on a connection
// of its leg, wraps the answer's body, and appends snapshots to the Log. It changes
// nothing but what a rule says. It is an http.RoundTripper; goproxy's handlers call it.
type Tap struct {
	p    *Proxy
	leg  *leg
	home route // the tunnel's target; zero: requests go where their URL says
}

// RoundTrip sends r. The error, if any, is already recorded.
func (t *Tap) RoundTrip(r *http.Request) (*http.Response, error) {
	c, _ := r.Context().Value(callKey{}).(*call)
	if c == nil {
		c = &call{asked: time.Now()}
	}
	x := t.p.begin(r, c)
	c.x = x
	resp, err := t.send(x, r)
	if err != nil {
		x.failed = err
		if c.w != nil {
			c.w.finish() // a 1xx may still be on its way
		}
		if r.Context().Err() == nil && x.instead() {
			x.noteByUs()
		}
		x.finish(failureOf(r.Context(), err))
		return nil, err
	}
	x.answered(resp)
	x.measure(askedJustNow)
	t.passGoAway(x, resp)
	if c.w != nil && t.leg.mirror {
		if w, ok := c.w.ResponseWriter.(*h1Writer); ok {
			w.status, w.old = oneLine(resp.Status), !resp.ProtoAtLeast(1, 1)
		}
	}
	if r.ProtoMajor == 2 && resp.ProtoMajor == 1 {
		// these are the connection's, and HTTP/2 forbids them (RFC 9113 §8.2.2)
		for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "Transfer-Encoding"} {
			resp.Header.Del(name)
		}
	}
	x.wrap(resp)
	if time.Since(x.lastSnap) >= progressEvery {
		x.snapshot()
	}
	return resp, nil
}

// send applies the rules and sends r, again where the client's own transport would.
func (t *Tap) send(x *exchange, r *http.Request) (*http.Response, error) {
	out, rewritten, err := x.apply(r)
	if err != nil {
		return nil, err
	}
	to := t.home // whatever the Host header says
	if rewritten || to.target == "" {
		to = routeOf(out)
	}
	if to.scheme != "http" && to.scheme != "https" {
		return nil, fmt.Errorf("unsupported protocol scheme %q", to.scheme)
	}
	if out.Body != nil && out.Body != http.NoBody {
		out.Body = &requestBody{out.Body, x}
	}
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = []string{""} // or net/http names itself
	}
	out.RequestURI = ""
	for try := 0; ; try++ {
		resp, u, err := t.once(x, out, to)
		if err == nil {
			return resp, nil
		}
		if u == nil || try >= maxResend || r.Context().Err() != nil {
			return nil, err
		}
		switch t.again(err, out, x, try) {
		case never:
			return nil, err
		case elsewhere:
			t.leg.spend(to, u)
		}
		if err := backoff(r.Context(), try); err != nil {
			return nil, err
		}
		if x.marks[markWroteHeaders].Load() > 0 {
			x.rec.Resent++
		}
		for i := range x.marks {
			x.marks[i].Store(0)
		}
	}
}

// once sends r on one connection.
func (t *Tap) once(x *exchange, r *http.Request, to route) (*http.Response, *upConn, error) {
	u, dialled, err := t.acquire(x, r.Context(), to)
	if err != nil {
		if u != nil {
			x.charge(u)
		}
		return nil, nil, err
	}
	x.use(u, dialled)
	x.pause.begin(x.showIn())
	resp, err := u.cc.roundTrip(r, x)
	x.pause.end()
	return resp, u, err
}

// acquire returns a connection for x.
func (t *Tap) acquire(x *exchange, ctx context.Context, to route) (u *upConn, dialled bool, err error) {
	if u := t.leg.ready(to); u != nil {
		return u, false, nil
	}
	x.pause.begin(x.showIn())
	defer x.pause.end()
	return t.leg.acquire(ctx, to)
}

// apply asks the rules and does what they say: wait, send elsewhere.
func (x *exchange) apply(r *http.Request) (out *http.Request, rewritten bool, err error) {
	d := x.decide(r)
	x.before += recorder.Span(time.Since(x.call.asked))
	if d.Delay > 0 {
		x.snapshot()
		start := time.Now()
		err := sleep(r.Context(), d.Delay)
		x.rec.Injected += recorder.Span(time.Since(start))
		if err != nil {
			return nil, false, err
		}
	}
	if d.To == nil {
		return r, false, nil
	}
	out = r.Clone(r.Context())
	if d.To.Hostname() != r.URL.Hostname() { // credentials are for the host that was asked
		out.Header.Del("Authorization")
		out.Header.Del("Cookie")
	}
	if u := d.To.User; u != nil {
		pass, _ := u.Password()
		out.SetBasicAuth(u.Username(), pass)
	}
	to := *d.To
	to.User = nil
	out.URL, out.Host = &to, to.Host
	return out, true, nil
}

// passGoAway tells the client to leave when its upstream connection is on its way out, or
// was replaced by another already.
func (t *Tap) passGoAway(x *exchange, resp *http.Response) {
	u := x.up
	switch {
	case !t.leg.mirror:
		return
	case !u.h2:
		if resp.Close && resp.ProtoAtLeast(1, 1) { // net/http has taken it out of the header
			resp.Header.Set("Connection", "close")
		}
		return
	}
	if u.saidGoAway() || x.rec.Resent > 0 {
		resp.Header.Set("Connection", "close")
	}
}

// The ways to go on after a failed try.
const (
	never     = iota // the failure is the client's to see
	onTheSame        // connection
	elsewhere        // on another connection
)

// again says whether the client's own transport would send r again after err, where: the
// server said it did not process it, or the connection was idle and died under it. A
// request with a body is never sent again: net/http has closed the body. net/http does
// not export the errors.
func (t *Tap) again(err error, r *http.Request, x *exchange, try int) int {
	if r.Body != nil && r.Body != http.NoBody {
		return never
	}
	s, c := err.Error(), x.call
	switch {
	case strings.Contains(s, "http2: Transport received Server's graceful shutdown GOAWAY"),
		strings.Contains(s, "http2: client conn not usable"):
		return elsewhere
	case t.leg.mirror && c.w != nil && streamOf(c.w.ResponseWriter) != 0 && errors.As(err, new(streamError)):
		return never // the client hears the code, and does what it thinks fit
	case strings.Contains(s, "REFUSED_STREAM"),
		strings.Contains(s, "PROTOCOL_ERROR") && strings.Contains(s, "received from peer"):
		return onTheSame // h2_bundle.go, canRetryError
	case !t.leg.mirror && !x.up.h2 && !x.owns && try == 0 && x.marks[markFirstByte].Load() == 0 && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		return elsewhere // transport.go, shouldRetryRequest, whose errors are HTTP/1.1's; a mirrored client does it itself
	}
	return never
}

// backoff waits as net/http does between tries: 0, 1, 2, 4 … s.
func backoff(ctx context.Context, try int) error {
	if try == 0 {
		return nil
	}
	return sleep(ctx, time.Second<<(try-1))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A requestBody counts what the server was sent of a request's body.
type requestBody struct {
	io.ReadCloser
	x *exchange
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.x.sent.Add(int64(n))
	b.x.command.add(p[:n])
	if err == io.EOF {
		b.x.call.taken.Store(true)
	}
	return n, err
}

// errClientGone is the error of an exchange whose client hung up.
var errClientGone = errors.New("the client closed the connection or cancelled the request")
