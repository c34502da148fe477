package har

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

// asJSON is x's entry without _modtap.
func asJSON(t *testing.T, x *recorder.Exchange) map[string]any {
	t.Helper()
	var e map[string]any
	line := appendEntry(nil, x, nil, nil)
	if err := json.Unmarshal(line, &e); err != nil {
		t.Fatalf("entry is not JSON: %v\n%s", err, line)
	}
	delete(e, "_modtap")
	return e
}

// TestEntry is formats.md §1.7 word by word.
func TestEntry(t *testing.T) {
	const want = `{"pageref":"page_1","startedDateTime":"2026-11-22T06:00:00.133Z","time":232.301,
 "request":{"method":"GET","url":"https://proxy.golang.org/rsc.io/quote/@v/list?x=1&y=a%20b","httpVersion":"http/2.0","cookies":[],
  "headers":[{"name":"Accept","value":"*/*"}],"queryString":[{"name":"x","value":"1"},{"name":"y","value":"a b"}],"headersSize":180,"bodySize":0},
 "response":{"status":200,"statusText":"","httpVersion":"http/2.0","cookies":[],"headers":[{"name":"Date","value":"now"}],
  "content":{"size":14,"mimeType":"text/plain; charset=utf-8","text":"v1.5.1\nv1.5.2\n"},"redirectURL":"","headersSize":200,"bodySize":14,"_transferSize":214},
 "cache":{},"timings":{"blocked":2,"dns":20,"connect":80,"ssl":50,"send":0.301,"wait":120,"receive":10},
 "serverIPAddress":"142.250.74.81","connection":"443","_connectionId":"7","_resourceType":"fetch","_priority":"High","_initiator":{"type":"other"}}`
	x := firstOnConn(1)
	x.Request.Header, x.Response.Header = []recorder.Header{{Name: "Accept", Value: "*/*"}}, []recorder.Header{{Name: "Date", Value: "now"}}
	var w map[string]any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, asJSON(t, x)); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
}

