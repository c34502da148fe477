package diagnose

import (
	"testing"

	"modtap/recorder"
)

// unpacking is a zip, and then 4 s of the command's own work.
func unpacking(change func(*recorder.Sample)) *world {
	w := newWorld().set("GOMODCACHE", "/home/g/pkg/mod")
	w.ok(100, fileAt(golang, quote, "zip"), 1e6, phases{wait: 50, receive: 50})
	return w.ends(4250, 0).samples(250, 4250, change)
}

func onWindows(w *world, shell string) *world {
	w.Session.OS, w.Session.Environ.Shell = "windows/amd64", shell
	return w
}

func disk(ms float64) func(*recorder.Sample) {
	return func(s *recorder.Sample) { s.Disk = recorder.Span(ms * 1e6); s.CPU = 30e6; s.Written = 1e6 }
}

var diskTests = []goCase{
	{
		name: "80 of 100 ms", world: func() *world { return unpacking(disk(80)) },
		want: &wanted{
			title: "go waited 3.2 s for the disk, of 4.0 s of its own work", severity: recorder.Bad, cost: [2]float64{3150, 3250}, evidence: []uint64{1},
			commands: []string{"GOMODCACHE=/dev/shm/gomod go mod download"},
		},
	},
	{
		name: "Windows, no CPU after a zip", world: func() *world { return onWindows(unpacking(func(s *recorder.Sample) { s.CPU = 0 }), "powershell") },
		want: &wanted{
			title: "after zips go stood still for 4.05 s without computing: perhaps a virus scanner", severity: recorder.Info, cost: [2]float64{3950, 4100}, evidence: []uint64{1},
			commands: []string{"Add-MpPreference -ExclusionPath (go env GOMODCACHE)", "Add-MpPreference -ExclusionPath (go env GOCACHE)"},
		},
	},
	{name: "20 of 100 ms", world: func() *world { return unpacking(disk(20)) }},
	{name: "Windows, computing", world: func() *world { return onWindows(unpacking(func(s *recorder.Sample) { s.CPU = 90e6 }), "cmd") }},
	{name: "Linux, no CPU", world: func() *world { return unpacking(func(s *recorder.Sample) { s.CPU = 0 }) }},
	{name: "the disk is busy while go waits for a server", world: func() *world {
		w := newWorld()
		w.ok(10, fileAt(golang, quote, "zip"), 1e6, phases{wait: 5000})
		return w.ends(5100, 0).samples(10, 5000, disk(80))
	}},
}

func TestSlowDisk(t *testing.T) { runGoCases(t, "slow-disk", diskTests) }

func locked(until float64) *world {
	w := newWorld()
	w.ok(until+50, fileAt(golang, quote, "zip"), 1e6, phases{wait: 50})
	return w.ends(until+200, 0).samples(0, until, func(s *recorder.Sample) { s.CPU = 0; s.Lock = s.Took })
}

var lockTests = []goCase{
	{
		name: "5.2 s", world: func() *world { return locked(5200) },
		want: &wanted{
			title: "go waited 5.2 s for a lock that another process held", severity: recorder.Bad, cost: [2]float64{5150, 5250},
			commands: []string{"go mod download"},
		},
	},
	{name: "0.9 s", world: func() *world { return locked(900) }},
	{name: "it waits for nobody", world: func() *world {
		w := locked(5200)
		for i := range w.Process.Samples {
			w.Process.Samples[i].Lock = 0
		}
		return w
	}},
	{name: "while a request is on its way", world: func() *world {
		w := locked(3000)
		w.Exchanges[0].Start = epoch
		w.Exchanges[0].Server.End, w.Exchanges[0].Client.End = ms(3150), ms(3150)
		w.Exchanges[0].Server.FirstByte, w.Exchanges[0].Server.LastByte = ms(3140), ms(3150)
		return w
	}},
}

func TestCacheLock(t *testing.T) { runGoCases(t, "cache-lock", lockTests) }

// authed is a run whose credential helper works for a time before the first request.
func authed(setting string, took float64, tool string) *world {
	w := newWorld().set("GOAUTH", setting)
	w.ok(took, fileAt(golang, quote, "zip"), 1e6, phases{wait: 50})
	return w.ends(took+100, 0).samples(0, took, func(s *recorder.Sample) { s.Tools = []recorder.Tool{{Name: tool, Count: 1}} })
}

