package origintest

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// conn is an accepted TCP connection; the TLS connection lies over it.
type conn struct {
	net.Conn
	o    *Origin
	info *Conn // fields are guarded by the journal
	tls  *tls.Conn
	once sync.Once

	secured atomic.Bool   // the handshake is over
	spoke   chan struct{} // closed when something was written after it: SETTINGS, on HTTP/2
	first   sync.Once
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if c.secured.Load() {
		c.first.Do(func() { close(c.spoke) })
	}
	return n, err
}

type connKey struct{}

func (c *conn) Close() error {
	c.once.Do(func() {
		c.o.journal.update(func() {
			c.info.Closed = time.Now()
			delete(c.o.open, c)
		})
	})
	return c.Conn.Close()
}

// reset closes with a TCP RST instead of a FIN.
func (c *conn) reset() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// finish ends the connection with a FIN. A close with bytes unread would send a reset, so the
// HTTP server gets time to read what the client has under way.
func (c *conn) finish() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.CloseWrite()
		time.Sleep(settle)
	}
	_ = c.Close()
}

// accept takes connections until the listener is closed. Handshakes are run here and not by
// http.Server, which would hide when they end and why they fail.
func (o *Origin) accept() {
	for {
		raw, err := o.ln.Accept()
		if err != nil {
			return
		}
		c := &conn{Conn: raw, o: o, info: o.addConn(raw.RemoteAddr().String()), spoke: make(chan struct{})}
		o.journal.update(func() { o.open[c] = true })
		if o.ctx.Err() != nil { // Close has already been through the open connections
			_ = c.Close()
			return
		}
		o.wg.Go(func() { o.secure(c) })
	}
}

// secure runs the handshake of c and hands the connection to the HTTP server.
func (o *Origin) secure(c *conn) {
	cfg := o.tls.Clone()
	cfg.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		o.journal.update(func() {
			c.info.Hello = time.Now()
			c.info.ServerName = hello.ServerName
			c.info.Offered = hello.SupportedProtos
		})
		return nil, o.shake(c, o.handshake(hello.ServerName))
	}
	t := tls.Server(c, cfg)
	c.tls = t
	err := t.HandshakeContext(o.ctx)
	o.journal.update(func() {
		if err != nil {
			c.info.Error = err.Error()
			return
		}
		c.info.Secured = time.Now()
		c.info.Protocol = t.ConnectionState().NegotiatedProtocol
	})
	if err != nil {
		_ = c.Close()
		return
	}
	c.secured.Store(true)
	select {
	case o.ready <- t:
	case <-o.ctx.Done():
		_ = c.Close()
	}
}

// shake applies h between ClientHello and ServerHello. An error ends the handshake.
func (o *Origin) shake(c *conn, h Handshake) error {
	if err := sleep(o.ctx, h.Delay); err != nil {
		return err
	}
	switch h.Fail {
	case HandshakeOK:
		return nil
	case HandshakeReset:
		c.reset()
	case HandshakeClose:
		_ = c.Close()
	case HandshakePlain:
		_, _ = io.WriteString(c.Conn, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
		_ = c.Close()
	case HandshakeStall:
		_, _ = c.Conn.Read(make([]byte, 1)) // returns when the client or Close gives up
	}
	return errors.New("failed on purpose: " + string(h.Fail))
}

// readyListener gives the HTTP server what secure has finished.
type readyListener struct{ o *Origin }

func (l readyListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.o.ready:
		return c, nil
	case <-l.o.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (l readyListener) Close() error { return nil }

func (l readyListener) Addr() net.Addr { return l.o.ln.Addr() }

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
