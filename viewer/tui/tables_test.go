package tui

import (
	"testing"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

func TestTables(t *testing.T) {
	s := open(t, 120, 30, Config{}, fixture()...)
	s.keys("h", "enter")
	s.has("filter host:=proxy.golang.org   23 of 24")
	s.keys("esc", "/", "type:-kind:mod", "enter", "g", "h", "enter") // what was counted is what is shown
	s.has("filter -kind:mod host:=proxy.golang.org   15 of 24")
	s.lacks("by module")
	s.keys("esc", "m")
	s.has("module", "P95")
	if got := s.m.tables.lines[0].label; got != "k8s.io/apimachinery" {
		t.Errorf("the busiest is %q", got)
	}
	s.keys("s", "s") // by size
	s.keys("s", "s") // by name
	if got := s.m.tables.lines[0].label; got != "example.com/team/private" {
		t.Errorf("the first by name is %q", got)
	}
	s.keys("r")
	s.has("module or path")
}

// What is about no module is not in the table of modules, which says so.
func TestTableOfNone(t *testing.T) {
	tile := request(25, 10*ms, gomod.SumdbTile, "", "", 1, ms, ms)
	s := open(t, 120, 30, Config{}, append(fixture(), recorder.Event{Exchange: tile})...)
	s.keys("m")
	s.has("about no module: 1 request")
	s.lacks("none")
	s.keys("r", "/", "type:kind:sumdb-tile", "enter", "m")
	s.has("No request that is shown is about a module.")
	s.keys("enter")
	s.keys("h")
	s.lacks("about no")
}

var percentiles = []struct{ n, p, want int }{{1, 50, 1}, {1, 95, 1}, {2, 50, 1}, {2, 95, 2}, {20, 95, 19}, {100, 95, 95}, {100, 50, 50}}

func TestPercentile(t *testing.T) {
	if got := percentile(nil, 50); got != 0 {
		t.Errorf("of none: %v", got)
	}
	for _, tt := range percentiles {
		var list []recorder.Span
		for i := range tt.n {
			list = append(list, recorder.Span(i+1))
		}
		if got := percentile(list, tt.p); got != recorder.Span(tt.want) {
			t.Errorf("P%d of 1 to %d is %d, want %d", tt.p, tt.n, got, tt.want)
		}
	}
}
