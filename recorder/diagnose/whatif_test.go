package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"modtap/recorder"
)

// A plan is a run of go mod download as the go command's queues make it, when nothing but
// requests takes time. Each module i requires modules 2i+1 and 2i+2.
type plan struct {
	modules, roots int // the first roots are named in go.mod
	procs          int
	latency        float64 // milliseconds of every request
	sumdb          bool    // it is asked directly
	sumLatency     float64 // of its requests; 0: latency
	fallback       bool    // an entry of GOPROXY before the one that answers says 404
	transfer       float64 // milliseconds that each zip of 1 MB takes when it is alone on the link
	pruned         bool    // modules name all that they need: the graph is not read beyond the roots
}

// goMod is the go.mod of module i.
func (p plan) goMod(i int) string {
	text := fmt.Sprintf("module x.test/m%d\n\ngo 1.16\n", i)
	if p.pruned {
		text = strings.Replace(text, "1.16", "1.21", 1)
	}
	for _, r := range []int{2*i + 1, 2*i + 2} {
		if r < p.modules {
			text += fmt.Sprintf("require x.test/m%d v1.0.0\n", r)
		}
	}
	return text
}

// A planner writes a plan down as a recording.
type planner struct {
	plan
	*world
	all []planned
	end float64 // of what was planned so far
}

// A planned is a request that is written down once it is known in which order they start.
type planned struct {
	at   float64
	make func(at float64)
}

// get plans a request and returns its end.
func (p *planner) get(at float64, url, body string, size int64, receive float64) float64 {
	status, latency := 200, p.latency
	if strings.HasPrefix(url, "https://sum.golang.org/") && p.sumLatency > 0 {
		latency = p.sumLatency
	}
	if strings.HasPrefix(url, "https://goproxy.io/") {
		status = 404
	}
	p.all = append(p.all, planned{at, func(at float64) {
		x := p.world.get(1, at, url, status, size, phases{wait: latency, receive: receive})
		x.Response.Body, x.Response.Kept = []byte(body), body != ""
	}})
	return at + latency + receive
}

// file plans the requests for a file of module i, and returns when it is there.
func (p *planner) file(at float64, i int, kind, body string) float64 {
	url := proxyURL(modulePath(i), kind)
	if p.fallback {
		at = p.get(at, strings.Replace(url, "proxy.golang.org", "goproxy.io", 1), "", 9, 0)
	}
	if kind == "zip" && p.transfer > 0 {
		return p.get(at, url, "", 1<<20, p.transfer)
	}
	return p.get(at, url, body, 100, 0)
}

// queue plans a queue of the go command: first are the modules in it at the beginning,
// then are those that a module adds at its end, run plans the requests for one.
func (p *planner) queue(first []int, then func(i int) []int, run func(at float64, i int) float64) {
	free := make([]float64, p.procs) // when each slot is
	ready := map[int]float64{}
	for s := range free {
		free[s] = p.end
	}
	for _, i := range first {
		ready[i] = p.end
	}
	for n := 0; n < len(first); n++ { // first grows
		i, s := first[n], 0
		for k := range free {
			if free[k] < free[s] {
				s = k
			}
		}
		free[s] = run(max(free[s], ready[i]), i)
		for _, c := range then(i) {
			if _, dup := ready[c]; !dup {
				ready[c] = free[s]
				first = append(first, c)
			}
		}
	}
	p.end = max(p.end, slices.Max(free))
}

// world is the plan as a recording.
func (p plan) world() *world {
	w := &planner{plan: p, world: newWorld()}
	w.Session.Environ.MaxProcs, w.Session.Environ.CPUs = p.procs, 64
	w.set("GOPROXY", "https://goproxy.io,https://proxy.golang.org")
	w.queue(p.first(), p.leads, func(at float64, i int) float64 {
		at = w.file(at, i, "mod", p.goMod(i))
		if p.sumdb {
			at = w.get(at, "https://sum.golang.org/lookup/"+modulePath(i), "", 300, 0)
		}
		return at
	})
	for i := range p.roots {
		w.end = w.file(w.end, i, "info", "")
	}
	w.queue(p.first(), func(int) []int { return nil }, func(at float64, i int) float64 { return w.file(at, i, "zip", "") })
	slices.SortStableFunc(w.all, func(x, y planned) int { return cmp.Compare(x.at, y.at) })
	for _, x := range w.all {
		x.make(x.at)
	}
	return w.ends(w.end+1, 0)
}

