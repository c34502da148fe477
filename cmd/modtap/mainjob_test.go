package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/intercept/origintest"
	"modtap/recorder"
	"modtap/recorder/har"
)

// The commands of the main job, each from a project that makes it work.
var mainJobTests = []struct {
	name     string
	args     []string
	requires func(origintest.Shape) []string
}{
	{"mod download", []string{"go", "mod", "download"}, origintest.Shape.All},
	{"mod tidy", []string{"go", "mod", "tidy"}, unversioned},
	{"get latest", []string{"go", "get", "example.golang.test/m0@latest"}, none},
	{"list -u", []string{"go", "list", "-m", "-u", "all"}, origintest.Shape.All},
}

func none(origintest.Shape) []string { return nil }

// unversioned are the roots as imports that go mod tidy must find.
func unversioned(s origintest.Shape) []string {
	var paths []string
	for _, r := range s.Roots() {
		path, _, _ := strings.Cut(r, "@")
		paths = append(paths, path)
	}
	return paths
}

// A goRun is what one run of a go command left behind.
type goRun struct {
	requests []string          // method, URL and status as the origin counted them, sorted
	protos   map[string]bool   // of the requests
	conns    int               // that the origin saw
	files    map[string]string // of the module cache, go.mod and go.sum: path to hash
	output   string
}

// TestMainJob runs the real go command directly and through modtap run, in both modes,
// against the same origin: the same requests, the same files, about the same connections,
// and a recording with an entry for every request, each attributed.
func TestMainJob(t *testing.T) {
	origintest.NeedGo(t)
	if testing.Short() {
		t.Skip("runs the go command many times")
	}
	shape := origintest.Shape{Modules: 12, Depth: 3}
	tree, err := origintest.NewTree(shape.Generate())
	if err != nil {
		t.Fatal(err)
	}
	for _, proto := range []string{"h2", "http/1.1"} {
		for _, test := range mainJobTests {
			t.Run(proto+" "+test.name, func(t *testing.T) {
				o := origintest.Start(t, origintest.Config{Tree: tree, Protos: []string{proto}})
				dns := origintest.StartDNS(t, origintest.DNSConfig{})
				direct := runGo(t, o, origintest.StartConnectProxy(t, o).Env(), test.requires(shape), test.args)
				for _, mode := range []string{"forward", "reverse"} {
					file := filepath.Join(t.TempDir(), "x.har")
					tapped := runGo(t, o, nil, test.requires(shape),
						append([]string{"modtap", "run", "--mode", mode, "-o", file, "--resolver", dns.Addr(), "--"}, test.args...))
					want := direct
					if mode == "reverse" {
						want.requests = once4xx(direct.requests)
					}
					if diff := cmp.Diff(want.requests, tapped.requests); diff != "" {
						t.Errorf("requests, direct (-) and in %s mode (+):\n%s", mode, diff)
					}
					if diff := cmp.Diff(want.files, tapped.files); diff != "" {
						t.Errorf("files, direct (-) and in %s mode (+):\n%s", mode, diff)
					}
					// How many connections the go command opens speculatively is a race; over
					// HTTP/1.1 so is which of them it keeps.
					if most := max(direct.conns+2, direct.conns*6/5); proto == "h2" && tapped.conns > most {
						t.Errorf("%d connections in %s mode, %d without modtap", tapped.conns, mode, direct.conns)
					}
					checkRecording(t, file, tapped)
					t.Logf("%s: %d requests (%d direct), %d files, %d connections (%d direct)", mode, len(tapped.requests), len(direct.requests), len(tapped.files), tapped.conns, direct.conns)
				}
			})
		}
	}
}

// once4xx takes the repeats out of sorted requests: the go command sends each 4xx twice
// over https, and to modtap's own port, which is plain http, once.
func once4xx(requests []string) []string {
	var out []string
	for i := 0; i < len(requests); i++ {
		out = append(out, requests[i])
		if status := requests[i][strings.LastIndex(requests[i], " ")+1:]; status[0] == '4' && i+1 < len(requests) && requests[i+1] == requests[i] {
			i++
		}
	}
	return out
}

