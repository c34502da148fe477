package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A canary is a secret and the forms that it may be written in.
type canary struct {
	name  string
	forms map[string][]byte
}

func newCanary(name, secret string) canary {
	c := canary{name, map[string][]byte{"as it is": []byte(secret), "in hex": []byte(hex.EncodeToString([]byte(secret)))}}
	c.forms["in upper-case hex"] = []byte(strings.ToUpper(string(c.forms["in hex"])))
	var percent strings.Builder
	for _, b := range []byte(secret) {
		fmt.Fprintf(&percent, "%%%02X", b)
	}
	c.forms["percent-encoded"] = []byte(percent.String())
	c.forms["percent-encoded in lower case"] = []byte(strings.ToLower(percent.String()))
	for before := range 3 { // as part of user:SECRET it may start at any of three bits
		for as, enc := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := enc.EncodeToString(append(make([]byte, before), secret...))
			// The first and the last characters have bits of what stands beside it.
			c.forms[fmt.Sprintf("in %s after %d bytes", as, before)] = []byte(text[(before*8+5)/6 : (before+len(secret))*8/6])
		}
	}
	return c
}

// in is the form in which text has the secret, or "".
func (c canary) in(text []byte) string {
	for as, form := range c.forms {
		if bytes.Contains(text, form) {
			return as
		}
	}
	return ""
}

func TestCanaryForms(t *testing.T) {
	const secret = "K4naryQ01zW96xJ"
	c := newCanary("x", secret)
	for _, text := range []string{
		secret, "a" + secret + "b", hex.EncodeToString([]byte("user:" + secret)), url.QueryEscape(secret),
		base64.StdEncoding.EncodeToString([]byte("u:" + secret)), base64.StdEncoding.EncodeToString([]byte("us:" + secret + "!")),
		base64.URLEncoding.EncodeToString([]byte("user:" + secret)), base64.RawURLEncoding.EncodeToString([]byte(secret + "\xff\xff")),
	} {
		if c.in([]byte(text)) == "" {
			t.Errorf("the secret is not found in %s", text)
		}
	}
	if form := c.in([]byte("K4naryQ02zW95xJ " + base64.StdEncoding.EncodeToString([]byte("K4naryQ02zW95xJ")))); form != "" {
		t.Errorf("another secret is taken for it, %s", form)
	}
}

// leaks answers with secrets, and echoes those of requests.
func (w *canaryWorld) leaks() http.Handler {
	mux := http.NewServeMux()
	signed := func(name string) string {
		return w.fill("https://storage.golang.test:$PORT/signed?Expires=1&X-Goog-Signature={" + name + "}")
	}
	mux.HandleFunc("/leaks", func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		h.Set("Link", "<"+signed("early-hint")+">; rel=preload")
		rw.WriteHeader(http.StatusEarlyHints)
		h.Del("Link")
		h.Set("Set-Cookie", w.fill("session={set-cookie}; Path=/"))
		h.Set("X-Auth-Token", w.fill("{response-token}"))
		h.Set("Content-Type", "application/json")
		h.Set("Trailer", "X-Session-Token")
		json.NewEncoder(rw).Encode(map[string]any{"token": w.fill("{json-body}"), "you sent": r.Header, "to": r.URL.String()})
		h.Set("X-Session-Token", w.fill("{trailer}"))
	})
	mux.HandleFunc("/hop/", func(rw http.ResponseWriter, r *http.Request) {
		rest := strings.TrimPrefix(r.URL.Path, "/hop")
		http.Redirect(rw, r, w.fill("https://storage.golang.test:$PORT/hopped"+rest+"?Expires=1&Signature={hop}"), http.StatusFound)
	})
	mux.HandleFunc("/hopped/", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, w.fill("https://proxy.golang.test:$PORT"+strings.TrimPrefix(r.URL.Path, "/hopped")), http.StatusFound)
	})
	mux.HandleFunc("/moved", func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, signed("location"), http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/storage-error", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/xml")
		rw.WriteHeader(http.StatusForbidden)
		io.WriteString(rw, w.fill("<?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code><SignatureProvided>{storage-error}</SignatureProvided>"+
			"<CanonicalRequest>GET\n/x\nX-Amz-Security-Token={storage-error}&amp;a=b</CanonicalRequest><Resource>/x?Signature={storage-error}</Resource></Error>"))
	})
	mux.HandleFunc("/gzip", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		rw.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(rw)
		io.WriteString(z, `<a href="`+signed("gzip")+`">there</a>`)
		z.Close()
	})
	mux.HandleFunc("/untyped", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/plain")
		io.WriteString(rw, "see "+signed("untyped"))
	})
	mux.HandleFunc("/large", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/octet-stream")
		io.WriteString(rw, strings.Repeat("nothing to see here\n", 70<<10)+"but "+signed("large")+"\n")
	})
	mux.HandleFunc("/reason", func(rw http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		io.WriteString(c, w.fill("HTTP/1.1 403 see https://user:{reason}@h.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
		c.Close()
	})
	mux.HandleFunc("/refused/", func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		http.Error(rw, "not with "+r.Header.Get("Authorization"), http.StatusUnauthorized)
	})
	return mux
}

// watch follows the stream, and fetches every page when the child has done its work.
func (w *canaryWorld) watch(t *testing.T, ctx context.Context) {
	t.Helper()
	defer os.Remove(filepath.Join(w.theirs, "wait")) // the child may end
	var page string
	for page == "" && ctx.Err() == nil {
		if m := liveView.FindStringSubmatch(w.stderr.String()); m != nil {
			page = m[1]
		}
		time.Sleep(10 * time.Millisecond) // modtap is another process
	}
	done := func() bool { _, err := os.Stat(filepath.Join(w.theirs, "done")); return err == nil }
	w.show(t, ctx, page, "the live view's", done)
	w.dropped(t, ctx, page)
}

// unzipped is b, or what it is when it is gzip.
func unzipped(b []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return b
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return b
	}
	return text
}

// A lockedBuffer may be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
