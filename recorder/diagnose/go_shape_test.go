package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"modtap/recorder"
)

// infos is go mod download of n modules of which each .info takes wait.
func infos(n int, wait float64) *world {
	w := newWorld()
	at := 10.0
	name := func(i int) string { return fmt.Sprintf("example.org/m%02d@v1.0.0", i) }
	for i := range n {
		w.get(uint64(1+i%4), at, fileAt(golang, name(i), "mod"), 200, 100, phases{wait: 5})
	}
	at += 10
	for i := range n {
		w.ok(upNext(&at, wait), fileAt(golang, name(i), "info"), 50, phases{wait: wait})
	}
	for i := range n {
		w.get(uint64(1+i%4), at, fileAt(golang, name(i), "zip"), 200, 100, phases{wait: 5})
	}
	return w.ends(at+50, 0)
}

// from is 20 exchanges, from id on.
func from(id uint64) []uint64 {
	var ids []uint64
	for i := range uint64(20) {
		ids = append(ids, id+i)
	}
	return ids
}

var serialTests = []goCase{
	{
		name: "42 modules at 200 ms", world: func() *world { return infos(42, 200) },
		want: &wanted{
			title: "go asks for 42 .info files one after another: 8.4 s of 8.51 s", severity: recorder.Bad, cost: [2]float64{8150, 8250}, evidence: from(43),
			commands: []string{"go list -deps ./..."},
		},
	},
	{
		name: "at 80 ms: that is how go works", world: func() *world { return infos(42, 80) },
		want: &wanted{
			title: "go asks for 42 .info files one after another: 3.36 s of 3.47 s", severity: recorder.Info, cost: [2]float64{3250, 3350}, evidence: from(43),
			commands: []string{"go list -deps ./..."},
		},
	},
	{
		name: "of a command that has no other way", world: func() *world { return infos(42, 200).argv("go", "mod", "vendor") },
		want: &wanted{
			title: "go asks for 42 .info files one after another: 8.4 s of 8.51 s", severity: recorder.Warn, cost: [2]float64{8150, 8250}, evidence: from(43),
			commands: []string{"go env GOMODCACHE"},
		},
	},
	{name: "four of them", world: func() *world { return infos(4, 200) }},
	{name: "a small part of the run", world: func() *world { return infos(10, 200).ends(9000, 0) }},
	{name: "side by side", world: func() *world {
		w := newWorld()
		for i := range 20 {
			w.get(uint64(i+1), 10+float64(i), fileAt(golang, fmt.Sprintf("example.org/m%d@v1.0.0", i), "info"), 200, 50, phases{wait: 900})
		}
		return w.ends(1000, 0)
	}},
}

func TestSerialInfo(t *testing.T) { runGoCases(t, "serial-info", serialTests) }

// waves is n .zip files, par at a time, in a run with so many slots.
func waves(n, par, procs int, wait, receive float64) *world {
	w := newWorld()
	w.Session.Environ.MaxProcs, w.Session.Environ.CPUs = procs, 8
	at := 10.0
	for i := range n {
		w.get(uint64(1+i%par), at, fileAt(golang, fmt.Sprintf("example.org/m%02d@v1.0.0", i), "zip"), 200, 100, phases{wait: wait, receive: receive})
		if i%par == par-1 {
			at += wait + receive + 1
		}
	}
	return w.ends(at+100, 0)
}

var parallelTests = []goCase{
	{
		name: "two at a time, 250 ms away", world: func() *world { return waves(40, 2, 2, 250, 0) },
		want: &wanted{
			title: "GOMAXPROCS=2 lets go fetch 2 files at a time: about 4.38 s of 5.13 s", severity: recorder.Bad, cost: [2]float64{4300, 4450}, evidence: from(1),
			commands: []string{"GOMAXPROCS=16 go mod download"},
		},
	},
	{
		name: "80 ms away: that is how go works", world: func() *world { return waves(40, 2, 2, 80, 0) },
		want: &wanted{
			title: "GOMAXPROCS=2 lets go fetch 2 files at a time: about 1.4 s of 1.73 s", severity: recorder.Info, cost: [2]float64{1350, 1450}, evidence: from(1),
			commands: []string{"GOMAXPROCS=16 go mod download"},
		},
	},
	{name: "eight at a time", world: func() *world { return waves(40, 8, 8, 250, 0) }},
	{name: "one of two slots taken", world: func() *world { return waves(40, 1, 2, 250, 0) }},
	{name: "the bandwidth is the matter", world: func() *world { return waves(40, 2, 2, 5, 245) }},
	{name: "GOMAXPROCS is not known", world: func() *world { return waves(40, 2, 0, 250, 0) }},
	{name: "six files", world: func() *world { return waves(6, 2, 2, 250, 0) }},
}

func TestLowParallelism(t *testing.T) { runGoCases(t, "low-parallelism", parallelTests) }

