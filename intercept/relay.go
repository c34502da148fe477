package intercept

import (
	"errors"
	"io"
	"net"
	"sync"

	"modtap/recorder"
)

// relay copies bytes both ways, untouched, until both sides have ended.
func (t *tunnel) relay(client, server net.Conn) {
	t.mu.Lock()
	t.relays = make(chan struct{})
	t.mu.Unlock()
	defer close(t.relays)
	t.snapshot()
	var wg sync.WaitGroup
	copyTo := func(dst, src net.Conn, count func(*recorder.Tunnel) *int64) {
		n, err := spliced(dst, src)
		t.set(func(r *recorder.Tunnel) { *count(r) += n })
		if err != nil && !errors.Is(err, net.ErrClosed) {
			if c, ok := dst.(*peekConn); ok && isReset(err) {
				c.reset()
			}
			dst.Close()
			src.Close()
			return
		}
		if src == server {
			t.up.end("server")
		}
		if h, ok := dst.(interface{ CloseWrite() error }); ok {
			h.CloseWrite()
		}
	}
	wg.Go(func() { copyTo(server, client, func(r *recorder.Tunnel) *int64 { return &r.BytesOut }) })
	copyTo(client, server, func(r *recorder.Tunnel) *int64 { return &r.BytesIn })
	wg.Wait()
	t.end(nil)
}

// spliced copies src to dst, in the kernel where both are plain TCP.
func spliced(dst, src net.Conn) (int64, error) {
	s, ok1 := src.(*peekConn)
	d, ok2 := dst.(*peekConn)
	if !ok1 || !ok2 {
		return io.Copy(dst, src)
	}
	var n int64
	if len(s.ahead) > 0 {
		m, err := d.Write(s.ahead)
		n = int64(m)
		if err != nil {
			return n, err
		}
		s.ahead = nil
	}
	m, err := io.Copy(d.Conn, s.Conn)
	s.in.Add(m)
	d.out.Add(m)
	return n + m, err
}
