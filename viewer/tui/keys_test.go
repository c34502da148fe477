package tui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/viewer/stream"
)

var moves = []struct {
	keys string
	want uint64 // request that is pointed at
}{
	{"", 24}, {"k", 23}, {"up", 23}, {"j", 24}, {"home", 1}, {"home j j down", 4}, {"home end", 24}, {"home G", 24},
	{"home pgdown", 20}, {"home pgdown pgup", 1}, {"home k", 1}, {"home space", 20},
	{"s", 24}, {"s home", 23}, {"s s home", 23}, {"s s s home", 19}, {"S home", 24}, {"S G", 1},
}

func TestMoves(t *testing.T) {
	for _, tt := range moves {
		s := open(t, 80, 24, Config{}, fixture()...)
		s.keys(strings.Fields(tt.keys)...)
		if s.m.pointed != tt.want {
			t.Errorf("%q points at %d, want %d", tt.keys, s.m.pointed, tt.want)
		}
		if n := strings.Count(s.text(), "\n►"); n != 1 {
			t.Errorf("%q: %d lines are marked, want 1:\n%s", tt.keys, n, s.text())
		}
	}
}

// Whoever is at the end follows what comes; whoever has moved up stays.
func TestFollow(t *testing.T) {
	more := func(id uint64) batchesMsg {
		return batchesMsg{{Seq: id, Events: []recorder.Event{{Exchange: request(id, 6200*ms, gomod.Info, "golang.org/x/mod", "v0.42.0", 1, ms, ms)}}}}
	}
	s := open(t, 80, 24, Config{}, fixture()...)
	s.send(more(25))
	if s.m.pointed != 25 {
		t.Errorf("points at %d, want the new one, 25", s.m.pointed)
	}
	s.keys("k", "k")
	at := s.m.top
	s.send(more(26))
	if s.m.pointed != 23 || s.m.top != at {
		t.Errorf("moved from 23 to %d, from line %d to %d", s.m.pointed, at, s.m.top)
	}
	s.keys("end")
	s.send(more(27))
	s.has("   27 200")
}

func TestFilterLine(t *testing.T) {
	s := open(t, 100, 30, Config{}, fixture()...)
	s.keys("/", "type:kind:zip")
	s.has("/kind:zip")
	s.lacks(" 200  mod ")
	s.keys("enter")
	s.has("filter kind:zip   4 of 24")
	s.keys("/", "type: -module:golang.org", "enter")
	s.has("filter kind:zip -module:golang.org   2 of 24", "apimachinery@v0.35.0")
	s.keys("/", "ctrl+u")
	s.has(" 200  mod ")
	s.keys("esc")
	s.has("2 of 24")
	s.keys("esc")
	s.has("/grpc@v1.77.0")
	if s.m.filter != "" || len(s.m.list.rows) != 24 {
		t.Errorf("the filter is %q with %d rows", s.m.filter, len(s.m.list.rows))
	}
	s.keys("/", "type:nosuchthing", "enter")
	s.has("No request passes")
}

// What is not understood is pointed at, under its word, and enter does not take it.
func TestFilterError(t *testing.T) {
	s := open(t, 100, 30, Config{}, fixture()...)
	s.keys("/", "type:kind:zip time:soon")
	lines := strings.Split(s.text(), "\n")
	i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "/kind:zip time:soon") })
	if i < 0 || !strings.HasPrefix(lines[i+1], "               ^^^^") || strings.HasPrefix(lines[i+1], "               ^^^^^") {
		t.Fatalf("the word is not pointed at:\n%s", s.text())
	}
	s.has("soon", "4 of 24", "time:>1s")
	s.keys("enter")
	if s.m.edit == nil {
		t.Error("enter took a filter that is not understood")
	}
	golden(t, "filtererror-100x30", s.text())
	s.keys("ctrl+w", "enter")
	if s.m.edit != nil || s.m.filter != "kind:zip " {
		t.Errorf("filter %q", s.m.filter)
	}
	s = open(t, 100, 30, Config{Filter: "kind:nothing"}, fixture()...)
	s.has("filter: ")
}

