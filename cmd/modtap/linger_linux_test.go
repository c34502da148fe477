package main

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"modtap/recorder"
)

// A tty is a terminal with modtap in it.
type tty struct {
	t      *testing.T
	master *os.File
	screen lockedBuffer
	cmd    *exec.Cmd
	ended  chan struct{}
	opened string // file with the addresses that the browser was asked to show
}

// onTerminal starts a command line of modtap on a terminal of its own, as its foreground
// group, with a browser that exits with the status browser.
func onTerminal(t *testing.T, browser int, env []string, args ...string) *tty {
	t.Helper()
	master, slave := openPTY(t, 80, 24)
	home := t.TempDir()
	s := &tty{t: t, master: master, ended: make(chan struct{}), opened: filepath.Join(home, "opened")}
	script := fmt.Sprintf("#!/bin/sh\nprintf '%%s\\n' \"$1\" >>%s\nexit %d\n", s.opened, browser)
	if err := os.WriteFile(filepath.Join(home, "xdg-open"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command("modtap", args...)
	if len(args) > 0 && args[0] == "-c" { // a line for a shell
		s.cmd = exec.Command("sh", args...)
	}
	s.cmd.Env = append(os.Environ(), "MODTAP_HOME="+home, "PATH="+home+":"+os.Getenv("PATH"), "DISPLAY=:7", "CI=", "TERM=xterm", "NO_COLOR=1")
	s.cmd.Env = append(s.cmd.Env, env...)
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = slave, slave, slave
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close() // so that the terminal ends with the command
	copied := make(chan struct{})
	go func() { defer close(copied); io.Copy(&s.screen, master) }() // ends with EIO
	go func() { s.cmd.Wait(); close(s.ended) }()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.ended
		master.Close()
		<-copied
	})
	return s
}

// exits waits for the end.
func (s *tty) exits(want int) {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(40 * time.Second):
		s.t.Fatalf("it does not end:\n%s", s.screen.String())
	}
	if got := s.cmd.ProcessState.ExitCode(); got != want {
		s.t.Errorf("exit code %d, want %d:\n%s", got, want, s.screen.String())
	}
}

// stays: it has not ended d later.
func (s *tty) stays(d time.Duration) {
	s.t.Helper()
	select {
	case <-s.ended:
		s.t.Fatalf("it has ended:\n%s", s.screen.String())
	case <-time.After(d): // what is tested is that nothing happens
	}
}

func (s *tty) interrupt() {
	s.t.Helper()
	if _, err := s.master.WriteString("\x03"); err != nil {
		s.t.Fatal(err)
	}
}

// asked is what the browser was asked to show, when it was.
func (s *tty) asked() string {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) { // another process
		if text, err := os.ReadFile(s.opened); err == nil && strings.HasSuffix(string(text), "\n") {
			return strings.TrimSpace(string(text))
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("no browser was opened:\n%s", s.screen.String())
		}
	}
}

// login follows the address that the browser was asked to show, and returns the cookie that
// it gets. Whoever else comes with that address, which has no token, gets nothing.
func (s *tty) login(address string) *http.Cookie {
	s.t.Helper()
	if strings.Contains(address, "token") {
		s.t.Errorf("everybody can read the token in a command line: %s", address)
	}
	cookie := s.cookie(address, http.StatusSeeOther)
	s.cookie(address, http.StatusForbidden)
	return cookie
}

// cookie is the one that a page gets at address, if any; the answer has the status want.
func (s *tty) cookie(address string, want int) *http.Cookie {
	s.t.Helper()
	// of its own: what it leaves open would keep the viewer
	resp, err := (&http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}).Get(address)
	if err != nil {
		s.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != want {
		s.t.Fatalf("%s: %d, want %d", address, resp.StatusCode, want)
	}
	if got := resp.Cookies(); len(got) > 0 {
		return got[0]
	}
	return nil
}

