package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/viewer/stream"
)

// A feedLog is what a feed does: its dials and messages, on synctest's clock.
type feedLog struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func (l *feedLog) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%v ", time.Since(l.start))+fmt.Sprintf(format, args...))
}

func (l *feedLog) send(msg tea.Msg) {
	switch msg := msg.(type) {
	case connectedMsg:
		l.note("connected")
	case batchesMsg:
		n := 0
		for _, b := range msg {
			n += len(b.Events)
		}
		l.note("%d batches, %d events", len(msg), n)
	case brokenMsg:
		l.note("broken: %v", msg.err)
	case completeMsg:
		l.note("complete")
	}
}

func event(id uint64) []recorder.Event {
	return []recorder.Event{{Exchange: &recorder.Exchange{ID: id}}}
}

// follow runs a feed over sources, one for each dial; nil: the dial fails.
func follow(t *testing.T, sources ...*fake) (*feedLog, *feed) {
	l := &feedLog{start: time.Now()}
	f := &feed{url: "http://127.0.0.1:1/?token=x", send: l.send}
	f.dial = func(_ context.Context, url string) (source, error) {
		_, query, _ := strings.Cut(url, "?")
		l.note("dial %s", query)
		s := sources[0]
		sources = sources[1:]
		if s == nil {
			return nil, errors.New("connection refused")
		}
		return s, nil
	}
	f.run(t.Context())
	return l, f
}

// filled is a source that gives batches, then err.
func filled(session string, err error, batches ...stream.Batch) *fake {
	s := &fake{session: &recorder.Session{ID: session}, batches: make(chan stream.Batch, len(batches)), broken: err}
	for _, b := range batches {
		s.batches <- b
	}
	close(s.batches)
	return s
}

func TestFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := filled("s", errors.New("reset"), stream.Batch{Snapshot: true, Events: event(1)}, stream.Batch{Snapshot: true, Seq: 7, Events: event(2)}, stream.Batch{Seq: 8, Events: event(3)})
		second := filled("s", io.EOF, stream.Batch{Seq: 9, Events: event(4)})
		l, _ := follow(t, first, nil, nil, second)
		want := []string{
			"0s dial token=x", "0s connected", "0s 3 batches, 3 events", "0s broken: reset",
			"250ms dial since=8&token=x", "250ms broken: connection refused", "750ms dial since=8&token=x", "750ms broken: connection refused",
			"1.75s dial since=8&token=x", "1.75s connected", "1.75s 1 batches, 1 events", "1.75s complete",
		}
		if d := cmp.Diff(want, l.lines); d != "" {
			t.Error(d)
		}
		if !first.closed || !second.closed {
			t.Error("a stream was left open")
		}
	})
}

// What comes within a frame is handed over at once, what comes later with the next.
func TestFeedFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fake{session: &recorder.Session{ID: "s"}, batches: make(chan stream.Batch), broken: io.EOF}
		go func() {
			for i := range 9 {
				s.batches <- stream.Batch{Seq: uint64(i + 1), Events: event(uint64(i + 1))}
				time.Sleep(20 * time.Millisecond) // five frames' worth, three in each
			}
			close(s.batches)
		}()
		l, _ := follow(t, s)
		want := []string{"0s dial token=x", "0s connected", "50ms 3 batches, 3 events", "110ms 3 batches, 3 events", "170ms 3 batches, 3 events", "180ms complete"}
		if d := cmp.Diff(want, l.lines); d != "" {
			t.Error(d)
		}
	})
}

// Lost events: one snapshot is asked for, and no second before it is here.
func TestFeedLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := filled("s", io.EOF, stream.Batch{Seq: 1, Lost: 3}, stream.Batch{Seq: 2, Lost: 3}, stream.Batch{Snapshot: true, Seq: 3}, stream.Batch{Seq: 4, Lost: 1})
		follow(t, s)
		if s.snapshots != 2 {
			t.Errorf("%d snapshots were asked for, want 2", s.snapshots)
		}
	})
}

// Another session is not followed from where the old one was.
func TestFeedOtherSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, f := follow(t, filled("s", errors.New("reset"), stream.Batch{Seq: 8}), filled("t", io.EOF), filled("t", io.EOF, stream.Batch{Seq: 2}))
		want := []string{
			"0s dial token=x", "0s connected", "0s 1 batches, 0 events", "0s broken: reset",
			"250ms dial since=8&token=x", "250ms dial token=x", "250ms connected", "250ms 1 batches, 0 events", "250ms complete",
		}
		if d := cmp.Diff(want, l.lines); d != "" {
			t.Error(d)
		}
		if f.seq != 2 || f.session != "t" {
			t.Errorf("at %d of %q", f.seq, f.session)
		}
	})
}

// What was asked of one session is not shown in another one that began meanwhile.
func TestOlderOfAnotherSession(t *testing.T) {
	s := open(t, 80, 24, Config{}, fixture()...)
	was := s.m.store
	s.source.session = &recorder.Session{ID: "t", Start: began, Argv: []string{"go", "vet"}}
	s.send(connectedMsg{s.source})
	s.send(olderMsg{store: was, from: 1, list: []*recorder.Exchange{request(1, 0, gomod.Mod, "m", "v1.0.0", 1, ms, ms)}})
	if n := len(s.m.store.rows); n != 0 {
		t.Errorf("the new session has %d requests, want none", n)
	}
}
