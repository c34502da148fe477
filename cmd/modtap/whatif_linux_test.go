package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder"
	"modtap/recorder/diagnose"
)

// whatIfShape is the graph of the predictions: four layers of ten modules. Its go.mod files
// are from before Go 1.17, so that the go command reads it layer by layer.
var whatIfShape = origintest.Shape{Modules: 40, Depth: 4, Go: "1.16"}

// allowed is how far a prediction may be from the median of the real runs.
const allowed = 0.15

// A whatIfRun is one real run of the go command under modtap.
type whatIfRun struct {
	args  []string // of the go command
	named []string // modules that go.mod names
	delay time.Duration
	procs int
	goSum string // content; "": no go.sum
}

// A lab runs a whatIfRun and returns what modtap recorded, as it reads it.
type lab func(t *testing.T, r whatIfRun) diagnose.Input

// whatIfs are the changes that are predicted and then made.
var whatIfs = []struct {
	name   string
	change diagnose.Change
	make   func(r *whatIfRun, goSum string)
}{
	{"GOMAXPROCS 2 to 16", diagnose.Change{MaxProcs: 16}, func(r *whatIfRun, _ string) { r.procs = 16 }},
	{"half the latency", diagnose.Change{LatencyFactor: 0.5}, func(r *whatIfRun, _ string) { r.delay /= 2 }},
	{"a complete go.sum", diagnose.Change{NoSumDB: true}, func(r *whatIfRun, goSum string) { r.goSum = goSum }},
}

// TestWhatIf predicts from a run with GOMAXPROCS=2 at 200 ms per request what other
// settings would make of it, and then runs with them.
func TestWhatIf(t *testing.T) {
	needLab(t, 1)
	origintest.NeedGo(t)
	tree, err := origintest.NewTree(whatIfShape.Generate())
	if err != nil {
		t.Fatal(err)
	}
	o := origintest.Start(t, origintest.Config{Tree: tree})
	dns := origintest.StartDNS(t, origintest.DNSConfig{})
	delayed := func(t *testing.T, r whatIfRun) diagnose.Input {
		o.SetKnobs(origintest.Knob{FirstByte: r.delay})
		file := filepath.Join(t.TempDir(), "x.har")
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		c := exec.CommandContext(ctx, "modtap", append([]string{"run", "-o", file, "--resolver", dns.Addr(), "--", "go"}, r.args...)...)
		c.Env = append(origintest.GoEnv(t, o), "MODTAP_HOME="+t.TempDir())
		return r.record(t, c, file)
	}
	t.Run("download", func(t *testing.T) { whatIf(t, delayed, tree, whatIfShape.Roots(), "mod", "download") })
	t.Run("tidy", func(t *testing.T) { whatIf(t, delayed, tree, whatIfShape.All(), "mod", "tidy") })
}

// TestWhatIfPath is TestWhatIf over the kernel's own TCP, with a round trip of 200 ms.
func TestWhatIfPath(t *testing.T) {
	needLab(t, 1)
	needNetlab(t)
	bin, err := labPrograms(t)()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := origintest.NewTree(whatIfShape.Generate())
	if err != nil {
		t.Fatal(err)
	}
	o := origintest.Start(t, origintest.Config{}) // for its environment; the real one is far
	overPath := func(t *testing.T, r whatIfRun) diagnose.Input {
		ca, file := filepath.Join(bin, "ca.pem"), filepath.Join(t.TempDir(), "x.har")
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		args := []string{
			"-rtt", r.delay.String(), "-host", "proxy.golang.test=10.77.0.2",
			"-far", fmt.Sprintf("%s -listen 10.77.0.2:443 -modules %d -depth %d -go %s -ca %s", filepath.Join(bin, "origin"), whatIfShape.Modules, whatIfShape.Depth, whatIfShape.Go, ca),
			"--", filepath.Join(bin, "modtap"), "run", "-o", file, "--", "go",
		}
		c := exec.CommandContext(ctx, filepath.Join(bin, "netlab"), append(args, r.args...)...)
		c.Env = append(origintest.GoEnv(t, o), "GOPROXY=https://proxy.golang.test", "SSL_CERT_FILE="+ca, "MODTAP_HOME="+bin)
		c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // it has namespaces to remove
		return r.record(t, c, file)
	}
	whatIf(t, overPath, tree, whatIfShape.All(), "mod", "tidy")
}