func TestFilterEditing(t *testing.T) {
	s := open(t, 60, 24, Config{}, fixture()...)
	s.keys("/", "type:bc", "home", "type:a", "end", "type:e", "left", "type:d", "right", "backspace", "type:é")
	if got := string(s.m.edit.text); got != "abcdé" {
		t.Errorf("%q", got)
	}
	s.keys("home", "delete", "ctrl+k")
	if got := string(s.m.edit.text); got != "" {
		t.Errorf("%q, want nothing", got)
	}
	s.send(tea.PasteMsg{Content: "a\x1b[31mb\nc\u200b"})
	if got := string(s.m.edit.text); got != "a[31mb c" {
		t.Errorf("pasted %q", got)
	}
	s.keys("ctrl+u", "type:kin", "tab")
	if got := string(s.m.edit.text); got != "kind:" {
		t.Errorf("completed to %q", got)
	}
	s.keys("type:zi", "tab")
	if got := strings.TrimSpace(string(s.m.edit.text)); got != "kind:zip" {
		t.Errorf("completed to %q", got)
	}
	s.keys("type:" + strings.Repeat(" -kind:mod", 20))
	s.has("-kind:mod") // it scrolls
	checkSize(t, s.text(), 60, 24)
}

func TestGroups(t *testing.T) {
	s := open(t, 100, 30, Config{}, fixture()...)
	s.keys("g", "home")
	s.has("by module", "golang.org/x/text")
	if s.m.key != "golang.org/x/text" || s.m.pointed != 0 {
		t.Errorf("points at group %q, request %d", s.m.key, s.m.pointed)
	}
	before := s.m.list.len()
	s.keys("enter")
	if n := s.m.list.len(); n != before+3 {
		t.Errorf("%d lines, want 3 more than %d", n, before)
	}
	s.keys("j", "j", "o") // folds the group from within
	if s.m.key != "golang.org/x/text" || s.m.list.len() != before {
		t.Errorf("at %q, %d lines", s.m.key, s.m.list.len())
	}
	s.keys("right", "right")
	if s.m.list.len() != before+3 {
		t.Error("right does not unfold")
	}
	s.keys("left")
	for _, want := range []string{"by host", "by connection", "by step"} {
		s.keys("g")
		s.has(want)
	}
	s.has("resolve", "zip")
	s.keys("g")
	s.lacks("by step")
	if s.m.pointed == 0 {
		t.Error("no request is pointed at")
	}
}

// The time of a group is that with one of its requests in flight: what overlaps counts once.
func TestGroupTime(t *testing.T) {
	s := open(t, 100, 30, Config{},
		recorder.Event{Exchange: request(1, 0, gomod.Mod, "a.test/a", "v1.0.0", 1, 100*ms, 0)},
		recorder.Event{Exchange: request(2, 50*ms, gomod.Zip, "a.test/a", "v1.0.0", 1, 100*ms, 0)},
		recorder.Event{Exchange: request(3, 500*ms, gomod.Zip, "a.test/a", "v1.0.1", 1, 100*ms, 0)},
		recorder.Event{Exchange: request(4, 510*ms, gomod.Zip, "a.test/a", "v1.0.2", 1, 20*ms, 0)},
	)
	s.keys("g")
	g := s.m.list.groups["a.test/a"]
	each := 100*ms + ms/5 + 1
	if want := 50*ms + each + each; g.busy != want {
		t.Errorf("busy %v, want %v", g.busy, want)
	}
}

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

func TestZoom(t *testing.T) {
	s := open(t, 100, 30, Config{}, fixture()...)
	s.keys("home", "+")
	s.has("zoom 0.0 ms to ")
	s.lacks("k8s.io/apimachinery@v0.35.0     4.1 MB")
	n := len(s.m.list.rows)
	if n == 0 || n == 24 {
		t.Errorf("%d rows", n)
	}
	w := s.m.list.window
	s.keys(".")
	if now := s.m.list.window; now.from <= w.from || now.to-now.from != w.to-w.from {
		t.Errorf("moved from %v to %v", w, now)
	}
	s.keys("0")
	if len(s.m.list.rows) != 24 {
		t.Error("0 does not show all")
	}
	s.keys("+", "esc")
	if s.m.list.window != (window{}) {
		t.Error("esc does not show all")
	}
}

