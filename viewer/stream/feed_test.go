package stream

import (
	"testing"

	"modtap/recorder"
)

// A hub works only while it has clients.
func TestHubRests(t *testing.T) {
	log := recorder.NewLog()
	h := &hub{log: log, live: t.Context()}
	a := h.join(0)
	if b := h.join(0); a != b {
		t.Error("the second client has a feed of its own")
	}
	h.leave()
	if isClosed(a.done) {
		t.Error("the feed ended before its last client left")
	}
	h.leave()
	if !isClosed(a.done) || h.feed != nil {
		t.Error("the feed goes on without clients")
	}
	log.Append(exchange(1, 200))
	c := h.join(0)
	defer h.leave()
	if c == a {
		t.Fatal("an ended feed was joined")
	}
	next := c.after(0)
	<-next.ready
	if got := c.after(0).packet.seq; got != 1 {
		t.Errorf("a new feed has %d, want 1", got)
	}
}

// A feed that is not wanted ends although events never stop.
func TestFeedStopsInAFlood(t *testing.T) {
	log := recorder.NewLog()
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 1; !isClosed(quit); i++ {
			log.Append(exchange(uint64(i), 200))
		}
	}()
	f := startFeed(t.Context(), log, brief, 0)
	<-f.after(0).ready
	f.stop()
	close(quit)
	<-ended
}

var afterTests = []struct {
	name   string
	known  uint64
	seq    uint64 // of the packet that is next; 0: none
	missed uint64
}{
	{"before the ring", 9, 0, 10},
	{"at its beginning", 10, 20, 0},
	{"inside its first packet", 15, 20, 0},
	{"between two", 20, 21, 0},
	{"inside the last", 25, 30, 0},
	{"all known", 30, 0, 0},
	{"more than it has, from a snapshot", 35, 0, 0},
}

func TestFeedAfter(t *testing.T) {
	f := &feed{from: 10, seq: 30, news: make(chan struct{}), ring: []packet{{prev: 10, seq: 20}, {prev: 20, seq: 21}, {prev: 21, seq: 30}}}
	for _, tt := range afterTests {
		t.Run(tt.name, func(t *testing.T) {
			next := f.after(tt.known)
			if next.packet.seq != tt.seq || next.missed != tt.missed || next.err != nil {
				t.Errorf("got packet %d, missed %d, %v; want %d, %d", next.packet.seq, next.missed, next.err, tt.seq, tt.missed)
			}
		})
	}
}

// What a client missed comes from the Log as far as that still has it; never is anything
// said to be lost that the feed has.
var missedTests = []struct {
	name    string
	seq, to uint64
	lost    uint64
}{
	{"the Log has all", 4000, 4500, 0},
	{"some is lost", 3000, 4500, 976},
	{"all is lost", 100, 300, 200},
	{"one event", 4999, 5000, 0},
}

func TestMissed(t *testing.T) {
	log := recorder.NewLog()
	for id := range uint64(5000) { // the Log keeps the last 1,024 for those who come back
		log.Append(exchange(id+1, 200))
	}
	for _, tt := range missedTests {
		t.Run(tt.name, func(t *testing.T) {
			prev, lost := tt.seq, uint64(0)
			for _, b := range missed(log, whole, tt.seq, tt.to) {
				p, err := b.pack(prev)
				if err != nil {
					t.Fatal(err)
				}
				prev = p.seq
				lost += p.lost
			}
			if prev != tt.to || lost != tt.lost {
				t.Errorf("up to %d with %d lost, want %d with %d", prev, lost, tt.to, tt.lost)
			}
		})
	}
}
