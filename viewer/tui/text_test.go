package tui

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

var widths = []struct {
	text, shown string
	width       int
}{
	{"abc", "abc", 3}, {"日本", "日本", 4}, {"a\x1b[31mb", "a·[31mb", 7}, {"a\u200bb", "a·b", 3}, {"e\u0301", "e·", 2},
	{"\u202eabc", "·abc", 4}, {"\xff", "·", 1}, {"👨‍👩‍👧", "👨·👩·👧", 8}, {"🇩🇪", "··", 2}, {"👍🏽", "👍·", 3}, {"a\nb\tc", "a·b·c", 5}, {"\u009b31m", "·31m", 4},
}

func TestText(t *testing.T) {
	for _, tt := range widths {
		var c canvas
		c.reset(20, 1)
		if n := c.text(0, 0, 20, tt.text, plain); n != tt.width || width(tt.text) != tt.width {
			t.Errorf("%q takes %d cells, width says %d, want %d", tt.text, n, width(tt.text), tt.width)
		}
		if got := c.render(false); got != tt.shown {
			t.Errorf("%q is shown as %q, want %q", tt.text, got, tt.shown)
		}
	}
}

var cuts = []struct {
	text       string
	w          int
	head, tail string
}{
	{"abcdef", 6, "abcdef", "abcdef"}, {"abcdef", 4, "…def", "abc…"}, {"abcdef", 1, "…", "…"}, {"abcdef", 0, "", ""},
	{"日本語", 5, "…本語", "日本…"}, {"日本語", 4, "…語", "日…"}, {"", 3, "", ""},
}

func TestCut(t *testing.T) {
	for _, tt := range cuts {
		if got := cutHead(tt.text, tt.w); got != tt.head {
			t.Errorf("cutHead(%q, %d) = %q, want %q", tt.text, tt.w, got, tt.head)
		}
		if got := cutTail(tt.text, tt.w); got != tt.tail {
			t.Errorf("cutTail(%q, %d) = %q, want %q", tt.text, tt.w, got, tt.tail)
		}
	}
}

// Whatever a text is, a line of the canvas has the cells that it should, and no byte that a
// terminal obeys.
func FuzzText(f *testing.F) {
	for _, tt := range widths {
		f.Add(tt.text, 7)
	}
	f.Fuzz(func(t *testing.T, text string, w int) {
		w = w & 31
		var c canvas
		c.reset(40, 1)
		for _, s := range []string{text, cutHead(text, w), cutTail(text, w)} {
			c.reset(40, 1)
			if n := c.text(0, 0, w, s, plain); n > w {
				t.Errorf("%q took %d of %d cells", s, n, w)
			}
			c.set(w, 0, '|', plain)
			got := c.render(true)
			if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
				t.Errorf("%q is drawn as %q", s, got)
			}
			if wc, g := ansi.StringWidthWc(got), ansi.StringWidth(got); wc != w+1 || g != w+1 {
				t.Errorf("%q is drawn as %q: %d cells, or %d by clusters, want %d", s, got, wc, g, w+1)
			}
		}
		for _, l := range wrapped(text, w) {
			if n := width(l); n > max(w, 8) {
				t.Errorf("wrapped to %d cells: %q", n, l)
			}
		}
	})
}

// What a server sends reaches the terminal as text, wherever it is shown.
func TestHostile(t *testing.T) {
	evil := "a\x1b]0;owned\x07\x1b[2J\u202e\u200b\r\nb\x9b31m"
	x := request(1, 0, gomod.Zip, evil, evil, 1, ms, ms)
	x.URL, x.Reason, x.Response.Mime, x.Response.Note, x.Remote = "https://h"+evil+"/"+evil, evil, evil, evil, evil
	x.Request.Header = []recorder.Header{{Name: evil, Value: evil}}
	x.Err = &recorder.Error{Op: evil, Msg: evil}
	x.Rules = []string{evil}
	f := recorder.Finding{ID: evil, Severity: evil, Title: evil, Remedy: evil, Caveat: evil, Commands: []string{evil}, Evidence: []uint64{1}}
	c := recorder.Conn{ID: 1, Target: evil, Closed: evil, TLS: &recorder.TLS{Issuer: evil, Subject: evil, Version: evil}, TCP: &recorder.TCP{Note: evil}}
	s := open(t, 160, 50, Config{Color: true}, recorder.Event{Exchange: x}, recorder.Event{Finding: &f}, recorder.Event{Conn: &c},
		recorder.Event{Session: &recorder.Session{ID: "s", Start: began, Argv: []string{evil}}}, recorder.Event{Process: &recorder.Process{Signal: evil}})
	s.m.report = nil
	for _, keys := range []string{"", "enter", "esc f", "esc m", "h", "r g", "g", "g", "g", "g / a tab"} {
		s.keys(strings.Fields(keys)...)
		for l := range strings.SplitSeq(s.text(), "\n") {
			if i := strings.IndexFunc(l, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\u200b' }); i >= 0 {
				t.Fatalf("%q: a control character is on the screen: %q", keys, l)
			}
		}
	}
	s.send(brokenMsg{&recorder.Error{Op: "x", Msg: evil}})
	if strings.ContainsAny(s.text(), "\x1b\x07\r") {
		t.Error("an error is not made harmless")
	}
}

