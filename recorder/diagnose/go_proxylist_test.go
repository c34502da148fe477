package diagnose

import (
	"fmt"
	"testing"

	"modtap/recorder"
)

// stopping is a list of two proxies of which the first ends the command.
func stopping(list string, fail func(*world)) *world {
	w := newWorld().set("GOPROXY", list)
	fail(w)
	return w.ends(12_000, 1)
}

func answers502(w *world) {
	w.get(1, 10, fileAt("a.example", quote, "mod"), 502, 10, phases{wait: 200})
}

func times10s(w *world) {
	w.fails(1, 10, fileAt("a.example", quote, "mod"), "timeout", "TLS handshake timeout", phases{connect: 20, tls: 10_000})
}

const twoProxies = "https://a.example,https://b.example,direct"

var stoppedTests = []goCase{
	{
		name: "502 before a comma", world: func() *world { return stopping(twoProxies, answers502) },
		want: &wanted{
			title: "a.example answered 502 after 200 ms, and a comma kept go from asking b.example", severity: recorder.Bad, evidence: []uint64{1},
			commands: []string{"go env -w 'GOPROXY=https://a.example|https://b.example,direct'"},
		},
	},
	{
		name: "no answer before a comma", world: func() *world { return stopping(twoProxies, times10s) },
		want: &wanted{
			title: "a.example did not answer (timeout) after 10.0 s, and a comma kept go from asking b.example", severity: recorder.Bad, evidence: []uint64{1},
			commands: []string{"go env -w 'GOPROXY=https://a.example|https://b.example,direct'"},
		},
	},
	{
		name: "502 of the user's own before everyone's", world: func() *world { return stopping("https://a.example,https://proxy.golang.org,direct", answers502) },
		want: &wanted{
			title: "a.example answered 502 after 200 ms, and a comma kept go from asking proxy.golang.org", severity: recorder.Bad, evidence: []uint64{1},
			commands: []string{"go mod download"},
		},
	},
	{
		name: "502 before direct", world: func() *world { return stopping("https://a.example,direct", answers502) },
		want: &wanted{
			title: "a.example answered 502 after 200 ms, and a comma kept go from asking direct", severity: recorder.Bad, evidence: []uint64{1},
			commands: []string{"go env -w 'GOPROXY=https://a.example|direct'"},
		},
	},
	{
		name: "no connection before a comma: the 502 is modtap's", world: func() *world {
			return stopping(twoProxies, func(w *world) {
				w.cannot(1, 10, "a.example", "dial", "connection refused", phases{connect: 3})
				w.Exchanges[0].Status = 502
			})
		},
		want: &wanted{
			title: "a.example did not answer (dial) after 3.0 ms, and a comma kept go from asking b.example", severity: recorder.Bad, evidence: []uint64{1},
			commands: []string{"go env -w 'GOPROXY=https://a.example|https://b.example,direct'"},
		},
	},
	{
		name: "no connection to an entry with a path: a CONNECT tells none", world: func() *world {
			return stopping("https://a.example/api/go,https://b.example", func(w *world) {
				w.cannot(1, 10, "a.example", "dial", "connection refused", phases{connect: 3})
				w.Exchanges[0].Status = 502
			})
		},
		want: &wanted{
			title: "a.example did not answer (dial) after 3.0 ms, and a comma kept go from asking b.example", severity: recorder.Bad, evidence: []uint64{1},
			commands: []string{"go env -w 'GOPROXY=https://a.example/api/go|https://b.example'"},
		},
	},
	{name: "no connection before direct", world: func() *world {
		return stopping("https://a.example,direct", func(w *world) {
			w.cannot(1, 10, "a.example", "dial", "connection refused", phases{connect: 3})
			w.Exchanges[0].Status = 502
		})
	}},
	{name: "no answer before direct", world: func() *world { return stopping("https://a.example,direct", times10s) }},
	{name: "before a bar", world: func() *world {
		return stopping("https://a.example|https://b.example", func(w *world) {
			answers502(w)
			w.get(1, 300, fileAt("b.example", quote, "mod"), 502, 10, phases{wait: 200})
		})
	}},
	{name: "404 goes on", world: func() *world {
		return stopping(twoProxies, func(w *world) {
			w.twice(10, fileAt("a.example", quote, "mod"), 404, 20)
			w.get(1, 300, fileAt("b.example", quote, "mod"), 502, 10, phases{wait: 200})
		}).set("GOPROXY", "https://a.example,https://b.example")
	}},
	{name: "403 is a policy", world: func() *world {
		return stopping(twoProxies, func(w *world) { w.twice(10, fileAt("a.example", quote, "mod"), 403, 20) })
	}},
	{name: "the command did not fail", world: func() *world { return stopping(twoProxies, answers502).ends(12_000, 0) }},
	{name: "the last of the list", world: func() *world { return stopping("https://a.example", answers502) }},
}

