package stream

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// Exchanges are nearly all that is sent, and each has some thirty spans: appended by hand
// they cost the relay's processors a fraction of what encoding/json takes. The text is the
// same, byte for byte. Everything else is left to encoding/json.

// appendBatch appends b as JSON.
func appendBatch(to []byte, b *Batch) ([]byte, error) {
	to = append(to, `{"seq":`...)
	to = strconv.AppendUint(to, b.Seq, 10)
	to = append(to, `,"events":[`...) // never null: clients loop over it
	for i := range b.Events {
		if i > 0 {
			to = append(to, ',')
		}
		var err error
		if to, err = appendEvent(to, &b.Events[i]); err != nil {
			return to, err
		}
	}
	to = append(to, `],"lost":`...)
	to = strconv.AppendUint(to, b.Lost, 10)
	if b.Snapshot {
		to = append(to, `,"snapshot":true`...)
	}
	return append(to, '}'), nil
}

func appendEvent(to []byte, e *recorder.Event) ([]byte, error) {
	if e.Exchange == nil {
		return appendAny(to, e)
	}
	to, err := appendExchange(append(to, `{"exchange":`...), e.Exchange)
	return append(to, '}'), err
}

func appendAny(to []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return append(to, text...), err
}

// An object appends the members of a JSON object. The names of members come with their
// quotes and colon.
type object struct {
	b   []byte
	err error // the first one
}

// begin is {, after the name where the object is a member; "": it is none.
func (o *object) begin(name string) { o.b = append(append(o.b, name...), '{') }

// end is }, in place of a comma before it.
func (o *object) end() {
	if n := len(o.b) - 1; o.b[n] == ',' {
		o.b = o.b[:n]
	}
	o.b = append(o.b, '}', ',')
}

func (o *object) int(name string, n int64) {
	o.b = append(strconv.AppendInt(append(o.b, name...), n, 10), ',')
}

// optional and those that follow leave out what is zero.
func (o *object) optional(name string, n uint64) {
	if n != 0 {
		o.b = append(strconv.AppendUint(append(o.b, name...), n, 10), ',')
	}
}

func (o *object) flag(name string, is bool) {
	if is {
		o.b = append(append(o.b, name...), "true,"...)
	}
}

func (o *object) optionalSpan(name string, s recorder.Span) {
	if s != 0 {
		o.span(name, s)
	}
}

func (o *object) optionalText(name, s string) {
	if s != "" {
		o.text(name, s)
	}
}

func (o *object) text(name, s string) {
	o.b = append(appendText(append(o.b, name...), s), ',')
}

// span is a number of milliseconds, as [recorder.Span.MarshalJSON] writes it.
func (o *object) span(name string, s recorder.Span) {
	b, n := append(o.b, name...), uint64(s)
	if s < 0 {
		b, n = append(b, '-'), -n
	}
	const milli = 1_000_000 // nanoseconds
	b = strconv.AppendUint(b, n/milli, 10)
	if rest := n % milli; rest != 0 {
		b = append(b, '.')
		for unit := uint64(milli / 10); rest > 0; unit /= 10 {
			b = append(b, byte('0'+rest/unit))
			rest %= unit
		}
	}
	o.b = append(b, ',')
}

// other is what is left to encoding/json.
func (o *object) other(name string, v any) {
	var err error
	if o.b, err = appendAny(append(o.b, name...), v); err != nil && o.err == nil {
		o.err = err
	}
	o.b = append(o.b, ',')
}

// appendText appends s as encoding/json does.
func appendText(to []byte, s string) []byte {
	begin, done := len(to), 0
	to = append(to, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"', c == '\\':
			to = append(append(to, s[done:i]...), '\\')
			done = i
		case c == '<', c == '>', c == '&':
			to = append(append(to, s[done:i]...), `\u00`...)
			to = strconv.AppendUint(to, uint64(c), 16)
			done = i + 1
		case c < ' ', c >= utf8.RuneSelf:
			to, _ = appendAny(to[:begin], s) // of a string there is no error
			return to
		}
	}
	to = append(to, s[done:]...)
	return append(to, '"')
}

