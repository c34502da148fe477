package origintest

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var knobTests = []struct {
	in   string
	want Knob
	err  string
}{
	{"", Knob{}, ""},
	{"host=sum.* suffix=.zip kind=zip skip=1 times=2", Knob{Match: Match{Host: "sum.*", Suffix: ".zip", Kind: "zip", Skip: 1, Times: 2}}, ""},
	{"read-delay=1ms first-byte=2ms body-delay=3s rate=4", Knob{ReadDelay: time.Millisecond, FirstByte: 2 * time.Millisecond, BodyDelay: 3 * time.Second, Rate: 4}, ""},
	{"status=429 body=slow+down header=Retry-After:30 header=X:y:z", Knob{Status: 429, Body: "slow down", Header: http.Header{"Retry-After": {"30"}, "X": {"y:z"}}}, ""},
	{"fail=reset-body fail-after=100", Knob{Fail: ResetBody, FailAfter: 100}, ""},
	{"fail=goaway code=11", Knob{Fail: GoAway, Code: 11}, ""},
	{"early-hints=true trailer=true chunked=true gzip=true", Knob{EarlyHints: true, Trailer: true, Chunked: true, Gzip: true}, ""},
	{"redirect=storage.golang.test close-every=7", Knob{Redirect: "storage.golang.test", CloseEvery: 7}, ""},
	{"colour=red", Knob{}, `unknown word "colour=red"`},
	{"status", Knob{}, `unknown word "status"`},
	{"header=X", Knob{}, `word "header=X": want NAME:VALUE`},
	{"fail=explode", Knob{Fail: "explode"}, `unknown failure "explode"`},
	{"rate=fast", Knob{}, `word "rate=fast": strconv.ParseInt: parsing "fast": invalid syntax`},
}

func TestParseKnob(t *testing.T) {
	for _, tt := range knobTests {
		got, err := ParseKnob(tt.in)
		if message(err) != tt.err {
			t.Errorf("%q: error %v, want %q", tt.in, err, tt.err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: %s", tt.in, diff)
		}
	}
}

var parseHandshakeTests = []struct {
	in   string
	want Handshake
	err  string
}{
	{"host=slow.golang.test delay=200ms", Handshake{Host: "slow.golang.test", Delay: 200 * time.Millisecond}, ""},
	{"fail=plain skip=1 times=2", Handshake{Fail: HandshakePlain, Skip: 1, Times: 2}, ""},
	{"fail=reset-body", Handshake{Fail: "reset-body"}, `unknown handshake failure "reset-body"`},
	{"delay=soon", Handshake{}, `word "delay=soon": time: invalid duration "soon"`},
}

func TestParseHandshake(t *testing.T) {
	for _, tt := range parseHandshakeTests {
		got, err := ParseHandshake(tt.in)
		if message(err) != tt.err {
			t.Errorf("%q: error %v, want %q", tt.in, err, tt.err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: %s", tt.in, diff)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
