package web_test

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// TestBrowser runs testdata/e2e in Chromium. It needs node, Chromium (MODTAP_CHROMIUM, or
// one that is on the PATH) and playwright-core: npm install in testdata/e2e, or
// MODTAP_NODE_MODULES names a folder that has it in its node_modules. MODTAP_E2E chooses
// files by a pattern, without .test.js: MODTAP_E2E=strip runs strip.test.js.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		skip(t, "node is not installed")
	}
	chromium := findChromium()
	if chromium == "" {
		skip(t, "no Chromium is installed")
	}
	modules := os.Getenv("MODTAP_NODE_MODULES")
	if modules == "" {
		modules = filepath.Join("testdata", "e2e")
	}
	modules, err = filepath.Abs(modules)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "node_modules", "playwright-core")); err != nil {
		skip(t, "playwright-core is not installed: npm install in viewer/web/testdata/e2e")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	files, err := filepath.Glob(filepath.Join("testdata", "e2e", cmp.Or(os.Getenv("MODTAP_E2E"), "*")+".test.js"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	cmd := exec.CommandContext(ctx, node, append([]string{"--test", "--test-concurrency=1", "--test-reporter=tap"}, files...)...)
	cmd.Env = append(os.Environ(),
		"MODTAP_E2E_MODULES="+modules, "MODTAP_E2E_CHROMIUM="+chromium,
		"E2E_ENDED="+endedDemo(t), "E2E_LIVE="+liveDemo(ctx, t), "E2E_GROWS="+liveDemo(ctx, t), "E2E_HOSTILE="+hostile(t),
		"E2E_MANY="+many(ctx, t, "127.0.0.1:0", false), "E2E_MANY_LIVE="+many(ctx, t, "127.0.0.1:0", true),
	)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

func findChromium() string {
	if name := os.Getenv("MODTAP_CHROMIUM"); name != "" {
		return name
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func endedDemo(t *testing.T) string {
	log := recorder.NewLog()
	newDemo(time.Now().Add(-time.Minute)).play(t.Context(), log, time.Hour)
	return viewerOf(t, log, "127.0.0.1:0")
}

// liveDemo is a demo in which one request is still under way, and ends some seconds
// after the page was loaded.
func liveDemo(ctx context.Context, t *testing.T) string {
	log := recorder.NewLog()
	visited := make(chan struct{})
	url := viewerOf(t, log, "127.0.0.1:0", sync.OnceFunc(func() { close(visited) }))
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	d := newDemo(time.Now())
	go func() {
		defer close(done)
		for _, e := range d.events {
			if e.e.End == nil {
				log.Append(e.e)
			}
		}
		select {
		case <-visited:
			unfinished(ctx, log, d)
		case <-ctx.Done():
		}
	}()
	t.Cleanup(func() { stop(); <-done })
	return url
}

// unfinished has one request make progress, and then ends the session.
func unfinished(ctx context.Context, log *recorder.Log, d *demo) {
	begin := time.Now()
	x := recorder.Exchange{
		ID: d.ids + 1, Start: begin, Method: "GET", URL: "https://proxy.golang.org/golang.org/x/text/@v/v0.43.0.zip", Status: 200,
		Go:     gomod.Request{Kind: gomod.Zip, Module: "golang.org/x/text", Version: "v0.43.0"},
		Server: recorder.Marks{WroteHeaders: 1, WroteRequest: 2, FirstByte: recorder.Span(50 * ms)},
	}
	for time.Since(begin) < 5*time.Second {
		x.Response.BodySize += 1000
		log.Append(recorder.Event{Exchange: clone(x)})
		select {
		case <-time.After(100 * ms): // as often as a Tap reports progress
		case <-ctx.Done():
			return
		}
	}
	log.Append(recorder.Event{End: &recorder.End{At: recorder.Span(time.Since(d.start)), ExitCode: 1}})
	log.Close()
}

// hostile is a session in which everything that a server or a command line can choose
// tries to be markup.
func hostile(t *testing.T) string {
	const bad = `<img src=x onerror="window.pwned=1">`
	const script = `<script>window.pwned=1</script>`
	log := recorder.NewLog()
	log.Append(recorder.Event{Session: &recorder.Session{ID: bad, Mode: "run", Argv: []string{"go", bad, script}, Start: time.Now()}})
	log.Append(recorder.Event{Conn: &recorder.Conn{ID: 1, Target: bad, Remote: bad, TLS: &recorder.TLS{Version: bad, Suite: bad, Issuer: script, Subject: bad, Verdict: bad}}})
	m := recorder.Message{Header: []recorder.Header{{Name: bad, Value: script}, {Name: "X", Value: "REDACTED" + bad}}, Mime: bad, Encoding: bad}
	kept := m
	kept.Body, kept.Kept = []byte("<html>"+script+bad), true
	log.Append(recorder.Event{Exchange: &recorder.Exchange{
		ID: 1, Conn: 1, Parent: 2, Start: time.Now(), Method: "GET", URL: "javascript:" + bad, Proto: bad, Remote: bad,
		Go:  gomod.Request{Kind: gomod.Kind(bad), Module: bad + "/" + script, Version: bad, Repo: script, Extra: bad},
		Err: &recorder.Error{Op: script, Msg: bad}, Request: m, Response: kept, Rules: []string{bad}, SentTo: script, Done: true,
	}})
	log.Append(recorder.Event{Exchange: &recorder.Exchange{ID: 2, Start: time.Now(), Method: script, URL: script, Reason: bad, Done: true}})
	log.Append(recorder.Event{Finding: &recorder.Finding{ID: bad, Severity: script, Title: bad, Commands: []string{script}, Evidence: []uint64{1}}})
	return viewerOf(t, log, "127.0.0.1:0")
}
