package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"modtap/cmd/internal/child"
	"modtap/viewer/tui"
)

// tuiUsage is the help of --tui; the command's own words follow it.
const tuiUsage = "show the session in this terminal"

// A screen is the terminal while the terminal viewer has it. What the command and modtap
// itself write there is kept, shown in the viewer's pane, and written out when the viewer is
// left. A nil screen is a command without --tui.
type screen struct {
	in     *os.File // the keys
	file   *os.File // what is drawn on: stderr, or stdout where stderr is a file
	color  bool
	ascii  bool
	stdout io.Writer     // modtap's own, as they were
	stderr io.Writer     //
	errs   *switchWriter // what took the place of stderr; nil: stderr is a file
	output *tui.Output
	run    func(context.Context, tui.Config) error // tui.Run
	copy   *copier                                 // of the command's output; nil: none of it is shown

	running atomic.Bool // the command
	asked   atomic.Bool // to leave at once
	started bool
	cancel  context.CancelFunc
	left    chan struct{} // closed when the viewer was left and the terminal is as before
}

// onScreen makes a leave the terminal to the viewer, from the time that it is started. The
// error is for a terminal that is not there or cannot be drawn on.
func (a *app) onScreen() error {
	s, err := a.newScreen("--view shows the same in a browser; without both there is the report")
	if err != nil {
		return withCode(err, exitUsage)
	}
	a.screen = s
	if isTerminal(a.stderr) {
		s.errs = &switchWriter{to: a.stderr, file: s.file}
		a.stderr = s.errs
	}
	return nil
}

// newScreen finds the terminal; instead says what to use where there is none.
func (a *app) newScreen(instead string) (*screen, error) {
	in, ok := a.stdin.(*os.File)
	at := a.stderr
	if !isTerminal(at) {
		at = a.stdout
	}
	if !ok || !term.IsTerminal(int(in.Fd())) || !isTerminal(at) {
		return nil, withHint(errors.New("--tui needs a terminal to draw on and to read keys from"), instead)
	}
	t := a.terminalOf(at)
	if !t.live {
		return nil, withHint(errors.New("--tui: this terminal cannot be drawn on (TERM=dumb, or CI is set)"), instead)
	}
	file, _ := fileOf(at)
	return &screen{
		in: in, file: file, color: t.color, ascii: a.onlyASCII(at, t.is), stdout: a.stdout, stderr: a.stderr,
		output: tui.NewOutput(), run: tui.Run, left: make(chan struct{}), cancel: func() {},
	}, nil
}

// viewTUI shows the stream at url in this terminal until the user leaves or ctx ends. The
// caller catches signals and ends ctx: one must not leave the terminal in the viewer's mode.
func (a *app) viewTUI(ctx context.Context, url, filter string) error {
	s, err := a.newScreen("without --tui a browser shows it; --format json is for programs")
	if err != nil {
		return withCode(err, exitUsage)
	}
	c := s.config(url)
	c.Filter, c.Output = filter, nil
	if err := s.show(ctx, c); err != nil && ctx.Err() == nil {
		return fmt.Errorf("terminal viewer: %w", err)
	}
	return nil
}

// config is what every command tells the viewer.
func (s *screen) config(url string) tui.Config {
	return tui.Config{URL: url, In: s.in, Out: s.file, Color: s.color, ASCII: s.ascii, Output: s.output}
}

// up reports whether the terminal is the viewer's, or will be.
func (s *screen) up() bool {
	if s == nil {
		return false
	}
	select {
	case <-s.left:
		return false
	default:
		return true
	}
}

// gone is closed when the user has left the viewer; nil without one.
func (s *screen) gone() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.left
}

// adopt gives c stdio that does not disturb the screen. What is no terminal stays as it is: a
// script that reads stdout gets it unchanged. The command reads nothing, for the keys are the
// viewer's. Call the returned func when c was started, or was not.
func (s *screen) adopt(c *child.Command) (release func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	c.Stdin, c.Apart = nil, true
	out, errs := isTerminal(c.Stdout), isTerminal(c.Stderr)
	if !out && !errs {
		return func() {}, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe for the command's output: %w", cause(err))
	}
	// One pipe for both: two would lose the order in which the command wrote.
	name := "stderr"
	if out {
		name, c.Stdout = "stdout", w
	}
	if errs {
		c.Stderr = w
	}
	s.copy = copyTo(s.output.Writer(name), r)
	return func() { w.Close() }, nil
}

