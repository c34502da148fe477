package intercept_test

import (
	"io"
	"net/http"
	"testing"

	"modtap/intercept/origintest"
)

// BenchmarkRelay downloads a large body through the proxy, and past it for comparison.
func BenchmarkRelay(b *testing.B) {
	const size = 64 << 20
	for _, proto := range []string{"h2", "http/1.1"} {
		o := origintest.Start(b, origintest.Config{Protos: []string{proto}})
		r := newRig(b, o, nil)
		for name, c := range map[string]*http.Client{"direct": r.direct(proto), "through": r.tapped(proto)} {
			b.Run(proto+" "+name, func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					resp, err := c.Get(o.URL() + "/bytes/67108864")
					if err != nil {
						b.Fatal(err)
					}
					if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
						b.Fatal(n, err)
					}
					resp.Body.Close()
				}
			})
		}
	}
}