func modulePath(i int) string { return fmt.Sprintf("x.test/m%d@v1.0.0", i) }

// first are the modules that go.mod names.
func (p plan) first() []int {
	var first []int
	for i := range p.roots {
		first = append(first, i)
	}
	return first
}

// leads are the modules whose .mod files are read because of module i.
func (p plan) leads(i int) []int {
	var on []int
	for _, r := range []int{2*i + 1, 2*i + 2} {
		if r < p.modules && !p.pruned {
			on = append(on, r)
		}
	}
	return on
}

// analysis lays the plan out.
func (p plan) analysis() *Analysis { return analyse(&p.world().Input) }

// TestPredict: what is predicted is what the go command's queues make with the change.
func TestPredict(t *testing.T) {
	for _, test := range []struct {
		name   string
		plan   plan
		change Change
		make   func(*plan)
	}{
		{"nothing", plan{modules: 20, roots: 20, procs: 2, latency: 200}, Change{}, func(*plan) {}},
		{"more slots, all named in go.mod", plan{modules: 20, roots: 20, procs: 2, latency: 200, pruned: true}, Change{MaxProcs: 8}, func(p *plan) { p.procs = 8 }},
		{"more slots, a deep graph", plan{modules: 31, roots: 1, procs: 2, latency: 200}, Change{MaxProcs: 16}, func(p *plan) { p.procs = 16 }},
		{"more slots, a deep graph, checksums", plan{modules: 40, roots: 4, procs: 2, latency: 200, sumdb: true}, Change{MaxProcs: 16}, func(p *plan) { p.procs = 16 }},
		{"fewer slots", plan{modules: 20, roots: 20, procs: 4, latency: 50}, Change{MaxProcs: 1}, func(p *plan) { p.procs = 1 }},
		{"half the latency", plan{modules: 20, roots: 20, procs: 2, latency: 200}, Change{LatencyFactor: 0.5}, func(p *plan) { p.latency /= 2 }},
		{"half the latency, but not of the database", plan{modules: 20, roots: 20, procs: 2, latency: 200, sumdb: true, sumLatency: 200}, Change{LatencyFactor: 0.5}, func(p *plan) { p.latency /= 2 }},
		{"no checksum database", plan{modules: 20, roots: 20, procs: 2, latency: 200, sumdb: true}, Change{NoSumDB: true}, func(p *plan) { p.sumdb = false }},
		{"without the entry that has nothing", plan{modules: 20, roots: 20, procs: 2, latency: 100, fallback: true}, Change{DropEntries: []int{0}}, func(p *plan) { p.fallback = false }},
		{"twice the bandwidth, one at a time", plan{modules: 6, roots: 6, procs: 1, latency: 20, transfer: 400}, Change{RateFactor: 2}, func(p *plan) { p.transfer /= 2 }},
		// The link is full already: more slots only share it, and save latency.
		{"more slots, a full link", plan{modules: 16, roots: 16, procs: 2, latency: 10, transfer: 800}, Change{MaxProcs: 16}, nil},
		{"all at once", plan{modules: 40, roots: 40, procs: 2, latency: 200, sumdb: true}, Change{MaxProcs: 16, LatencyFactor: 0.25, NoSumDB: true},
			func(p *plan) { p.procs, p.latency, p.sumdb = 16, 50, false }},
	} {
		a := test.plan.analysis()
		got, err := a.Predict(test.change)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if test.make == nil {
			if zips := ms(16 * 800 / 2); got < zips || got > a.Wall {
				t.Errorf("%s: %v, want between %v, which the bytes take, and the %v of now", test.name, got, zips, a.Wall)
			}
			continue
		}
		changed := test.plan
		test.make(&changed)
		want := changed.analysis().Wall
		if off := float64(got)/float64(want) - 1; max(off, -off) > 0.01 {
			t.Errorf("%s: %v, want %v (it took %v)", test.name, got, want, a.Wall)
		}
	}
}

