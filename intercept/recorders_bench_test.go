package intercept_test

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"modtap/recorder"
	"modtap/recorder/har"
	"modtap/viewer/stream"
)

// The consumers of the Log. attach returns what is to be done before each round, or nil.
var consumers = []struct {
	name   string
	attach func(b *testing.B, l *recorder.Log) (before func())
}{
	{"none", func(*testing.B, *recorder.Log) func() { return nil }},
	{"none-again", func(*testing.B, *recorder.Log) func() { return nil }}, // the noise
	{"har", func(b *testing.B, l *recorder.Log) func() { attachHAR(b, l, false); return nil }},
	{"har-slow-disk", func(b *testing.B, l *recorder.Log) func() { attachHAR(b, l, true); return nil }},
	{"viewer", func(b *testing.B, l *recorder.Log) func() { attachViewer(b, l).follow(); return nil }},
	{"viewer-stuck", func(b *testing.B, l *recorder.Log) func() { return attachViewer(b, l).stay }},
	{"viewers-3", func(b *testing.B, l *recorder.Log) func() { // one of them stuck
		w := attachViewer(b, l)
		w.follow()
		w.beside("?brief=1").follow()
		return w.beside("").stay
	}},
	{"har-slow-disk+viewer", func(b *testing.B, l *recorder.Log) func() {
		attachHAR(b, l, true)
		attachViewer(b, l).follow()
		return nil
	}},
}

// BenchmarkRecorders is what consumers of the Log cost the relay: the load of
// [BenchmarkExchange] with each of them attached.
func BenchmarkRecorders(b *testing.B) {
	for _, proto := range []string{"http/1.1", "h2"} {
		for _, workers := range []int{1, 8} {
			for _, c := range consumers {
				b.Run(fmt.Sprintf("%s/%d/%s", shortName(proto), workers, c.name), func(b *testing.B) {
					l, before := newRecorded(b, proto, workers, c.attach)
					before()
					b.ReportAllocs()
					b.ResetTimer()
					l.run(b.N)
					b.StopTimer()
				})
			}
		}
	}
}

// BenchmarkRecordersPaired has the same loads take turns, forwards and backwards, so that
// a change of the machine's speed touches all of them alike. An iteration is a round of
// 2000 requests each: ask for 20 or more (-benchtime 20x). NAME/none is the median of the
// rounds' ratios of time to that without a consumer, -lo and -hi its 95 % confidence
// interval; that of none-again says what the noise is.
func BenchmarkRecordersPaired(b *testing.B) {
	for _, proto := range []string{"http/1.1", "h2"} {
		for _, workers := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/%d", shortName(proto), workers), func(b *testing.B) { pair(b, proto, workers) })
		}
	}
}

const (
	roundOf = 2000
	// between lets consumers that can catch up do so: a pump rests for 5 ms, a viewer gets
	// a frame every 100 ms.
	between = 120 * time.Millisecond
)

func pair(b *testing.B, proto string, workers int) {
	loads, before := make([]*load, len(consumers)), make([]func(), len(consumers))
	for i, c := range consumers {
		loads[i], before[i] = newRecorded(b, proto, workers, c.attach)
	}
	took := make([][]time.Duration, len(consumers))
	for n := 0; b.Loop(); n++ {
		for i := range consumers {
			if n%2 == 1 {
				i = len(consumers) - 1 - i
			}
			before[i]()
			start := time.Now()
			loads[i].run(roundOf)
			took[i] = append(took[i], time.Since(start))
			time.Sleep(between)
		}
	}
	b.ReportMetric(0, "ns/op") // of a round: it says nothing
	for i, c := range consumers {
		ns := make([]float64, len(took[i]))
		ratios := make([]float64, len(took[i]))
		for n, d := range took[i] {
			ns[n] = float64(d) / roundOf
			ratios[n] = float64(d) / float64(took[0][n])
		}
		m, _, _ := medianOf(ns)
		b.ReportMetric(math.Round(m), c.name+"-ns/request")
		if i > 0 {
			m, lo, hi := medianOf(ratios)
			b.ReportMetric(m, c.name+"/none")
			b.ReportMetric(lo, c.name+"/none-lo")
			b.ReportMetric(hi, c.name+"/none-hi")
		}
	}
}

