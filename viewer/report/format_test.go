package report

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

var durationTests = []struct {
	d    time.Duration
	want string
}{
	{0, "0.0 ms"}, {400 * time.Microsecond, "0.4 ms"}, {9_960 * time.Microsecond, "10.0 ms"}, {12 * time.Millisecond, "12 ms"},
	{999 * time.Millisecond, "999 ms"}, {999_700 * time.Microsecond, "1.00 s"}, {1240 * time.Millisecond, "1.24 s"},
	{12_340 * time.Millisecond, "12.3 s"}, {59_960 * time.Millisecond, "1m00s"}, {125 * time.Second, "2m05s"}, {90 * time.Minute, "1h30m"},
}

func TestDuration(t *testing.T) {
	for _, tt := range durationTests {
		if got := Duration(tt.d); got != tt.want {
			t.Errorf("Duration(%v) = %q, want %q", tt.d, got, tt.want)
		}
	}
}

var bytesTests = []struct {
	n    int64
	want string
}{
	{0, "0 B"}, {999, "999 B"}, {1000, "1.0 kB"}, {12_400, "12.4 kB"}, {999_960, "1.0 MB"}, {36_600_000, "36.6 MB"}, {5_000_000_000_000_000, "5000.0 TB"},
}

func TestBytes(t *testing.T) {
	for _, tt := range bytesTests {
		if got := Bytes(tt.n); got != tt.want {
			t.Errorf("Bytes(%d) = %q, want %q", tt.n, got, tt.want)
		}
	}
}

func TestPhases(t *testing.T) {
	x := &recorder.Exchange{Injected: ms(5), ClientBlocked: ms(30), Server: recorder.Marks{
		DNSStart: ms(10), DNSDone: ms(20), ConnectStart: ms(20), ConnectDone: ms(40), TLSStart: ms(40), TLSDone: ms(70),
		WroteHeaders: ms(75), WroteRequest: ms(76), FirstByte: ms(100), LastByte: ms(150), End: ms(150),
	}}
	want := []Phase{
		{"queue", 10 * time.Millisecond}, {"delay", 5 * time.Millisecond}, {"dns", 10 * time.Millisecond}, {"connect", 20 * time.Millisecond}, {"tls", 30 * time.Millisecond},
		{"send", time.Millisecond}, {"wait", 24 * time.Millisecond}, {"receive", 20 * time.Millisecond}, {"child", 30 * time.Millisecond},
	}
	if diff := cmp.Diff(want, Phases(x)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var sum time.Duration
	for _, p := range Phases(x) {
		sum += p.Time
	}
	if sum != 150*time.Millisecond {
		t.Errorf("the phases sum to %v, want 150ms", sum)
	}
	if _, ok := Dominant(&recorder.Exchange{}); ok {
		t.Error("an exchange without times has a dominant phase")
	}
}

var truncateTests = []struct {
	s     string
	width int
	want  string
}{
	{"short", 5, "short"}, {"example.com/module@v1.2.3", 15, "example…@v1.2.3"}, {"äöü€äöü€", 5, "äö…ü€"}, {"abcdef", 2, "ab"}, {"abc", -1, ""},
}

func TestTruncate(t *testing.T) {
	for _, tt := range truncateTests {
		if got := Truncate(tt.s, tt.width); got != tt.want {
			t.Errorf("Truncate(%q, %d) = %q, want %q", tt.s, tt.width, got, tt.want)
		}
	}
}

func TestBusyIsTheUnion(t *testing.T) {
	var b busy
	for _, i := range [][2]int{{10, 20}, {30, 40}, {15, 18}, {5, 12}, {19, 31}, {50, 60}, {60, 61}, {7, 7}} {
		b.add(start.Add(time.Duration(i[0])), start.Add(time.Duration(i[1])))
	}
	if got := b.total(); got != 35+11 || len(b.open) != 2 {
		t.Errorf("total = %d in %d intervals, want 46 in 2", got, len(b.open))
	}
}

var wrapTests = []struct {
	text string
	want []string
}{
	{"", nil},
	{"localhost", []string{"localhost"}},
	{"git over ssh to git@host: 2 connections, 12.3 s, localhost", []string{"git over ssh to git@host:", "2 connections, 12.3 s,", "localhost"}},
	{"the wait was long: a 23.6 s.", []string{"the wait was long: a", "23.6 s."}},
	{"a-word-that-is-longer-than-the-line b", []string{"a-word-that-is-longer-than", "-the-line b"}},
	{strings.Repeat("a-word-of-twenty-chars ", 9), []string{"a-word-of-twenty-chars", "a-word-of-twenty-chars", "a-word-of-twenty-chars", "a-word-of-twenty-chars …"}},
}

func TestWrap(t *testing.T) {
	for _, tt := range wrapTests {
		if diff := cmp.Diff(tt.want, wrap(tt.text, 26, maxBlind)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

var quantityTests = []struct {
	v    float64
	unit string
	want string
}{
	{2500, "", "2500"}, {0.6275, "", "0.63"}, {0.4, "", "0.4"}, {0, "", "0"}, {100, "", "100"}, {23_200, "ms", "23.2 s"},
	{102_400, "B/s", "102.4 kB/s"}, {19_300_000, "B", "19.3 MB"}, {3.5, "x", "3.5 x"}, {0.6638, "share", "66 %"}, {0.03, "share", "3.0 %"},
}

func TestQuantity(t *testing.T) {
	for _, tt := range quantityTests {
		if got := quantity(tt.v, tt.unit); got != tt.want {
			t.Errorf("quantity(%v, %q) = %q, want %q", tt.v, tt.unit, got, tt.want)
		}
	}
}