// TestPredictNot: what the model does not fit is not predicted, nor do costs rest on it.
func TestPredictNot(t *testing.T) {
	for name, spoil := range map[string]func(w *world){
		"no requests":        func(w *world) { w.Exchanges = nil },
		"another program's":  func(w *world) { w.Foreign = true },
		"no command":         func(w *world) { w.Process = nil },
		"a run that failed":  func(w *world) { w.Process.ExitCode = 1 },
		"killed":             func(w *world) { w.Process.Signal = "killed" },
		"cut short":          func(w *world) { w.Process.End = 0 },
		"events lost":        func(w *world) { w.Lost = 1 },
		"requests not there": func(w *world) { w.Missing = 1 },
		"git past modtap": func(w *world) {
			w.End.Unseen = []recorder.Unseen{{What: "git over ssh", Target: "git@x.test", Start: w.Process.End, Took: ms(900)}}
			w.Process.End += ms(900)
		},
		"git": func(w *world) {
			w.get(9, w.Process.End.Milliseconds(), "https://git.test/x.git/info/refs?service=git-upload-pack", 200, 100, phases{wait: 900})
			w.Process.End += ms(900)
		},
	} {
		w := plan{modules: 6, roots: 6, procs: 2, latency: 100, sumdb: true}.world()
		if _, err := analyse(&w.Input).Predict(Change{}); err != nil {
			t.Fatalf("unspoilt: %v", err)
		}
		spoil(w)
		a := analyse(&w.Input)
		if d, err := a.Predict(Change{}); err == nil {
			t.Errorf("%s: %v", name, d)
		}
		if got := a.whatIf(); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
		if d, ok := a.saves("go-sum"); ok {
			t.Errorf("%s: a finding costs %v", name, d)
		}
	}
}

// TestPredictCompile: what comes before the first request and after the last is not
// shortened, nor does it hide that the model misses what is played.
func TestPredictCompile(t *testing.T) {
	p := plan{modules: 20, roots: 20, procs: 2, latency: 200, sumdb: true}
	changed := p
	changed.procs = 16
	w := p.world()
	compiles := ms(60_000)
	w.Process.End += compiles
	w.Process.Samples = []recorder.Sample{{At: w.Process.End, Took: compiles, CPU: compiles, Tools: []recorder.Tool{{Name: "compile"}}}}
	a := analyse(&w.Input)
	got, err := a.Predict(Change{MaxProcs: 16})
	if want := changed.analysis().Wall + compiles; err != nil || max(got-want, want-got) > ms(50) {
		t.Errorf("%v (%v), want %v", got, err, want)
	}
	player, err := a.player()
	if err != nil {
		t.Fatal(err)
	}
	if sure, why := player.sure(Change{MaxProcs: 16}); sure != "medium" || !strings.Contains(why, "compile") || !strings.Contains(why, "60.0 s before") {
		t.Errorf("%s: %s", sure, why)
	}
	player.miss = 0.4 // 4 s of the minute and a quarter
	if _, ok := a.saves("parallelism"); ok {
		t.Error("a finding's cost rests on a model that misses what it plays by 40 %")
	}
}

