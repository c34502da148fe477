//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"modtap/recorder"
	"modtap/recorder/har"
)

// recordRun runs modtap run with these arguments in dir, and returns the recording and
// what it said on stdout and stderr.
func recordRun(t *testing.T, dir string, env []string, args ...string) (r *har.Recording, stdout, stderr string) {
	t.Helper()
	home := t.TempDir()
	file := filepath.Join(home, "x.har")
	c := exec.Command("modtap", append([]string{"run", "-o", file}, args...)...)
	c.Dir = dir
	c.Env = append(append(os.Environ(), "MODTAP_HOME="+home, "GOENV=off", "GOWORK=off", "GOFLAGS=", "GOPROXY=off"), env...)
	var out, err bytes.Buffer
	c.Stdout, c.Stderr = &out, &err
	if e := c.Run(); e != nil {
		t.Fatalf("%v\n%s", e, err.String())
	}
	r, e := har.Open(file)
	if e != nil {
		t.Fatal(e)
	}
	if r.Process == nil || r.End == nil {
		t.Fatalf("the recording is not complete: %+v", r)
	}
	return r, out.String(), err.String()
}

// tinyModule is a folder with a module that lists in no time.
func tinyModule(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs go")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.test/x\n\ngo 1.21\n", "go.sum": "a v1 h1:x=\n", "x.go": "package x\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestRunRecordsWhatTheProcessesDid: samples from the start of the child to its end,
// whose processor time is what the system says that it used.
func TestRunRecordsWhatTheProcessesDid(t *testing.T) {
	const script = `burn() { i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; }; burn; sleep 0.3; (burn; exit); burn`
	r, _, _ := recordRun(t, t.TempDir(), nil, "--", "sh", "-c", script)
	p := r.Process
	if len(p.Samples) == 0 {
		t.Fatal("there are no samples")
	}
	var cpu recorder.Span
	at := p.Start
	for i, s := range p.Samples {
		if begin := s.At - s.Took; (begin - at).Duration().Abs() > time.Microsecond { // the HAR rounds
			t.Errorf("sample %d begins at %v, the one before ends at %v", i, begin, at)
		}
		at = s.At
		cpu += s.CPU
	}
	if (at - p.End).Duration().Abs() > time.Microsecond {
		t.Errorf("the last sample ends at %v, the process at %v", at, p.End)
	}
	used := p.User + p.System
	if diff := (cpu - used).Duration().Abs(); diff > max(used.Duration()*3/100, 20*time.Millisecond) {
		t.Errorf("samples have %v of processor time, the process used %v", cpu, used)
	}
	t.Logf("%d samples of %v; they cost %v", len(p.Samples), p.End-p.Start, p.SampleCost)
}

// TestRunRecordsItsMachine: also when the command ends before go env does.
func TestRunRecordsItsMachine(t *testing.T) {
	dir := tinyModule(t)
	for _, argv := range [][]string{{"true"}, {"go", "list", "./..."}} {
		r, _, _ := recordRun(t, dir, []string{"GOPROXY=https://mirror.test,off", "GOMAXPROCS=5"}, append([]string{"--"}, argv...)...)
		e := r.Session.Environ
		if e == nil {
			t.Fatalf("%s: nothing is known of it", argv)
		}
		if e.Go["GOPROXY"] != "https://mirror.test,off" || e.GoSum != 1 || e.GoDirective != "1.21" || e.MaxProcs != 5 || e.Shell == "" {
			t.Errorf("%s: got %+v", argv, e)
		}
	}
}

// TestFactsOfAnotherFolder: those of the folder that the go command changes to, also when
// the command itself is named from here.
func TestFactsOfAnotherFolder(t *testing.T) {
	dir := tinyModule(t)
	file, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, filepath.Join(filepath.Dir(dir), "go")); err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{{"go", "-C", filepath.Base(dir), "list"}, {"./go", "list", "-C=" + filepath.Base(dir)}} {
		r, _, _ := recordRun(t, filepath.Dir(dir), nil, append([]string{"--"}, argv...)...)
		if e := r.Session.Environ; e == nil || e.GoDirective != "1.21" || e.GoSum != 1 || !strings.HasPrefix(e.Go["GOVERSION"], "go1.") {
			t.Errorf("%s: got %+v", argv, e)
		}
	}
}

