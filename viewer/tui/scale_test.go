package tui

import (
	"testing"
	"time"

	"modtap/recorder"
)

// The steps are those of the page (scale.test.js).
func TestNiceStep(t *testing.T) {
	for _, tt := range []struct{ ms, want float64 }{
		{0.7, 1}, {1, 1}, {1.2, 2}, {130, 200}, {480, 500}, {501, 1000}, {12000, 20000}, {31000, 60000}, {70000, 120000},
		{1e7, 14400000}, {2e7, 28800000}, {5e7, 86400000}, {1e8, 172800000}, {1e9, 20 * 86400000},
	} {
		if got := niceStep(recorder.Span(tt.ms * 1e6)); got != recorder.Span(tt.want*1e6) {
			t.Errorf("of %v ms: %v ms, want %v", tt.ms, got.Milliseconds(), tt.want)
		}
	}
}

func TestTickLabel(t *testing.T) {
	const hour = 60 * time.Minute
	for _, tt := range []struct {
		at, step time.Duration
		want     string
	}{
		{0, 500 * time.Millisecond, "0"}, {500 * time.Millisecond, 500 * time.Millisecond, "500ms"}, {1500 * time.Millisecond, 500 * time.Millisecond, "1.5s"},
		{2 * time.Second, time.Second, "2s"}, {1250 * time.Millisecond, 50 * time.Millisecond, "1.25s"}, {300 * time.Microsecond, 100 * time.Microsecond, "0.3ms"},
		{2 * time.Minute, time.Minute, "2m"}, {90 * time.Minute, 30 * time.Minute, "90m"}, {4 * hour, 2 * hour, "4h"}, {48 * hour, 24 * hour, "2d"},
	} {
		if got := tickLabel(recorder.Span(tt.at), recorder.Span(tt.step)); got != tt.want {
			t.Errorf("%v in steps of %v is %q, want %q", tt.at, tt.step, got, tt.want)
		}
	}
}
