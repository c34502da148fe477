package tui

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/recorder/query"
)

// naive is what the lister's rows have to be: judged, sorted and grouped from nothing.
func naive(l *lister) []*row {
	var rows []*row
	for _, r := range l.store.rows {
		if l.passes(r, l.store.clock()) {
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, l.order)
	return rows
}

func idsOf(rows []*row) string {
	s := ""
	for _, r := range rows {
		s += fmt.Sprint(r.x.ID, " ")
	}
	return s
}

// What is worked in bit by bit is what would be made anew, under any filter, order and
// grouping.
func TestListerIncremental(t *testing.T) {
	kinds := []gomod.Kind{gomod.Mod, gomod.Info, gomod.Zip}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := newStore(func() time.Time { return began.Add(time.Second) })
		s.begin(&recorder.Session{ID: "s", Start: began})
		l := newLister(s)
		for step := range 120 {
			switch n := r.IntN(20); {
			case n == 0:
				q, _ := query.Parse([]string{"", "kind:zip", "-kind:mod", "module:m1", "status:404", "size:>500"}[r.IntN(6)])
				l.filter(q)
				for l.step(0) {
					if r.IntN(2) == 0 {
						break // news come in between
					}
				}
			case n == 1:
				l.sortBy(sortings[r.IntN(len(sortings))], r.IntN(2) == 0)
			case n == 2:
				l.groupBy(groupings[r.IntN(len(groupings))])
			case n == 3:
				var old []*recorder.Exchange
				for range r.IntN(5) {
					old = append(old, request(uint64(1+r.IntN(200)), 1, kinds[r.IntN(3)], "m0", "v1.0.0", 1, ms, ms))
				}
				s.older(old)
			default:
				for range 1 + r.IntN(6) {
					x := request(uint64(100+step+r.IntN(80)), recorder.Span(step)*ms, kinds[r.IntN(3)], fmt.Sprint("m", r.IntN(4)), "v1.0.0", 1, recorder.Span(r.IntN(50))*ms, ms)
					x.Response.BodySize, x.Conn = int64(r.IntN(1000)), uint64(r.IntN(3))
					if r.IntN(3) == 0 {
						x.Status = 404
					}
					s.exchange(x)
				}
			}
			l.update()
			if l.late {
				l.regroupNow()
			}
			if l.next >= 0 {
				continue
			}
			checkLister(t, l)
		}
		for l.step(time.Second) {
		}
		checkLister(t, l)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func checkLister(t *testing.T, l *lister) {
	t.Helper()
	if got, want := idsOf(l.rows), idsOf(naive(l)); got != want {
		t.Errorf("by %s, sorted by %s, down %t:\n got %s\nwant %s", l.by, l.sort, l.down, got, want)
		return
	}
	if l.by == groupings[0] {
		return
	}
	n := 0
	for i := range l.len() {
		line := l.at(i)
		if line.row != nil {
			continue
		}
		n += len(line.group.rows)
		failed := 0
		for _, r := range line.group.rows {
			if key, _ := l.keyOf(r); key != line.group.key {
				t.Errorf("request %d of %q is in %q", r.x.ID, key, line.group.key)
			}
			if r.failed() {
				failed++
			}
		}
		if failed != line.group.failed || !slices.IsSortedFunc(line.group.rows, l.order) {
			t.Errorf("group %q: %d failed, counted %d", line.group.key, failed, line.group.failed)
		}
	}
	if n != len(l.rows) {
		t.Errorf("%d of %d rows are in groups", n, len(l.rows))
	}
}

// What was counted bit by bit is what is there.
func TestTotals(t *testing.T) {
	s := open(t, 80, 24, Config{}, fixture()...)
	for _, e := range fixture() { // once more, as a snapshot would
		s.m.store.event(&e)
	}
	st := s.m.store
	requests, flying, bad, bytes := 0, 0, 0, int64(0)
	for _, r := range st.rows {
		requests++
		bytes += r.x.Response.BodySize
		if r.flying() {
			flying++
		}
		if r.failed() {
			bad++
		}
	}
	if st.requests != requests || st.inFlight != flying || st.bad != bad || st.bytes != bytes || requests != 24 {
		t.Errorf("%d %d %d %d, want %d %d %d %d", st.requests, st.inFlight, st.bad, st.bytes, requests, flying, bad, bytes)
	}
}

// The picture of the run is that of all requests, however long the run was.
func TestBins(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, length := range []recorder.Span{ms, 1800 * ms, 2048 * ms, 60_000 * ms, 3_600_000 * ms} {
		var b bins
		const n = 50
		want := make([]float64, n)
		for range 200 {
			from := recorder.Span(r.Int64N(int64(length)))
			till := from + recorder.Span(r.Int64N(int64(length)))/8
			b.add(from, till, 1)
			cover(want, 0, length, from, till)
		}
		b.add(0, length, 1)
		b.add(0, length, -1)
		var sumGot, sumWant float64
		for i, got := range b.levels(0, length, n) {
			sumGot, sumWant = sumGot+got, sumWant+want[i]
			// A bin that is shared by two cells is given to both by their parts of it.
			if got < want[i]-2-0.2*want[i] || got > want[i]+2+0.2*want[i] {
				t.Errorf("length %v, cell %d: %v, want about %v", length, i, got, want[i])
			}
		}
		if sumGot < 0.97*sumWant || sumGot > 1.03*sumWant {
			t.Errorf("length %v: %v in all, want %v", length, sumGot, sumWant)
		}
	}
}

func TestCover(t *testing.T) {
	levels := make([]float64, 4)
	cover(levels, 0, 4, -1, 2)
	cover(levels, 0, 4, 3, 99)
	cover(levels, 0, 4, 5, 6)
	if want := []float64{1, 1, 0, 1}; !slices.Equal(levels, want) {
		t.Errorf("%v, want %v", levels, want)
	}
}

var gaps = []struct {
	ids            []uint64
	stale, from    uint64
	wantFrom, want uint64
}{
	{nil, 0, 1, 0, 0}, {[]uint64{1, 2, 3}, 0, 1, 0, 0}, {[]uint64{3, 4}, 0, 1, 1, 3}, {[]uint64{1, 2, 9}, 0, 1, 3, 9},
	{[]uint64{1, 2, 9}, 0, 5, 5, 9}, {[]uint64{1, 2, 3}, 2, 1, 2, 3}, {[]uint64{1, 2, 3}, 2, 3, 0, 0}, {[]uint64{1, 2, 3}, 0, 9, 0, 0},
}

func TestGap(t *testing.T) {
	for _, tt := range gaps {
		s := newStore(func() time.Time { return began })
		for _, id := range tt.ids {
			s.exchange(request(id, 0, gomod.Mod, "m", "v1.0.0", 1, ms, ms))
			s.byID[id].stale = id == tt.stale
		}
		if from, to := s.gap(tt.from); from != tt.wantFrom || to != tt.want {
			t.Errorf("%v from %d: [%d, %d), want [%d, %d)", tt.ids, tt.from, from, to, tt.wantFrom, tt.want)
		}
	}
}