// TestSlowGoEnv does not hold the user's command for long, nor is anything lost but itself.
func TestSlowGoEnv(t *testing.T) {
	dir, bin := tinyModule(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\nexec sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	r, _, _ := recordRun(t, dir, []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH")}, "--", "true")
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
	if e := r.Session.Environ; e == nil || e.Go != nil || e.GoDirective != "1.21" {
		t.Errorf("got %+v", e)
	}
}

func TestGoTrace(t *testing.T) {
	dir := tinyModule(t)
	settings := filepath.Join(t.TempDir(), "env") // as of go env -w
	if err := os.WriteFile(settings, []byte("GOFLAGS=-mod=mod\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	env := []string{"GOENV=" + settings}
	r, out, _ := recordRun(t, dir, env, "--go-trace", "--", "sh", "-c", "go env GOFLAGS && go list ./...")
	if flags, _, _ := strings.Cut(out, "\n"); !strings.HasPrefix(flags, "-mod=mod -debug-trace=") {
		t.Errorf("GOFLAGS of the child is %q", flags)
	}
	p := r.Process
	i := slices.IndexFunc(p.Spans, func(s recorder.GoSpan) bool { return s.Name == "Running list command" })
	if i < 0 {
		t.Fatalf("spans are %+v", p.Spans)
	}
	const slack = recorder.Span(20 * time.Millisecond) // clocks of some systems are that coarse
	if s := p.Spans[i]; s.Took <= 0 || s.Start < p.Start-slack || s.Start+s.Took > p.End+slack {
		t.Errorf("%+v is not within the command, %v to %v", s, p.Start, p.End)
	}
	if flags := r.Session.Environ.Go["GOFLAGS"]; flags != "-mod=mod" {
		t.Errorf("the user's GOFLAGS is recorded as %q", flags)
	}

	r, _, said := recordRun(t, dir, env, "--go-trace", "--", "go", "mod", "download")
	if r.Process.Spans != nil || !strings.Contains(said, "warning: --go-trace: the command wrote no trace") {
		t.Errorf("of go mod download: %+v, %s", r.Process.Spans, said)
	}
	if r, _, _ := recordRun(t, dir, env, "--", "go", "list", "./..."); r.Process.Spans != nil {
		t.Errorf("without the flag there are %+v", r.Process.Spans)
	}
}

func TestClockStep(t *testing.T) {
	now := time.Now()
	if got := clockStep(now, now.Add(time.Second)); got != 0 {
		t.Errorf("a clock that nobody set ran ahead by %v", got)
	}
	// Without the reading of the other clock there is nothing to compare with.
	if got := clockStep(now.Round(0), now.Add(time.Second)); got != 0 {
		t.Errorf("got %v", got)
	}
	for _, step := range []time.Duration{time.Hour, -time.Hour} {
		if got := clockStep(now, stepped(t, now.Add(time.Second), step)); got != step {
			t.Errorf("a clock that was set by %v ran ahead by %v", step, got)
		}
	}
}

// stepped is t with the wall clock set by d and the other clock left alone. No function of
// the time package makes one: a [time.Time] with both readings begins with a word that has
// the seconds above 30 bits of nanoseconds.
func stepped(t *testing.T, at time.Time, d time.Duration) time.Time {
	t.Helper()
	set := at
	*(*uint64)(unsafe.Pointer(&set)) += uint64(d/time.Second) << 30
	if set.Sub(at) != 0 || set.Round(0).Sub(at.Round(0)) != d {
		t.Fatal("a time.Time is laid out in another way")
	}
	return set
}

// TestStepsOfASetClock are left out, and that is told.
func TestStepsOfASetClock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trace.json")
	at := time.Now()
	writeFile(t, file, fmt.Sprintf(`[{"name":"go build","ph":"B","ts":%d},{"name":"go build","ph":"E","ts":%d}]`, at.UnixMicro(), at.UnixMicro()+1000))
	for _, c := range []struct {
		step  time.Duration
		spans int
	}{{0, 1}, {time.Hour, 0}, {-time.Hour, 0}} {
		var said bytes.Buffer
		s := &session{app: &app{stderr: &said}, info: &recorder.Session{Start: stepped(t, at, -c.step)}, goTrace: file}
		if got := s.goSpans(time.Now()); len(got) != c.spans || strings.Contains(said.String(), fmt.Sprintf("the clock was set by %v while", c.step)) != (c.step != 0) {
			t.Errorf("set by %v: %v, %s", c.step, got, said.String())
		}
	}
}
