package diagnose

import (
	"math/rand/v2"
	"testing"

	"modtap/recorder"
)

// BenchmarkAnalyse lays out 100,000 requests of every kind; BenchmarkSaving replays them.
func BenchmarkAnalyse(b *testing.B) {
	w := randomWorld(rand.New(rand.NewPCG(1, 2)), 8, 100_000)
	b.ReportAllocs()
	for b.Loop() {
		analyse(&w.Input)
	}
}

func BenchmarkSaving(b *testing.B) {
	w := randomWorld(rand.New(rand.NewPCG(1, 2)), 8, 100_000)
	a := analyse(&w.Input)
	cut := map[uint64]recorder.Span{}
	for i := range w.Exchanges {
		cut[w.Exchanges[i].ID] = ms(1)
	}
	for b.Loop() {
		a.Saving(cut)
	}
}
