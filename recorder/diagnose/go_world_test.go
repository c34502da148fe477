package diagnose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// layOut is the analysis of a world.
func layOut(w *world) *Analysis { return analyse(&w.Input) }

// goFinding is what the rule with that id says of w.
func goFinding(t *testing.T, w *world, id string) *recorder.Finding {
	t.Helper()
	a := layOut(w)
	for _, r := range goRules {
		if r.ID != id {
			continue
		}
		f := r.Check(a)
		if f == nil {
			return nil
		}
		f.ID = id
		if f.Severity == "" {
			f.Severity = a.severity(f.Cost)
		}
		return f
	}
	t.Fatalf("no rule %s", id)
	return nil
}

// fileAt is the URL of a module's file at a host: "x/y@v1.0.0" and "zip", "x/y" and "list".
func fileAt(host, module, kind string) string {
	m, version, _ := strings.Cut(module, "@")
	if kind == "list" {
		return "https://" + host + "/" + m + "/@v/list"
	}
	return "https://" + host + "/" + m + "/@v/" + version + "." + kind
}

// twice adds a 4xx that go sent twice, the second copy right after the first.
func (w *world) twice(at float64, rawURL string, status int, wait float64) *world {
	w.get(1, at, rawURL, status, 20, phases{wait: wait})
	w.get(1, at+wait+0.01, rawURL, status, 20, phases{wait: wait})
	return w
}

// ok adds an answered request on connection 1.
func (w *world) ok(at float64, rawURL string, size int64, p phases) *recorder.Exchange {
	return w.get(1, at, rawURL, 200, size, p)
}

// body gives the last exchange a body that was kept.
func (w *world) body(text string) *world {
	x := &w.Exchanges[len(w.Exchanges)-1]
	x.Response.Body, x.Response.Kept, x.Response.BodySize = []byte(text), true, int64(len(text))
	return w
}

// git adds the requests of an ls-remote and a fetch of a repository, which took so long.
func (w *world) git(at float64, module, version, repo string, took float64, size int64) *world {
	w.ok(at, "https://"+repo+"/info/refs?service=git-upload-pack", 500, phases{wait: 30}).Go.Module = module
	x := w.ok(at+31, "https://"+repo+"/git-upload-pack", size, phases{wait: took / 2, receive: took / 2})
	x.Method = "POST"
	x.Go = gomod.Request{Kind: gomod.GitUploadPack, Module: module, Version: version, Repo: repo}
	return w
}

// samples adds one sample of 100 ms after another over [from, to), each changed by change.
func (w *world) samples(from, to float64, change func(*recorder.Sample)) *world {
	for at := from; at < to; at += 100 {
		s := recorder.Sample{At: ms(at + 100), Took: ms(100), CPU: ms(5)}
		change(&s)
		w.Process.Samples = append(w.Process.Samples, s)
	}
	return w
}

// argv changes the command.
func (w *world) argv(words ...string) *world {
	w.Session.Argv = words
	return w
}

// upNext is n with the millisecond that the next request waits.
func upNext(at *float64, took float64) float64 {
	now := *at
	*at += took + 1
	return now
}

// download adds what go mod download asks for n modules, each request with that wait; the
// .mod and .zip files par at a time. It returns when it is through.
func (w *world) download(host string, n, par int, at, wait float64) float64 {
	name := func(i int) string {
		return fmt.Sprintf("example.org/set/m%d@v1.0.0", i)
	}
	wave := func(kind string) {
		for i := range n {
			w.get(uint64(1+i%par), at, fileAt(host, name(i), kind), 200, 200, phases{wait: wait, receive: 1})
			if i%par == par-1 || i == n-1 {
				at += wait + 2
			}
		}
	}
	wave("mod")
	for i := range n {
		w.get(1, at, fileAt(host, name(i), "info"), 200, 50, phases{wait: wait})
		at += wait + 2
	}
	wave("zip")
	return at
}

// span is milliseconds of a finding's cost.
func span(d recorder.Span) float64 { return float64(d) / float64(time.Millisecond) }
