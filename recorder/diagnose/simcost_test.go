package diagnose

import (
	"math"
	"testing"

	"modtap/recorder"
)

func TestCosts(t *testing.T) {
	const size = 1 << 20
	for _, test := range []struct {
		name    string
		proto   string
		size    int64
		minRTT  float64
		latency float64 // milliseconds, as all below
		shake   float64
		fixed   float64
		bytes   float64
		rate    float64 // bytes per second
	}{
		{"a round trip time that is not known", "HTTP/2.0", size, 0, 50, 30, 6, size, size / 0.1},
		{"slow start takes part of it", "HTTP/2.0", size, 10, 111.9, 30, 6, size, size / 0.0381},
		{"slow start takes all of it", "HTTP/2.0", size, 100, 150, 30, 6, 0, 0},
		{"too small to have a rate", "HTTP/2.0", 60_000, 10, 50, 30, 106, 0, 0},
		{"a connection of its own", "HTTP/1.1", size, 0, 50, 30, 6, size, size / 0.1},
	} {
		w := newWorld()
		x := w.get(1, 0, proxyURL("x.test/m@v1.0.0", "zip"), 200, test.size, phases{dns: 6, connect: 10, tls: 20, wait: 50, receive: 100})
		x.Proto = test.proto
		if test.minRTT > 0 {
			w.conn(1).TCP = &recorder.TCP{MinRTT: ms(test.minRTT)}
		}
		w.ends(300, 0)
		costs, link := analyse(&w.Input).costs()
		k := costs[0]
		near := func(got, want float64) bool { return math.Abs(got-want) <= 0.01*math.Max(want, 1) }
		if !near(k.latency.Milliseconds(), test.latency) || !near(k.shake.Milliseconds(), test.shake) || !near(k.fixed.Milliseconds(), test.fixed) ||
			k.bytes != test.bytes || !near(k.rate, test.rate) || k.shares == (test.proto == "HTTP/1.1") {
			t.Errorf("%s: %+v", test.name, k)
		}
		if large := test.size >= transferBytes; large != (link > 0) {
			t.Errorf("%s: the link gave %.0f B/s", test.name, link)
		}
	}
}