var entryTests = []struct {
	name   string
	change func(*recorder.Exchange)
	path   []any
	want   any
}{
	{"zero blocked becomes a microsecond", func(x *recorder.Exchange) { x.Server = recorder.Marks{Reused: true, WroteHeaders: 1, End: ms(1)} }, []any{"timings", "blocked"}, 0.001},
	{"and counts in the time", func(x *recorder.Exchange) { x.Server = recorder.Marks{Reused: true, WroteHeaders: 1, End: ms(1)} }, []any{"time"}, 1.001},
	{"reuse has no dns", func(x *recorder.Exchange) { *x = *reused(1) }, []any{"timings", "dns"}, -1.0},
	{"reuse has no connect", func(x *recorder.Exchange) { *x = *reused(1) }, []any{"timings", "connect"}, -1.0},
	{"reuse has no ssl", func(x *recorder.Exchange) { *x = *reused(1) }, []any{"timings", "ssl"}, -1.0},
	{"no parent proxy, no _blocked_proxy", func(x *recorder.Exchange) {}, []any{"timings", "_blocked_proxy"}, nil},
	{"a parent proxy's CONNECT", func(x *recorder.Exchange) {
		x.Server.ProxyStart, x.Server.ProxyDone, x.Server.TLSStart = ms(52), ms(72), ms(72)
	}, []any{"timings", "_blocked_proxy"}, 20.0},
	{"is part of blocked", func(x *recorder.Exchange) {
		x.Server.ProxyStart, x.Server.ProxyDone, x.Server.TLSStart = ms(52), ms(72), ms(72)
	}, []any{"timings", "blocked"}, 22.0},
	{"IPv6 has no brackets", func(x *recorder.Exchange) { x.Remote = "[2a00::1]:8443" }, []any{"serverIPAddress"}, "2a00::1"},
	{"its port", func(x *recorder.Exchange) { x.Remote = "[2a00::1]:8443" }, []any{"connection"}, "8443"},
	{"nor a zone", func(x *recorder.Exchange) { x.Remote = "[fe80::1%eth0]:1" }, []any{"serverIPAddress"}, "fe80::1"},
	{"IPv4 in IPv6", func(x *recorder.Exchange) { x.Remote = "[::ffff:1.2.3.4]:1" }, []any{"serverIPAddress"}, "1.2.3.4"},
	{"a name is no address", func(x *recorder.Exchange) { x.Remote = "proxy.corp:3128" }, []any{"serverIPAddress"}, nil},
	{"but has a port", func(x *recorder.Exchange) { x.Remote = "proxy.corp:3128" }, []any{"connection"}, "3128"},
	{"unknown remote", func(x *recorder.Exchange) { x.Remote = "" }, []any{"connection"}, nil},
	{"odd remote", func(x *recorder.Exchange) { x.Remote = "pipe" }, []any{"connection"}, nil},
	{"no connection", func(x *recorder.Exchange) { x.Conn = 0 }, []any{"_connectionId"}, nil},
	{"HTTP/1.1", func(x *recorder.Exchange) { x.Proto = "HTTP/1.1" }, []any{"response", "httpVersion"}, "HTTP/1.1"},
	{"unknown protocol", func(x *recorder.Exchange) { x.Proto = "" }, []any{"request", "httpVersion"}, "HTTP/1.1"},
	{"fragment", func(x *recorder.Exchange) { x.URL = "https://a.test/x#y" }, []any{"request", "url"}, "https://a.test/x"},
	{"host:port", func(x *recorder.Exchange) { x.URL = "a.test:443" }, []any{"request", "url"}, "https://a.test:443/"},
	{"spaces", func(x *recorder.Exchange) { x.URL = "https://a.test/ x\xff" }, []any{"request", "url"}, "https://a.test/%20x%ff"},
	{"bad query", func(x *recorder.Exchange) { x.URL = "https://a.test/?%zz=1&&b" }, []any{"request", "queryString", 0, "name"}, "%zz"},
	{"key without value", func(x *recorder.Exchange) { x.URL = "https://a.test/?%zz=1&&b" }, []any{"request", "queryString", 1, "value"}, ""},
	{"error", func(x *recorder.Exchange) { x.Err = &recorder.Error{Op: "read", Msg: "EOF"} }, []any{"response", "_error"}, "read: EOF"},
	{"no error", func(x *recorder.Exchange) {}, []any{"response", "_error"}, nil},
	{"redirect", func(x *recorder.Exchange) {
		x.Response.Header = []recorder.Header{{Name: "Location", Value: "/y"}}
	}, []any{"response", "redirectURL"}, "/y"},
	{"unknown header size", func(x *recorder.Exchange) { x.Response.HeaderSize = -1 }, []any{"response", "_transferSize"}, 14.0},
	{"body not kept", func(x *recorder.Exchange) { x.Response.Body, x.Response.Note = nil, "over 64 KiB" }, []any{"response", "content", "text"}, nil},
	{"and why", func(x *recorder.Exchange) { x.Response.Body, x.Response.Note = nil, "over 64 KiB" }, []any{"response", "content", "comment"}, "over 64 KiB"},
	{"binary", func(x *recorder.Exchange) { x.Response.Body = []byte{0xff} }, []any{"response", "content", "text"}, "/w=="},
	{"is base64", func(x *recorder.Exchange) { x.Response.Body = []byte{0xff} }, []any{"response", "content", "encoding"}, "base64"},
	{"gzip is decoded", func(x *recorder.Exchange) { x.Response.Body, x.Response.Encoding = gz("hello hello"), "gzip" }, []any{"response", "content", "text"}, "hello hello"},
	{"its decoded size", func(x *recorder.Exchange) { x.Response.Body, x.Response.Encoding = gz("hello hello"), "gzip" }, []any{"response", "content", "size"}, 11.0},
	{"what was saved", func(x *recorder.Exchange) {
		x.Response.Body, x.Response.Encoding, x.Response.BodySize = gz("hello hello"), "gzip", 4
	}, []any{"response", "content", "compression"}, 7.0},
	{"deflate as the RFC has it", func(x *recorder.Exchange) { x.Response.Body, x.Response.Encoding = zlibbed("hello"), "deflate" }, []any{"response", "content", "text"}, "hello"},
	{"deflate as some servers have it", func(x *recorder.Exchange) { x.Response.Body, x.Response.Encoding = deflated("hello"), "deflate" }, []any{"response", "content", "text"}, "hello"},
	{"broken gzip", func(x *recorder.Exchange) { x.Response.Body, x.Response.Encoding = gz("hello")[:20], "gzip" }, []any{"response", "content", "text"}, nil},
	{"beginning of gzip", func(x *recorder.Exchange) {
		x.Response.Body, x.Response.Encoding, x.Response.Kept = gz("hello")[:20], "gzip", false
	}, []any{"response", "content", "comment"}, "only the first 20 bytes were kept"},
	{"unknown coding", func(x *recorder.Exchange) { x.Response.Encoding = "zstd" }, []any{"response", "content", "comment"}, `body not decoded: unknown Content-Encoding "zstd"`},
	{"gzip bomb", func(x *recorder.Exchange) {
		x.Response.Body, x.Response.Encoding = gz(strings.Repeat("\x00", 4<<20)), "gzip"
	}, []any{"response", "content", "text"}, nil},
	{"no request body", func(x *recorder.Exchange) {}, []any{"request", "postData"}, nil},
	{"request body", func(x *recorder.Exchange) {
		x.Request.Body, x.Request.Kept, x.Request.Mime = []byte("a=b"), true, "text/x"
	}, []any{"request", "postData"}, map[string]any{"mimeType": "text/x", "text": "a=b"}},
	{"binary request body", func(x *recorder.Exchange) { x.Request.Body = []byte("a\xff") }, []any{"request", "postData", "text"}, "a\uFFFD"},
}

func TestEntryFields(t *testing.T) {
	for _, tt := range entryTests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, at(asJSON(t, with(firstOnConn(1), tt.change)), tt.path...)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", tt.path, diff)
			}
		})
	}
}

// TestPhases holds the rules of formats.md §1.1 and §1.4 against random marks.
func TestPhases(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		var m recorder.Marks
		for _, s := range []*recorder.Span{&m.DNSStart, &m.DNSDone, &m.ConnectStart, &m.ConnectDone, &m.ProxyStart, &m.ProxyDone,
			&m.TLSStart, &m.TLSDone, &m.WroteHeaders, &m.WroteRequest, &m.FirstByte, &m.LastByte, &m.End} {
			if r.IntN(3) > 0 {
				*s = recorder.Span(r.Int64N(5_000))
			}
		}
		p := phasesOf(m.Timings())
		switch {
		case p.blocked < 1, p.proxy < 0 || p.proxy > p.blocked, p.ssl > p.connect, p.send < 0 || p.wait < 0 || p.receive < 0,
			p.dns < -1 || p.connect < -1 || p.ssl < -1:
			t.Fatalf("phases %+v of %+v", p, m)
		}
		// Each of six phases may be off by half a microsecond, and blocked by one.
		if off := p.total() - int64(max(m.End, 0))/1000; off < -4 || off > 5 {
			t.Fatalf("total %d µs of %+v", p.total(), m)
		}
	}
}
