package diagnose

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

const (
	sumdbURL = "https://proxy.golang.org/sumdb/sum.golang.org/"
	modA     = "module a.test/a\n\nrequire b.test/b v1.0.0\n"
)

// withBody keeps a body of an answer.
func withBody(x *recorder.Exchange, body string) *recorder.Exchange {
	x.Response.Body, x.Response.Kept, x.Response.BodySize = []byte(body), true, int64(len(body))
	return x
}

// lookup is the answer to a lookup.
func lookup(id, tree int) string {
	return fmt.Sprintf("%d\nx v1.0.0 h1:x\n\ngo.sum database tree\n%d\nh\n", id, tree)
}

// wait is a request on a connection that is open.
func wait(d float64) phases { return phases{wait: d} }

// What each call waits for, as "label <- label of Pred: Why".
var dependTests = []struct {
	name string
	make func(w *world)
	want []string
}{
	{"go mod download: .mod, the database, .info one by one, .zip in slots", func(w *world) {
		w.Session.Environ.MaxProcs = 2
		withBody(w.get(1, 10, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, wait(10)), modA)
		w.get(1, 21, sumdbURL+"supported", 200, 0, wait(10))
		withBody(w.get(1, 32, sumdbURL+"lookup/a.test/a@v1.0.0", 200, 300, wait(10)), lookup(70000, 80000))
		w.get(1, 43, sumdbURL+"tile/8/0/312", 200, 8192, wait(10))   // the tree's edge
		w.get(1, 54, sumdbURL+"tile/8/0/273", 200, 8192, wait(10))   // the record's
		w.get(1, 54.5, sumdbURL+"tile/8/1/001", 200, 8192, wait(20)) // the record's
		w.get(1, 76, proxyURL("b.test/b@v1.0.0", "mod"), 200, 50, wait(10))
		w.get(1, 90, proxyURL("a.test/a@v1.0.0", "info"), 200, 50, wait(10))
		w.get(1, 101, proxyURL("b.test/b@v1.0.0", "info"), 200, 50, wait(10))
		w.get(1, 112, proxyURL("c.test/c@v1.0.0", "info"), 200, 50, wait(10))
		w.get(1, 123, proxyURL("a.test/a@v1.0.0", "zip"), 200, 1000, wait(10))
		w.get(1, 123, proxyURL("b.test/b@v1.0.0", "zip"), 200, 1000, wait(30))
		w.get(1, 135, proxyURL("c.test/c@v1.0.0", "zip"), 200, 1000, wait(30))
	}, []string{
		"mod a.test/a@v1.0.0: first request",
		"sumdb-supported sum.golang.org <- mod a.test/a@v1.0.0: the first file to verify is mod a.test/a@v1.0.0",
		"sumdb-lookup a.test/a@v1.0.0 <- sumdb-supported sum.golang.org: go first asks whether the proxy has the checksum database",
		"sumdb-tile 8/0/312 <- sumdb-lookup a.test/a@v1.0.0: the tile proves the record of sumdb-lookup a.test/a@v1.0.0",
		"sumdb-tile 8/0/273 <- sumdb-tile 8/0/312: go needs sumdb-tile 8/0/312 to know which tile is next",
		"sumdb-tile 8/1/001 <- sumdb-tile 8/0/312: go needs sumdb-tile 8/0/312 to know which tile is next",
		"mod b.test/b@v1.0.0 <- sumdb-tile 8/1/001: mod a.test/a@v1.0.0 requires it",
		"info a.test/a@v1.0.0 <- mod b.test/b@v1.0.0: go asks for .info when all .mod are there",
		"info b.test/b@v1.0.0 <- info a.test/a@v1.0.0: go asks for .info one after another",
		"info c.test/c@v1.0.0 <- info b.test/b@v1.0.0: go asks for .info one after another",
		"zip a.test/a@v1.0.0 <- info c.test/c@v1.0.0: go asks for .zip when all .info are there",
		"zip b.test/b@v1.0.0 <- info c.test/c@v1.0.0: go asks for .zip when all .info are there",
		"zip c.test/c@v1.0.0 <- zip a.test/a@v1.0.0: slot of GOMAXPROCS=2 freed by zip a.test/a@v1.0.0",
	}},
	{"two lookups at once: each tile goes to the record that it holds", func(w *world) {
		w.get(1, 10, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, wait(10))
		w.get(1, 10, proxyURL("b.test/b@v1.0.0", "mod"), 200, 50, wait(10))
		withBody(w.get(1, 21, sumdbURL+"lookup/a.test/a@v1.0.0", 200, 300, wait(10)), lookup(256*300, 100_000))
		withBody(w.get(1, 21, sumdbURL+"lookup/b.test/b@v1.0.0", 200, 300, wait(12)), lookup(256*310, 100_000))
		w.get(1, 34, sumdbURL+"tile/8/0/300", 200, 8192, wait(10))
		w.get(1, 34.2, sumdbURL+"tile/8/0/310", 200, 8192, wait(10))
	}, []string{
		"mod a.test/a@v1.0.0: first request",
		"mod b.test/b@v1.0.0: first request",
		"sumdb-lookup a.test/a@v1.0.0 <- mod a.test/a@v1.0.0: lookup of a.test/a@v1.0.0 needs its .mod",
		"sumdb-lookup b.test/b@v1.0.0 <- mod b.test/b@v1.0.0: lookup of b.test/b@v1.0.0 needs its .mod",
		"sumdb-tile 8/0/300 <- sumdb-lookup a.test/a@v1.0.0: the tile proves the record of sumdb-lookup a.test/a@v1.0.0",
		"sumdb-tile 8/0/310 <- sumdb-lookup b.test/b@v1.0.0: the tile proves the record of sumdb-lookup b.test/b@v1.0.0",
	}},
	{"go get: all prefixes at once, then .info, .mod, .zip", func(w *world) {
		w.Session.Argv = []string{"go", "get", "-x", "a.test/a/b@latest"}
		w.get(1, 10, proxyURL("a.test/a/b", "list"), 404, 50, wait(10))
		w.get(1, 10.1, proxyURL("a.test/a", "list"), 200, 50, wait(20))
		w.get(1, 21, proxyURL("a.test/a/b", "list"), 404, 50, wait(30)).Parent = 1
		w.get(1, 31, proxyURL("a.test/a@v1.0.0", "info"), 200, 50, wait(10))
		w.get(1, 42, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, wait(10))
		w.get(1, 53, proxyURL("a.test/a@v1.0.0", "zip"), 200, 50, wait(10))
	}, []string{
		"list a.test/a/b, doubled: first request",
		"list a.test/a: first request",
		"info a.test/a@v1.0.0 <- list a.test/a: list a.test/a told the version",
		"mod a.test/a@v1.0.0 <- info a.test/a@v1.0.0: a.test/a@v1.0.0 follows its .info",
		"zip a.test/a@v1.0.0 <- mod a.test/a@v1.0.0: a.test/a@v1.0.0 follows its .mod",
	}},
	{"packages are loaded: .zip, then .mod of the same module, in slots", func(w *world) {
		w.Session.Argv = []string{"go", "build", "./..."}
		w.Session.Environ.MaxProcs = 2
		w.get(1, 10, proxyURL("a.test/a@v1.0.0", "zip"), 200, 1000, wait(10))
		w.get(1, 10.1, proxyURL("b.test/b@v1.0.0", "zip"), 200, 1000, wait(60))
		w.get(1, 25, proxyURL("a.test/a@v1.0.0", "mod"), 200, 50, wait(10))
		w.get(1, 37, proxyURL("c.test/c@v1.0.0", "zip"), 200, 1000, wait(10))
	}, []string{
		"zip a.test/a@v1.0.0: first request",
		"zip b.test/b@v1.0.0: first request",
		"mod a.test/a@v1.0.0 <- zip a.test/a@v1.0.0: a.test/a@v1.0.0 follows its .zip",
		"zip c.test/c@v1.0.0 <- mod a.test/a@v1.0.0: slot of GOMAXPROCS=2 freed by zip a.test/a@v1.0.0",
	}},
	{"the next GOPROXY entry, then the module's own host", func(w *world) {
		w.set("GOPROXY", "https://one.test,https://two.test,direct")
		w.get(1, 10, "https://one.test/a.test/a/@v/v1.0.0.mod", 404, 50, wait(10))
		w.get(1, 21, "https://one.test/a.test/a/@v/v1.0.0.mod", 404, 50, wait(10))
		w.get(2, 32, "https://two.test/a.test/a/@v/v1.0.0.mod", 410, 50, wait(10))
		w.get(2, 43, "https://two.test/a.test/a/@v/v1.0.0.mod", 410, 50, wait(10))
		w.get(3, 54, "https://a.test/a?go-get=1", 200, 50, wait(10))
		w.get(4, 65, "https://git.test/a/info/refs?service=git-upload-pack", 200, 50, wait(10)).Go.Module = "a.test/a"
		w.get(4, 76, "https://git.test/a/info/refs?service=git-upload-pack", 200, 50, wait(10)).Go.Module = "a.test/a"
	}, []string{
		"mod a.test/a@v1.0.0, doubled, entry 0: first request",
		"mod a.test/a@v1.0.0, doubled, entry 1 <- mod a.test/a@v1.0.0: the GOPROXY entry before answered 404",
		"go-get a.test/a, entry 2 <- mod a.test/a@v1.0.0: no GOPROXY entry had it, so go asks a.test itself",
		"git-info-refs a.test/a, entry 2 <- go-get a.test/a: the page go-get a.test/a named the repository",
		"git-info-refs a.test/a, entry 2 <- git-info-refs a.test/a: git asks one after another",
	}},
	{"a GOPROXY entry without a connection, then the next", func(w *world) {
		w.set("GOPROXY", "https://one.test|https://two.test")
		w.cannot(1, 10, "one.test", "tls", "TLS handshake timeout", phases{connect: 1, tls: 99})
		w.get(2, 111, "https://two.test/a.test/a/@v/v1.0.0.mod", 200, 50, wait(10))
		w.cannot(3, 122, "one.test", "tls", "TLS handshake timeout", phases{connect: 1, tls: 99})
		w.get(2, 223, "https://two.test/sumdb/sum.golang.org/supported", 200, 0, wait(10))
	}, []string{
		"CONNECT one.test, entry 0: first request",
		"mod a.test/a@v1.0.0, entry 1 <- CONNECT one.test: there was no connection to the GOPROXY entry before",
		"CONNECT one.test, entry 0 <- mod a.test/a@v1.0.0: after mod a.test/a@v1.0.0",
		"sumdb-supported sum.golang.org, entry 1 <- CONNECT one.test: there was no connection to the GOPROXY entry before",
	}},
	{"a redirected zip is one call, and so is its repetition after a 403", func(w *world) {
		const storage = "https://storage.googleapis.com/proxy-golang-org-prod/0123456789abcdef-a.test:a-v1.0.0.zip"
		w.get(1, 10, proxyURL("a.test/a@v1.0.0", "zip"), 302, 50, wait(10))
		w.get(2, 21, storage, 403, 50, wait(10)).Parent = 1
		w.get(1, 32, proxyURL("a.test/a@v1.0.0", "zip"), 302, 50, wait(10))
		w.get(2, 43, storage, 403, 50, wait(10)).Parent = 3
	}, []string{"zip a.test/a@v1.0.0, doubled: first request"}},
	{"not one call: another URL, too late, not refused", func(w *world) {
		w.get(1, 10, proxyURL("a.test/a", "list"), 404, 50, wait(10))
		w.get(1, 9000, proxyURL("a.test/a", "list"), 404, 50, wait(10))
		w.get(1, 9020, proxyURL("a.test/b", "list"), 404, 50, wait(10))
		w.get(1, 9040, proxyURL("a.test/b", "list"), 200, 50, wait(10))
		w.get(1, 9060, proxyURL("a.test/b", "list"), 200, 50, wait(10))
	}, []string{
		"list a.test/a: first request", "list a.test/a <- list a.test/a: after list a.test/a",
		"list a.test/b, doubled <- list a.test/a: after list a.test/a", "list a.test/b <- list a.test/b: after list a.test/b",
	}},
	{"reverse mode sends no 4xx twice", func(w *world) {
		w.Session.Capture = recorder.CaptureReverse
		w.get(1, 10, proxyURL("a.test/a", "list"), 404, 50, wait(10)).Tunnel = 0
		w.get(1, 21, proxyURL("a.test/a", "list"), 404, 50, wait(10)).Tunnel = 0
	}, []string{"list a.test/a: first request", "list a.test/a <- list a.test/a: after list a.test/a"}},
}

