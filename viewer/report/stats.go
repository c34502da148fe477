package report

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// reservoirSize bounds the samples that percentiles come from: with 1,000 the P95 of a
// long session is off by less than one percentile in most runs.
const reservoirSize = 1000

// A reservoir is a uniform sample of all values it was given (Vitter's algorithm R).
type reservoir struct {
	seen   int
	sample []time.Duration
}

func (r *reservoir) add(v time.Duration, rng *rand.Rand) {
	r.seen++
	if len(r.sample) < reservoirSize {
		r.sample = append(r.sample, v)
		return
	}
	if i := rng.IntN(r.seen); i < reservoirSize {
		r.sample[i] = v
	}
}

// percentile returns the value that the share p of all values do not exceed (nearest rank).
func (r *reservoir) percentile(p float64) (time.Duration, bool) {
	if len(r.sample) == 0 {
		return 0, false
	}
	s := slices.Sorted(slices.Values(r.sample))
	return s[max(0, int(math.Ceil(p*float64(len(s))))-1)], true
}

// maxIntervals bounds the gaps that a busy remembers.
const maxIntervals = 4096

// A busy is the union of intervals of time: how long at least one request was in flight.
type busy struct {
	closed time.Duration // of intervals that were let go
	open   [][2]time.Time
}

func (b *busy) add(from, to time.Time) {
	if !to.After(from) {
		return
	}
	// Intervals come nearly in order, so the place is near the end.
	i := len(b.open)
	for i > 0 && !b.open[i-1][1].Before(from) {
		i--
	}
	j := i
	for j < len(b.open) && !b.open[j][0].After(to) {
		if b.open[j][0].Before(from) {
			from = b.open[j][0]
		}
		if b.open[j][1].After(to) {
			to = b.open[j][1]
		}
		j++
	}
	b.open = slices.Replace(b.open, i, j, [2]time.Time{from, to})
	if len(b.open) > maxIntervals {
		b.closed += b.open[0][1].Sub(b.open[0][0])
		b.open = slices.Delete(b.open, 0, 1)
	}
}

func (b *busy) total() time.Duration {
	sum := b.closed
	for _, i := range b.open {
		sum += i[1].Sub(i[0])
	}
	return sum
}

// A recent remembers the last values by id.
type recent[T any] struct {
	byID map[uint64]T
	ids  []uint64
	at   int
	size int
}

func newRecent[T any](size int) *recent[T] {
	return &recent[T]{byID: map[uint64]T{}, size: size}
}

// put remembers v and reports whether id was new.
func (r *recent[T]) put(id uint64, v T) bool {
	if _, ok := r.byID[id]; ok {
		r.byID[id] = v
		return false
	}
	r.byID[id] = v
	if len(r.ids) < r.size {
		r.ids = append(r.ids, id)
		return true
	}
	delete(r.byID, r.ids[r.at])
	r.ids[r.at] = id
	r.at = (r.at + 1) % r.size
	return true
}
