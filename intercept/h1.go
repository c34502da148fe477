package intercept

import (
	"bytes"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// A lineConn is a client's HTTP/1.1 connection as http.Server writes to it. net/http has
// one reason for each status; clients print the server's own, and corporate proxies put
// there what they want to say.
type lineConn struct {
	net.Conn

	mu     sync.Mutex
	status string // of the next answer, code and reason; "": as net/http has it
}

// answer makes status, such as "403 Blocked by policy", that of the next answer.
func (c *lineConn) answer(code int, status string) {
	if status == strconv.Itoa(code)+" "+http.StatusText(code) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = oneLine(status)
}

// Write replaces the status where an answer begins. http.Server begins each one with a
// write of its own.
func (c *lineConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	const proto = len("HTTP/1.1 ")
	if c.status == "" || len(p) < proto+3 || !bytes.HasPrefix(p, []byte("HTTP/1.")) || string(p[proto:proto+3]) != c.status[:3] {
		return c.Conn.Write(p) // a 1xx among others
	}
	end := bytes.IndexByte(p, '\r')
	if end < 0 {
		return c.Conn.Write(p)
	}
	out := append(append(append([]byte(nil), p[:proto]...), c.status...), p[end:]...)
	c.status = ""
	if _, err := c.Conn.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CloseWrite is what http.Server looks for before it hangs up on a client that still sends.
func (c *lineConn) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(c net.Conn) error {
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return c.Close()
}

// passHead gives an HTTP/1.1 client the bytes of an answer that could not be read, and takes
// the connection from the http.Server. It reports whether there were any.
func passHead(w http.ResponseWriter, c *call) bool {
	x := c.x
	if x.failed == nil || x.up == nil || x.early.Load() {
		return false
	}
	up, ok := x.up.cc.(*h1Conn)
	if !ok {
		return false
	}
	head := up.answered()
	if len(head) == 0 {
		return false
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	conn.Write(head)
	if isReset(x.failed) {
		c.tunnel.client.reset()
	}
	conn.Close()
	c.tunnel.end(nil)
	return true
}
