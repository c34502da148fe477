package tcpstat

import (
	"math"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An answer is the kernel's: the first size bytes of info, or errno.
type answer struct {
	info  unix.TCPInfo
	size  uint32
	errno syscall.Errno
}

// fill asks. Not unix.GetsockoptTCPInfo: it does not tell how much the kernel filled in, and
// a field that an older one does not have is not 0 but unknown.
func (a *answer) fill(fd uintptr) {
	a.size = uint32(unsafe.Sizeof(a.info))
	_, _, a.errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.IPPROTO_TCP, unix.TCP_INFO,
		uintptr(unsafe.Pointer(&a.info)), uintptr(unsafe.Pointer(&a.size)), 0)
}

func (a *answer) stats() (Stats, error) {
	switch a.errno {
	case 0:
		return stats(&a.info, uintptr(a.size)), nil
	case unix.ENOPROTOOPT, unix.EOPNOTSUPP, unix.ENOSYS:
		return unknown(), ErrUnsupported
	}
	return unknown(), asking(a.errno)
}

// stats reads the first size bytes of info, which grows with the kernel: Total_retrans is
// there since Linux 2.6, Segs_out since 4.2, Min_rtt and Data_segs_out since 4.6, the
// limits since 4.9, Bytes_sent since 4.19, Rcv_ooopack since 5.4.
func stats(info *unix.TCPInfo, size uintptr) Stats {
	s := unknown()
	has := func(offset, width uintptr) bool { return size >= offset+width }
	if has(unsafe.Offsetof(info.Rttvar), 4) && info.Rtt > 0 { // the variance begins as a guess
		s.RTT, s.RTTVar = micros(uint64(info.Rtt)), micros(uint64(info.Rttvar))
	}
	if has(unsafe.Offsetof(info.Min_rtt), 4) && info.Min_rtt != math.MaxUint32 {
		s.MinRTT = micros(uint64(info.Min_rtt))
	}
	if has(unsafe.Offsetof(info.Total_retrans), 4) {
		s.Retrans = int64(info.Total_retrans)
	}
	if has(unsafe.Offsetof(info.Segs_out), 4) {
		s.SegsOut = int64(info.Segs_out)
	}
	if has(unsafe.Offsetof(info.Data_segs_out), 4) && info.Data_segs_out == 0 {
		s.SynRetrans = s.Retrans // there is nothing else that could have been sent again
	}
	if has(unsafe.Offsetof(info.Sndbuf_limited), 8) {
		s.RwndLimited, s.SndLimited = micros(info.Rwnd_limited), micros(info.Sndbuf_limited)
	}
	if has(unsafe.Offsetof(info.Bytes_retrans), 8) {
		s.BytesOut, s.RetransBytes = int64(info.Bytes_sent), int64(info.Bytes_retrans)
	}
	if has(unsafe.Offsetof(info.Rcv_ooopack), 4) {
		s.Reordered = int64(info.Rcv_ooopack)
	}
	return s
}

func micros(n uint64) time.Duration { return time.Duration(n) * time.Microsecond }
