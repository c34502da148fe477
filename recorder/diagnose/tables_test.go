package diagnose

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

// tablesOf is the report of w with its tables alone.
func tablesOf(a *Analysis) *Report {
	var r Report
	a.tables(&r)
	return &r
}

// firstHasNothing is a run in which the first entry of GOPROXY has nothing: each 404 comes
// twice, and costs what it took. It is written by hand, as analyse lays it out.
func firstHasNothing() *Analysis {
	w := newWorld()
	const private = "https://private.test/x.test/m/@v/v1.0.0."
	w.get(1, 0, private+"mod", 404, 9, phases{dns: 1, connect: 10, tls: 20, wait: 69})
	w.get(1, 100, private+"mod", 404, 9, phases{wait: 50})
	w.get(2, 150, proxyURL("x.test/m@v1.0.0", "mod"), 200, 100, phases{connect: 10, tls: 20, wait: 20})
	w.get(2, 200.005, proxyURL("x.test/m@v1.0.0", "zip"), 200, 5000, phases{wait: 20, receive: 180})
	w.fails(1, 200.005, "https://private.test/x.test/n/@v/list", "read", "connection reset by peer", phases{wait: 30})
	w.ends(500, 0)
	in := w.Input
	a := &Analysis{In: &in, Env: in.Session.Environ, To: ms(500), Wall: ms(500), zero: epoch, conns: map[uint64]*recorder.Conn{}, callOf: map[uint64]int{}}
	a.Entries = parseEntries("https://private.test,https://proxy.golang.org")
	add := func(entry int, doubled bool, ids ...int) {
		c := Call{Entry: entry, Doubled: doubled, Pred: len(a.Calls) - 1}
		for _, id := range ids {
			x := &in.Exchanges[id-1]
			c.Exchanges = append(c.Exchanges, x)
			c.End = max(c.End, a.at(x.Start)+tookOf(x))
			a.callOf[x.ID] = len(a.Calls)
			a.Path = append(a.Path, Segment{Bucket: BucketWait, From: a.at(x.Start), To: a.at(x.Start) + tookOf(x), Exchange: x.ID})
		}
		c.Start = a.at(c.First().Start)
		c.URL, _ = url.Parse(c.First().URL)
		a.Calls = append(a.Calls, c)
	}
	add(0, true, 1, 2)
	add(1, false, 3)
	add(1, false, 4)
	add(0, false, 5)
	a.Path = a.Path[:4] // the last failed beside the zip
	return a
}

