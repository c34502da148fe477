package recorder

import (
	"context"
	"testing"
)

// TestLogBoundsBodies: readers get every body, Snapshot the newest 32 MiB of them.
func TestLogBoundsBodies(t *testing.T) {
	l := NewLog()
	r := l.NewReader(0)
	defer r.Close()
	const n, size = 40, 1 << 20
	for id := uint64(1); id <= n; id++ {
		l.Append(Event{Exchange: &Exchange{ID: id, Done: true, Response: Message{Body: make([]byte, size)}}})
	}
	events, _ := l.Snapshot()
	var kept int
	for i, e := range events {
		kept += len(e.Exchange.Response.Body)
		if has := e.Exchange.Response.Body != nil; has != (i >= n-keepBodies/size) || has == (e.Exchange.Response.Note != "") {
			t.Errorf("exchange %d: body in memory: %v, note %q", e.Exchange.ID, has, e.Exchange.Response.Note)
		}
	}
	if len(events) != n || kept != keepBodies {
		t.Errorf("%d exchanges with %d bytes of bodies, want %d with %d", len(events), kept, n, keepBodies)
	}
	got := make([]Event, n)
	if m, lost, err := r.Read(context.Background(), got); m != n || lost != 0 || err != nil {
		t.Fatal(m, lost, err)
	}
	for _, e := range got {
		if len(e.Exchange.Response.Body) != size {
			t.Errorf("the reader got exchange %d with %d bytes", e.Exchange.ID, len(e.Exchange.Response.Body))
		}
	}
}
