package stream

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"modtap/recorder"
)

// Clients that ask at the same moment are given one snapshot, encoded once.
func TestSnapshotIsShared(t *testing.T) {
	log := recorder.NewLog()
	log.Append(exchange(1, 200))
	h := &hub{log: log, live: t.Context()}
	a, b := h.snapshot(0), h.snapshot(1)
	if a != b {
		t.Error("two snapshots of one moment")
	}
	first, err := a.frame(0)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := b.frame(0); again != first {
		t.Error("encoded twice")
	}
	log.Append(exchange(1, 404))
	c := h.snapshot(2) // this client knows more than the first snapshot
	if c == a || c.seq != 2 {
		t.Errorf("got a snapshot of %d, want 2", c.seq)
	}
	c.taken = c.taken.Add(-time.Hour)
	d := h.snapshot(2) // nothing has happened for an hour, as in a recording
	if d != c {
		t.Error("two snapshots of one state")
	}
	for _, s := range []*snapshot{a, b, c, d} {
		h.release(s)
	}
	if h.shared != nil {
		t.Error("a snapshot is kept that nobody wants")
	}
}

// A client that was told of lost events gets the state when the session ends, for it may not
// have come to ask; and it then knows everything up to there.
func TestSnapshotAtTheEnd(t *testing.T) {
	log := recorder.NewLog()
	log.Append(exchange(1, 200))
	log.Close()
	done := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		c := session{conn: conn, hub: &hub{log: log, live: t.Context()}, stale: true}
		err = c.take(step{err: io.EOF})
		if c.seq != 1 || c.stale {
			t.Errorf("it knows what happened up to %d, stale %v", c.seq, c.stale)
		}
		done <- err
	}))
	defer server.Close()
	conn, _, err := websocket.DefaultDialer.Dial(strings.Replace(server.URL, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var b Batch
	if err := conn.ReadJSON(&b); err != nil || !b.Snapshot || b.Seq != 1 || len(b.Events) != 1 {
		t.Errorf("got %+v, %v", b, err)
	}
	if err := <-done; err != io.EOF {
		t.Errorf("the stream goes on: %v", err)
	}
}
