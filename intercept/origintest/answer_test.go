package origintest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var answerTests = []struct {
	name   string
	url    string // below the URL of the origin
	knob   Knob
	status int
	header http.Header // the ones that must be there; nil value: must not
	body   string
}{
	{"list", m0 + "list", Knob{}, 200, http.Header{"Content-Length": {"14"}}, "v1.0.0\nv1.1.0\n"},
	{"an upper-case path", "/example.golang.test/%21upper/@v/list", Knob{}, 200, nil, "v1.0.0\nv1.3.2-RC.1\n"},
	{"an upper-case version", "/example.golang.test/!upper/@v/v1.3.2-!r!c.1.info", Knob{}, 200, http.Header{"Content-Type": {"application/json"}}, `{"Version":"v1.3.2-RC.1","Time":"2024-05-01T12:00:00Z"}`},
	{"a module without tags", "/example.golang.test/untagged/@v/list", Knob{}, 200, nil, ""},
	{"its latest", "/example.golang.test/untagged/@latest", Knob{}, 200, nil, `{"Version":"v0.0.0-20240501120000-0123456789ab","Time":"2024-05-01T12:00:00Z"}`},
	{"unknown module", "/example.golang.test/nope/@v/list", Knob{}, 404, nil, "not found: module example.golang.test/nope: no matching versions\n"},
	{"sumdb through the proxy", "/sumdb/sum.golang.test/supported", Knob{}, 200, nil, ""},
	{"sumdb not through the proxy", "/sumdb/sum.golang.test/supported", Knob{Match: Match{Kind: "supported"}, Status: 404}, 404, nil, "Not Found"},
	{"status", m0 + "list", Knob{Status: 429, Body: "slow down", Header: http.Header{"Retry-After": {"30"}}}, 429, http.Header{"Retry-After": {"30"}}, "slow down"},
	{"another kind", m0 + "list", Knob{Match: Match{Kind: "zip"}, Status: 500}, 200, nil, "v1.0.0\nv1.1.0\n"},
	{"another host", m0 + "list", Knob{Match: Match{Host: "sum.*"}, Status: 500}, 200, nil, "v1.0.0\nv1.1.0\n"},
	{"this host", m0 + "list", Knob{Match: Match{Host: "proxy.*"}, Status: 500}, 500, nil, "Internal Server Error"},
	{"a function", m0 + "list", Knob{Match: Match{When: func(r *http.Request) bool { return r.Method == "GET" }}, Status: 500}, 500, nil, "Internal Server Error"},
	{"chunked", m0 + "list", Knob{Chunked: true}, 200, http.Header{"Content-Length": nil}, "v1.0.0\nv1.1.0\n"},
	{"gzip that was not asked for", m0 + "list", Knob{Gzip: true}, 200, http.Header{"Content-Encoding": nil}, "v1.0.0\nv1.1.0\n"},
	{"go-get", "/example.golang.test/m0?go-get=1", Knob{}, 200, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, "<!DOCTYPE html>\n<meta name=\"go-import\" content=\"proxy.golang.test/example.golang.test/m0 mod ORIGIN\">\n"},
	{"no content", m0 + "list", Knob{Status: 204}, 204, nil, ""},
}

func TestAnswers(t *testing.T) {
	o := Start(t, Config{})
	for _, p := range protoTests {
		c := o.Client(p.alpn)
		for _, tt := range answerTests {
			t.Run(p.name+"/"+tt.name, func(t *testing.T) {
				o.SetKnobs(tt.knob)
				g := get(c, o.URL()+tt.url)
				if g.Err != "" || g.Status != tt.status {
					t.Fatalf("status %d %s, want %d", g.Status, g.Err, tt.status)
				}
				if diff := cmp.Diff(strings.ReplaceAll(tt.body, "ORIGIN", o.URL()), string(g.text)); diff != "" {
					t.Error(diff)
				}
				for name, want := range tt.header {
					if diff := cmp.Diff(want, g.response.Header[name]); diff != "" {
						t.Errorf("%s: %s", name, diff)
					}
				}
				if g.response.Proto != p.proto {
					t.Errorf("answered with %s", g.response.Proto)
				}
			})
		}
	}
}

