package diagnose

import (
	"fmt"
	"testing"

	"modtap/recorder"
)

// FuzzPlay plays whatever a recording may hold: it ends, no job is left out, and nothing
// takes less time than none.
func FuzzPlay(f *testing.F) {
	f.Add([]byte("\x00\x00\x20\x01\x00\x00\x01\x30\x20\x01\x00\x00\x02\x60\x20\x01\x40\x03"), uint8(2))
	f.Add([]byte("\x04\x00\x10\x02\x00\x00\x03\x11\x10\x02\x00\x00\x05\x22\x10\x02\x00\x00\x06\x10\xff\x03\xff\x01"), uint8(0))
	f.Fuzz(fuzzPlay)
}

func fuzzPlay(t *testing.T, data []byte, procs uint8) {
	w := newWorld()
	w.Session.Environ.MaxProcs, w.Session.Environ.CPUs = int(procs%20), int(procs%5)
	at := 0.0
	for ; len(data) >= 6; data = data[6:] {
		at += float64(data[1])
		name := fmt.Sprintf("x.test/m%d@v1.0.0", data[3]%8)
		url := proxyURL(name, []string{"mod", "info", "zip", "list"}[data[0]%4])
		switch data[0] % 8 {
		case 4:
			url = "https://sum.golang.org/lookup/" + name
		case 5:
			url = fmt.Sprintf("https://sum.golang.org/tile/8/%d/00%d", data[3]%3, data[3]%10)
		case 6:
			url = "https://proxy.golang.org/sumdb/sum.golang.org/supported"
		}
		x := w.get(uint64(data[5]%4), at, url, 200+int(data[5]&8)*25, int64(data[4])<<12, phases{connect: float64(data[5] & 1), wait: float64(data[2]), receive: float64(data[4])})
		if data[5]&2 != 0 {
			x.Proto = "HTTP/1.1"
		}
		x.Response.Body, x.Response.Kept = []byte(fmt.Sprintf("module x.test/m%d\nrequire x.test/m%d v1.0.0\n", data[3]%8, data[5]%8)), data[5]&4 != 0
	}
	w.ends(at+300, 0)
	a := analyse(&w.Input)
	if len(a.Calls) == 0 {
		return
	}
	m := a.newModel()
	for _, c := range []Change{{}, {MaxProcs: 1}, {MaxProcs: 16}, {LatencyFactor: 0.5}, {NoSumDB: true}, {RateFactor: 2}, {DropEntries: []int{0}}} {
		if got := m.run(c); got < 0 || got > recorder.Span(1e14) {
			t.Fatalf("%+v: %v", c, got)
		}
	}
	owned := 0
	for j := range m.jobs {
		for _, s := range m.jobs[j].steps {
			owned += len(s.calls)
		}
	}
	if owned+1 < len(a.Calls) && m.support < 0 { // others may share one that asks whether there is a database
		t.Fatalf("%d of %d calls are in jobs", owned, len(a.Calls))
	}
}
