package recorder

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// request is an exchange's event.
func request(id uint64, done bool) Event { return Event{Exchange: &Exchange{ID: id, Done: done}} }

// appendRequests appends the exchanges from..to.
func appendRequests(l *Log, from, to uint64) {
	for id := from; id <= to; id++ {
		l.Append(request(id, true))
	}
}

// readAll reads until the log's end, or until it has n events (-1: no limit), checking
// that sequence numbers have no gap but for what was lost.
func readAll(t *testing.T, r *Reader, n int) (seqs []uint64, lost uint64) {
	t.Helper()
	buf := make([]Event, 100)
	next := r.cursor
	for n < 0 || len(seqs) < n {
		got, l, err := r.Read(t.Context(), buf)
		lost += l
		next += l
		for _, e := range buf[:got] {
			if e.Seq != next {
				t.Fatalf("got event %d after %d were lost, want %d", e.Seq, lost, next)
			}
			next++
			seqs = append(seqs, e.Seq)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return seqs, lost
}

var lossTests = []struct {
	name            string
	before          uint64 // events appended before the reader opens
	since           uint64 // what it resumes after
	after           uint64 // events appended while it does not read
	wantN, wantLost uint64
}{
	{"empty", 0, 0, 0, 0, 0},
	{"from the beginning", 10, 0, 5, 15, 0},
	{"resumes", 10, 7, 5, 8, 0},
	{"resumes at the end", 10, 10, 5, 5, 0},
	{"since an event that has not happened", 10, 99, 5, 5, 0},
	{"since the largest number", 10, math.MaxUint64, 5, 5, 0},
	{"the tail is kept without readers", logTail, 0, 0, logTail, 0},
	{"more than the tail without readers", logTail + 7, 0, 0, logTail, 7},
	{"resumes inside the tail", logTail + 7, 7, 0, logTail, 0},
	{"resumes before the tail", logTail + 7, 3, 1, logTail + 1, 4},
	{"a stuck reader at the capacity", 0, 0, logCapacity, logCapacity, 0},
	{"a stuck reader beyond the capacity", 0, 0, 3*logCapacity + 5, logCapacity, 2*logCapacity + 5},
}

func TestLogOrderAndLoss(t *testing.T) {
	for _, tt := range lossTests {
		t.Run(tt.name, func(t *testing.T) {
			l := NewLog()
			appendRequests(l, 1, tt.before)
			r := l.NewReader(tt.since)
			defer r.Close()
			appendRequests(l, tt.before+1, tt.before+tt.after)
			l.Close()
			seqs, lost := readAll(t, r, -1)
			if uint64(len(seqs)) != tt.wantN || lost != tt.wantLost {
				t.Errorf("read %d events and lost %d, want %d and %d", len(seqs), lost, tt.wantN, tt.wantLost)
			}
			if n, _, err := r.Read(t.Context(), make([]Event, 1)); n != 0 || !errors.Is(err, io.EOF) {
				t.Errorf("after the end: %d events, %v", n, err)
			}
		})
	}
}

// A reader that loses events while another keeps up is told, and the other is not.
func TestLogLossIsPerReader(t *testing.T) {
	l := NewLog()
	stuck, live := l.NewReader(0), l.NewReader(0)
	for id := uint64(1); id <= logCapacity+100; id += 100 {
		appendRequests(l, id, id+99)
		if seqs, lost := readAll(t, live, 100); len(seqs) != 100 || lost != 0 {
			t.Fatalf("the live reader got %d events and lost %d", len(seqs), lost)
		}
	}
	total := l.next - 1
	l.Close()
	if seqs, lost := readAll(t, stuck, -1); len(seqs) != logCapacity || lost != total-logCapacity {
		t.Errorf("the stuck reader got %d events and lost %d of %d", len(seqs), lost, total)
	}
}

// held counts the events that the ring keeps from the garbage collector.
func held(l *Log) int {
	n := 0
	for _, e := range l.ring {
		if e.Exchange != nil {
			n++
		}
	}
	return n
}

var boundTests = []struct {
	name     string
	readers  int
	keepUp   bool
	maxRing  int
	maxHeld  int
	closeAll bool
}{
	{"no reader", 0, false, 2 * logTail, logTail + 1, false},
	{"a reader that keeps up", 1, true, 2 * logTail, logTail + 1, false},
	{"a stuck reader", 1, false, logCapacity, logCapacity, false},
	{"two stuck readers", 2, false, logCapacity, logCapacity, false},
	{"a stuck reader that was closed", 1, false, logCapacity, logTail, true},
}

func TestLogMemoryIsBounded(t *testing.T) {
	for _, tt := range boundTests {
		t.Run(tt.name, func(t *testing.T) {
			l := NewLog()
			var readers []*Reader
			for range tt.readers {
				readers = append(readers, l.NewReader(0))
			}
			for id := uint64(1); id < 2*logCapacity; id++ {
				l.Append(request(id, true))
				if tt.keepUp {
					readAll(t, readers[0], 1)
				}
			}
			if tt.closeAll {
				for _, r := range readers {
					r.Close()
				}
			}
			if len(l.ring) > tt.maxRing || held(l) > tt.maxHeld {
				t.Errorf("a ring of %d with %d events, want at most %d with %d", len(l.ring), held(l), tt.maxRing, tt.maxHeld)
			}
			if n := len(l.exchanges.byID); n != KeepDone {
				t.Errorf("%d exchanges kept for snapshots, want %d", n, KeepDone)
			}
		})
	}
}

func TestLogWakesReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLog()
		start := time.Now()
		var mu sync.Mutex
		var got []time.Duration
		woke := func() {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, time.Since(start))
		}
		for range 3 {
			r := l.NewReader(0)
			go func() {
				defer r.Close()
				readAll(t, r, 1)
				woke()
				readAll(t, r, -1)
				woke()
			}()
			synctest.Wait()
		}
		time.Sleep(time.Second)
		l.Append(request(1, true))
		synctest.Wait()
		time.Sleep(time.Second)
		l.Close()
		l.Close() // once more does nothing
		l.Append(request(2, true))
		synctest.Wait()
		want := []time.Duration{time.Second, time.Second, time.Second, 2 * time.Second, 2 * time.Second, 2 * time.Second}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("readers woke at (-want +got):\n%s", diff)
		}
	})
}

func TestReadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := NewLog()
		r := l.NewReader(0)
		defer r.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		buf := make([]Event, 1)
		if n, _, err := r.Read(ctx, buf); n != 0 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %d events, %v", n, err)
		}
		l.Append(request(1, true))
		if n, _, err := r.Read(ctx, buf); n != 1 || err != nil { // what is there is had even so
			t.Errorf("got %d events, %v", n, err)
		}
	})
}

// Many write and many read while the log grows; none misses, doubles or misplaces an event.
func TestLogConcurrently(t *testing.T) {
	const writers, each = 8, 1000
	l := NewLog()
	var readers, appenders sync.WaitGroup
	for range 4 {
		r := l.NewReader(0)
		readers.Go(func() {
			defer r.Close()
			if seqs, lost := readAll(t, r, -1); len(seqs) != writers*each || lost != 0 {
				t.Errorf("read %d events and lost %d, want %d", len(seqs), lost, writers*each)
			}
		})
	}
	stuck := l.NewReader(0) // nobody waits for it
	defer stuck.Close()
	for w := range uint64(writers) {
		appenders.Go(func() {
			appendRequests(l, w*each+1, (w+1)*each)
		})
	}
	for range 50 {
		events, seq := l.Snapshot()
		l.NewReader(seq).Close()
		if len(events) > writers*each {
			t.Errorf("%d events in a snapshot", len(events))
		}
	}
	appenders.Wait()
	l.Close()
	readers.Wait()
}

func BenchmarkLogAppend(b *testing.B) {
	for _, bb := range []struct {
		name    string
		readers int
	}{{"no-reader", 0}, {"stuck-reader", 1}, {"3-stuck-readers", 3}} {
		b.Run(bb.name, func(b *testing.B) {
			l := NewLog()
			for range bb.readers {
				l.NewReader(0)
			}
			x := &Exchange{}
			b.ReportAllocs()
			for b.Loop() {
				l.Append(Event{Exchange: x})
			}
		})
	}
	b.Run("distinct-done", func(b *testing.B) {
		l := NewLog()
		x := make([]Exchange, 10_000)
		id := uint64(0)
		b.ReportAllocs()
		for b.Loop() {
			id++
			e := &x[id%uint64(len(x))]
			e.ID, e.Done = id, true
			l.Append(Event{Exchange: e})
		}
	})
	b.Run("parallel", func(b *testing.B) {
		l := NewLog()
		x := &Exchange{}
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				l.Append(Event{Exchange: x})
			}
		})
	})
}
