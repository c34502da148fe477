package har

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"modtap/recorder"
)

// An entry's standard fields are written as reference/formats.md §1 found that their
// readers want them; what is odd here is odd for a reason given there.

// appendEntry appends x as one line of JSON without its line break. conn and tunnel are
// snapshots to put beside it, or nil.
func appendEntry(b []byte, x *recorder.Exchange, conn *recorder.Conn, tunnel *recorder.Tunnel) []byte {
	t := phasesOf(x.Server.Timings())
	req, res := contentOf(&x.Request), contentOf(&x.Response)
	b = append(b, `{"pageref":"`+pageID+`","startedDateTime":`...)
	b = appendTime(b, x.Start, startedLayout)
	b = append(b, `,"time":`...)
	b = appendMicros(b, t.total())
	b = append(b, `,"request":`...)
	b = appendRequest(b, x, &req)
	b = append(b, `,"response":`...)
	b = appendResponse(b, x, &res)
	b = append(b, `,"cache":{},"timings":`...)
	b = t.append(b)
	b = appendAddress(b, x.Remote)
	if x.Conn != 0 {
		b = append(b, `,"_connectionId":"`...)
		b = strconv.AppendUint(b, x.Conn, 10)
		b = append(b, '"')
	}
	// Without a resource type DevTools takes the first entry of a page for its document.
	b = append(b, `,"_resourceType":"fetch","_priority":"High","_initiator":{"type":"other"},"_modtap":`...)
	o := object{b: b}
	appendOwn(&o, x, &req, &res, conn, tunnel)
	return append(o.b, '}')
}

func appendRequest(b []byte, x *recorder.Exchange, c *content) []byte {
	u := absoluteURL(x.URL)
	b = append(b, `{"method":`...)
	b = appendString(b, x.Method)
	b = append(b, `,"url":`...)
	b = appendString(b, u)
	b = append(b, `,"httpVersion":"`...)
	b = append(b, httpVersion(x.Proto)...)
	b = append(b, `","cookies":[],"headers":`...) // one cookie date that Chrome cannot read refuses the whole file
	b = appendHeaders(b, x.Request.Header)
	b = append(b, `,"queryString":`...)
	b = appendQuery(b, u)
	b = append(b, `,"headersSize":`...)
	b = strconv.AppendInt(b, x.Request.HeaderSize, 10)
	b = append(b, `,"bodySize":`...)
	b = strconv.AppendInt(b, x.Request.BodySize, 10)
	if c.holds() {
		b = append(b, `,"postData":{"mimeType":`...)
		b = appendString(b, x.Request.Mime)
		b = append(b, `,"text":`...)
		b = appendString(b, c.postText(&x.Request))
		if c.comment != "" {
			b = append(b, `,"comment":`...)
			b = appendString(b, c.comment)
		}
		b = append(b, '}')
	}
	return append(b, '}')
}

func appendResponse(b []byte, x *recorder.Exchange, c *content) []byte {
	m := &x.Response
	b = append(b, `{"status":`...)
	b = strconv.AppendInt(b, int64(x.Status), 10)
	b = append(b, `,"statusText":`...)
	b = appendString(b, x.Reason)
	b = append(b, `,"httpVersion":"`...)
	b = append(b, httpVersion(x.Proto)...)
	b = append(b, `","cookies":[],"headers":`...)
	b = appendHeaders(b, m.Header)
	b = append(b, `,"content":`...)
	b = appendContent(b, m, c)
	b = append(b, `,"redirectURL":`...)
	b = appendString(b, m.Get("Location"))
	b = append(b, `,"headersSize":`...)
	b = strconv.AppendInt(b, m.HeaderSize, 10)
	b = append(b, `,"bodySize":`...)
	b = strconv.AppendInt(b, m.BodySize, 10)
	b = append(b, `,"_transferSize":`...)
	b = strconv.AppendInt(b, max(m.HeaderSize, 0)+max(m.BodySize, 0), 10)
	if x.Err != nil {
		b = append(b, `,"_error":`...)
		b = appendString(b, x.Err.Error())
	}
	return append(b, '}')
}