func TestFallbackStopped(t *testing.T) { runGoCases(t, "fallback-stopped", stoppedTests) }

var serverErrorTests = []goCase{
	{
		name: "the only entry", world: func() *world { return stopping("https://a.example", answers502) },
		want: &wanted{
			title: "a.example answered 502 to .mod of rsc.io/quote@v1.5.2: 200 ms, and the command failed", severity: recorder.Bad, cost: [2]float64{199, 201}, evidence: []uint64{1},
			commands: []string{"go mod download"},
		},
	},
	{
		name: "another entry had it, after a while", world: func() *world {
			w := newWorld().set("GOPROXY", "https://a.example|https://b.example")
			w.get(1, 10, fileAt("a.example", quote, "mod"), 503, 10, phases{wait: 3000})
			w.ok(3100, fileAt("b.example", quote, "mod"), 10, phases{wait: 30})
			return w.ends(3200, 0)
		},
		want: &wanted{
			title: "a.example answered 503 to .mod of rsc.io/quote@v1.5.2: 3.0 s", severity: recorder.Bad, cost: [2]float64{2990, 3010}, evidence: []uint64{1},
			commands: []string{"go mod download"},
		},
	},
	{
		name: "in direct mode, behind which there is nothing", world: func() *world {
			w := newWorld().twice(10, fileAt(golang, "git.example.org/x@v1.0.0", "mod"), 404, 20)
			w.get(2, 100, "https://git.example.org/x?go-get=1", 500, 10, phases{wait: 200})
			return w.ends(400, 1)
		},
		want: &wanted{
			title: "git.example.org answered 500 to go-get git.example.org/x: 200 ms, and the command failed", severity: recorder.Bad, cost: [2]float64{199, 201}, evidence: []uint64{3},
			commands: []string{"go mod download"},
		},
	},
	{
		name: "the comma of a policy stays", world: func() *world {
			w := newWorld().set("GOPROXY", "https://a.example,https://proxy.golang.org,direct").twice(10, fileAt("a.example", quote, "mod"), 404, 20)
			w.get(2, 100, fileAt(golang, quote, "mod"), 502, 10, phases{wait: 200})
			return w.ends(400, 1)
		},
		want: &wanted{
			title: "proxy.golang.org answered 502 to .mod of rsc.io/quote@v1.5.2: 200 ms, and the command failed", severity: recorder.Bad, cost: [2]float64{199, 201}, evidence: []uint64{3},
			commands: []string{"go env -w 'GOPROXY=https://a.example,https://proxy.golang.org|direct'"},
		},
	},
	{name: "of the checksum database", world: func() *world {
		w := proxied()
		w.get(1, 200, sumLookup+quote, 500, 10, phases{wait: 30})
		return w.ends(300, 1)
	}},
	{name: "404", world: func() *world { return proxied().twice(200, fileAt(golang, quote, "zip"), 404, 30).ends(300, 1) }},
	{name: "no answer at all", world: func() *world { return stopping("https://a.example", times10s) }},
}

// TestManyErrors: one that is fatal goes first, and none of the others is lost.
func TestManyErrors(t *testing.T) {
	w := newWorld()
	at := 10.0
	for i := range 30 {
		w.get(1, upNext(&at, 100), fileAt(golang, fmt.Sprintf("example.org/m%d@v1.0.0", i), "zip"), 502, 10, phases{wait: 100})
	}
	if f := goFinding(t, w.ends(at, 1), "server-error"); f == nil || len(f.Evidence) != 30 {
		t.Errorf("%+v", f)
	}
}

func TestServerError(t *testing.T) { runGoCases(t, "server-error", serverErrorTests) }
