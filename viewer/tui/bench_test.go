package tui

import (
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/recorder/query"
)

const many = 100_000

// crowd is a model with 100,000 requests, of which the last are on their way.
func crowd(tb testing.TB, w, h int) *screen {
	s := open(tb, w, h, Config{Color: true}, fixture()[:2]...)
	kinds := []gomod.Kind{gomod.Mod, gomod.Info, gomod.Zip, gomod.SumdbLookup}
	for i := range many {
		x := request(uint64(i+1), recorder.Span(i)*ms/20, kinds[i%4], fmt.Sprintf("example.com/team%d/module%d", i%50, i%5000), "v1.2.3", ms, recorder.Span(20+i%60)*ms, recorder.Span(i%9)*ms)
		x.Response.BodySize = int64(i % 5_000_000)
		if i > many-20 {
			x.Done = false
		}
		s.m.store.exchange(x)
	}
	s.clock = many / 20 * time.Millisecond
	s.m.refresh()
	return s
}

// BenchmarkView draws one frame of 100,000 requests; by group, all are looked at.
func BenchmarkView(b *testing.B) {
	for _, size := range sizes {
		for _, by := range []string{"request", "module", "step"} {
			b.Run(fmt.Sprintf("%dx%d/%s", size.w, size.h, by), func(b *testing.B) {
				s := crowd(b, size.w, size.h)
				s.m.list.groupBy(by)
				s.m.keep()
				for b.Loop() {
					s.frame()
				}
			})
		}
	}
}

// BenchmarkFilter judges 100,000 requests by another filter.
func BenchmarkFilter(b *testing.B) {
	for _, text := range []string{"kind:zip", "module:team7 time:>50ms", "team7/module107", "-is:failed size:>1MB"} {
		b.Run(text, func(b *testing.B) {
			s := crowd(b, 80, 24)
			q, err := query.Parse(text)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				s.m.list.filter(q)
				for s.m.list.step(slice) {
				}
			}
		})
	}
}

// BenchmarkLive takes what 50 ms of 2,000 new requests a second bring to 100,000, each as
// three snapshots, and draws.
func BenchmarkLive(b *testing.B) {
	for _, by := range []string{"request", "module"} {
		for _, sort := range []string{"start", "time"} {
			b.Run(by+"/"+sort, func(b *testing.B) {
				s := crowd(b, 120, 40)
				s.m.list.sort = sort
				s.m.list.groupBy(by)
				id := uint64(many)
				for b.Loop() {
					for range 100 {
						id++
						x := request(id, recorder.Span(s.clock), gomod.Info, "example.com/new", "v1.0.0", 1, 30*ms, ms)
						half := *x
						half.Done = false
						s.m.store.exchange(&half)
						s.m.store.exchange(&half)
						s.m.store.exchange(x)
					}
					s.m.refresh()
					s.m.Update(tea.KeyPressMsg{Code: tea.KeyEnd})
					s.m.View()
				}
			})
		}
	}
}
