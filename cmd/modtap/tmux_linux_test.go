package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// screenTime bounds how long a screen may take to show what a test waits for. A machine that
// builds something beside the test is slow.
const screenTime = 30 * time.Second

// A tmux is a terminal of its own, driven as a person would: keys in, a screen out.
type tmux struct {
	t      *testing.T
	socket string
}

// startTmux runs a shell script in a terminal of width×height cells. After the script's end
// the screen stays.
func startTmux(t *testing.T, width, height int, dir string, env []string, script string) *tmux {
	t.Helper()
	path, err := exec.LookPath("tmux")
	need(t, err == nil, "tmux (Debian package tmux)")
	home := t.TempDir()
	files := map[string]string{
		"conf": `set -g default-terminal tmux-256color
set -g status off
set -g escape-time 0
set -g history-limit 20000
`,
		"script": script,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := &tmux{t: t, socket: filepath.Join(home, "socket")}
	c := exec.Command(path, "-u", "-S", m.socket, "-f", filepath.Join(home, "conf"), "new-session", "-d",
		"-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "sh "+filepath.Join(home, "script"))
	c.Dir = dir
	// A terminal that CI runs in, or a tmux around this one, is not the one of the test.
	c.Env = append(env, "CI=", "NO_COLOR=", "TMUX=", "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "TERM=xterm-256color")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen at the end:\n%s", m.all())
		}
		m.do("kill-server")
	})
	return m
}

// do runs one of tmux's commands.
func (m *tmux) do(args ...string) string {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), screenTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, "tmux", append([]string{"-u", "-S", m.socket}, args...)...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// screen is what is seen now, without what is blank at the ends of lines.
func (m *tmux) screen() string { return m.do("capture-pane", "-p") }

// all is the screen and what has scrolled out of it.
func (m *tmux) all() string { return m.do("capture-pane", "-p", "-J", "-S", "-") }

// keys types, by tmux's names of keys.
func (m *tmux) keys(keys ...string) {
	m.t.Helper()
	m.do(append([]string{"send-keys"}, keys...)...)
}

// resize changes the window, as one drags its corner.
func (m *tmux) resize(width, height int) {
	m.t.Helper()
	m.do("resize-window", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height))
}

// is reports whether a flag of the terminal is set, such as alternate_on.
func (m *tmux) is(flag string) bool {
	m.t.Helper()
	return strings.TrimSpace(m.do("display-message", "-p", "#{"+flag+"}")) == "1"
}

// await returns the screen that matches.
func (m *tmux) await(pattern string) string {
	m.t.Helper()
	return m.awaitIn(m.screen, pattern)
}

func (m *tmux) awaitIn(look func() string, pattern string) string {
	m.t.Helper()
	re := regexp.MustCompile(pattern)
	var got string
	for deadline := time.Now().Add(screenTime); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) { // another process draws
		if got = look(); re.MatchString(got) {
			return got
		}
	}
	m.t.Fatalf("the screen never matched %q; it is\n%s", pattern, got)
	return ""
}

// plain checks that the terminal is as a shell wants it.
func (m *tmux) plain() {
	m.t.Helper()
	for flag, want := range map[string]bool{"alternate_on": false, "cursor_flag": true, "mouse_any_flag": false, "keypad_cursor_flag": false} {
		if m.is(flag) != want {
			m.t.Errorf("the terminal is left with %s: %v", flag, !want)
		}
	}
}
