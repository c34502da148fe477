package status

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"modtap/recorder"
	"modtap/viewer/report"
)

const (
	redrawEvery = 100 * time.Millisecond
	// hideAfter is how long the line stays when nothing is in flight any more: then the
	// command has the terminal for itself.
	hideAfter = 5 * time.Second
)

// The line is drawn in the row below the cursor, which goes back to where the command
// left it. So a line of the command is never painted over, whether it is finished or
// not; and where its next one runs into ours, erasing what is right of and below the
// cursor leaves the command's text alone.
const (
	erase   = "\x1b[J"
	makeRow = "\x1bD\x1b[A" // index down and up again: at the bottom this scrolls once
	below   = "\x1b7\x1b[B\r"
	back    = "\x1b8"
)

// Config says what to show and where. Log and Out are required.
type Config struct {
	Log *recorder.Log
	Out io.Writer // stderr
	// Live draws the status line: Out is a terminal that understands ANSI sequences.
	Live bool
	// Verbose writes a line for every finished request.
	Verbose bool
	// Color paints what is bad.
	Color bool
	// Width is the terminal's; nil: 80 columns.
	Width func() int
	// Visible reports whether the terminal is ours to draw on; nil: always. It is not
	// while modtap is in the background, or the command has put itself in the foreground.
	Visible func() bool
}

// A Status shows the session. Write what else goes to the terminal through it.
type Status struct {
	c      Config
	reader *recorder.Reader
	stop   chan struct{}
	ended  chan struct{}
	once   sync.Once

	mu    sync.Mutex
	state *state
	drawn string // what is on the terminal, "" when nothing is
	idle  time.Time
}

// Start begins to show c.Log. With neither Live nor Verbose it shows nothing and costs
// nothing.
func Start(c Config) *Status {
	if c.Width == nil {
		c.Width = func() int { return 80 }
	}
	if c.Visible == nil {
		c.Visible = func() bool { return true }
	}
	s := &Status{c: c, stop: make(chan struct{}), ended: make(chan struct{}), state: newState(time.Now()), idle: time.Now()}
	if !c.Live && !c.Verbose {
		close(s.ended)
		return s
	}
	s.reader = c.Log.NewReader(0)
	go s.run()
	return s
}

// Stop shows what the Log still has and takes the line away. Close the Log first.
func (s *Status) Stop() {
	s.once.Do(func() { close(s.stop) })
	<-s.ended
}

// Write writes p above the status line.
func (s *Status) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hide()
	return s.c.Out.Write(p)
}

// run looks at the Log ten times a second rather than at each event: a reader that
// waits is woken by every Append, which costs the relay more than it is worth here.
func (s *Status) run() {
	defer close(s.ended)
	defer s.reader.Close()
	tick := time.NewTicker(redrawEvery)
	defer tick.Stop()
	now, cancel := context.WithCancel(context.Background())
	cancel() // a Read with a context that has ended does not wait
	for {
		select {
		case <-tick.C:
			s.drain(now)
			s.mu.Lock()
			s.draw(time.Now())
			s.mu.Unlock()
		case <-s.stop:
			s.drain(now)
			s.mu.Lock()
			s.hide()
			s.mu.Unlock()
			return
		}
	}
}

// drain takes all events that are there.
func (s *Status) drain(ctx context.Context) {
	var buf [64]recorder.Event
	for {
		n, lost, err := s.reader.Read(ctx, buf[:])
		if lost > 0 {
			s.forget()
		}
		s.mu.Lock()
		for _, e := range buf[:n] {
			s.state.apply(e, time.Now())
			if s.c.Verbose && e.Exchange != nil && e.Exchange.Done {
				s.hide()
				fmt.Fprintln(s.c.Out, s.requestLine(e.Exchange))
			}
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// forget drops what ended among events that were lost.
func (s *Status) forget() {
	events, _ := s.c.Log.Snapshot()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.state.inFlight)
	clear(s.state.dialling)
	for _, e := range events {
		switch {
		case e.Exchange != nil && !e.Exchange.Done:
			x := e.Exchange
			s.state.inFlight[x.ID] = flight{bytes: x.Response.BodySize, status: x.Status, start: x.Start, label: report.Label(x)}
		case e.Tunnel != nil:
			s.state.tunnel(e.Tunnel, time.Now())
		}
	}
}

// draw puts the line on the terminal.
func (s *Status) draw(now time.Time) {
	if !s.c.Live {
		return
	}
	if len(s.state.inFlight)+len(s.state.dialling) > 0 {
		s.idle = now
	}
	line, stalled := s.state.line(now)
	if line == "" || now.Sub(s.idle) >= hideAfter || !s.c.Visible() {
		s.hide()
		return
	}
	// The last column stays free: some terminals wrap when it is written.
	line = cut(line, s.c.Width()-1)
	if s.c.Color && stalled != "" {
		line = strings.Replace(line, stalled, "\x1b[33m"+stalled+"\x1b[0m", 1)
	}
	io.WriteString(s.c.Out, erase+makeRow+below+line+back)
	s.drawn = line
}

// hide takes the line away, if it is there.
func (s *Status) hide() {
	if s.drawn != "" {
		io.WriteString(s.c.Out, erase)
		s.drawn = ""
	}
}

// cut shortens line at its end: the beginning is what one looks at.
func cut(line string, width int) string {
	r := []rune(line)
	if len(r) <= width {
		return line
	}
	return string(r[:max(width-1, 0)]) + "…"
}

// shortest is the phase that -v still names: shorter ones only make the line long.
const shortest = 500 * time.Microsecond

// requestLine is what -v says about x.
func (s *Status) requestLine(x *recorder.Exchange) string {
	answer, failed := fmt.Sprint(x.Status), x.Err != nil || x.Status >= 400
	if x.Status == 0 {
		answer = "---"
	}
	kind := string(x.Go.Kind)
	if kind == "" || kind == "other" {
		kind = x.Method
	}
	took := x.Server.End
	if took <= 0 {
		took = x.Client.End
	}
	parts := []string{
		fmt.Sprintf("%s %-13s %s", answer, kind, report.Label(x)), report.Bytes(x.Response.BodySize), report.Duration(took.Duration()),
	}
	var phases []string
	for _, p := range report.Phases(x) {
		if p.Time >= shortest {
			phases = append(phases, p.Name+" "+report.Duration(p.Time))
		}
	}
	if len(phases) > 0 {
		parts = append(parts, strings.Join(phases, ", "))
	}
	if x.SentTo != "" {
		parts = append(parts, "sent to "+x.SentTo)
	}
	if x.Err != nil {
		parts = append(parts, x.Err.Op+": "+x.Err.Msg)
	}
	line := report.Printable(strings.Join(parts, "  "))
	if failed && s.c.Color {
		return "\x1b[31m" + line + "\x1b[0m"
	}
	return line
}