// page opens what a page at address has open as long as it is there.
func (s *tty) page(address string, cookie *http.Cookie) (closePage func()) {
	s.t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /api/presence HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
		u.Host, cookie, base64.StdEncoding.EncodeToString(make([]byte, 16)))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		s.t.Fatalf("the page cannot be there: %v %v", resp, err)
	}
	return func() { conn.Close() }
}

// toEnd has the browser opened by a run whose command, which fails with 7, ends when it is
// told to.
func toEnd(t *testing.T) (s *tty, asked string, cookie *http.Cookie, end func()) {
	t.Helper()
	over := filepath.Join(t.TempDir(), "over")
	s = onTerminal(t, 0, nil, "run", "--view", "--", "sh", "-c", "until test -e "+over+"; do sleep 0.05; done; exit 7")
	asked = s.asked()
	return s, asked, s.login(asked), func() {
		t.Helper()
		if err := os.WriteFile(over, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const lingering = "the live view stays until you close the page or press Ctrl-C"

// TestRunLingers: as long as somebody looks, and the exit status stays the command's.
func TestRunLingers(t *testing.T) {
	t.Parallel()
	t.Run("until the page is closed, which a reload is not", func(t *testing.T) {
		t.Parallel()
		s := onTerminal(t, 0, nil, "run", "--view", "--", "sh", "-c", "sleep 0.3; exit 7")
		asked := s.asked()
		cookie := s.login(asked)
		closePage := s.page(asked, cookie)
		address := await(t, &s.screen, `live view: (\S+)`)[1]
		await(t, &s.screen, lingering)
		await(t, &s.screen, `modtap: sh -c .* (took|failed)`) // the report is there before
		closePage()
		closePage = s.page(asked, cookie)
		s.stays(reloadTime + time.Second)
		resp, err := http.Get(strings.Replace(address, "/?", "/api/report?", 1))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), `"exit_code": 7`) {
			t.Errorf("the report of the live view: %v, %s", err, text)
		}
		closePage()
		s.exits(7)
	})
	t.Run("until Ctrl-C", func(t *testing.T) {
		t.Parallel()
		s := onTerminal(t, 0, nil, "run", "--view", "--", "sh", "-c", "exit 7")
		s.page(s.asked(), s.login(s.asked())) // after the command has ended: the browser was slow
		await(t, &s.screen, lingering)
		s.stays(reloadTime + time.Second)
		s.interrupt()
		s.exits(7)
	})
	t.Run("not when somebody ends modtap", func(t *testing.T) {
		t.Parallel()
		s := onTerminal(t, 0, nil, "run", "--view", "--", "sh", "-c", "sleep 60")
		s.page(s.asked(), s.login(s.asked()))
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		s.exits(128 + int(syscall.SIGTERM))
	})
	t.Run("until the page is closed that was being reloaded when the command ended", func(t *testing.T) {
		t.Parallel()
		s, asked, cookie, end := toEnd(t)
		s.page(asked, cookie)()
		end()
		await(t, &s.screen, `modtap: sh -c .* (took|failed)`)
		closePage := s.page(asked, cookie)
		await(t, &s.screen, lingering)
		s.stays(reloadTime + time.Second)
		closePage()
		s.exits(7)
	})
	t.Run("not when the page was closed a moment before", func(t *testing.T) {
		t.Parallel()
		s, asked, cookie, end := toEnd(t)
		s.page(asked, cookie)()
		end()
		s.exits(7)
		if strings.Contains(s.screen.String(), lingering) {
			t.Errorf("it says that it stays:\n%s", s.screen.String())
		}
	})
	t.Run("until the terminal viewer is left, where there is one", func(t *testing.T) {
		t.Parallel()
		s := onTerminal(t, 0, nil, "run", "--tui", "--view", "--", "sh", "-c", "exit 7")
		asked := s.asked()
		s.page(asked, s.login(asked))
		await(t, &s.screen, `\x1b\[\?1049h`) // the other screen
		s.stays(time.Second)
		if _, err := s.master.WriteString("q"); err != nil {
			t.Fatal(err)
		}
		s.exits(7)
		if strings.Contains(s.screen.String(), lingering) {
			t.Errorf("it asks for Ctrl-C:\n%s", s.screen.String())
		}
	})
	for name, tt := range map[string]struct {
		browser int
		env     []string
		args    []string
		says    string
		asks    bool
	}{
		"not when no browser can be opened": {browser: 3, args: []string{"--view"}, says: `modtap: cannot open a browser: exit status 3; open the address yourself`, asks: true},
		"not when none is wanted":           {args: []string{"--view", "--no-open"}, says: "live view: "},
		"not in CI":                         {env: []string{"CI=true"}, args: []string{"--view"}, says: "live view: "},
		"not without a display":             {env: []string{"DISPLAY=", "WAYLAND_DISPLAY=", "WSL_DISTRO_NAME="}, args: []string{"--view"}, says: "live view: "},
		"not without --view, of course":     {says: "took"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := onTerminal(t, tt.browser, tt.env, append(append([]string{"run"}, tt.args...), "--", "sh", "-c", "sleep 0.3; exit 7")...)
			s.exits(7)
			await(t, &s.screen, tt.says)
			if _, err := os.Stat(s.opened); errors.Is(err, os.ErrNotExist) == tt.asks {
				t.Errorf("a browser was asked to open: %v, want %v", !tt.asks, tt.asks)
			}
		})
	}
}

