package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpener: a recording that was dropped on the page is read from a copy, which is gone
// when nobody can ask for it any more; what is none is refused in one line without our paths.
func TestOpener(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	a := &app{environ: os.Environ(), stderr: io.Discard}
	file, err := os.ReadFile("../../recorder/har/testdata/foreign/chrome.har")
	if err != nil {
		t.Fatal(err)
	}
	source, err := a.opener()(t.Context(), bytes.NewReader(file), `C:\fake/chrome.har`)
	if err != nil {
		t.Fatal(err)
	}
	first, _, n := source.History.Bounds()
	if x, err := source.History.Exchange(first); n != 3 || err != nil || string(x.Response.Body) != "v1.5.1\nv1.5.2\n" {
		t.Errorf("%d exchanges, the first: %v, %v", n, x, err)
	}
	if text, err := source.Report(t.Context()); err != nil || !json.Valid(text) {
		t.Errorf("report: %q, %v", text, err)
	}
	copies := func() []string {
		found, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got := copies(); len(got) != 1 {
		t.Fatalf("copies: %q", got)
	} else if fi, err := os.Stat(got[0]); err != nil || fi.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	source.Close()

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		ctx  context.Context
		text string
		want string
	}{
		{t.Context(), "hello", "x.har is not a HAR file"},
		{t.Context(), "", "x.har is not a HAR file"},
		{gone, string(file), "copy recording dir/x.har: context canceled"},
	} {
		_, err := a.opener()(tt.ctx, strings.NewReader(tt.text), "dir/x.har")
		if err == nil || err.Error() != tt.want {
			t.Errorf("%.10q: %v, want %s", tt.text, err, tt.want)
		}
	}
	if got := copies(); len(got) != 0 {
		t.Errorf("copies that stay: %q", got)
	}
}

// TestOpenerIsBounded: a few bytes of a file may take much memory.
func TestOpenerIsBounded(t *testing.T) {
	a := &app{environ: os.Environ(), stderr: io.Discard}
	const entry = `{"startedDateTime":"2026-11-22T06:00:00Z","request":{"url":"http://a.test/"},"response":{}},`
	file := func(entries int) io.Reader {
		return strings.NewReader(`{"log":{"entries":[` + strings.TrimSuffix(strings.Repeat(entry, entries), ",") + `]}}`)
	}
	source, err := a.opener()(t.Context(), file(100_000), "x.har")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, n := source.History.Bounds(); n != 100_000 {
		t.Errorf("%d requests", n)
	}
	source.Close()
	const want = "the recording has over 250000 requests: open it with modtap view FILE"
	if _, err := a.opener()(t.Context(), file(maxDropped+1), "x.har"); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