// follow shows the stream at url, and p's output beside it. p is nil for serve.
func (s *screen) follow(url string, p *child.Process) {
	if s == nil {
		return
	}
	c := s.config(url)
	c.ShowOutput = p == nil // it has what serve has to say
	if p != nil {
		s.running.Store(true)
		c.Running, c.Interrupt = s.running.Load, p.Interrupt
	}
	if s.errs != nil {
		s.errs.switchTo(s.output.Writer("stderr"))
	}
	var ctx context.Context
	ctx, s.cancel = context.WithCancel(context.Background())
	s.started = true
	go func() {
		err := s.show(ctx, c)
		if dumped := s.output.Dump(s.stdout, s.stderr); dumped != nil {
			fmt.Fprintf(s.stderr, "modtap: warning: %v\n", dumped)
		}
		if err != nil && ctx.Err() == nil {
			fmt.Fprintf(s.stderr, "modtap: warning: the terminal viewer failed, the recording goes on: %v\n", err)
		}
		close(s.left)
	}()
}

// restore is what a viewer that broke may have left behind: the other screen, no cursor, the
// mouse, marked pastes, other codes for keys.
const restore = "\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[>4m\x1b[<u\x1b[m\r\n"

// show runs the viewer. Whatever happens to it the terminal is as before, and modtap goes on:
// it has a recording to complete.
func (s *screen) show(ctx context.Context, c tui.Config) (err error) {
	before, stateErr := term.GetState(int(s.in.Fd()))
	defer func() {
		if r := recover(); r != nil {
			_, _ = io.WriteString(s.file, restore) // there is nowhere else to tell
			err = fmt.Errorf("panic: %v", r)
		}
		if stateErr == nil {
			_ = term.Restore(int(s.in.Fd()), before) // the viewer has done it, or the terminal is gone
		}
	}()
	return s.run(ctx, c)
}

// commandEnded tells that the command has ended, and takes the last of its output. What it left
// running may go on to write, and is not waited for.
func (s *screen) commandEnded(r child.Result) {
	if s == nil {
		return
	}
	s.running.Store(false)
	s.asked.Store(r.Ended)
	if s.copy != nil {
		s.copy.drain()
	}
}

// await returns when the terminal is as it was before. After a command that ended by itself
// the user decides when, or a signal; serve's viewer ends with it.
func (s *screen) await(signals *child.Signals) {
	if s == nil || !s.started {
		return
	}
	if signals == nil || s.asked.Load() {
		s.cancel()
	}
	var ending <-chan os.Signal
	if signals != nil {
		ending = signals.Caught()
	}
	for {
		select {
		case sig := <-ending:
			if child.Ends(sig) {
				s.cancel()
			}
		case <-s.left:
			s.cancel()
			return
		}
	}
}

// A switchWriter is a terminal that may be taken away and given back.
type switchWriter struct {
	file *os.File // the terminal
	mu   sync.Mutex
	to   io.Writer
}

func (w *switchWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

func (w *switchWriter) switchTo(to io.Writer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = to
}

// fileOf is the file behind w, seen through a screen; false where there is none.
func fileOf(w any) (*os.File, bool) {
	if s, ok := w.(*switchWriter); ok {
		return s.file, true
	}
	f, ok := w.(*os.File)
	return f, ok
}

const (
	// drainTime is how long a pipe must have had nothing to say before what still holds it
	// open, a process that the command left behind, is not waited for.
	drainTime = 200 * time.Millisecond
	// mostDrainTime is how long one is read that always has something to say. chosen: what the
	// command itself left in a pipe is read in a fraction of it.
	mostDrainTime = 2 * time.Second
)

// A copier copies a pipe.
type copier struct {
	reading atomic.Int64 // since when it waits for the pipe, in ns of the wall clock; 0: it does not
	ended   chan struct{}
}

// copyTo copies from to until its end, and closes it.
func copyTo(to io.Writer, from *os.File) *copier {
	c := &copier{ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		defer from.Close()
		buf := make([]byte, 32<<10)
		for {
			c.reading.Store(time.Now().UnixNano())
			n, err := from.Read(buf)
			c.reading.Store(0)
			// A writer that fails is a terminal that is gone: the command must not wait for it.
			_, _ = to.Write(buf[:n])
			if err != nil {
				return
			}
		}
	}()
	return c
}

// drain waits until everything was copied that is there, as far as that can be told where
// others go on writing. It polls: a pipe does not tell that it is empty.
func (c *copier) drain() {
	most := time.After(mostDrainTime)
	for {
		select {
		case <-c.ended:
			return
		case <-most:
			return
		case <-time.After(drainTime / 10):
		}
		if since := c.reading.Load(); since != 0 && time.Now().UnixNano()-since > int64(drainTime) {
			return
		}
	}
}

// showsPage reports whether run was asked for the page in the browser.
func (o *options) showsPage() bool { return o.view != "" && o.view != "none" }
