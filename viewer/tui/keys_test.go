package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"modtap/recorder"
	"modtap/recorder/gomod"
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
