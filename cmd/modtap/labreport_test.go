package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A labReport is what is read of the JSON.
type labReport struct {
	Wall       float64 `json:"wall_ms"`
	Accounting struct {
		Buckets []struct {
			Name string  `json:"name"`
			MS   float64 `json:"ms"`
		} `json:"buckets"`
	} `json:"accounting"`
	Findings []labFinding `json:"findings"`
}

// A labFinding is one of them.
type labFinding struct {
	ID       string  `json:"id"`
	Severity string  `json:"severity"`
	Title    string  `json:"title"`
	Cost     float64 `json:"cost_ms"`
	Evidence []int   `json:"evidence"`
	Conns    []int   `json:"conns"`
	Remedy   struct {
		Text     string   `json:"text"`
		Commands []string `json:"commands"`
	} `json:"remedy"`
}

// bucket is the time in a bucket, in milliseconds.
func (r *labReport) bucket(name string) float64 {
	for _, b := range r.Accounting.Buckets {
		if b.Name == name {
			return b.MS
		}
	}
	return 0
}

// finding is the one with an id; of none it is empty.
func (r *labReport) finding(id string) labFinding {
	for _, f := range r.Findings {
		if f.ID == id {
			return f
		}
	}
	return labFinding{}
}

// restsOnNothing are the findings that no request shows: git's traces, the flags or the
// machine's samples do.
var restsOnNothing = []string{"ssh-remote", "insecure-flag", "cache-lock"}

// lacks says what a finding wants for its user to believe it and to act on it: evidence, a
// remedy, and a command for each variable that helps.
func (f *labFinding) lacks(helps []string) (wrong []string) {
	if f.Remedy.Text == "" {
		wrong = append(wrong, f.ID+" has no remedy")
	}
	if len(f.Evidence)+len(f.Conns) == 0 && !slices.Contains(restsOnNothing, f.ID) {
		wrong = append(wrong, f.ID+" has no evidence")
	}
	for _, kv := range helps {
		name, _, _ := strings.Cut(kv, "=")
		if !slices.ContainsFunc(f.Remedy.Commands, func(c string) bool { return strings.Contains(c, name+"=") }) {
			wrong = append(wrong, fmt.Sprintf("%s helps, and no command of %s names it: %q", name, f.ID, f.Remedy.Commands))
		}
	}
	return wrong
}

// ids lists the findings as the table has them: "slow-404!" is bad, "(doubled-4xx)" is info.
func (r *labReport) ids() string {
	var out []string
	for _, f := range r.Findings {
		switch f.Severity {
		case "bad":
			out = append(out, f.ID+"!")
		case "warn":
			out = append(out, f.ID)
		default:
			out = append(out, "("+f.ID+")")
		}
	}
	return strings.Join(out, " ")
}

// blames reports whether the report says what the scenario is about: its id comes first,
// or is the only one that is bad.
func (r *labReport) blames(id string) bool {
	if len(r.Findings) > 0 && r.Findings[0].ID == id {
		return true
	}
	var bad []string
	for _, f := range r.Findings {
		if f.Severity == "bad" {
			bad = append(bad, f.ID)
		}
	}
	return len(bad) == 1 && bad[0] == id
}

// TestLabFindingLacks: the lab does not take a finding for its id alone.
func TestLabFindingLacks(t *testing.T) {
	good := labFinding{ID: "stalled", Evidence: []int{1}}
	good.Remedy.Text, good.Remedy.Commands = "Do.", []string{"go env -w GOPROXY=https://a.test"}
	onConns, mute, wrong, unseen := good, good, good, good
	onConns.Evidence, onConns.Conns = nil, []int{1}
	mute.Remedy.Text = ""
	wrong.Remedy.Commands = []string{"go env GOPROXY", "go mod tidy"}
	unseen.Evidence = nil
	bySamples := unseen
	bySamples.ID = "cache-lock"
	for _, test := range []struct {
		f    labFinding
		want int
	}{{good, 0}, {onConns, 0}, {bySamples, 0}, {mute, 1}, {wrong, 1}, {unseen, 1}, {labFinding{}, 3}} {
		if got := test.f.lacks([]string{"GOPROXY=x"}); len(got) != test.want {
			t.Errorf("%+v lacks %q", test.f, got)
		}
	}
}
