//go:build unix

package child

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A signal sent to modtap alone ends the child, and modtap outlives it.
func TestSignalsArePassedOn(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		s := Catch()
		p := start(t, "hang", nil)
		s.Started()
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		r := p.Wait(s)
		s.Stop()
		if r.ExitCode != 128+int(sig) || !strings.HasPrefix(r.Signal, "SIG") {
			t.Errorf("after %v: exit code %d, signal %q; want %d", sig, r.ExitCode, r.Signal, 128+int(sig))
		}
	}
}

// What was ignored stays ignored in the child; what modtap catches does not.
func TestChildInheritsNoIgnoredSignal(t *testing.T) {
	status, err := exec.LookPath("cat")
	if _, statErr := os.Stat("/proc/self/status"); err != nil || statErr != nil {
		t.Skip("needs cat and /proc/self/status")
	}
	s := Catch()
	defer s.Stop()
	var out bytes.Buffer
	p, err := Start(Command{Path: status, Args: []string{"cat", "/proc/self/status"}, Env: os.Environ(), Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	p.Wait(s)
	for line := range strings.Lines(out.String()) {
		if v, ok := strings.CutPrefix(line, "SigIgn:"); ok && strings.Trim(v, " \t\n0") != "" {
			t.Errorf("the child ignores signals: %s", line)
		}
	}
}

// A child that was started Apart has no part in modtap's terminal. Interrupt reaches it and
// what it has started; a signal that modtap got is passed on to it.
func TestApart(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs sh")
	}
	for _, test := range []struct {
		name  string
		send  func(*Process)
		sig   syscall.Signal
		ended bool // by somebody who wants modtap to end
	}{
		{"Interrupt", (*Process).Interrupt, syscall.SIGINT, false},
		{"kill -INT of modtap", func(*Process) { _ = syscall.Kill(os.Getpid(), syscall.SIGINT) }, syscall.SIGINT, false},
		{"the terminal is gone", func(*Process) { _ = syscall.Kill(os.Getpid(), syscall.SIGHUP) }, syscall.SIGHUP, true},
		{"kill of modtap", func(*Process) { _ = syscall.Kill(os.Getpid(), syscall.SIGTERM) }, syscall.SIGTERM, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Catch()
			defer s.Stop()
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			p, err := Start(Command{
				Path: sh, Args: []string{"sh", "-c", "(: >/dev/tty) 2>/dev/null && echo tty; sleep 60 & echo $!; wait"},
				Env: os.Environ(), Stdout: w, Apart: true,
			})
			w.Close()
			if err != nil {
				t.Fatal(err)
			}
			defer syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
			line := make([]byte, 64)
			n, err := r.Read(line) // the shell has started its own child
			if err != nil || strings.Contains(string(line[:n]), "tty") {
				t.Fatalf("%q, %v", line[:n], err)
			}
			if sid, err := unix.Getsid(p.cmd.Process.Pid); err != nil || sid != p.cmd.Process.Pid {
				t.Errorf("its session is %d, its number %d, %v", sid, p.cmd.Process.Pid, err)
			}
			s.Started()
			test.send(p)
			got := p.Wait(s)
			if got.ExitCode != 128+int(test.sig) || got.Ended != test.ended {
				t.Errorf("it ended with %d (Ended %v), want %d (%v)", got.ExitCode, got.Ended, 128+int(test.sig), test.ended)
			}
		})
	}
}

// Ctrl-C reaches what the command has started, as on a terminal: a shell runs its trap only
// when the program that it waits for has ended.
func TestApartReachesAll(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("needs sh")
	}
	s := Catch()
	defer s.Stop()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := Start(Command{
		Path: sh, Args: []string{"sh", "-c", `trap "exit 7" INT; sh -c "echo; exec sleep 60"; exit 1`},
		Env: os.Environ(), Stdout: w, Apart: true,
	})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	hung := time.AfterFunc(20*time.Second, func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
	defer hung.Stop()
	if _, err := r.Read(make([]byte, 1)); err != nil { // the inner one runs
		t.Fatal(err)
	}
	s.Started()
	p.Interrupt()
	if got := p.Wait(s); got.ExitCode != 7 {
		t.Errorf("it ended with %d, want 7", got.ExitCode)
	}
}