// TestNothingLingersUnattended: in CI, and where nobody is at a terminal, a page that is open
// keeps nothing, and no browser is opened.
func TestNothingLingersUnattended(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env   []string
		piped bool
	}{
		"CI":          {env: []string{"CI=true"}},
		"no terminal": {piped: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opened := filepath.Join(t.TempDir(), "opened")
			args := []string{"run", "--view", "--", "sh", "-c", "until test -e " + opened + "; do sleep 0.05; done; exit 7"}
			if tt.piped {
				args = []string{"-c", `modtap "$@" 2>&1 | cat; exit 7`, "sh", "run", "--view", "--", "sh", "-c", args[5]}
			}
			s := onTerminal(t, 0, tt.env, args...)
			address := await(t, &s.screen, `live view: (\S+)`)[1]
			s.page(address, s.cookie(address, http.StatusSeeOther))
			if err := os.WriteFile(opened, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			s.exits(7)
			if strings.Contains(s.screen.String(), lingering) {
				t.Errorf("it stays:\n%s", s.screen.String())
			}
			if _, err := os.Stat(s.opened); err == nil {
				t.Error("a browser was opened")
			}
		})
	}
}

// TestViewLingers: view opens the page and ends when it has been closed, or by Ctrl-C.
func TestViewLingers(t *testing.T) {
	t.Parallel()
	file, err := filepath.Abs("../../recorder/har/testdata/foreign/chrome.har")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("page", func(t *testing.T) {
		t.Parallel()
		s := onTerminal(t, 0, nil, "view", "--filter", "a b", file)
		address := s.asked()
		if u, err := url.Parse(address); err != nil || u.Query().Get("filter") != "a b" {
			t.Errorf("the browser was asked to show %s (%v)", address, err)
		}
		closePage := s.page(address, s.login(address))
		s.stays(time.Second)
		closePage()
		s.stays(time.Second)
		s.exits(0)
	})
	t.Run("another's page", func(t *testing.T) {
		t.Parallel()
		address, stop := serveLog(t, recorder.NewLog(), "127.0.0.1:0")
		defer stop()
		s := onTerminal(t, 0, nil, "view", "--filter", "a b", address)
		asked := s.asked()
		s.login(asked)
		if u, err := url.Parse(asked); err != nil || u.Query().Get("filter") != "a b" {
			t.Errorf("the browser was asked to show %s (%v)", asked, err)
		}
		s.exits(0)
	})
	t.Run("Ctrl-C", func(t *testing.T) {
		t.Parallel()
		s := onTerminal(t, 3, nil, "view", file)
		await(t, &s.screen, `modtap: cannot open a browser: exit status 3; open the address yourself`)
		s.stays(time.Second) // to be opened by hand
		s.interrupt()
		s.exits(0)
	})
}
