package intercept

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/net/http/httpguts"
)

// An h1RequestBody is the body of a client's request.
type h1RequestBody struct {
	io.ReadCloser
	w       *h1Writer
	expects bool        // the client waits for 100 Continue
	asks    atomic.Bool // it still does
	closed  atomic.Bool
}

func (b *h1RequestBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	if b.asks.Load() {
		b.w.proceed()
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.w.s.take()
	}
	return n, err
}

// Close does not read what is left, as net/http's own would to its end: the client may be
// in no hurry to send it.
func (b *h1RequestBody) Close() error {
	b.closed.Store(true)
	return nil
}

// An h1Writer writes one answer of an h1Server. It invents no header, and says in the
// server's words what the status is.
type h1Writer struct {
	s      *h1Server
	r      *http.Request
	body   *h1RequestBody // nil: the request has none
	header http.Header
	status string // the server's, code and reason; "": as net/http has it
	old    bool   // the server's answer is in HTTP/1.0

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
	if !w.wrote && w.body.asks.Swap(false) {
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
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		w.informational(status)
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
	w.connection(status)
	io.WriteString(w.s.bw, "\r\n")
}

// informational writes a 1xx, unless the client cannot understand it or knows it already.
func (w *h1Writer) informational(status int) {
	told := status == http.StatusContinue && w.body != nil && w.body.expects && !w.body.asks.Swap(false)
	if told || !w.r.ProtoAtLeast(1, 1) {
		return
	}
	w.line(status)
	w.header.WriteSubset(w.s.bw, map[string]bool{"Content-Length": true, "Transfer-Encoding": true})
	io.WriteString(w.s.bw, "\r\n")
	w.s.bw.Flush()
}

// hopByHop are the headers that WriteHeader writes itself.
var hopByHop = map[string]bool{"Transfer-Encoding": true, "Connection": true}

func (w *h1Writer) line(status int) {
	proto := "HTTP/1.1 "
	if w.old || !w.r.ProtoAtLeast(1, 1) {
		proto = "HTTP/1.0 "
	}
	io.WriteString(w.s.bw, proto)
	code := strconv.Itoa(status)
	if status < 100 {
		code = fmt.Sprintf("%03d", status)
	}
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
	case w.r.Method == http.MethodHead || status/100 == 1 || status == http.StatusNoContent || status == http.StatusNotModified:
		w.bare = true
	case length != "" && err == nil && n >= 0:
		w.length = n
	case w.r.ProtoAtLeast(1, 1) && !w.old:
		delete(w.header, "Content-Length")
		w.chunked = true
	default:
		w.last = true // nothing but the end of the connection can tell
	}
}

// connection writes the Connection header, which is between the client and us. That of an
// upgrade is the server's.
func (w *h1Writer) connection(status int) {
	values := w.header["Connection"]
	keeps := httpguts.HeaderValuesContainsToken(values, "keep-alive")
	closes := httpguts.HeaderValuesContainsToken(values, "close")
	w.last = w.last || closes || w.r.Close || w.old && !keeps
	switch young := w.r.ProtoAtLeast(1, 1); {
	case status == http.StatusSwitchingProtocols:
	case w.last && w.old && !keeps: // HTTP/1.0 need not say so
	case w.last && young:
		values = []string{"close"}
	case w.last:
		values = nil
	case !young && len(values) == 0:
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
	case w.r.Method == http.MethodHead:
		return len(p), nil
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
	err := errors.Join(w.s.bw.Flush(), w.s.t.client.written())
	w.s.mu.Lock()
	taken := w.s.taken
	w.s.mu.Unlock()
	if w.body != nil && !taken {
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
