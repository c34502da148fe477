package recorder

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder/gomod"
)

var spanTests = []struct {
	span Span
	want string
}{
	{0, "0"},
	{1, "0.000001"},
	{-1, "-0.000001"},
	{999_999, "0.999999"},
	{1_000_000, "1"},
	{1_500_000, "1.5"},
	{-1_020_000, "-1.02"},
	{1_234_567, "1.234567"},
	{Span(10 * time.Second), "10000"},
	{Span(200*24*time.Hour) + 1, "17280000000.000001"}, // more than a float64 can hold
	{math.MaxInt64, "9223372036854.775807"},
	{math.MinInt64, "-9223372036854.775808"},
}

func TestSpanJSON(t *testing.T) {
	for _, tt := range spanTests {
		b, err := json.Marshal(tt.span)
		if err != nil || string(b) != tt.want {
			t.Errorf("%d: wrote %s, %v; want %s", tt.span, b, err, tt.want)
		}
		var back Span
		if err := json.Unmarshal(b, &back); err != nil || back != tt.span {
			t.Errorf("%s: read %d, %v; want %d", b, back, err, tt.span)
		}
	}
}

// What others may have written.
var foreignSpanTests = []struct {
	in   string
	want Span // -7: an error
}{
	{"1e3", 1_000_000_000},
	{"1.5E-3", 1500},
	{"-1", -1_000_000},
	{"0.12345678", 123_457},
	{"0.0000004", 0},
	{"100.000", 100_000_000},
	{"null", 42}, // changes nothing
	{"1e300", -7},
	{"9223372036855", -7},
	{"-1e13", -7},
	{`"1"`, -7},
	{"true", -7},
}

func TestSpanReadsForeignJSON(t *testing.T) {
	for _, tt := range foreignSpanTests {
		got := Span(42)
		err := json.Unmarshal([]byte(tt.in), &got)
		if (err != nil) != (tt.want == -7) || err == nil && got != tt.want {
			t.Errorf("%s: got %d, %v; want %d", tt.in, got, err, tt.want)
		}
	}
}

func FuzzSpanJSON(f *testing.F) {
	for _, tt := range spanTests {
		f.Add(int64(tt.span), tt.want)
	}
	for _, tt := range foreignSpanTests {
		f.Add(int64(1), tt.in)
	}
	f.Fuzz(func(t *testing.T, ns int64, text string) {
		b, err := json.Marshal(Span(ns))
		var back Span
		if err != nil || json.Unmarshal(b, &back) != nil || back != Span(ns) {
			t.Errorf("%d became %s, %v, and then %d", ns, b, err, back)
		}
		var foreign Span
		if json.Unmarshal([]byte(text), &foreign) != nil {
			return
		}
		b, err = json.Marshal(foreign)
		if err != nil || json.Unmarshal(b, &back) != nil || back != foreign {
			t.Errorf("%q is %d, became %s, %v, and then %d", text, foreign, b, err, back)
		}
	})
}

// A recording read from disk yields what was recorded.
func TestExchangeJSON(t *testing.T) {
	want := Exchange{
		ID: 7, Conn: 2, Start: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), Method: "GET", URL: "https://proxy.golang.org/rsc.io/quote/@v/v1.5.2.zip",
		Go:     gomod.Request{Kind: gomod.Zip, Module: "rsc.io/quote", Version: "v1.5.2"},
		Server: Marks{DNSStart: 1, WroteHeaders: 1_234_567, End: 9_999_999}, Status: 200,
		Err:      &Error{Op: "read", Msg: "unexpected EOF"},
		Response: Message{Header: []Header{{"Etag", "x"}, {"Etag", "y"}}, BodySize: 5}, Done: true,
	}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Exchange
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got.Response.Get("Etag") != "x" || got.Response.Get("Date") != "" || got.Err.Error() != "read: unexpected EOF" {
		t.Errorf("accessors of %+v", got)
	}
}

var unusedTests = []struct {
	conn Conn
	want bool
}{
	{Conn{Scheme: "https"}, true},
	{Conn{Scheme: "https", Exchanges: 1}, false},
	{Conn{Scheme: "raw"}, false},
}

func TestConnUnused(t *testing.T) {
	for _, tt := range unusedTests {
		if got := tt.conn.Unused(); got != tt.want {
			t.Errorf("%+v: got %v", tt.conn, got)
		}
	}
}
