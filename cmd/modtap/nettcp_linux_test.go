package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder"
	"modtap/recorder/har"
)

// What the kernel says must be what was done to the path.
var pathTests = []struct {
	name   string
	path   []string // of netlab
	origin string   // more of its flags
	wrong  func(*har.Recording) []string
}{
	{"80 ms", []string{"-rtt", "80ms"}, "", func(r *har.Recording) (wrong []string) {
		var rtt, least []recorder.Span
		for _, x := range r.Exchanges {
			if x.TCP != nil {
				rtt, least = append(rtt, x.TCP.RTT), append(least, x.TCP.MinRTT)
			}
		}
		for name, all := range map[string][]recorder.Span{"RTT": rtt, "least RTT": least} {
			slices.Sort(all)
			if m := all[len(all)/2].Duration(); m < 79*time.Millisecond || m > 84*time.Millisecond {
				wrong = append(wrong, fmt.Sprintf("the median %s is %v, want 80 ms ± 5 %%", name, m))
			}
		}
		return append(wrong, sentAgain(r, false)...)
	}},
	{"first SYNs lost", []string{"-rtt", "10ms", "-drop-syn", "1"}, "", func(r *har.Recording) []string { return sentAgain(r, true) }},
	{"loss", []string{"-rtt", "20ms", "-loss", "2"}, " -big 1 -big-size 2000000", func(r *har.Recording) []string {
		if n := reordered(r); n == 0 {
			return []string{"nothing arrived behind a hole"}
		}
		return nil
	}},
	{"no loss", []string{"-rtt", "20ms"}, " -big 1 -big-size 2000000", func(r *har.Recording) (wrong []string) {
		if n := reordered(r); n > 0 {
			wrong = append(wrong, fmt.Sprintf("%d segments arrived behind a hole", n))
		}
		return append(wrong, sentAgain(r, false)...)
	}},
}

// sentAgain checks whether SYNs were sent again, one on each connection, or nothing was.
func sentAgain(r *har.Recording, syns bool) (wrong []string) {
	say := func(what string, id uint64, s *recorder.TCP) {
		wrong = append(wrong, fmt.Sprintf("%s %d: %+v", what, id, s))
	}
	opened := map[uint64]bool{}
	for i := range r.Conns {
		c := &r.Conns[i]
		if s := c.TCP; s == nil || syns != (s.SynRetrans == 1 && s.Retrans >= 1) || !syns && s.Retrans+s.SynRetrans+s.RetransBytes != 0 {
			say("connection", c.ID, s)
		}
	}
	for i := range r.Exchanges { // an exchange has the SYNs of a connection that it had to wait for
		x := &r.Exchanges[i]
		owns := syns && x.Server.ConnectDone > 0 && !opened[x.Conn]
		opened[x.Conn] = true
		if s := x.TCP; s == nil || owns != (s.SynRetrans == 1) {
			say("exchange", x.ID, s)
		}
	}
	return wrong
}

// reordered is what arrived behind a hole on all connections.
func reordered(r *har.Recording) (n int64) {
	for _, c := range r.Conns {
		if c.TCP != nil {
			n += max(0, c.TCP.Reordered)
		}
	}
	return n
}

// TestTCPOnAPath runs go mod download through modtap over paths with the kernel's own TCP.
func TestTCPOnAPath(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	needNetlab(t)
	bin, err := labPrograms(t)()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range pathTests {
		t.Run(test.name, func(t *testing.T) {
			var wrong []string
			for range 5 { // a busy machine delays packets, or acknowledgements; what is wrong is wrong every time
				if wrong = test.wrong(overPath(t, bin, test.path, test.origin)); len(wrong) == 0 {
					return
				}
			}
			t.Error(strings.Join(wrong, "\n"))
		})
	}
}

// overPath downloads over a path and returns the recording.
func overPath(t *testing.T, bin string, path []string, origin string) *har.Recording {
	t.Helper()
	shape := origintest.Shape{Modules: 4, Depth: 2}
	ca, file := filepath.Join(bin, "ca.pem"), filepath.Join(t.TempDir(), "x.har")
	o := origintest.Start(t, origintest.Config{}) // for its environment; the real one is far
	env := append(origintest.GoEnv(t, o), "GOPROXY=https://proxy.golang.test", "SSL_CERT_FILE="+ca, "MODTAP_HOME="+bin)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	args := append(path, "-host", "proxy.golang.test=10.77.0.2",
		"-far", filepath.Join(bin, "origin")+" -listen 10.77.0.2:443 -modules 4 -depth 2 -ca "+ca+origin,
		"--", filepath.Join(bin, "modtap"), "run", "-o", file, "--", "go", "mod", "download")
	c := exec.CommandContext(ctx, filepath.Join(bin, "netlab"), args...)
	c.Dir, c.Env = origintest.Project(t, "", shape.All()...), env
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // it has namespaces to remove
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rec, err := har.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range rec.Conns {
		t.Logf("connection %d: %+v", rec.Conns[i].ID, rec.Conns[i].TCP)
	}
	return rec
}
