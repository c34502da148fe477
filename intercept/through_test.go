package intercept_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/recorder"
)

// What a client sees through the proxy must be what it sees without.
var throughTests = []struct {
	name   string
	method string
	path   string
	body   string
	header http.Header
	knob   origintest.Knob
	status int // recorded; 0: the exchange failed
	op     string
	proto  string // "": both
}{
	{name: "a small file", path: "/example.golang.test/m0/@v/list", status: 200},
	{name: "not found", path: "/example.golang.test/none/@v/list", status: 404},
	{name: "HEAD", method: "HEAD", path: "/bytes/70000", status: 200},
	{name: "a large body", path: "/bytes/3000000", status: 200},
	{name: "unknown length", path: "/bytes/70000", knob: origintest.Knob{Chunked: true}, status: 200},
	{name: "early hints", path: "/bytes/10", knob: origintest.Knob{EarlyHints: true}, status: 200},
	{name: "trailer", path: "/bytes/10", knob: origintest.Knob{Trailer: true}, status: 200},
	{name: "gzip untouched", path: "/bytes/9000", header: http.Header{"Accept-Encoding": {"gzip"}}, knob: origintest.Knob{Gzip: true}, status: 200},
	{name: "redirect not followed", path: "/example.golang.test/m0/@v/v1.0.0.zip", knob: origintest.Knob{Redirect: "storage.golang.test"}, status: 302},
	{name: "204", path: "/bytes/1", knob: origintest.Knob{Status: 204}, status: 204},
	{name: "304", path: "/bytes/1", knob: origintest.Knob{Status: 304}, status: 304},
	{name: "503 with a body", path: "/bytes/1", knob: origintest.Knob{Status: 503, Body: "come back later"}, status: 503},
	{name: "upload", method: "POST", path: "/echo", body: strings.Repeat("upload ", 50000), status: 200},
	{name: "expect 100", method: "POST", path: "/echo", body: strings.Repeat("x", 9000), header: http.Header{"Expect": {"100-continue"}}, status: 200},
	{name: "reset instead of headers", path: "/bytes/1", knob: origintest.Knob{Fail: origintest.Reset}, op: "read"},
	{name: "closed instead of headers", path: "/bytes/1", knob: origintest.Knob{Fail: origintest.Close}, op: "read"},
	{name: "aborted instead of headers", path: "/bytes/1", knob: origintest.Knob{Fail: origintest.Abort}, op: "read"},
	{name: "aborted in the body", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.AbortBody}, status: 200, op: "read"},
	{name: "closed in the body", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.CloseBody}, status: 200, op: "read"},
	{name: "unknown length, closed in the body", path: "/bytes/300000", knob: origintest.Knob{Fail: origintest.CloseBody, Chunked: true}, status: 200, op: "read"},
}

func TestThrough(t *testing.T) {
	for _, proto := range []string{"h2", "http/1.1"} {
		for _, test := range throughTests {
			if test.proto != "" && test.proto != proto {
				continue
			}
			t.Run(proto+" "+test.name, func(t *testing.T) {
				o := origintest.Start(t, origintest.Config{Protos: []string{proto}, Knobs: []origintest.Knob{test.knob}})
				r := newRig(t, o, nil)
				ask := func(c *http.Client) string {
					req, err := http.NewRequest(or(test.method, "GET"), o.URL()+test.path, strings.NewReader(test.body))
					if err != nil {
						t.Fatal(err)
					}
					for k, v := range test.header {
						req.Header[k] = v
					}
					return seen(c, req)
				}
				want, got := ask(r.direct(proto)), ask(r.tapped(proto))
				want, got = normal(want), normal(got)
				if got != want {
					t.Errorf("through the proxy:\n%s\ndirect:\n%s", got, want)
				}
				x := r.exchanges(1)[0]
				if x.Status != test.status || opOf(x) != test.op {
					t.Errorf("recorded status %d, op %q (%v); want %d, %q", x.Status, opOf(x), x.Err, test.status, test.op)
				}
			})
		}
	}
}

// normal removes what two connections cannot share: port numbers of clients, and on a cut
// body how many bytes had arrived.
func normal(s string) string {
	if before, after, ok := strings.Cut(s, "body="); ok && strings.Contains(after, "err=unexpected EOF") {
		return before + "body cut: unexpected EOF"
	}
	if i := strings.Index(s, "stream ID "); i >= 0 { // numbered by each connection
		return s[:i] + s[i+len("stream ID 1"):]
	}
	if strings.HasSuffix(s, "connection reset by peer") && strings.Contains(s, "Get ") {
		// HTTP/2: whether the reset is read as such or as an end is a race, direct too
		s = s[:strings.Index(s, "\": ")] + "\": unexpected EOF"
	}
	if i, j := strings.Index(s, "read tcp "), strings.LastIndex(s, ": "); i >= 0 {
		return s[:i] + "read tcp" + s[j:]
	}
	return s
}

