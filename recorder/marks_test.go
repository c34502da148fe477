package recorder

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Times are in nanoseconds, so that the cases can be read.
var timingsTests = []struct {
	name string
	in   Marks
	want Timings
}{
	{"nothing happened", Marks{},
		Timings{DNS: -1, Connect: -1, SSL: -1}},
	{"in flight, no end yet", Marks{DNSStart: 1, DNSDone: 5, ConnectStart: 5},
		Timings{SSL: -1}},
	{"all phases", Marks{DNSStart: 2, DNSDone: 10, ConnectStart: 11, ConnectDone: 30, TLSStart: 31, TLSDone: 60, GotConn: 62, WroteHeaders: 64, WroteRequest: 70, FirstByte: 100, LastByte: 150, End: 150},
		Timings{Blocked: 8, DNS: 8, Connect: 48, SSL: 29, Send: 6, Wait: 30, Receive: 50}},
	{"reused connection", Marks{GotConn: 1, WroteHeaders: 3, WroteRequest: 4, FirstByte: 50, LastByte: 60, End: 60, Reused: true},
		Timings{Blocked: 3, DNS: -1, Connect: -1, SSL: -1, Send: 1, Wait: 46, Receive: 10}},
	{"plain HTTP to an address", Marks{ConnectStart: 1, ConnectDone: 9, WroteHeaders: 9, WroteRequest: 9, FirstByte: 20, End: 21},
		Timings{Blocked: 1, DNS: -1, Connect: 8, SSL: -1, Send: 0, Wait: 11, Receive: 1}},
	{"a parent proxy's CONNECT is blocked", Marks{DNSStart: 1, DNSDone: 3, ConnectStart: 3, ConnectDone: 6, ProxyStart: 7, ProxyDone: 20, TLSStart: 20, TLSDone: 30, WroteHeaders: 31, WroteRequest: 32, FirstByte: 40, End: 45},
		Timings{Blocked: 1 + 1 + 13 + 1, DNS: 2, Connect: 13, SSL: 10, Send: 1, Wait: 8, Receive: 5, Proxy: 13}},
	{"handshake only, on a dialled connection", Marks{TLSStart: 2, TLSDone: 12, WroteHeaders: 12, WroteRequest: 12, FirstByte: 20, End: 20},
		Timings{Blocked: 2, DNS: -1, Connect: 10, SSL: 10, Wait: 8}},
	{"DNS fails", Marks{DNSStart: 1, End: 5000},
		Timings{Blocked: 1, DNS: 4999, Connect: -1, SSL: -1}},
	{"connect fails", Marks{DNSStart: 1, DNSDone: 5, ConnectStart: 5, End: 30},
		Timings{Blocked: 1, DNS: 4, Connect: 25, SSL: -1}},
	{"the proxy never answers", Marks{ConnectStart: 1, ConnectDone: 5, ProxyStart: 6, End: 60},
		Timings{Blocked: 1 + 1 + 54, DNS: -1, Connect: 4, SSL: -1, Proxy: 54}},
	{"TLS handshake timeout", Marks{ConnectStart: 1, ConnectDone: 5, TLSStart: 6, End: 10_006},
		Timings{Blocked: 2, DNS: -1, Connect: 10_004, SSL: 10_000}},
	{"canceled before the request was written", Marks{ConnectStart: 1, ConnectDone: 5, End: 9},
		Timings{Blocked: 5, DNS: -1, Connect: 4, SSL: -1}},
	{"fails while writing", Marks{WroteHeaders: 4, End: 10},
		Timings{Blocked: 4, DNS: -1, Connect: -1, SSL: -1, Send: 6}},
	{"no answer", Marks{WroteHeaders: 4, WroteRequest: 5, End: 150},
		Timings{Blocked: 4, DNS: -1, Connect: -1, SSL: -1, Send: 1, Wait: 145}},
	{"answer before the request was out", Marks{WroteHeaders: 4, WroteRequest: 50, FirstByte: 20, End: 60},
		Timings{Blocked: 4, DNS: -1, Connect: -1, SSL: -1, Send: 16, Receive: 40}},
	{"answer, and the request was never out", Marks{WroteHeaders: 4, FirstByte: 20, End: 60},
		Timings{Blocked: 4, DNS: -1, Connect: -1, SSL: -1, Send: 16, Receive: 40}},
	{"a lookup given up for a dial", Marks{DNSStart: 1, ConnectStart: 10, ConnectDone: 20, WroteHeaders: 21, WroteRequest: 22, FirstByte: 90, End: 100},
		Timings{Blocked: 2, DNS: 9, Connect: 10, SSL: -1, Send: 1, Wait: 68, Receive: 10}},
	{"a handshake without an end, and yet a request", Marks{TLSStart: 1, WroteHeaders: 10, WroteRequest: 11, FirstByte: 20, End: 20},
		Timings{Blocked: 1, DNS: -1, Connect: 9, SSL: 9, Send: 1, Wait: 9}},
	{"phases that overlap are cut", Marks{DNSStart: 1, DNSDone: 10, ConnectStart: 5, ConnectDone: 15, TLSStart: 12, TLSDone: 18, WroteHeaders: 16, WroteRequest: 17, FirstByte: 20, End: 20},
		Timings{Blocked: 1, DNS: 9, Connect: 8, SSL: 3, Send: 0, Wait: 2}},
	{"marks after the end", Marks{DNSStart: 1, DNSDone: 10, ConnectStart: 10, ConnectDone: 90, WroteHeaders: 95, WroteRequest: 96, FirstByte: 99, End: 50},
		Timings{Blocked: 1, DNS: 9, Connect: 40, SSL: -1}},
	{"marks before the start", Marks{DNSStart: -5, DNSDone: -1, ConnectStart: -1, ConnectDone: 3, TLSStart: 4, TLSDone: 6, WroteHeaders: 7, WroteRequest: 8, FirstByte: 9, End: 10},
		Timings{Blocked: 5, DNS: -1, Connect: 2, SSL: 2, Send: 1, Wait: 1, Receive: 1}},
	{"a negative end", Marks{DNSStart: 1, DNSDone: 10, End: -4},
		Timings{Connect: -1, SSL: -1}},
}

