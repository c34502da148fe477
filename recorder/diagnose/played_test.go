package diagnose

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// The files of testdata/played are real runs of the go command (1.26, two processors,
// GOMAXPROCS=2, 200 ms for each request, 40 modules) as TestWhatIf of cmd/modtap records
// them, and how long it really took with one thing changed: GOMAXPROCS=16, 100 ms, a
// complete go.sum. Those with a line procs ran with another GOMAXPROCS, on two processors that
// others used too. A line is a request: start, opening the connection, waiting, receiving
// (milliseconds), size, protocol, kind, what it is about; of a .mod the go directive and
// the requirements too.

// playedRun is one file.
type playedRun struct {
	*world
	real map[string]float64 // milliseconds, by what was changed
}

// readPlayed reads a file. It is ours, so what is wrong with it fails the test.
func readPlayed(t *testing.T, file string) playedRun {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r := playedRun{newWorld(), map[string]float64{}}
	r.Session.Environ.MaxProcs, r.Session.Environ.CPUs = 2, 2
	r.Process.Start = 1
	for line := range strings.Lines(string(text)) {
		var name string
		var ms float64
		words := strings.Fields(line)
		switch words[0] {
		case "command":
			r.Session.Argv = words[1:]
		case "procs":
			_, err = fmt.Sscan(words[1], &r.Session.Environ.MaxProcs)
		case "wall":
			_, err = fmt.Sscan(words[1], &ms)
			r.ends(ms, 0)
		case "real":
			_, err = fmt.Sscan(line, new(string), &name, &ms)
			r.real[name] = ms
		default:
			err = r.request(words)
		}
		if err != nil {
			t.Fatalf("%s: %q: %v", file, line, err)
		}
	}
	return r
}

// request adds the request of a line.
func (r playedRun) request(words []string) error {
	var start, shake, wait, receive float64
	var size int64
	var proto, kind, what string
	if _, err := fmt.Sscan(strings.Join(words[:8], " "), &start, &shake, &wait, &receive, &size, &proto, &kind, &what); err != nil {
		return err
	}
	url := "https://proxy.golang.org/"
	if strings.HasPrefix(kind, "sumdb") {
		url = "https://proxy.golang.org/sumdb/sum.golang.org/"
	}
	x := r.get(1, start, url+what, 200, size, phases{connect: shake, wait: wait, receive: receive})
	x.Proto = proto
	x.Go = gomod.Request{Kind: gomod.Kind(kind)}
	if module, version, ok := strings.Cut(what, "@"); ok {
		x.Go.Module, x.Go.Version = module, version
	} else {
		x.Go.Extra = strings.Replace(what, "/", " ", 1)
	}
	if x.Go.Kind == gomod.Mod {
		text := "module " + x.Go.Module + "\ngo " + strings.TrimPrefix(words[8], "go") + "\n"
		for _, req := range words[9:] {
			text += "require " + strings.Replace(req, "@", " ", 1) + "\n"
		}
		x.Response.Body, x.Response.Kept = []byte(text), true
	}
	return nil
}

// TestPlayed holds predictions against what the go command really took.
func TestPlayed(t *testing.T) {
	files, err := filepath.Glob("testdata/played/*.txt")
	if err != nil || len(files) < 6 {
		t.Fatalf("%v, %d files", err, len(files))
	}
	for _, file := range files {
		r := readPlayed(t, file)
		a := analyse(&r.Input)
		p, err := a.player()
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		near := 0.03
		if a.Env.MaxProcs > a.Env.CPUs {
			near = 0.05 // jobs waited for a processor
		}
		if max(p.miss, -p.miss) > near {
			t.Errorf("%s: played as recorded it takes %v, not %v", file, p.base, a.Wall)
		}
		for name, c := range map[string]Change{"procs": {MaxProcs: 16}, "latency": {LatencyFactor: 0.5}, "sumdb": {NoSumDB: true}} {
			took, ok := r.real[name]
			if !ok {
				continue
			}
			got := p.predict(c).Milliseconds()
			t.Logf("%-40s %-8s predicted %6.0f, took %6.0f, off %+.1f%%", filepath.Base(file), name, got, took, 100*(got/took-1))
			if off := got/took - 1; max(off, -off) > 0.10 {
				t.Errorf("%s, %s: %.0f ms are predicted, it took %.0f", file, name, got, took)
			}
		}
	}
}

