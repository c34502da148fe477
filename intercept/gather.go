package intercept

import (
	"net"
	"sync"
	"time"
)

const (
	// A full TLS record on the wire: 16 KiB and what surrounds them, for TLS 1.3 and for
	// the AES-GCM suites of TLS 1.2 (RFC 8446 §5.2, RFC 5288 §3).
	fullRecord13 = 5 + 16384 + 1 + 16
	fullRecord12 = 5 + 8 + 16384 + 16
	// holdRecord is how long a full record waits for the next one. crypto/tls writes the
	// next within microseconds when there is one.
	holdRecord = 200 * time.Microsecond
)

// A gather writes TLS records in pairs. A full DATA frame of HTTP/2 is 9 bytes more than a
// record holds, so crypto/tls writes a full record and a tiny one, with a system call and
// a segment for each, and the client reads twice. Holding the full one until the next
// comes halves both (measured: the proxy's CPU for a go mod download of 44 MB fell from
// 0.20 to 0.18 s).
// Only a write of an exact multiple of 16 KiB has no next one; then a timer sends it.
type gather struct {
	conn net.Conn

	mu    sync.Mutex
	held  []byte
	pair  [2][]byte
	timer *time.Timer
	err   error // of a write that the timer made
}

func (g *gather) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return 0, g.err
	}
	if len(g.held) > 0 {
		return g.writePair(p)
	}
	if len(p) != fullRecord13 && len(p) != fullRecord12 {
		return g.conn.Write(p)
	}
	g.held = append(g.held, p...)
	if g.timer == nil {
		g.timer = time.AfterFunc(holdRecord, g.flush)
	} else {
		g.timer.Reset(holdRecord)
	}
	return len(p), nil
}

// writePair sends what is held and p in one system call.
func (g *gather) writePair(p []byte) (int, error) {
	g.timer.Stop()
	held := len(g.held)
	g.pair = [2][]byte{g.held, p}
	bufs := net.Buffers(g.pair[:])
	n, err := bufs.WriteTo(g.conn)
	g.held, g.pair = g.held[:0], [2][]byte{}
	return max(0, int(n)-held), err
}

// flush sends what nothing followed.
func (g *gather) flush() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.held) > 0 && g.err == nil {
		_, g.err = g.conn.Write(g.held)
		g.held = g.held[:0]
	}
}
