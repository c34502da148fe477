package diagnose

import (
	"strings"
	"testing"

	"modtap/recorder"
)

// own is a world of ten requests, one after another, in each of which modtap takes so long.
func own(overhead float64) *world {
	w := wellConnected()
	for i := range 9 {
		w.mods(1, 100+(102+overhead)*float64(i), 1, 100)
	}
	for i := range w.Exchanges {
		takes(&w.Exchanges[i], overhead)
	}
	return w.ends(1200, 0)
}

// takes is modtap's own time in x, after the server was done.
func takes(x *recorder.Exchange, overhead float64) {
	x.Overhead = ms(overhead)
	x.Client.End += x.Overhead
	if x.Client.LastByte > 0 {
		x.Client.LastByte += x.Overhead
	}
}

func TestOverhead(t *testing.T) {
	idle := own(10) // of a second it would be too much
	idle.ends(9000, 0)
	checkCases(t, []netCase{
		{"8 %", "modtap-overhead", own(10), &found{"warn", "modtap itself took 100 ms of 1.2 s (8 %); 5 % is the limit", 100, ids(1, 10, 1), nil, []string{"modtap run --bodies none -- go mod download"}}},
		{"4 %", "modtap-overhead", own(5), nil},
		{"little of a long run", "modtap-overhead", idle, nil},
		{"none", "modtap-overhead", own(0), nil},
	})
}

// TestGuard: no finding blames a server for what modtap's own time explains.
func TestGuard(t *testing.T) {
	slow := func(within, elsewhere float64) *world {
		w := wellConnected()
		takes(w.get(1, 100, proxyURL("example.com/m@v1.0.0", "zip"), 200, 9000, phases{wait: 2400}), within)
		takes(w.get(1, 5100, proxyURL("example.com/n@v1.0.0", "zip"), 200, 9000, phases{wait: 20}), elsewhere)
		return w.ends(8000, 0)
	}
	for _, c := range []struct {
		name     string
		w        *world
		severity string // of slow-server; "": there is none
	}{
		{"no overhead", slow(0, 0), recorder.Bad},
		{"less than the cost", slow(100, 1500), recorder.Bad},
		{"more, in other requests", slow(0, 2500), recorder.Info},
		{"more, in this request", slow(2450, 0), ""},
	} {
		severity, caveat := "", ""
		if f := c.w.network("slow-server"); f != nil {
			severity, caveat = f.Severity, f.Caveat
		}
		if severity != c.severity {
			t.Errorf("%s: severity %q, want %q", c.name, severity, c.severity)
		}
		if (severity == recorder.Info) != strings.Contains(caveat, "modtap itself took") {
			t.Errorf("%s: caveat %q", c.name, caveat)
		}
	}
	first := slow(0, 2500).asked()[0]
	if first.ID != "modtap-overhead" {
		t.Errorf("the first finding is %s, want modtap's own slowness", first.ID)
	}

	failed := silentTLS(90, 1500, true) // that it failed is no matter of overhead
	takes(&failed.Exchanges[1], 10500)
	failed.ends(21000, 1)
	f := failed.network("tls-timeout")
	if f == nil || f.Severity != recorder.Bad || !strings.Contains(f.Caveat, "modtap's own time in these requests") {
		t.Errorf("a failure beside overhead: %+v", f)
	}
}

// TestEvidenceIsClipped: a reader gets the most telling ids, and what explains what is
// decided by all of them.
func TestEvidenceIsClipped(t *testing.T) {
	w := http1("go.corp.example", "CN=Corp CA", "client", 60, 120)
	f := w.network("http1-downgrade")
	if f == nil || len(f.Evidence) != maxEvidence || f.Of != 59 {
		t.Fatalf("evidence %v", f)
	}
	if g := w.network("no-reuse"); g != nil {
		t.Errorf("%s beside its reason", g.Title)
	}
}
