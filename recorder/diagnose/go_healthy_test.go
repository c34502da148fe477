package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"modtap/recorder"
)

// healthyTests are runs in which nothing is wrong: nothing above information may be said.
var healthyTests = []struct {
	name  string
	world func() *world
	quiet bool // not even information
}{
	{"fast LAN, no go.sum", func() *world { return lookingUp(40, 1) }, true},
	{"80 ms away, complete go.sum", func() *world {
		w := newWorld()
		w.Session.Environ.GoSum = 120
		return w.ends(w.download(golang, 42, 4, 10, 80)+500, 0)
	}, false},
	{"80 ms away, two processors", func() *world {
		w := newWorld()
		w.Session.Environ.GoSum, w.Session.Environ.MaxProcs = 120, 2
		return w.ends(w.download(golang, 42, 2, 10, 80)+500, 0)
	}, false},
	{"warm cache", func() *world {
		return newWorld().ends(900, 0).samples(0, 900, func(s *recorder.Sample) { s.CPU = ms(80) })
	}, true},
	{"warm cache, and tests that fail", func() *world { return newWorld().argv("go", "test", "./...").ends(20_000, 1) }, true},
	{"a private git that works", func() *world {
		w := newWorld().set("GOPRIVATE", "git.example.org")
		w.ok(10, "https://git.example.org/team/x?go-get=1", 400, phases{wait: 30})
		w.git(50, "git.example.org/team/x", "v1.0.0", "git.example.org/team/x.git", 300, 20_000)
		return w.ends(w.download(golang, 10, 4, 500, 15)+100, 0)
	}, true},
	{"CI with GOFLAGS=-mod=mod", func() *world {
		w := newWorld().set("GOFLAGS", "-mod=mod").argv("go", "build", "./...")
		w.Session.Environ.GoSum, w.Session.Environ.MaxProcs = 200, 2
		w.ends(w.download(golang, 30, 2, 10, 12)+9000, 0)
		return w.samples(2000, 9000, func(s *recorder.Sample) {
			s.CPU, s.Disk, s.Tools = ms(180), ms(5), []recorder.Tool{{Name: "compile", Count: 2}}
		})
	}, true},
	{"go get of a package two folders down, 20 ms away", func() *world {
		w := newWorld().argv("go", "get", "github.com/a/m/x/y@latest")
		for i, p := range []string{"github.com/a/m/x/y", "github.com/a/m/x", "github.com/a"} {
			w.get(uint64(2+i), 10, fileAt(golang, p, "list"), 404, 20, phases{wait: 25})
			w.get(uint64(2+i), 36, fileAt(golang, p, "list"), 404, 20, phases{wait: 25})
		}
		w.ok(10, fileAt(golang, "github.com/a/m", "list"), 20, phases{wait: 22})
		w.body("v1.0.0\n")
		w.ok(62, fileAt(golang, "github.com/a/m@v1.0.0", "info"), 20, phases{wait: 22})
		w.ok(90, fileAt(golang, "github.com/a/m@v1.0.0", "zip"), 20_000, phases{wait: 22, receive: 20})
		return w.ends(400, 0)
	}, true},
	{"a corporate proxy first, which has half of the modules", func() *world {
		w := newWorld().set("GOPROXY", "https://goproxy.corp.internal,https://proxy.golang.org,direct")
		at := 10.0
		for i := range 20 {
			m := fmt.Sprintf("example.org/m%d@v1.0.0", i)
			if i%2 == 0 {
				w.ok(upNext(&at, 4), fileAt("goproxy.corp.internal", m, "zip"), 900, phases{wait: 4})
				continue
			}
			w.twice(upNext(&at, 8), fileAt("goproxy.corp.internal", m, "zip"), 404, 4)
			w.ok(upNext(&at, 20), fileAt(golang, m, "zip"), 900, phases{wait: 20})
		}
		return w.ends(at+100, 0)
	}, true},
	{"a proxy without the database, which then answers", func() *world {
		w := newWorld().set("GOPROXY", "https://goproxy.example.org").twice(10, "https://goproxy.example.org/sumdb/sum.golang.org/supported", 404, 10)
		w.ok(50, sumLookup+quote, 300, phases{wait: 30})
		return w.ends(w.download("goproxy.example.org", 10, 4, 100, 10)+50, 0)
	}, true},
}

func TestGoHealthy(t *testing.T) {
	for _, c := range healthyTests {
		t.Run(c.name, func(t *testing.T) {
			w := c.world()
			for _, r := range goRules {
				if f := goFinding(t, w, r.ID); f != nil && (f.Severity != recorder.Info || c.quiet) {
					t.Errorf("%s %s: %s", f.Severity, f.ID, f.Title)
				}
			}
		})
	}
}

// TestNewTagOfAHiddenEntry: without its path and its password an entry is another server.
func TestNewTagOfAHiddenEntry(t *testing.T) {
	w := taggedWorld("v1.0.0\nv1.1.0\n", 1).set("GOPROXY", "https://u:"+recorder.Redacted+"@proxy.golang.org,direct")
	f := goFinding(t, w, "new-tag")
	if f == nil || len(f.Commands) == 0 {
		t.Fatalf("%+v", f)
	}
	if all := strings.Join(f.Commands, "\n"); strings.Contains(all, "GOPROXY=https://") {
		t.Errorf("%s", all)
	}
}

// TestGoShells: the commands are for the user's shell. How one is spoken to is for
// remedy.go; here it matters that it is asked, for the inner command of two variables too.
func TestGoShells(t *testing.T) {
	for _, shell := range []string{"sh", "fish", "cmd", "powershell"} {
		w := taggedWorld("v1.0.0\nv1.1.0\n", 1)
		w.Session.Environ.Shell = shell
		a := layOut(w)
		want := []string{
			a.with("GOPROXY", "https://proxy.golang.org", "go list -m "+a.quote("example.org/m@v1.1.0")),
			a.with("GONOSUMDB", "example.org/m", a.with("GOPROXY", "direct", "go get "+a.quote("example.org/m@v1.1.0"))),
		}
		if f := goFinding(t, w, "new-tag"); f == nil || !slices.Equal(f.Commands, want) {
			t.Errorf("%s: %+v, want the commands %q", shell, f, want)
		}
	}
}
