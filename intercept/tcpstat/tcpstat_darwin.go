package tcpstat

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// An answer is the kernel's: info, or err.
type answer struct {
	info *unix.TCPConnectionInfo
	err  error
}

func (a *answer) fill(fd uintptr) {
	a.info, a.err = unix.GetsockoptTCPConnectionInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_CONNECTION_INFO)
}

func (a *answer) stats() (Stats, error) {
	switch {
	case a.err == nil:
		return stats(a.info), nil
	case errors.Is(a.err, unix.ENOPROTOOPT):
		return unknown(), ErrUnsupported
	}
	return unknown(), asking(a.err)
}

// stats reads info, whose times are whole milliseconds: one that is less is not told from
// none. The kernel counts SYNs apart (tcp_info.tcpi_synrexmits) and does not tell of them
// here, nor does Txretransmitpackets have them in it (xnu, tcp_output.c: only segments with
// payload count).
func stats(info *unix.TCPConnectionInfo) Stats {
	s := unknown()
	if info.Srtt > 0 {
		s.RTT, s.RTTVar = millis(info.Srtt), millis(info.Rttvar)
	}
	s.Retrans, s.RetransBytes = int64(info.Txretransmitpackets), int64(info.Txretransmitbytes)
	s.SegsOut, s.BytesOut = int64(info.Txpackets), int64(info.Txbytes)
	s.Reordered = int64(info.Rxoutoforderbytes)
	return s
}

func millis(n uint32) time.Duration { return time.Duration(n) * time.Millisecond }
