package tui

import (
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

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
