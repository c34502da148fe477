//go:build unix

package intercept

import "syscall"

// readable reports whether a read would not wait: there are bytes, or the end.
func readable(c syscall.RawConn) bool {
	yes := false
	err := c.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		yes = err != syscall.EAGAIN && err != syscall.EINTR
		return true // never wait
	})
	return yes || err != nil
}

const canAsk = true
