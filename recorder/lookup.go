package recorder

import (
	"cmp"
	"slices"
)

// Exchange returns the latest snapshot of the exchange id, or nil when the Log does not
// hold it (any more).
func (l *Log) Exchange(id uint64) *Exchange {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.exchanges.byID[id].v
}

// Exchanges returns the latest snapshots of those that the Log holds and whose id is at
// least from, in the order of ids.
func (l *Log) Exchanges(from uint64) []*Exchange {
	l.mu.Lock()
	all := l.exchanges.all()
	l.mu.Unlock()
	return sortedFrom(all, from)
}

// Conns is Exchanges for connections.
func (l *Log) Conns(from uint64) []*Conn {
	l.mu.Lock()
	all := l.conns.all()
	l.mu.Unlock()
	return sortedFrom(all, from)
}

// sortedFrom returns the values of all from an id on, in the order of ids.
func sortedFrom[T any](all []snapshot[T], from uint64) []T {
	all = slices.DeleteFunc(all, func(s snapshot[T]) bool { return s.id < from })
	slices.SortFunc(all, func(a, b snapshot[T]) int { return cmp.Compare(a.id, b.id) })
	values := make([]T, len(all))
	for i, s := range all {
		values[i] = s.v
	}
	return values
}

// Seq is the sequence number of the last event, 0 before the first.
func (l *Log) Seq() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next - 1
}

// Session returns the session as it was last told; nil before.
func (l *Log) Session() *Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session
}

// Ended is closed when the Log is: nothing more will come.
func (l *Log) Ended() <-chan struct{} { return l.ending }
