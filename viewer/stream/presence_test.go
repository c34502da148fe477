package stream

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"modtap/recorder"
)

// openPage is the websocket of a page that is open.
func openPage(t *testing.T, addr string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws://"+addr+"/api/presence", http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// awaitPages waits until so many pages are open, and so many were opened.
func awaitPages(t *testing.T, s *Server, open, ever int) {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		o, e, changed := s.Pages()
		if o == open && e == ever {
			return
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("%d pages open of %d, want %d of %d", o, e, open, ever)
		}
	}
}

func TestPages(t *testing.T) {
	log := recorder.NewLog()
	s, addr := start(t, Config{Source: Source{Log: log}})
	awaitPages(t, s, 0, 0)
	one, two := openPage(t, addr), openPage(t, addr)
	awaitPages(t, s, 2, 2)
	if left := s.PagesLeft(); !left.IsZero() {
		t.Errorf("the pages left at %v, and are there", left)
	}
	log.Close() // the streams end; the pages stay
	one.Close() // as a browser that dies
	awaitPages(t, s, 1, 2)
	if err := two.WriteMessage(websocket.TextMessage, []byte("a page has nothing to say")); err != nil {
		t.Fatal(err)
	}
	awaitPages(t, s, 0, 2)
	if since := time.Since(s.PagesLeft()); since > 10*time.Second {
		t.Errorf("the last page left %v ago", since)
	}

	three := openPage(t, addr)
	awaitPages(t, s, 1, 3)
	if s.PagesLeft().IsZero() {
		t.Error("a page that comes makes it unknown when the last one left")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	_, _, err := three.ReadMessage()
	if end := (*websocket.CloseError)(nil); !errors.As(err, &end) || end.Code != websocket.CloseGoingAway {
		t.Errorf("at the end of the viewer: %v, want the code %d", err, websocket.CloseGoingAway)
	}
	awaitPages(t, s, 0, 3)
}

func TestPresenceIsForOurPageAlone(t *testing.T) {
	s, addr := start(t, Config{Source: Source{Log: recorder.NewLog()}})
	for name, h := range map[string]http.Header{
		"no token":       {},
		"a wrong one":    {"Authorization": {"Bearer no"}},
		"another origin": {"Authorization": {"Bearer " + token}, "Origin": {"http://evil.test"}},
	} {
		_, resp, err := websocket.DefaultDialer.Dial("ws://"+addr+"/api/presence", h)
		if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v, want 403", name, err)
		}
	}
	awaitPages(t, s, 0, 0)
}

// A page that says more than a word is not listened to: a message is not gathered first.
func TestPresenceTakesNoMessage(t *testing.T) {
	s, addr := start(t, Config{Source: Source{Log: recorder.NewLog()}})
	conn := openPage(t, addr)
	awaitPages(t, s, 1, 1)
	w, err := conn.NextWriter(websocket.TextMessage)
	if err != nil {
		t.Fatal(err)
	}
	// Parts of it leave, its end does not; the server may hang up in the middle of it.
	_, _ = w.Write(make([]byte, 64<<10))
	awaitPages(t, s, 0, 1)
}
