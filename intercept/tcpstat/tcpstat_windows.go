package tcpstat

import (
	"errors"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// sioTCPInfo is SIO_TCP_INFO of mstcpip.h, _WSAIORW(IOC_VENDOR, 39). Windows 10 1703 and
// Server 2016 know version 0, later ones version 1.
const sioTCPInfo = 0xD8000027

// A tcpInfo is TCP_INFO_v1 of mstcpip.h; TCP_INFO_v0 is all before SndLimTransRwin. Every
// field lies at the same place whether uint64 is aligned to 8 bytes or to 4.
type tcpInfo struct {
	State             uint32
	Mss               uint32
	ConnectionTimeMs  uint64
	TimestampsEnabled uint8
	_                 [3]byte
	RttUs             uint32
	MinRttUs          uint32
	BytesInFlight     uint32
	Cwnd              uint32
	SndWnd            uint32
	RcvWnd            uint32
	RcvBuf            uint32
	BytesOut          uint64
	BytesIn           uint64
	BytesReordered    uint32
	BytesRetrans      uint32
	FastRetrans       uint32
	DupAcksIn         uint32
	TimeoutEpisodes   uint32
	SynRetrans        uint8
	_                 [3]byte

	SndLimTransRwin uint32
	SndLimTimeRwin  uint32 // ms
	SndLimBytesRwin uint64
	SndLimTransCwnd uint32
	SndLimTimeCwnd  uint32
	SndLimBytesCwnd uint64
	SndLimTransSnd  uint32
	SndLimTimeSnd   uint32 // ms
	SndLimBytesSnd  uint64
}

// The sizes that Windows knows the two versions by; a wrong one does not compile.
const (
	sizeV0 = 88
	sizeV1 = 136
)

var (
	_ [sizeV0]byte = [unsafe.Offsetof(tcpInfo{}.SndLimTransRwin)]byte{}
	_ [sizeV1]byte = [unsafe.Sizeof(tcpInfo{})]byte{}
)

// An answer is the system's: info, of version 1 if v1, or err.
type answer struct {
	info tcpInfo
	v1   bool
	err  error
}

func (a *answer) fill(fd uintptr) {
	h := windows.Handle(fd)
	a.err = ioctl(h, 1, &a.info, sizeV1)
	if a.v1 = a.err == nil; !a.v1 {
		a.err = ioctl(h, 0, &a.info, sizeV0)
	}
}

func (a *answer) stats() (Stats, error) {
	switch {
	case a.err == nil:
		return stats(&a.info, a.v1), nil
	case errors.Is(a.err, windows.WSAEOPNOTSUPP), errors.Is(a.err, windows.WSAEINVAL):
		return unknown(), ErrUnsupported
	}
	return unknown(), asking(a.err)
}

func ioctl(h windows.Handle, version uint32, info *tcpInfo, size uint32) error {
	var n uint32
	err := windows.WSAIoctl(h, sioTCPInfo, (*byte)(unsafe.Pointer(&version)), 4, (*byte)(unsafe.Pointer(info)), size, &n, nil, 0)
	if err == nil && n < size {
		return windows.WSAEOPNOTSUPP
	}
	return err
}

// stats reads info. Windows counts no segments: neither those sent nor those sent again.
func stats(info *tcpInfo, v1 bool) Stats {
	s := unknown()
	if info.RttUs > 0 {
		s.RTT = micros(info.RttUs)
	}
	if info.MinRttUs > 0 && info.MinRttUs < 1<<32-1 {
		s.MinRTT = micros(info.MinRttUs)
	}
	s.RetransBytes, s.SynRetrans = int64(info.BytesRetrans), int64(info.SynRetrans)
	s.BytesOut, s.Reordered = int64(info.BytesOut), int64(info.BytesReordered)
	if v1 {
		s.RwndLimited = time.Duration(info.SndLimTimeRwin) * time.Millisecond
		s.SndLimited = time.Duration(info.SndLimTimeSnd) * time.Millisecond
	}
	return s
}

func micros(n uint32) time.Duration { return time.Duration(n) * time.Microsecond }
