package har

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

var t0 = time.Date(2026, 11, 22, 6, 0, 0, 123456789, time.UTC)

func ms(f float64) recorder.Span { return recorder.Span(f * 1e6) }

func sampleSession() *recorder.Session {
	return &recorder.Session{
		ID: "s1", Tool: "v1.2.3", Mode: "run", Argv: []string{"go", "mod", "download", "a b"}, Dir: "app", Start: t0,
		OS: "linux/amd64", Go: "go1.26.8", Proxy: "127.0.0.1:1", GOPROXY: "https://proxy.golang.org,direct", GOSUMDB: "sum.golang.org",
	}
}

// firstOnConn opens a connection; everything is measured.
func firstOnConn(id uint64) *recorder.Exchange {
	return &recorder.Exchange{
		ID: id, Conn: 7, Tunnel: 3, Start: t0.Add(time.Duration(id) * 10 * time.Millisecond),
		Method: "GET", URL: "https://proxy.golang.org/rsc.io/quote/@v/list?x=1&y=a%20b", Proto: "HTTP/2.0", Remote: "142.250.74.81:443",
		Go: gomod.Request{Kind: gomod.List, Module: "rsc.io/quote"},
		Server: recorder.Marks{
			DNSStart: ms(2), DNSDone: ms(22), ConnectStart: ms(22), ConnectDone: ms(52), TLSStart: ms(52.000001), TLSDone: ms(102),
			GotConn: ms(102), WroteHeaders: ms(102), WroteRequest: ms(102.301), FirstByte: ms(222.301), LastByte: ms(232.3), End: ms(232.301),
		},
		Client: recorder.Marks{GotConn: ms(0.5), FirstByte: ms(222.5), LastByte: ms(232.4), End: ms(232.5)},
		Status: 200,
		Request: recorder.Message{HeaderSize: 180, Header: []recorder.Header{
			{Name: "User-Agent", Value: "Go-http-client/2.0"}, {Name: "Accept-Encoding", Value: "gzip"}, {Name: "Referer", Value: `"quoted" <html>`},
			{Name: "X-A", Value: "1"}, {Name: "X-A", Value: "2"}, {Name: "X-B", Value: "tab\there"}, {Name: "X-C", Value: "ünï"}, {Name: "X-D", Value: ""},
		}},
		Response: recorder.Message{
			HeaderSize: 200, BodySize: 14, Mime: "text/plain; charset=utf-8", Body: []byte("v1.5.1\nv1.5.2\n"), Kept: true,
			Header: []recorder.Header{
				{Name: "Content-Type", Value: "text/plain; charset=utf-8"}, {Name: "Content-Length", Value: "14"}, {Name: "Date", Value: "Sun, 22 Nov 2026 06:00:00 GMT"},
				{Name: "Cache-Control", Value: "public, max-age=60"}, {Name: "Etag", Value: `"abc"`}, {Name: "Vary", Value: "Accept"},
				{Name: "Server", Value: "ESF"}, {Name: "X-Frame-Options", Value: "DENY"}, {Name: "Age", Value: "3"}, {Name: "Alt-Svc", Value: `h3=":443"; ma=2592000`},
			},
		},
		ServerBlocked: ms(9.5), ClientBlocked: ms(0.25), Overhead: ms(0.033333), Done: true,
		TCP: &recorder.TCP{ // as on macOS; what is 0 and what is not known must not be mixed up
			Samples: 2, RTT: ms(30), RTTVar: ms(2), MinRTT: -1, MaxRTT: ms(31), Retrans: 0, RetransBytes: 0, SynRetrans: -1,
			SegsOut: 9, BytesOut: 700, Reordered: 0, RwndLimit: -1, SndLimit: -1, Note: "measured to the parent proxy",
		},
	}
}

func reused(id uint64) *recorder.Exchange {
	x := firstOnConn(id)
	x.Server = recorder.Marks{Reused: true, GotConn: ms(0.01), WroteHeaders: ms(0.012), WroteRequest: ms(0.1), FirstByte: ms(90), LastByte: ms(93), End: ms(93.11)}
	return x
}

func gz(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.Bytes()
}

func zlibbed(s string) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.Bytes()
}

func deflated(s string) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	io.WriteString(w, s)
	w.Close()
	return b.Bytes()
}

// with returns a copy of x that change has changed.
func with(x *recorder.Exchange, change func(*recorder.Exchange)) *recorder.Exchange {
	c := *x
	change(&c)
	return &c
}

