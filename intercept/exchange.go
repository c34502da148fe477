package intercept

import (
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"time"

	"modtap/intercept/rules"
	"modtap/recorder"
)

// A call is one request from the moment the client's headers were read. It travels in
// the request's context from the servers' handler through goproxy to the Tap.
type call struct {
	asked  time.Time         // when the headers were read
	tunnel *tunnel           // nil: plain HTTP proxying, or reverse mode
	frames *frameConn        // the client's connection, HTTP/2
	rt     http.RoundTripper // sends it: a Tap, or what has one
	w      *relayWriter
	x      *exchange   // set by the Tap
	duplex bool        // the answer may come while the request's body is still on its way
	taken  atomic.Bool // all of the body was read
	// reverse is set in reverse mode
	reverse *reverseCall

	// what rt, w and x point to, mostly: one allocation instead of four
	tap      Tap
	writer   relayWriter
	exchange exchange
}

// early reports whether not all of the request's body was read. When its answer is
// complete, such a connection cannot take another request: net/http's server, in full
// duplex, panics when the end of the body comes after the handler's.
func (c *call) early() bool { return c.duplex && !c.taken.Load() }

// giveUp ends reading the body of r, which the client may be in no hurry to send. (net/http's
// HTTP/1.1 server would take that for the client's leaving: there the client is waited for.)
func (c *call) giveUp(r *http.Request) {
	if c.duplex {
		w, ok := c.w.ResponseWriter.(*h1Writer)
		if !ok {
			return
		}
		if !c.taken.Load() {
			w.s.t.client.refuse()
		}
	}
	r.Body.Close()
}

// written waits until all that was written inside the tunnel is on its way.
func (c *call) written() {
	if c.tunnel != nil {
		c.tunnel.client.written()
	}
}

type callKey struct{}

// The marks that hooks may set from other goroutines.
const (
	markWroteHeaders = iota
	markWroteRequest
	markFirstByte
	markCount
)

// An exchange is the working state of one request in a Tap. Its record is changed by the
// goroutine that relays it alone; hooks of net/http touch marks and counters only.
type exchange struct {
	p     *Proxy
	call  *call
	start time.Time
	rec   recorder.Exchange
	asked string // the URL, unredacted
	up    *upConn
	owns  bool    // the connection's opening is part of this exchange
	bore  *upConn // that connection
	meter *meter  // of the connection in use; nil: none is
	tcp   stretch // what the meter told of it

	marks       [markCount]atomic.Int64 // offsets from start, at least 1 once set
	sent        atomic.Int64            // request body bytes
	early       atomic.Bool             // a 1xx came
	before      recorder.Span           // our own time before the request was sent
	after       recorder.Span           // our own time relaying
	lastSnap    time.Time
	shown       bool // there was a snapshot
	pause       *pause
	ended       bool
	complete    bool    // the body came to its end
	failed      error   // why no response came
	command     *sample // of the request's body, where that says what is meant; nil otherwise
	commandRead int     // bytes of it that were there when it was last read
	cut         error   // why the body ended early
	byUs        bool    // the client gets an answer of ours instead
	trace       httptrace.ClientTrace
}

// begin starts the record of r.
func (p *Proxy) begin(r *http.Request, c *call) *exchange {
	x := &c.exchange
	x.p, x.call, x.start, x.lastSnap = p, c, c.asked, c.asked
	x.pause = takePause(x)
	x.rec.ID = p.exchangeID.Add(1)
	asked := r.URL.String()
	x.asked = asked
	x.rec.Method, x.rec.URL = r.Method, p.c.Redactor.URL(asked)
	x.rec.Proto = protoName(r.ProtoMajor, r.ProtoMinor)
	x.rec.Go = p.c.Classifier.Classify(r.Method, r.URL, r.Header.Get("Referer"))
	if t := c.tunnel; t != nil {
		x.rec.Tunnel = t.rec.ID
		t.set(func(r *recorder.Tunnel) { r.Exchanges++ })
		if u := t.claim(c.asked); u != nil {
			x.start = t.rec.Start
			x.charge(u)
			x.before += t.rec.Mint
		}
	}
	x.rec.Start = x.start
	x.rec.Client.GotConn = x.at(c.asked)
	x.rec.Request = recorder.Message{
		Header: p.headers(r.Header), HeaderSize: requestSize(r),
		Mime: p.c.Redactor.Text(r.Header.Get("Content-Type")), Encoding: r.Header.Get("Content-Encoding"),
	}
	x.rec.Response.HeaderSize = -1
	p.link(x)
	x.attribute(r)
	p.inflight.add(1)
	return x
}

// key is what history knows the exchange by.
func (x *exchange) key() string { return x.rec.Method + " " + x.asked }

// at is t as an offset from the start of the exchange.
func (x *exchange) at(t time.Time) recorder.Span { return recorder.Span(max(1, t.Sub(x.start))) }

func (x *exchange) now() recorder.Span { return recorder.Span(max(1, time.Since(x.start))) }

func (x *exchange) mark(i int) { x.marks[i].CompareAndSwap(0, int64(x.now())) }

