package stream

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modtap/recorder"
	"modtap/recorder/har"
)

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
	s := newServer(t, Config{Source: Source{HAR: func() string { return path }}})
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
	s := newServer(t, Config{Source: Source{HAR: f.Name}})
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

// A recording that was cut into parts gives each of them, and says how many there are.
func TestHARParts(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.har")
	w, err := har.Create(name, har.Options{RotateAt: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	for id := range uint64(400) {
		if err := w.Write(recorder.Event{Exchange: &recorder.Exchange{
			ID: id + 1, Done: true, URL: "https://proxy.test/" + strings.Repeat("x", 500),
		}}); err != nil {
			t.Fatal(err)
		}
	}
	s := newServer(t, Config{Source: Source{HAR: func() string { return name }, Log: recorder.NewLog()}})
	for range 2 { // while it is written and afterwards
		parts := har.Parts(name)
		if parts < 3 {
			t.Fatalf("%d parts", parts)
		}
		if _, text := ask(s, "/api/recording"); text != fmt.Sprintf(`{"har":"x.har","parts":%d}`+"\n", parts) {
			t.Errorf("%d parts, but %s", parts, text)
		}
		for part := range parts {
			status, text := ask(s, fmt.Sprintf("/api/recording.har?part=%d", part+1))
			want, err := os.ReadFile(har.PartPath(name, part+1))
			if err != nil || status != 200 || text != string(want) {
				t.Errorf("part %d: %d, %d bytes, want %d", part+1, status, len(text), len(want))
			}
		}
		for _, part := range []string{"0", "-1", "x", fmt.Sprint(parts + 1), "18446744073709551615"} {
			if status, _ := ask(s, "/api/recording.har?part="+part); status != 404 {
				t.Errorf("part %s: %d, want 404", part, status)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
