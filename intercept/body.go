package intercept

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"modtap/recorder"
)

const (
	// relayBuffer is the size of a relay's buffer. What it holds is what a read can take of
	// an HTTP/2 body that has arrived, and each read is answered with a WINDOW_UPDATE: with
	// 64 KiB a body of 1 GiB was a tenth slower. HTTP/1.1 is indifferent.
	relayBuffer = 256 << 10
	// smallBuffer is for bodies that are known to fit.
	smallBuffer = 16 << 10
	// progressEvery is how often a long body's progress is recorded.
	progressEvery = 100 * time.Millisecond
	// clientBlocksFrom tells a client that does not take bytes from the cost of our own
	// encryption and copying: a write of a buffer takes some tens of microseconds.
	clientBlocksFrom = time.Millisecond
)

var (
	relayBuffers = sync.Pool{New: func() any { b := make([]byte, relayBuffer); return &b }}
	smallBuffers = sync.Pool{New: func() any { b := make([]byte, smallBuffer); return &b }}
)

// wrap puts the response's body under measurement. It must happen here: a body changed
// in goproxy's OnResponse loses its Content-Length.
func (x *exchange) wrap(resp *http.Response) {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		if rw, ok := resp.Body.(io.ReadWriteCloser); ok {
			resp.Body = &upgraded{ReadWriteCloser: rw, x: x}
			return
		}
	}
	b := &body{ReadCloser: resp.Body, x: x, resp: resp, unknown: resp.ContentLength < 0, sample: x.understand(resp)}
	b.keeper = x.p.keeper(&x.rec, resp)
	resp.Body = b
}

// A body relays a response's body to the client and measures who waited for whom.
type body struct {
	io.ReadCloser
	x       *exchange
	resp    *http.Response
	unknown bool // its length is not known: every piece is flushed at once
	keeper  keeper
	sample  *sample // nil: nothing is to be learnt from it
}

// WriteTo is what goproxy's io.Copy calls: one pooled buffer, plain reads and writes.
// Whatever was read is written at once; what the server then makes us wait for is
// flushed to the client first, so that it sees bytes as they come.
func (b *body) WriteTo(w io.Writer) (n int64, err error) {
	buffers := &relayBuffers
	if n := b.resp.ContentLength; n >= 0 && n <= smallBuffer {
		buffers = &smallBuffers
	}
	buf := buffers.Get().(*[]byte)
	defer func() { buffers.Put(buf) }()
	rw, _ := w.(*relayWriter)
	if b.resp.ContentLength < 0 || b.resp.ContentLength > smallBuffer {
		b.x.show() // the client may be slow
	}
	began := time.Now()
	read, written := b.x.rec.ServerBlocked, b.x.rec.ClientBlocked
	for at := began; ; {
		b.waits()
		m, rerr := b.ReadCloser.Read(*buf)
		got := time.Now()
		b.x.pause.end() // waits where the last flush is stuck at the client
		rerr = b.count(m, rerr, got)
		b.x.rec.ServerBlocked += recorder.Span(got.Sub(at))
		at = got
		if m > 0 {
			b.taken(got)
			_, werr := w.Write((*buf)[:m])
			if werr == nil && b.unknown && rw != nil {
				rw.Flush()
			}
			at = time.Now()
			if d := at.Sub(got); d >= clientBlocksFrom {
				b.x.rec.ClientBlocked += recorder.Span(d)
			}
			b.x.rec.Client.LastByte = b.x.at(at)
			n += int64(m)
			if werr != nil {
				b.x.cut = errClientGone
				err = werr
				break
			}
			b.sample.add((*buf)[:m]) // not in read: that time is the server's
			buf = b.keeper.take(buf, m)
			if at.Sub(b.x.lastSnap) >= progressEvery {
				b.x.snapshot()
			}
		}
		if rerr != nil {
			if rerr != io.EOF {
				b.x.cut, err = rerr, rerr
			}
			break
		}
	}
	others := b.x.rec.ServerBlocked - read + b.x.rec.ClientBlocked - written
	b.x.after += max(0, recorder.Span(time.Since(began))-others)
	return n, err
}