// richExchanges is one of everything that a recording may hold.
func richExchanges() []*recorder.Exchange {
	id := uint64(0)
	next := func(x func(uint64) *recorder.Exchange, change func(*recorder.Exchange)) *recorder.Exchange {
		id++
		return with(x(id), change)
	}
	return []*recorder.Exchange{
		next(firstOnConn, func(x *recorder.Exchange) {}),
		next(reused, func(x *recorder.Exchange) {}),
		next(reused, func(x *recorder.Exchange) { // zero-length phases: blocked must not become 0
			x.Server = recorder.Marks{Reused: true, GotConn: 1, WroteHeaders: 1, WroteRequest: 1, FirstByte: ms(90), LastByte: ms(90), End: ms(90)}
		}),
		next(firstOnConn, func(x *recorder.Exchange) { // HTTP/1.1, IPv6 with zone, parent proxy
			x.Conn, x.Proto, x.Remote, x.Reason = 8, "HTTP/1.1", "[fe80::1%eth0]:8443", "OK"
			x.Server.ProxyStart, x.Server.ProxyDone = ms(52), ms(72)
			x.Server.TLSStart = ms(72)
		}),
		next(reused, func(x *recorder.Exchange) { // a zip: hashed
			x.URL, x.Go = "https://proxy.golang.org/rsc.io/quote/@v/v1.5.2.zip", gomod.Request{Kind: gomod.Zip, Module: "rsc.io/quote", Version: "v1.5.2"}
			x.Response.Body, x.Response.Kept, x.Response.BodySize = nil, false, 5<<20
			x.Response.Mime, x.Response.SHA256, x.Response.Note = "application/zip", strings.Repeat("ab", 32), "body not kept: zip"
		}),
		next(reused, func(x *recorder.Exchange) { // gzip
			x.Response.Body, x.Response.Encoding = gz(`{"Version":"v1.5.2"}`), "gzip"
			x.Response.BodySize, x.Response.Mime = int64(len(x.Response.Body)), "application/json"
		}),
		next(reused, func(x *recorder.Exchange) { // a coding that we cannot undo
			x.Response.Body, x.Response.Encoding, x.Response.BodySize = []byte("\x0b\x02\x80abc\x03"), "br", 7
		}),
		next(reused, func(x *recorder.Exchange) { // binary
			x.Response.Body, x.Response.BodySize, x.Response.Mime = []byte("\x00\xff\xfe\x80"), 4, "application/octet-stream"
		}),
		next(reused, func(x *recorder.Exchange) { // the beginning of a body
			x.Response.Body, x.Response.Kept, x.Response.BodySize = []byte("first bytes \u2028 \x7f \x01"), false, 1000
		}),
		next(reused, func(x *recorder.Exchange) { // a request with a body, and trailers
			x.Method, x.URL = "POST", "https://github.com/rsc/quote/git-upload-pack"
			x.Request.Body, x.Request.Kept, x.Request.BodySize, x.Request.Mime = []byte("0014command=ls-refs\n\x00"), true, 21, "application/x-git-upload-pack-request"
			x.Request.Trailer = []recorder.Header{{Name: "X-Sum", Value: "1"}}
			x.Response.Trailer = []recorder.Header{{Name: "X-Sum", Value: "2"}, {Name: "X-Sum", Value: "3"}}
		}),
		next(reused, func(x *recorder.Exchange) { // a gzipped request
			x.Method = "POST"
			x.Request.Body, x.Request.Encoding, x.Request.Kept = gz("want"), "gzip", true
		}),
		next(reused, func(x *recorder.Exchange) { // redirected, rules
			x.Status, x.Reason, x.Parent, x.Rules, x.SentTo, x.Resent, x.Injected = 302, "Found", 1, []string{"slow", "mirror"}, "https://goproxy.cn/x", 2, ms(500)
			x.Response.Header = append([]recorder.Header{{Name: "Location", Value: "https://storage.googleapis.com/x?Signature=REDACTED"}}, x.Response.Header...)
		}),
		next(reused, func(x *recorder.Exchange) { x.Response.Body, x.Response.BodySize = []byte{}, 0 }),
		next(reused, func(x *recorder.Exchange) { // an error page
			x.Status, x.Reason, x.Proto = 404, "Not Found", "HTTP/1.0"
		}),
	}
}

