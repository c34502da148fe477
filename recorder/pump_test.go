package recorder

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var errDisk, errClose = errors.New("disk full"), errors.New("cannot close")

// A testSink notes what happens to it and fails when it is told to.
type testSink struct {
	ids      []uint64
	lost     []uint64 // what Lost was told, and before which exchange
	closed   int
	failAt   uint64 // Write of this exchange fails
	closeErr error
	slow     time.Duration // how long its first Write takes
}

func (s *testSink) Write(e Event) error {
	if len(s.ids) == 0 {
		time.Sleep(s.slow)
	}
	s.ids = append(s.ids, e.Exchange.ID)
	if e.Exchange.ID == s.failAt {
		return errDisk
	}
	return nil
}

func (s *testSink) Lost(n uint64) { s.lost = append(s.lost, n, uint64(len(s.ids))) }

func (s *testSink) Close() error { s.closed++; return s.closeErr }

var pumpTests = []struct {
	name     string
	sink     testSink
	events   uint64
	wantIDs  int
	wantLost uint64
	wantErr  []error
}{
	{"nothing", testSink{}, 0, 0, 0, nil},
	{"all", testSink{}, 700, 700, 0, nil},
	{"write fails", testSink{failAt: 300}, 700, 300, 0, []error{errDisk}},
	{"close fails", testSink{closeErr: errClose}, 3, 3, 0, []error{errClose}},
	{"both fail", testSink{failAt: 1, closeErr: errClose}, 3, 1, 0, []error{errDisk, errClose}},
	{"events were lost", testSink{}, logTail + 10, logTail, 10, nil},
}

// Pump of a log that has ended: it reads what is there, with what was lost before.
func TestPump(t *testing.T) {
	for _, tt := range pumpTests {
		t.Run(tt.name, func(t *testing.T) {
			l := NewLog()
			appendRequests(l, 1, tt.events)
			l.Close()
			err := Pump(t.Context(), l, &tt.sink)
			checkPump(t, l, &tt.sink, err, tt.wantErr)
			if len(tt.sink.ids) != tt.wantIDs {
				t.Errorf("%d events were written, want %d", len(tt.sink.ids), tt.wantIDs)
			}
			if tt.wantLost > 0 && (len(tt.sink.lost) != 2 || tt.sink.lost[0] != tt.wantLost || tt.sink.lost[1] != 0) {
				t.Errorf("told of lost events: %v, want %d before the first", tt.sink.lost, tt.wantLost)
			}
			if tt.wantLost == 0 && len(tt.sink.lost) > 0 {
				t.Errorf("told of %v lost events, and there were none", tt.sink.lost)
			}
		})
	}
}

// checkPump checks what must hold after every Pump.
func checkPump(t *testing.T, l *Log, s *testSink, err error, want []error) {
	t.Helper()
	if len(want) == 0 && err != nil {
		t.Errorf("got %v", err)
	}
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("got %v, want %v", err, w)
		}
	}
	if s.closed != 1 {
		t.Errorf("the sink was closed %d times", s.closed)
	}
	if len(l.readers) != 0 {
		t.Error("the cursor was left in the log")
	}
}

// A sink that hangs does not hold up Append; what it misses meanwhile it is told.
func TestStartPumpWithSlowSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLog()
		s := &testSink{slow: time.Minute}
		done := StartPump(t.Context(), l, s)
		l.Append(request(1, true))
		synctest.Wait() // the sink sleeps in its first Write
		start := time.Now()
		const n = 2 * logCapacity
		appendRequests(l, 2, n)
		l.Close()
		if d := time.Since(start); d != 0 {
			t.Errorf("Append waited for %v", d)
		}
		err := <-done
		checkPump(t, l, s, err, nil)
		lost := n - uint64(len(s.ids))
		if lost == 0 || len(s.lost) != 2 || s.lost[0] != lost || s.lost[1] != 1 || s.ids[1] != 2+lost {
			t.Errorf("told of %v lost events, want %d after the first; then came %d", s.lost, lost, s.ids[1])
		}
	})
}

// After its sink failed a pump reads on, so that the log can let go of events.
func TestStartPumpAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLog()
		s := &testSink{failAt: 1}
		done := StartPump(t.Context(), l, s)
		for id := uint64(1); id < 10*logTail; id++ {
			l.Append(request(id, true))
			synctest.Wait()
		}
		if n := held(l); n > logTail+1 {
			t.Errorf("the log holds %d events", n)
		}
		l.Close()
		err := <-done
		checkPump(t, l, s, err, []error{errDisk})
		if len(s.ids) != 1 || !strings.Contains(err.Error(), errDisk.Error()) {
			t.Errorf("%d events were written, then %v", len(s.ids), err)
		}
	})
}

func TestStartPumpEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLog()
		ctx, cancel := context.WithCancel(t.Context())
		s := &testSink{}
		done := StartPump(ctx, l, s)
		l.Append(request(1, true))
		synctest.Wait()
		cancel()
		err := <-done
		synctest.Wait()
		checkPump(t, l, s, err, []error{context.Canceled})
		if len(s.ids) != 1 {
			t.Errorf("%d events were written", len(s.ids))
		}
	})
}