// medianOf returns the median of v and its 95 % confidence interval, from the ranks of a
// binomial distribution; of few values, the whole range.
func medianOf(v []float64) (m, lo, hi float64) {
	slices.Sort(v)
	n := float64(len(v))
	off := 1.96 * math.Sqrt(n) / 2
	at := func(f float64) float64 { return v[int(min(max(f, 0), n-1))] }
	return (at((n-1)/2) + at(n/2)) / 2, at(math.Floor((n-1)/2 - off)), at(math.Ceil((n-1)/2 + off))
}

// newRecorded is a load through a proxy of its own, whose Log attach gives a consumer.
func newRecorded(b *testing.B, proto string, workers int, attach func(*testing.B, *recorder.Log) func()) (*load, func()) {
	o := smallOrigin(b, proto)
	r := newRig(b, o, redacting)
	r.log.Append(recorder.Event{Session: &recorder.Session{ID: "bench", Start: time.Now()}})
	before := attach(b, r.log)
	if before == nil {
		before = func() {}
	}
	return newLoad(b, o, r.tapped(proto), workers), before
}

func attachHAR(b *testing.B, l *recorder.Log, slow bool) {
	w, err := har.Create(filepath.Join(b.TempDir(), "x.har"), har.Options{Redacted: true, RotateAt: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	var sink recorder.Sink = w
	if slow {
		sink = &slowDisk{Writer: w, b: b}
	}
	done := recorder.StartPump(context.Background(), l, sink)
	b.Cleanup(func() {
		l.Close()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
}

// A slowDisk takes 5 ms for a write, and a second for 4 MB.
type slowDisk struct {
	*har.Writer
	b    *testing.B
	size int64
}

func (d *slowDisk) Lost(n uint64) {
	d.Writer.Lost(n)
	d.b.Logf("the slow disk lost %d events", n) // and the recording says so
}

func (d *slowDisk) Flush() error {
	err := d.Writer.Flush()
	fi, serr := os.Stat(d.Path())
	if serr != nil {
		return serr
	}
	grown := fi.Size() - d.size
	d.size = fi.Size()
	time.Sleep(5*time.Millisecond + time.Duration(grown)*time.Second/(4<<20)) // it is what the disk does
	return err
}

// A watched is a viewer's server.
type watched struct {
	b    *testing.B
	url  string
	head http.Header
	conn *websocket.Conn
	at   time.Time
}

func attachViewer(b *testing.B, l *recorder.Log) *watched {
	s, err := stream.New(stream.Config{Source: stream.Source{Log: l}})
	if err != nil {
		b.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	w := &watched{b: b, url: "ws://" + ln.Addr().String() + "/events", head: http.Header{"Authorization": {"Bearer " + s.Token()}}}
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		if w.conn != nil {
			w.conn.Close()
		}
		_ = s.Shutdown(ctx) // a viewer that is stuck is cut off
		if err := <-served; err != nil {
			b.Error(err)
		}
	})
	return w
}

// beside is another viewer of the same server.
func (w *watched) beside(query string) *watched {
	other := &watched{b: w.b, url: w.url + query, head: w.head}
	w.b.Cleanup(func() {
		if other.conn != nil {
			other.conn.Close()
		}
	})
	return other
}

// dial connects a viewer.
func (w *watched) dial() {
	d := websocket.Dialer{NetDial: func(network, addr string) (net.Conn, error) {
		c, err := net.Dial(network, addr)
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetReadBuffer(64 << 10) // or what a stuck viewer does not take, the kernel does
		}
		return c, err
	}}
	conn, resp, err := d.Dial(w.url, w.head)
	if err != nil {
		w.b.Fatal(err, resp)
	}
	w.conn, w.at = conn, time.Now()
}

// follow reads all that the viewer is sent, which costs the viewer nothing else.
func (w *watched) follow() {
	w.dial()
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			if _, _, err := w.conn.ReadMessage(); err != nil {
				return
			}
		}
	})
	w.b.Cleanup(func() {
		w.conn.Close()
		wg.Wait()
	})
}

// stuckFor is less than the server's patience with a viewer that takes nothing.
const stuckFor = 4 * time.Second

// stay has a viewer that reads nothing.
func (w *watched) stay() {
	if time.Since(w.at) < stuckFor {
		return
	}
	if w.conn != nil {
		w.conn.Close()
	}
	w.dial()
	time.Sleep(between) // the snapshot is on its way
}
