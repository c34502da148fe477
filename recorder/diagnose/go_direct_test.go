package diagnose

import (
	"testing"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// privateGit is a module of git.example.org that the proxy does not have and git has.
func privateGit(wait float64) *world {
	w := newWorld()
	at := 10.0
	for _, f := range []string{"mod", "zip"} {
		w.twice(at, fileAt(golang, "git.example.org/team/x@v1.0.0", f), 404, wait)
		at += 2*wait + 5
	}
	return w.git(at, "git.example.org/team/x", "v1.0.0", "git.example.org/team/x.git", 200, 9000).ends(at+300, 0)
}

var leakTests = []goCase{
	{
		name: "git had it", world: func() *world { return privateGit(300) },
		want: &wanted{
			title: "proxy.golang.org was asked twice about git.example.org/team/x, which it cannot have: 1.2 s", severity: recorder.Warn, cost: [2]float64{1190, 1210},
			evidence: []uint64{1, 2, 3, 4}, commands: []string{"go env -w GOPRIVATE=git.example.org"},
		},
	},
	{
		name: "an internal host, and what is private already", world: func() *world {
			w := newWorld().set("GOPRIVATE", "*.other.example")
			return w.twice(10, fileAt(golang, "go.corp.internal/x@v1.0.0", "mod"), 404, 20).ends(100, 1)
		},
		want: &wanted{
			title: "proxy.golang.org was asked once about go.corp.internal/x, which it cannot have: 40 ms", severity: recorder.Warn, cost: [2]float64{39, 41},
			evidence: []uint64{1, 2}, commands: []string{"go env -w 'GOPRIVATE=*.other.example,go.corp.internal'"},
		},
	},
	{
		name: "of a hosting site, with credentials", world: func() *world {
			w := newWorld().twice(10, fileAt(golang, "github.com/corp/x@v1.0.0", "mod"), 404, 20)
			w.git(100, "github.com/corp/x", "v1.0.0", "github.com/corp/x", 200, 9000)
			w.Exchanges[3].Request.Header = []recorder.Header{{Name: "Authorization", Value: "redacted"}}
			return w.ends(500, 0)
		},
		want: &wanted{
			title: "proxy.golang.org was asked once about github.com/corp/x, which it cannot have: 40 ms", severity: recorder.Warn, cost: [2]float64{39, 41},
			evidence: []uint64{1, 2}, commands: []string{"go env -w GOPRIVATE=github.com/corp"},
		},
	},
	{
		name: "GOPRIVATE has it, and GONOPROXY goes before that", world: func() *world {
			return privateGit(300).set("GOPRIVATE", "git.example.org").set("GONOPROXY", "none").set("GONOSUMDB", "git.example.org")
		},
		want: &wanted{
			title: "proxy.golang.org was asked twice about git.example.org/team/x, which it cannot have: 1.2 s", severity: recorder.Warn, cost: [2]float64{1100, 1300},
			evidence: []uint64{1, 2, 3, 4}, commands: []string{"go env -w GONOPROXY=none,git.example.org"},
		},
	},
	{name: "of a hosting site, without", world: func() *world {
		w := newWorld().twice(10, fileAt(golang, "github.com/corp/x@v1.0.0", "mod"), 404, 20)
		return w.git(100, "github.com/corp/x", "v1.0.0", "github.com/corp/x", 200, 9000).ends(500, 0)
	}},
	{name: "the proxy has another version", world: func() *world {
		w := privateGit(300)
		w.ok(3000, fileAt(golang, "git.example.org/team/x@v0.9.0", "mod"), 30, phases{wait: 10})
		return w.ends(3100, 0)
	}},
	{name: "it is private already", world: func() *world { return privateGit(300).set("GOPRIVATE", "git.example.org") }},
	{name: "git did not have it either", world: func() *world {
		w := newWorld().twice(10, fileAt(golang, "git.example.org/x@v1.0.0", "mod"), 404, 20)
		w.get(1, 100, "https://git.example.org/x/info/refs?service=git-upload-pack", 404, 10, phases{wait: 20}).Go.Module = "git.example.org/x"
		return w.ends(200, 1)
	}},
}

func TestPrivateModuleLeak(t *testing.T) { runGoCases(t, "private-module-leak", leakTests) }

const sumLookup = "https://sum.golang.org/lookup/"

var sumdbPrivateTests = []goCase{
	{
		name: "direct, then 410", world: func() *world {
			w := privateGit(20)
			return w.twice(2000, sumLookup+"git.example.org/team/x@v1.0.0", 410, 40).ends(2200, 1)
		},
		want: &wanted{
			title: "the checksum database does not know git.example.org/team/x: 410 from sum.golang.org", severity: recorder.Bad, cost: [2]float64{79, 81}, evidence: []uint64{7, 8},
			commands: []string{"go env -w GOPRIVATE=git.example.org"},
		},
	},
	{
		name: "from the proxy of the house", world: func() *world {
			w := newWorld().set("GOPROXY", "https://goproxy.example.org").set("GONOSUMDB", "a.example")
			w.ok(10, fileAt("goproxy.example.org", "git.example.org/x@v1.0.0", "mod"), 30, phases{wait: 10})
			return w.twice(100, sumLookup+"git.example.org/x@v1.0.0", 404, 40).ends(300, 1)
		},
		want: &wanted{
			title: "the checksum database does not know git.example.org/x: 404 from sum.golang.org", severity: recorder.Bad, cost: [2]float64{79, 81}, evidence: []uint64{2, 3},
			commands: []string{"go env -w GONOSUMDB=a.example,git.example.org"},
		},
	},
	{name: "the public proxy has the module", world: func() *world {
		w := newWorld()
		w.ok(10, fileAt(golang, "example.org/x@v1.0.0", "mod"), 30, phases{wait: 10})
		return w.twice(100, sumLookup+"example.org/x@v1.0.0", 404, 40).ends(300, 1)
	}},
	{name: "the database fails", world: func() *world {
		w := privateGit(20)
		w.get(1, 2000, sumLookup+"git.example.org/team/x@v1.0.0", 500, 10, phases{wait: 40})
		return w.ends(2200, 1)
	}},
}

func TestSumdbPrivate(t *testing.T) { runGoCases(t, "sumdb-private", sumdbPrivateTests) }

// byGit is a public module that no proxy has, and that git fetches in the time given.
func byGit(took float64) *world {
	w := newWorld().twice(10, fileAt(golang, "github.com/a/x@v1.0.0", "mod"), 404, 50)
	w.ok(120, "https://github.com/a/x?go-get=1", 500, phases{wait: 40})
	return w.git(170, "github.com/a/x", "v1.0.0", "github.com/a/x", took, 9000).ends(270+took, 0)
}

var directTests = []goCase{
	{
		name: "a public module", world: func() *world { return byGit(3000) },
		want: &wanted{
			title: "github.com/a/x came by git as no proxy had it: 3.17 s of 3.27 s", severity: recorder.Bad, cost: [2]float64{3150, 3180}, evidence: []uint64{5, 1, 2, 3, 4},
			commands: []string{"go list -m -versions github.com/a/x", "GOPROXY=https://proxy.golang.org go mod download"},
		},
	},
	{name: "quickly", world: func() *world { return byGit(10) }},
	{name: "a private one", world: func() *world { return privateGit(300) }},
	{name: "direct by GOPRIVATE", world: func() *world {
		w := newWorld().set("GOPRIVATE", "github.com/a")
		return w.git(170, "github.com/a/x", "v1.0.0", "github.com/a/x", 3000, 9000).ends(4000, 0)
	}},
	{name: "404, and nothing after it", world: func() *world {
		return newWorld().twice(10, fileAt(golang, "github.com/a/x@v1.0.0", "mod"), 404, 900).ends(2000, 1)
	}},
}

func TestDirectFallback(t *testing.T) { runGoCases(t, "direct-fallback", directTests) }

// clone is one git fetch.
func clone(took float64, size int64, goproxy string) *world {
	w := newWorld().set("GOPROXY", goproxy)
	w.ok(10, fileAt(golang, quote, "mod"), 30, phases{wait: 40})
	return w.git(100, "github.com/a/x", "v0.0.0-20260101000000-abcdefabcdef", "github.com/a/x.git", took, size).ends(took+300, 0)
}

const slowGit = "GIT_HTTP_LOW_SPEED_LIMIT=1000 GIT_HTTP_LOW_SPEED_TIME=30 go mod download"

var cloneTests = []goCase{
	{
		name: "212 MB", world: func() *world { return clone(38_000, 212e6, "direct") },
		want: &wanted{
			title: "git fetched 212 MB of github.com/a/x: 38.0 s", severity: recorder.Bad, cost: [2]float64{37_900, 38_000}, evidence: []uint64{3},
			commands: []string{"go get github.com/a/x@latest", "go env -w GOPROXY=https://proxy.golang.org,direct", slowGit},
		},
	},
	{
		name: "long, though little came", world: func() *world { return clone(12_000, 1e6, "https://proxy.golang.org,direct") },
		want: &wanted{
			title: "git fetched 1.0 MB of github.com/a/x: 12.0 s", severity: recorder.Bad, cost: [2]float64{11_900, 12_000}, evidence: []uint64{3},
			commands: []string{"go get github.com/a/x@latest", slowGit},
		},
	},
	{
		name: "git's own work on what came", world: func() *world {
			w := clone(38_000, 212e6, "direct").ends(42_331, 0)
			return w.samples(38_131, 42_131, func(s *recorder.Sample) { s.Tools = []recorder.Tool{{Name: "git", Count: 2}} })
		},
		want: &wanted{
			title: "git fetched 212 MB of github.com/a/x: 38.0 s", severity: recorder.Bad, cost: [2]float64{41_900, 42_000}, evidence: []uint64{3},
			commands: []string{"go get github.com/a/x@latest", "go env -w GOPROXY=https://proxy.golang.org,direct", slowGit},
		},
	},
	{name: "9.9 s", world: func() *world { return clone(9900, 1e6, "direct") }},
	{name: "a long list of refs is no clone", world: func() *world {
		w := clone(100, 1000, "direct")
		x := &w.Exchanges[2]
		x.Go.Extra, x.Response.BodySize = "ls-refs", 30e6
		return w
	}},
	{name: "a big zip", world: func() *world {
		w := newWorld()
		w.ok(10, fileAt(golang, quote, "zip"), 212e6, phases{wait: 40, receive: 38_000})
		return w.ends(39_000, 0)
	}},
}

func TestGitClone(t *testing.T) { runGoCases(t, "git-clone", cloneTests) }

// overSSH is a run in which git spoke ssh for a time.
func overSSH(what string, took float64, exit int) *world {
	w := newWorld().ends(took+1100, exit)
	w.End.Unseen = []recorder.Unseen{{What: what, Target: "git@git.example.org", Start: ms(1000), Took: ms(took)}}
	return w.samples(1000, took+1000, func(s *recorder.Sample) {
		s.CPU, s.Tools = 0, []recorder.Tool{{Name: "ssh", Count: 1}, {Name: "git", Count: 1}}
	})
}

var sshCommands = []string{"ssh -T -o ConnectTimeout=10 git@git.example.org", "GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=10' go mod download"}

var sshTests = []goCase{
	{
		name: "120 s", world: func() *world { return overSSH("git over ssh", 120_778, 0) },
		want: &wanted{title: "git over ssh to git@git.example.org took 121 s", severity: recorder.Bad, cost: [2]float64{119_000, 120_000}, commands: sshCommands},
	},
	{
		name: "the command failed right after it", world: func() *world { return overSSH("git over ssh", 900, 1) },
		want: &wanted{title: "git over ssh to git@git.example.org took 900 ms, and the command failed", severity: recorder.Bad, commands: sshCommands},
	},
	{
		name: "another port", world: func() *world {
			w := overSSH("git over ssh", 120_778, 0)
			w.End.Unseen[0].Target = "git@git.example.org:2222"
			return w
		},
		want: &wanted{
			title: "git over ssh to git@git.example.org:2222 took 121 s", severity: recorder.Bad, cost: [2]float64{119_000, 120_000},
			commands: []string{"ssh -T -o ConnectTimeout=10 -p 2222 git@git.example.org", sshCommands[1]},
		},
	},
	{name: "2 s", world: func() *world { return overSSH("git over ssh", 2000, 0) }},
	{name: "the command failed of something else", world: func() *world {
		w := overSSH("git over ssh", 900, 1)
		w.get(1, 1500, fileAt(golang, quote, "zip"), 502, 10, phases{wait: 40})
		return w
	}},
	{name: "git past modtap, not by ssh", world: func() *world { return overSSH("git past modtap", 120_778, 0) }},
}

func TestSSHRemote(t *testing.T) { runGoCases(t, "ssh-remote", sshTests) }

func TestSSHTarget(t *testing.T) {
	for _, c := range []struct{ remote, target, port string }{
		{"git@git.example.org", "git@git.example.org", ""}, {"git@git.example.org:2222", "git@git.example.org", "2222"}, {"alias", "alias", ""},
		{"git@2001:db8::1", "git@2001:db8::1", ""}, {"git@::1", "git@::1", ""}, {"git@2001:db8:0:0:0:0:0:1:2222", "git@2001:db8:0:0:0:0:0:1", "2222"},
		{"git@host:name", "git@host:name", ""}, {"git@host:70000", "git@host:70000", ""},
	} {
		if target, port := sshTarget(c.remote); target != c.target || port != c.port {
			t.Errorf("%s: %s and port %q", c.remote, target, port)
		}
	}
}

// metaPage is a failed command that ends with the page of a module.
func metaPage(vcs string) *world {
	w := newWorld().set("GOVCS", "").twice(10, fileAt(golang, "go.example.org/x@v1.0.0", "mod"), 404, 50)
	w.ok(200, "https://go.example.org/x?go-get=1", 500, phases{wait: 40})
	w.body(`<html><head><meta name="go-import" content="go.example.org/x ` + vcs + ` https://vcs.example.org/x"></head></html>`)
	return w.ends(400, 1)
}

var govcsTests = []goCase{
	{
		name: "svn of a public module", world: func() *world { return metaPage("svn") },
		want: &wanted{
			title: "GOVCS does not allow svn for go.example.org/x, so go sent nothing after 1 page", severity: recorder.Bad, evidence: []uint64{3},
			commands: []string{"go env -w GOVCS=go.example.org/x:svn"},
		},
	},
	{
		name: "git, which the user turned off", world: func() *world { return metaPage("git").set("GOVCS", "*:off") },
		want: &wanted{
			title: "GOVCS does not allow git for go.example.org/x, so go sent nothing after 1 page", severity: recorder.Bad, evidence: []uint64{3},
			commands: []string{"go env -w 'GOVCS=go.example.org/x:git,*:off'"},
		},
	},
	{name: "git", world: func() *world { return metaPage("git") }},
	{name: "svn of a private one", world: func() *world { return metaPage("svn").set("GOPRIVATE", "*.example.org") }},
	{name: "svn, allowed", world: func() *world { return metaPage("svn").set("GOVCS", "go.example.org:svn") }},
	{name: "the repository was asked", world: func() *world {
		w := metaPage("svn")
		w.get(1, 300, "https://vcs.example.org/x", 401, 10, phases{wait: 20}).Go = gomod.Request{Kind: gomod.Svn, Repo: "vcs.example.org/x"}
		return w
	}},
	{name: "svn ran", world: func() *world {
		return metaPage("svn").samples(250, 400, func(s *recorder.Sample) { s.Tools = []recorder.Tool{{Name: "svn", Count: 1}} })
	}},
	{name: "the command did not fail", world: func() *world { return metaPage("svn").ends(400, 0) }},
}

func TestGOVCS(t *testing.T) { runGoCases(t, "govcs", govcsTests) }
