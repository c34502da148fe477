package tcpstat

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// full is what a new kernel says.
var full = unix.TCPInfo{
	Rtt: 80_500, Rttvar: 3_000, Min_rtt: 80_000, Total_retrans: 7, Segs_out: 90, Data_segs_out: 40,
	Rwnd_limited: 2_000, Sndbuf_limited: 3_000, Bytes_sent: 5_000, Bytes_retrans: 600, Rcv_ooopack: 8,
}

// with is full, changed.
func with(change func(*unix.TCPInfo)) unix.TCPInfo {
	info := full
	change(&info)
	return info
}

var statsTests = []struct {
	name string
	info unix.TCPInfo
	size uintptr // as of that kernel's struct tcp_info
	want Stats
}{
	{"all of it", full, unsafe.Sizeof(full), Stats{
		RTT: 80500 * time.Microsecond, RTTVar: 3 * time.Millisecond, MinRTT: 80 * time.Millisecond, RwndLimited: 2 * time.Millisecond, SndLimited: 3 * time.Millisecond,
		Retrans: 7, RetransBytes: 600, SynRetrans: -1, SegsOut: 90, BytesOut: 5000, Reordered: 8,
	}},
	{"no data sent yet: what was sent again are SYNs", with(func(i *unix.TCPInfo) { i.Data_segs_out, i.Total_retrans, i.Bytes_sent, i.Bytes_retrans = 0, 2, 0, 0 }), unsafe.Sizeof(full), Stats{
		RTT: 80500 * time.Microsecond, RTTVar: 3 * time.Millisecond, MinRTT: 80 * time.Millisecond, RwndLimited: 2 * time.Millisecond, SndLimited: 3 * time.Millisecond,
		Retrans: 2, SynRetrans: 2, SegsOut: 90, Reordered: 8,
	}},
	{"no round trip measured yet", with(func(i *unix.TCPInfo) { i.Rtt, i.Rttvar, i.Min_rtt = 0, 250_000, math.MaxUint32 }), unsafe.Sizeof(full), Stats{
		RTT: -1, RTTVar: -1, MinRTT: -1, RwndLimited: 2 * time.Millisecond, SndLimited: 3 * time.Millisecond,
		Retrans: 7, RetransBytes: 600, SynRetrans: -1, SegsOut: 90, BytesOut: 5000, Reordered: 8,
	}},
	{"Linux 4.19", full, unsafe.Offsetof(full.Rcv_ooopack), Stats{
		RTT: 80500 * time.Microsecond, RTTVar: 3 * time.Millisecond, MinRTT: 80 * time.Millisecond, RwndLimited: 2 * time.Millisecond, SndLimited: 3 * time.Millisecond,
		Retrans: 7, RetransBytes: 600, SynRetrans: -1, SegsOut: 90, BytesOut: 5000, Reordered: -1,
	}},
	{"Linux 4.6", full, unsafe.Offsetof(full.Delivery_rate), Stats{
		RTT: 80500 * time.Microsecond, RTTVar: 3 * time.Millisecond, MinRTT: 80 * time.Millisecond, RwndLimited: -1, SndLimited: -1,
		Retrans: 7, RetransBytes: -1, SynRetrans: -1, SegsOut: 90, BytesOut: -1, Reordered: -1,
	}},
	{"Linux 3.2", full, unsafe.Offsetof(full.Pacing_rate), Stats{
		RTT: 80500 * time.Microsecond, RTTVar: 3 * time.Millisecond, MinRTT: -1, RwndLimited: -1, SndLimited: -1,
		Retrans: 7, RetransBytes: -1, SynRetrans: -1, SegsOut: -1, BytesOut: -1, Reordered: -1,
	}},
	{"nothing", full, 0, unknown()},
}

func TestStats(t *testing.T) {
	for _, test := range statsTests {
		if diff := cmp.Diff(test.want, stats(&test.info, test.size)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
