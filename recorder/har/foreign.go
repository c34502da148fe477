package har

import (
	"net"
	"net/url"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// foreign is the Exchange that the standard fields tell of; what they do not say stays
// zero. Its ID is given later, in the order of starting.
func (e *entry) foreign() (recorder.Exchange, bool) {
	start, ok := parseStart(e.Started)
	u, err := url.Parse(e.Request.URL)
	if !ok || err != nil || u.Host == "" {
		return recorder.Exchange{}, false
	}
	x := recorder.Exchange{
		Start: start, Method: e.Request.Method, URL: e.Request.URL,
		Proto: protoOf(e.Response.HTTPVersion), Remote: e.remote(u), Server: e.Timings.marks(e.Time, e.Response.Status > 0),
		Status: e.Response.Status, Reason: e.Response.StatusText, Request: e.requestMessage(), Done: true,
	}
	if x.Proto == "" {
		x.Proto = protoOf(e.Request.HTTPVersion)
	}
	x.Response, ok = e.responseMessage()
	if x.Response.BodySize < 0 {
		x.Response.BodySize = e.Response.wireSize()
	}
	if e.Response.Error != "" {
		x.Err = &recorder.Error{Op: opOf(e.Response.Error), Msg: e.Response.Error}
	}
	x.Go = gomod.NewClassifier("", "").Classify(x.Method, u, referer(x.Request.Header))
	return x, ok
}

// wireSize is the size of a body whose bodySize is "not known", from the next best that the
// file says; -1 when that tells of the decoded body alone.
func (r *response) wireSize() int64 {
	switch {
	case r.TransferSize > 0:
		return int64(max(r.TransferSize-max(r.HeadersSize, 0), 0))
	case r.Content.Size < 0:
		return -1
	case r.Content.Compression > 0: // what the coding saved
		return int64(max(r.Content.Size-r.Content.Compression, 0))
	case r.Content.Size > 0 && encoded(r.Headers):
		return -1
	}
	return int64(r.Content.Size)
}

// encoded reports whether the headers name a coding of the body.
func encoded(headers []recorder.Header) bool {
	for i := range headers {
		if strings.EqualFold(headers[i].Name, "Content-Encoding") {
			return headers[i].Value != "" && !strings.EqualFold(headers[i].Value, "identity")
		}
	}
	return false
}

// referer is the page that led there; HTTP/2 has the name in lower case.
func referer(headers []recorder.Header) string {
	for i := range headers {
		if strings.EqualFold(headers[i].Name, "Referer") {
			return headers[i].Value
		}
	}
	return ""
}

// marks lays the phases one behind the other. A proxy's part of blocked goes where ours
// is, between the connection and TLS. What the file does not say did not happen: no answer,
// no first byte; nothing sent, no request; not a single time, no marks.
func (t *timings) marks(total float64, answered bool) recorder.Marks {
	var m recorder.Marks
	sent := answered || t.Send > 0 || t.Wait > 0 || t.Receive > 0
	if total <= 0 && t.Send < 0 && t.Wait < 0 && t.Receive < 0 {
		return m
	}
	blocked := span(t.Blocked)
	proxy := min(span(&t.Proxy), blocked)
	cursor := blocked - proxy
	at := func() recorder.Span { return max(cursor, 1) } // 0 would mean "did not happen"
	phase := func(start, done *recorder.Span, d recorder.Span) {
		*start = at()
		cursor += d
		*done = at()
	}
	opened := t.Connect != nil && *t.Connect >= 0
	m.Reused = sent && t.Connect != nil && !opened
	connect, ssl := span(t.Connect), span(t.SSL)
	if ssl <= connect { // as HAR has it; mitmproxy and others count ssl apart
		connect -= ssl
	}
	if t.DNS != nil && *t.DNS >= 0 {
		phase(&m.DNSStart, &m.DNSDone, span(t.DNS))
	}
	if opened {
		phase(&m.ConnectStart, &m.ConnectDone, connect)
	}
	if proxy > 0 {
		phase(&m.ProxyStart, &m.ProxyDone, proxy)
	}
	if opened && ssl > 0 {
		phase(&m.TLSStart, &m.TLSDone, ssl)
	}
	if !sent {
		cursor = max(cursor, span(&total))
		m.End = at()
		return m
	}
	m.GotConn = at()
	phase(&m.WroteHeaders, &m.WroteRequest, span(&t.Send))
	cursor += span(&t.Wait)
	if answered {
		m.FirstByte = at()
	}
	cursor = max(cursor+span(&t.Receive), span(&total)) // DevTools takes a surplus for download, too
	m.End = at()
	if answered {
		m.LastByte = m.End
	}
	return m
}

// span is ms milliseconds; nothing, negative and absurd values are bounded.
func span(ms *float64) recorder.Span {
	const most = 30 * 24 * time.Hour
	if ms == nil || *ms <= 0 {
		return 0
	}
	return recorder.Span(min(*ms*1e6, float64(most)) + 0.5)
}

// remote is the address of the server as host:port, "" when the file does not say.
func (e *entry) remote(u *url.URL) string {
	ip := strings.Trim(e.ServerIP, "[]")
	if ip == "" {
		return ""
	}
	return net.JoinHostPort(ip, portOf(u))
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http" || u.Scheme == "ws":
		return "80"
	}
	return "443"
}