func TestGzipTrailerAndEarlyHints(t *testing.T) {
	o := Start(t, Config{Knobs: []Knob{{Gzip: true, Trailer: true, EarlyHints: true}}})
	for _, p := range protoTests {
		t.Run(p.name, func(t *testing.T) {
			var hints []int
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { hints = append(hints, code); return nil },
			})
			req, _ := http.NewRequestWithContext(ctx, "GET", o.URL()+m0+"list", nil)
			req.Header.Set("Accept-Encoding", "gzip")
			resp, err := o.Client(p.alpn).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			want := http.Header{"X-Origin-Trailer": {"end"}}
			if diff := cmp.Diff(want, resp.Trailer); diff != "" {
				t.Error(diff)
			}
			if resp.Header.Get("Content-Encoding") != "gzip" || !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
				t.Errorf("not compressed: %v %q", resp.Header, body)
			}
			if diff := cmp.Diff([]int{103}, hints); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRedirectToStorage(t *testing.T) {
	o := Start(t, Config{Knobs: []Knob{{Match: Match{Kind: "zip"}, Redirect: "storage.golang.test"}}, Prefix: "/api/go"})
	c := o.Client()
	c.CheckRedirect = nil
	resp, err := c.Get(o.URL() + m0 + "v1.0.0.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(body, DefaultTree().Zip("example.golang.test/m0", "v1.0.0")) {
		t.Errorf("got %d bytes, %v: not the zip", len(body), err)
	}
	rs := o.Requests()
	if len(rs) != 2 || rs[0].Status != 302 || rs[1].Kind != "storage" {
		t.Fatalf("requests: %+v", rs)
	}
	if want := o.URL() + m0 + "v1.0.0.zip"; rs[1].Header.Get("Referer") != want {
		t.Errorf("Referer %q, want %q", rs[1].Header.Get("Referer"), want)
	}
	if !strings.Contains(rs[1].URL, ":m0-v1.0.0.zip?") && !strings.Contains(rs[1].URL, "%3Am0-v1.0.0.zip?") {
		t.Errorf("storage URL %s", rs[1].URL)
	}
}

func TestUploads(t *testing.T) {
	const want = `{"bytes":300000,"sha256":"6e8ca94ad6f957e5545accfba6222278636c3ca123d9fff6ba83f7668818f736"}`
	o := Start(t, Config{})
	for _, p := range protoTests {
		t.Run(p.name, func(t *testing.T) {
			data := bytes.Repeat([]byte("zap"), 100_000)
			c := o.Client(p.alpn)
			for _, path := range []string{"/echo", "/upload"} {
				o.Forget()
				resp, err := c.Post(o.URL()+path, "text/plain", bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 {
					t.Fatalf("%s: %d %v", path, resp.StatusCode, err)
				}
				if path == "/echo" && !bytes.Equal(body, data) {
					t.Errorf("echo of %d bytes has %d", len(data), len(body))
				}
				if path == "/upload" && string(body) != want {
					t.Errorf("upload: %s, want %s", body, want)
				}
				if r := only(t, o); r.Received != 300_000 || r.Gone {
					t.Errorf("record: %+v", r)
				}
			}
		})
	}
}

func TestUpgrade(t *testing.T) {
	o := Start(t, Config{})
	c, err := tls.Dial("tcp", o.Addr(), &tls.Config{RootCAs: o.CertPool(), ServerName: ProxyHost, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The first bytes of the new protocol come with the request, as an eager client's do.
	fmt.Fprintf(c, "GET /upgrade HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhel", ProxyHost)
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("%v %v", resp, err)
	}
	fmt.Fprint(c, "lo\n")
	if line, err := br.ReadString('\n'); line != "hello\n" {
		t.Errorf("echo %q, %v", line, err)
	}
	c.Close()
	if r := only(t, o); r.Status != 101 || r.Sent != 6 {
		t.Errorf("record: %+v", r)
	}
}

func TestHandler(t *testing.T) {
	o := Start(t, Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.URL.Path, http.StatusTeapot) })})
	c := o.Client()
	if g := get(c, o.URL()+"/mine"); g.Status != 418 || string(g.text) != "/mine\n" {
		t.Errorf("handler: %d %s", g.Status, g.text)
	}
	if g := get(c, o.URL()+m0+"list"); g.Status != 200 {
		t.Errorf("tree: %d", g.Status)
	}
}
