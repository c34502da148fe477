package tcpstat

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestStats(t *testing.T) {
	info := unix.TCPConnectionInfo{
		Srtt: 80, Rttvar: 3, Txpackets: 90, Txbytes: 5000, Txretransmitpackets: 7, Txretransmitbytes: 600, Rxoutoforderbytes: 8,
	}
	want := Stats{
		RTT: 80 * time.Millisecond, RTTVar: 3 * time.Millisecond, MinRTT: -1, RwndLimited: -1, SndLimited: -1,
		Retrans: 7, RetransBytes: 600, SynRetrans: -1, SegsOut: 90, BytesOut: 5000, Reordered: 8,
	}
	if diff := cmp.Diff(want, stats(&info)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	info.Srtt = 0
	want.RTT, want.RTTVar = -1, -1
	if diff := cmp.Diff(want, stats(&info)); diff != "" {
		t.Errorf("no round trip yet (-want +got):\n%s", diff)
	}
}
