package tui

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/viewer/stream"
)

// Whoever is at the end follows what comes; whoever has moved up stays.
func TestFollow(t *testing.T) {
	more := func(id uint64) batchesMsg {
		return batchesMsg{{Seq: id, Events: []recorder.Event{{Exchange: request(id, 6200*ms, gomod.Info, "golang.org/x/mod", "v0.42.0", 1, ms, ms)}}}}
	}
	s := open(t, 80, 24, Config{}, fixture()...)
	s.send(more(25))
	if s.m.pointed != 25 {
		t.Errorf("points at %d, want the new one, 25", s.m.pointed)
	}
	s.keys("k", "k")
	at := s.m.top
	s.send(more(26))
	if s.m.pointed != 23 || s.m.top != at {
		t.Errorf("moved from 23 to %d, from line %d to %d", s.m.pointed, at, s.m.top)
	}
	s.keys("end")
	s.send(more(27))
	s.has("   27 200")
}

// Old requests that the stream no longer has are fetched, page by page, and lost ones too.
func TestOlder(t *testing.T) {
	s := open(t, 100, 30, Config{})
	for i := range 4500 {
		s.source.old = append(s.source.old, request(uint64(i+1), recorder.Span(i)*ms, gomod.Info, "a.test/old", "v1.0.0", 1, ms, ms))
	}
	lost := request(4499, 0, gomod.Info, "a.test/old", "v1.0.0", 1, ms, ms)
	lost.Done = false
	s.send(batchesMsg{{Seq: 9, Events: []recorder.Event{{Exchange: lost}}}})
	s.send(batchesMsg{{Seq: 10, Snapshot: true, Events: []recorder.Event{{Exchange: request(5000, 5000*ms, gomod.Zip, "a.test/new", "v1.0.0", 1, ms, ms)}}}})
	want := []string{"exchanges 1+2000", "exchanges 2001+2000", "exchanges 4001+498", "exchanges 4499+1", "exchanges 4500+500"}
	if d := cmp.Diff(want, s.source.asked); d != "" {
		t.Error(d)
	}
	if n := len(s.m.store.rows); n != 4501 || s.m.store.inFlight != 0 || s.m.store.requests != 4501 {
		t.Errorf("%d rows, %d in flight, %d counted", n, s.m.store.inFlight, s.m.store.requests)
	}
	for i, r := range s.m.store.rows[:4500] {
		if r.x.ID != uint64(i+1) || !r.in || r.stale {
			t.Fatalf("row %d is %d, in %t, stale %t", i, r.x.ID, r.in, r.stale)
		}
	}
}

// Another session on the same address begins anew.
func TestOtherSession(t *testing.T) {
	s := open(t, 100, 30, Config{Filter: "kind:zip"}, fixture()...)
	s.send(brokenMsg{errors.New("connection refused")})
	s.has("not connected", "trying again: connection refused")
	s.source.session = &recorder.Session{ID: "t", Start: began, Argv: []string{"go", "vet"}}
	s.send(connectedMsg{s.source})
	s.send(batchesMsg{{Seq: 1, Events: []recorder.Event{{Exchange: request(1, 0, gomod.Zip, "a.test/x", "v1.0.0", 1, ms, ms)}, {Exchange: request(2, 0, gomod.Mod, "a.test/x", "v1.0.0", 1, ms, ms)}}}})
	s.has("go vet", "2 requests", "1 of 2")
}

// The end is told, and nothing ticks any more.
func TestEnd(t *testing.T) {
	s := open(t, 100, 30, Config{}, fixture()...)
	s.send(batchesMsg{{Seq: 99, Events: []recorder.Event{{End: &recorder.End{At: 6300 * ms, ExitCode: 1}}}}})
	s.send(completeMsg{})
	s.has("ended, exit 1", "6.3 s")
	if _, cmd := s.m.Update(tickMsg{}); cmd != nil {
		t.Error("it ticks after the end")
	}
	s.keys("f")
	s.has("3 findings ")
	s.lacks("so far")
}

func TestSnapshotGivesUp(t *testing.T) {
	s := open(t, 100, 30, Config{}, fixture()...)
	s.send(batchesMsg{{Seq: 50, Lost: 7}})
	s.send(batchesMsg{{Snapshot: true, Events: fixture()[:4]}})
	if s.m.store.inFlight != 2 {
		t.Error("gave up before the snapshot was complete")
	}
	s.send(batchesMsg{{Snapshot: true, Seq: 51, Events: []recorder.Event{}}})
	if s.m.store.inFlight != 0 || !s.m.store.byID[24].stale {
		t.Errorf("%d in flight, want none", s.m.store.inFlight)
	}
	s.has(" lost")
}

var _ source = (*stream.Client)(nil)