// TestParallelismPredicted: what-if's number is better, one that is too small included.
func TestParallelismPredicted(t *testing.T) {
	a := layOut(waves(40, 2, 2, 250, 0))
	saves := ms(3333)
	a.Predicted = func(id string) (recorder.Span, bool) { return saves, id == "parallelism" }
	if f := goRule(lowParallelism)(a); f == nil || f.Cost != ms(3333) {
		t.Errorf("%+v", f)
	}
	saves = ms(100)
	if f := goRule(lowParallelism)(a); f != nil {
		t.Errorf("%+v", f)
	}
}

// oldGraph is n .mod files one after another, whose go line is that, and the zips of the
// first few.
func oldGraph(n, zips int, goLine, directive string) *world {
	w := newWorld()
	w.Session.Environ.GoDirective = directive
	at := 10.0
	name := func(i int) string { return fmt.Sprintf("example.org/m%03d@v1.0.0", i) }
	for i := range n {
		w.ok(upNext(&at, 50), fileAt(golang, name(i), "mod"), 100, phases{wait: 50})
		w.body(fmt.Sprintf("module example.org/m%03d\n\n%s\n", i, goLine))
	}
	for i := range zips {
		w.ok(upNext(&at, 50), fileAt(golang, name(i), "zip"), 100, phases{wait: 50})
	}
	return w.ends(at+100, 0)
}

var unprunedTests = []goCase{
	{
		name: "go 1.16 everywhere", world: func() *world { return oldGraph(70, 10, "go 1.16", "1.16") },
		want: &wanted{
			title: "go read 60 .mod files of versions that it did not fetch: 3.0 s of 4.19 s", severity: recorder.Bad, cost: [2]float64{2990, 3010}, evidence: from(11),
			commands: []string{"go mod tidy -go=1.17", "go get -u ./..."},
		},
	},
	{
		name: "of the dependencies alone", world: func() *world { return oldGraph(70, 10, "", "1.24") },
		want: &wanted{
			title: "go read 60 .mod files of versions that it did not fetch: 3.0 s of 4.19 s", severity: recorder.Bad, cost: [2]float64{2990, 3010}, evidence: from(11),
			commands: []string{"go get -u ./..."},
		},
	},
	{
		name: "a list of all modules has no .zip", world: func() *world {
			w := oldGraph(70, 0, "go 1.16", "")
			at := 3600.0
			for i := range 70 {
				w.ok(upNext(&at, 5), fileAt(golang, fmt.Sprintf("example.org/m%03d@v1.0.0", i), "info"), 100, phases{wait: 5})
			}
			return w.argv("go", "list", "-m", "all").ends(at+100, 0)
		},
		want: &wanted{
			title: "go read 69 .mod files of versions that it did not fetch: 3.45 s of 4.12 s", severity: recorder.Bad, cost: [2]float64{3440, 3460}, evidence: from(2),
			commands: []string{"go get -u ./..."},
		},
	},
	{name: "go 1.21", world: func() *world { return oldGraph(70, 10, "go 1.21", "1.24") }},
	{name: "49 of them", world: func() *world { return oldGraph(59, 10, "go 1.16", "1.16") }},
	{name: "nothing is known of their go lines", world: func() *world {
		w := oldGraph(70, 10, "go 1.16", "")
		for i := range w.Exchanges {
			w.Exchanges[i].Response.Body, w.Exchanges[i].Response.Kept = nil, false
		}
		return w
	}},
}

func TestUnprunedGraph(t *testing.T) { runGoCases(t, "unpruned-graph", unprunedTests) }

const toolchainZip = "https://proxy.golang.org/golang.org/toolchain/@v/v0.0.1-go1.27.0.linux-amd64.zip"

// toolchained is a run that fetched a toolchain, with that go line in go.mod.
func toolchained(goLine string) *world {
	w := newWorld()
	w.Session.Environ.GoDirective = goLine
	w.ok(10, toolchainZip, 75_698_696, phases{wait: 200, receive: 13_800})
	w.ok(15_000, fileAt(golang, quote, "mod"), 10, phases{wait: 20})
	return w.ends(15_100, 0)
}

var installIt = []string{"GOTOOLCHAIN=local go install golang.org/dl/go1.27.0@latest", "go1.27.0 download"}

