package har

import (
	"strconv"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// own is entry._modtap: together with the standard fields it makes up the Exchange. The
// reader decodes it by its tags; appendOwn writes the same by hand.
type own struct {
	ID            uint64          `json:"id"`
	Conn          uint64          `json:"conn"`
	Tunnel        uint64          `json:"tunnel"`
	Parent        uint64          `json:"parent"`
	Start         time.Time       `json:"start"`
	URL           *string         `json:"url"` // when request.url is not what was recorded
	Proto         *string         `json:"proto"`
	Remote        string          `json:"remote"`
	Go            gomod.Request   `json:"go"`
	Server        recorder.Marks  `json:"server"`
	Client        recorder.Marks  `json:"client"`
	Err           *recorder.Error `json:"error"`
	Rules         []string        `json:"rules"`
	SentTo        string          `json:"sent_to"`
	Resent        int             `json:"resent"`
	ServerBlocked recorder.Span   `json:"server_blocked_ms"`
	ClientBlocked recorder.Span   `json:"client_blocked_ms"`
	Overhead      recorder.Span   `json:"overhead_ms"`
	Injected      recorder.Span   `json:"injected_ms"`
	TCP           *recorder.TCP   `json:"tcp"`

	Request  ownMessage `json:"request"`
	Response ownMessage `json:"response"`

	ConnSnapshot   *recorder.Conn   `json:"conn_snapshot"`
	TunnelSnapshot *recorder.Tunnel `json:"tunnel_snapshot"`
}

// ownMessage is what HAR has no field for.
type ownMessage struct {
	Mime     string            `json:"mime"` // of requests without postData
	Encoding string            `json:"encoding"`
	Kept     bool              `json:"kept"`
	SHA256   string            `json:"sha256"`
	BodyFile string            `json:"body_file"`
	Note     string            `json:"note"`
	Redacted bool              `json:"redacted"`
	Wire     *[]byte           `json:"wire"`
	Trailer  []recorder.Header `json:"trailer"`
}

func appendOwn(o *object, x *recorder.Exchange, req, res *content, conn *recorder.Conn, tunnel *recorder.Tunnel) {
	o.open("")
	o.uint("id", x.ID)
	o.uint("conn", x.Conn)
	o.uint("tunnel", x.Tunnel)
	o.uint("parent", x.Parent)
	o.key("start")
	o.b = appendTime(o.b, x.Start, time.RFC3339Nano)
	if x.URL != absoluteURL(x.URL) {
		o.key("url")
		o.b = appendString(o.b, x.URL)
	}
	if x.Proto != protoOf(httpVersion(x.Proto)) {
		o.key("proto")
		o.b = appendString(o.b, x.Proto)
	}
	o.string("remote", x.Remote)
	appendGo(o, &x.Go)
	appendMarks(o, "server", &x.Server)
	appendMarks(o, "client", &x.Client)
	if x.Err != nil {
		o.open("error")
		o.string("op", x.Err.Op)
		o.string("msg", x.Err.Msg)
		o.close()
	}
	if x.Rules != nil {
		o.json("rules", x.Rules)
	}
	o.string("sent_to", x.SentTo)
	o.int("resent", int64(x.Resent))
	o.span("server_blocked_ms", x.ServerBlocked)
	o.span("client_blocked_ms", x.ClientBlocked)
	o.span("overhead_ms", x.Overhead)
	o.span("injected_ms", x.Injected)
	appendTCP(o, x.TCP)
	appendOwnMessage(o, "request", &x.Request, req, !req.holds())
	appendOwnMessage(o, "response", &x.Response, res, false)
	if conn != nil {
		o.json("conn_snapshot", conn)
	}
	if tunnel != nil {
		o.json("tunnel_snapshot", tunnel)
	}
	o.close()
}

func appendGo(o *object, g *gomod.Request) {
	if *g == (gomod.Request{}) {
		return
	}
	o.open("go")
	o.string("kind", string(g.Kind))
	o.string("module", g.Module)
	o.string("version", g.Version)
	o.string("repo", g.Repo)
	o.string("extra", g.Extra)
	o.close()
}

func appendMarks(o *object, key string, m *recorder.Marks) {
	if *m == (recorder.Marks{}) {
		return
	}
	o.open(key)
	o.span("dns_start_ms", m.DNSStart)
	o.span("dns_done_ms", m.DNSDone)
	o.span("connect_start_ms", m.ConnectStart)
	o.span("connect_done_ms", m.ConnectDone)
	o.span("proxy_start_ms", m.ProxyStart)
	o.span("proxy_done_ms", m.ProxyDone)
	o.span("tls_start_ms", m.TLSStart)
	o.span("tls_done_ms", m.TLSDone)
	o.span("got_conn_ms", m.GotConn)
	o.span("wrote_headers_ms", m.WroteHeaders)
	o.span("wrote_request_ms", m.WroteRequest)
	o.span("first_byte_ms", m.FirstByte)
	o.span("last_byte_ms", m.LastByte)
	o.span("end_ms", m.End)
	o.flag("reused", m.Reused)
	o.close()
}

// appendTCP keeps the zeros of counters: a reader may take what is missing for not measured.
func appendTCP(o *object, t *recorder.TCP) {
	if t == nil {
		return
	}
	o.open("tcp")
	for _, f := range [...]struct {
		key string
		v   int64
	}{
		{"samples", int64(t.Samples)}, {"retrans", t.Retrans}, {"retrans_bytes", t.RetransBytes}, {"syn_retrans", t.SynRetrans},
		{"segs_out", t.SegsOut}, {"bytes_out", t.BytesOut}, {"reordered", t.Reordered},
	} {
		o.key(f.key)
		o.b = strconv.AppendInt(o.b, f.v, 10)
	}
	for _, f := range [...]struct {
		key string
		v   recorder.Span
	}{
		{"rtt_ms", t.RTT}, {"rttvar_ms", t.RTTVar}, {"min_rtt_ms", t.MinRTT}, {"max_rtt_ms", t.MaxRTT},
		{"rwnd_limited_ms", t.RwndLimit}, {"sndbuf_limited_ms", t.SndLimit},
	} {
		o.key(f.key)
		o.b = appendSpan(o.b, f.v)
	}
	o.string("note", t.Note)
	o.close()
}

// appendOwnMessage appends the rest of m, or nothing when there is none. mime says that
// no standard field holds m.Mime.
func appendOwnMessage(o *object, key string, m *recorder.Message, c *content, mime bool) {
	before, comma := len(o.b), o.comma
	o.open(key)
	empty := len(o.b)
	if mime {
		o.string("mime", m.Mime)
	}
	o.string("encoding", m.Encoding)
	o.flag("kept", m.Kept && (m.Body == nil || c.holds()))
	o.string("sha256", m.SHA256)
	o.string("body_file", m.BodyFile)
	o.string("note", m.Note)
	o.flag("redacted", m.Redacted)
	if c.wire != nil {
		o.key("wire")
		o.b = appendBase64(o.b, c.wire)
	}
	if m.Trailer != nil {
		o.key("trailer")
		o.b = appendHeaders(o.b, m.Trailer)
	}
	if len(o.b) == empty {
		o.b, o.comma = o.b[:before], comma
		return
	}
	o.close()
}

// protoOf is the protocol that an httpVersion of any writer means, as net/http spells it.
func protoOf(version string) string {
	switch strings.ToLower(version) {
	case "http/2.0", "http/2", "h2", "2", "2.0", "h2c":
		return "HTTP/2.0"
	case "http/3.0", "http/3", "h3", "3", "3.0":
		return "HTTP/3.0"
	case "http/1.1", "1.1":
		return "HTTP/1.1"
	case "http/1.0", "1.0":
		return "HTTP/1.0"
	}
	return ""
}