var authTests = []goCase{
	{
		name: "6 s before the first request", world: func() *world { return authed("netrc; /opt/bin/corp-auth --quick", 6000, "corp-auth") },
		want: &wanted{
			title: "go waited 6.0 s for its GOAUTH program corp-auth", severity: recorder.Bad, cost: [2]float64{5900, 6050}, evidence: []uint64{1},
			commands: []string{"go env -w GOAUTH=netrc"},
		},
	},
	{
		name: "3 s between the copies of a 401", world: func() *world {
			w := newWorld().set("GOAUTH", `C:\tools\corp.EXE`)
			w.get(1, 10, fileAt("a.example", quote, "zip"), 401, 10, phases{wait: 30})
			w.get(1, 3050, fileAt("a.example", quote, "zip"), 401, 10, phases{wait: 30})
			return w.ends(3200, 1).samples(40, 3040, func(s *recorder.Sample) { s.Tools = []recorder.Tool{{Name: "corp.exe", Count: 1}} })
		},
		want: &wanted{
			title: "go waited 3.0 s for its GOAUTH program corp", severity: recorder.Bad, cost: [2]float64{2900, 3050}, evidence: []uint64{1, 2},
			commands: []string{"go env -w GOAUTH=netrc"},
		},
	},
	{name: "0.9 s", world: func() *world { return authed("corp-auth", 900, "corp-auth") }},
	{name: "another program works", world: func() *world { return authed("corp-auth", 6000, "compile") }},
	{name: "netrc", world: func() *world { return authed("netrc", 6000, "netrc") }},
	{name: "nothing is set", world: func() *world { return authed("", 6000, "corp-auth") }},
}

func TestSlowGoAuth(t *testing.T) { runGoCases(t, "slow-goauth", authTests) }

var insecureTests = []goCase{
	{
		name: "in GOFLAGS", world: func() *world {
			return newWorld().argv("go", "get", "git.example.org/x@v1.0.0").set("GOFLAGS", "-mod=mod -insecure").ends(50, 1)
		},
		want: &wanted{
			title: "go get does not know -insecure any more: it sent 0 requests", severity: recorder.Bad,
			commands: []string{"go env -w GOFLAGS=-mod=mod", "go env -w GOINSECURE=git.example.org", "go env -w GONOSUMDB=git.example.org"},
		},
	},
	{
		name: "GOINSECURE of a host that drops port 443", world: func() *world {
			w := newWorld().set("GOINSECURE", "git.example.org,*.lab").set("GOPROXY", "direct")
			w.fails(1, 10, "https://git.example.org/x?go-get=1", "timeout", "context deadline exceeded", phases{connect: 5000})
			w.get(2, 5020, "http://git.example.org/x?go-get=1", 200, 500, phases{connect: 5, wait: 30})
			return w.ends(5200, 0)
		},
		want: &wanted{
			title: "GOINSECURE made go try https for 5.0 s at git.example.org before http", severity: recorder.Bad, cost: [2]float64{4900, 5100}, evidence: []uint64{1},
			commands: []string{"curl -v telnet://git.example.org:443"},
		},
	},
	{name: "go mod download does not mind", world: func() *world { return newWorld().set("GOFLAGS", "-insecure").ends(50, 1) }},
	{name: "a get that worked", world: func() *world {
		return newWorld().argv("go", "get", "x.org/y").set("GOFLAGS", "-insecure").ends(50, 0)
	}},
	{name: "http at once", world: func() *world {
		w := newWorld().set("GOINSECURE", "git.example.org").set("GOPROXY", "direct")
		w.fails(1, 10, "https://git.example.org/x?go-get=1", "dial", "connection refused", phases{connect: 5})
		w.get(2, 20, "http://git.example.org/x?go-get=1", 200, 500, phases{connect: 5, wait: 30})
		return w.ends(200, 0)
	}},
	{name: "no http after it", world: func() *world {
		w := newWorld().set("GOINSECURE", "other.example.org")
		w.fails(1, 10, "https://git.example.org/x?go-get=1", "timeout", "context deadline exceeded", phases{connect: 5000})
		return w.ends(5200, 1)
	}},
}

func TestInsecureFlag(t *testing.T) { runGoCases(t, "insecure-flag", insecureTests) }
