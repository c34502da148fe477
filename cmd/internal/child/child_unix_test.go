//go:build unix

package child

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
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