func TestDepend(t *testing.T) {
	for _, tt := range dependTests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld()
			tt.make(w)
			w.ends(20_000, 0)
			a := analyse(&w.Input)
			var got []string
			for i := range a.Calls {
				got = append(got, describe(a, &a.Calls[i], strings.Contains(tt.name, "GOPROXY")))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			checkAnalysis(t, a)
		})
	}
}

// describe is a call, what it waited for, and why.
func describe(a *Analysis, c *Call, entry bool) string {
	s := label(c)
	if c.Doubled {
		s += ", doubled"
	}
	if entry {
		s += fmt.Sprintf(", entry %d", c.Entry)
	}
	if c.Pred >= 0 {
		s += " <- " + label(&a.Calls[c.Pred])
	}
	return s + ": " + c.Why
}

// checkAnalysis checks what holds for any run.
func checkAnalysis(t *testing.T, a *Analysis) {
	t.Helper()
	at := a.From
	for _, s := range a.Path {
		if s.From != at || s.To <= s.From || s.Bucket == "" {
			t.Errorf("segment %+v of %v to %v begins at another time than %v", s, a.From, a.To, at)
		}
		at = s.To
	}
	if a.Wall > 0 && at != a.To {
		t.Errorf("the path ends at %v, the run at %v", at, a.To)
	}
	var sum recorder.Span
	for _, b := range a.buckets().Buckets {
		sum += b.Time
	}
	if sum != max(a.Wall, 0) {
		t.Errorf("buckets sum to %v of %v", sum, a.Wall)
	}
	for n := range a.Calls {
		c := &a.Calls[n]
		if c.Why == "" || (c.Pred < 0) != (len(c.Preds) == 0) || len(c.Preds) > 0 && c.Preds[0].Call != c.Pred {
			t.Errorf("call %d: pred %d %q, preds %v", n, c.Pred, c.Why, c.Preds)
		}
		for i, d := range c.Preds {
			p := &a.Calls[d.Call]
			if d.Call >= n || p.End > c.Start+jitter || p.End+d.Lag > c.Start || i == 0 && p.End+d.Lag != c.Start {
				t.Errorf("call %d at %v waits for %d, which ended at %v, lag %v (%s)", n, c.Start, d.Call, p.End, d.Lag, d.Why)
			}
		}
		for _, x := range c.Exchanges {
			if a.CallOf(x.ID) != c {
				t.Errorf("exchange %d is not of its call", x.ID)
			}
		}
	}
}
