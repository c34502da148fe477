package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"modtap/intercept/origintest"
)

// The fault lab: a real go command under modtap, with one thing wrong at a time, must be
// told that thing, what it cost and what helps. The scenarios are data (lab_faults_test.go,
// lab_healthy_test.go); this file runs them.

// A scenario is one thing that is wrong, or, without an id, nothing. Texts may contain
// ${P} (the GOPROXY of the origin), ${A} and ${B} (two other hosts that serve the same),
// ${SUM} (GOSUMDB with a URL of its own), ${DIR} (a folder of the run), ${PARENT} (a
// CONNECT proxy in front of everything).
type scenario struct {
	id   string // the finding that must come first, or be the only bad one; "": healthy
	name string // tells scenarios of one id apart

	// What is fetched: by default the 12 small modules of the zero Shape, with go.sum.
	shape    origintest.Shape
	nosum    bool     // there is no go.sum
	requires []string // of the project; nil: all of the shape
	args     []string // default go mod download
	env      []string // with and without the fault; GOMAXPROCS is 4 unless it is here
	setup    func(*labRun)
	config   func(*labRun, *origintest.Config)
	flags    []string // of modtap run
	always   []string // knobs that are no fault: of both runs

	// The fault.
	knobs        []string // see origintest.ParseKnob
	handshakes   []string // see origintest.ParseHandshake
	dns          map[string]origintest.DNSHost
	faultEnv     []string
	flagsOfFault []string      // of modtap run
	fault        func(*labRun) // anything else; it may register what undoes it with t.Cleanup
	net          string        // of netlab; the origin is then on the far side of it
	netHealthy   string        // of netlab without the fault

	fails bool          // the command fails of it
	lost  time.Duration // what it costs where the run without it cannot tell, as the command fails

	// The remedy, applied with the fault still there: must bring the cost back.
	remedy     []string // variables, which a command of the finding must name
	unnamed    string   // why none does, if so
	remedyArgs []string // another command
	remedyFunc func(*labRun)

	programs func() (string, error) // see labPrograms
}

// A labRun is one run of a scenario.
type labRun struct {
	t      *testing.T
	s      *scenario
	faulty bool
	fixed  bool // the remedy is applied
	origin *origintest.Origin
	parent *origintest.ConnectProxy
	dir    string // the project
	home   string
	env    []string
	repos  *origintest.GitRepos // see withGit
	meta   string               // a go-import page
	dns    map[string]origintest.DNSHost
}

// A labResult is what a run came to, read as a user would: from modtap report.
type labResult struct {
	exit   int
	report labReport
	output string
}

// labRepeats is how often each run of a scenario is repeated: medians count. The whole
// lab with 5 takes an hour; CI runs each once.
func labRepeats() int {
	if n, err := strconv.Atoi(os.Getenv("MODTAP_LAB")); err == nil && n > 0 {
		return n
	}
	return 1
}

// A labRow is one line of the table.
type labRow struct {
	scenario, findings                        string
	wall, clean, reported, injected, remedied string
	idle                                      float64
}

// labTable collects the rows of all scenarios, which run beside each other.
type labTable struct {
	mu   sync.Mutex
	rows []labRow
}

func (l *labTable) add(r labRow) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = append(l.rows, r)
}

func (l *labTable) String() string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\tfindings (! bad, () info)\twall\twithout\tcost reported\tcost injected\twith the remedy\tidle")
	slices.SortFunc(l.rows, func(a, b labRow) int { return strings.Compare(a.scenario, b.scenario) })
	for _, r := range l.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.1f %%\n", r.scenario, r.findings, r.wall, r.clean, r.reported, r.injected, r.remedied, 100*r.idle)
	}
	w.Flush()
	return b.String()
}

func secs(ms float64) string { return fmt.Sprintf("%.2f s", ms/1000) }

// TestFaults runs every scenario with its fault and without it, and with the remedy.
func TestFaults(t *testing.T) {
	origintest.NeedGo(t)
	needLab(t, 6)
	table, programs := &labTable{}, labPrograms(t)
	slots := make(chan struct{}, 2) // most of them sleep most of the time
	t.Run("lab", func(t *testing.T) {
		for _, s := range slices.Concat(labFaults, labGoFaults, labGitFaults, labMachineFaults, labNetFaults, labHealthy) {
			s.programs = programs
			t.Run(strings.TrimSpace(s.id+" "+s.name), func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				s.need(t)
				table.add(s.prove(t))
			})
		}
	})
	t.Logf("\n%s", table)
}

// labRuns are the runs of a scenario, repeated.
type labRuns struct{ faulty, clean, fixed []labResult }

// repeat adds one run of each sort.
func (s *scenario) repeat(t *testing.T, r *labRuns) {
	r.faulty = append(r.faulty, s.run(t, s.id != "", false))
	if s.id != "" && !s.fails {
		r.clean = append(r.clean, s.run(t, false, false))
	}
	if s.remedy != nil || s.remedyArgs != nil || s.remedyFunc != nil {
		r.fixed = append(r.fixed, s.run(t, true, true))
	}
}

// prove runs the scenario and checks what the issue asks for. What one run alone shows may be
// a hiccup of the machine: then there are three, and the medians count.
func (s *scenario) prove(t *testing.T) labRow {
	var r labRuns
	for range labRepeats() {
		s.repeat(t, &r)
	}
	row, wrong := s.judge(&r)
	for len(wrong) > 0 && len(r.faulty) < 3 {
		s.repeat(t, &r)
		if len(r.faulty) == 3 {
			row, wrong = s.judge(&r)
		}
	}
	for _, w := range wrong {
		t.Error(w)
	}
	return row
}

