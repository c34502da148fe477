package recorder

import "testing"

func TestLookup(t *testing.T) {
	l := NewLog()
	if l.Exchange(1) != nil || len(l.Exchanges(0)) != 0 || l.Seq() != 0 || l.Session() != nil {
		t.Error("an empty Log holds something")
	}
	l.Append(Event{Session: &Session{ID: "a"}})
	for _, id := range []uint64{3, 1, 2} {
		l.Append(Event{Exchange: &Exchange{ID: id}})
		l.Append(Event{Exchange: &Exchange{ID: id, Status: 200, Done: true}})
		l.Append(Event{Conn: &Conn{ID: id}})
	}
	if x := l.Exchange(3); x == nil || x.Status != 200 {
		t.Errorf("got %+v, want the latest snapshot", x)
	}
	if list := l.Exchanges(2); len(list) != 2 || list[0].ID != 2 || list[1].ID != 3 {
		t.Errorf("got %v, want 2 and 3", list)
	}
	if list := l.Conns(3); len(list) != 1 || list[0].ID != 3 {
		t.Errorf("got %v, want 3", list)
	}
	if l.Seq() != 10 || l.Session().ID != "a" {
		t.Errorf("seq %d, session %v", l.Seq(), l.Session())
	}
	for id := range uint64(KeepDone) {
		l.Append(Event{Exchange: &Exchange{ID: 100 + id, Done: true}})
	}
	if l.Exchange(3) != nil || l.Exchange(100) == nil {
		t.Error("what is kept is not what finished last")
	}
	select {
	case <-l.Ended():
		t.Error("ended before Close")
	default:
	}
	l.Close()
	<-l.Ended()
}
