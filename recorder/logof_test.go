package recorder

import (
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLogOf(t *testing.T) {
	events := []Event{{Session: &Session{ID: "s"}}}
	for id := range uint64(3 * KeepDone) {
		events = append(events, Event{Exchange: &Exchange{ID: id + 1, Done: true}})
	}
	events = append(events, Event{End: &End{At: 1}})
	l := LogOf(events)
	got, seq := l.Snapshot()
	if diff := cmp.Diff(events, got); diff != "" || seq != uint64(len(events)) {
		t.Fatalf("a snapshot up to %d of %d events (-want +got):\n%.2000s", seq, len(events), diff)
	}
	if s := l.Session(); s != events[0].Session {
		t.Errorf("session %v", s)
	}
	l.Append(Event{End: &End{At: 2}})
	for _, tt := range []struct{ since, lost uint64 }{{seq, 0}, {0, seq}, {seq - 2, 2}} {
		r := l.NewReader(tt.since)
		n, lost, err := r.Read(t.Context(), make([]Event, 8))
		if n != 0 || lost != tt.lost || !errors.Is(err, io.EOF) {
			t.Errorf("after %d: %d events, %d lost, %v; want %d lost and the end", tt.since, n, lost, err, tt.lost)
		}
		r.Close()
	}
	if got, seq := LogOf(nil).Snapshot(); len(got) != 0 || seq != 0 {
		t.Errorf("of nothing: %v, %d", got, seq)
	}
}
