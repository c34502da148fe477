package intercept

import (
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// A peekConn is a connection whose next bytes can be waited for before somebody reads
// them, and whose traffic is counted.
type peekConn struct {
	net.Conn
	in, out  atomic.Int64
	ahead    []byte          // read but not yet taken
	ended    func(err error) // called once, by the reader that finds the connection ended
	over     atomic.Bool
	closing  func()    // called before it is closed, perhaps several times; nil: nobody is told
	records  *gather   // set when TLS begins on a client's connection
	gathered *gathered // set when HTTP begins in it
	tunnel   *tunnel   // client connections: the tunnel it became
	plain    *leg      // client connections: for plain-HTTP requests

	refused  atomic.Bool // nothing more is read, see refuse
	reversed atomic.Bool // client connections: they have sent a request of reverse mode
}

// refusedWait is how long Close takes in what was refused, as net/http's server does: a
// connection that is closed with unread input is reset, and the answer lost on its way.
const refusedWait = 500 * time.Millisecond

// errRefused is what readers get after refuse. It is not io.EOF, which net/http's server
// would take for the end of a request's body.
var errRefused = errors.New("the request was answered before its end")

// refuse ends reading, also one that is under way; what is being written goes out.
func (c *peekConn) refuse() {
	c.refused.Store(true)
	c.Conn.SetReadDeadline(time.Unix(1, 0))
}

// Close closes the connection, gently when a client may still be sending.
func (c *peekConn) Close() error {
	if c.closing != nil {
		c.closing()
	}
	if c.refused.CompareAndSwap(true, false) {
		if h, ok := c.Conn.(interface{ CloseWrite() error }); ok && h.CloseWrite() == nil {
			c.Conn.SetReadDeadline(time.Now().Add(refusedWait))
			io.Copy(io.Discard, c.Conn)
		}
	}
	return c.Conn.Close()
}

func (c *peekConn) Read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	if c.refused.Load() {
		return 0, errRefused
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.in.Add(int64(n))
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && c.ended != nil && c.over.CompareAndSwap(false, true) {
		c.ended(err)
	}
	return n, err
}

func (c *peekConn) Write(p []byte) (int, error) {
	var n int
	var err error
	if c.records != nil {
		n, err = c.records.Write(p)
	} else {
		n, err = c.Conn.Write(p)
	}
	if n > 0 {
		c.out.Add(int64(n))
	}
	return n, err
}

// CloseWrite half-closes where the connection can.
func (c *peekConn) CloseWrite() error {
	return closeWrite(c.Conn)
}

// written waits until all that was written to the client is the kernel's to send.
func (c *peekConn) written() error {
	if c.gathered == nil {
		return nil
	}
	return c.gathered.written()
}

// reset makes Close send a reset instead of an orderly end.
func (c *peekConn) reset() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
}

// A watch reads ahead on a connection until bytes arrive or it ends.
type watch struct {
	c    *peekConn
	done chan struct{} // closed when there is something to know
	err  error         // after done: why the connection ended; nil when bytes came
}

// watch starts reading ahead. Nobody else may read until stop returns.
func (c *peekConn) watch() *watch {
	w := &watch{c: c, done: make(chan struct{})}
	if len(c.ahead) > 0 {
		close(w.done)
		return w
	}
	go func() {
		defer close(w.done)
		buf := make([]byte, 2048)
		n, err := c.Conn.Read(buf)
		if n > 0 {
			c.in.Add(int64(n))
			c.ahead = buf[:n]
			err = nil // a second read will say it again
		}
		w.err = err
	}()
	return w
}

// stop ends the watch and reports how the connection ended; nil when it did not.
func (w *watch) stop() error {
	select {
	case <-w.done:
	default:
		w.c.Conn.SetReadDeadline(time.Unix(1, 0))
		<-w.done
		w.c.Conn.SetReadDeadline(time.Time{})
	}
	if errors.Is(w.err, os.ErrDeadlineExceeded) {
		return nil
	}
	return w.err
}
