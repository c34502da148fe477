package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// TestDescriptorLimit opens more connections than modtap has descriptors for: those that
// fail are records, one line says why, and when others have ended traffic goes on. A
// connection takes two: with one limit it is the lookup or the dial that fails, with the
// next the accept.
func TestDescriptorLimit(t *testing.T) {
	for _, limit := range []int{64, 65} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) { testDescriptorLimit(t, limit) })
	}
}

func testDescriptorLimit(t *testing.T, limit int) {
	o := origintest.Start(t, origintest.Config{})
	limited := []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, limit)}
	s := startWrapped(t, o, filepath.Join(t.TempDir(), "x.har"), limited)
	before := s.level("collect")
	held, refused := holdConnections(t, s, o)
	if opened := len(held); opened < 20 {
		t.Errorf("%d connections were opened and %d refused", opened, refused)
	}
	for range 10 { // those that say nothing take the rest: now no more can be accepted
		c, err := net.Dial("tcp", s.proxy.Host)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
	}
	used := s.cpu()
	time.Sleep(2 * time.Second) // accept fails again and again
	if used = s.cpu() - used; used > 400*time.Millisecond {
		t.Errorf("modtap used %v of processor time in 2 s of waiting", used)
	}
	t.Logf("%d connections were opened; waiting for room took %v of processor time in 2 s", len(held)-10, used)
	for _, c := range held {
		c.Close()
	}
	client := s.client("h2", "http/1.1")
	client.Timeout = 10 * time.Second // accept tries again after a second at most
	resp, err := client.Get(o.URL() + "/bytes/10")
	if err != nil {
		t.Fatalf("when there is room again: %v", err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	client.CloseIdleConnections()
	if after := s.settled(10*time.Second, func(l level) bool { return l.fds <= before.fds }); after.fds > before.fds {
		t.Errorf("%d descriptors are left, there were %d", after.fds, before.fds)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	loud := fmt.Sprintf("warning: too many open files (the limit is %d): connections fail until others end; raise the hard limit (ulimit -Hn, LimitNOFILE=) and start modtap again\n", limit)
	if text := s.stderr.String(); strings.Count(text, "warning") != 1 || !strings.Contains(text, loud) {
		t.Errorf("one line is wanted, %q; there is\n%s", loud, text)
	}
	checkRefused(t, s.file, refused)
}

// holdConnections opens tunnels to o, one after another, until one is refused or is not
// even accepted.
func holdConnections(t *testing.T, s *subject, o *origintest.Origin) (held []net.Conn, refused int) {
	t.Helper()
	for range 100 {
		c, err := net.Dial("tcp", s.proxy.Host)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(5 * time.Second))
		fmt.Fprintf(c, "CONNECT proxy.golang.test:%s HTTP/1.1\r\nHost: x\r\n\r\n", port(t, o.Addr()))
		answer, err := bufio.NewReader(c).ReadString('\n')
		switch {
		case strings.HasPrefix(answer, "HTTP/1.1 200 "):
			held = append(held, c)
		case strings.HasPrefix(answer, "HTTP/1.1 502 ") && strings.Contains(answer, "too many open files"):
			return held, 1
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.Close()
			return held, 0
		default:
			t.Fatalf("after %d connections: %q, %v", len(held), answer, err)
		}
	}
	return held, 0
}

// checkRefused looks for the connections that could not be opened in a recording.
func checkRefused(t *testing.T, file string, refused int) {
	t.Helper()
	rec, err := har.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, x := range rec.Exchanges {
		if x.Method == http.MethodConnect && x.Err != nil && strings.Contains(x.Err.Msg, "too many open files") {
			failed++
		}
	}
	if failed < refused || len(rec.Exchanges) != failed+1 || rec.End == nil {
		t.Errorf("%d entries, %d of failed connections; clients saw %d refused and one request answered", len(rec.Exchanges), failed, refused)
	}
}

func port(t *testing.T, addr string) string {
	t.Helper()
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestDescriptorLimitIsTheChilds: Go raises modtap's own soft limit; the command has the
// one that the shell gave it.
func TestDescriptorLimitIsTheChilds(t *testing.T) {
	c := exec.Command("sh", "-c", `ulimit -Sn 100; modtap run -o none -q -- sh -c 'ulimit -Sn'`)
	c.Env = append(c.Environ(), "MODTAP_HOME="+t.TempDir())
	if out, err := c.CombinedOutput(); err != nil || string(out) != "100\n" {
		t.Errorf("the command's limit is %q, want 100 (%v)", out, err)
	}
}
