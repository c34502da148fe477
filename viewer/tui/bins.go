package tui

import (
	"slices"

	"modtap/recorder"
)

const (
	binCount = 2048
	firstBin = recorder.Span(1e4) // 10 µs: a run of 20 ms is a picture, too
)

// bins are how long requests were in flight in each stretch of the run, summed over them.
// They grow with the run: when it is longer than all bins, each two become one. What is
// added once costs nothing when it is drawn.
type bins struct {
	width recorder.Span
	sum   []recorder.Span
}

// add counts a request that was in flight from from till till; sign -1 takes it back.
func (b *bins) add(from, till recorder.Span, sign recorder.Span) {
	from = max(from, 0)
	if till <= from {
		return
	}
	if b.sum == nil {
		b.width, b.sum = firstBin, make([]recorder.Span, binCount)
	}
	for till > b.width*binCount {
		for i := range binCount / 2 {
			b.sum[i] = b.sum[2*i] + b.sum[2*i+1]
		}
		clear(b.sum[binCount/2:])
		b.width *= 2
	}
	for i := from / b.width; i*b.width < till; i++ {
		b.sum[i] += sign * (min(till, (i+1)*b.width) - max(from, i*b.width))
	}
}

// levels returns the mean number of requests in flight in each of n equal stretches of
// [from, to).
func (b *bins) levels(from, to recorder.Span, n int) []float64 {
	out := make([]float64, n)
	if to <= from || n == 0 {
		return out
	}
	each := float64(to-from) / float64(n)
	if b.sum != nil {
		w := float64(b.width)
		for i := range out {
			a, z := float64(from)+float64(i)*each, float64(from)+float64(i+1)*each
			for j := max(int(a/w), 0); j < binCount && float64(j)*w < z; j++ {
				part := min(z, float64(j+1)*w) - max(a, float64(j)*w)
				out[i] += float64(b.sum[j]) * max(part, 0) / w
			}
		}
	}
	for i := range out {
		out[i] /= each
	}
	return out
}

// cover adds to each of the equal stretches of [from, to) the share of it that [a, z)
// covers.
func cover(levels []float64, from, to, a, z recorder.Span) {
	a, z = max(a, from), min(z, to)
	if z <= a || len(levels) == 0 {
		return
	}
	each := float64(to-from) / float64(len(levels))
	first, last := float64(a-from)/each, float64(z-from)/each
	i, j := min(int(first), len(levels)-1), min(int(last), len(levels)-1)
	if i == j {
		levels[i] += last - first
		return
	}
	levels[i] += float64(i+1) - first
	for k := i + 1; k < j; k++ {
		levels[k]++
	}
	levels[j] += last - float64(j)
}

// peak is the highest level.
func peak(levels []float64) float64 {
	if len(levels) == 0 {
		return 0
	}
	return slices.Max(levels)
}
