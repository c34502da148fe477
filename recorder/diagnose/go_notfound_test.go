package diagnose

import (
	"testing"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

const (
	golang = "proxy.golang.org"
	quote  = "rsc.io/quote@v1.5.2"
)

// proxied is a world in which the proxy's usual files came quickly before.
func proxied() *world {
	w := newWorld()
	w.ok(10, fileAt(golang, quote, "mod"), 100, phases{wait: 40})
	w.ok(60, fileAt(golang, quote, "zip"), 1000, phases{wait: 40, receive: 5})
	return w
}

var slow404Tests = []goCase{
	{
		name: "58 s for a version, twice",
		world: func() *world {
			w := proxied().twice(200, fileAt(golang, "github.com/big/repo@v0.9.0", "info"), 404, 58_300)
			return w.ends(117_000, 1)
		},
		want: &wanted{
			title: "proxy.golang.org took 58.3 s to say that it has no .info of github.com/big/repo@v0.9.0", severity: recorder.Bad,
			cost: [2]float64{116_000, 116_600}, evidence: []uint64{3, 4},
			commands: []string{
				"go list -m -versions github.com/big/repo",
				"GONOPROXY=github.com/big/repo GONOSUMDB=github.com/big/repo go mod download",
			},
		},
	},
	{
		name: "the second entry has it at once",
		world: func() *world {
			w := proxied().set("GOPROXY", "https://a.example|https://proxy.golang.org,direct").twice(200, fileAt("a.example", "x.org/m@v1.0.0", "zip"), 404, 5500)
			w.ok(11_300, fileAt(golang, "x.org/m@v1.0.0", "zip"), 100, phases{wait: 40})
			return w.ends(12_000, 0)
		},
		want: &wanted{
			title: "a.example took 5.5 s to say that it has no .zip of x.org/m@v1.0.0", severity: recorder.Bad, cost: [2]float64{10_800, 11_000}, evidence: []uint64{3, 4},
			commands: []string{"curl -v -o - https://a.example/x.org/m/@v/v1.0.0.zip"}, // not the public one first
		},
	},
	{
		name: "another of the house has it at once",
		world: func() *world {
			w := proxied().set("GOPROXY", "https://a.example|https://b.example,direct").twice(200, fileAt("a.example", "x.org/m@v1.0.0", "zip"), 404, 5500)
			w.ok(11_300, fileAt("b.example", "x.org/m@v1.0.0", "zip"), 100, phases{wait: 40})
			return w.ends(12_000, 0)
		},
		want: &wanted{
			title: "a.example took 5.5 s to say that it has no .zip of x.org/m@v1.0.0", severity: recorder.Bad, cost: [2]float64{10_800, 11_000}, evidence: []uint64{3, 4},
			commands: []string{"go env -w 'GOPROXY=https://b.example|https://a.example,direct'"},
		},
	},
	{
		name: "one whose password cannot be printed has it at once",
		world: func() *world {
			w := proxied().set("GOPROXY", "https://proxy.golang.org,https://u:"+recorder.Redacted+"@b.example,direct").twice(200, fileAt(golang, "x.org/m@v1.0.0", "zip"), 404, 5500)
			w.ok(11_300, fileAt("b.example", "x.org/m@v1.0.0", "zip"), 100, phases{wait: 40})
			return w.ends(12_000, 0)
		},
		want: &wanted{
			title: "proxy.golang.org took 5.5 s to say that it has no .zip of x.org/m@v1.0.0", severity: recorder.Bad, cost: [2]float64{10_800, 11_000}, evidence: []uint64{3, 4},
			commands: []string{"go env GOPROXY"},
		},
	},
	{
		name: "of an internal host",
		world: func() *world {
			return proxied().twice(200, fileAt(golang, "git.corp.internal/team/x", "list"), 404, 6000).ends(13_000, 0)
		},
		want: &wanted{
			title: "proxy.golang.org took 6.0 s to say that it has no list of git.corp.internal/team/x", severity: recorder.Bad, cost: [2]float64{11_800, 12_000}, evidence: []uint64{3, 4},
			commands: []string{"go env -w GOPRIVATE=git.corp.internal"},
		},
	},
	{name: "4.9 s", world: func() *world {
		return proxied().twice(200, fileAt(golang, "github.com/big/repo@v0.9.0", "info"), 404, 4900).ends(10_200, 0)
	}},
	{name: "a slow answer that is no 404", world: func() *world {
		w := proxied()
		w.ok(200, fileAt(golang, "github.com/big/repo@v0.9.0", "info"), 50, phases{wait: 20_000})
		return w.ends(21_000, 0)
	}},
	{name: "the wait is a rule of the user's", world: func() *world {
		w := proxied()
		w.get(1, 200, fileAt(golang, "github.com/big/repo@v0.9.0", "info"), 404, 50, phases{wait: 6000}).Injected = ms(5900)
		return w.ends(7000, 0)
	}},
}

func TestSlow404(t *testing.T) { runGoCases(t, "slow-404", slow404Tests) }

// TestRemedyOrder: who is named where another entry had it.
func TestRemedyOrder(t *testing.T) {
	for _, c := range []struct{ list, slow, had, remedy, command string }{
		{
			"https://goproxy.io,https://goproxy.cn,direct", "goproxy.cn", "goproxy.io",
			"goproxy.io, which go asks before goproxy.cn, had it another time: run the command again.", "go mod download",
		}, {
			"https://goproxy.cn,https://own.example,https://proxy.golang.org,direct", "goproxy.cn", golang,
			"proxy.golang.org had it at once, but is not to be asked before own.example, which may have private modules. Show who runs goproxy.cn how long it takes to say no.",
			"curl -v -o - https://goproxy.cn/x.org/m/@v/v1.0.0.zip",
		},
	} {
		w := newWorld().set("GOPROXY", c.list).twice(200, fileAt(c.slow, "x.org/m@v1.0.0", "zip"), 404, 5500)
		w.ok(11_300, fileAt(c.had, "x.org/m@v1.0.0", "zip"), 100, phases{wait: 40})
		w.ends(12_000, 0)
		if f := Run(w.Input).Findings[0]; f.ID != "slow-404" || f.Remedy != c.remedy || len(f.Commands) != 1 || f.Commands[0] != c.command {
			t.Errorf("%s: %+v", c.list, f)
		}
	}
}

// manyTwice is n files that the first server does not have, or all but one, and
// proxy.golang.org has.
func manyTwice(first string, n int, wait float64, has bool) *world {
	w := newWorld().set("GOPROXY", "https://"+first+",https://proxy.golang.org,direct")
	at := 10.0
	for i := range n {
		m := "example.org/m" + string(rune('a'+i)) + "@v1.0.0"
		if has && i == 0 {
			w.ok(at, fileAt(first, m, "zip"), 100, phases{wait: wait})
			at += wait + 5
			continue
		}
		w.twice(at, fileAt(first, m, "zip"), 404, wait)
		at += 2*wait + 5
		w.ok(at, fileAt(golang, m, "zip"), 100, phases{wait: 20})
		at += 30
	}
	return w.ends(at+50, 0)
}

var doubledTests = []goCase{
	{
		name:  "the first entry has nothing",
		world: func() *world { return manyTwice("goproxy.cn", 10, 100, false) },
		want: &wanted{
			title: "goproxy.cn never had what go asked it for: 10 answers of 4xx, each sent twice, 2.0 s", severity: recorder.Bad, cost: [2]float64{1990, 2060},
			evidence: []uint64{1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22, 23, 25, 26, 28, 29},
			commands: []string{"go env -w GOPROXY=https://proxy.golang.org,direct"},
		},
	},
	{
		name:  "the first entry has nothing, but may have what is private", // no list without it
		world: func() *world { return manyTwice("a.example", 10, 100, false) },
		want: &wanted{
			title: "a.example never had what go asked it for: 10 answers of 4xx, each sent twice, 2.0 s", severity: recorder.Bad, cost: [2]float64{1990, 2060},
			evidence: []uint64{1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19, 20, 22, 23, 25, 26, 28, 29},
		},
	},
	{
		name:  "the first entry has one: only the second copies go away",
		world: func() *world { return manyTwice("a.example", 11, 100, true) },
		want: &wanted{
			title: "go sent 10 requests with an answer of 4xx twice: 1.0 s", severity: recorder.Warn, cost: [2]float64{990, 1040},
			evidence: []uint64{2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18, 20, 21, 23, 24, 26, 27, 29, 30},
		},
	},
	{name: "one 404 of 90 ms", world: func() *world { return manyTwice("a.example", 1, 90, false) }},
	{name: "a server that fails is not asked twice", world: func() *world {
		w := proxied()
		w.get(1, 200, fileAt(golang, "example.org/m@v1.0.0", "zip"), 502, 10, phases{wait: 900})
		w.get(1, 1200, fileAt(golang, "example.org/m@v1.0.0", "zip"), 502, 10, phases{wait: 900})
		return w.ends(2300, 1)
	}},
}

func TestDoubled4xx(t *testing.T) { runGoCases(t, "doubled-4xx", doubledTests) }

// probing is go get of a package: three paths above it are asked for at once, and those
// that are none take the time given.
func probing(missing float64) *world {
	w := newWorld().argv("go", "get", "example.org/m/a/b@latest")
	w.get(1, 10, fileAt(golang, "example.org/m", "list"), 200, 20, phases{wait: 50})
	w.body("v1.0.0\nv1.1.0\n")
	w.get(2, 10, fileAt(golang, "example.org/m/a", "list"), 404, 20, phases{wait: 50})
	w.get(2, 62, fileAt(golang, "example.org/m/a", "list"), 404, 20, phases{wait: 50})
	w.get(3, 11, fileAt(golang, "example.org/m/a/b", "list"), 404, 20, phases{wait: missing})
	w.get(3, 12+missing, fileAt(golang, "example.org/m/a/b", "list"), 404, 20, phases{wait: missing})
	end := 20 + 2*missing
	w.ok(end, fileAt(golang, "example.org/m@v1.1.0", "info"), 20, phases{wait: 50})
	w.ok(end+60, fileAt(golang, "example.org/m@v1.1.0", "zip"), 20, phases{wait: 50})
	return w.ends(end+200, 0)
}

var probingTests = []goCase{
	{
		name: "a package two folders down", world: func() *world { return probing(1500) },
		want: &wanted{
			title: "to find the module of example.org/m/a/b go tried 2 paths that are none: 2.95 s", severity: recorder.Bad, cost: [2]float64{2900, 3010},
			evidence: []uint64{4, 5, 2, 3}, commands: []string{"go get example.org/m@latest"},
		},
	},
	{name: "the 404s are quick", world: func() *world { return probing(60) }},
	{name: "two modules whose lists are missing, none above the other", world: func() *world {
		w := newWorld()
		w.get(1, 10, fileAt(golang, "example.org/m", "list"), 200, 20, phases{wait: 50})
		w.get(2, 10, fileAt(golang, "example.org/n", "list"), 404, 20, phases{wait: 3000})
		return w.ends(3100, 0)
	}},
	{name: "the module's own list is the slow one", world: func() *world {
		w := newWorld()
		w.get(1, 10, fileAt(golang, "example.org/m", "list"), 200, 20, phases{wait: 3000})
		w.get(2, 10, fileAt(golang, "example.org/m/a", "list"), 404, 20, phases{wait: 900})
		return w.ends(3100, 0)
	}},
}

func TestPathProbing(t *testing.T) { runGoCases(t, "path-probing", probingTests) }

// taggedWorld is a version v1.1.0 of example.org/m that the proxy does not have; list is
// what it says of the module's versions, "" when it was not asked.
func taggedWorld(list string, exit int) *world {
	w := newWorld().argv("go", "get", "example.org/m@v1.1.0")
	if list != "" {
		w.ok(10, fileAt(golang, "example.org/m", "list"), 20, phases{wait: 50})
		w.body(list)
	}
	return w.twice(100, fileAt(golang, "example.org/m@v1.1.0", "info"), 404, 80).ends(400, exit)
}

var newTagTests = []goCase{
	{
		name: "the list has it", world: func() *world { return taggedWorld("v1.0.0\nv1.1.0\n", 1) },
		want: &wanted{
			title: "proxy.golang.org has no example.org/m@v1.1.0 yet, which exists: 404", severity: recorder.Bad, cost: [2]float64{155, 165}, evidence: []uint64{2, 3},
			commands: []string{"GOPROXY=https://proxy.golang.org go list -m example.org/m@v1.1.0", "GONOSUMDB=example.org/m GOPROXY=direct go get example.org/m@v1.1.0"},
		},
	},
	{
		name: "git had it then", world: func() *world {
			w := newWorld()
			w.ok(10, fileAt(golang, "github.com/a/m@v1.0.0", "mod"), 20, phases{wait: 50})
			w.twice(100, fileAt(golang, "github.com/a/m@v1.1.0", "mod"), 404, 80)
			return w.git(300, "github.com/a/m", "v1.1.0", "github.com/a/m", 900, 10_000).ends(1500, 0)
		},
		want: &wanted{
			title: "proxy.golang.org has no github.com/a/m@v1.1.0 yet, which exists: 404", severity: recorder.Warn, cost: [2]float64{1050, 1150}, evidence: []uint64{5, 2, 3, 4},
			commands: []string{"GOPROXY=https://proxy.golang.org go list -m github.com/a/m@v1.1.0", "GONOSUMDB=github.com/a/m GOPROXY=direct go get github.com/a/m@v1.1.0"},
		},
	},
	{
		name: "it is the database that has not got it yet, and that is no proxy", world: func() *world {
			w := newWorld()
			w.ok(100, fileAt(golang, "example.org/m@v1.1.0", "mod"), 20, phases{wait: 50})
			return w.twice(200, sumLookup+"example.org/m@v1.1.0", 404, 80).ends(500, 1)
		},
		want: &wanted{
			title: "sum.golang.org has no example.org/m@v1.1.0 yet, which exists: 404", severity: recorder.Bad, cost: [2]float64{155, 165}, evidence: []uint64{2, 3},
			commands: []string{"GOPROXY=https://proxy.golang.org go list -m example.org/m@v1.1.0", "GONOSUMDB=example.org/m GOPROXY=direct go get example.org/m@v1.1.0"},
		},
	},
	{name: "the list does not have it", world: func() *world { return taggedWorld("v1.0.0\n", 1) }},
	{name: "nothing says that it exists", world: func() *world { return taggedWorld("", 1) }},
	{name: "the proxy has nothing of the module", world: func() *world {
		w := newWorld().twice(100, fileAt(golang, "git.example.org/a/m@v1.1.0", "mod"), 404, 80)
		return w.git(300, "git.example.org/a/m", "v1.1.0", "git.example.org/a/m", 900, 10_000).ends(1500, 0)
	}},
}

func TestNewTag(t *testing.T) { runGoCases(t, "new-tag", newTagTests) }

var unknownTests = []goCase{
	{
		name: "the list does not have it", world: func() *world { return taggedWorld("v1.0.0\nv1.0.1\nv0.9.0\n", 1) },
		want: &wanted{
			title: "proxy.golang.org has no version v1.1.0 of example.org/m; it lists 3, up to v1.0.1", severity: recorder.Bad, cost: [2]float64{155, 165}, evidence: []uint64{2, 3},
			commands: []string{"go list -m -versions example.org/m", "go get example.org/m@v1.0.1"},
		},
	},
	{
		name: "no list", world: func() *world { return taggedWorld("", 1) },
		want: &wanted{
			title: "proxy.golang.org has no version v1.1.0 of example.org/m", severity: recorder.Bad, cost: [2]float64{155, 165}, evidence: []uint64{1, 2},
			commands: []string{"go list -m -versions example.org/m"},
		},
	},
	{
		name: "no version matches, and go asks no further", world: func() *world {
			w := newWorld().argv("go", "get", "example.org/m@v1.9")
			w.ok(10, fileAt(golang, "example.org/m", "list"), 20, phases{wait: 50})
			return w.body("v1.0.0\n").ends(400, 1)
		},
		want: &wanted{
			title: "proxy.golang.org has no version v1.9 of example.org/m; it lists 1, up to v1.0.0", severity: recorder.Bad, cost: [2]float64{45, 55}, evidence: []uint64{1},
			commands: []string{"go list -m -versions example.org/m", "go get example.org/m@v1.0.0"},
		},
	},
	{name: "a version matches", world: func() *world {
		w := newWorld().argv("go", "get", "example.org/m@v1.9")
		w.ok(10, fileAt(golang, "example.org/m", "list"), 20, phases{wait: 50})
		return w.body("v1.9.0\n").ends(400, 1)
	}},
	{name: "the command did not fail", world: func() *world { return taggedWorld("v1.0.0\n", 0) }},
	{name: "direct mode had it", world: func() *world {
		w := taggedWorld("", 1)
		return w.git(500, "example.org/m", "v1.1.0", "git.example.org/m", 900, 10_000).ends(1500, 1)
	}},
	{name: "direct mode was refused", world: func() *world {
		w := taggedWorld("", 1)
		w.get(1, 500, "https://example.org/m/info/refs?service=git-upload-pack", 401, 10, phases{wait: 50}).Go.Module = "example.org/m"
		return w.ends(900, 1)
	}},
}

func TestUnknownVersion(t *testing.T) { runGoCases(t, "unknown-version", unknownTests) }

// TestTaggedAs: the tag of a module in a folder has the folder before the version.
func TestTaggedAs(t *testing.T) {
	refs := []gomod.Ref{{Name: "refs/tags/v1.0.0"}, {Name: "refs/tags/sub/dir/v1.1.0"}, {Name: "refs/heads/v1.2.0"}}
	for _, c := range []struct {
		mod, version string
		want         bool
	}{
		{"example.org/r", "v1.0.0", true},
		{"example.org/r/sub/dir", "v1.1.0", true},
		{"example.org/r/sub", "v1.1.0", false},
		{"example.org/r", "v1.2.0", false},
	} {
		if got := taggedAs(refs, c.mod, c.version); got != c.want {
			t.Errorf("%s@%s: %v, want %v", c.mod, c.version, got, c.want)
		}
	}
}
