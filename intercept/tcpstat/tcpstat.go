// Package tcpstat asks the kernel what it knows of a TCP connection: round-trip times,
// what was sent again, what arrived behind a hole. It needs no rights beyond the socket.
//
// What it must never be made to say is how much of a download was lost: a kernel counts
// what its own side sent again, and the sender of a download is the other one.
package tcpstat

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"syscall"
	"time"
)

// Unknown is the value of what the system does not say, or not yet.
const Unknown = -1

// Stats is what the kernel says of one connection. Counters count from its opening; a
// system counts what it counts, see the fields of recorder.TCP.
type Stats struct {
	RTT         time.Duration // smoothed round-trip time
	RTTVar      time.Duration // its mean deviation
	MinRTT      time.Duration // the least of late: on Linux of the last five minutes
	RwndLimited time.Duration // time that sending waited for the other side's window
	SndLimited  time.Duration // time that it waited for our own buffer

	Retrans      int64 // segments sent again
	RetransBytes int64 // payload bytes sent again
	SynRetrans   int64 // SYNs sent again; on Linux known until the first data are sent
	SegsOut      int64 // segments sent
	BytesOut     int64 // payload bytes sent
	Reordered    int64 // segments (Linux) or bytes that arrived behind a hole
}

// unknown is a Stats that says nothing.
func unknown() Stats {
	return Stats{
		RTT: Unknown, RTTVar: Unknown, MinRTT: Unknown, RwndLimited: Unknown, SndLimited: Unknown,
		Retrans: Unknown, RetransBytes: Unknown, SynRetrans: Unknown, SegsOut: Unknown, BytesOut: Unknown, Reordered: Unknown,
	}
}

var (
	// ErrNotTCP is the error of a connection without a TCP socket under it.
	ErrNotTCP = errors.New("not a TCP connection")
	// ErrUnsupported is the error where the system does not answer: there is no such
	// question to it, or this version of it does not know it.
	ErrUnsupported = fmt.Errorf("tcp statistics on %s: %w", runtime.GOOS, errors.ErrUnsupported)
)

// A Socket is a TCP connection to be asked about, again and again. It is for one goroutine
// at a time; the connection itself may be read, written and closed meanwhile.
type Socket struct {
	raw    syscall.RawConn
	answer answer           // what the kernel writes into: asking allocates nothing
	fill   func(fd uintptr) // asks
}

// Find returns the socket of c, or of what is under it as NetConn tells (a tls.Conn's
// does). The error is ErrNotTCP when there is none.
func Find(c net.Conn) (*Socket, error) {
	raw, err := socket(c)
	if err != nil {
		return nil, err
	}
	s := &Socket{raw: raw}
	s.fill = s.answer.fill
	return s, nil
}

// Ask asks the kernel. The error is ErrUnsupported, or why it did not answer: net.ErrClosed
// once the connection is closed. Every field is Unknown then.
func (s *Socket) Ask() (Stats, error) {
	if err := s.raw.Control(s.fill); err != nil {
		return unknown(), asking(err)
	}
	return s.answer.stats()
}

func asking(err error) error { return fmt.Errorf("ask about a TCP connection: %w", err) }

// socket finds the TCP socket under c.
func socket(c net.Conn) (syscall.RawConn, error) {
	for range 10 { // wrappers in wrappers; a ring of them is somebody's mistake
		if t, ok := c.(*net.TCPConn); ok {
			raw, err := t.SyscallConn()
			if err != nil {
				return nil, asking(err)
			}
			return raw, nil
		}
		w, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = w.NetConn()
	}
	return nil, ErrNotTCP
}