// judge makes the row of the table and says what is wrong.
func (s *scenario) judge(r *labRuns) (row labRow, wrong []string) {
	row = labRow{scenario: strings.TrimSpace(s.id + " " + s.name), findings: r.faulty[0].report.ids(), wall: secs(median(r.faulty, wallOf))}
	wrong = mostly(r.faulty, s.check)
	row.idle = median(r.faulty, func(r *labResult) float64 { return r.report.bucket("idle") / r.report.Wall })
	if row.idle > 0.03 {
		wrong = append(wrong, fmt.Sprintf("idle is %.1f %% of the wall time", 100*row.idle))
	}
	if s.id == "" {
		return row, wrong
	}
	reported := median(r.faulty, func(r *labResult) float64 { return r.report.finding(s.id).Cost })
	row.reported = secs(reported)
	lost := float64(s.lost.Milliseconds())
	if len(r.clean) > 0 {
		row.clean = secs(median(r.clean, wallOf))
		if lost == 0 {
			lost = median(r.faulty, wallOf) - median(r.clean, wallOf)
		}
	}
	row.injected = secs(lost)
	if lost >= 2000 && math.Abs(reported-lost) > 0.2*lost {
		wrong = append(wrong, fmt.Sprintf("a cost of %s is reported, %s was lost", secs(reported), secs(lost)))
	}
	if len(r.fixed) > 0 {
		wrong = append(wrong, s.checkRemedy(&row, r, reported)...)
	}
	return row, wrong
}

// mostly is what check finds wrong with the last run that it finds fault with, when it does
// with more than half of them.
func mostly(runs []labResult, check func(*labResult) []string) (wrong []string) {
	bad := 0
	for i := range runs {
		if w := check(&runs[i]); len(w) > 0 {
			bad, wrong = bad+1, w
		}
	}
	if 2*bad <= len(runs) {
		return nil
	}
	return wrong
}

// check looks at one run with the fault, or at one of a healthy scenario.
func (s *scenario) check(r *labResult) (wrong []string) {
	if failed := r.exit != 0; failed != s.fails {
		wrong = append(wrong, fmt.Sprintf("exit status %d\n%s", r.exit, r.output))
	}
	var sum float64
	for _, b := range r.report.Accounting.Buckets {
		sum += b.MS
	}
	if math.Abs(sum-r.report.Wall) > 0.01*r.report.Wall {
		wrong = append(wrong, fmt.Sprintf("the buckets sum to %s of %s", secs(sum), secs(r.report.Wall)))
	}
	if s.id != "" {
		if !r.report.blames(s.id) {
			return append(wrong, fmt.Sprintf("findings: %s\n%s", r.report.ids(), r.output))
		}
		f, helps := r.report.finding(s.id), s.remedy
		if s.unnamed != "" {
			helps = nil
		}
		return append(wrong, f.lacks(helps)...)
	}
	for _, f := range r.report.Findings {
		if f.Severity != "info" {
			wrong = append(wrong, fmt.Sprintf("healthy, but %s: %s (%s)", f.Severity, f.Title, f.ID))
		}
	}
	return wrong
}

// checkRemedy holds what the remedy brought against what was promised.
func (s *scenario) checkRemedy(row *labRow, r *labRuns, promised float64) []string {
	row.remedied = secs(median(r.fixed, wallOf))
	wrong := mostly(r.fixed, func(r *labResult) []string {
		if r.exit == 0 {
			return nil
		}
		return []string{fmt.Sprintf("with the remedy: exit status %d\n%s", r.exit, r.output)}
	})
	if s.fails { // it works now
		return wrong
	}
	gained := median(r.faulty, wallOf) - median(r.fixed, wallOf)
	if promised >= 2000 && math.Abs(gained-promised) > 0.25*promised {
		wrong = append(wrong, fmt.Sprintf("the remedy gained %s, %s was promised", secs(gained), secs(promised)))
	}
	return wrong
}

func wallOf(r *labResult) float64 { return r.report.Wall }

func median(all []labResult, of func(*labResult) float64) float64 {
	var v []float64
	for i := range all {
		v = append(v, of(&all[i]))
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// run runs the scenario's command once, with empty caches, and reads the report of it.
func (s *scenario) run(t *testing.T, faulty, fixed bool) labResult {
	t.Helper()
	r := &labRun{t: t, s: s, faulty: faulty, fixed: fixed}
	r.prepare()
	file := filepath.Join(t.TempDir(), "x.har")
	args := r.command(file)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env = r.dir, r.env
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	out, err := c.CombinedOutput()
	res := labResult{output: string(out)}
	if exit, ok := err.(*exec.ExitError); ok {
		res.exit = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	c = exec.CommandContext(ctx, "modtap", "report", "--format", "json", file)
	c.Env = r.env
	var stderr bytes.Buffer
	c.Stderr = &stderr
	b, err := c.Output()
	if err != nil {
		t.Fatalf("modtap report: %v: %s\n%s", err, stderr.String(), out)
	}
	if err := json.Unmarshal(b, &res.report); err != nil {
		t.Fatalf("modtap report: %v\n%s", err, b)
	}
	if keep := os.Getenv("MODTAP_LAB_KEEP"); keep != "" { // to look at afterwards
		name := fmt.Sprintf("%s-%v-%v.har", strings.ReplaceAll(strings.TrimSpace(s.id+" "+s.name), " ", "-"), faulty, fixed)
		if b, err := os.ReadFile(file); err == nil {
			_ = os.WriteFile(filepath.Join(keep, name), b, 0o644)
		}
	}
	return res
}
