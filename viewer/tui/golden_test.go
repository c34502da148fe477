package tui

import (
	"fmt"
	"strings"
	"testing"
)

var frames = []struct {
	name string
	keys []string
}{
	{"requests", nil},
	{"details", []string{"home", "enter"}},
	{"findings", []string{"f"}},
	{"modules", []string{"m"}},
	{"hosts", []string{"h"}},
	{"bymodule", []string{"g", "home", "j", "o"}},
	{"help", []string{"?"}},
	{"filter", []string{"/", "type:text"}},
}

var sizes = []struct{ w, h int }{{60, 15}, {80, 24}, {120, 40}, {200, 50}}

func TestFrames(t *testing.T) {
	for _, tt := range frames {
		for _, size := range sizes {
			name := fmt.Sprintf("%s-%dx%d", tt.name, size.w, size.h)
			t.Run(name, func(t *testing.T) {
				s := open(t, size.w, size.h, Config{}, fixture()...)
				s.keys(tt.keys...)
				got := s.text()
				checkSize(t, got, size.w, size.h)
				golden(t, name, got)
			})
		}
	}
}

// One frame has its sequences, readable.
func TestColorFrame(t *testing.T) {
	s := open(t, 80, 24, Config{Color: true}, fixture()...)
	got := s.frame()
	if strings.Count(got, "\x1b[m") == 0 || !strings.Contains(got, "\x1b[32m") {
		t.Error("no colours")
	}
	golden(t, "color-80x24", strings.ReplaceAll(got, "\x1b", "␛"))
}

// checkSize fails unless text fits on the screen.
func checkSize(t *testing.T, text string, w, h int) {
	t.Helper()
	lines := strings.Split(text, "\n")
	if len(lines) != h {
		t.Errorf("%d lines, want %d", len(lines), h)
	}
	for i, l := range lines {
		if n := width(l); n > w {
			t.Errorf("line %d has %d cells, want at most %d: %q", i, n, w, l)
		}
	}
}
