package stream

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// presence counts the pages that are open. A page has a websocket for nothing else from its
// beginning to its end, at /api/presence: that of /events ends with the session, and other
// programs have one too. It needs no pings: a browser that dies on this machine closes it.
type presence struct {
	mu      sync.Mutex
	open    int
	ever    int
	left    time.Time     // when the last one went
	changed chan struct{} // closed, and made anew, by every change; nil: nobody waits
}

// Pages are how many pages are open now, and how many were opened so far. changed is closed
// when either is no longer true. A reload of a page closes and opens it.
func (s *Server) Pages() (open, ever int, changed <-chan struct{}) {
	p := &s.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.open, p.ever, p.changed
}

// PagesLeft is when the number of open pages last fell to none, also when one has come since:
// who asked Pages first may be a moment behind. It is zero until that has happened.
func (s *Server) PagesLeft() time.Time {
	p := &s.presence
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.left
}

// add counts a page that came (1) or went (-1).
func (p *presence) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open += n
	p.ever += max(n, 0)
	if p.open == 0 {
		p.left = time.Now()
	}
	if p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
}

// servePresence is GET /api/presence: a websocket on which nothing is said.
func (s *Server) servePresence(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	s.presence.add(1)
	defer s.presence.add(-1)
	defer conn.Close()
	stop := context.AfterFunc(s.live, func() {
		// Best effort: the page also sees that the connection ends.
		_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, "the viewer stopped"), time.Now().Add(closeWait))
		conn.Close()
	})
	defer stop()
	conn.SetReadLimit(1)
	_, _, _ = conn.ReadMessage() // the first word ends it as its end does
}
