package stream

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modtap/recorder"
)

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var bodyTests = []struct {
	name, path string
	status     int
	want       string
}{
	{"kept", "/api/body/1", 200, "<script>alert(1)</script>"},
	{"kept and empty", "/api/body/2", 200, ""},
	{"not kept", "/api/body/3", 404, ""},
	{"gzip", "/api/body/4", 200, "module example.test/x\n"},
	{"gzip that is none", "/api/body/5", 200, "plain"},
	{"the request's", "/api/body/1?of=request", 200, "want 1234"},
	{"unknown id", "/api/body/99", 404, ""},
	{"no number", "/api/body/1x", 404, ""},
	{"no id", "/api/body/", 404, ""},
}

func TestBody(t *testing.T) {
	log := recorder.NewLog()
	for i, m := range []recorder.Message{
		{Body: []byte("<script>alert(1)</script>"), Mime: "text/html", Kept: true},
		{Body: []byte{}, Kept: true},
		{Note: "zip"},
		{Body: gzipped(t, "module example.test/x\n"), Encoding: "gzip"},
		{Body: []byte("plain"), Encoding: "gzip"},
	} {
		x := &recorder.Exchange{ID: uint64(i + 1), Response: m, Done: true}
		if i == 0 {
			x.Request.Body = []byte("want 1234")
		}
		log.Append(recorder.Event{Exchange: x})
	}
	s := newServer(t, Config{Log: log})
	for _, tt := range bodyTests {
		t.Run(tt.name, func(t *testing.T) {
			resp := get(s, "GET", tt.path, "Authorization", "Bearer "+token)
			if resp.StatusCode != tt.status {
				t.Fatalf("status %d, want %d", resp.StatusCode, tt.status)
			}
			if tt.status != 200 {
				return
			}
			got, _ := io.ReadAll(resp.Body)
			if string(got) != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			h := resp.Header
			if h.Get("Content-Type") != "text/plain; charset=utf-8" || h.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.HasPrefix(h.Get("Content-Disposition"), "attachment; ") || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
				t.Errorf("a browser might render it: %v", h)
			}
		})
	}
}

func TestHAR(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a \"b\".har")
	long := `{"log":{"entries":[` + strings.Repeat("1,\n", 10_000) + "2]}}\n"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var path string
	s := newServer(t, Config{HAR: func() string { return path }})
	ask := func(method string) (int, string, string) {
		resp := get(s, method, "/api/recording.har", "Authorization", "Bearer "+token)
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), resp.Header.Get("Content-Disposition")
	}
	called := func() string {
		b, _ := io.ReadAll(get(s, "GET", "/api/recording", "Authorization", "Bearer "+token).Body)
		return string(b)
	}
	if got, want := called(), `{"har":""}`+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if status, _, _ := ask("GET"); status != 404 {
		t.Errorf("no recording: status %d, want 404", status)
	}
	path = name
	if got, want := called(), `{"har":"a \"b\".har"}`+"\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if status, _, _ := ask("GET"); status != 404 {
		t.Errorf("recording is gone: status %d, want 404", status)
	}
	for _, text := range []string{"", "{}", long} {
		write(text)
		status, got, disposition := ask("GET")
		if status != 200 || got != text {
			t.Errorf("status %d, %d bytes, want 200, %d bytes", status, len(got), len(text))
		}
		if want := `attachment; filename="a \"b\".har"`; disposition != want {
			t.Errorf("disposition %s, want %s", disposition, want)
		}
	}
	if _, got, _ := ask("HEAD"); got != "" {
		t.Errorf("HEAD has a body of %d bytes", len(got))
	}
}

// The recording is valid at every moment of a writer that works as the HAR sink does.
func TestHARWhileWritten(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "x.har"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const head, foot = `{"log":{"entries":[0`, "\n]}}\n"
	if _, err := f.WriteString(head + foot); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		at := int64(len(head))
		for range 3000 {
			entry := ",\n" + `{"url":"` + strings.Repeat("x", 500) + `"}`
			if _, err := f.WriteAt([]byte(entry+foot), at); err != nil {
				t.Error(err)
				return
			}
			at += int64(len(entry))
		}
	}()
	s := newServer(t, Config{HAR: f.Name})
	reads := 0
	for running := true; running; reads++ {
		select {
		case <-done:
			running = false
		default:
		}
		resp := get(s, "GET", "/api/recording.har", "Authorization", "Bearer "+token)
		b, _ := io.ReadAll(resp.Body)
		if !json.Valid(b) {
			t.Fatalf("read %d: %d bytes are not JSON, ending %q", reads, len(b), b[max(0, len(b)-40):])
		}
	}
	t.Logf("%d reads", reads)
}