func appendHeaders(b []byte, hs []recorder.Header) []byte {
	b = append(b, '[')
	for i, h := range hs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = appendString(b, h.Name)
		b = append(b, `,"value":`...)
		b = appendString(b, h.Value)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendQuery(b []byte, u string) []byte {
	b = append(b, '[')
	_, query, _ := strings.Cut(u, "?")
	for first := true; query != ""; {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		name, value, _ := strings.Cut(pair, "=")
		b = append(b, `{"name":`...)
		b = appendString(b, unescapeQuery(name))
		b = append(b, `,"value":`...)
		b = appendString(b, unescapeQuery(value))
		b = append(b, '}')
	}
	return append(b, ']')
}

func unescapeQuery(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// httpVersion spells a protocol as DevTools, mitmproxy and HTTP Toolkit all read it: only
// the lower-case "http/2.0" is HTTP/2 to each of them.
func httpVersion(proto string) string {
	switch {
	case strings.HasPrefix(proto, "HTTP/2"):
		return "http/2.0"
	case proto == "HTTP/1.0":
		return proto
	}
	return "HTTP/1.1"
}

// absoluteURL is u as a HAR wants it: absolute, without a fragment and without bytes
// that no URL has. Validators and mitmproxy refuse a whole file for one "host:443".
func absoluteURL(u string) string {
	u, _, _ = strings.Cut(u, "#")
	if !hasScheme(u) {
		u = "https://" + u + "/"
	}
	clean := true
	for i := 0; i < len(u); i++ {
		clean = clean && u[i] > ' ' && u[i] < 0x7f
	}
	if clean {
		return u
	}
	var s strings.Builder
	for i := 0; i < len(u); i++ {
		if c := u[i]; c > ' ' && c < 0x7f {
			s.WriteByte(c)
		} else {
			s.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return s.String()
}

func hasScheme(u string) bool {
	scheme, _, ok := strings.Cut(u, "://")
	for i := range len(scheme) {
		ok = ok && ('a' <= scheme[i]|0x20 && scheme[i]|0x20 <= 'z')
	}
	return ok && scheme != ""
}

// appendAddress appends serverIPAddress (no brackets, no zone: the JSON schema refuses
// them) and connection, which Chrome and Firefox show as the remote port.
func appendAddress(b []byte, remote string) []byte {
	if remote == "" {
		return b
	}
	ap, err := netip.ParseAddrPort(remote)
	if err == nil {
		b = append(b, `,"serverIPAddress":"`...)
		b = ap.Addr().Unmap().WithZone("").AppendTo(b)
		b = append(b, `","connection":"`...)
		b = strconv.AppendUint(b, uint64(ap.Port()), 10)
		return append(b, '"')
	}
	_, port, err := net.SplitHostPort(remote)
	if _, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		return b
	}
	b = append(b, `,"connection":"`...)
	b = append(b, port...)
	return append(b, '"')
}

// phases are the timings of one entry in whole microseconds; -1: does not apply.
type phases struct {
	blocked, proxy, dns, connect, ssl, send, wait, receive int64
}

func phasesOf(t recorder.Timings) phases {
	p := phases{
		blocked: micros(t.Blocked), proxy: micros(t.Proxy), dns: micros(t.DNS), connect: micros(t.Connect),
		ssl: micros(t.SSL), send: micros(t.Send), wait: micros(t.Wait), receive: micros(t.Receive),
	}
	// Were blocked 0, DevTools would take the request's start for "not set" and show
	// the wait as stalled.
	p.blocked = max(p.blocked, 1)
	p.proxy = min(p.proxy, p.blocked)
	return p
}

// micros rounds s to microseconds; what does not apply stays -1.
func micros(s recorder.Span) int64 {
	if s < 0 {
		return -1
	}
	return int64(s.Duration().Round(time.Microsecond) / time.Microsecond)
}

// total is the time of the entry: the sum of what is written, so that DevTools does not
// show the rounding as a longer download. ssl is inside connect.
func (p phases) total() int64 {
	return p.blocked + max(p.dns, 0) + max(p.connect, 0) + p.send + p.wait + p.receive
}

func (p phases) append(b []byte) []byte {
	b = append(b, `{"blocked":`...)
	b = appendMicros(b, p.blocked)
	b = append(b, `,"dns":`...)
	b = appendPhase(b, p.dns)
	b = append(b, `,"connect":`...)
	b = appendPhase(b, p.connect)
	b = append(b, `,"ssl":`...)
	b = appendPhase(b, p.ssl)
	b = append(b, `,"send":`...)
	b = appendMicros(b, p.send)
	b = append(b, `,"wait":`...)
	b = appendMicros(b, p.wait)
	b = append(b, `,"receive":`...)
	b = appendMicros(b, p.receive)
	if p.proxy > 0 {
		b = append(b, `,"_blocked_proxy":`...)
		b = appendMicros(b, p.proxy)
	}
	return append(b, '}')
}

func appendPhase(b []byte, us int64) []byte {
	if us < 0 {
		return append(b, '-', '1')
	}
	return appendMicros(b, us)
}
