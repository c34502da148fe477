package har

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

// idOrders are orders in which exchanges may end.
var idOrders = []struct {
	name string
	ids  func(*rand.Rand) []uint64
}{
	{"one after the other", func(*rand.Rand) []uint64 { return upTo(3000) }},
	{"eight at a time", func(r *rand.Rand) []uint64 { return jumbled(r, 3000, 8) }},
	{"some take very long", func(r *rand.Rand) []uint64 {
		ids := jumbled(r, 3000, 8)
		for range 40 {
			i := r.IntN(len(ids))
			id := ids[i]
			ids = slices.Delete(ids, i, i+1)
			ids = slices.Insert(ids, min(len(ids), i+r.IntN(2500)), id)
		}
		return ids
	}},
	{"in no order", func(r *rand.Rand) []uint64 { return jumbled(r, 3000, 3000) }},
	{"backwards", func(*rand.Rand) []uint64 { ids := upTo(3000); slices.Reverse(ids); return ids }},
	{"with holes, and some twice", func(r *rand.Rand) (ids []uint64) {
		for range 3000 {
			ids = append(ids, 1+r.Uint64N(4000))
		}
		return ids
	}},
	{"large", func(r *rand.Rand) (ids []uint64) {
		for range 1000 {
			ids = append(ids, maxID-r.Uint64N(1<<40))
		}
		return ids
	}},
}

func upTo(n int) []uint64 {
	ids := make([]uint64, n)
	for i := range ids {
		ids[i] = uint64(i + 1)
	}
	return ids
}

// jumbled are the ids up to n, each at most atOnce away from its place.
func jumbled(r *rand.Rand, n, atOnce int) []uint64 {
	ids := upTo(n)
	for begin := range slices.Chunk(ids, atOnce) {
		r.Shuffle(len(begin), func(i, j int) { begin[i], begin[j] = begin[j], begin[i] })
	}
	return ids
}

// TestLedger: what a ledger says of ids is what a map says.
func TestLedger(t *testing.T) {
	for _, tt := range idOrders {
		t.Run(tt.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			l, in := new(ledger), map[uint64]int{}
			for i, id := range tt.ids(r) {
				l.put(place{id: id, part: uint32(i / 1100), offset: int64(i%1100) * 1000, length: uint32(r.IntN(1000))})
				in[id] = len(l.stretches) - 1
				if i%97 == 0 {
					checkLedger(t, l, in, 1+r.Uint64N(l.last), r.IntN(700))
				}
			}
			checkLedger(t, l, in, 0, 10_000)
			for id := range in {
				if s, ok := l.find(id); !ok || s.offset != l.stretches[in[id]].offset || s.part != l.stretches[in[id]].part {
					t.Fatalf("id %d: %+v, %v; want stretch %d", id, s, ok, in[id])
				}
			}
		})
	}
}

func checkLedger(t *testing.T, l *ledger, in map[uint64]int, from uint64, n int) {
	t.Helper()
	var all, want []wanted
	for id, at := range in {
		all = append(all, wanted{id, at})
	}
	slices.SortFunc(all, func(a, b wanted) int { return int(a.id) - int(b.id) })
	for _, w := range all {
		if w.id >= from && len(want) < n {
			want = append(want, w)
		}
	}
	if diff := cmp.Diff(want, l.from(from, n), cmp.AllowUnexported(wanted{})); diff != "" {
		t.Fatalf("%d from %d (-want +got):\n%.2000s", n, from, diff)
	}
	if l.first != all[0].id || l.last != all[len(all)-1].id || l.count != len(all) {
		t.Fatalf("%d to %d, %d; want %d to %d, %d", l.first, l.last, l.count, all[0].id, all[len(all)-1].id, len(all))
	}
	for _, id := range []uint64{from, l.last + 1, 0} {
		if _, ok := in[id]; ok != l.has(id) {
			t.Fatalf("id %d: %v", id, !ok)
		}
	}
}

