package main

import (
	"context"
	"fmt"
	"time"

	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/viewer/report"
)

const (
	// lookEvery is how often the Log is read. A reader that waits would be woken by every
	// Append, and one that comes seldom keeps more events in memory.
	lookEvery = 100 * time.Millisecond
	// checkEvery is how often live findings are asked for.
	checkEvery = time.Second
)

// A lookout tells of what is wrong while the command runs: it puts findings into the Log,
// and a line for each on stderr.
type lookout struct {
	s      *session
	live   *diagnose.Live
	reader *recorder.Reader
	stop   chan struct{}
	ended  chan struct{}
}

// keepLookout starts a lookout. Stop it before the Log is closed.
func (s *session) keepLookout() *lookout {
	w := &lookout{s: s, live: diagnose.NewLive(), reader: s.log.NewReader(0), stop: make(chan struct{}), ended: make(chan struct{})}
	go w.run()
	return w
}

// end has a last look and ends the lookout.
func (w *lookout) end() {
	close(w.stop)
	<-w.ended
}

func (w *lookout) run() {
	defer close(w.ended)
	defer w.reader.Close()
	look, check := time.NewTicker(lookEvery), time.NewTicker(checkEvery)
	defer look.Stop()
	defer check.Stop()
	for {
		select {
		case <-look.C:
			w.look()
		case <-check.C:
			w.look()
			w.tell()
		case <-w.stop:
			w.look()
			w.tell()
			return
		}
	}
}

// look takes all events that are there.
func (w *lookout) look() {
	now, cancel := context.WithCancel(context.Background())
	cancel() // a Read with a context that has ended does not wait
	var buf [64]recorder.Event
	for {
		n, lost, err := w.reader.Read(now, buf[:])
		if lost > 0 {
			w.live.Lost(lost)
		}
		for _, e := range buf[:n] {
			_ = w.live.Write(e) // it has no error
		}
		if err != nil {
			return
		}
	}
}

func (w *lookout) tell() {
	for _, f := range w.live.Check(time.Now()) {
		w.s.log.Append(recorder.Event{Finding: &f})
		if !w.s.o.quiet {
			w.s.line(f.Severity, f.ID+": "+f.Title)
		}
	}
}

// line writes one line above the status line.
func (s *session) line(severity, text string) {
	line := "modtap: " + report.Printable(text)
	if s.term.color {
		color := "\x1b[1;33m"
		if severity == recorder.Bad {
			color = "\x1b[1;31m"
		}
		line = color + line + "\x1b[0m"
	}
	fmt.Fprintln(s.status, line)
}