func TestTimings(t *testing.T) {
	for _, tt := range timingsTests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.in.Timings()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			checkTimings(t, tt.in, got)
		})
	}
}

// checkTimings checks what holds for any marks, however wrong.
func checkTimings(t *testing.T, m Marks, got Timings) {
	t.Helper()
	var sum Span
	for _, p := range []struct {
		name string
		span Span
		may  bool // be -1
	}{
		{"blocked", got.Blocked, false}, {"dns", got.DNS, true}, {"connect", got.Connect, true},
		{"send", got.Send, false}, {"wait", got.Wait, false}, {"receive", got.Receive, false},
	} {
		if p.span < 0 && !(p.may && p.span == -1) {
			t.Errorf("%s is %d: %+v", p.name, p.span, m)
		}
		sum += max(p.span, 0)
	}
	if want := max(m.End, 0); sum != want || got.Total() != want {
		t.Errorf("phases sum to %d, Total is %d, want %d: %+v of %+v", sum, got.Total(), want, got, m)
	}
	if got.SSL < -1 || got.SSL > got.Connect {
		t.Errorf("ssl %d is not inside connect %d: %+v", got.SSL, got.Connect, m)
	}
	if got.Proxy < 0 || got.Proxy > got.Blocked {
		t.Errorf("proxy %d is not inside blocked %d: %+v", got.Proxy, got.Blocked, m)
	}
}

func FuzzTimings(f *testing.F) {
	for _, tt := range timingsTests {
		m := tt.in
		f.Add(int64(m.DNSStart), int64(m.DNSDone), int64(m.ConnectStart), int64(m.ConnectDone), int64(m.ProxyStart), int64(m.ProxyDone),
			int64(m.TLSStart), int64(m.TLSDone), int64(m.WroteHeaders), int64(m.WroteRequest), int64(m.FirstByte), int64(m.End))
	}
	f.Fuzz(func(t *testing.T, dns0, dns1, conn0, conn1, proxy0, proxy1, tls0, tls1, head, wrote, first, end int64) {
		m := Marks{
			DNSStart: Span(dns0), DNSDone: Span(dns1), ConnectStart: Span(conn0), ConnectDone: Span(conn1),
			ProxyStart: Span(proxy0), ProxyDone: Span(proxy1), TLSStart: Span(tls0), TLSDone: Span(tls1),
			WroteHeaders: Span(head), WroteRequest: Span(wrote), FirstByte: Span(first), End: Span(end),
		}
		checkTimings(t, m, m.Timings())
	})
}
