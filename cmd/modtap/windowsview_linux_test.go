package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/viewer/stream"
)

// A shared buffer is written by a process while a test reads it.
type sharedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sharedBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *sharedBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestWindowsView: while the command runs under modtap.exe run --view, its page answers and its
// stream has the session; afterwards modtap.exe view --format json prints the recording.
func TestWindowsView(t *testing.T) {
	w := newWinlab(t)
	home := "MODTAP_HOME=" + winPath(t.TempDir())
	file := filepath.Join(t.TempDir(), "x.har")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c := w.command(ctx, "", []string{home}, w.exe, "run", "--view", "--no-open", "-o", winPath(file), "--", "cmd", "/c", "set /p x=")
	stdin, err := c.StdinPipe() // the command ends with the line that it reads
	if err != nil {
		t.Fatal(err)
	}
	var out sharedBuffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	address := await(t, &out, `(http://127\.0\.0\.1:\d+/\?token=\S+)`)[1]
	checkWindowsPage(ctx, t, address)
	if _, err := io.WriteString(stdin, "end\r\n"); err != nil {
		t.Error(err)
	}
	stdin.Close()
	if err := c.Wait(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("%v\n%s", err, out.String())
	}
	text, code := w.run("", []string{home}, w.exe, "view", "--format", "json", winPath(file))
	kinds := map[string]int{}
	for line := range strings.Lines(text) {
		var e map[string]json.RawMessage
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for kind := range e {
			kinds[kind]++
		}
	}
	if code != 0 || kinds["session"] != 1 || kinds["process"] != 1 || kinds["end"] != 1 {
		t.Errorf("exit code %d, events %v:\n%s", code, kinds, text)
	}
}

// checkWindowsPage asks the page at address for its parts.
func checkWindowsPage(ctx context.Context, t *testing.T, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/": "<!doctype html>", "/api/recording": `"har":"x.har"`} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+u.Host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+u.Query().Get("token"))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(strings.ToLower(string(text)), want) {
			t.Errorf("%s: %s, %v:\n%.300s", path, resp.Status, err, text)
		}
	}
	client, err := stream.Dial(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var s *recorder.Session
	for s = client.Session(); s == nil; {
		b, err := client.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range b.Events {
			s = e.Session
		}
	}
	if !strings.HasPrefix(s.OS, "windows/") {
		t.Errorf("the session is %+v", s)
	}
}