var toolchainTests = []goCase{
	{
		name: "75.7 MB, of the toolchain line", world: func() *world { return toolchained("1.21") },
		want: &wanted{
			title: "go downloaded the toolchain go1.27.0 (75.7 MB) before its own work: 14.0 s", severity: recorder.Bad, cost: [2]float64{13_990, 15_000}, evidence: []uint64{1},
			commands: append([]string{"GOTOOLCHAIN=local go mod download"}, installIt...),
		},
	},
	{
		name: "of the go line, with which the installed go does nothing", world: func() *world { return toolchained("1.27.0") },
		want: &wanted{
			title: "go downloaded the toolchain go1.27.0 (75.7 MB) before its own work: 14.0 s", severity: recorder.Bad, cost: [2]float64{13_990, 15_000}, evidence: []uint64{1}, commands: installIt,
		},
	},
	{
		name: "of a go line without a patch", world: func() *world {
			w := toolchained("1.27")
			delete(w.Session.Environ.Go, "GOVERSION")
			w.Session.Go = ""
			return w
		},
		want: &wanted{
			title: "go downloaded the toolchain go1.27.0 (75.7 MB) before its own work: 14.0 s", severity: recorder.Bad, cost: [2]float64{13_990, 15_000}, evidence: []uint64{1}, commands: installIt,
		},
	},
	{
		name: "of a toolchain line above a go line that is too new as well", world: func() *world { return toolchained("1.26.9") },
		want: &wanted{
			title: "go downloaded the toolchain go1.27.0 (75.7 MB) before its own work: 14.0 s", severity: recorder.Bad, cost: [2]float64{13_990, 15_000}, evidence: []uint64{1}, commands: installIt,
		},
	},
	{
		name: "it cannot be had", world: func() *world { return newWorld().twice(10, toolchainZip, 404, 40).ends(200, 1) },
		want: &wanted{
			title: "go.mod asks for go1.27.0, which could not be had from proxy.golang.org: 404", severity: recorder.Bad, cost: [2]float64{79, 81}, evidence: []uint64{1, 2},
			commands: append([]string{"GOTOOLCHAIN=local go mod download"}, installIt...),
		},
	},
	{
		name: "it cannot be had, and there is no go.mod", world: func() *world {
			return newWorld().argv("go", "install", "example.org/x@latest").twice(10, toolchainZip, 404, 40).ends(200, 1)
		},
		want: &wanted{
			title: "the command asks for go1.27.0, which could not be had from proxy.golang.org: 404", severity: recorder.Bad, cost: [2]float64{79, 81}, evidence: []uint64{1, 2}, commands: installIt,
		},
	},
	{
		name: "it cannot be had, and go mod download names a module", world: func() *world {
			return newWorld().argv("go", "mod", "download", "rsc.io/quote@v1.5.2").twice(10, toolchainZip, 404, 40).ends(200, 1)
		},
		want: &wanted{
			title: "the command asks for go1.27.0, which could not be had from proxy.golang.org: 404", severity: recorder.Bad, cost: [2]float64{79, 81}, evidence: []uint64{1, 2}, commands: installIt,
		},
	},
	{
		name: "it cannot be had, and go.mod needs it whatever the command names", world: func() *world {
			w := newWorld().argv("go", "get", "rsc.io/quote@v1.5.2").twice(10, toolchainZip, 404, 40).ends(200, 1)
			w.Session.Environ.GoDirective = "1.27.0"
			return w
		},
		want: &wanted{
			title: "go.mod asks for go1.27.0, which could not be had from proxy.golang.org: 404", severity: recorder.Bad, cost: [2]float64{79, 81}, evidence: []uint64{1, 2}, commands: installIt,
		},
	},
	{
		name: "it cannot be had, and a flag has an @", world: func() *world {
			return newWorld().argv("go", "build", "-ldflags", "main.by=me@host", "./...").twice(10, toolchainZip, 404, 40).ends(200, 1)
		},
		want: &wanted{
			title: "go.mod asks for go1.27.0, which could not be had from proxy.golang.org: 404", severity: recorder.Bad, cost: [2]float64{79, 81}, evidence: []uint64{1, 2},
			commands: append([]string{"GOTOOLCHAIN=local go build -ldflags main.by=me@host ./..."}, installIt...),
		},
	},
	{name: "only the list of toolchains", world: func() *world {
		w := newWorld()
		w.ok(10, "https://proxy.golang.org/golang.org/toolchain/@v/list", 9000, phases{wait: 900})
		return w.ends(1000, 0)
	}},
	{name: "another big zip", world: func() *world {
		w := newWorld()
		w.ok(10, fileAt(golang, quote, "zip"), 75_698_696, phases{wait: 200, receive: 13_800})
		return w.ends(15_000, 0)
	}},
}

func TestToolchainDownload(t *testing.T) { runGoCases(t, "toolchain-download", toolchainTests) }

// TestNoGoMod: nothing is said of go.mod where the command reads none.
func TestNoGoMod(t *testing.T) {
	f := goFinding(t, toolchained("").argv("go", "run", "example.org/x@v1.0.0"), "toolchain-download")
	if f == nil || strings.Contains(f.Title+f.Remedy+f.Caveat, "go.mod") || !slices.Equal(f.Commands, installIt) {
		t.Errorf("%+v", f)
	}
}
