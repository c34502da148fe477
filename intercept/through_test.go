package intercept_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/recorder"
)

func TestRecord(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	r := newRig(t, o, nil)
	c := r.tapped()
	zip := "/example.golang.test/m0/@v/v1.0.0.zip"
	var size int64
	for _, path := range []string{"/example.golang.test/m0/@v/v1.0.0.mod", zip, "/example.golang.test/none/@v/list", "/example.golang.test/none/@v/list"} {
		resp, err := c.Get(o.URL() + path)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if path == zip {
			size = int64(len(b))
		}
	}
	xs := r.exchanges(4)
	mod, z := xs[0], xs[1]
	if mod.Go.Kind != "mod" || mod.Go.Module != "example.golang.test/m0" || mod.Go.Version != "v1.0.0" {
		t.Errorf("the .mod was recorded as %+v", mod.Go)
	}
	if !mod.Response.Kept || !strings.HasPrefix(string(mod.Response.Body), "module example.golang.test/m0") {
		t.Errorf("the .mod's body was kept as %q", mod.Response.Body)
	}
	if mod.Server.Reused || !xs[1].Server.Reused {
		t.Errorf("reused: first %v, second %v; want false, true", mod.Server.Reused, xs[1].Server.Reused)
	}
	if z.Response.BodySize != size || z.Response.Body != nil {
		t.Errorf("the zip's size is %d, want %d; kept %d bytes, want none", z.Response.BodySize, size, len(z.Response.Body))
	}
	if xs[2].Parent != 0 || xs[3].Parent != xs[2].ID {
		t.Errorf("the twin of the 404 has parent %d, want %d", xs[3].Parent, xs[2].ID)
	}
	c.CloseIdleConnections()
	r.stop()
	conns := r.conns()
	if len(conns) != 1 || conns[0].Exchanges != 4 || conns[0].TLS.ALPN != "h2" || conns[0].Closed == "" {
		t.Errorf("%d connections, the first %+v", len(conns), *conns[0])
	}
}

// TestBodies keeps what each policy says.
func TestBodies(t *testing.T) {
	const text, large = "/example.golang.test/m0/@v/list", "/bytes/3000000"
	tests := []struct {
		name             string
		bodies           intercept.Bodies
		text, large      bool // kept in memory
		file             bool // the large one, in a file
		noteOfTheLargest string
	}{
		{name: "text", text: true, noteOfTheLargest: "not text"},
		{name: "none", bodies: intercept.Bodies{Policy: intercept.BodiesNone}, noteOfTheLargest: "bodies are not kept"},
		{name: "all", bodies: intercept.Bodies{Policy: intercept.BodiesAll, Dir: filepath.Join(t.TempDir(), "x.bodies")}, text: true, file: true},
		{name: "all, limited", bodies: intercept.Bodies{Policy: intercept.BodiesAll, Dir: t.TempDir(), Limit: 2 << 20}, text: true, noteOfTheLargest: "over 2097152 bytes"},
		{name: "all, nowhere", bodies: intercept.Bodies{Policy: intercept.BodiesAll}, text: true, noteOfTheLargest: "over 1 MiB"},
		{name: "all, unwritable", bodies: intercept.Bodies{Policy: intercept.BodiesAll, Dir: "/dev/null/x"}, text: true, noteOfTheLargest: "not a directory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := origintest.Start(t, origintest.Config{})
			r := newRig(t, o, func(c *intercept.Config) { c.Bodies = test.bodies })
			sums := map[string]string{}
			for _, path := range []string{text, large} {
				resp, err := r.tapped().Get(o.URL() + path)
				if err != nil {
					t.Fatal(err)
				}
				h := sha256.New()
				io.Copy(h, resp.Body)
				resp.Body.Close()
				sums[path] = hex.EncodeToString(h.Sum(nil))
			}
			xs := r.exchanges(2)
			small, big := xs[0].Response, xs[1].Response
			if small.Kept != test.text || (small.Body != nil) != test.text {
				t.Errorf("the text: kept %v, %q", small.Kept, small.Body)
			}
			if !strings.Contains(big.Note, test.noteOfTheLargest) || big.Body != nil || big.Kept != test.file {
				t.Errorf("the large body: kept %v, %d bytes, note %q", big.Kept, len(big.Body), big.Note)
			}
			if test.file {
				b, err := os.ReadFile(filepath.Join(filepath.Dir(test.bodies.Dir), big.BodyFile))
				if sum := sha256.Sum256(b); err != nil || hex.EncodeToString(sum[:]) != sums[large] || big.SHA256 != sums[large] {
					t.Errorf("%s holds %d bytes, %v", big.BodyFile, len(b), err)
				}
			}
			if test.bodies.Dir != "" && !test.file {
				if left, _ := os.ReadDir(test.bodies.Dir); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			}
		})
	}
}

func TestClientCancels(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Knobs: []origintest.Knob{{Fail: origintest.Stall}}})
	for _, proto := range []string{"h2", "http/1.1"} {
		r := newRig(t, o, nil)
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, "GET", o.URL()+"/bytes/1", nil)
		if _, err := r.tapped(proto).Do(req); err == nil {
			t.Fatal("the request did not fail")
		}
		if x := r.exchanges(1)[0]; opOf(x) != "canceled" || x.Server.Timings().Wait < recorder.Span(100*time.Millisecond) {
			t.Errorf("%s: recorded %v, phases %+v", proto, x.Err, x.Server.Timings())
		}
	}
}
