package intercept

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

// A relayWriter stands between goproxy and the client. It flushes what the server makes
// us wait for, keeps net/http from inventing headers, and swallows the error page that
// goproxy writes when a request failed: what the client sees then is decided by Proxy.settle.
type relayWriter struct {
	http.ResponseWriter
	c *call

	mu       sync.Mutex
	wrote    bool // a final status was written
	dirty    bool // bytes or headers are written and not flushed
	finished bool
	hijacked net.Conn // after 101
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
	w.c.frames.hurry()
	w.ResponseWriter.WriteHeader(status)
	for k := range header {
		delete(h, k)
	}
}

// answered hears that the server's final answer has begun. A client that waits to be told
// to send its body is told no more.
func (w *relayWriter) answered() {
	if h, ok := w.ResponseWriter.(*h1Writer); ok && h.body != nil {
		h.body.asks.Store(false)
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
func (w *relayWriter) Flush() { w.flushDirty() }

// flushDirty is Flush, and reports whether there was anything.
func (w *relayWriter) flushDirty() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.dirty || w.finished || w.hijacked != nil {
		return false
	}
	w.dirty = false
	w.c.frames.hurry()
	http.NewResponseController(w.ResponseWriter).Flush()
	return true
}

// unflushed reports whether the client has yet to be sent what was written.
func (w *relayWriter) unflushed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dirty
}

// finish keeps who comes late from touching a writer that is no longer ours.
func (w *relayWriter) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.finished = true
}

// Hijack hands over the connection after 101.
func (w *relayWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.hijacked = c
	return c, rw, err
}
