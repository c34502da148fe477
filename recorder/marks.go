package recorder

// Marks are instants since Exchange.Start on one leg; 0 means "did not happen" (a mark
// that happened is at least 1 ns).
//
// On the server leg GotConn is not set, and WroteHeaders is the first header field
// written: what lies before it is queue. On the client leg only
// GotConn (the request's headers were read), FirstByte, LastByte (first and last
// response bytes given to the client) and End are set.
type Marks struct {
	DNSStart     Span `json:"dns_start_ms,omitempty"`
	DNSDone      Span `json:"dns_done_ms,omitempty"`
	ConnectStart Span `json:"connect_start_ms,omitempty"`
	ConnectDone  Span `json:"connect_done_ms,omitempty"`
	ProxyStart   Span `json:"proxy_start_ms,omitempty"` // a parent proxy's CONNECT
	ProxyDone    Span `json:"proxy_done_ms,omitempty"`
	TLSStart     Span `json:"tls_start_ms,omitempty"`
	TLSDone      Span `json:"tls_done_ms,omitempty"`
	GotConn      Span `json:"got_conn_ms,omitempty"`
	WroteHeaders Span `json:"wrote_headers_ms,omitempty"`
	WroteRequest Span `json:"wrote_request_ms,omitempty"`
	FirstByte    Span `json:"first_byte_ms,omitempty"`
	LastByte     Span `json:"last_byte_ms,omitempty"`
	End          Span `json:"end_ms,omitempty"`
	Reused       bool `json:"reused,omitempty"`
}

// Timings are the seven phases of HAR on the server leg. -1 means the phase does not
// apply to this request (a reused connection, a failure before it); HAR allows that of
// DNS, Connect and SSL only, so Send, Wait and Receive of a request that never got there
// are 0. SSL is inside Connect, so the total leaves it out.
type Timings struct {
	Blocked, DNS, Connect, SSL, Send, Wait, Receive Span
	// Proxy is the part of Blocked spent on a parent proxy's CONNECT; 0: none.
	Proxy Span
}

// Total is the sum of the phases that apply.
func (t Timings) Total() Span {
	var sum Span
	for _, s := range []Span{t.Blocked, t.DNS, t.Connect, t.Send, t.Wait, t.Receive} {
		if s > 0 {
			sum += s
		}
	}
	return sum
}

// Timings derives the phases. They never overlap, none but the -1 of "does not apply"
// is negative, and those that apply sum to End. Time that belongs to no phase (the
// queue, the client's own handshake between ours) is Blocked. Marks of HTTP/2 that
// arrive out of order (an answer before the request was fully written) are clamped.
func (m Marks) Timings() Timings {
	t := Timings{DNS: -1, Connect: -1, SSL: -1}
	end := max(m.End, 0)
	var cursor Span // everything before it is already accounted for
	take := func(from, to Span) (Span, bool) {
		if from <= 0 {
			return -1, false
		}
		if to < from {
			to = m.next(from, end)
		}
		from, to = min(max(from, cursor), end), min(max(to, cursor), end)
		cursor = to
		return to - from, true
	}
	var known Span
	if d, ok := take(m.DNSStart, m.DNSDone); ok {
		t.DNS = d
		known += d
	}
	if d, ok := take(m.ConnectStart, m.ConnectDone); ok {
		t.Connect = d
		known += d
	}
	if d, ok := take(m.ProxyStart, m.ProxyDone); ok {
		t.Proxy = d
	}
	if d, ok := take(m.TLSStart, m.TLSDone); ok {
		t.SSL = d
		t.Connect = max(t.Connect, 0) + d
		known += d
	}
	if m.WroteHeaders <= 0 {
		t.Blocked = end - known
		return t
	}
	sendStart := min(max(m.WroteHeaders, cursor), end)
	t.Blocked = sendStart - known
	cursor = sendStart
	first := m.FirstByte
	wrote := m.WroteRequest
	if wrote <= 0 || (first > 0 && wrote > first) {
		wrote = first // the answer came before the request was out: it is all sending until then
	}
	if wrote <= 0 {
		wrote = end
	}
	wrote = min(max(wrote, cursor), end)
	t.Send = wrote - cursor
	if first <= 0 {
		first = end
	}
	first = min(max(first, wrote), end)
	t.Wait = first - wrote
	t.Receive = end - first
	return t
}

// next returns when a phase that began at from and never ended was over: at the next
// thing that happened if it was given up, else at the failure that ended everything.
func (m *Marks) next(from, end Span) Span {
	for _, s := range [...]Span{m.ConnectStart, m.ProxyStart, m.TLSStart, m.WroteHeaders} {
		if s > from {
			end = min(end, s)
		}
	}
	return end
}
