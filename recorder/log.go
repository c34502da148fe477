package recorder

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"sync"
)

const (
	// logCapacity bounds how far a reader may fall behind before it loses events.
	logCapacity = 64 << 10
	// logTail is how many events stay although every reader has passed them, so that a
	// viewer whose connection broke can resume without a new snapshot.
	logTail = 1024
	// KeepDone is how many finished exchanges (and closed connections, and ended
	// tunnels) a Snapshot holds beside everything that is in flight.
	KeepDone = 2000
	// keepBodies bounds the kept bodies, in bytes, that a Snapshot of finished exchanges
	// holds; of older ones only the recording on disk has them.
	keepBodies = 32 << 20
)

// A Log is the one true timeline of a session, in memory and bounded. Append never
// blocks and never waits for a reader; a Reader that falls more than the Log's capacity
// behind is told how many events it lost. Events that every open Reader has passed are
// let go, so a session that keeps up costs little memory however long it runs.
type Log struct {
	mu      sync.Mutex
	ring    []Event
	next    uint64 // sequence number of the next event; the first is 1
	freed   uint64 // events below it were let go
	wake    chan struct{}
	waiting bool
	closed  bool
	ending  chan struct{} // closed by Close
	readers []*Reader
	whole   []Event // of LogOf; nil: the session is recorded here

	session   *Session
	process   *Process
	end       *End
	findings  []*Finding
	exchanges snapshots[*Exchange]
	bodied    []bodied // finished exchanges with a body in memory, oldest first
	bodyBytes int
	conns     snapshots[*Conn]
	tunnels   snapshots[*Tunnel]
}

// NewLog returns an empty Log.
func NewLog() *Log {
	return &Log{
		ring: make([]Event, 256), next: 1, freed: 1, wake: make(chan struct{}), ending: make(chan struct{}),
		exchanges: newSnapshots[*Exchange](), conns: newSnapshots[*Conn](), tunnels: newSnapshots[*Tunnel](),
	}
}

// Append adds e and wakes whoever waits for it. What e points to must not change
// afterwards. After Close it does nothing.
func (l *Log) Append(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	e.Seq = l.next
	l.remember(e)
	if int(l.next-l.freed) == len(l.ring) {
		l.grow()
	}
	l.ring[l.next%uint64(len(l.ring))] = e
	l.next++
	if len(l.readers) == 0 {
		l.trim()
	}
	if l.waiting {
		close(l.wake)
		l.wake, l.waiting = make(chan struct{}), false
	}
}

// remember keeps e for Snapshot.
func (l *Log) remember(e Event) {
	switch {
	case e.Exchange != nil:
		l.exchanges.put(e.Exchange.ID, e.Exchange, e.Exchange.Done)
		l.limitBodies(e.Exchange)
	case e.Conn != nil:
		l.conns.put(e.Conn.ID, e.Conn, e.Conn.Closed != "" || e.Conn.Err != nil)
	case e.Tunnel != nil:
		l.tunnels.put(e.Tunnel.ID, e.Tunnel, e.Tunnel.End > 0)
	case e.Session != nil:
		l.session = e.Session
	case e.Process != nil:
		l.process = e.Process
	case e.End != nil:
		l.end = e.End
	case e.Finding != nil:
		l.findings = slices.DeleteFunc(l.findings, func(f *Finding) bool { return f.ID == e.Finding.ID })
		l.findings = append(l.findings, e.Finding)
	}
}

// bodied is a finished exchange and the size of its body.
type bodied struct {
	id   uint64
	size int
}

// limitBodies counts x's body and lets go of the oldest ones over the bound.
func (l *Log) limitBodies(x *Exchange) {
	if !x.Done || len(x.Response.Body) == 0 {
		return
	}
	l.bodied = append(l.bodied, bodied{x.ID, len(x.Response.Body)})
	l.bodyBytes += len(x.Response.Body)
	for len(l.bodied) > 1 && (l.bodyBytes > keepBodies || len(l.bodied) > KeepDone) {
		b := l.bodied[0]
		l.bodied = l.bodied[1:]
		l.bodyBytes -= b.size
		if old, ok := l.exchanges.byID[b.id]; ok {
			without := *old.v // readers may hold the old one
			without.Response.Body = nil
			without.Response.Note = "no longer in memory; the recording has it"
			old.v = &without
			l.exchanges.byID[b.id] = old
		}
	}
}

// grow makes room for one more event: a larger ring, or at its bound the oldest event goes.
func (l *Log) grow() {
	if len(l.ring) >= logCapacity {
		l.ring[l.freed%uint64(len(l.ring))] = Event{}
		l.freed++
		return
	}
	bigger := make([]Event, 2*len(l.ring))
	for s := l.freed; s < l.next; s++ {
		bigger[s%uint64(len(bigger))] = l.ring[s%uint64(len(l.ring))]
	}
	l.ring = bigger
}

