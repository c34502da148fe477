package intercept

import (
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/intercept/tcpstat"
	"modtap/recorder"
)

const milli = time.Millisecond

var (
	nothing = tcpstat.Stats{
		RTT: -1, RTTVar: -1, MinRTT: -1, RwndLimited: -1, SndLimited: -1, Retrans: -1, RetransBytes: -1, SynRetrans: -1, SegsOut: -1, BytesOut: -1, Reordered: -1,
	}
	opened = tcpstat.Stats{RTT: 80 * milli, RTTVar: 40 * milli, MinRTT: 80 * milli, Retrans: 1, SynRetrans: 1, SegsOut: 2}
	later  = tcpstat.Stats{
		RTT: 90 * milli, RTTVar: 20 * milli, MinRTT: 79 * milli, RwndLimited: 5 * milli, SndLimited: 6 * milli,
		Retrans: 4, RetransBytes: 700, SynRetrans: 1, SegsOut: 20, BytesOut: 3000, Reordered: 8,
	}
	last = tcpstat.Stats{
		RTT: 85 * milli, RTTVar: 10 * milli, MinRTT: 79 * milli, RwndLimited: 5 * milli, SndLimited: 9 * milli,
		Retrans: 4, RetransBytes: 700, SynRetrans: 1, SegsOut: 30, BytesOut: 4000, Reordered: 8,
	}
)

var stretchTests = []struct {
	name     string
	base     *tcpstat.Stats // nil: from the opening
	readings []tcpstat.Stats
	want     recorder.TCP
}{
	{"all of it", nil, []tcpstat.Stats{opened, later, last}, recorder.TCP{
		Samples: 3, RTT: recorder.Span(85 * milli), RTTVar: recorder.Span(10 * milli), MinRTT: recorder.Span(79 * milli), MaxRTT: recorder.Span(90 * milli),
		Retrans: 4, RetransBytes: 700, SynRetrans: 1, SegsOut: 30, BytesOut: 4000, Reordered: 8,
		RwndLimit: recorder.Span(5 * milli), SndLimit: recorder.Span(9 * milli), Note: "a note",
	}},
	{"from after the opening", &opened, []tcpstat.Stats{later}, recorder.TCP{
		Samples: 2, RTT: recorder.Span(90 * milli), RTTVar: recorder.Span(20 * milli), MinRTT: recorder.Span(79 * milli), MaxRTT: recorder.Span(90 * milli),
		Retrans: 3, RetransBytes: 700, SynRetrans: 0, SegsOut: 18, BytesOut: 3000, Reordered: 8,
		RwndLimit: recorder.Span(5 * milli), SndLimit: recorder.Span(6 * milli), Note: "a note",
	}},
	{"nothing happened", &later, []tcpstat.Stats{later}, recorder.TCP{
		Samples: 2, RTT: recorder.Span(90 * milli), RTTVar: recorder.Span(20 * milli), MinRTT: recorder.Span(79 * milli), MaxRTT: recorder.Span(90 * milli), Note: "a note",
	}},
	{"the system says nothing", &nothing, []tcpstat.Stats{nothing}, recorder.TCP{
		Samples: 2, RTT: -1, RTTVar: -1, MinRTT: -1, MaxRTT: -1, Retrans: -1, RetransBytes: -1, SynRetrans: -1, SegsOut: -1, BytesOut: -1, Reordered: -1, RwndLimit: -1, SndLimit: -1, Note: "a note",
	}},
	{"the first round trip is measured later", &nothing, []tcpstat.Stats{opened}, recorder.TCP{
		Samples: 2, RTT: recorder.Span(80 * milli), RTTVar: recorder.Span(40 * milli), MinRTT: recorder.Span(80 * milli), MaxRTT: recorder.Span(80 * milli),
		Retrans: -1, RetransBytes: -1, SynRetrans: -1, SegsOut: -1, BytesOut: -1, Reordered: -1, RwndLimit: -1, SndLimit: -1, Note: "a note",
	}},
}

func TestStretch(t *testing.T) {
	for _, test := range stretchTests {
		var s stretch
		n := 0
		if test.base != nil {
			n++
			s.base = *test.base
			s.take(reading{Stats: *test.base, n: n})
		}
		var r reading
		for _, st := range test.readings {
			n++
			r = reading{Stats: st, n: n}
			s.take(r)
			s.take(r) // the same again
		}
		if diff := cmp.Diff(&test.want, s.record(r, "a note")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestGrown(t *testing.T) {
	for _, test := range []struct{ from, to, want int64 }{{1, 5, 4}, {5, 5, 0}, {4_294_967_290, 3, 0}, {-1, 5, -1}, {5, -1, -1}} {
		if got := grown(test.from, test.to); got != test.want {
			t.Errorf("from %d to %d it has grown by %d, want %d", test.from, test.to, got, test.want)
		}
	}
}

// TestMeterWithoutTCP has nothing to ask, and says why.
func TestMeterWithoutTCP(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	m := &meter{}
	if m.record() != nil || m.read(0).n != 0 {
		t.Error("a connection that was never open is measured")
	}
	m.open(a, true)
	got := m.record()
	if got == nil || got.Samples != 0 || got.Retrans != -1 || got.RTT != -1 || got.Note != tcpstat.ErrNotTCP.Error() {
		t.Errorf("recorded %+v", got)
	}
	var none *meter
	none.open(a, false)
	if none.record() != nil || none.read(0).n != 0 || none.all() != (stretch{}) || none.since() != (stretch{}) {
		t.Error("no meter measures something")
	}
}

// TestMeter asks about a connection over loopback.
func TestMeter(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("the system may not answer")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	m := &meter{}
	m.open(c, true)
	if n := m.read(time.Hour).n; n != 1 {
		t.Errorf("reading %d is an hour fresh", n)
	}
	if n := m.read(0).n; n != 2 {
		t.Errorf("reading %d is new, want 2", n)
	}
	c.Close()
	if n := m.read(0).n; n != 2 {
		t.Errorf("reading %d is of a closed connection, want 2", n)
	}
	if got := m.record(); got.Samples != 2 || got.Note != "measured to the parent proxy, not to the server" || runtime.GOOS == "linux" && got.SynRetrans != 0 {
		t.Errorf("recorded %+v", got)
	}
}

// BenchmarkMeasure is all that measuring adds to a short exchange.
func BenchmarkMeasure(b *testing.B) {
	u := &upConn{meter: &meter{}}
	u.meter.open(idleConn(b), false)
	if u.meter.read(0).n == 0 {
		b.Skip("the system does not answer")
	}
	b.ReportAllocs()
	for b.Loop() {
		x := exchange{}
		x.meterFrom(u)
		x.measure(askedJustNow)
		x.measure(0)
		if x.rec.TCP.Samples != 2 {
			b.Fatal(x.rec.TCP.Samples)
		}
	}
}
