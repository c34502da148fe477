package har

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"modtap/recorder"
)

var stringTests = []struct{ in, want string }{
	{"", `""`},
	{"plain", `"plain"`},
	{"quote \" back \\ slash /", `"quote \" back \\ slash /"`},
	{"\n\r\t\x00\x1f\x7f", `"\n\r\t\u0000\u001f` + "\x7f\""},
	{"<a href='x'>&", `"<a href='x'>&"`},
	{"ünï \u2028 \U0001F600", "\"ünï \u2028 \U0001F600\""},
	{"\xff", "\"\uFFFD\""},
	{"a\xc3", "\"a\uFFFD\""},
	{"\xe2\x28\xa1", "\"\uFFFD(\uFFFD\""},
	{"\xed\xa0\x80 surrogate", "\"\uFFFD\uFFFD\uFFFD surrogate\""},
	{"\uFFFD itself", "\"\uFFFD itself\""},
}

func TestAppendString(t *testing.T) {
	for _, tt := range stringTests {
		for _, got := range []string{string(appendString(nil, tt.in)), string(appendString(nil, []byte(tt.in)))} {
			if got != tt.want {
				t.Errorf("%q: got %s, want %s", tt.in, got, tt.want)
			}
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, tt := range stringTests {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		line := string(appendString(nil, s))
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%q gives %s: %v", s, line, err)
		}
		if want := string([]rune(s)); got != want {
			t.Errorf("%q comes back as %q", s, got)
		}
		if strings.ContainsAny(line, "\n\r") {
			t.Errorf("%q gives a line break: %s", s, line)
		}
	})
}

var spanTests = []struct {
	in   recorder.Span
	want string
}{
	{0, "0"}, {1, "0.000001"}, {1_000_000, "1"}, {232_301_000, "232.301"}, {1_500_000, "1.5"}, {-1, "-0.000001"},
	{1_000_001, "1.000001"}, {86_400_000_000_000, "86400000"}, {-2_000_000, "-2"},
}

func TestAppendSpan(t *testing.T) {
	for _, tt := range spanTests {
		if got := string(appendSpan(nil, tt.in)); got != tt.want {
			t.Errorf("%d ns: got %s, want %s", int64(tt.in), got, tt.want)
		}
		want, _ := tt.in.MarshalJSON()
		if string(want) != tt.want {
			t.Errorf("%d ns: recorder writes %s, we %s", int64(tt.in), want, tt.want)
		}
	}
	for _, s := range []recorder.Span{math.MinInt64, math.MaxInt64} {
		if got := appendSpan(nil, s); !json.Valid(got) {
			t.Errorf("%d ns gives %s", int64(s), got)
		}
	}
}
