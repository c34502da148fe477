package child

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// programs makes a folder with copies of this program under other names.
func programs(t *testing.T, names ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range names {
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		if runtime.GOOS != "windows" && os.Link(self, filepath.Join(dir, name)) == nil {
			continue // Wine would take it for the program that it is a link of
		}
		in, err := os.Open(self)
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY, 0o755)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(out, in); err != nil {
			t.Fatal(err)
		}
		in.Close()
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// watch runs a script of work under the name top and returns what was seen, which must
// have no gaps.
func watch(t *testing.T, dir, script string) ([]Sample, Result, time.Duration) {
	t.Helper()
	s := Catch()
	defer s.Stop()
	p, err := Start(Command{
		Path: filepath.Join(dir, "top"), Args: []string{"top"}, Stderr: os.Stderr,
		// A program built with -race would sleep a second at its end.
		Env: append(os.Environ(), "CHILD_TEST="+script, "CHILD_TEST_DIR="+dir, "GORACE=atexit_sleep_ms=0"),
	})
	if err != nil {
		t.Fatal(err)
	}
	w := p.Watch()
	r := p.Wait(s)
	samples, cost := w.End(r)
	if r.ExitCode != 0 {
		t.Fatalf("%s: exit code %d", script, r.ExitCode)
	}
	at := r.Start
	for i, s := range samples {
		if begin := s.End.Add(-s.Took); !begin.Equal(at) {
			t.Errorf("sample %d begins at %v, the one before ends at %v", i, begin.Sub(r.Start), at.Sub(r.Start))
		}
		at = s.End
	}
	if !at.Equal(r.End) {
		t.Errorf("the last sample ends at %v, the child at %v", at.Sub(r.Start), r.End.Sub(r.Start))
	}
	return samples, r, cost
}

// all sums samples up.
func all(samples []Sample) Sample {
	sum := samples[0]
	for _, s := range samples[1:] {
		sum = merge(sum, s)
	}
	return sum
}

func tool(s Sample, name string) Tool {
	for _, t := range s.Tools {
		if t.Name == name {
			return t
		}
	}
	return Tool{}
}

func needTree(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" && runtime.GOOS != "windows" {
		t.Skip("what children that ended have used is not known here")
	}
}

func TestSumsAgreeWithWhatTheChildUsed(t *testing.T) {
	needTree(t)
	for _, tt := range []struct {
		script string
		least  time.Duration
	}{
		{"sleep:1ms", 0},
		{"burn:400ms", 400 * time.Millisecond},
		{"sleep:300ms,burn:200ms,sleep:200ms", 200 * time.Millisecond},
		{"run:git=burn:300ms", 300 * time.Millisecond},
		{"run:git=run:git-remote-https=burn:300ms", 300 * time.Millisecond},
		{"each:compile=burn:30ms", 600 * time.Millisecond}, // most are never seen alive at their end
		{"burn:100ms,run:go=each:link=burn:20ms", 500 * time.Millisecond},
	} {
		t.Run(tt.script, func(t *testing.T) {
			samples, r, cost := watch(t, programs(t, "top", "go", "git", "git-remote-https", "compile", "link"), tt.script)
			got, want := all(samples).CPU, r.User+r.System
			t.Logf("%d samples, %v of %v; looking cost %v in %v", len(samples), got, want, cost, r.End.Sub(r.Start))
			if got < tt.least*95/100 {
				t.Errorf("samples have %v of processor time, at least %v was used", got, tt.least)
			}
			if runtime.GOOS == "windows" {
				return // the result has no times of children
			}
			// The clock of times waited for has steps of 10 ms.
			if diff := (got - want).Abs(); diff > max(want*3/100, 20*time.Millisecond) {
				t.Errorf("samples have %v of processor time, the child used %v", got, want)
			}
		})
	}
}

func TestProcessorTimeIsWhereItWasUsed(t *testing.T) {
	needTree(t)
	samples, r, _ := watch(t, programs(t, "top"), "sleep:600ms,burn:500ms,sleep:600ms")
	var early, late time.Duration
	for _, s := range samples {
		if s.End.Sub(r.Start) < 500*time.Millisecond {
			early += s.CPU
		}
		if r.End.Sub(s.End.Add(-s.Took)) < 500*time.Millisecond {
			late += s.CPU
		}
	}
	if sum := all(samples).CPU; early > sum/5 || late > sum/5 {
		t.Errorf("%v in the half second before, %v in the one after, of %v", early, late, sum)
	}
}