func opOf(x *recorder.Exchange) string {
	if x.Err == nil {
		return ""
	}
	return x.Err.Op
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func TestRecord(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	r := newRig(t, o, nil)
	c := r.tapped()
	zip := "/example.golang.test/m0/@v/v1.0.0.zip"
	var size int64
	for _, path := range []string{"/example.golang.test/m0/@v/v1.0.0.mod", zip, "/example.golang.test/none/@v/list", "/example.golang.test/none/@v/list"} {
		resp, err := c.Get(o.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if path == zip {
			size = int64(len(b))
		}
	}
	xs := r.exchanges(4)
	mod, z := xs[0], xs[1]
	if mod.Go.Kind != "mod" || mod.Go.Module != "example.golang.test/m0" || mod.Go.Version != "v1.0.0" {
		t.Errorf("the .mod was recorded as %+v", mod.Go)
	}
	if !mod.Response.Kept || !strings.HasPrefix(string(mod.Response.Body), "module example.golang.test/m0") {
		t.Errorf("the .mod's body was kept as %q", mod.Response.Body)
	}
	if mod.Server.Reused || !xs[1].Server.Reused {
		t.Errorf("reused: first %v, second %v; want false, true", mod.Server.Reused, xs[1].Server.Reused)
	}
	if z.Response.BodySize != size || z.Response.Body != nil {
		t.Errorf("the zip's size is %d, want %d; kept %d bytes, want none", z.Response.BodySize, size, len(z.Response.Body))
	}
	if xs[2].Parent != 0 || xs[3].Parent != xs[2].ID {
		t.Errorf("the twin of the 404 has parent %d, want %d", xs[3].Parent, xs[2].ID)
	}
	c.CloseIdleConnections()
	r.stop()
	conns := r.conns()
	if len(conns) != 1 || conns[0].Exchanges != 4 || conns[0].TLS.ALPN != "h2" || conns[0].Closed == "" {
		t.Errorf("%d connections, the first %+v", len(conns), *conns[0])
	}
}

// TestBodies keeps what each policy says.
func TestBodies(t *testing.T) {
	const text, large = "/example.golang.test/m0/@v/list", "/bytes/3000000"
	tests := []struct {
		name             string
		bodies           intercept.Bodies
		text, large      bool // kept in memory
		file             bool // the large one, in a file
		noteOfTheLargest string
	}{
		{name: "text", text: true, noteOfTheLargest: "not text"},
		{name: "none", bodies: intercept.Bodies{Policy: intercept.BodiesNone}, noteOfTheLargest: "bodies are not kept"},
		{name: "all", bodies: intercept.Bodies{Policy: intercept.BodiesAll, Dir: filepath.Join(t.TempDir(), "x.bodies")}, text: true, file: true},
		{name: "all, limited", bodies: intercept.Bodies{Policy: intercept.BodiesAll, Dir: t.TempDir(), Limit: 2 << 20}, text: true, noteOfTheLargest: "over 2097152 bytes"},
		{name: "all, nowhere", bodies: intercept.Bodies{Policy: intercept.BodiesAll}, text: true, noteOfTheLargest: "over 1 MiB"},
		{name: "all, unwritable", bodies: intercept.Bodies{Policy: intercept.BodiesAll, Dir: "/dev/null/x"}, text: true, noteOfTheLargest: "not a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := origintest.Start(t, origintest.Config{})
			r := newRig(t, o, func(c *intercept.Config) { c.Bodies = test.bodies })
			sums := map[string]string{}
			for _, path := range []string{text, large} {
				resp, err := r.tapped().Get(o.URL() + path)
				if err != nil {
					t.Fatal(err)
				}
				h := sha256.New()
				io.Copy(h, resp.Body)
				resp.Body.Close()
				sums[path] = hex.EncodeToString(h.Sum(nil))
			}
			xs := r.exchanges(2)
			small, big := xs[0].Response, xs[1].Response
			if small.Kept != test.text || (small.Body != nil) != test.text {
				t.Errorf("the text: kept %v, %q", small.Kept, small.Body)
			}
			if !strings.Contains(big.Note, test.noteOfTheLargest) || big.Body != nil || big.Kept != test.file {
				t.Errorf("the large body: kept %v, %d bytes, note %q", big.Kept, len(big.Body), big.Note)
			}
			if test.file {
				b, err := os.ReadFile(filepath.Join(filepath.Dir(test.bodies.Dir), big.BodyFile))
				if sum := sha256.Sum256(b); err != nil || hex.EncodeToString(sum[:]) != sums[large] || big.SHA256 != sums[large] {
					t.Errorf("%s holds %d bytes, %v", big.BodyFile, len(b), err)
				}
			}
			if test.bodies.Dir != "" && !test.file {
				if left, _ := os.ReadDir(test.bodies.Dir); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			}
		})
	}
}

func TestClientCancels(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Knobs: []origintest.Knob{{Fail: origintest.Stall}}})
	for _, proto := range []string{"h2", "http/1.1"} {
		r := newRig(t, o, nil)
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", o.URL()+"/bytes/1", nil)
		if _, err := r.tapped(proto).Do(req); err == nil {
			t.Fatal("the request did not fail")
		}
		if x := r.exchanges(1)[0]; opOf(x) != "canceled" || x.Server.Timings().Wait < recorder.Span(100*time.Millisecond) {
			t.Errorf("%s: recorded %v, phases %+v", proto, x.Err, x.Server.Timings())
		}
	}
}
