package tui

import (
	"testing"
	"time"

	"modtap/recorder"
	"modtap/viewer/stream"
)

// TestClockOfARecordingWithoutEnd: one of another program, or one that was cut off, ends
// with the last that is known of it, not now.
func TestClockOfARecordingWithoutEnd(t *testing.T) {
	start := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	s := newStore(func() time.Time { return start.Add(time.Hour) })
	span := func(ms int) recorder.Span { return recorder.Span(time.Duration(ms) * time.Millisecond) }
	s.apply(stream.Batch{Seq: 3, Events: []recorder.Event{
		{Session: &recorder.Session{ID: "a", Start: start}},
		{Exchange: &recorder.Exchange{ID: 1, Start: start.Add(2 * time.Second), Status: 200, Done: true, Server: recorder.Marks{WroteHeaders: 1, End: span(500)}}},
		{Exchange: &recorder.Exchange{ID: 2, Start: start.Add(time.Second), Server: recorder.Marks{WroteHeaders: 1, FirstByte: span(700)}}}, // cut off
	}})
	if got := s.elapsed(); got != span(3600_000) {
		t.Errorf("while more may come it is %v", got)
	}
	s.cut = true
	if got := s.elapsed(); got != span(2500) {
		t.Errorf("elapsed %v, want 2.5 s", got)
	}
	if got := s.took(s.byID[2], s.clock()); got != span(1500) {
		t.Errorf("what was in flight took %v, want 1.5 s", got)
	}
	s.apply(stream.Batch{Seq: 4, Events: []recorder.Event{{Exchange: &recorder.Exchange{ID: 3, Start: start.Add(3 * time.Second), Done: true, Server: recorder.Marks{End: span(250)}}}}})
	if got := s.elapsed(); got != span(3250) {
		t.Errorf("elapsed %v, want 3.25 s", got)
	}
	if !s.byID[3].failed() || s.byID[2].failed() {
		t.Error("no answer is a failure, and being in flight is none")
	}
}

// TestElapsedIsTheCommands: what modtap does after the command's end is not in it.
func TestElapsedIsTheCommands(t *testing.T) {
	s := newStore(time.Now)
	s.apply(stream.Batch{Seq: 2, Events: []recorder.Event{
		{Process: &recorder.Process{Start: recorder.Span(10 * time.Millisecond), End: recorder.Span(1210 * time.Millisecond)}},
		{End: &recorder.End{At: recorder.Span(1900 * time.Millisecond)}},
	}})
	if got := s.elapsed(); got != recorder.Span(1200*time.Millisecond) {
		t.Errorf("elapsed %v, want 1.2 s", got)
	}
	if got := s.clock(); got != recorder.Span(1900*time.Millisecond) {
		t.Errorf("the axis ends at %v, want 1.9 s", got)
	}
}
