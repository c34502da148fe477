package diagnose

import (
	"fmt"
	"strings"
	"testing"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

var unreachableTests = []goCase{
	{
		name: "dial timeout", world: func() *world {
			w := proxied()
			w.fails(2, 200, sumLookup+quote, "dial", "dial tcp 192.0.2.1:443: i/o timeout", phases{connect: 30_000})
			return w.ends(30_400, 1)
		},
		want: &wanted{
			title: "the checksum database at sum.golang.org does not answer (dial): given up after 30.0 s", severity: recorder.Bad, cost: [2]float64{29_900, 30_100}, evidence: []uint64{3},
			commands: []string{"go env -w GOSUMDB=sum.golang.google.cn"},
		},
	},
	{
		name: "the proxy's timeout", world: func() *world {
			w := proxied().set("GOPROXY", "https://athens.example.org")
			w.get(1, 200, "https://athens.example.org/sumdb/sum.golang.org/lookup/"+quote, 504, 10, phases{wait: 15_000})
			return w.ends(15_300, 1)
		},
		want: &wanted{
			title: "athens.example.org answers for the checksum database with 504 after 15.0 s", severity: recorder.Bad, cost: [2]float64{14_900, 15_100}, evidence: []uint64{3},
			commands: []string{"go env -w 'GOSUMDB=sum.golang.org https://sum.golang.org'"},
		},
	},
	{
		name: "another database", world: func() *world {
			w := proxied().set("GOSUMDB", "sum.example.org+1234+abcd")
			x := w.fails(2, 200, "https://sum.example.org:443", "timeout", "TLS handshake timeout", phases{connect: 10, tls: 10_000})
			x.Method, x.Go.Kind = "CONNECT", "connect"
			return w.ends(10_400, 1)
		},
		want: &wanted{
			title: "the checksum database at sum.example.org does not answer (timeout): given up after 10.0 s", severity: recorder.Bad, cost: [2]float64{9900, 10_100}, evidence: []uint64{3},
			commands: []string{"go env -u GOSUMDB"},
		},
	},
	{
		name: "the name that stands for an address", world: func() *world {
			w := proxied().set("GOSUMDB", "sum.golang.google.cn")
			w.fails(2, 200, "https://sum.golang.google.cn/lookup/"+quote, "dial", "dial tcp 192.0.2.1:443: i/o timeout", phases{connect: 30_000}).Go = gomod.Request{Kind: gomod.SumdbLookup, Module: "rsc.io/quote", Version: "v1.5.2"}
			return w.ends(30_400, 1)
		},
		want: &wanted{
			title: "the checksum database at sum.golang.google.cn does not answer (dial): given up after 30.0 s", severity: recorder.Bad, cost: [2]float64{29_900, 30_100}, evidence: []uint64{3},
			commands: []string{"go env -u GOSUMDB", "go env -w GOPROXY=https://goproxy.cn,https://proxy.golang.org,direct"},
		},
	},
	{
		name: "the same as a variable, with a proxy that relays the database", world: func() *world {
			w := proxied().set("GOSUMDB", "sum.golang.google.cn").set("GOPROXY", "https://a.example,https://goproxy.cn,direct")
			w.Session.Environ.FromEnv = []string{"GOSUMDB"}
			w.fails(2, 200, "https://sum.golang.google.cn/lookup/"+quote, "dial", "dial tcp 192.0.2.1:443: i/o timeout", phases{connect: 30_000}).Go = gomod.Request{Kind: gomod.SumdbLookup, Module: "rsc.io/quote", Version: "v1.5.2"}
			return w.ends(30_400, 1)
		},
		want: &wanted{
			title: "the checksum database at sum.golang.google.cn does not answer (dial): given up after 30.0 s", severity: recorder.Bad, cost: [2]float64{29_900, 30_100}, evidence: []uint64{3},
			commands: []string{"unset GOSUMDB"},
		},
	},
	{
		name: "the same without any proxy, which the usual name would not help", world: func() *world {
			w := proxied().set("GOSUMDB", "sum.golang.google.cn").set("GOPROXY", "direct")
			w.fails(2, 200, "https://sum.golang.google.cn/lookup/"+quote, "dial", "dial tcp 192.0.2.1:443: i/o timeout", phases{connect: 30_000}).Go = gomod.Request{Kind: gomod.SumdbLookup, Module: "rsc.io/quote", Version: "v1.5.2"}
			return w.ends(30_400, 1)
		},
		want: &wanted{
			title: "the checksum database at sum.golang.google.cn does not answer (dial): given up after 30.0 s", severity: recorder.Bad, cost: [2]float64{29_900, 30_100}, evidence: []uint64{3},
			commands: []string{"curl -v telnet://sum.golang.google.cn:443"},
		},
	},
	{
		name: "another database, of a variable", world: func() *world {
			w := proxied().set("GOSUMDB", "sum.example.org+1234+abcd")
			w.Session.Environ.FromEnv = []string{"GOSUMDB"}
			x := w.fails(2, 200, "https://sum.example.org:443", "timeout", "TLS handshake timeout", phases{connect: 10, tls: 10_000})
			x.Method, x.Go.Kind = "CONNECT", "connect"
			return w.ends(10_400, 1)
		},
		want: &wanted{
			title: "the checksum database at sum.example.org does not answer (timeout): given up after 10.0 s", severity: recorder.Bad, cost: [2]float64{9900, 10_100}, evidence: []uint64{3},
			commands: []string{"unset GOSUMDB"},
		},
	},
	{name: "the proxy does not serve it, and the database answers", world: func() *world {
		w := proxied().twice(200, "https://proxy.golang.org/sumdb/sum.golang.org/supported", 404, 50)
		w.ok(400, sumLookup+quote, 300, phases{wait: 50})
		return w.ends(600, 0)
	}},
	{name: "nothing answers", world: func() *world {
		w := newWorld()
		w.fails(1, 10, fileAt(golang, quote, "mod"), "dial", "i/o timeout", phases{connect: 3000})
		w.fails(2, 10, sumLookup+quote, "dial", "i/o timeout", phases{connect: 3000})
		return w.ends(3400, 1)
	}},
	{name: "an unknown certificate", world: func() *world {
		w := proxied()
		w.fails(2, 200, sumLookup+quote, "tls", "tls: failed to verify certificate: x509: certificate signed by unknown authority", phases{connect: 10, tls: 50})
		return w.ends(300, 1)
	}},
}

func TestSumdbUnreachable(t *testing.T) { runGoCases(t, "sumdb-unreachable", unreachableTests) }

// lookingUp is n modules, each with a lookup and two tiles that take wait.
func lookingUp(n int, wait float64) *world {
	w := newWorld()
	at := 10.0
	for i := range n {
		m := fmt.Sprintf("example.org/m%d@v1.0.0", i)
		w.ok(upNext(&at, 20), fileAt(golang, m, "mod"), 100, phases{wait: 20})
		w.ok(upNext(&at, wait), sumLookup+m, 300, phases{wait: wait})
		w.ok(upNext(&at, wait), fmt.Sprintf("https://sum.golang.org/tile/8/0/%03d", i), 8192, phases{wait: wait})
		w.ok(upNext(&at, wait), fmt.Sprintf("https://sum.golang.org/tile/8/1/%03d", i), 8192, phases{wait: wait})
	}
	return w.ends(at+50, 0)
}

var dominatesTests = []goCase{
	{
		name: "200 ms away, no go.sum", world: func() *world { return lookingUp(10, 200) },
		want: &wanted{
			title: "30 of 40 requests ask the checksum database: 6.0 s of 6.3 s", severity: recorder.Bad, cost: [2]float64{5950, 6050},
			evidence: []uint64{2, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15, 16, 18, 19, 20, 22, 23, 24, 26, 27},
			commands: []string{"go mod tidy", "git add go.mod go.sum"},
		},
	},
	{
		name: "80 ms away: that is how go works", world: func() *world { return lookingUp(10, 80) },
		want: &wanted{
			title: "30 of 40 requests ask the checksum database: 2.4 s of 2.7 s", severity: recorder.Info, cost: [2]float64{2350, 2450},
			evidence: []uint64{2, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15, 16, 18, 19, 20, 22, 23, 24, 26, 27},
			commands: []string{"go mod tidy", "git add go.mod go.sum"},
		},
	},
	{
		name: "go get has to look up", world: func() *world { return lookingUp(3, 200).argv("go", "get", "-u", "./...") },
		want: &wanted{
			title: "9 of 12 requests ask the checksum database: 1.8 s of 1.93 s", severity: recorder.Info, cost: [2]float64{1750, 1850},
			evidence: []uint64{2, 3, 4, 6, 7, 8, 10, 11, 12}, commands: []string{"git add go.mod go.sum"},
		},
	},
	{name: "on a fast network", world: func() *world { return lookingUp(20, 1) }},
	{name: "a third of the requests, and of the time", world: func() *world {
		w := lookingUp(2, 300)
		for i := range 12 {
			w.ok(3000+100*float64(i), fileAt(golang, quote, "zip"), 100, phases{wait: 20})
		}
		return w.ends(5000, 0)
	}},
}

func TestSumdbDominates(t *testing.T) { runGoCases(t, "sumdb-dominates", dominatesTests) }

// TestSumdbPredicted: what-if's number is better than the rule's own.
func TestSumdbPredicted(t *testing.T) {
	a := layOut(lookingUp(10, 200))
	a.Predicted = func(id string) (recorder.Span, bool) { return ms(1234), id == "go-sum" }
	if f := goRule(sumdbDominates)(a); f == nil || f.Cost != ms(1234) {
		t.Errorf("%+v", f)
	}
}

// TestSumdbNamed: go install of a version reads no go.sum.
func TestSumdbNamed(t *testing.T) {
	w := lookingUp(10, 200)
	w.Session.Argv = []string{"go", "install", "rsc.io/quote@latest"}
	f := goRule(sumdbDominates)(layOut(w))
	if f == nil || f.Severity != recorder.Info || strings.Contains(strings.Join(f.Commands, " "), "tidy") {
		t.Errorf("%+v", f)
	}
}

// quoteMod is the go.mod of rsc.io/quote v1.5.2, and quoteSum its hash, as in every go.sum.
const (
	quoteMod = "module \"rsc.io/quote\"\n\nrequire \"rsc.io/sampler\" v1.3.0\n"
	quoteSum = "h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0="
)

// checked is a run in which a host sent a go.mod and the database a hash.
func checked(host, body, sum string) *world {
	w := newWorld().set("GOPROXY", "https://"+host)
	w.ok(10, fileAt(host, quote, "mod"), 10, phases{wait: 20})
	w.body(body)
	w.ok(50, sumLookup+quote, 300, phases{wait: 20})
	w.body("11\nrsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\nrsc.io/quote v1.5.2/go.mod " + sum + "\n\ngo.sum database tree\n1\n")
	return w.ends(100, 1)
}

var checksumTests = []goCase{
	{
		name: "a mirror changed it", world: func() *world { return checked("goproxy.example.org", quoteMod+"// x\n", quoteSum) },
		want: &wanted{
			title: "goproxy.example.org sent a go.mod of rsc.io/quote@v1.5.2 that the checksum database contradicts", severity: recorder.Bad, evidence: []uint64{1, 2},
			commands: []string{"go clean -modcache", "GOPROXY=https://proxy.golang.org,direct go mod download rsc.io/quote@v1.5.2"},
		},
	},
	{
		name: "the second entry is left", world: func() *world {
			return checked("goproxy.cn", quoteMod+"// x\n", quoteSum).set("GOPROXY", "https://goproxy.cn,https://b.example|direct")
		},
		want: &wanted{
			title: "goproxy.cn sent a go.mod of rsc.io/quote@v1.5.2 that the checksum database contradicts", severity: recorder.Bad, evidence: []uint64{1, 2},
			commands: []string{"go clean -modcache", "GOPROXY='https://b.example|direct' go mod download"},
		},
	},
	{name: "what the user's own proxy had is not asked of everyone's, but for this module", world: func() *world {
		return checked("goproxy.example.org", quoteMod+"// x\n", quoteSum).set("GOPROXY", "https://goproxy.example.org,https://proxy.golang.org,direct")
	},
		want: &wanted{
			title: "goproxy.example.org sent a go.mod of rsc.io/quote@v1.5.2 that the checksum database contradicts", severity: recorder.Bad, evidence: []uint64{1, 2},
			commands: []string{"go clean -modcache", "GOPROXY=https://proxy.golang.org,direct go mod download rsc.io/quote@v1.5.2"},
		},
	},
	{name: "as it should be", world: func() *world { return checked("goproxy.example.org", quoteMod, quoteSum) }},
	{name: "the body was not kept whole", world: func() *world {
		w := checked("goproxy.example.org", quoteMod[:20], quoteSum)
		w.Exchanges[0].Response.Kept = false
		return w
	}},
	{name: "the body was redacted", world: func() *world {
		w := checked("goproxy.example.org", quoteMod[:20], quoteSum)
		w.Exchanges[0].Response.Redacted = true
		return w
	}},
	{name: "of another version", world: func() *world {
		w := checked("goproxy.example.org", quoteMod+"// x\n", quoteSum)
		w.Exchanges[1].Go.Version = "v1.5.1"
		return w
	}},
}

func TestChecksumMismatch(t *testing.T) { runGoCases(t, "checksum-mismatch", checksumTests) }

// TestManyMismatches: all of them are counted, however many ids are shown.
func TestManyMismatches(t *testing.T) {
	w := newWorld()
	at := 10.0
	for i := range 63 {
		m := fmt.Sprintf("example.org/m%d@v1.0.0", i)
		w.ok(upNext(&at, 10), fileAt(golang, m, "mod"), 10, phases{wait: 10})
		w.body(quoteMod)
		w.ok(upNext(&at, 10), sumLookup+m, 300, phases{wait: 10})
		w.body(fmt.Sprintf("11\nexample.org/m%d v1.0.0/go.mod h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=\n", i))
	}
	for _, f := range Run(w.ends(at, 1).Input).Findings {
		if f.ID == "checksum-mismatch" {
			if f.Numbers[0].Value != 63 || f.Of != 126 || len(f.Evidence) != maxEvidence {
				t.Errorf("%v files, %d of %d ids", f.Numbers[0].Value, len(f.Evidence), f.Of)
			}
			return
		}
	}
	t.Error("it is not found")
}
