package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"modtap/recorder/har"
	"modtap/recorder/har/hartest"
)

// viewing starts modtap view with stdin and stdout as pipes that nobody fills and empties.
func viewing(t *testing.T, temp string, args ...string) (c *exec.Cmd, stdin *os.File) {
	t.Helper()
	c = exec.Command("modtap", append([]string{"view"}, args...)...)
	c.Env = append(os.Environ(), "TMPDIR="+temp, "MODTAP_HOME="+t.TempDir())
	in, silent, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	unread, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdin, c.Stdout, c.Stderr = in, out, os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	out.Close()
	t.Cleanup(func() { silent.Close(); unread.Close() })
	return c, silent
}

// exitsBy signals c and waits for its end.
func exitsBy(t *testing.T, c *exec.Cmd, sig syscall.Signal, want int) {
	t.Helper()
	if err := c.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		c.Process.Kill()
		<-ended
		t.Fatalf("%v does not end it", sig)
	}
	if got := c.ProcessState.ExitCode(); got != want {
		t.Errorf("exit code %d after %v, want %d", got, sig, want)
	}
}

// copiesIn are the copies of recordings in a folder for temporary files.
func copiesIn(temp string) []string {
	found, _ := filepath.Glob(filepath.Join(temp, "modtap-*", "copy.har")) // the pattern is right
	return found
}

// TestViewInterrupted: a signal ends view while it waits for a pipe, and leaves no copy.
func TestViewInterrupted(t *testing.T) {
	t.Run("of a pipe that says nothing", func(t *testing.T) {
		t.Parallel()
		temp := t.TempDir()
		c, stdin := viewing(t, temp, "--no-open", "/dev/stdin")
		if _, err := stdin.WriteString(`{"log":{"entries":[`); err != nil {
			t.Fatal(err)
		}
		happens(t, func() bool { return len(copiesIn(temp)) == 1 })
		exitsBy(t, c, syscall.SIGTERM, 143)
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("it leaves %v behind (%v)", left, err)
		}
	})
	t.Run("that prints to somebody who does not read", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "x.har")
		w, err := har.Create(path, har.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for e := range hartest.GoCommand(500) {
			if err := w.Write(e); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		c, _ := viewing(t, t.TempDir(), "--format", "json", path)
		happens(t, func() bool { return inPipeWrite(c.Process.Pid) })
		exitsBy(t, c, syscall.SIGINT, 130)
	})
}

// inPipeWrite reports whether a thread of the process waits for room in a pipe.
func inPipeWrite(pid int) bool {
	tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/syscall")
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err == nil && (strings.HasPrefix(string(text), "1 0x1 ") || strings.HasPrefix(string(text), "64 0x1 ")) { // write(1, on amd64 and arm64
			return true
		}
	}
	return false
}

// TestViewKilled: the copy that a kill -9 leaves behind is gone when the next one is made; one
// that is in use stays.
func TestViewKilled(t *testing.T) {
	temp := t.TempDir()
	killed, _ := viewing(t, temp, "--no-open", "/dev/stdin")
	happens(t, func() bool { return len(copiesIn(temp)) == 1 })
	left := copiesIn(temp)[0]
	exitsBy(t, killed, syscall.SIGKILL, -1)
	first, _ := viewing(t, temp, "--no-open", "/dev/stdin")
	happens(t, func() bool {
		_, err := os.Stat(left)
		return errors.Is(err, os.ErrNotExist) && len(copiesIn(temp)) == 1
	})
	second, _ := viewing(t, temp, "--no-open", "/dev/stdin")
	happens(t, func() bool { return len(copiesIn(temp)) == 2 })
	exitsBy(t, first, syscall.SIGHUP, 129)
	exitsBy(t, second, syscall.SIGINT, 130)
}
