package intercept

import "time"

const (
	// holdHeaders is how long the headers of an answer wait for its body. http.Server has
	// the first piece of a body that is there within microseconds; where none comes, the
	// relay has them released after flushAfter, at the latest.
	holdHeaders = 200 * time.Microsecond
	// maxHeld bounds what is written together with the headers.
	maxHeld = 20 << 10
	// hurryFor is how long nothing is held after hurry: http.Server writes what it was told
	// to flush a little later.
	hurryFor = 5 * time.Millisecond
	// closeWait bounds how long Close waits for a client to take what was held.
	closeWait = time.Second
)

// epoch is what times are kept relative to.
var epoch = time.Now()

// send writes p, together with what was held, or holds it when it ends with the headers of
// an answer whose body is to come. http.Server flushes these on their own before it looks
// for the body: each small answer was two TLS records, two system calls and two wake-ups of
// the client. c.write is held.
func (c *frameConn) send(p []byte) (int, error) {
	switch {
	case c.failed != nil:
		return 0, c.failed
	case len(c.held)+len(p) > maxHeld:
		if err := c.release(); err != nil {
			return 0, err
		}
		return c.Conn.Write(p)
	case c.bodyFollows() && time.Since(epoch) > time.Duration(c.hurried.Load()):
		c.held = append(c.held, p...)
		if c.timer == nil {
			c.timer = time.AfterFunc(holdHeaders, c.releaseNow)
		} else {
			c.timer.Reset(holdHeaders)
		}
		return len(p), nil
	case len(c.held) == 0:
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	if err := c.release(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// bodyFollows reports whether what was written so far ends with a complete header block
// that is not the end of its stream.
func (c *frameConn) bodyFollows() bool {
	kind := c.head[3]
	return c.have == 0 && c.left == 0 && (kind == frameHeaders || kind == frameContinuation) && !c.block && !c.final
}

// release writes what is held. c.write is held.
func (c *frameConn) release() error {
	if len(c.held) == 0 {
		return c.failed
	}
	c.timer.Stop()
	_, c.failed = c.Conn.Write(c.held)
	c.held = c.held[:0]
	return c.failed
}

func (c *frameConn) releaseNow() {
	c.write.Lock()
	defer c.write.Unlock()
	c.release()
}

// hurry has what is held written, and what is about to be.
func (c *frameConn) hurry() {
	if c == nil {
		return
	}
	c.hurried.Store(int64(time.Since(epoch) + hurryFor))
	if c.write.TryLock() { // who writes now does it, or the timer
		defer c.write.Unlock()
		c.release()
	}
}

// Close sends what is held first.
func (c *frameConn) Close() error {
	if c.write.TryLock() {
		if len(c.held) > 0 {
			c.Conn.SetWriteDeadline(time.Now().Add(closeWait))
			c.release()
		}
		c.write.Unlock()
	}
	return c.Conn.Close()
}