// TestConnectionsThatFailed: what never came to be is counted apart.
func TestConnectionsThatFailed(t *testing.T) {
	a := &Analysis{In: &Input{
		Exchanges: make([]recorder.Exchange, 4),
		Conns: []recorder.Conn{
			{ID: 1, Exchanges: 3, Marks: recorder.Marks{TLSDone: ms(3)}},
			{ID: 2, Marks: recorder.Marks{TLSDone: ms(3)}},                                                         // speculative
			{ID: 3, Err: &recorder.Error{Op: "proxy"}},                                                             // refused CONNECT
			{ID: 4, Err: &recorder.Error{Op: "tls"}, Marks: recorder.Marks{TLSDone: ms(3)}},                        // its handshake failed then
			{ID: 5, Exchanges: 1, Err: &recorder.Error{Op: "read"}, Marks: recorder.Marks{TLSDone: ms(3)}},         // broke later
			{ID: 6, Err: &recorder.Error{Op: "read"}, TLS: &recorder.TLS{}, Marks: recorder.Marks{TLSDone: ms(3)}}, // broke before its first request
		},
	}}
	want := Connections{Count: 3, Unused: 1, Failed: 3, Handshakes: 4, PerRequest: 1}
	if got := a.connections(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTables(t *testing.T) {
	r := tablesOf(firstHasNothing())
	want := Report{
		Requests:    Requests{Count: 5, Logical: 4, Doubled: 1, DoubledCost: ms(50), Failed: 1, NotFound: 1, Bytes: 5118, MaxInFlight: 2},
		Connections: Connections{Count: 2, Handshakes: 2, PerRequest: 0.4},
		Entries: []EntryUse{
			{Name: "https://private.test", Sep: ",", Requests: 3, NotFound: 1, Failed: 1, Cost: ms(150)},
			{Name: "https://proxy.golang.org", Requests: 2, Answered: 2},
		},
		Hosts: []Group{
			{Name: "proxy.golang.org", Requests: 2, Bytes: 5100, Time: ms(250), OnPath: ms(250), WaitP50: ms(20), WaitP95: ms(20), TookP50: ms(50), TookP95: ms(200), Handshakes: 1},
			{Name: "private.test", Requests: 3, Bytes: 18, Time: ms(180), OnPath: ms(150), WaitP50: ms(50), WaitP95: ms(69), TookP50: ms(50), TookP95: ms(100), Handshakes: 1, Failed: 1},
		},
		Steps: []Group{
			{Name: "mod", Requests: 3, Bytes: 118, Time: ms(200), OnPath: ms(200), WaitP50: ms(50), WaitP95: ms(69), TookP50: ms(50), TookP95: ms(100)},
			{Name: "zip", Requests: 1, Bytes: 5000, Time: ms(200), OnPath: ms(200), WaitP50: ms(20), WaitP95: ms(20), TookP50: ms(200), TookP95: ms(200)},
			{Name: "list", Requests: 1, Time: ms(30), TookP50: ms(30), TookP95: ms(30), Failed: 1},
		},
		Modules: []ModuleUse{
			{Module: "x.test/m", Versions: []string{"v1.0.0"}, Requests: 4, Bytes: 5118, First: 0, Last: ms(400), Own: ms(400), OnPath: ms(400), Slowest: 4, Cause: "zip: receive 180 ms of 200 ms"},
			{Module: "x.test/n", Requests: 1, First: ms(200), Last: ms(230), Own: ms(30), Slowest: 5, Cause: "list: wait 30 ms of 30 ms, then read failed"},
		},
	}
	want.Requests.AnyInFlight = ms(400)
	got := *r
	got.Concurrency = nil
	near := cmp.Comparer(func(x, y recorder.Span) bool { // the world's marks begin 1 µs late
		d := x - y
		return max(d, -d) < recorder.Span(20*time.Microsecond)
	})
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var levels []int
	for _, l := range r.Concurrency {
		levels = append(levels, l.N)
	}
	if len(levels) == 0 || levels[len(levels)-1] != 0 {
		t.Errorf("the last level of %v is not 0", levels)
	}
}

func TestPercentile(t *testing.T) {
	for _, test := range []struct {
		n    int
		p    float64
		want recorder.Span
	}{
		{0, 50, 0}, {1, 50, 1}, {1, 95, 1}, {2, 50, 1}, {2, 95, 2}, {3, 50, 2}, {20, 95, 19}, {21, 95, 20}, {100, 95, 95},
	} {
		var s []recorder.Span
		for i := range test.n {
			s = append(s, recorder.Span(i+1))
		}
		if got := percentile(s, test.p); got != test.want {
			t.Errorf("P%v of 1…%d is %d, want %d", test.p, test.n, got, test.want)
		}
	}
}

// TestThin: a hundred thousand requests in a few hundred points, with every peak.
func TestThin(t *testing.T) {
	var levels []Level
	for i := range 5000 {
		levels = append(levels, Level{At: recorder.Span(i * 1000), N: 1 + i%3})
	}
	levels[2345].N = 77
	levels = append(levels, Level{At: 5000 * 1000, N: 0})
	got := thin(levels, maxLevels)
	if len(got) > maxLevels {
		t.Errorf("%d points", len(got))
	}
	peak, at := 0, recorder.Span(0)
	for i, l := range got {
		if l.N > peak {
			peak, at = l.N, l.At
		}
		if i > 0 && l.At <= got[i-1].At {
			t.Errorf("point %d at %d follows one at %d", i, l.At, got[i-1].At)
		}
	}
	if off := levels[2345].At - at; peak != 77 || off < 0 || off > 5000*1000/(maxLevels-2) {
		t.Errorf("the peak is %d, %d before where it was", peak, off)
	}
	if last := got[len(got)-1]; last != levels[len(levels)-1] {
		t.Errorf("the end is %v", last)
	}
}

func TestCauses(t *testing.T) {
	for _, test := range []struct {
		want string
		x    func(*world) *recorder.Exchange
	}{
		{"mod: TLS 1.2 s of 1.31 s", func(w *world) *recorder.Exchange {
			return w.get(1, 0, proxyURL("x.test/m@v1.0.0", "mod"), 200, 9, phases{dns: 5, connect: 50, tls: 1200, wait: 50})
		}},
		{"info: wait 12.0 s of 12.0 s, answered 404", func(w *world) *recorder.Exchange {
			return w.get(1, 0, proxyURL("x.test/m@v1.0.0", "info"), 404, 9, phases{wait: 12000})
		}},
		{"zip: receive, held up by the go command, 800 ms of 920 ms", func(w *world) *recorder.Exchange {
			x := w.get(1, 0, proxyURL("x.test/m@v1.0.0", "zip"), 200, 9, phases{wait: 20, receive: 900})
			x.ClientBlocked, x.ServerBlocked = ms(800), ms(100)
			return x
		}},
	} {
		if got := causeOf(test.x(newWorld())); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// TestTablesOfMany keeps the tables of a long recording linear: a table that walked the
// path or the calls once for each exchange would take minutes.
func TestTablesOfMany(t *testing.T) {
	in := manyExchanges(100_000)
	a := analyse(&in)
	start := time.Now()
	r := tablesOf(a)
	if took := time.Since(start); took > 20*time.Second { // 0.3 s on two processors
		t.Errorf("the tables took %v", took)
	}
	if r.Requests.Count != 100_000 || len(r.Modules) != 1000 || len(r.Concurrency) > maxLevels {
		t.Errorf("%d requests, %d modules, %d levels", r.Requests.Count, len(r.Modules), len(r.Concurrency))
	}
}

// manyExchanges is a long recording of one thousand modules.
func manyExchanges(n int) Input {
	w := newWorld()
	w.Exchanges = make([]recorder.Exchange, 0, n)
	for i := range n {
		kind := []string{"mod", "info", "zip"}[i%3]
		w.get(1, float64(i), proxyURL(fmt.Sprintf("x.test/m%d@v1.%d.0", i%1000, i/3000), kind), 200, 1000, phases{wait: 5, receive: 3})
	}
	w.ends(float64(n)+100, 0)
	return w.Input
}

func BenchmarkTables(b *testing.B) {
	in := manyExchanges(100_000)
	a := analyse(&in)
	b.ReportAllocs()
	for b.Loop() {
		tablesOf(a)
	}
}

// TestAskedOf: where an entry redirects to is another host's request.
func TestAskedOf(t *testing.T) {
	w := newWorld().set("GOPROXY", "https://proxy.golang.org,direct")
	w.get(1, 10, proxyURL("x.test/m@v1.0.0", "zip"), 302, 9, phases{wait: 10})
	w.get(2, 20, "https://store.test/m.zip", 200, 5000, phases{wait: 10}).Parent = 1
	w.get(1, 40, proxyURL("x.test/n@v1.0.0", "zip"), 302, 9, phases{wait: 10})
	w.get(1, 50, proxyURL("cached/x.test/n@v1.0.0", "zip"), 200, 5000, phases{wait: 10}).Parent = 3
	w.ends(100, 0)
	if u := analyse(&w.Input).entryUses(nil)[0]; u.Requests != 3 || u.Answered != 2 {
		t.Errorf("got %+v, want 3 requests, 2 of them answered in the end", u)
	}
}
