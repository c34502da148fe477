package har

import (
	"encoding/base64"
	"slices"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// ours reads entry._modtap. A member that it does not know makes the entry unusual: what
// is added to own later shall not be lost here.
func (q *quick) ours(o *own) {
	q.expect('{')
	var seen uint32
	for first := true; q.more(&first, '}'); {
		key := q.key()
		if q.literal("null") {
			continue
		}
		if !q.identity(o, key, &seen) && !q.measured(o, key, &seen) && !q.parts(o, key, &seen) {
			q.bad = true
		}
	}
}

// identity reads the members that say which exchange it is.
func (q *quick) identity(o *own, key []byte, seen *uint32) bool {
	switch string(key) {
	case "id":
		q.once(seen, 0)
		o.ID = q.lexer.id()
	case "conn":
		q.once(seen, 1)
		o.Conn = q.lexer.id()
	case "tunnel":
		q.once(seen, 2)
		o.Tunnel = q.lexer.id()
	case "parent":
		q.once(seen, 3)
		o.Parent = q.lexer.id()
	case "start":
		q.once(seen, 4)
		q.reflectedTime(&o.Start)
	case "url":
		q.once(seen, 5)
		q.url = string(q.bytes())
		o.URL = &q.url
	case "proto":
		q.once(seen, 6)
		q.proto = q.lexer.text()
		o.Proto = &q.proto
	case "remote":
		q.once(seen, 7)
		o.Remote = q.lexer.text()
	case "sent_to":
		q.once(seen, 8)
		o.SentTo = q.lexer.text()
	case "resent":
		q.once(seen, 9)
		o.Resent = int(q.int())
	default:
		return false
	}
	return true
}

// measured reads the members that are times.
func (q *quick) measured(o *own, key []byte, seen *uint32) bool {
	switch string(key) {
	case "server":
		q.once(seen, 10)
		q.marks(&o.Server)
	case "client":
		q.once(seen, 11)
		q.marks(&o.Client)
	case "server_blocked_ms":
		q.once(seen, 12)
		o.ServerBlocked = q.span()
	case "client_blocked_ms":
		q.once(seen, 13)
		o.ClientBlocked = q.span()
	case "overhead_ms":
		q.once(seen, 14)
		o.Overhead = q.span()
	case "injected_ms":
		q.once(seen, 15)
		o.Injected = q.span()
	default:
		return false
	}
	return true
}

// parts reads the members that are objects or lists.
func (q *quick) parts(o *own, key []byte, seen *uint32) bool {
	switch string(key) {
	case "go":
		q.once(seen, 16)
		q.meaning(&o.Go)
	case "error":
		q.once(seen, 17)
		q.reflected(&o.Err)
	case "rules":
		q.once(seen, 18)
		q.reflected(&o.Rules)
	case "request":
		q.once(seen, 19)
		q.message(&o.Request, 0)
	case "response":
		q.once(seen, 20)
		q.message(&o.Response, 1)
	case "conn_snapshot":
		q.once(seen, 21)
		q.reflected(&o.ConnSnapshot)
	case "tcp":
		q.once(seen, 23)
		o.TCP = new(recorder.TCP)
		q.tcp(o.TCP)
	case "tunnel_snapshot":
		q.once(seen, 22)
		q.reflected(&o.TunnelSnapshot)
	default:
		return false
	}
	return true
}

func (q *quick) reflectedTime(t *time.Time) {
	raw := q.skip()
	q.bad = q.bad || t.UnmarshalJSON(raw) != nil
}

func (q *quick) meaning(g *gomod.Request) {
	q.expect('{')
	var seen uint32
	for first := true; q.more(&first, '}'); {
		key := q.key()
		if q.literal("null") {
			continue
		}
		switch string(key) {
		case "kind":
			q.once(&seen, 0)
			g.Kind = gomod.Kind(q.lexer.text())
		case "module":
			q.once(&seen, 1)
			g.Module = q.lexer.text()
		case "version":
			q.once(&seen, 2)
			g.Version = q.lexer.text()
		case "repo":
			q.once(&seen, 3)
			g.Repo = q.lexer.text()
		case "extra":
			q.once(&seen, 4)
			g.Extra = string(q.bytes()) // the path of a tile, which does not come again
		default:
			q.bad = true
		}
	}
}

func (q *quick) marks(m *recorder.Marks) {
	q.expect('{')
	var seen uint32
	for first := true; q.more(&first, '}'); {
		key := q.key()
		if q.literal("null") {
			continue
		}
		if string(key) == "reused" {
			q.once(&seen, len(markNames))
			m.Reused = q.bool()
			continue
		}
		i := indexOf(markNames[:], key)
		if i < 0 {
			q.bad = true
			return
		}
		q.once(&seen, i)
		*q.mark(m, i) = q.span()
	}
}

// markNames are the members of recorder.Marks, in the order of mark.
var markNames = [...]string{
	"dns_start_ms", "dns_done_ms", "connect_start_ms", "connect_done_ms", "proxy_start_ms", "proxy_done_ms", "tls_start_ms", "tls_done_ms",
	"got_conn_ms", "wrote_headers_ms", "wrote_request_ms", "first_byte_ms", "last_byte_ms", "end_ms",
}

func (q *quick) mark(m *recorder.Marks, i int) *recorder.Span {
	return [...]*recorder.Span{
		&m.DNSStart, &m.DNSDone, &m.ConnectStart, &m.ConnectDone, &m.ProxyStart, &m.ProxyDone, &m.TLSStart, &m.TLSDone,
		&m.GotConn, &m.WroteHeaders, &m.WroteRequest, &m.FirstByte, &m.LastByte, &m.End,
	}[i]
}

func (q *quick) tcp(t *recorder.TCP) {
	q.expect('{')
	var seen uint32
	for first := true; q.more(&first, '}'); {
		key := q.key()
		if q.literal("null") {
			continue
		}
		switch string(key) {
		case "samples":
			q.once(&seen, 0)
			t.Samples = int(q.int())
			continue
		case "note":
			q.once(&seen, 1)
			t.Note = q.lexer.text()
			continue
		}
		if i := indexOf(tcpCounts[:], key); i >= 0 {
			q.once(&seen, 2+i)
			*[...]*int64{&t.Retrans, &t.RetransBytes, &t.SynRetrans, &t.SegsOut, &t.BytesOut, &t.Reordered}[i] = q.int()
			continue
		}
		i := indexOf(tcpSpans[:], key)
		if i < 0 {
			q.bad = true
			return
		}
		q.once(&seen, 2+len(tcpCounts)+i)
		*[...]*recorder.Span{&t.RTT, &t.RTTVar, &t.MinRTT, &t.MaxRTT, &t.RwndLimit, &t.SndLimit}[i] = q.span()
	}
}

// The members of recorder.TCP that are counts, and those that are times, in the order of tcp.
var (
	tcpCounts = [...]string{"retrans", "retrans_bytes", "syn_retrans", "segs_out", "bytes_out", "reordered"}
	tcpSpans  = [...]string{"rtt_ms", "rttvar_ms", "min_rtt_ms", "max_rtt_ms", "rwnd_limited_ms", "sndbuf_limited_ms"}
)

func indexOf(names []string, key []byte) int {
	return slices.IndexFunc(names, func(name string) bool { return name == string(key) })
}

// message reads what HAR has no field for; leg is 0 of a request, 1 of a response.
func (q *quick) message(m *ownMessage, leg int) {
	q.expect('{')
	var seen uint32
	for first := true; q.more(&first, '}'); {
		key := q.key()
		if q.literal("null") {
			continue
		}
		switch string(key) {
		case "mime":
			q.once(&seen, 0)
			m.Mime = q.lexer.text()
		case "encoding":
			q.once(&seen, 1)
			m.Encoding = q.lexer.text()
		case "kept":
			q.once(&seen, 2)
			m.Kept = q.bool()
		case "sha256":
			q.once(&seen, 3)
			m.SHA256 = string(q.bytes())
		case "body_file":
			q.once(&seen, 4)
			m.BodyFile = string(q.bytes())
		case "note":
			q.once(&seen, 5)
			m.Note = q.lexer.text()
		case "redacted":
			q.once(&seen, 6)
			m.Redacted = q.bool()
		case "wire":
			q.once(&seen, 7)
			q.wires[leg] = q.base64(q.wires[leg][:0])
			m.Wire = &q.wires[leg]
		case "trailer":
			q.once(&seen, 8)
			q.reflected(&m.Trailer)
		default:
			q.bad = true
		}
	}
}

// base64 reads a string and appends what it encodes to b.
func (q *quick) base64(b []byte) []byte {
	b, err := base64.StdEncoding.AppendDecode(b, q.bytes())
	q.bad = q.bad || err != nil
	return b
}
