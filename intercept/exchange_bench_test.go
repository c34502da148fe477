package intercept_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/recorder"
)

// BenchmarkExchange is one request of 1 KB on a warm connection, over loopback and TLS,
// past the proxy and through it. All ends are in this process: what is the proxy's is the
// difference.
func BenchmarkExchange(b *testing.B) {
	for _, proto := range []string{"http/1.1", "h2"} {
		for _, workers := range []int{1, 8} {
			o := smallOrigin(b, proto)
			r := newRig(b, o, redacting)
			for _, way := range []struct {
				name   string
				client *http.Client
			}{{"direct", r.direct(proto)}, {"through", r.tapped(proto)}} {
				b.Run(fmt.Sprintf("%s/%d/%s", shortName(proto), workers, way.name), func(b *testing.B) {
					l := newLoad(b, o, way.client, workers)
					b.ReportAllocs()
					b.ResetTimer()
					l.run(b.N)
				})
			}
		}
	}
}

// smallOrigin answers 1 KB to everything, with little effort.
func smallOrigin(b *testing.B, proto string) *origintest.Origin {
	body := bytes.Repeat([]byte("small "), 1024)[:1024]
	return origintest.Start(b, origintest.Config{Protos: []string{proto}, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"text/plain; charset=utf-8"}
		w.Header()["Content-Length"] = []string{"1024"}
		_, _ = w.Write(body) // the client sees what is missing
	})})
}

// redacting has secrets removed, as it is by default.
func redacting(c *intercept.Config) { c.Redactor = recorder.NewRedactor() }

func shortName(proto string) string {
	if proto == "http/1.1" {
		return "http1"
	}
	return proto
}

// A load sends small requests from several goroutines, on connections that stay.
type load struct {
	b       *testing.B
	origin  *origintest.Origin
	client  *http.Client
	url     string
	workers int
}

func newLoad(b *testing.B, o *origintest.Origin, c *http.Client, workers int) *load {
	c.Transport.(*http.Transport).MaxIdleConnsPerHost = workers
	l := &load{b: b, origin: o, client: c, url: o.URL() + "/small", workers: workers}
	l.run(20 * workers)
	return l
}

// forgetEvery keeps what the origin remembers small.
const forgetEvery = 1000

// run sends n requests.
func (l *load) run(n int) {
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for range l.workers {
		wg.Go(func() {
			for i := left.Add(-1); i >= 0; i = left.Add(-1) {
				if i%forgetEvery == 0 {
					l.origin.Forget()
				}
				if err := l.one(); err != nil {
					l.b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func (l *load) one() error {
	resp, err := l.client.Get(l.url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); n != 1024 || err != nil {
		return fmt.Errorf("%d bytes, %v", n, err)
	}
	return nil
}
