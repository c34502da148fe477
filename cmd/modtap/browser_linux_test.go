package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestBrowserIsApart: Ctrl-C ends modtap, and is nothing to the browser that it had opened.
func TestBrowserIsApart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	started := filepath.Join(dir, "pid")
	script := fmt.Sprintf("#!/bin/sh\necho $$ >%s.new\nmv %[1]s.new %[1]s\nexec sleep 60\n", started)
	if err := os.WriteFile(filepath.Join(dir, "xdg-open"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs("../../recorder/har/testdata/foreign/chrome.har")
	if err != nil {
		t.Fatal(err)
	}
	s := onTerminal(t, 0, []string{"PATH=" + dir + ":" + os.Getenv("PATH")}, "view", file)
	pid := 0
	for deadline := time.Now().Add(20 * time.Second); pid == 0; time.Sleep(5 * time.Millisecond) { // another process
		if text, err := os.ReadFile(started); err == nil {
			pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		if time.Now().After(deadline) {
			t.Fatalf("no browser was opened:\n%s", s.screen.String())
		}
	}
	defer syscall.Kill(pid, syscall.SIGKILL) // nobody else ends it: that is the point
	group, err1 := unix.Getpgid(pid)
	session, err2 := unix.Getsid(pid)
	if err := errors.Join(err1, err2); err != nil || group != pid || session != pid {
		t.Errorf("the browser %d is of group %d and session %d (%v); modtap is %d", pid, group, session, err, s.cmd.Process.Pid)
	}
	s.interrupt()
	s.exits(0)
	if err := syscall.Kill(pid, 0); err != nil {
		t.Errorf("the browser ended with modtap: %v", err)
	}
}
