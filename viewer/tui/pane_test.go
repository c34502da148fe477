package tui

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
)

var wrapTests = []struct {
	name  string
	text  string
	width int
	color bool
	want  []string
}{
	{"nothing", "", 10, true, []string{""}},
	{"fits", "0123456789", 10, true, []string{"0123456789"}},
	{"breaks", "0123456789abc", 5, true, []string{"01234", "56789", "abc"}},
	{"a colour goes on in the next row", "\x1b[31mabcdef\x1b[0mg", 4, true, []string{"\x1b[31mabcd\x1b[m", "\x1b[31mef\x1b[0mg\x1b[m"}},
	{"no colours", "\x1b[1;31mab\x1b[0mc", 4, false, []string{"abc"}},
	{"cursor, title, clear and OSC 52 are dropped", "\x1b[2J\x1b[5Aa\x1b]0;title\x07b\x1b]52;c;eHh4\x1b\\c\x1b7d", 9, true, []string{"abcd"}},
	{"a sequence that is not finished", "ab\x1b[31", 9, true, []string{"ab"}},
	{"one that only looks like a colour", "a\x1b[>4;2mb\x1b[?25mc", 9, true, []string{"abc"}},
	{"C1 controls", "a\u009b31mb\u0085c", 9, true, []string{"a31mbc"}},
	{"bytes that are no UTF-8", "a\xffb", 9, true, []string{"a·b"}},
	{"tabs", "a\tb\tc", 20, true, []string{"a       b       c"}},
	{"wide characters", "日本語", 5, true, []string{"日本", "語"}},
	{"a wide one where there is no room", "日", 1, true, []string{"·"}},
	{"text that would run backwards", "a\u202eb", 9, true, []string{"ab"}},
	{"backspace and bell", "a\bb\ac", 9, true, []string{"abc"}},
}

func TestWrapCells(t *testing.T) {
	for _, test := range wrapTests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, wrapCells(test.text, test.width, test.color)); diff != "" {
				t.Errorf("want (-), got (+):\n%s", diff)
			}
		})
	}
}

var sgrSequence = regexp.MustCompile("\x1b\\[[0-9;:]*m")

// FuzzWrapCells checks that nothing but colours is left for the terminal to obey, and that
// no row is wider than it may be.
func FuzzWrapCells(f *testing.F) {
	for _, test := range wrapTests {
		f.Add(test.text, test.width, test.color)
	}
	f.Add("\x1b\x1b[\x9b\x90\x1bP\x1b_a\x1b\\\x1b[38;2;1;2;3m👩‍👩‍👧e\u0301", 3, true)
	f.Fuzz(func(t *testing.T, text string, width int, color bool) {
		width = max(1, min(width, 300))
		rows := wrapCells(text, width, color)
		if len(rows) == 0 {
			t.Fatal("no row")
		}
		for _, row := range rows {
			if !color && strings.ContainsRune(row, 0x1b) {
				t.Errorf("%q has an escape without color", row)
			}
			plain := sgrSequence.ReplaceAllString(row, "")
			if plain != row && !strings.HasSuffix(row, "\x1b[m") {
				t.Errorf("%q does not end with a reset", row)
			}
			for _, r := range plain {
				if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
					t.Errorf("%q has the control character %q", row, r)
				}
			}
			if !utf8.ValidString(plain) {
				t.Errorf("%q is not UTF-8", row)
			}
			if w := ansi.StringWidth(plain); w > width {
				t.Errorf("%q has %d cells, at most %d may be", plain, w, width)
			}
		}
	})
}

// numbered returns a pane on n lines "0", "1" and so on, 4 rows high and 10 wide.
func numbered(n int) (*childPane, func(format string, args ...any)) {
	o := NewOutput()
	w := o.Writer("stdout")
	for i := range n {
		fmt.Fprintln(w, i)
	}
	p := newPane(o).(*childPane)
	p.Lines(10, 4, false)
	return p, func(format string, args ...any) { fmt.Fprintf(w, format, args...) }
}