// failures are exchanges without an answer.
func failures() []*recorder.Exchange {
	fail := func(id uint64, op, msg string, m recorder.Marks, change func(*recorder.Exchange)) *recorder.Exchange {
		x := &recorder.Exchange{
			ID: id, Tunnel: 3, Start: t0.Add(time.Duration(id) * time.Second), Method: "GET", URL: "https://proxy.golang.org/x/@v/list", Proto: "HTTP/1.1",
			Server: m, Err: &recorder.Error{Op: op, Msg: msg}, Request: recorder.Message{HeaderSize: -1}, Response: recorder.Message{HeaderSize: -1}, Done: true,
		}
		change(x)
		return x
	}
	none := func(*recorder.Exchange) {}
	return []*recorder.Exchange{
		fail(101, "dns", "lookup proxy.golang.org: no such host", recorder.Marks{DNSStart: ms(0.1), DNSDone: ms(30), End: ms(30)}, none),
		fail(102, "dial", "dial tcp 10.0.0.1:443: i/o timeout", recorder.Marks{DNSStart: ms(0.1), DNSDone: ms(3), ConnectStart: ms(3), End: ms(30000)}, none),
		fail(103, "tls", "tls: handshake timeout", recorder.Marks{ConnectStart: ms(3), ConnectDone: ms(40), TLSStart: ms(40), End: ms(10040)}, none),
		fail(104, "read", "connection reset by peer", recorder.Marks{Reused: true, GotConn: ms(1), WroteHeaders: ms(1), WroteRequest: ms(1.1), End: ms(70)}, none),
		fail(105, "read", "unexpected EOF", recorder.Marks{Reused: true, WroteHeaders: ms(1), WroteRequest: ms(1.1), FirstByte: ms(50), LastByte: ms(60), End: ms(70)},
			func(x *recorder.Exchange) { x.Status, x.Response.BodySize = 200, 100 }),
		fail(106, "client-tls", "remote error: tls: bad certificate", recorder.Marks{}, func(x *recorder.Exchange) { x.Method, x.URL = "CONNECT", "https://proxy.golang.org:443/" }),
		fail(107, "dial", "refused", recorder.Marks{End: 1}, func(x *recorder.Exchange) { x.Method, x.URL, x.Proto = "CONNECT", "proxy.golang.org:443", "" }),
		fail(108, "proxy", "502", recorder.Marks{ConnectStart: ms(1), ConnectDone: ms(2), ProxyStart: ms(2), End: ms(44)},
			func(x *recorder.Exchange) { x.Status, x.Reason, x.Remote = 502, "Bad Gateway", "proxy.corp:3128" }),
	}
}

func sampleConn(id uint64) *recorder.Conn {
	return &recorder.Conn{
		ID: id, Tunnel: 3, Target: "proxy.golang.org:443", Scheme: "https", Start: t0,
		Marks: recorder.Marks{DNSStart: 1, DNSDone: ms(20.5), ConnectStart: ms(21), ConnectDone: ms(50)},
		Addrs: []string{"142.250.74.81", "2a00::1"}, Dials: []recorder.Dial{{Addr: "142.250.74.81:443", Start: ms(21), Done: ms(50)}, {Addr: "[2a00::1]:443", Start: 1, Err: "no <route>"}},
		Remote: "142.250.74.81:443", Local: "10.0.0.2:5555",
		TLS:       &recorder.TLS{Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", ALPN: "h2", Expires: t0},
		TCP:       &recorder.TCP{Note: "tcp statistics on plan9: unsupported operation", RTT: -1, Retrans: -1},
		Exchanges: 1, BytesIn: 5000, BytesOut: 900,
	}
}

func sampleTunnel(id uint64) *recorder.Tunnel {
	return &recorder.Tunnel{
		ID: id, Conn: 7, Target: "proxy.golang.org:443", Agent: "Go-http-client/1.1", Kind: "mitm", Start: t0, Answered: ms(1),
		Hello: ms(1.2), TLSDone: ms(55), Mint: ms(0.2), TLS: &recorder.TLS{Version: "TLS 1.3", Suite: "x"}, Status: 200, Exchanges: 4,
	}
}

// create makes a Writer in a fresh folder and closes it at the end of the test.
func create(t testing.TB, o Options) *Writer {
	t.Helper()
	w, err := Create(filepath.Join(t.TempDir(), "t.har"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// give writes events, flushing after each.
func give(t testing.TB, w *Writer, events ...recorder.Event) {
	t.Helper()
	for _, e := range events {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
}

func exchangeEvents(xs ...*recorder.Exchange) (events []recorder.Event) {
	for _, x := range xs {
		events = append(events, recorder.Event{Exchange: x})
	}
	return events
}

// record writes a whole recording and returns its path.
func record(t testing.TB, o Options, events ...recorder.Event) string {
	t.Helper()
	w := create(t, o)
	give(t, w, events...)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.Path()
}

// parse reads the file as JSON and returns log.
func parse(t testing.TB, path string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Log map[string]any }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("%s is not JSON: %v\n%.2000s", path, err, data)
	}
	return file.Log
}

// at walks through objects and lists: at(log, "entries", 0, "response").
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		default:
			panic(fmt.Sprint(p))
		}
	}
	return v
}