// record runs c, which is modtap around the go command, and reads what it recorded.
func (r whatIfRun) record(t *testing.T, c *exec.Cmd, file string) diagnose.Input {
	t.Helper()
	c.Dir = origintest.Project(t, "", r.named...)
	c.Env = append(c.Env, fmt.Sprint("GOMAXPROCS=", r.procs))
	if r.goSum != "" {
		if err := os.WriteFile(filepath.Join(c.Dir, "go.sum"), []byte(r.goSum), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	in, err := (&app{}).readInput(file)
	if err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("MODTAP_LAB_KEEP"); keep != "" { // to look at afterwards
		name := fmt.Sprintf("%s-%d-%v-procs%d-sum%v-*.har", strings.ReplaceAll(t.Name(), "/", "-"), len(r.named), r.delay, r.procs, r.goSum != "")
		if f, err := os.CreateTemp(keep, name); err == nil {
			_ = f.Close()
			_ = os.Rename(file, f.Name())
		}
	}
	return in
}

// whatIf records runs of the go command with args, predicts, and holds the median of the
// predictions against the median of real runs, as many of each as MODTAP_LAB says. One
// alone may have been disturbed: a request that hung for a second while the other slot went
// on costs a run with GOMAXPROCS=2 half of that, and is a second of what 16 are predicted
// to take. So a single run far off is followed by two more, first with the change, then
// without.
func whatIf(t *testing.T, l lab, tree *origintest.Tree, named []string, args ...string) {
	var goSum strings.Builder
	for _, m := range whatIfShape.All() {
		path, version, _ := strings.Cut(m, "@")
		goSum.WriteString(tree.Sum(path, version))
	}
	base := whatIfRun{args: args, named: named, delay: 200 * time.Millisecond, procs: 2}
	var reports []*diagnose.Report
	record := func(n int) {
		for len(reports) < n {
			reports = append(reports, diagnose.Run(l(t, base)))
			t.Logf("%-22s %9s %9.2f", "as recorded", "", reports[len(reports)-1].Wall.Duration().Seconds())
		}
	}
	t.Logf("%-22s %9s %9s %6s", "go "+strings.Join(args, " "), "predicted", "measured", "off")
	record(labRepeats())
	for _, w := range whatIfs {
		r := base
		w.make(&r, goSum.String())
		all := predictions(t, reports, w.change)
		walls := wallsOf(t, l, r, middle(all))
		if labRepeats() == 1 && far(middle(all), walls) {
			record(3)
			all = predictions(t, reports, w.change)
		}
		predicted := middle(all)
		t.Logf("%-22s %9.2f %9.2f %+5.1f%%", w.name, predicted.Duration().Seconds(), middle(walls).Duration().Seconds(), 100*offBy(predicted, walls))
		if far(predicted, walls) {
			t.Errorf("%s: %v are predicted, the real runs took %v", w.name, all, walls)
		}
	}
	for _, q := range reports[0].WhatIf {
		t.Logf("%s: %s: %.1f s, saves %.1f s (%s: %s) %q", q.ID, q.What, q.Wall.Duration().Seconds(), q.Saves.Duration().Seconds(), q.Sure, q.Why, q.Commands)
	}
}

// predictions are what each of reports predicts of a change, the shortest first.
func predictions(t *testing.T, reports []*diagnose.Report, c diagnose.Change) []recorder.Span {
	t.Helper()
	var all []recorder.Span
	for _, r := range reports {
		predicted, err := r.Analysis.Predict(c)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, predicted)
	}
	slices.Sort(all)
	return all
}

// wallsOf is how long real runs of r took, the shortest first.
func wallsOf(t *testing.T, l lab, r whatIfRun, predicted recorder.Span) []recorder.Span {
	t.Helper()
	var walls []recorder.Span
	for n := labRepeats(); len(walls) < n; {
		p := l(t, r).Process
		walls = append(walls, p.End-p.Start)
		if n == 1 && far(predicted, walls) {
			n = 3
		}
	}
	slices.Sort(walls)
	return walls
}

// middle is the median of spans, which are sorted.
func middle(spans []recorder.Span) recorder.Span { return spans[len(spans)/2] }

// far reports whether a prediction is further from the median of walls than is allowed.
func far(predicted recorder.Span, walls []recorder.Span) bool {
	return math.Abs(offBy(predicted, walls)) > allowed
}

// offBy is by how much of the median of walls, which are sorted or one, a prediction is off.
func offBy(predicted recorder.Span, walls []recorder.Span) float64 {
	return float64(predicted)/float64(middle(walls)) - 1
}
