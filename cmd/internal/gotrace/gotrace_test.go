package gotrace

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func micro(us int64) time.Time { return time.UnixMicro(us) }

const trace = `[
{"name":"Running get command","ph":"B","ts":1000000,"pid":0,"tid":0}
,{"name":"modfetch.download a@v1","ph":"B","ts":1000100.5,"pid":0,"tid":1}
,{"name":"unzip","ph":"B","ts":1000200,"pid":0,"tid":1}
,{"name":"a -> b","ph":"s","ts":1000250,"pid":0,"tid":1,"id":1,"cat":"flow"}
,{"name":"unzip","ph":"E","ts":1000300,"pid":0,"tid":2}
,{"name":"unzip","ph":"E","ts":1000400,"pid":0,"tid":1}
,{"name":"modfetch.download a@v1","ph":"E","ts":1000500,"pid":0,"tid":1}
,{"name":"Running get command","ph":"E","ts":1000900,"pid":0,"tid":0}
]`

func TestRead(t *testing.T) {
	whole := []Span{
		{"Running get command", micro(1000000), 900 * time.Microsecond},
		{"modfetch.download a@v1", micro(1000100).Add(500), 399500},
		{"unzip", micro(1000200), 200 * time.Microsecond},
	}
	cut := []Span{
		{"Running get command", micro(1000000), time.Second},
		{"modfetch.download a@v1", micro(1000100).Add(500), time.Second - 100500},
		{"unzip", micro(1000200), 200 * time.Microsecond},
	}
	twice := `[{"name":"x","ph":"B","ts":10},{"name":"x","ph":"B","ts":11},{"name":"x","ph":"E","ts":20},{"name":"x","ph":"E","ts":22}]`
	for _, tt := range []struct {
		name, text string
		want       []Span
	}{
		{"whole", trace, whole},
		{"killed", trace[:strings.Index(trace, `,{"name":"modfetch.download a@v1","ph":"E"`)+20], cut},
		{"two of a name", twice, []Span{{"x", micro(10), 10 * time.Microsecond}, {"x", micro(11), 11 * time.Microsecond}}},
		{"ends before its start", `[{"name":"x","ph":"B","ts":10},{"name":"x","ph":"E","ts":5}]`, []Span{{"x", micro(10), 0}}},
		{"no instants", `[{"name":"x","ph":"B","ts":-1},{"name":"x","ph":"B","ts":1e300},{"name":"x","ph":"E","ts":0}]`, nil},
		{"empty", "", nil},
	} {
		got, err := Read(strings.NewReader(tt.text), micro(2000000))
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
}

// TestTornTraces: of what another go command wrote into the trace, or what is not all read,
// no step that was not seen to end lasts until the end of the command.
func TestTornTraces(t *testing.T) {
	head := trace[:strings.Index(trace, `,{"name":"modfetch.download a@v1","ph":"E"`)]
	tail := trace[len(head):]
	const inner = `[
{"name":"inner","ph":"B","ts":1000000}
,{"name":"inner","ph":"E","ts":1000001}
]`
	for _, tt := range []struct {
		name, text string
		spans      int
	}{
		{"a hole", inner[:len(inner)-1] + strings.Repeat("\x00", 200) + tail, 1},
		{"a hole behind the end", inner + strings.Repeat("\x00", 200) + tail, 1},
		{"no hole behind the end", inner + tail, 1},
		{"the end of another in it", head + `"ts":12}` + tail, 1},
		{"another value in it", head + `,{"name":7}` + tail, 1},
		{"another brace in it", head + "}" + tail, 1},
		{"nothing but a hole", strings.Repeat("\x00", 200), 0},
		{"another file", `{"traceEvents":[]}`, 0},
	} {
		got, err := Read(strings.NewReader(tt.text), micro(2000000))
		if len(got) != tt.spans || err == nil {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
	for _, limit := range []int{len(head), len(trace) - 1} {
		got, err := read(strings.NewReader(trace), micro(2000000), int64(limit))
		if len(got) == 0 || got[0].Took > time.Millisecond || !errors.Is(err, errLong) {
			t.Errorf("%d bytes are read: %v, %v", limit, got, err)
		}
	}
	if got, err := read(strings.NewReader(trace), micro(2000000), int64(len(trace))); len(got) != 3 || err != nil {
		t.Errorf("all bytes are read: %v, %v", got, err)
	}
}

func TestReadTellsErrors(t *testing.T) {
	broken := errors.New("broken")
	got, err := Read(io.MultiReader(strings.NewReader(trace[:len(trace)-1]), iotest.ErrReader(broken)), micro(2000000))
	if !errors.Is(err, broken) || len(got) != 3 {
		t.Errorf("%d spans, %v", len(got), err)
	}
	got, err = Read(io.MultiReader(strings.NewReader(trace[:200]), iotest.ErrReader(broken)), micro(2000000))
	if !errors.Is(err, broken) || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// TestTheLongestAreKept: of a build with very many steps.
func TestTheLongestAreKept(t *testing.T) {
	var b strings.Builder
	b.WriteString("[")
	for i := range 5 * maxSpans {
		fmt.Fprintf(&b, `{"name":"s","ph":"B","ts":%d,"tid":%d},{"name":"s","ph":"E","ts":%d,"tid":%d},`, 1000+i, i, 1000+2*i, i)
	}
	got, err := Read(strings.NewReader(b.String()), micro(1))
	if err != nil || len(got) != maxSpans || got[0].Took != time.Duration(4*maxSpans)*time.Microsecond {
		t.Errorf("%d spans, %v; the first took %v", len(got), err, got[0].Took)
	}
}

func TestFlags(t *testing.T) {
	for _, tt := range []struct{ goflags, file, want string }{
		{"", "/tmp/t", "-debug-trace=/tmp/t"},
		{"-mod=mod -v", "/tmp/t", "-mod=mod -v -debug-trace=/tmp/t"},
		{"-mod=mod", "/a b/t", "-mod=mod '-debug-trace=/a b/t'"},
		{"-mod=mod", `C:\it's\t`, `-mod=mod "-debug-trace=C:\it's\t"`},
	} {
		if got, err := Flags(tt.goflags, tt.file); got != tt.want || err != nil {
			t.Errorf("Flags(%q, %q) = %q, %v; want %q", tt.goflags, tt.file, got, err, tt.want)
		}
	}
	if _, err := Flags("", `/it's "t"`); err == nil {
		t.Error("a name with both quotes passed")
	}
}

// TestTheGoCommand: the real one takes the flag beside the user's, from a folder with a
// space, and its times are of the wall clock.
func TestTheGoCommand(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs go")
	}
	dir := filepath.Join(t.TempDir(), "a b")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module x\n\ngo 1.21\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.go"), []byte("package x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "trace.json")
	flags, err := Flags("-mod=mod", file)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("go", "list", "./...")
	c.Dir, c.Env = dir, append(os.Environ(), "GOFLAGS="+flags, "GOWORK=off")
	start := time.Now()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	end := time.Now()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	spans, err := Read(f, end)
	if err != nil || len(spans) == 0 || spans[0].Name != "Running list command" {
		t.Fatalf("got %v, %v", spans, err)
	}
	for _, s := range spans {
		const slack = 20 * time.Millisecond // clocks of some systems are that coarse
		if s.Start.Before(start.Add(-slack)) || s.Start.Add(s.Took).After(end.Add(slack)) {
			t.Errorf("%s from %v to %v is not within the command, %v to %v", s.Name, s.Start, s.Start.Add(s.Took), start, end)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(trace)
	f.Add(trace[:200])
	f.Add(trace[:200] + "\x00\x00" + trace[200:])
	f.Add(trace + trace)
	f.Add(`[{"name":"x","ph":"B","ts":1e15,"tid":18446744073709551615}`)
	f.Fuzz(func(t *testing.T, text string) {
		spans, err := Read(strings.NewReader(text), micro(2000000))
		if len(spans) > maxSpans {
			t.Fatalf("%d spans", len(spans))
		}
		if strings.Contains(text, "\x00") && err == nil {
			t.Errorf("a hole is no error: %v", spans)
		}
		for i, s := range spans {
			if s.Took < 0 || len(s.Name) > 3*maxName || i > 0 && s.Start.Before(spans[i-1].Start) {
				t.Errorf("span %d is %+v", i, s)
			}
		}
	})
}
