package child

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"time"
)

// A Command is what to start. Stdin, Stdout and Stderr are given to the child as they
// are: where they are *os.File it writes to the same terminal or pipe that modtap has.
type Command struct {
	Path   string   // the file, from Look
	Args   []string // the command as the user wrote it, its name included
	Env    []string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Apart keeps the child from the terminal that modtap draws on: on Unix it gets a session
	// of its own, so that it cannot ask for a password there, and Ctrl-C reaches it by
	// Interrupt and Wait alone. Give it stdio that is no terminal.
	Apart bool
}

// A Process is a child that was started. Call Wait.
type Process struct {
	cmd   *exec.Cmd
	start time.Time
	apart bool
}

// A Result says how a child ended and what it used.
type Result struct {
	Start, End time.Time
	ExitCode   int           // what a shell would report: 128+n after signal n
	Signal     string        // the signal that ended it, as in "SIGKILL"; "" when it exited
	User       time.Duration // CPU time of the child and, except on Windows, of its waited-for children
	System     time.Duration
	// Interrupted reports that Ctrl-C, or its like, came while the child ran.
	Interrupted bool
	// Ended reports that another signal came that asks to end: a kill, or the terminal is gone.
	Ended bool

	read, written int64 // bytes from and to disks; -1: this system does not say
}

// Start starts c. Its errors wrap ErrNotFound or ErrNotExecutable.
func Start(c Command) (*Process, error) {
	p := &Process{cmd: &exec.Cmd{
		Path: c.Path, Args: c.Args, Env: c.Env,
		Stdin: c.Stdin, Stdout: c.Stdout, Stderr: c.Stderr,
	}, apart: c.Apart}
	if c.Apart {
		p.cmd.SysProcAttr = apart()
	}
	p.start = time.Now()
	err := p.cmd.Start()
	switch {
	case err == nil:
		return p, nil
	case errors.Is(err, fs.ErrNotExist) && !exists(c.Path):
		return nil, fmt.Errorf("%s: %w", c.Args[0], ErrNotFound)
	}
	// A script whose interpreter is missing fails with "no such file" too, but can be found.
	return nil, fmt.Errorf("%s: %w: %w", c.Args[0], ErrNotExecutable, reason(err))
}

// Started is when the child was started.
func (p *Process) Started() time.Time { return p.start }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Wait waits until the child has ended, passing on what s catches meanwhile.
func (p *Process) Wait(s *Signals) Result {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		// Its error repeats the state below, or is about copying stdio that is no file.
		_ = p.cmd.Wait()
	}()
	interrupted, end := false, false
	for {
		select {
		case sig := <-s.caught:
			interrupted = interrupted || sig == os.Interrupt
			end = end || sig != os.Interrupt && Ends(sig)
			if p.apart {
				passApart(p.cmd.Process, sig)
			} else {
				pass(p.cmd.Process, sig)
			}
		case <-ended:
			r := p.result()
			r.Interrupted, r.Ended = interrupted, end
			return r
		}
	}
}

// Interrupt gives a child that was started Apart what Ctrl-C on its terminal would.
func (p *Process) Interrupt() { interrupt(p.cmd.Process) }

func (p *Process) result() Result {
	state := p.cmd.ProcessState
	r := Result{Start: p.start, End: time.Now(), ExitCode: state.ExitCode(), User: state.UserTime(), System: state.SystemTime()}
	r.read, r.written = diskBytes(state)
	if name, code := killedBy(state); code != 0 {
		r.Signal, r.ExitCode = name, code
	}
	return r
}
