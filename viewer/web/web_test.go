package web_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/viewer/stream"
	"modtap/viewer/web"
)

// demoHAR stands for a recording; it only has to be there.
const demoHAR = "testdata/timings.json"

// viewerOf serves log until the test ends, and returns the page's address. The visited
// are called when the page is loaded.
func viewerOf(t *testing.T, log *recorder.Log, addr string, visited ...func()) string {
	t.Helper()
	return viewerFor(t, stream.Source{Log: log, HAR: func() string { return demoHAR }}, addr, visited...)
}

// viewerFor is viewerOf for any source.
func viewerFor(t *testing.T, source stream.Source, addr string, visited ...func()) string {
	t.Helper()
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			for _, f := range visited {
				f()
			}
		}
		web.Handler().ServeHTTP(w, r)
	})
	s, err := stream.New(stream.Config{Source: source, Token: "demo", Page: page})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = s.Shutdown(ctx) // a browser may keep its connection
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s.URL(l.Addr().String())
}

// TestDemo serves the demo session for a person to look at:
//
//	MODTAP_DEMO=127.0.0.1:8081 go test -count=1 -timeout=0 -run TestDemo ./viewer/web
//
// MODTAP_DEMO_FROM=4s starts in the middle, end shows it complete, empty nothing at all.
func TestDemo(t *testing.T) {
	addr := os.Getenv("MODTAP_DEMO")
	if addr == "" {
		t.Skip("MODTAP_DEMO is not set: the demo is for looking at")
	}
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt)
	defer stop()
	log := recorder.NewLog()
	var from time.Duration
	switch v := os.Getenv("MODTAP_DEMO_FROM"); v {
	case "", "empty":
	case "end":
		from = time.Hour
	default:
		d, err := time.ParseDuration(v)
		if err != nil {
			t.Fatal(err)
		}
		from = d
	}
	d := newDemo(time.Now().Add(-min(from, time.Minute)))
	t.Logf("open %s", viewerOf(t, log, addr))
	if os.Getenv("MODTAP_DEMO_FROM") == "empty" {
		log.Append(d.events[0].e)
	} else {
		d.play(ctx, log, from)
	}
	<-ctx.Done()
}

var handlerTests = []struct {
	path   string
	status int
	mime   string
}{
	{"/", 200, "text/html; charset=utf-8"},
	{"/index.html", 200, "text/html; charset=utf-8"},
	{"/main.js", 200, "text/javascript; charset=utf-8"},
	{"/style.css", 200, "text/css; charset=utf-8"},
	{"/icon.svg", 200, "image/svg+xml"},
	{"/../web.go", 404, ""},
	{"/x/../main.js", 404, ""},
	{"//main.js", 404, ""},
	{"/nothing.js", 404, ""},
	{"/static/main.js", 404, ""},
	{"/static", 404, ""},
}

func TestHandler(t *testing.T) {
	for _, tt := range handlerTests {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path = tt.path
		w := httptest.NewRecorder()
		web.Handler().ServeHTTP(w, r)
		if w.Code != tt.status || tt.mime != "" && w.Header().Get("Content-Type") != tt.mime {
			t.Errorf("%s: %d %q, want %d %q", tt.path, w.Code, w.Header().Get("Content-Type"), tt.status, tt.mime)
		}
	}
}

// What the page must never have: markup from strings, styles and scripts that the
// Content-Security-Policy would block, addresses of other hosts.
var forbidden = []struct {
	in   string // files
	what *regexp.Regexp
	why  string
}{
	{"*.js", regexp.MustCompile(`(inner|outer)HTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc`), "recorded bytes could become markup"},
	{"*.js", regexp.MustCompile(`\beval\(|new Function|setTimeout\("`), "script from a string"},
	{"*.js", regexp.MustCompile(`setAttribute\("style"|cssText`), "a style attribute is blocked"},
	{"*.html", regexp.MustCompile(`(?i)\son[a-z]+=|\sstyle=|<style|<script>|javascript:`), "inline code is blocked"},
	{"*.*", regexp.MustCompile(`https?://`), "another host"},
	{"*.css", regexp.MustCompile(`@import|url\(`), "another file"},
}

func TestSources(t *testing.T) {
	files, err := filepath.Glob("static/*.*")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		clean := strings.ReplaceAll(string(text), `xmlns="http://www.w3.org/2000/svg"`, "")
		for _, f := range forbidden {
			if ok, _ := path.Match(f.in, filepath.Base(file)); !ok {
				continue
			}
			for _, hit := range f.what.FindAllString(clean, -1) {
				t.Errorf("%s: %q: %s", file, hit, f.why)
			}
		}
	}
}