func TestToolsAreTold(t *testing.T) {
	needTree(t)
	dir := programs(t, "top", "go", "git", "git-remote-https")
	samples, r, _ := watch(t, dir, "run:go=run:git=run:git-remote-https=burn:400ms")
	sum := all(samples)
	names := func(s Sample) (out []string) {
		for _, t := range s.Tools {
			if t.Name != UnknownTool {
				out = append(out, t.Name)
			}
		}
		return out
	}
	if diff := cmp.Diff([]string{"git", "git-remote-https"}, names(sum)); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	if g := tool(sum, "git-remote-https"); g.CPU < (r.User+r.System)/4 || g.Count != 1 { // on a busy machine it is far less than 400 ms, and starting four programs is the rest
		t.Errorf("git-remote-https is %+v of %v", g, r.User+r.System)
	}
}

// TestShortProcesses: what ended between two looks is not lost, whoever it was.
func TestShortProcesses(t *testing.T) {
	needTree(t)
	samples, r, _ := watch(t, programs(t, "top", "compile"), "each:compile=burn:40ms")
	sum := all(samples)
	known := tool(sum, "compile").CPU + tool(sum, UnknownTool).CPU
	if want := r.User + r.System; runtime.GOOS == "linux" && (known < want*6/10 || known > want+20*time.Millisecond) {
		t.Errorf("tools have %v of %v: %+v", known, want, sum.Tools)
	}
}

func TestHalve(t *testing.T) {
	at := time.Unix(1000, 0)
	sample := func(sec int, cpu time.Duration, read int64, tools ...Tool) Sample {
		return Sample{End: at.Add(time.Duration(sec) * time.Second), Took: time.Second, CPU: cpu, Read: read, Written: 1, Disk: time.Second, Tools: tools}
	}
	git, ended := Tool{Name: "git", Count: 2, CPU: 3}, Tool{Name: "git", Count: 2, CPU: 4, ended: 1}
	got := halve([]Sample{sample(1, 10, 5, git), sample(2, 20, 6, ended, Tool{Name: "ssh", Count: 1}), sample(3, 30, -1), sample(4, 40, 1), sample(5, 50, 2)})
	want := []Sample{
		{End: at.Add(2 * time.Second), Took: 2 * time.Second, CPU: 30, Read: 11, Written: 2, Disk: 2 * time.Second, Tools: []Tool{{Name: "git", Count: 2, CPU: 7, ended: 1}, {Name: "ssh", Count: 1}}},
		{End: at.Add(4 * time.Second), Took: 2 * time.Second, CPU: 70, Read: -1, Written: 2, Disk: 2 * time.Second},
		sample(5, 50, 2),
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(Tool{}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestSamplesAreBounded: a long run has longer ones.
func TestSamplesAreBounded(t *testing.T) {
	w := &Watch{scale: 1, started: time.Unix(0, 0)}
	for i := range 100_000 {
		w.add(Sample{End: time.Unix(int64(i+1), 0), Took: time.Second, CPU: time.Millisecond})
	}
	if n := len(w.samples); n < maxSamples/2 || n > maxSamples {
		t.Errorf("%d samples are kept", n)
	}
	if sum := all(w.samples); sum.CPU != 100_000*time.Millisecond || sum.Took != 100_000*time.Second {
		t.Errorf("their sum is %v in %v", sum.CPU, sum.Took)
	}
	if got := w.pause(0); got < time.Second {
		t.Errorf("after all those the next look is in %v", got)
	}
}

func TestDearLooksAreRare(t *testing.T) {
	for _, tt := range []struct{ age, cost, want time.Duration }{
		{0, 50 * time.Microsecond, fineStep},
		{0, time.Millisecond, 100 * time.Millisecond},
		{time.Minute, 50 * time.Microsecond, step},
		{time.Minute, 5 * time.Millisecond, 500 * time.Millisecond},
		{time.Minute, time.Second, maxStep},
	} {
		w := &Watch{scale: 1, started: time.Now().Add(-tt.age)}
		if got := w.pause(tt.cost); got != tt.want {
			t.Errorf("a look that cost %v after %v: the next in %v, want %v", tt.cost, tt.age, got, tt.want)
		}
	}
}
