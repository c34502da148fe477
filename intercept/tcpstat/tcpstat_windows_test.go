package tcpstat

import (
	"encoding/binary"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// The offsets of TCP_INFO_v1 in mstcpip.h as a C compiler for Windows lays it out.
var fields32 = map[int]uint32{
	20:  80_500, // RttUs
	24:  80_000, // MinRttUs
	64:  8,      // BytesReordered
	68:  600,    // BytesRetrans
	84:  2,      // SynRetrans, one byte
	92:  30,     // SndLimTimeRwin
	124: 40,     // SndLimTimeSnd
}

func TestStats(t *testing.T) {
	var b [sizeV1]byte
	for at, v := range fields32 {
		binary.LittleEndian.PutUint32(b[at:], v)
	}
	binary.LittleEndian.PutUint64(b[48:], 5000) // BytesOut
	var info tcpInfo
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&info)), sizeV1), b[:])
	want := Stats{
		RTT: 80500 * time.Microsecond, RTTVar: -1, MinRTT: 80 * time.Millisecond, RwndLimited: 30 * time.Millisecond, SndLimited: 40 * time.Millisecond,
		Retrans: -1, RetransBytes: 600, SynRetrans: 2, SegsOut: -1, BytesOut: 5000, Reordered: 8,
	}
	if diff := cmp.Diff(want, stats(&info, true)); diff != "" {
		t.Errorf("version 1 (-want +got):\n%s", diff)
	}
	want.RwndLimited, want.SndLimited = -1, -1
	if diff := cmp.Diff(want, stats(&info, false)); diff != "" {
		t.Errorf("version 0 (-want +got):\n%s", diff)
	}
	want.RTT, want.MinRTT = -1, -1
	info.RttUs, info.MinRttUs = 0, 1<<32-1
	if diff := cmp.Diff(want, stats(&info, false)); diff != "" {
		t.Errorf("no round trip yet (-want +got):\n%s", diff)
	}
}