// decide asks the rules and notes what they did.
func (x *exchange) decide(r *http.Request) rules.Decision {
	d := x.p.c.Rules.Decide(rules.Request{Method: r.Method, URL: r.URL, Go: x.rec.Go})
	for _, name := range d.Rules { // as they were typed
		x.rec.Rules = append(x.rec.Rules, x.p.c.Redactor.Text(name))
	}
	if d.To != nil {
		x.rec.SentTo = x.p.c.Redactor.URL(d.To.String())
	}
	return d
}

// use notes the connection the request goes out on.
func (x *exchange) use(u *upConn, dialled bool) {
	x.up = u
	if dialled && u.claimed.CompareAndSwap(false, true) {
		x.charge(u)
	}
	x.meterFrom(u)
	u.lock(func(c *recorder.Conn) {
		c.Exchanges++
		x.rec.Conn, x.rec.Remote = c.ID, u.remote
	})
}

// hooks returns the httptrace of the request. GotConn and the TLS hooks do not fire on a
// connection that was handed over; those marks come from the upConn.
func (x *exchange) hooks() *httptrace.ClientTrace {
	x.trace = httptrace.ClientTrace{
		WroteHeaderField:     func(string, []string) { x.mark(markWroteHeaders) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { x.mark(markWroteRequest) },
		GotFirstResponseByte: func() { x.mark(markFirstByte) },
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			x.informational(code, http.Header(h))
			return nil
		},
	}
	return &x.trace
}

// informational passes a 1xx on.
func (x *exchange) informational(code int, h http.Header) {
	x.early.Store(true)
	if x.call.w != nil {
		x.call.w.informational(code, h)
	}
}

// charge copies the marks of opening u, which this exchange had to wait for. What a try
// before it told of another connection does not count any more.
func (x *exchange) charge(u *upConn) {
	x.owns, x.bore = true, u
	c := u.record()
	x.meter, x.tcp, x.rec.TCP = nil, stretch{}, c.TCP
	d := recorder.Span(u.start.Sub(x.start))
	m, from := &x.rec.Server, &c.Marks
	for _, f := range []struct{ to, from *recorder.Span }{
		{&m.DNSStart, &from.DNSStart}, {&m.DNSDone, &from.DNSDone},
		{&m.ConnectStart, &from.ConnectStart}, {&m.ConnectDone, &from.ConnectDone},
		{&m.ProxyStart, &from.ProxyStart}, {&m.ProxyDone, &from.ProxyDone},
		{&m.TLSStart, &from.TLSStart}, {&m.TLSDone, &from.TLSDone},
	} {
		*f.to = 0
		if *f.from > 0 {
			*f.to = max(1, *f.from+d)
		}
	}
	x.rec.Conn, x.rec.Remote = c.ID, c.Remote
}

// snapshot appends what is known now.
func (x *exchange) snapshot() {
	x.lastSnap, x.shown = time.Now(), true
	x.measure(askEvery)
	s := x.rec
	s.Server.WroteHeaders = recorder.Span(x.marks[markWroteHeaders].Load())
	s.Server.WroteRequest = recorder.Span(x.marks[markWroteRequest].Load())
	s.Server.FirstByte = recorder.Span(x.marks[markFirstByte].Load())
	s.Server.Reused = x.up != nil && !x.owns
	s.Request.BodySize = x.sent.Load()
	s.Overhead = x.before + x.after
	x.p.c.Log.Append(recorder.Event{Exchange: &s})
}

// showIn is after how long a wait is worth another snapshot.
func (x *exchange) showIn() time.Duration {
	if x.shown {
		return showAfter
	}
	return showFirst
}

// show appends a snapshot when there was none yet.
func (x *exchange) show() {
	if !x.shown {
		x.snapshot()
	}
}

// answered notes the response's headers.
func (x *exchange) answered(resp *http.Response) {
	x.rec.Status = resp.StatusCode
	_, reason, _ := strings.Cut(resp.Status, " ")
	x.rec.Reason = x.p.c.Redactor.Text(reason)
	x.rec.Proto = protoName(resp.ProtoMajor, resp.ProtoMinor)
	x.rec.Response = recorder.Message{
		Header: x.p.headers(resp.Header), HeaderSize: responseSize(resp),
		Mime: x.p.c.Redactor.Text(resp.Header.Get("Content-Type")), Encoding: resp.Header.Get("Content-Encoding"),
	}
	x.p.redirected(x, resp)
}

// finish appends the last snapshot; err is what went wrong, nil when nothing did.
func (x *exchange) finish(op string, err error) {
	if x.ended {
		return
	}
	x.ended = true
	x.conclude(err != nil)
	end := x.now()
	x.rec.Client.End = end
	if x.rec.Server.End == 0 {
		x.rec.Server.End = end
	}
	if err != nil {
		x.rec.Err = &recorder.Error{Op: op, Msg: x.p.c.Redactor.Text(err.Error())}
	}
	x.rec.Done = true
	x.pause.give()
	x.measure(0)
	x.snapshot()
	x.p.inflight.add(-1)
}

// protoName is the protocol as HAR readers know it.
func protoName(major, minor int) string {
	switch {
	case major == 2:
		return "HTTP/2.0"
	case major == 1 && minor == 0:
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}
