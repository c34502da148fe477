package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/viewer/stream"
)

// A terminal is what Run draws on.
type terminal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *terminal) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

// await returns when text was written.
func (w *terminal) await(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) { // there is nothing to wait on in a terminal
		w.mu.Lock()
		ok := strings.Contains(w.b.String(), text)
		w.mu.Unlock()
		if ok {
			return
		}
	}
	t.Errorf("%q was not drawn", text)
}

// serve is a real stream of log.
func serve(t *testing.T, log *recorder.Log) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := stream.New(stream.Config{Source: stream.Source{Log: log}})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-served); err != nil {
			t.Error(err)
		}
	})
	return s.URL(l.Addr().String())
}

// Run follows a real stream, live, takes keys, and leaves nothing running.
func TestRun(t *testing.T) {
	log := recorder.NewLog()
	for _, e := range fixture() {
		log.Append(e)
	}
	url := serve(t, log)
	for i, leave := range []string{"q", "ctx"} {
		ctx, cancel := context.WithCancel(t.Context())
		in, keys := io.Pipe()
		out := &terminal{}
		done := make(chan error, 1)
		go func() { done <- Run(ctx, Config{URL: url, In: in, Out: out, size: [2]int{100, 30}}) }()
		out.await(t, " requests")
		log.Append(recorder.Event{Exchange: request(uint64(25+i), 6200*ms, gomod.Zip, "new.test/"+leave, "v1.0.0", 1, ms, ms)})
		out.await(t, "new.test/"+leave)
		if _, err := io.WriteString(keys, "\r"); err != nil {
			t.Fatal(err)
		}
		out.await(t, "Server leg")
		if leave == "q" {
			if _, err := io.WriteString(keys, "q"); err != nil {
				t.Fatal(err)
			}
		} else {
			cancel()
		}
		select {
		case err := <-done:
			if want := map[string]error{"q": nil, "ctx": context.Canceled}[leave]; !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", leave, err, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("Run does not end")
		}
		keys.Close()
		cancel()
		if !strings.Contains(out.b.String(), "\x1b[?1049l") {
			t.Error("the other screen was not left")
		}
	}
}

// An address where nobody is: it is said, and tried again until the user leaves.
func TestRunNobody(t *testing.T) {
	in, keys := io.Pipe()
	defer keys.Close()
	out := &terminal{}
	done := make(chan error, 1)
	go func() {
		done <- Run(t.Context(), Config{URL: "http://127.0.0.1:1/?token=x", In: in, Out: out, size: [2]int{100, 30}})
	}()
	out.await(t, "not connected")
	if _, err := io.WriteString(keys, "q"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