func TestPaneScrolls(t *testing.T) {
	for _, test := range []struct {
		keys, want string
	}{
		{"", "96 97 98 99"},
		{"up", "95 96 97 98"},
		{"up up down", "95 96 97 98"},
		{"up down", "96 97 98 99"},
		{"down", "96 97 98 99"},
		{"pgup", "93 94 95 96"},
		{"pgup pgdown", "96 97 98 99"},
		{"home", "0 1 2 3"},
		{"home up", "0 1 2 3"},
		{"home j j", "2 3 4 5"},
		{"home end", "96 97 98 99"},
	} {
		t.Run(test.keys, func(t *testing.T) {
			p, _ := numbered(100)
			for _, k := range strings.Fields(test.keys) {
				if !p.Key(k) {
					t.Fatalf("%s is not a key", k)
				}
			}
			if got := strings.Join(p.Lines(10, 4, false), " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestPaneStays: who has scrolled up reads on while more is written; at the end it follows.
func TestPaneStays(t *testing.T) {
	p, write := numbered(100)
	p.Key("pgup")
	for i := range 20 {
		write("more %d\n", i)
	}
	if got := strings.Join(p.Lines(10, 4, false), " "); got != "93 94 95 96" {
		t.Errorf("it moved to %q", got)
	}
	if got := p.Title(); got != "120 lines, at 94" {
		t.Errorf("the title is %q", got)
	}
	for range 10 {
		p.Key("pgdown")
	}
	write("last\n")
	if got := strings.Join(p.Lines(10, 4, false), "|"); got != "more 17|more 18|more 19|last" {
		t.Errorf("at the end it shows %q", got)
	}
	p.Key("home")
	for i := range outputLines {
		write("new %d\n", i)
	}
	if got := strings.Join(p.Lines(10, 4, false), "|"); got != "new 0|new 1|new 2|new 3" {
		t.Errorf("when its place is gone it shows %q", got)
	}
	if got := p.Title(); !strings.Contains(got, "the first 121 follow when you leave") {
		t.Errorf("the title is %q", got)
	}
}

// TestPaneWithLongLines scrolls through a line of many rows, and makes the pane wider there.
func TestPaneWithLongLines(t *testing.T) {
	p, write := numbered(3)
	write("%s\nend", strings.Repeat("0123456789", 20))
	if got := p.Lines(10, 4, false); got[0] != "0123456789" || got[3] != "end" {
		t.Fatalf("it shows %q", got)
	}
	for range 17 {
		p.Key("up")
	}
	if got := strings.Join(p.Lines(10, 4, false), " "); got != "0123456789 0123456789 0123456789 0123456789" {
		t.Errorf("inside the line: %q", got)
	}
	p.Key("up")
	if got := strings.Join(p.Lines(10, 4, false), " "); got != "2 0123456789 0123456789 0123456789" {
		t.Errorf("before the line: %q", got)
	}
	p.Key("down")
	p.Key("down")
	if got := p.Lines(200, 4, false); got[3] != "end" || p.held {
		t.Errorf("wide: %q", got)
	}
}

func TestPaneWithNothing(t *testing.T) {
	p := newPane(NewOutput()).(*childPane)
	for _, k := range []string{"up", "down", "pgup", "home", "end"} {
		p.Key(k)
		if got := p.Lines(5, 2, true); len(got) != 2 || got[0]+got[1] != "" {
			t.Errorf("after %s: %q", k, got)
		}
	}
	if p.Key("x") {
		t.Error("x is a key of the pane")
	}
	if newPane(nil) != nil {
		t.Error("there is a pane without an output")
	}
}

func BenchmarkPane(b *testing.B) {
	o := NewOutput()
	w := o.Writer("stderr")
	for i := range outputLines {
		fmt.Fprintf(w, "\x1b[32mgo: downloading\x1b[0m example.golang.test/m%d v1.0.%d and more\n", i, i)
	}
	p := newPane(o)
	for b.Loop() {
		p.Lines(200, 50, true)
	}
}