// Read is for whoever does not know WriteTo.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	err = b.count(n, err, time.Now())
	if n > 0 {
		b.sample.add(p[:n])
		b.keeper.write(p[:n])
	}
	return n, err
}

// waits begins the wait for the server's next bytes.
func (b *body) waits() {
	switch {
	case b.x.call.w != nil && b.x.call.w.unflushed():
		b.x.pause.begin(flushAfter)
	case !b.x.shown:
		b.x.pause.begin(showFirst)
	default:
		b.x.pause.begin(askEvery)
	}
}

// count takes the outcome of a read, which came at, and returns what its error is: none but
// the end where the client hung up when it had the bytes that were announced. A client over
// HTTP/1.1 does that with each connection that it does not keep, at times before the server
// says, in HTTP/2, that there is nothing more.
func (b *body) count(n int, err error, at time.Time) error {
	b.x.rec.Response.BodySize += int64(n)
	if err == nil {
		return nil
	}
	if b.x.rec.Response.BodySize == b.resp.ContentLength && b.resp.Request.Context().Err() != nil {
		err = io.EOF
	}
	if b.x.rec.Server.End == 0 {
		b.x.rec.Server.End = b.x.at(at)
	}
	if err == io.EOF {
		b.x.complete = true
	} else {
		b.x.cut = err
	}
	return err
}

func (b *body) taken(at time.Time) {
	off := b.x.at(at)
	b.x.rec.Server.LastByte = off
	if b.x.rec.Client.FirstByte == 0 {
		b.x.rec.Client.FirstByte = off
	}
}

// Close ends the exchange. goproxy calls it twice.
func (b *body) Close() error {
	if !b.x.ended {
		b.x.learn(b.sample)
		began := time.Now()
		b.keeper.finish(&b.x.rec.Response, b.x.complete, b.hidden)
		b.x.after += recorder.Span(time.Since(began))
		b.x.rec.Response.Trailer = b.x.p.headers(b.resp.Trailer)
		b.x.end(b.resp.Request)
	}
	return b.ReadCloser.Close()
}

// end finishes an exchange whose response came.
func (x *exchange) end(r *http.Request) {
	switch {
	case x.cut == nil:
		x.finish("", nil)
	case errors.Is(x.cut, errClientGone), r.Context().Err() != nil:
		x.finish("canceled", errClientGone)
	default:
		x.finish(opOf(x.cut, "read"), x.cut)
	}
}

// upgraded is the connection after 101 Switching Protocols. goproxy copies both ways at
// once, so its counters have a lock.
type upgraded struct {
	io.ReadWriteCloser
	x  *exchange
	mu sync.Mutex
}

func (u *upgraded) Read(p []byte) (int, error) {
	n, err := u.ReadWriteCloser.Read(p)
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.x.ended {
		u.x.rec.Response.BodySize += int64(n)
	}
	return n, err
}

func (u *upgraded) Write(p []byte) (int, error) {
	n, err := u.ReadWriteCloser.Write(p)
	u.x.sent.Add(int64(n))
	return n, err
}

// WriteTo is how goproxy relays an upgrade to anything but websocket: as a body. It takes
// the client's connection and copies both ways.
func (u *upgraded) WriteTo(w io.Writer) (int64, error) {
	rw, ok := w.(*relayWriter)
	if !ok {
		return io.Copy(w, justReader{u})
	}
	client, buffered, err := rw.Hijack()
	if err != nil {
		return 0, err
	}
	up := make(chan struct{})
	go func() {
		defer close(up)
		io.Copy(u, buffered.Reader)
		u.ReadWriteCloser.Close()
	}()
	n, err := io.Copy(client, justReader{u})
	u.x.call.written()
	client.Close()
	<-up
	return n, err
}

// A justReader hides every other method from io.Copy.
type justReader struct{ io.Reader }

func (u *upgraded) Close() error {
	u.mu.Lock()
	u.x.finish("", nil)
	u.mu.Unlock()
	return u.ReadWriteCloser.Close()
}