// TestWhatIf: what is offered, and what not.
func TestWhatIf(t *testing.T) {
	slow := plan{modules: 20, roots: 20, procs: 2, latency: 200, sumdb: true, fallback: true}
	for _, test := range []struct {
		name string
		plan plan
		want string
	}{
		{"everything helps", slow, "go-sum half-latency no-fallback parallelism"},
		{"a fast network", plan{modules: 20, roots: 20, procs: 2, latency: 1}, ""},
		{"slots enough", plan{modules: 20, roots: 20, procs: 16, latency: 200}, "half-latency"},
	} {
		a := test.plan.analysis()
		ids := map[string]Prediction{}
		last := recorder.Span(0)
		for _, p := range a.whatIf() {
			ids[p.ID] = p
			if p.Wall < last {
				t.Errorf("%s: %s is not where its wall time %v belongs", test.name, p.ID, p.Wall)
			}
			last = p.Wall
			if p.Sure != "high" || p.Saves != a.Wall-p.Wall || p.What == "" || p.Why == "" {
				t.Errorf("%s: %+v", test.name, p)
			}
		}
		for _, id := range strings.Fields(test.want) {
			if _, ok := ids[id]; !ok {
				t.Errorf("%s: %s is missing", test.name, id)
			}
		}
		if len(ids) != len(strings.Fields(test.want)) {
			t.Errorf("%s: %v, want %s", test.name, ids, test.want)
		}
	}
	for argv, want := range map[string]bool{"go mod tidy": true, "go build ./...": true, "go get -u ./...": false, "go install x.test/m0@v1.0.0": false} {
		a := slow.analysis()
		a.In.Session.Argv = strings.Fields(argv)
		if got := slices.ContainsFunc(a.whatIf(), func(p Prediction) bool { return p.ID == "go-sum" }); got != want {
			t.Errorf("%s: a complete go.sum is offered: %v", argv, got)
		}
	}
	var commands []string
	for _, p := range slow.analysis().whatIf() {
		commands = append(commands, p.Commands...)
	}
	all := strings.Join(commands, "\n")
	for _, want := range []string{"GOMAXPROCS=16 go mod download", "go env -w GOPROXY=https://proxy.golang.org", "go mod tidy"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is missing in\n%s", want, all)
		}
	}
	if strings.Contains(all, "GOSUMDB") {
		t.Errorf("switching checksums off is no remedy:\n%s", all)
	}
}

// many is a run of nearly as many requests as are played.
var many = plan{modules: 12_000, roots: 12_000, procs: 8, latency: 20, sumdb: true}

// TestPredictMany: a long recording is played in a moment.
func TestPredictMany(t *testing.T) {
	a := many.analysis()
	start := time.Now()
	got, err := a.Predict(Change{MaxProcs: 16})
	if err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 20*time.Second { // 0.2 s on two processors
		t.Errorf("it took %v", d)
	}
	changed := many
	changed.procs = 16
	if want := changed.analysis().Wall; max(got-want, want-got) > want/100 {
		t.Errorf("%v, want %v", got, want)
	}
	a.Calls, a.played = append(a.Calls, a.Calls...), nil
	if _, err := a.Predict(Change{}); err == nil {
		t.Errorf("%d requests are played", len(a.Calls))
	}
}

func BenchmarkWhatIf(b *testing.B) {
	a := many.analysis()
	b.ReportAllocs()
	for b.Loop() {
		a.whatIf()
	}
}

// FuzzReadGoMod: a go.mod from the network is read or refused, whatever it holds.
func FuzzReadGoMod(f *testing.F) {
	f.Add([]byte("module x.test/m\n\ngo 1.21\n\nrequire (\n\ty.test/n v1.0.0 // indirect\n)\n"))
	f.Add([]byte("module \"x\"\ngo 1.x"))
	f.Add([]byte("require"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, ok := readGoMod(body)
		if !ok && len(m.requires) > 0 {
			t.Errorf("%v of what is no go.mod", m)
		}
		for _, r := range m.requires {
			if path, _, found := strings.Cut(r.module, "@"); !found || path == "" {
				t.Errorf("requirement %q", r.module)
			}
		}
	})
}

func TestReadGoMod(t *testing.T) {
	for _, test := range []struct {
		text   string
		pruned bool
		want   string
	}{
		{"module x.test/m\n", false, "[]"},
		{"module x.test/m\ngo 1.16\nrequire a.test/a v1.0.0\n", false, "[{a.test/a@v1.0.0 false}]"},
		{"module x.test/m\ngo 1.17\nrequire a.test/a v1.0.0 // indirect\n", true, "[{a.test/a@v1.0.0 true}]"},
		{"module x.test/m\ngo 1.21rc2\n", true, "[]"},
		{"module x.test/m\ngo 1.26.8\nfuture thing\n", true, "[]"},
	} {
		m, ok := readGoMod([]byte(test.text))
		if got := fmt.Sprint(m.requires); !ok || m.pruned != test.pruned || got != test.want {
			t.Errorf("%q: %v %v %s, want %v %s", test.text, ok, m.pruned, got, test.pruned, test.want)
		}
	}
	if _, ok := readGoMod([]byte("<html>")); ok {
		t.Error("a page is a go.mod")
	}
}
