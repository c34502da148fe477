package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/cmd/internal/gittrace"
	"modtap/recorder"
)

func span(s float64) recorder.Span { return recorder.Span(s * float64(time.Second)) }

var wordsTests = []struct {
	name string
	in   []recorder.Unseen
	want []string
}{
	{"nothing", nil, nil},
	{"one", []recorder.Unseen{{What: overSSH, Target: "git@a", Start: span(1), Took: span(0.25)}}, []string{"git over ssh to git@a: 1 connection, 250 ms"}},
	{
		"side by side: the time is that of the clock",
		[]recorder.Unseen{{What: overSSH, Target: "git@a", Start: span(1), Took: span(10)}, {What: overSSH, Target: "git@a", Start: span(2), Took: span(10)}, {What: overSSH, Target: "git@a", Start: span(20), Took: span(1.5)}},
		[]string{"git over ssh to git@a: 3 connections, 12.5 s"},
	},
	{
		"two hosts, one killed", []recorder.Unseen{{What: overSSH, Target: "a", Start: span(3), Took: span(1)}, {What: overSSH, Target: "b", Start: span(1), Took: span(60), Cut: true}},
		[]string{"git over ssh to a: 1 connection, 1.00 s", "git over ssh to b: 1 connection, up to 1m00s"},
	},
	{
		"past the proxy", []recorder.Unseen{{What: pastUs, Target: "https://a", Start: 1, Took: 1, Why: "http.https://a.proxy=x in f"}, {What: pastUs, Target: "http://b:81", Start: 1, Took: span(1)}},
		[]string{"git to a went past modtap: http.https://a.proxy=x in f", "git to http://b:81 went past modtap: 1 connection"},
	},
}

func TestInWords(t *testing.T) {
	for _, tt := range wordsTests {
		if diff := cmp.Diff(tt.want, inWords(tt.in)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

var sawTests = []struct {
	name  string
	r     gittrace.Remote
	since float64
	want  bool
}{
	{"a tunnel began while it ran", gittrace.Remote{URL: "https://a.test/x", Took: 5 * time.Second, Ended: true}, 0, true},
	{"its end is not known", gittrace.Remote{URL: "https://a.test/x"}, 0, true},
	{"another port", gittrace.Remote{URL: "https://a.test:8443/x", Took: 5 * time.Second, Ended: true}, 0, false},
	{"another host", gittrace.Remote{URL: "https://b.test/x", Took: 5 * time.Second, Ended: true}, 0, false},
	{"it had ended before", gittrace.Remote{URL: "https://a.test/x", Took: time.Second, Ended: true}, 0, false},
	{"what was then is forgotten", gittrace.Remote{URL: "https://b.test/x", Took: time.Second, Ended: true}, 11, true},
}

// A tunnel to a.test began 2 s after each of the remotes did.
func TestSaw(t *testing.T) {
	began := time.Date(2026, 11, 28, 9, 0, 10, 0, time.UTC)
	for _, tt := range sawTests {
		p := passages{all: []passage{{"A.test:443", began.Add(2 * time.Second)}}}
		if tt.since > 0 {
			p.since = began.Add(time.Second)
		}
		tt.r.Start = began
		if got := p.saw(tt.r, began.Add(time.Minute)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	// One before it began was another program's.
	p := passages{all: []passage{{"a.test:443", began.Add(-time.Second)}}}
	if p.saw(gittrace.Remote{URL: "https://a.test/x", Start: began}, began.Add(time.Minute)) {
		t.Error("a tunnel of an earlier program was taken for its own")
	}
}
