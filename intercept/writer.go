package intercept

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"
)

// flushAfter is how long written bytes may wait for the server's next ones before they
// are flushed to the client. Large enough to cost nothing at full speed.
const flushAfter = time.Millisecond

// A relayWriter stands between goproxy and the client. It flushes what the server makes
// us wait for, keeps net/http from inventing headers, and swallows the error page that
// goproxy writes when a request failed: what the client sees then is decided by Proxy.settle.
type relayWriter struct {
	http.ResponseWriter
	c *call

	mu       sync.Mutex
	wrote    bool // a final status was written
	dirty    bool // bytes or headers are written and not flushed
	idle     bool // the relay waits for the server
	finished bool
	hijacked net.Conn // after 101
	timer    *time.Timer
}

func (w *relayWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *relayWriter) failed() bool { return w.c.x != nil && w.c.x.failed != nil }

// WriteHeader gives the client the server's headers and no others.
func (w *relayWriter) WriteHeader(status int) {
	if w.failed() {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote, w.dirty = true, true
	w.bare()
	w.ResponseWriter.WriteHeader(status)
}

// bare keeps http.Server from adding the headers that the server did not send.
func (w *relayWriter) bare() {
	h := w.Header()
	for _, k := range []string{"Date", "Content-Type"} {
		if _, ok := h[k]; !ok {
			h[k] = nil
		}
	}
}

// informational passes a 1xx on. It is called by the transport's goroutine while the
// relay waits for the final headers.
func (w *relayWriter) informational(status int, header http.Header) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrote || w.finished {
		return
	}
	h := w.Header()
	for k, v := range header {
		h[k] = v
	}
	w.ResponseWriter.WriteHeader(status)
	for k := range header {
		delete(h, k)
	}
}

func (w *relayWriter) Write(p []byte) (int, error) {
	if w.failed() {
		return len(p), nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote, w.dirty = true, true
	return w.ResponseWriter.Write(p)
}

// Flush sends what is buffered.
func (w *relayWriter) Flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flush()
}

func (w *relayWriter) flush() {
	if w.dirty && !w.finished && w.hijacked == nil {
		w.dirty = false
		http.NewResponseController(w.ResponseWriter).Flush()
	}
}

// waiting tells that the relay is about to wait for the server, or has stopped waiting.
func (w *relayWriter) waiting(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = yes
	switch {
	case !yes:
		if w.timer != nil {
			w.timer.Stop()
		}
	case !w.dirty:
	case w.timer == nil:
		w.timer = time.AfterFunc(flushAfter, w.flushIdle)
	default:
		w.timer.Reset(flushAfter)
	}
}

func (w *relayWriter) flushIdle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.idle {
		w.flush()
	}
}

// finish keeps a late timer from touching a writer that is no longer ours.
func (w *relayWriter) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finished = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// Hijack hands over the connection after 101.
func (w *relayWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.hijacked = c
	return c, rw, err
}