// TestJobs: what one worker of the go command does is one job.
func TestJobs(t *testing.T) {
	for _, test := range []struct {
		file        string
		jobs, steps int // steps of the last job, those that it only waits in included
		waves       int
	}{
		{"download", 120, 1, 3},         // .mod with lookup, .info, .zip
		{"tidy", 40, 5, 1},              // .zip, supported, lookup, tiles, .mod
		{"tidy-lazy", 40, 5, 3},         // the second and third layers begin with one module alone
		{"download-unpruned", 60, 1, 3}, // 40 .mod, 10 .info, 10 .zip
		{"tidy-unpruned", 70, 1, 3},     // the first layer, the graph, what the graph led to
		{"download-http1", 120, 1, 4},   // the second connection is a moment late
	} {
		r := readPlayed(t, "testdata/played/"+test.file+".txt")
		m := analyse(&r.Input).newModel()
		if last := m.jobs[len(m.jobs)-1]; len(m.jobs) != test.jobs || len(m.waves) != test.waves || len(last.steps) != test.steps {
			t.Errorf("%s: %d jobs in %d waves, the last has %d steps; want %d, %d, %d", test.file, len(m.jobs), len(m.waves), len(last.steps), test.jobs, test.waves, test.steps)
		}
	}
}

func TestFluid(t *testing.T) {
	var f fluid
	f.capacity = 2
	f.add(0, 3, 1, purpose{id: 1})      // may use 1, and gets its part, 0.875
	f.add(0, 0.5, 0.25, purpose{id: 2}) // may use a quarter
	f.add(0, 2.5, 5, purpose{id: 3})    // gets its part, 0.875
	f.add(0, 0, 1, purpose{id: 4})      // has nothing to do
	var got []string
	for {
		at, ok := f.next()
		if !ok {
			break
		}
		got = append(got, fmt.Sprintf("%d at %.2f", f.take(at).id, at.Duration().Seconds()))
	}
	// at 2 there is 1.25 left of 1 and 0.75 of 3, at 1 per second each
	if want := "4 at 0.00, 2 at 2.00, 3 at 2.75, 1 at 3.25"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
}

func TestShare(t *testing.T) {
	most, faster := share([]flow{
		{from: ms(0), to: ms(100), rate: 10},
		{from: ms(50), to: ms(150), rate: 20},
		{from: ms(150), to: ms(250), rate: 25}, // begins as the second ends
	})
	if got := fmt.Sprintf("%.1f %.2f", most, faster); got != "26.7 [1.33 1.33 1.00]" {
		t.Error(got)
	}
}

// TestShareFull: of a link that was full all the time, with flows that come and go, the
// rate is found, and each flow would have had all of it.
func TestShareFull(t *testing.T) {
	var link fluid
	link.capacity = 1000
	var flows []flow
	begin := func(at recorder.Span, bytes float64) {
		link.add(at, bytes, 1e9, purpose{id: len(flows)})
		flows = append(flows, flow{from: at, rate: bytes})
	}
	begin(0, 1000)
	begin(ms(300), 100)
	begin(ms(350), 2000)
	for {
		at, ok := link.next()
		if !ok {
			break
		}
		f := &flows[link.take(at).id]
		f.to, f.rate = at, f.rate/(at-f.from).Duration().Seconds()
	}
	most, faster := share(flows)
	for i, f := range flows {
		if alone := f.rate * faster[i]; max(alone-1000, 1000-alone) > 1 {
			t.Errorf("flow %d: %.0f alone", i, alone)
		}
	}
	if max(most-1000, 1000-most) > 1 {
		t.Errorf("the link gives %.0f", most)
	}
}

// TestShareLimited: flows that are as fast beside others as alone have their rates of
// something else than the link.
func TestShareLimited(t *testing.T) {
	most, faster := share([]flow{
		{from: 0, to: ms(100), rate: 60}, {from: 0, to: ms(101), rate: 60}, {from: 0, to: ms(100), rate: 60}, {from: 0, to: ms(99), rate: 61},
		{from: ms(100), to: ms(200), rate: 60}, {from: ms(101), to: ms(201), rate: 60},
	})
	if got := fmt.Sprint(most, faster); got != "241 [1 1 1 1 1 1]" {
		t.Error(got)
	}
}

// TestAloneTimes: what waits for a processor is not work.
func TestAloneTimes(t *testing.T) {
	spans := []interval{{0, ms(100)}, {0, ms(100)}, {0, ms(100)}, {ms(50), ms(150)}, {ms(200), ms(210)}}
	want := []recorder.Span{ms(50.0/1.5 + 25), ms(50.0/1.5 + 25), ms(50.0/1.5 + 25), ms(75), ms(10)}
	for i, d := range aloneTimes(spans, 2) {
		if off := d - want[i]; max(off, -off) > 2 {
			t.Errorf("%d: %v, want %v", i, d, want[i])
		}
	}
}
