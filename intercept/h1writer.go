package intercept

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// An h1RequestBody is the body of a client's request.
type h1RequestBody struct {
	io.ReadCloser
	w    *h1Writer
	asks atomic.Bool // the client waits for 100 Continue
	read atomic.Bool // to its end
}

func (b *h1RequestBody) Read(p []byte) (int, error) {
	if b.asks.CompareAndSwap(true, false) {
		b.w.proceed()
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && b.read.CompareAndSwap(false, true) {
		b.w.s.timer.Reset(lookAfter)
	}
	return n, err
}

// An h1Writer writes one answer of an h1Server. It invents no header, and says in the
// server's words what the status is.
type h1Writer struct {
	s      *h1Server
	r      *http.Request
	body   *h1RequestBody // nil: the request has none
	header http.Header
	status string // the server's, code and reason; "": as net/http has it

	mu      sync.Mutex // 100 Continue is written by whoever reads the request's body
	wrote   bool       // the headers
	bare    bool       // the answer has no body
	length  int64      // of the body, that is still to come; -1: unknown
	chunked bool
	last    bool // the connection ends with this answer

	announced []string // the trailers
}

func (w *h1Writer) Header() http.Header { return w.header }

// EnableFullDuplex is there for http.ResponseController: it never was otherwise.
func (w *h1Writer) EnableFullDuplex() error { return nil }

// Hijack gives the connection away, after the headers if these are written.
func (w *h1Writer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.wrote {
		w.s.bw.Flush()
	}
	return w.s.hijack()
}

// proceed tells the client to send its body.
func (w *h1Writer) proceed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.wrote {
		io.WriteString(w.s.bw, "HTTP/1.1 100 Continue\r\n\r\n")
		w.s.bw.Flush()
	}
}

// WriteHeader writes the headers: at once those of a 1xx, into the buffer those of the
// answer.
func (w *h1Writer) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrote {
		return
	}
	if status < 200 && status != http.StatusSwitchingProtocols {
		if status == http.StatusContinue && w.body != nil {
			w.body.asks.Store(false)
		}
		w.line(status)
		w.header.WriteSubset(w.s.bw, map[string]bool{"Content-Length": true, "Transfer-Encoding": true})
		io.WriteString(w.s.bw, "\r\n")
		w.s.bw.Flush()
		return
	}
	w.wrote = true
	for _, names := range w.header["Trailer"] {
		for name := range strings.SplitSeq(names, ",") {
			w.announced = append(w.announced, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	w.frame(status)
	w.line(status)
	w.header.WriteSubset(w.s.bw, hopByHop)
	if w.chunked {
		io.WriteString(w.s.bw, "Transfer-Encoding: chunked\r\n")
	}
	w.connection()
	io.WriteString(w.s.bw, "\r\n")
}

// hopByHop are the headers that WriteHeader writes itself.
var hopByHop = map[string]bool{"Transfer-Encoding": true, "Connection": true}

func (w *h1Writer) line(status int) {
	code := strconv.Itoa(status)
	io.WriteString(w.s.bw, "HTTP/1.1 ")
	if strings.HasPrefix(w.status, code) {
		io.WriteString(w.s.bw, w.status)
	} else {
		io.WriteString(w.s.bw, code+" "+http.StatusText(status))
	}
	io.WriteString(w.s.bw, "\r\n")
}

// frame decides how the end of the body is told (RFC 9112 §6).
func (w *h1Writer) frame(status int) {
	length := w.header.Get("Content-Length")
	switch n, err := strconv.ParseInt(length, 10, 64); {
	case w.r.Method == http.MethodHead || status < 200 || status == http.StatusNoContent || status == http.StatusNotModified:
		w.bare = true
	case length != "" && err == nil && n >= 0:
		w.length = n
	case w.r.ProtoAtLeast(1, 1):
		delete(w.header, "Content-Length")
		w.chunked = true
	default:
		w.last = true // nothing but the end of the connection can tell
	}
}

// connection writes the Connection header, which is between the client and us.
func (w *h1Writer) connection() {
	values := w.header["Connection"]
	closes := false
	for _, v := range values {
		closes = closes || strings.EqualFold(v, "close")
	}
	alive := w.r.ProtoAtLeast(1, 1) && !w.r.Close || !w.r.ProtoAtLeast(1, 1) && strings.EqualFold(w.r.Header.Get("Connection"), "keep-alive")
	w.last = w.last || closes || !alive
	switch {
	case w.last && w.r.ProtoAtLeast(1, 1):
		values = []string{"close"}
	case w.last:
		values = nil
	case !w.r.ProtoAtLeast(1, 1) && len(values) == 0:
		values = []string{"keep-alive"}
	}
	for _, v := range values {
		io.WriteString(w.s.bw, "Connection: ")
		io.WriteString(w.s.bw, v)
		io.WriteString(w.s.bw, "\r\n")
	}
}

func (w *h1Writer) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	bw := w.s.bw
	switch {
	case len(p) == 0:
		return 0, nil
	case w.bare:
		return 0, http.ErrBodyNotAllowed
	case w.length >= 0:
		if int64(len(p)) > w.length {
			return 0, http.ErrContentLength
		}
		n, err := bw.Write(p)
		w.length -= int64(n)
		return n, err
	case !w.chunked:
		return bw.Write(p)
	}
	bw.Write(strconv.AppendInt(bw.AvailableBuffer(), int64(len(p)), 16))
	io.WriteString(bw, "\r\n")
	n, err := bw.Write(p)
	io.WriteString(bw, "\r\n")
	return n, err
}

// FlushError sends what is buffered.
func (w *h1Writer) FlushError() error {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.s.bw.Flush()
}

// finish ends the answer, and reports whether another request may follow.
func (w *h1Writer) finish() bool {
	if !w.wrote {
		w.header.Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	}
	if w.chunked {
		io.WriteString(w.s.bw, "0\r\n")
		w.trailers()
		io.WriteString(w.s.bw, "\r\n")
	}
	err := w.s.bw.Flush()
	if w.body != nil && !w.body.read.Load() {
		w.s.t.client.refuse() // the client is still sending; Close takes that in for a while
		return false
	}
	return err == nil && !w.last && w.length <= 0
}

// trailers writes those that were announced, and those that were set as net/http wants
// them that were not.
func (w *h1Writer) trailers() {
	h := http.Header{}
	for _, name := range w.announced {
		if v, ok := w.header[name]; ok {
			h[name] = v
		}
	}
	for name, v := range w.header {
		if name, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			h[name] = v
		}
	}
	h.Write(w.s.bw)
}
