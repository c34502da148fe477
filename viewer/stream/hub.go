package stream

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"modtap/recorder"
)

// shareSnapshot is how old a snapshot may be that is given to one more client. What
// happened since then it gets from the feed.
const shareSnapshot = 100 * time.Millisecond

// A hub serves all clients of one Log in one flavour. It works only while it has any.
type hub struct {
	log     *recorder.Log
	flavour flavour
	history History         // has what the exchanges of log lack; nil: they lack nothing
	live    context.Context // ends when nobody is to be served any more

	mu      sync.Mutex
	clients int
	feed    *feed
	shared  *snapshot // the newest one, while somebody is given it
}

// join takes one more client, who wants what happens after the event at, and returns its
// feed, which may begin later than that. Call leave once for each.
func (h *hub) join(at uint64) *feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients++
	if h.feed == nil {
		h.feed = startFeed(h.live, h.log, h.flavour, at)
	}
	return h.feed
}

// leave lets the feed rest when it was for the last client.
func (h *hub) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients--; h.clients == 0 {
		h.feed.stop()
		h.feed = nil
	}
}

// A snapshot is the state at one moment in frames, which are encoded once, and only when
// the first client wants them. Call hub.release when it was given.
type snapshot struct {
	flavour flavour
	history History // as in hub
	seq     uint64
	taken   time.Time
	users   int // guarded by the hub's mutex

	mu      sync.Mutex
	batches [][]recorder.Event
	encoded []*websocket.PreparedMessage
}

// snapshot takes one, or shares one of at least the event seq that is fresh or as good as
// new: all who open a recording are given the same one.
func (h *hub) snapshot(seq uint64) *snapshot {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.shared; s != nil && s.seq >= seq && (time.Since(s.taken) < shareSnapshot || s.seq == h.log.Seq()) {
		s.users++
		return s
	}
	s := newSnapshot(h.log, h.flavour)
	s.users, s.history = 1, h.history
	h.shared = s
	return s
}

func (h *hub) release(s *snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s.users--; s.users == 0 && h.shared == s {
		h.shared = nil
	}
}

func newSnapshot(log *recorder.Log, f flavour) *snapshot {
	s := &snapshot{flavour: f, taken: time.Now()}
	events, seq := log.Snapshot()
	s.seq = seq
	for first, weight, i := 0, 0, 0; i < len(events); i++ {
		weight += f.weigh(events[i])
		if i+1 == len(events) || i+1-first == maxBatch || weight >= maxWeight {
			s.batches = append(s.batches, events[first:i+1])
			first, weight = i+1, 0
		}
	}
	if s.batches == nil {
		s.batches = [][]recorder.Event{nil} // one frame says that there is nothing
	}
	s.encoded = make([]*websocket.PreparedMessage, len(s.batches))
	return s
}

// frame returns the frame i of len(batches). Only the last has the seq to resume from.
func (s *snapshot) frame(i int) (*websocket.PreparedMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.encoded[i] != nil {
		return s.encoded[i], nil
	}
	b := Batch{Snapshot: true, Events: make([]recorder.Event, 0, len(s.batches[i]))}
	for _, e := range s.batches[i] {
		if e.Exchange != nil && s.history != nil {
			x, err := s.history.Exchange(e.Exchange.ID)
			if err != nil {
				return nil, fmt.Errorf("a snapshot: %w", err)
			}
			e.Exchange = x
		}
		b.Events = append(b.Events, s.flavour.of(e))
	}
	if i == len(s.batches)-1 {
		b.Seq = s.seq
	}
	m, _, _, err := encode(&b, nil)
	s.encoded[i], s.batches[i] = m, nil
	runtime.Gosched() // the relay comes first
	return m, err
}