// The phases drawn are as long as those that are told.
func checkSegments(t *testing.T, x *recorder.Exchange) {
	t.Helper()
	end := x.Server.End
	var sum [phases]recorder.Span
	cursor := recorder.Span(0)
	for _, s := range segments(x, max(end, 0), false, nil) {
		if s.from < cursor || s.to <= s.from || s.to > max(end, 0) {
			t.Errorf("segment %+v after %v, end %v", s, cursor, end)
		}
		cursor = s.to
		sum[s.phase] += s.to - s.from
	}
	w := x.Server.Timings()
	held := min(max(x.ClientBlocked, 0), w.Receive)
	got := []recorder.Span{sum[queue] + sum[delay] + sum[proxy], sum[dns], sum[connect] + sum[tls], sum[tls], sum[send], sum[wait], sum[receive] + sum[child]}
	want := []recorder.Span{w.Blocked, max(w.DNS, 0), max(w.Connect, 0), max(w.SSL, 0), w.Send, w.Wait, w.Receive}
	if !slices.Equal(got, want) || sum[child] != held {
		t.Errorf("drawn %v and %v of the child, told %v and %v, of %+v", got, sum[child], want, held, x.Server)
	}
}

func TestSegments(t *testing.T) {
	for _, e := range fixture() {
		if e.Exchange != nil && e.Exchange.Done {
			checkSegments(t, e.Exchange)
		}
	}
	r := rand.New(rand.NewPCG(7, 7))
	for range 20000 {
		var m [12]int64
		for i := range m {
			m[i] = r.Int64N(40) - 5
		}
		checkSegments(t, marked(m[:]))
	}
}

// marked is an exchange with these marks, in no order at all.
func marked(m []int64) *recorder.Exchange {
	x := &recorder.Exchange{Done: true, ClientBlocked: recorder.Span(m[10]), Injected: recorder.Span(m[11])}
	for i, at := range []*recorder.Span{&x.Server.DNSStart, &x.Server.DNSDone, &x.Server.ConnectStart, &x.Server.ConnectDone, &x.Server.TLSStart, &x.Server.TLSDone, &x.Server.WroteHeaders, &x.Server.WroteRequest, &x.Server.FirstByte, &x.Server.End} {
		*at = max(recorder.Span(m[i]), 0)
	}
	return x
}

var glyphTests = []struct {
	env  string
	goos string
	want *glyphs
}{
	{"LANG=en_US.UTF-8", "linux", &unicodeGlyphs}, {"", "linux", &unicodeGlyphs}, {"LANG=C", "linux", &asciiGlyphs}, {"LANG=C LC_ALL=C.UTF-8", "linux", &unicodeGlyphs},
	{"LANG=en_US.UTF-8 LC_ALL=POSIX", "linux", &asciiGlyphs}, {"LANG=en_US.UTF-8 TERM=linux", "linux", &oldGlyphs}, {"TERM=dumb", "linux", &asciiGlyphs},
	{"", "windows", &oldGlyphs}, {"WT_SESSION=x", "windows", &unicodeGlyphs}, {"LANG=de_DE.utf8", "darwin", &unicodeGlyphs},
}

func TestGlyphs(t *testing.T) {
	for _, tt := range glyphTests {
		env := func(name string) string {
			for _, kv := range strings.Fields(tt.env) {
				if v, ok := strings.CutPrefix(kv, name+"="); ok {
					return v
				}
			}
			return ""
		}
		if got := pickGlyphs(env, tt.goos, false); got != tt.want {
			t.Errorf("%q on %s: levels %q", tt.env, tt.goos, string(got.levels))
		}
		if got := pickGlyphs(env, tt.goos, true); got != &asciiGlyphs {
			t.Errorf("%q on %s: not ASCII when asked for", tt.env, tt.goos)
		}
	}
}

// A terminal that knows ASCII alone gets nothing else, whatever is shown.
func TestASCII(t *testing.T) {
	s := open(t, 120, 40, Config{}, fixture()...)
	s.m.g, s.m.paint.g, s.m.c.ascii = &asciiGlyphs, &asciiGlyphs, true
	for _, key := range []string{"home", "enter", "f", "?", "esc", "m", "r", "g"} {
		s.keys(key)
		if i := strings.IndexFunc(s.text(), func(r rune) bool { return r > '~' }); i >= 0 {
			t.Errorf("after %s: %q", key, s.text()[i:i+3])
		}
	}
	s.keys("r", "g", "g", "g", "g")
	golden(t, "ascii-120x40", s.text())
}

var clocks = []struct {
	at   time.Duration
	want string
}{{0, "0.0 s"}, {59900 * time.Millisecond, "59.9 s"}, {60 * time.Second, "1:00.0"}, {3725500 * time.Millisecond, "62:05.5"}}

func TestClock(t *testing.T) {
	for _, tt := range clocks {
		if got := clockText(recorder.Span(tt.at)); got != tt.want {
			t.Errorf("%v is %q, want %q", tt.at, got, tt.want)
		}
	}
}