func TestTables(t *testing.T) {
	s := open(t, 120, 30, Config{}, fixture()...)
	s.keys("h", "enter")
	s.has("filter host:=proxy.golang.org   23 of 24")
	s.keys("m")
	s.has("module", "P95")
	if got := s.m.tables.lines[0].label; got != "k8s.io/apimachinery" {
		t.Errorf("the busiest is %q", got)
	}
	s.keys("s", "s") // by size
	s.keys("s", "s") // by name
	if got := s.m.tables.lines[0].label; got != "example.com/team/private" {
		t.Errorf("the first by name is %q", got)
	}
	s.keys("r")
	s.has("module or path")
}

var percentiles = []struct{ n, p, want int }{{1, 50, 1}, {1, 95, 1}, {2, 50, 1}, {2, 95, 2}, {20, 95, 19}, {100, 95, 95}, {100, 50, 50}}

func TestPercentile(t *testing.T) {
	if got := percentile(nil, 50); got != 0 {
		t.Errorf("of none: %v", got)
	}
	for _, tt := range percentiles {
		var list []recorder.Span
		for i := range tt.n {
			list = append(list, recorder.Span(i+1))
		}
		if got := percentile(list, tt.p); got != recorder.Span(tt.want) {
			t.Errorf("P%d of 1 to %d is %d, want %d", tt.p, tt.n, got, tt.want)
		}
	}
}

func TestQuit(t *testing.T) {
	s := open(t, 80, 24, Config{}, fixture()...)
	if s.keys("q"); !s.quit {
		t.Error("q does not leave")
	}
	running, interrupts := true, 0
	s = open(t, 80, 24, Config{Running: func() bool { return running }, Interrupt: func() { interrupts++ }}, fixture()...)
	s.keys("q")
	s.has("the command is still running: q again")
	s.keys("j", "q")
	if s.quit {
		t.Error("a q that does not follow a q leaves")
	}
	s.keys("ctrl+c")
	if s.quit || interrupts != 1 {
		t.Errorf("Ctrl-C: left %t, %d interrupts", s.quit, interrupts)
	}
	s.keys("q", "q")
	if !s.quit {
		t.Error("q q does not leave")
	}
	s.quit, running = false, false
	if s.keys("ctrl+c"); !s.quit || interrupts != 1 {
		t.Errorf("Ctrl-C after the end: left %t, %d interrupts", s.quit, interrupts)
	}
}

func TestResize(t *testing.T) {
	s := open(t, 80, 24, Config{}, fixture()...)
	s.keys("f")
	for _, pane := range []string{"", "?", "esc", "enter"} {
		if pane != "" {
			s.keys(pane)
		}
		for w := 1; w < 220; w += 13 {
			for h := 1; h < 60; h += 3 {
				s.send(tea.WindowSizeMsg{Width: w, Height: h})
				checkSize(t, s.text(), w, h)
			}
		}
	}
	s.send(tea.WindowSizeMsg{Width: 39, Height: 24})
	s.has("modtap needs 40x8")
	s.send(tea.WindowSizeMsg{Width: 40, Height: 8})
	s.lacks("needs")
	s.send(tea.WindowSizeMsg{Width: 80, Height: 24})
	s.has("go mod download")
}

func TestMouse(t *testing.T) {
	s := open(t, 80, 24, Config{}, fixture()...)
	s.send(tea.MouseWheelMsg{Button: tea.MouseWheelUp, Y: 10})
	if s.m.pointed != 21 {
		t.Errorf("the wheel points at %d, want 21", s.m.pointed)
	}
	s.send(tea.MouseClickMsg{Button: tea.MouseLeft, X: 5, Y: 4})
	top := s.m.pointed
	if top == 21 || top == 0 {
		t.Errorf("a click points at %d", top)
	}
	s.send(tea.MouseClickMsg{Button: tea.MouseLeft, X: 5, Y: 4})
	s.has("Server leg")
}