// appendExchange appends x as JSON. The order is that of the fields of [recorder.Exchange].
func appendExchange(to []byte, x *recorder.Exchange) ([]byte, error) {
	o := object{b: to}
	o.begin("")
	o.b = append(strconv.AppendUint(append(o.b, `"id":`...), x.ID, 10), ',')
	o.optional(`"conn":`, x.Conn)
	o.optional(`"tunnel":`, x.Tunnel)
	o.optional(`"parent":`, x.Parent)
	o.b = append(o.b, `"start":"`...)
	o.b, o.err = x.Start.AppendText(o.b)
	o.b = append(o.b, '"', ',')
	o.text(`"method":`, x.Method)
	o.text(`"url":`, x.URL)
	o.optionalText(`"proto":`, x.Proto)
	o.optionalText(`"remote":`, x.Remote)
	o.request(&x.Go)
	o.marks(`"server":`, &x.Server)
	o.marks(`"client":`, &x.Client)
	o.int(`"status":`, int64(x.Status))
	o.optionalText(`"reason":`, x.Reason)
	if x.Err != nil {
		o.other(`"error":`, x.Err)
	}
	o.message(`"request":`, &x.Request)
	o.message(`"response":`, &x.Response)
	if len(x.Rules) > 0 {
		o.other(`"rules":`, x.Rules)
	}
	o.optionalText(`"sent_to":`, x.SentTo)
	if x.Resent != 0 {
		o.int(`"resent":`, int64(x.Resent))
	}
	o.span(`"server_blocked_ms":`, x.ServerBlocked)
	o.span(`"client_blocked_ms":`, x.ClientBlocked)
	o.span(`"overhead_ms":`, x.Overhead)
	o.optionalSpan(`"injected_ms":`, x.Injected)
	o.flag(`"done":`, x.Done)
	if x.TCP != nil {
		o.tcp(x.TCP)
	}
	o.end()
	return o.b[:len(o.b)-1], o.err
}

func (o *object) request(r *gomod.Request) {
	if *r == (gomod.Request{}) {
		return
	}
	o.begin(`"go":`)
	o.optionalText(`"kind":`, string(r.Kind))
	o.optionalText(`"module":`, r.Module)
	o.optionalText(`"version":`, r.Version)
	o.optionalText(`"repo":`, r.Repo)
	o.optionalText(`"extra":`, r.Extra)
	o.end()
}

func (o *object) marks(name string, m *recorder.Marks) {
	o.begin(name)
	o.optionalSpan(`"dns_start_ms":`, m.DNSStart)
	o.optionalSpan(`"dns_done_ms":`, m.DNSDone)
	o.optionalSpan(`"connect_start_ms":`, m.ConnectStart)
	o.optionalSpan(`"connect_done_ms":`, m.ConnectDone)
	o.optionalSpan(`"proxy_start_ms":`, m.ProxyStart)
	o.optionalSpan(`"proxy_done_ms":`, m.ProxyDone)
	o.optionalSpan(`"tls_start_ms":`, m.TLSStart)
	o.optionalSpan(`"tls_done_ms":`, m.TLSDone)
	o.optionalSpan(`"got_conn_ms":`, m.GotConn)
	o.optionalSpan(`"wrote_headers_ms":`, m.WroteHeaders)
	o.optionalSpan(`"wrote_request_ms":`, m.WroteRequest)
	o.optionalSpan(`"first_byte_ms":`, m.FirstByte)
	o.optionalSpan(`"last_byte_ms":`, m.LastByte)
	o.optionalSpan(`"end_ms":`, m.End)
	o.flag(`"reused":`, m.Reused)
	o.end()
}

func (o *object) message(name string, m *recorder.Message) {
	o.begin(name)
	o.headers(`"header":`, m.Header)
	o.headers(`"trailer":`, m.Trailer)
	o.int(`"header_size":`, m.HeaderSize)
	o.int(`"body_size":`, m.BodySize)
	o.optionalText(`"mime":`, m.Mime)
	o.optionalText(`"encoding":`, m.Encoding)
	o.flag(`"kept":`, m.Kept)
	o.optionalText(`"sha256":`, m.SHA256)
	o.optionalText(`"body_file":`, m.BodyFile)
	o.optionalText(`"note":`, m.Note)
	o.flag(`"redacted":`, m.Redacted)
	o.end()
}

func (o *object) headers(name string, list []recorder.Header) {
	if len(list) == 0 {
		return
	}
	o.b = append(append(o.b, name...), '[')
	for i := range list {
		o.begin("")
		o.text(`"name":`, list[i].Name)
		o.text(`"value":`, list[i].Value)
		o.end()
	}
	o.b[len(o.b)-1] = ']'
	o.b = append(o.b, ',')
}

func (o *object) tcp(t *recorder.TCP) {
	o.begin(`"tcp":`)
	o.int(`"samples":`, int64(t.Samples))
	o.span(`"rtt_ms":`, t.RTT)
	o.span(`"rttvar_ms":`, t.RTTVar)
	o.span(`"min_rtt_ms":`, t.MinRTT)
	o.span(`"max_rtt_ms":`, t.MaxRTT)
	o.int(`"retrans":`, t.Retrans)
	o.int(`"retrans_bytes":`, t.RetransBytes)
	o.int(`"syn_retrans":`, t.SynRetrans)
	o.int(`"segs_out":`, t.SegsOut)
	o.int(`"bytes_out":`, t.BytesOut)
	o.int(`"reordered":`, t.Reordered)
	o.span(`"rwnd_limited_ms":`, t.RwndLimit)
	o.span(`"sndbuf_limited_ms":`, t.SndLimit)
	o.optionalText(`"note":`, t.Note)
	o.end()
}
