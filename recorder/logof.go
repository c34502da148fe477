package recorder

// LogOf returns a Log of a session that has ended, as read from a recording: its Snapshot
// has all of events, however many, and readers find its end. By an id it finds nothing: what
// is read from a recording is better asked there. events are in the order of [Log.Snapshot],
// and must not change afterwards.
func LogOf(events []Event) *Log {
	l := NewLog()
	l.whole = events
	for _, e := range events {
		if e.Session != nil {
			l.session = e.Session
		}
	}
	l.next = uint64(len(events)) + 1
	l.freed = l.next
	l.Close()
	return l
}
