package diagnose

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

// A goCase is a world, and what one rule says of it.
type goCase struct {
	name  string
	world func() *world
	want  *wanted // nil: nothing
}

// A wanted is a finding; its cost lies between two numbers of milliseconds.
type wanted struct {
	title, severity string
	cost            [2]float64
	evidence        []uint64
	commands        []string
}

func runGoCases(t *testing.T, id string, cases []goCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := c.world()
			f := goFinding(t, w, id)
			if c.want == nil {
				if f != nil {
					t.Errorf("%s: %s (%.0f ms)", f.Severity, f.Title, span(f.Cost))
				}
				return
			}
			if f == nil {
				t.Fatal("it is not found")
			}
			if d := cmp.Diff(*c.want, wanted{f.Title, f.Severity, c.want.cost, clipIDs(f.Evidence), f.Commands}, cmp.AllowUnexported(wanted{})); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			if ms := span(f.Cost); ms < c.want.cost[0] || ms > c.want.cost[1] {
				t.Errorf("the cost is %.1f ms, want %v", ms, c.want.cost)
			}
			checkWords(t, w, f)
		})
	}
}

// checkWords checks what holds for the words of every finding.
func checkWords(t *testing.T, w *world, f *recorder.Finding) {
	t.Helper()
	if len([]rune(f.Title)) > 130 || !strings.ContainsFunc(f.Title, func(r rune) bool { return r >= '0' && r <= '9' }) && f.ID != "govcs" {
		t.Errorf("the title is too long or has no number: %q", f.Title)
	}
	if f.Remedy == "" || len(f.Numbers) == 0 {
		t.Errorf("no remedy or no numbers: %+v", f)
	}
	for _, n := range f.Numbers {
		if n.Unit == "" && (n.Value != math.Trunc(n.Value) || strings.Contains(n.Name, "share")) {
			t.Errorf("%v is no count: %+v", n.Value, n)
		}
		if n.Name == "median wait" && n.Value < n.Limit {
			t.Errorf("a limit that was not passed: %+v", n)
		}
	}
	for _, id := range f.Evidence {
		if id == 0 || id > uint64(len(w.Exchanges)) {
			t.Errorf("no exchange %d", id)
		}
	}
	if f.Cost < 0 || f.Cost > w.Process.End-w.Process.Start {
		t.Errorf("a cost of %v", f.Cost)
	}
}

// TestGoRules: each has its prose and says of nothing nothing.
func TestGoRules(t *testing.T) {
	var seen []string
	for _, r := range goRules {
		if slices.Contains(seen, r.ID) {
			t.Errorf("%s twice", r.ID)
		}
		seen = append(seen, r.ID)
		text, ok := Explain(r.ID)
		if !ok || !strings.HasPrefix(text, "# "+r.ID+"\n") {
			t.Errorf("%s has no prose", r.ID)
		}
		for _, h := range []string{"## How it is recognised", "## What it costs", "## What to do", "## When it is wrong"} {
			if !strings.Contains(text, "\n"+h+"\n") {
				t.Errorf("the prose of %s has no %q", r.ID, h)
			}
		}
		for i, line := range strings.Split(text, "\n") {
			if len([]rune(line)) > 100 {
				t.Errorf("line %d of the prose of %s is %d wide", i+1, r.ID, len([]rune(line)))
			}
		}
		if n := strings.Count(text, "\n"); n < 15 || n > 36 {
			t.Errorf("the prose of %s has %d lines", r.ID, n)
		}
		for name, in := range map[string]Input{"nothing": {}, "a session": {Session: &recorder.Session{}}, "a command": {Session: &recorder.Session{}, Process: &recorder.Process{ExitCode: 1}}} {
			if f := r.Check(analyse(&in)); f != nil {
				t.Errorf("%s says of %s: %s", r.ID, name, f.Title)
			}
		}
	}
}
