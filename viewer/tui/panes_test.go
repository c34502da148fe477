package tui

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/recorder/gomod"
)

func TestDetails(t *testing.T) {
	s := open(t, 100, 40, Config{}, fixture()...)
	whole := request(1, 10*ms, gomod.Mod, "golang.org/x/text", "v0.43.0", 110*ms, 50*ms, 2*ms)
	whole.Request.Header = []recorder.Header{{Name: "Authorization", Value: "Basic " + recorder.Redacted}, {Name: "Accept-Encoding", Value: "gzip"}}
	whole.Response.Header = []recorder.Header{{Name: "Content-Type", Value: "text/plain"}, {Name: "X-Evil", Value: "a\x1b]0;owned\x07b"}}
	whole.Response.Kept = true
	s.source.whole[1], s.source.bodies[1] = whole, "module golang.org/x/text\n\ngo 1.24.0\n\x1b[2J"
	s.keys("home", "enter")
	s.has("#1 GET mod golang.org/x/text@v0.43.0", "dns          18 ms", "tls          56 ms", "total       162 ms", "first byte given    after")
	s.keys("tab", "end")
	s.has("Authorization: Basic REDACTED  (secret hidden)", "X-Evil: a·]0;owned·b")
	s.keys("pgup")
	s.has("TLS 1.3", "ALPN")
	s.keys(strings.Split(strings.Repeat("j ", 10)+"j", " ")...)
	s.has("module golang.org/x/text", "·[2J", "SYNs sent again")
	s.lacks("Retrans", "sent again          -1")
	s.keys("tab", "j")
	s.has("#2 GET mod golang.org/x/sys")
	want := []string{"exchange 1", "exchange 2"}
	if d := cmp.Diff(want, s.source.asked); d != "" {
		t.Error(d)
	}
	s.keys("esc")
	s.lacks("Server leg")
	s.keys("G", "k", "k", "k", "k", "k", "enter")
	s.has("dial: dial tcp 198.51.100.9:443: i/o timeout", "connect     1.00 s")
	s.keys("k")
	s.has("follows #17, the same request: go sends every 4xx twice", "bad: The private module")
	s.keys("k")
	s.has("led to #18")
}

// Without the API what the stream brought is shown, and why there is no more.
func TestDetailsFail(t *testing.T) {
	s := open(t, 100, 40, Config{}, fixture()...)
	s.source.err = errors.New("is modtap still running?")
	s.keys("home", "enter", "tab", "end")
	s.has("They are not here: is modtap still running?", "TLS 1.3")
}

func TestFindings(t *testing.T) {
	s := open(t, 100, 40, Config{}, fixture()...)
	s.keys("f")
	s.has("3 findings so far", "Where the time went so far", "47 %  network wait", "go env -w GOPRIVATE=example.com", "What if")
	s.keys("c")
	if len(s.sent) == 0 || !strings.Contains(fmt.Sprint(s.sent[len(s.sent)-1]), "go env -w GOPRIVATE=example.com") {
		t.Errorf("the clipboard got %v", s.sent)
	}
	s.keys("j")
	s.has("enter shows 4 requests of 8")
	s.keys("k", "enter")
	if s.m.pointed != 17 || s.m.focus {
		t.Errorf("enter leads to %d, want 17", s.m.pointed)
	}
	s.has("private-module-via-proxy 1/3", " ◄  18 404")
	s.keys("]", "]")
	if s.m.pointed != 19 {
		t.Errorf("] ] leads to %d, want 19", s.m.pointed)
	}
	s.keys("]", "[")
	if s.m.pointed != 19 {
		t.Errorf("] [ leads to %d, want 19", s.m.pointed)
	}
	s.keys("g", "[") // the group is unfolded for it
	if s.m.pointed != 18 {
		t.Errorf("grouped, [ leads to %d, want 18", s.m.pointed)
	}
	s.keys("/", "type:kind:zip", "enter", "]")
	s.has("request #19 is not shown")
	s.keys("f", "p")
	s.has("3 requests on the critical path so far")
}

// Without a report the findings that the stream told of are shown.
func TestFindingsWithoutReport(t *testing.T) {
	s := open(t, 100, 40, Config{}, fixture()...)
	s.m.report = nil
	s.keys("f")
	s.has("1 finding so far", "zip k8s.io/apimachinery@v0.35.0 does not move  cost 900 ms")
	s.lacks("Where the time went")
	s.keys("f", "p")
	s.has("there is no report yet")
}

// On a small screen, too, all of the findings can be read: what stands above the first and
// below the last.
func TestFindingsScroll(t *testing.T) {
	s := open(t, 80, 24, Config{}, fixture()...)
	s.keys("f")
	s.has("► bad", "$ go env -w")
	for _, keys := range [][]string{{"pgdown", "pgdown", "pgdown"}, {"end"}, strings.Split(strings.Repeat("j ", 40)+"j", " ")} {
		s.keys(keys...)
		s.has("4.90 s instead of 6.20 s")
		s.lacks("Where the time went")
		s.keys("home")
		s.has("Where the time went so far")
	}
	s.keys("home", "j", "j")
	s.has("► warn", "ping -c 3")
	s.keys("k", "k", "k", "k", "k", "k", "k", "k", "k", "k")
	s.has("Where the time went so far")
	s.send(tea.MouseWheelMsg{Button: tea.MouseWheelDown, X: 5, Y: 20})
	s.lacks("Where the time went")
}

// A small share is not said to be none.
func TestSmallShares(t *testing.T) {
	s := open(t, 100, 40, Config{}, fixture()...)
	s.keys("f")
	b := &s.m.report.Accounting.Buckets
	*b = append(*b, diagnose.Bucket{Name: "tls", Time: 40 * ms, Share: 0.0061}, diagnose.Bucket{Name: "dns", Time: 2 * ms, Share: 0.0003})
	s.has("0.6 %", "less: dns 2.0 ms")
	s.lacks(" 0 %")
}
