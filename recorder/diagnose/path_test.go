package diagnose

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

// sampled adds samples of the command's processes, each of 50 ms, from the start of the
// command on.
func (w *world) sampled(samples ...recorder.Sample) *world {
	for i := range samples {
		s := &samples[i]
		s.At, s.Took = w.Process.Start+ms(float64(50*(i+1))), ms(50)
	}
	w.Process.Samples = samples
	return w
}

var (
	busy  = recorder.Sample{CPU: ms(45)}
	quiet = recorder.Sample{CPU: ms(1)}
)

// The partition of the wall time, as "bucket from to exchange note", in milliseconds. What
// is shorter than 10 µs, the client's leg of a request, is left out.
var partitionTests = []struct {
	name string
	make func(w *world)
	want []string
}{
	{"a request with its phases, and what the command did around it", func(w *world) {
		w.get(1, 50, proxyURL("a.test/a@v1.0.0", "zip"), 200, 1000, phases{dns: 5, connect: 10, tls: 15, send: 2, wait: 10, receive: 8})
		w.ends(200, 0).sampled(busy, quiet, busy, quiet)
	}, []string{
		"go 0 50 0 start of the command", "dns 50 55 1 ", "connect 55 65 1 ", "tls 65 80 1 ", "send 80 82 1 ", "wait 82 92 1 ", "receive 92 100 1 ",
		"go 100 150 0 unzip and hash a.test/a@v1.0.0", "idle 150 200 0 ",
	}},
	{"without samples nobody knows what the command did", func(w *world) {
		w.get(1, 50, proxyURL("a.test/a@v1.0.0", "zip"), 200, 1000, phases{wait: 50})
		w.ends(200, 0)
	}, []string{"idle 0 50 0 ", "wait 50 100 1 ", "idle 100 200 0 "}},
	{"the disk is work, a lock is not, git is git's", func(w *world) {
		w.ends(250, 0).sampled(
			recorder.Sample{Disk: ms(30)}, recorder.Sample{Lock: ms(50)}, recorder.Sample{Tools: []recorder.Tool{{Name: "git-remote-https", Count: 1}}},
			recorder.Sample{CPU: ms(40), Tools: []recorder.Tool{{Name: "compile", Count: 2}}}, recorder.Sample{CPU: ms(30), Tools: []recorder.Tool{{Name: "link.exe", Count: 1}}})
	}, []string{
		"go 0 50 0 ", "lock 50 100 0 a lock that another process holds", "vcs 100 150 0 git-remote-https", "go 150 200 0 compile", "go 200 250 0 link",
	}},
	{"a gap that is shorter than samples are apart is the command's, a longer one need not be", func(w *world) {
		w.get(1, 24, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, phases{wait: 26})
		w.get(1, 76, proxyURL("b.test/b@v1.0.0", "mod"), 200, 50, phases{wait: 50})
		w.ends(150, 0).sampled(quiet, quiet, quiet)
		w.Process.Start = 0
	}, []string{"go 0 24 0 start of the command", "wait 24 50 1 ", "idle 50 76 0 ", "wait 76 126 2 ", "go 126 150 0 "}},
	{"a short gap in which a sample saw git or a lock is theirs", func(w *world) {
		w.get(1, 20, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, phases{wait: 80})
		w.ends(120, 0).sampled(recorder.Sample{Tools: []recorder.Tool{{Name: "git", Count: 1}}}, quiet, recorder.Sample{Lock: ms(10)})
		w.Process.Start = 0
	}, []string{"vcs 0 20 0 git", "wait 20 100 1 ", "lock 100 104 0 a lock that another process holds", "idle 104 120 0 "}},
	{"a wait for a lock goes on until something runs", func(w *world) {
		w.ends(250, 0).sampled(busy, recorder.Sample{Lock: ms(50)}, quiet, quiet, busy)
	}, []string{"go 0 50 0 ", "lock 50 150 0 a lock that another process holds", "idle 150 200 0 ", "go 200 250 0 "}},
	{"nobody looks at the last moment: a little work is enough", func(w *world) {
		w.ends(200, 0).sampled(busy, recorder.Sample{CPU: ms(3)}, busy, recorder.Sample{CPU: ms(3)})
	}, []string{"go 0 50 0 ", "idle 50 100 0 ", "go 100 200 0 "}},
	{"git over ssh is seen by git's own trace", func(w *world) {
		w.ends(250, 0).sampled(quiet, quiet, quiet, quiet, quiet)
		w.End.Unseen = []recorder.Unseen{{What: "git over ssh", Target: "git@git.test", Start: ms(60), Took: ms(100)}, {What: "git over ssh", Target: "git@git.test", Start: ms(100), Took: ms(80)}}
	}, []string{"idle 0 60 0 ", "vcs 60 180 0 git over ssh git@git.test", "idle 180 250 0 "}},
	{"of two in parallel, the one that the next waited for", func(w *world) {
		w.Session.Environ.MaxProcs = 2
		w.get(1, 0, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, phases{wait: 100})
		w.get(1, 0, proxyURL("b.test/b@v1.0.0", "mod"), 200, 50, phases{wait: 300})
		w.get(1, 100, proxyURL("c.test/c@v1.0.0", "mod"), 200, 50, phases{wait: 250})
		w.ends(350, 0)
	}, []string{"wait 0 100 1 ", "wait 100 350 3 "}},
	{"a connection that was opened for another is waited for all the same", func(w *world) {
		w.get(1, 0, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, phases{dns: 20, connect: 30, tls: 50, wait: 100})
		w.get(1, 101, proxyURL("b.test/b@v1.0.0", "mod"), 200, 50, phases{wait: 150})
		w.ends(260, 0)
		w.Process.Start = 0
	}, []string{"dns 0 20 2 opening its connection", "connect 20 50 2 opening its connection", "tls 50 100 2 opening its connection", "idle 100 101 0 ", "wait 101 251 2 ", "idle 251 260 0 "}},
	{"over HTTP/1.1, whichever connection is free first", func(w *world) {
		w.get(1, 0, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, phases{connect: 50, wait: 50}).Proto = "HTTP/1.1"
		w.get(2, 95, proxyURL("c.test/c@v1.0.0", "mod"), 200, 50, phases{connect: 105, wait: 150}).Proto = "HTTP/1.1"
		w.get(1, 180, proxyURL("b.test/b@v1.0.0", "mod"), 200, 50, phases{wait: 150}).Proto = "HTTP/1.1"
		w.ends(350, 0)
		w.Process.Start = 0
		w.Exchanges = append(w.Exchanges[:1], w.Exchanges[2]) // who opened it gave up
	}, []string{"connect 0 50 1 ", "wait 50 100 1 ", "queue 100 180 0 waits for a free connection", "wait 180 330 3 ", "idle 330 350 0 "}},
	{"and so is the child's own handshake on it", func(w *world) {
		w.get(1, 0, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, phases{dns: 20, connect: 30, tls: 50, wait: 100})
		w.get(1, 131, proxyURL("b.test/b@v1.0.0", "mod"), 200, 50, phases{wait: 150})
		w.Tunnels = []recorder.Tunnel{{ID: 1, Conn: 1, Start: epoch, TLSDone: ms(130), Mint: ms(10)}}
		w.ends(281, 0)
		w.Process.Start = 0
	}, []string{
		"dns 0 20 2 opening its connection", "connect 20 50 2 opening its connection", "tls 50 100 2 opening its connection", "modtap 100 110 2 opening its connection",
		"go 110 130 2 opening its connection", "idle 130 131 0 ", "wait 131 281 2 ",
	}},
	{"the two copies of a 4xx, and what lies between", func(w *world) {
		w.get(1, 0, proxyURL("a.test/a", "list"), 404, 50, phases{wait: 100})
		w.get(1, 150, proxyURL("a.test/a", "list"), 404, 50, phases{wait: 100})
		w.ends(250, 0).sampled(quiet, quiet, quiet, quiet, quiet)
	}, []string{"wait 0 100 1 ", "idle 100 150 2 before the request is sent again", "wait 150 250 2 "}},
	{"injected, the client's and modtap's own time are not the server's", func(w *world) {
		x := w.get(1, 0, proxyURL("a.test/a@v1.0.0", "zip"), 200, 50, phases{wait: 100, receive: 100})
		x.Server.WroteHeaders += ms(60)
		x.Server.WroteRequest += ms(60)
		x.Injected, x.Overhead, x.ClientBlocked = ms(50), ms(15), ms(20)
		w.ends(200, 0)
	}, []string{"injected 0 50 1 ", "modtap 50 60 1 ", "wait 60 100 1 ", "receive 100 175 1 ", "modtap 175 180 1 ", "go 180 200 1 "}},
	{"the go command's own account", func(w *world) {
		w.get(1, 0, proxyURL("a.test/a@v1.0.0", "zip"), 200, 1000, phases{wait: 50})
		w.Process.Spans = []recorder.GoSpan{{Name: "modload.LoadPackages", Start: 0, Took: ms(300)}, {Name: "unzip a.test/a@v1.0.0", Start: ms(50), Took: ms(150)}}
		w.ends(200, 0)
	}, []string{"wait 0 50 1 ", "go 50 200 0 unzip a.test/a@v1.0.0"}},
	{"a command that failed in flight", func(w *world) {
		x := w.get(1, 20, proxyURL("a.test/a@v1.0.0", "zip"), 0, 0, phases{wait: 500})
		x.Server.End, x.Client.End, x.Done = 0, 0, false
		w.ends(100, 1)
	}, []string{"idle 0 20 0 ", "wait 20 100 1 "}},
}

