package origintest

import (
	"io"
	"math/rand/v2"
	"net/http"
	"time"
)

// WriteHeader records the status and passes it on.
func (x *exchange) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		x.answered(status)
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write counts what the connection takes.
func (x *exchange) Write(p []byte) (int, error) {
	x.answered(http.StatusOK)
	n, err := x.ResponseWriter.Write(p)
	x.o.journal.update(func() { x.rec.Sent += int64(n) })
	return n, err
}

// Unwrap lets http.ResponseController flush and hijack.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// Flush is for handlers that look for an http.Flusher.
func (x *exchange) Flush() { _ = http.NewResponseController(x.ResponseWriter).Flush() }

// answered records the first status; later calls change nothing.
func (x *exchange) answered(status int) {
	x.o.journal.update(func() {
		if x.rec.Status == 0 {
			x.rec.Status, x.rec.Answered = status, time.Now()
		}
	})
}

// writeBody writes the body with the knob's pace, delay and failure.
func (x *exchange) writeBody(a answer) {
	limit := x.cut(a.size)
	if x.k.Rate > 0 || x.k.BodyDelay > 0 || x.k.Chunked || limit >= 0 {
		x.Flush()
	}
	start, sent := time.Now(), int64(0)
	buf := make([]byte, 32<<10)
	for limit < 0 || sent < limit {
		n := x.chunk(int64(len(buf)), sent)
		if limit >= 0 {
			n = min(n, limit-sent)
		}
		m, err := io.ReadFull(a.body, buf[:n])
		if m > 0 && !x.writeChunk(buf[:m], sent, start) {
			return
		}
		sent += int64(m)
		if err != nil {
			return // the end of the body
		}
	}
	x.Flush()
	switch x.k.Fail {
	case ResetBody, CloseBody, EndBody, ResetStreamBody, GoAwayBody: // HTTP/2 flushes in the background
		time.Sleep(settle)
	}
	x.failed(ResetBody, CloseBody, EndBody, AbortBody, StallBody, ShortBody, ResetStreamBody, GoAwayBody)
}

// cut is the length after which the body fails; -1: it does not.
func (x *exchange) cut(size int64) int64 {
	switch x.k.Fail {
	case ResetBody, CloseBody, EndBody, AbortBody, StallBody, ShortBody, ResetStreamBody, GoAwayBody:
	default:
		return -1
	}
	if x.k.FailAfter > 0 {
		return x.k.FailAfter
	}
	return max(size, 0) / 2
}

// chunk is how many bytes to write at once after sent bytes: 1 if a delay follows, about
// 50 chunks a second at a given rate, else as many as the buffer takes.
func (x *exchange) chunk(most, sent int64) int64 {
	switch {
	case x.k.BodyDelay > 0 && sent == 0:
		return 1
	case x.k.Rate > 0:
		return min(max(x.k.Rate/50, 1), most)
	}
	return most
}

// writeChunk waits until the chunk is due, writes it, and reports whether to go on.
func (x *exchange) writeChunk(p []byte, sent int64, start time.Time) bool {
	if x.k.BodyDelay > 0 && sent > 0 {
		start = start.Add(x.k.BodyDelay)
	}
	due := start
	if x.k.Rate > 0 {
		// A link delivers a chunk when its last byte has passed.
		due = due.Add(time.Duration(float64(sent+int64(len(p))) / float64(x.k.Rate) * float64(time.Second)))
	}
	if sleep(x.r.Context(), time.Until(due)) != nil {
		return false
	}
	if _, err := x.Write(p); err != nil {
		x.gone()
		return false
	}
	if x.k.Rate > 0 || x.k.BodyDelay > 0 && sent == 0 {
		x.Flush()
	}
	return true
}

// countedBody counts what is read of a request body.
type countedBody struct {
	io.ReadCloser
	x *exchange
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.x.o.journal.update(func() { b.x.rec.Received += int64(n) })
	return n, err
}

// randomBytes is an endless stream, the same each time.
func randomBytes() io.Reader { return rand.NewChaCha8([32]byte{1}) }