// trim lets go of what every reader has passed, but for the tail.
func (l *Log) trim() {
	keep := l.next
	for _, r := range l.readers {
		keep = min(keep, r.cursor)
	}
	if l.next-keep < logTail {
		keep = l.next - min(l.next-1, logTail)
	}
	for ; l.freed < keep; l.freed++ {
		l.ring[l.freed%uint64(len(l.ring))] = Event{}
	}
}

// Close ends the log. Readers get io.EOF once they have read what is there.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	close(l.wake)
	close(l.ending)
}

// Snapshot returns the state a late joiner needs (the session, what is in flight, the
// last 2,000 of each that are done, findings, the end) and the sequence number after
// which a Reader must go on.
func (l *Log) Snapshot() (events []Event, seq uint64) {
	if l.whole != nil {
		return slices.Clone(l.whole), l.next - 1
	}
	l.mu.Lock()
	session, process, end := l.session, l.process, l.end
	findings := slices.Clone(l.findings)
	tunnels, conns, exchanges := l.tunnels.all(), l.conns.all(), l.exchanges.all()
	seq = l.next - 1
	l.mu.Unlock()

	events = make([]Event, 0, len(tunnels)+len(conns)+len(exchanges)+len(findings)+3)
	if session != nil {
		events = append(events, Event{Session: session})
	}
	events = appendSorted(events, tunnels, func(t *Tunnel) Event { return Event{Tunnel: t} })
	events = appendSorted(events, conns, func(c *Conn) Event { return Event{Conn: c} })
	events = appendSorted(events, exchanges, func(x *Exchange) Event { return Event{Exchange: x} })
	if process != nil {
		events = append(events, Event{Process: process})
	}
	for _, f := range findings {
		events = append(events, Event{Finding: f})
	}
	if end != nil {
		events = append(events, Event{End: end})
	}
	return events, seq
}

// A Reader is one consumer's cursor in a Log. It is for one goroutine; Close it, or the
// Log keeps up to its capacity of events for it.
type Reader struct {
	log    *Log
	cursor uint64 // sequence number of the next event it wants
}

// NewReader returns a Reader of the events after seq; 0 reads from the beginning. What
// was let go before counts as lost in the first Read.
func (l *Log) NewReader(seq uint64) *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := &Reader{log: l, cursor: min(seq, l.next-1) + 1}
	l.readers = append(l.readers, r)
	return r
}

// Read waits until there is an event and fills dst, which must not be empty, with as many
// as there are. lost is how many were dropped before the first of them. The error is
// io.EOF after Close when all was read, or ctx's.
func (r *Reader) Read(ctx context.Context, dst []Event) (n int, lost uint64, err error) {
	l := r.log
	for {
		l.mu.Lock()
		if r.cursor < l.freed {
			lost += l.freed - r.cursor
			r.cursor = l.freed
		}
		for n < len(dst) && r.cursor < l.next {
			dst[n] = l.ring[r.cursor%uint64(len(l.ring))]
			n++
			r.cursor++
		}
		if n > 0 {
			l.trim()
			l.mu.Unlock()
			return n, lost, nil
		}
		if l.closed {
			l.mu.Unlock()
			return 0, lost, io.EOF
		}
		wake := l.wake
		l.waiting = true
		l.mu.Unlock()
		select {
		case <-wake:
		case <-ctx.Done():
			return 0, lost, ctx.Err()
		}
	}
}

// Close gives up the cursor.
func (r *Reader) Close() {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	l.readers = slices.DeleteFunc(l.readers, func(x *Reader) bool { return x == r })
	l.trim()
}

// snapshots holds the latest snapshot of everything that is open and of the last
// KeepDone that are done.
type snapshots[T any] struct {
	byID map[uint64]snapshot[T]
	done []uint64 // ids in the order of finishing, a ring once it is full
	at   int
}

type snapshot[T any] struct {
	id   uint64
	v    T
	done bool // it has its place in the ring
}

func newSnapshots[T any]() snapshots[T] { return snapshots[T]{byID: map[uint64]snapshot[T]{}} }

// put keeps v. What is done may change again (a connection that failed is closed later)
// and has one place in the ring all the same.
func (s *snapshots[T]) put(id uint64, v T, done bool) {
	already := s.byID[id].done
	s.byID[id] = snapshot[T]{id, v, done || already}
	if !done || already {
		return
	}
	if len(s.done) < KeepDone {
		s.done = append(s.done, id)
		return
	}
	delete(s.byID, s.done[s.at])
	s.done[s.at] = id
	s.at = (s.at + 1) % KeepDone
}

// all returns the snapshots in no order: sorting them is not for those who hold the lock.
func (s *snapshots[T]) all() []snapshot[T] {
	return slices.AppendSeq(make([]snapshot[T], 0, len(s.byID)), maps.Values(s.byID))
}

// appendSorted adds an event for each snapshot, in the order of their ids.
func appendSorted[T any](events []Event, all []snapshot[T], event func(T) Event) []Event {
	slices.SortFunc(all, func(a, b snapshot[T]) int { return cmp.Compare(a.id, b.id) })
	for _, s := range all {
		events = append(events, event(s.v))
	}
	return events
}