func TestPartition(t *testing.T) {
	for _, tt := range partitionTests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			tt.make(w)
			a := analyse(&w.Input)
			checkAnalysis(t, a)
			var got []string
			for _, s := range a.Path {
				if s.Took() >= recorder.Span(10*time.Microsecond) {
					got = append(got, fmt.Sprintf("%s %.0f %.0f %d %s", s.Bucket, s.From.Milliseconds(), s.To.Milliseconds(), s.Exchange, s.Note))
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Savings of a run of three calls: two of 500 ms at once, and one of 200 ms behind both.
var savingTests = []struct {
	name string
	cut  map[uint64]float64
	want float64
}{
	{"nothing", nil, 0},
	{"one of two in parallel", map[uint64]float64{1: 400}, 0},
	{"both", map[uint64]float64{1: 400, 2: 400}, 400},
	{"both, one less", map[uint64]float64{1: 400, 2: 100}, 100},
	{"what is behind them", map[uint64]float64{3: 150}, 150},
	{"all of it", map[uint64]float64{1: 1e6, 2: 1e6, 3: 1e6}, 700},
	{"what is not there", map[uint64]float64{77: 100}, 0},
	{"a negative cut", map[uint64]float64{3: -100}, 0},
}

func TestSaving(t *testing.T) {
	w := newWorld()
	w.get(1, 10, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, phases{wait: 500})
	w.get(1, 10, sumdbURL+"supported", 200, 50, phases{wait: 500})
	w.get(1, 512, sumdbURL+"lookup/a.test/a@v1.0.0", 200, 50, phases{wait: 200})
	w.ends(800, 0)
	a := analyse(&w.Input)
	checkAnalysis(t, a)
	for _, tt := range savingTests {
		cut := map[uint64]recorder.Span{}
		for id, d := range tt.cut {
			cut[id] = ms(d)
		}
		if got := a.Saving(cut); (got - ms(tt.want)).Duration().Abs() > 50*time.Microsecond {
			t.Errorf("%s: %v, want %v", tt.name, got, ms(tt.want))
		}
	}
}

// TestSavingOpening: the opening of a connection that was opened for another is saved too.
func TestSavingOpening(t *testing.T) {
	w := newWorld()
	w.get(1, 0, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, phases{dns: 20, connect: 30, tls: 50, wait: 100})
	w.get(1, 101, proxyURL("b.test/b@v1.0.0", "mod"), 200, 50, phases{wait: 150})
	w.ends(260, 0)
	a := analyse(&w.Input)
	if got := a.Saving(map[uint64]recorder.Span{1: ms(1000), 2: ms(1000)}); got < ms(240) {
		t.Errorf("saves %v of 251 ms", got)
	}
}

// FuzzAnalysis lays out random runs: whatever a recording says, the partition is exact, and
// a cut never saves less than a smaller one.
func FuzzAnalysis(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, uint8(seed), uint16(seed*7))
	}
	f.Fuzz(func(t *testing.T, seed uint64, procs uint8, count uint16) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := randomWorld(r, int(procs%17), int(count%300))
		a := analyse(&w.Input)
		checkAnalysis(t, a)
		a.account(&Report{})
		small, large := map[uint64]recorder.Span{}, map[uint64]recorder.Span{}
		var sum recorder.Span
		for i := range w.Exchanges {
			d := recorder.Span(r.Int64N(int64(ms(300))))
			large[w.Exchanges[i].ID] = d
			small[w.Exchanges[i].ID] = recorder.Span(float64(d) * r.Float64())
			sum += d
		}
		less, more := a.Saving(small), a.Saving(large)
		if less < 0 || more < less || more > max(a.Wall, 0) || more > sum {
			t.Errorf("a cut saves %v, a larger one %v of %v, together %v", less, more, a.Wall, sum)
		}
	})
}

