package tui

import (
	"testing"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// A request whose time the file does not say has no part in the percentiles.
func TestTableRows(t *testing.T) {
	untimed := request(2, 4*ms, gomod.Mod, "x.test/m1", "v1.1.0", 0, 0, 0)
	untimed.Server, untimed.Client = recorder.Marks{}, recorder.Marks{}
	events := opening()
	for _, x := range []*recorder.Exchange{
		request(1, ms, gomod.Mod, "x.test/m1", "v1.0.0", 0, 90*ms, 10*ms),
		untimed,
	} {
		events = append(events, recorder.Event{Exchange: x})
	}
	s := open(t, 120, 30, Config{}, events...)
	s.keys("m")
	line := s.m.tables.lines[0]
	if line.label != "x.test/m1" || len(line.rows) != 2 || line.p50 < 100*ms {
		t.Errorf("%s: %d requests, P50 %v", line.label, len(line.rows), line.p50)
	}
}
