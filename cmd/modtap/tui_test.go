package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"modtap/cmd/internal/child"
	"modtap/viewer/tui"
)

// newTestScreen has a pipe for a terminal; what would be seen on it is in the file.
func newTestScreen(t *testing.T, run func(context.Context, tui.Config) error) (s *screen, seen *os.File, stderr *bytes.Buffer) {
	t.Helper()
	seen, err := os.CreateTemp(t.TempDir(), "screen")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { seen.Close() })
	stderr = &bytes.Buffer{}
	return &screen{
		in: seen, file: seen, stdout: stderr, stderr: stderr, errs: &switchWriter{to: stderr, file: seen},
		output: tui.NewOutput(), run: run, left: make(chan struct{}), cancel: func() {},
	}, seen, stderr
}

// What happens to a viewer does not happen to the run: the terminal is given back, and what was
// written meanwhile comes out, then what is wrong.
func TestViewerThatFails(t *testing.T) {
	for _, test := range []struct {
		name    string
		run     func(context.Context, tui.Config) error
		restore bool
		want    string
	}{
		{"it panics", func(context.Context, tui.Config) error { panic("no model") }, true, "panic: no model"},
		{"it fails", func(context.Context, tui.Config) error { return errors.New("no stream") }, false, "no stream"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, seen, stderr := newTestScreen(t, test.run)
			fmt.Fprint(s.output.Writer("stdout"), "the command's\n")
			if !s.up() {
				t.Error("the terminal is not the viewer's before it starts")
			}
			s.follow("http://127.0.0.1:1/", nil)
			<-s.gone()
			fmt.Fprint(s.errs, "modtap's\n")
			want := "the command's\nmodtap: warning: the terminal viewer failed, the recording goes on: " + test.want + "\nmodtap's\n"
			if got := stderr.String(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			drawn, err := os.ReadFile(seen.Name())
			if err != nil || strings.Contains(string(drawn), "\x1b[?1049l") != test.restore {
				t.Errorf("the terminal got %q, %v", drawn, err)
			}
			if s.up() {
				t.Error("the terminal is still the viewer's")
			}
			s.await(nil) // must not wait
		})
	}
}

// TestAwait: after the command the user decides when to leave; serve, and a signal, do not ask.
func TestAwait(t *testing.T) {
	for _, test := range []struct {
		name  string
		ended bool // by a signal while the command ran
		serve bool
		stays bool
	}{
		{"the command ended", false, false, true},
		{"a signal ended it", true, false, false},
		{"serve", false, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			user := make(chan struct{})
			canceled := make(chan bool, 1)
			s, _, stderr := newTestScreen(t, func(ctx context.Context, _ tui.Config) error {
				select {
				case <-user:
					canceled <- false
					return nil
				case <-ctx.Done():
					canceled <- true
					return ctx.Err()
				}
			})
			s.follow("http://127.0.0.1:1/", nil)
			s.commandEnded(child.Result{Ended: test.ended})
			var signals *child.Signals
			if !test.serve {
				signals = child.Catch()
				defer signals.Stop()
			}
			if test.stays {
				close(user)
			}
			s.await(signals)
			if got := <-canceled; got == test.stays {
				t.Errorf("it was made to leave: %v", got)
			}
			if stderr.Len() > 0 {
				t.Errorf("it said %q", stderr.String())
			}
		})
	}
}

// TestNoScreen: without --tui nothing of it happens.
func TestNoScreen(t *testing.T) {
	var s *screen
	c := child.Command{Stdin: os.Stdin, Stdout: os.Stdout}
	release, err := s.adopt(&c)
	if err != nil || c.Stdin != os.Stdin || c.Stdout != os.Stdout || c.Apart {
		t.Errorf("the command is %+v, %v", c, err)
	}
	release()
	s.follow("", nil)
	s.commandEnded(child.Result{})
	s.await(nil)
	if s.up() || s.gone() != nil {
		t.Error("there is a screen")
	}
}

// TestCopierDrainEnds: a process that the command left behind and that never stops writing does
// not keep modtap.
func TestCopierDrainEnds(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := copyTo(io.Discard, r)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		defer w.Close()
		for {
			select {
			case <-stop:
				return
			case <-time.After(drainTime / 20): // less than it takes to be quiet
				fmt.Fprintln(w, "still here")
			}
		}
	}()
	drained := make(chan struct{})
	go func() { c.drain(); close(drained) }()
	select {
	case <-drained:
	case <-time.After(10 * mostDrainTime):
		t.Error("drain waits for it")
	}
	close(stop)
	<-stopped
	<-drained
}

// TestCopierDrains: everything that was written is there after drain, and a pipe that is held
// open by somebody else is not waited for.
func TestCopierDrains(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	o := tui.NewOutput()
	c := copyTo(o.Writer("stdout"), r)
	want := strings.Repeat("0123456789abcdef", 50_000)
	if _, err := w.WriteString(want); err != nil {
		t.Fatal(err)
	}
	c.drain()
	var got bytes.Buffer
	if err := o.Dump(&got, &got); err != nil || got.String() != want {
		t.Errorf("%d of %d bytes are there, %v", got.Len(), len(want), err)
	}
	if _, err := w.WriteString("later"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	<-c.ended
	c.drain()
	if !strings.HasSuffix(got.String(), "later") {
		t.Error("what came later is not there")
	}
}
