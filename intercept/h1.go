package intercept

import (
	"net"
	"net/http"
)

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
