package intercept

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"modtap/recorder"
)

const leak = "see https://user:canary@h.example/?token=canary\n"

// TestKeeperRedacts: no body reaches the recording or a file before its secrets are out.
func TestKeeperRedacts(t *testing.T) {
	filler := strings.Repeat("nothing to see here\n", inlineLimit/20)
	for _, tt := range []struct {
		name, mime string
		body       string
		keepAll    bool
		file, kept bool
		note       string
	}{
		{"a small text", "text/plain", leak, false, false, true, "secrets in the body were redacted"},
		{"a large text", "text/html", filler + leak, true, true, true, "secrets in the body were redacted"},
		{"a large text that says it is binary", "application/octet-stream", filler + leak, true, true, true, "secrets in the body were redacted"},
		{"a large text without secrets", "text/html", filler + filler, true, true, true, ""},
		{"a large binary", "application/octet-stream", "\x00" + filler + leak, true, true, true, ""},
		{"a text that is too large", "text/plain", strings.Repeat(filler, recorder.MaxText/inlineLimit) + leak + filler, true, false, false, "too much to look through"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "x.bodies")
			p := &Proxy{c: Config{Redactor: recorder.NewRedactor()}}
			if tt.keepAll {
				p.c.Bodies = Bodies{Policy: BodiesAll, Dir: dir}
			}
			resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {tt.mime}}}
			k := p.keeper(&recorder.Exchange{}, resp)
			for rest := tt.body; rest != ""; {
				buf := relayBuffers.Get().(*[]byte)
				n := copy(*buf, rest)
				rest = rest[n:]
				buf = k.take(buf, n)
				relayBuffers.Put(buf)
			}
			m := recorder.Message{Mime: tt.mime, BodySize: int64(len(tt.body))}
			k.finish(&m, true, func() []string { return nil })
			if m.Kept != tt.kept || (m.BodyFile != "") != tt.file || !strings.Contains(m.Note, tt.note) || (m.Note == "") != (tt.note == "") {
				t.Errorf("kept %v, file %q, note %q", m.Kept, m.BodyFile, m.Note)
			}
			body := m.Body
			if tt.file {
				var err error
				if body, err = os.ReadFile(filepath.Join(filepath.Dir(dir), m.BodyFile)); err != nil {
					t.Fatal(err)
				}
				if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != m.SHA256 {
					t.Error("the file has another hash than its name")
				}
			}
			if strings.Contains(string(body), "canary") && tt.body[0] != 0 {
				t.Errorf("the secret was kept: %q", body[max(0, len(body)-200):])
			}
			left, _ := filepath.Glob(filepath.Join(dir, "partial-*"))
			if len(left) > 0 {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

// TestLogLinesAreRedacted: what goproxy and net/http complain about, panics included.
func TestLogLinesAreRedacted(t *testing.T) {
	var logged strings.Builder
	p := &Proxy{c: Config{Redactor: recorder.NewRedactor(), Logger: zerolog.New(&logged)}}
	logWriter{p}.Write([]byte("http: panic serving 127.0.0.1:1: parse https://user:canary@h.example/?token=canary\ngoroutine 1 [running]:\n"))
	logWriter{p}.Write([]byte("http: TLS handshake error: " + leak))
	forwardLog{p}.Printf("[%03d] WARN: cannot read %v\n", 1, leak)
	if s := logged.String(); strings.Contains(s, "canary") || strings.Count(s, recorder.Redacted) < 6 || strings.Count(s, "\n") != 3 {
		t.Error(s)
	}
}

// TestHiddenInHeaders: what the headers and the URL of an exchange hid is hidden in the
// body, wherever the server puts it.
func TestHiddenInHeaders(t *testing.T) {
	r := recorder.NewRedactor()
	p := &Proxy{c: Config{Redactor: r}}
	req, _ := http.NewRequest("GET", "https://h.example/x?token=canary-of-the-url", nil)
	req.Header.Set("X-Auth-Token", "canary-token")
	req.SetBasicAuth("user", "canary-password")
	resp := &http.Response{Request: req, Header: http.Header{"Set-Cookie": {"a=canary-cookie; Path=/"}, "Server": {"x"}}}
	x := &exchange{p: p, asked: req.URL.String()}
	x.rec.URL = r.URL(req.URL.String())
	x.rec.Request.Header, x.rec.Response.Header = p.headers(req.Header), p.headers(resp.Header)
	m := recorder.Message{Mime: "text/plain", Body: []byte("canary-of-the-url canary-token canary-password canary-cookie h.example"), Kept: true}
	r.Body(&m, (&body{x: x, resp: resp}).hidden())
	if got, want := string(m.Body), "REDACTED REDACTED REDACTED REDACTED h.example"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestKeeperLimitAfterRedacting: taking secrets out may make a text larger, above all one
// that was compressed; a body that is then too large says so.
func TestKeeperLimitAfterRedacting(t *testing.T) {
	const limit = 2 << 20
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	io.WriteString(w, strings.Repeat("nothing to see here\n", limit/20)+leak)
	w.Close()
	for _, tt := range []struct {
		name, encoding, body string
		bodies               Bodies
	}{
		{"compressed", "gzip", z.String(), Bodies{}},
		{"compressed, with a limit", "gzip", z.String(), Bodies{Policy: BodiesAll, Limit: limit, Dir: filepath.Join(t.TempDir(), "x.bodies")}},
		{"just under the limit", "", "https://u:p@h.example/ " + strings.Repeat("x", defaultTextLimit-len("https://u:p@h.example/ ")), Bodies{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &Proxy{c: Config{Redactor: recorder.NewRedactor(), Bodies: tt.bodies}}
			resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/plain"}, "Content-Encoding": {tt.encoding}}}
			k := p.keeper(&recorder.Exchange{}, resp)
			k.write([]byte(tt.body))
			m := recorder.Message{Mime: "text/plain", Encoding: tt.encoding, BodySize: int64(len(tt.body))}
			k.finish(&m, true, func() []string { return nil })
			if m.Kept || m.Body != nil || m.BodyFile != "" || m.SHA256 != "" || !strings.Contains(m.Note, "once its secrets were taken out (--body-limit)") {
				t.Errorf("kept %v, %d bytes, file %q, hash %q, note %q", m.Kept, len(m.Body), m.BodyFile, m.SHA256, m.Note)
			}
		})
	}
}
