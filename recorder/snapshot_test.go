package recorder

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ids returns the ids of the exchanges among events.
func ids(events []Event) []uint64 {
	var ids []uint64
	for _, e := range events {
		if e.Exchange != nil {
			ids = append(ids, e.Exchange.ID)
		}
	}
	return ids
}

func TestSnapshotHoldsEverything(t *testing.T) {
	l := NewLog()
	session := &Session{ID: "s"}
	old, now := &Exchange{ID: 1}, &Exchange{ID: 1, Status: 200, Done: true}
	conn, tunnel, process, end := &Conn{ID: 3}, &Tunnel{ID: 4}, &Process{ExitCode: 1}, &End{ExitCode: 1}
	early, other, late := &Finding{ID: "a", Title: "early"}, &Finding{ID: "b"}, &Finding{ID: "a", Title: "late"}
	for _, e := range []Event{
		{End: end}, {Finding: early}, {Exchange: old}, {Conn: &Conn{ID: 3, Exchanges: 9}}, {Process: &Process{}},
		{Tunnel: tunnel}, {Finding: other}, {Exchange: now}, {Conn: conn}, {Process: process}, {Finding: late}, {Session: session},
	} {
		l.Append(e)
	}
	got, seq := l.Snapshot()
	want := []Event{
		{Session: session}, {Tunnel: tunnel}, {Conn: conn}, {Exchange: now}, {Process: process},
		{Finding: other}, {Finding: late}, {End: end},
	}
	if diff := cmp.Diff(want, got); diff != "" || seq != 12 {
		t.Errorf("after event %d (-want +got):\n%s", seq, diff)
	}
	if empty, seq := NewLog().Snapshot(); len(empty) != 0 || seq != 0 {
		t.Errorf("a new log has %v after event %d", empty, seq)
	}
}

// What is in flight stays however many others finish; of those the last KeepDone stay.
func TestSnapshotKeepsWhatIsInFlight(t *testing.T) {
	l := NewLog()
	l.Append(request(1, false))
	l.Append(request(2, false))
	appendRequests(l, 3, 3+3*KeepDone-1)
	l.Append(request(1, true)) // the newest of those that are done
	got := func() []uint64 { events, _ := l.Snapshot(); return ids(events) }
	want := []uint64{1, 2}
	for id := uint64(3 + 2*KeepDone + 1); id < 3+3*KeepDone; id++ {
		want = append(want, id)
	}
	if diff := cmp.Diff(want, got()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	l.Append(request(2, true))
	if n := len(got()); n != KeepDone {
		t.Errorf("%d exchanges once all are done, want %d", n, KeepDone)
	}
}

// A failed connection is done when it fails and again when it is closed, long after and
// with many others between; it takes one place, and so do all.
func TestSnapshotCountsWhatIsDoneOnce(t *testing.T) {
	l := NewLog()
	const n = 3 * KeepDone
	for id := uint64(1); id <= n; id++ {
		l.Append(Event{Conn: &Conn{ID: id, Err: &Error{Op: "read"}}})
		if id > 100 {
			l.Append(Event{Conn: &Conn{ID: id - 100, Err: &Error{Op: "read"}, Closed: "server"}})
			l.Append(Event{Conn: &Conn{ID: id - 100, Err: &Error{Op: "read"}, Closed: "server", BytesIn: 1}})
		}
	}
	events, _ := l.Snapshot()
	if len(events) != KeepDone {
		t.Fatalf("%d connections, want %d", len(events), KeepDone)
	}
	for i, e := range events {
		id := uint64(n - KeepDone + 1 + i)
		if e.Conn.ID != id || (e.Conn.BytesIn == 1) != (id <= n-100) {
			t.Fatalf("number %d is %+v, want connection %d in its last state", i, e.Conn, id)
		}
	}
}

var doneTests = []struct {
	name string
	e    Event
	want bool
}{
	{"exchange in flight", Event{Exchange: &Exchange{ID: 1, Status: 200}}, false},
	{"exchange", Event{Exchange: &Exchange{ID: 1, Done: true}}, true},
	{"open connection", Event{Conn: &Conn{ID: 1}}, false},
	{"closed connection", Event{Conn: &Conn{ID: 1, Closed: "client"}}, true},
	{"failed connection", Event{Conn: &Conn{ID: 1, Err: &Error{}}}, true},
	{"open tunnel", Event{Tunnel: &Tunnel{ID: 1, Answered: 5}}, false},
	{"ended tunnel", Event{Tunnel: &Tunnel{ID: 1, End: 5}}, true},
}

func TestDone(t *testing.T) {
	for _, tt := range doneTests {
		l := NewLog()
		l.Append(tt.e)
		if got := len(l.exchanges.done) + len(l.conns.done) + len(l.tunnels.done); (got == 1) != tt.want {
			t.Errorf("%s: done %v, want %v", tt.name, got == 1, tt.want)
		}
	}
}

// A viewer that joins late takes a snapshot and reads on after it: between them they have
// the last state of every exchange, and reading starts with the very next event.
func TestSnapshotThenReader(t *testing.T) {
	l := NewLog()
	var wg sync.WaitGroup
	wg.Go(func() {
		for id := uint64(1); id <= 1000; id++ {
			l.Append(request(id, false))
			l.Append(request(id, true))
		}
		l.Close()
	})
	for range 20 {
		wg.Go(func() {
			events, seq := l.Snapshot()
			r := l.NewReader(seq)
			defer r.Close()
			last := map[uint64]bool{}
			for _, e := range events {
				last[e.Exchange.ID] = e.Exchange.Done
			}
			buf := make([]Event, 64)
			missed := uint64(0)
			for next := seq + 1; ; {
				n, lost, err := r.Read(t.Context(), buf)
				next += lost // more than the tail may pass between the two calls
				missed += lost
				for _, e := range buf[:n] {
					if e.Seq != next {
						t.Errorf("event %d, want %d", e.Seq, next)
					}
					next++
					last[e.Exchange.ID] = e.Exchange.Done
				}
				if err != nil {
					if lost == 0 && next != 2001 {
						t.Errorf("ended before event %d", next)
					}
					break
				}
			}
			for id, done := range last {
				if !done && missed == 0 { // or its end is among them: a viewer asks for a new snapshot
					t.Errorf("exchange %d is still in flight", id)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkSnapshot(b *testing.B) {
	l := NewLog()
	appendRequests(l, 1, 2*KeepDone)
	for b.Loop() {
		l.Snapshot()
	}
}