// runGo runs args in a new project with empty caches.
func runGo(t *testing.T, o *origintest.Origin, env, requires, args []string) goRun {
	t.Helper()
	o.Forget()
	dir := origintest.Project(t, "", requires...)
	full := origintest.GoEnv(t, o, env...)
	full = append(full, "MODTAP_HOME="+t.TempDir(), "GOMAXPROCS=4")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env = dir, full
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	if err := o.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	r := goRun{conns: o.Conns(), output: string(out), files: map[string]string{}, protos: map[string]bool{}}
	for _, q := range o.Requests() {
		r.requests = append(r.requests, fmt.Sprint(q.Method, " ", q.URL, " ", q.Status))
		r.protos[q.Proto] = true
	}
	slices.Sort(r.requests)
	hashTree(t, r.files, "project", dir)
	for _, kv := range slices.Backward(full) {
		if cache, ok := strings.CutPrefix(kv, "GOMODCACHE="); ok {
			hashTree(t, r.files, "modcache", cache)
			break
		}
	}
	return r
}

func hashTree(t *testing.T, into map[string]string, as, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		into[filepath.Join(as, rel)] = fmt.Sprintf("%x", sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkRecording compares a recording with what the origin counted.
func checkRecording(t *testing.T, file string, run goRun) {
	t.Helper()
	rec, err := har.Open(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, run.output)
	}
	var got []string
	for _, x := range rec.Exchanges {
		got = append(got, fmt.Sprint(x.Method, " ", x.URL, " ", x.Status))
		checkEntry(t, &x)
		if !run.protos[x.Proto] {
			t.Errorf("%s was recorded as %s; the origin saw %v", x.URL, x.Proto, run.protos)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(run.requests, got); diff != "" {
		t.Errorf("the origin's count (-) and the recording (+):\n%s", diff)
	}
	if len(rec.Conns) != run.conns {
		t.Errorf("%d connections recorded, the origin saw %d", len(rec.Conns), run.conns)
	}
	if rec.End == nil || rec.Process == nil || rec.Process.ExitCode != 0 {
		t.Errorf("the recording's end: %+v, process %+v", rec.End, rec.Process)
	}
}

func checkEntry(t *testing.T, x *recorder.Exchange) {
	t.Helper()
	u, _ := url.Parse(x.URL)
	switch step := x.Go.Kind.Step(); step {
	case "mod", "info", "zip":
		if x.Go.Module == "" || x.Go.Version == "" || !strings.HasSuffix(u.Path, "."+step) {
			t.Errorf("%s is attributed to %+v", x.URL, x.Go)
		}
	case "list", "latest", "git", "go-get":
		if x.Go.Module == "" {
			t.Errorf("%s is attributed to %+v", x.URL, x.Go)
		}
	case "sumdb":
		if strings.Contains(u.Path, "/lookup/") && (x.Go.Module == "" || x.Go.Version == "") {
			t.Errorf("%s is attributed to %+v", x.URL, x.Go)
		}
	default:
		t.Errorf("%s has kind %q", x.URL, x.Go.Kind)
	}
	if tm := x.Server.Timings(); tm.Total() != x.Server.End || x.Server.End == 0 {
		t.Errorf("%s: the phases %+v sum to %v, it took %v", x.URL, tm, tm.Total(), x.Server.End)
	}
	if !x.Done || x.Err != nil && !refusalGivenUp(x) {
		t.Errorf("%s: done %v, error %v", x.URL, x.Done, x.Err)
	}
}

// refusalGivenUp reports whether x is a 4xx whose body the go command closed, perhaps before
// it was there, to ask once more (cmd/go/internal/web/http.go).
func refusalGivenUp(x *recorder.Exchange) bool {
	return x.Err != nil && x.Err.Op == "canceled" && x.Status >= 400 && x.Status < 500
}