// TestLedgerIsSmall: a recording of a million requests that nobody looks at costs next to
// nothing.
func TestLedgerIsSmall(t *testing.T) {
	const entries, most = 1_000_000, 1 << 20
	r := rand.New(rand.NewPCG(1, 2))
	l := new(ledger)
	offset := int64(0)
	for i, id := range jumbled(r, entries, 24) {
		if i%1000 == 999 {
			id -= uint64(r.IntN(i)) // as one that took long, though there is another with this id
		}
		p := place{id: id, offset: offset, length: 1500}
		offset += 1502
		l.put(p)
	}
	size := cap(l.stretches) * 80
	for _, s := range l.stretches {
		size += cap(s.runs)
	}
	t.Logf("%d bytes in %d stretches", size, len(l.stretches))
	if size > most {
		t.Errorf("%d bytes for %d entries, at most %d are allowed", size, entries, most)
	}
}

// TestEntriesIn: entries are found by their lines and by what stands before their ids,
// whatever is in their texts.
func TestEntriesIn(t *testing.T) {
	odd := *reused(2)
	odd.URL = `https://x.test/"_modtap":{"id":7}` + "\n,\n"
	odd.Response.Body = []byte("\n{\"_modtap\":{\"id\":9,\n")
	odd.Response.Header = []recorder.Header{{Name: "A", Value: `"_modtap":{"id":8}`}}
	var raw []byte
	var want []place
	for i, x := range []*recorder.Exchange{reused(5), &odd, firstOnConn(3)} {
		if i > 0 {
			raw = append(raw, ",\n"...)
		}
		begin := len(raw)
		raw = appendEntry(raw, x, sampleConn(7), nil)
		want = append(want, place{id: x.ID, part: 2, offset: int64(100 + begin), length: uint32(len(raw) - begin)})
	}
	got := slices.Collect(entriesIn(stretch{part: 2, offset: 100}, raw))
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(place{})); diff != "" {
		t.Errorf("(-want +got):\n%s\nof %s", diff, raw)
	}
	for _, bad := range []string{"", "\n\n", `{"_modtap":{"id":}}`, `{"_modtap":{"id":99999999999999999999}}`, `"_modtap":{"id":`} {
		for p := range entriesIn(stretch{}, []byte(bad)) {
			t.Errorf("%q: %+v", bad, p)
		}
	}
}

// FuzzIDIn: the id that is found by its neighbourhood is that of the exchange.
func FuzzIDIn(f *testing.F) {
	f.Add(uint64(3), `"_modtap":{"id":7}`, []byte("\\\"_modtap\":{\"id\":7}"))
	f.Fuzz(func(t *testing.T, id uint64, text string, body []byte) {
		id = id%maxID + 1
		x := reused(id)
		x.URL += text
		x.Method, x.Reason = text, text
		x.Request.Header = append(x.Request.Header, recorder.Header{Name: text, Value: string(body)})
		x.Response.Body = body
		entry := appendEntry(nil, x, sampleConn(7), sampleTunnel(3))
		if got := idIn(entry); got != id || bytes.IndexByte(entry, '\n') >= 0 {
			t.Errorf("id %d, want %d, of %s", got, id, entry)
		}
	})
}

// BenchmarkLedger is what a recording pays for every entry, and what a page of an old part
// of it costs.
func BenchmarkLedger(b *testing.B) {
	ids := jumbled(rand.New(rand.NewPCG(1, 2)), 1_000_000, 24)
	l := new(ledger)
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if i%len(ids) == 0 {
				l = new(ledger)
			}
			l.put(place{id: ids[i%len(ids)], offset: int64(i) * 1500, length: 1500})
		}
	})
	l = new(ledger)
	for i, id := range ids {
		l.put(place{id: id, offset: int64(i) * 1500, length: 1500})
	}
	for _, from := range []uint64{1, 500_000, 999_000} {
		b.Run(fmt.Sprint("1000 from ", from), func(b *testing.B) {
			for b.Loop() {
				if got := l.from(from, 1000); len(got) != 1000 {
					b.Fatal(len(got))
				}
			}
		})
	}
}