// Old requests that the stream no longer has are fetched, page by page, and lost ones too.
func TestOlder(t *testing.T) {
	s := open(t, 100, 30, Config{})
	for i := range 4500 {
		s.source.old = append(s.source.old, request(uint64(i+1), recorder.Span(i)*ms, gomod.Info, "a.test/old", "v1.0.0", 1, ms, ms))
	}
	lost := request(4499, 0, gomod.Info, "a.test/old", "v1.0.0", 1, ms, ms)
	lost.Done = false
	s.send(batchesMsg{{Seq: 9, Events: []recorder.Event{{Exchange: lost}}}})
	s.send(batchesMsg{{Seq: 10, Snapshot: true, Events: []recorder.Event{{Exchange: request(5000, 5000*ms, gomod.Zip, "a.test/new", "v1.0.0", 1, ms, ms)}}}})
	want := []string{"exchanges 1+2000", "exchanges 2001+2000", "exchanges 4001+498", "exchanges 4499+1", "exchanges 4500+500"}
	if d := cmp.Diff(want, s.source.asked); d != "" {
		t.Error(d)
	}
	if n := len(s.m.store.rows); n != 4501 || s.m.store.inFlight != 0 || s.m.store.requests != 4501 {
		t.Errorf("%d rows, %d in flight, %d counted", n, s.m.store.inFlight, s.m.store.requests)
	}
	for i, r := range s.m.store.rows[:4500] {
		if r.x.ID != uint64(i+1) || !r.in || r.stale {
			t.Fatalf("row %d is %d, in %t, stale %t", i, r.x.ID, r.in, r.stale)
		}
	}
}

// Another session on the same address begins anew.
func TestOtherSession(t *testing.T) {
	s := open(t, 100, 30, Config{Filter: "kind:zip"}, fixture()...)
	s.send(brokenMsg{errors.New("connection refused")})
	s.has("not connected", "trying again: connection refused")
	s.source.session = &recorder.Session{ID: "t", Start: began, Argv: []string{"go", "vet"}}
	s.send(connectedMsg{s.source})
	s.send(batchesMsg{{Seq: 1, Events: []recorder.Event{{Exchange: request(1, 0, gomod.Zip, "a.test/x", "v1.0.0", 1, ms, ms)}, {Exchange: request(2, 0, gomod.Mod, "a.test/x", "v1.0.0", 1, ms, ms)}}}})
	s.has("go vet", "2 requests", "1 of 2")
}

// The end is told, and nothing ticks any more.
func TestEnd(t *testing.T) {
	s := open(t, 100, 30, Config{}, fixture()...)
	s.send(batchesMsg{{Seq: 99, Events: []recorder.Event{{End: &recorder.End{At: 6300 * ms, ExitCode: 1}}}}})
	s.send(completeMsg{})
	s.has("ended, exit 1", "6.3 s")
	if _, cmd := s.m.Update(tickMsg{}); cmd != nil {
		t.Error("it ticks after the end")
	}
	s.keys("f")
	s.has("3 findings ")
	s.lacks("so far")
}

func TestSnapshotGivesUp(t *testing.T) {
	s := open(t, 100, 30, Config{}, fixture()...)
	s.send(batchesMsg{{Seq: 50, Lost: 7}})
	s.send(batchesMsg{{Snapshot: true, Events: fixture()[:4]}})
	if s.m.store.inFlight != 2 {
		t.Error("gave up before the snapshot was complete")
	}
	s.send(batchesMsg{{Snapshot: true, Seq: 51, Events: []recorder.Event{}}})
	if s.m.store.inFlight != 0 || !s.m.store.byID[24].stale {
		t.Errorf("%d in flight, want none", s.m.store.inFlight)
	}
	s.has(" lost")
}

var _ source = (*stream.Client)(nil)
