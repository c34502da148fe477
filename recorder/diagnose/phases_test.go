package diagnose

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"modtap/recorder"
)

// Times are in nanoseconds, so that the cases can be read.
var piecesTests = []struct {
	name   string
	x      recorder.Exchange
	length recorder.Span
	want   []piece
}{
	{"nothing happened", recorder.Exchange{}, 0, nil},
	{"a first request; what is before its headers is the opening of the client's leg", recorder.Exchange{
		Server: recorder.Marks{DNSStart: 2, DNSDone: 10, ConnectStart: 10, ConnectDone: 30, TLSStart: 31, TLSDone: 60, WroteHeaders: 70, WroteRequest: 71, FirstByte: 100, LastByte: 150, End: 150},
		Client: recorder.Marks{GotConn: 68, End: 152}, Overhead: 5,
	}, 152, []piece{
		{0, 2, BucketModtap}, {2, 10, BucketDNS}, {10, 30, BucketConnect}, {30, 31, BucketModtap}, {31, 60, BucketTLS}, {60, 62, BucketModtap},
		{62, 68, BucketGo}, {68, 70, BucketQueue}, {70, 71, BucketSend}, {71, 100, BucketWait}, {100, 150, BucketReceive}, {150, 152, BucketGo},
	}},
	{"a delay of the user's rule, then ours", recorder.Exchange{
		Server: recorder.Marks{WroteHeaders: 213, WroteRequest: 214, FirstByte: 300, LastByte: 310, End: 310, Reused: true},
		Client: recorder.Marks{GotConn: 1, End: 310}, Injected: 200, Overhead: 10,
	}, 310, []piece{
		{0, 1, BucketModtap}, {1, 201, BucketInjected}, {201, 210, BucketModtap}, {210, 213, BucketQueue},
		{213, 214, BucketSend}, {214, 300, BucketWait}, {300, 310, BucketReceive},
	}},
	{"the client does not read", recorder.Exchange{
		Server: recorder.Marks{WroteHeaders: 1, WroteRequest: 2, FirstByte: 10, LastByte: 110, End: 110, Reused: true},
		Client: recorder.Marks{End: 120}, ClientBlocked: 60, Overhead: 7,
	}, 120, []piece{
		{0, 1, BucketModtap}, {1, 2, BucketSend}, {2, 10, BucketWait}, {10, 44, BucketReceive}, {44, 50, BucketModtap}, {50, 120, BucketGo},
	}},
	{"more than all of the body is the client's", recorder.Exchange{
		Server: recorder.Marks{WroteHeaders: 1, FirstByte: 10, End: 20}, ClientBlocked: 1000, Overhead: 1000,
	}, 20, []piece{{0, 1, BucketModtap}, {1, 10, BucketSend}, {10, 20, BucketGo}}},
	{"a parent proxy is a queue", recorder.Exchange{
		Server: recorder.Marks{ConnectStart: 1, ConnectDone: 5, ProxyStart: 5, ProxyDone: 50, TLSStart: 50, TLSDone: 60, WroteHeaders: 60, WroteRequest: 60, FirstByte: 70, End: 70},
		Client: recorder.Marks{End: 70},
	}, 70, []piece{{0, 1, BucketQueue}, {1, 5, BucketConnect}, {5, 50, BucketQueue}, {50, 60, BucketTLS}, {60, 70, BucketWait}}},
	{"a handshake that times out", recorder.Exchange{
		Server: recorder.Marks{ConnectStart: 1, ConnectDone: 5, TLSStart: 5, End: 10_005}, Client: recorder.Marks{End: 10_005},
	}, 10_005, []piece{{0, 1, BucketQueue}, {1, 5, BucketConnect}, {5, 10_005, BucketTLS}}},
	{"in flight when the recording ends", recorder.Exchange{
		Server: recorder.Marks{WroteHeaders: 1, WroteRequest: 2},
	}, 500, []piece{{0, 1, BucketQueue}, {1, 2, BucketSend}, {2, 500, BucketWait}}},
}