// connection is the file's name of the connection that e used; "": it does not say.
func (e *entry) connection() string {
	id := string(e.ConnectionID)
	if u, err := url.Parse(e.Request.URL); id == "" && err == nil && string(e.Connection) != portOf(u) {
		id = string(e.Connection) // Chrome and Firefox put the port there, others an id
	}
	if id == "0" {
		return ""
	}
	return id
}

// connNumber numbers the connections of a file in the order of their appearance.
func (b *builder) connNumber(id string) uint64 {
	if id == "" {
		return 0
	}
	if b.numbers[id] == 0 {
		b.numbers[id] = uint64(len(b.numbers) + 1)
	}
	return b.numbers[id]
}

// foreignConn makes the Conn of x from what its first exchange says. Exchanges come in
// the order of starting.
func (b *builder) foreignConn(x *recorder.Exchange) {
	u, err := url.Parse(x.URL)
	if x.Conn == 0 || err != nil || b.header.Schema != "" {
		return
	}
	c := b.conns[x.Conn]
	if c == nil {
		c = &recorder.Conn{
			ID: x.Conn, Target: net.JoinHostPort(u.Hostname(), portOf(u)), Scheme: u.Scheme,
			Start: x.Start, Remote: x.Remote, Marks: x.Server,
		}
		c.Marks.GotConn, c.Marks.WroteHeaders, c.Marks.WroteRequest = 0, 0, 0
		c.Marks.FirstByte, c.Marks.LastByte, c.Marks.End = 0, 0, 0
		b.conns[x.Conn] = c
	}
	c.Exchanges++
}

// session is what a file without one tells of the session.
func (b *builder) session() *recorder.Session {
	s := &recorder.Session{Tool: strings.TrimSpace(b.creator.Name + " " + b.creator.Version), Mode: "har"}
	for i := range b.rec.Exchanges {
		if x := &b.rec.Exchanges[i]; s.Start.IsZero() || x.Start.Before(s.Start) {
			s.Start = x.Start
		}
	}
	return s
}

// errorOps finds the failed step in the words of a browser, as Chrome's net_error_list.h
// and Firefox's nsresult names have them.
var errorOps = []struct{ part, op string }{
	{"NAME_", "dns"}, {"DNS", "dns"}, {"UNKNOWN_HOST", "dns"},
	{"TIMED_OUT", "timeout"}, {"TIMEOUT", "timeout"},
	{"PROXY", "proxy"}, {"TUNNEL", "proxy"},
	{"SSL", "tls"}, {"CERT", "tls"},
	{"CONNECTION_REFUSED", "dial"}, {"UNREACHABLE", "dial"}, {"CONNECTION_FAILED", "dial"},
	{"ABORTED", "canceled"}, {"BLOCKED", "canceled"},
}

// opOf is the step of recorder.Error.Op that a browser's error is about.
func opOf(msg string) string {
	upper := strings.ToUpper(msg)
	for _, e := range errorOps {
		if strings.Contains(upper, e.part) {
			return e.op
		}
	}
	return "read"
}