// randomWorld is a run of requests of every kind in any order, some of them broken.
func randomWorld(r *rand.Rand, procs, count int) *world {
	w := newWorld()
	w.Session.Environ.MaxProcs = procs
	w.Session.Argv = [][]string{{"go", "mod", "download"}, {"go", "build"}, {"make"}, nil}[r.IntN(4)]
	statuses := []int{200, 200, 200, 200, 404, 302, 500, 0}
	at := 0.0
	for range count {
		m := fmt.Sprintf("m%d.test/x@v1.0.%d", r.IntN(6), r.IntN(3))
		url := [...]string{
			proxyURL(m, "mod"), proxyURL(m, "zip"), proxyURL(m, "info"), proxyURL(m, "list"), sumdbURL + "lookup/" + m, sumdbURL + "supported",
			fmt.Sprintf("%stile/8/%d/%03d", sumdbURL, r.IntN(3), r.IntN(4)), "https://m1.test/x?go-get=1", "https://m1.test/x/info/refs?service=git-upload-pack", "https://other.test/",
		}[r.IntN(10)]
		p := phases{wait: r.Float64() * 100, receive: r.Float64() * 20}
		if r.IntN(8) == 0 {
			p.dns, p.connect, p.tls = r.Float64()*10, r.Float64()*20, r.Float64()*40
		}
		x := w.get(uint64(1+r.IntN(4)), at, url, statuses[r.IntN(len(statuses))], r.Int64N(1e6), p)
		if r.IntN(4) == 0 {
			withBody(x, []string{modA, lookup(r.IntN(2000), 2000), "rubbish"}[r.IntN(3)])
		}
		if r.IntN(6) == 0 && x.ID > 1 {
			x.Parent = uint64(1 + r.IntN(int(x.ID)))
		}
		if r.IntN(20) == 0 {
			x.Server.End, x.Client.End, x.Done = 0, 0, false
		}
		x.Overhead, x.Injected, x.ClientBlocked = ms(r.Float64()), ms(r.Float64()*10*float64(r.IntN(2))), ms(r.Float64()*5)
		at += r.Float64() * 40 * float64(r.IntN(3))
	}
	var samples []recorder.Sample
	for range r.IntN(100) {
		samples = append(samples, recorder.Sample{CPU: ms(r.Float64() * 50), Disk: ms(r.Float64() * 20), Lock: ms(r.Float64() * 60 * float64(r.IntN(2)))})
	}
	w.sampled(samples...)
	switch r.IntN(4) {
	case 0:
		w.Process = nil
	case 1: // cut short
	default:
		w.ends(r.Float64()*at+1, r.IntN(2))
	}
	w.End.Unseen = []recorder.Unseen{{Start: ms(r.Float64() * at), Took: ms(r.Float64() * at)}}
	return w
}