func TestPieces(t *testing.T) {
	for _, tt := range piecesTests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, pieces(&tt.x, tt.length), cmp.AllowUnexported(piece{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			checkPieces(t, &tt.x, tt.length)
		})
	}
}

// checkPieces checks what holds for any exchange: the pieces cover it without a gap, and
// the server's phases are never more than Timings says.
func checkPieces(t *testing.T, x *recorder.Exchange, length recorder.Span) {
	t.Helper()
	var at recorder.Span
	sums := map[string]recorder.Span{}
	for _, p := range pieces(x, length) {
		if p.from != at || p.to <= p.from || p.bucket == blocked {
			t.Errorf("piece %+v after %d of %+v", p, at, x)
		}
		at = p.to
		sums[p.bucket] += p.to - p.from
	}
	if at != length {
		t.Errorf("pieces end at %d of %d: %+v", at, length, x)
	}
	m := x.Server
	if m.End <= 0 || m.End > length {
		m.End = length
	}
	if diff := cmp.Diff(sumsOf(m.Timings()), phaseSums(m)); diff != "" {
		t.Errorf("phases are not those of Timings, of %+v: -want +got:\n%s", m, diff)
	}
}

func sumsOf(t recorder.Timings) map[string]recorder.Span {
	connect := max(t.Connect, 0)
	return map[string]recorder.Span{
		BucketDNS: max(t.DNS, 0), BucketConnect: connect - max(t.SSL, 0), BucketTLS: max(t.SSL, 0),
		BucketSend: t.Send, BucketWait: t.Wait, BucketReceive: t.Receive, BucketQueue: t.Proxy, blocked: t.Blocked - t.Proxy,
	}
}

func phaseSums(m recorder.Marks) map[string]recorder.Span {
	sums := map[string]recorder.Span{BucketDNS: 0, BucketConnect: 0, BucketTLS: 0, BucketSend: 0, BucketWait: 0, BucketReceive: 0, BucketQueue: 0, blocked: 0}
	for _, p := range phasesOf(m) {
		sums[p.bucket] += p.to - p.from
	}
	return sums
}

func FuzzPieces(f *testing.F) {
	for _, tt := range piecesTests {
		m := tt.x.Server
		f.Add(int64(m.DNSStart), int64(m.DNSDone), int64(m.ConnectStart), int64(m.ConnectDone), int64(m.ProxyStart), int64(m.ProxyDone), int64(m.TLSStart), int64(m.TLSDone),
			int64(m.WroteHeaders), int64(m.WroteRequest), int64(m.FirstByte), int64(m.End), int64(tt.x.Client.GotConn), int64(tt.x.ClientBlocked), int64(tt.x.Overhead), int64(tt.x.Injected), int64(tt.length))
	}
	f.Fuzz(func(t *testing.T, dns0, dns1, conn0, conn1, proxy0, proxy1, tls0, tls1, head, wrote, first, end, got, client, over, injected, length int64) {
		x := recorder.Exchange{
			Server: recorder.Marks{
				DNSStart: recorder.Span(dns0), DNSDone: recorder.Span(dns1), ConnectStart: recorder.Span(conn0), ConnectDone: recorder.Span(conn1),
				ProxyStart: recorder.Span(proxy0), ProxyDone: recorder.Span(proxy1), TLSStart: recorder.Span(tls0), TLSDone: recorder.Span(tls1),
				WroteHeaders: recorder.Span(head), WroteRequest: recorder.Span(wrote), FirstByte: recorder.Span(first), End: recorder.Span(end),
			},
			Client: recorder.Marks{GotConn: recorder.Span(got)}, ClientBlocked: recorder.Span(client), Overhead: recorder.Span(over), Injected: recorder.Span(injected),
		}
		checkPieces(t, &x, recorder.Span(max(length, 0)))
	})
}
