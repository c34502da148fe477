package stream

import (
	"context"
	"encoding/json"
	"net"
	"strconv"
	"testing"
	"time"

	"modtap/recorder"
)

// What Append costs the relay, with nobody watching and with three viewers of which one
// never reads, at the pace of a session with 2,000 requests a second.
func BenchmarkAppendWithViewers(b *testing.B) {
	for _, viewers := range []int{0, 3} {
		b.Run(strconv.Itoa(viewers), func(b *testing.B) {
			log := recorder.NewLog()
			watching := watched(b, log, viewers)
			x := benchExchange()
			var worst, sum time.Duration
			b.ResetTimer()
			for i := 0; b.Loop(); i++ {
				if i%64 == 0 { // paced: about 6,400 a second
					b.StopTimer()
					time.Sleep(10 * time.Millisecond)
					b.StartTimer()
				}
				e := *x
				e.ID = uint64(i/3 + 1)
				e.Done = i%3 == 2
				begin := time.Now()
				log.Append(recorder.Event{Exchange: &e})
				d := time.Since(begin)
				sum += d
				worst = max(worst, d)
			}
			b.ReportMetric(float64(sum.Nanoseconds())/float64(b.N), "ns/append")
			b.ReportMetric(float64(worst.Microseconds()), "worst-µs")
			b.ReportMetric(float64(watching()), "watching") // in a long run the stuck one is cut off
		})
	}
}

// benchExchange is about what a request to a module proxy leaves.
func benchExchange() *recorder.Exchange {
	x := &recorder.Exchange{Method: "GET", URL: "https://proxy.golang.org/golang.org/x/text/@v/v0.43.0.zip", Proto: "HTTP/2.0", Status: 200}
	for range 14 {
		x.Response.Header = append(x.Response.Header, recorder.Header{Name: "Alt-Svc", Value: `h3=":443"; ma=2592000,h3-29=":443"`})
	}
	return x
}

// watched gives log that many viewers until the benchmark ends, the first of which never
// reads. The func says how many are still connected.
func watched(b *testing.B, log *recorder.Log, viewers int) func() int {
	s, err := New(Config{Source: Source{Log: log}, Token: token})
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	for i := range viewers {
		c, err := DialWith(ctx, s.URL(l.Addr().String()), DialOptions{Brief: i == 2})
		if err != nil {
			b.Fatal(err)
		}
		go func() {
			defer func() { ended <- struct{}{} }()
			defer c.Close()
			if i == 0 {
				<-ctx.Done()
				return
			}
			for {
				batch, err := c.Next(ctx)
				if err != nil {
					if ctx.Err() == nil {
						b.Error(err)
					}
					return
				}
				if batch.Lost > 0 {
					_ = c.RequestSnapshot() // a broken stream shows in Next
				}
			}
		}()
	}
	b.Cleanup(func() {
		cancel()
		for range viewers {
			<-ended
		}
		down, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		_ = s.Shutdown(down) // the one that never reads is cut off
		<-served
	})
	return func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.clients)
	}
}

// What it takes to make a full frame, once for all viewers.
func BenchmarkPack(b *testing.B) {
	for _, f := range []flavour{whole, brief} {
		b.Run([]string{"whole", "brief"}[f], func(b *testing.B) {
			x := benchExchange()
			var size int
			for b.Loop() {
				full := batch{flavour: f}
				for id := range uint64(100) {
					e := *x
					e.ID = id + 1
					full.add(recorder.Event{Exchange: &e})
				}
				p, err := full.pack(0)
				if err != nil {
					b.Fatal(err)
				}
				size = p.size
			}
			b.ReportMetric(float64(size)/100, "bytes/event")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/100, "µs/event")
		})
	}
}

// What encoding by hand is worth: a frame of a hundred exchanges by either way.
func BenchmarkEncode(b *testing.B) {
	for _, f := range []flavour{whole, brief} {
		full := Batch{}
		for id := range uint64(100) {
			e := *benchExchange()
			e.ID = id + 1
			e.Server = recorder.Marks{WroteHeaders: 1_200_345, WroteRequest: 1_300_000, FirstByte: 20_123_456, LastByte: 21_000_001, End: 21_100_000, Reused: true}
			e.Client, e.TCP = e.Server, &recorder.TCP{Samples: 2, RTT: 12_000_000, MinRTT: 11_123_456}
			full.Events = append(full.Events, f.of(recorder.Event{Exchange: &e}))
		}
		b.Run([]string{"whole", "brief"}[f]+"/by hand", func(b *testing.B) {
			var buf []byte
			for b.Loop() {
				buf, _ = appendBatch(buf[:0], &full)
			}
		})
		b.Run([]string{"whole", "brief"}[f]+"/encoding-json", func(b *testing.B) {
			for b.Loop() {
				_, _ = json.Marshal(full)
			}
		})
	}
}
