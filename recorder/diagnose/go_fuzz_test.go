package diagnose

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// A dice turns bytes into choices; of none left all are 0.
type dice []byte

func (d *dice) roll(n int) int {
	if len(*d) == 0 {
		return 0
	}
	b := int((*d)[0])
	*d = (*d)[1:]
	return b % n
}

func pick[T any](d *dice, from ...T) T { return from[d.roll(len(from))] }

// rolledWorld is a world that bytes make up: requests of all kinds and outcomes, settings
// good and bad, samples, ssh.
func rolledWorld(b []byte) *world {
	d := dice(b)
	w := newWorld()
	w.set("GOPROXY", pick(&d, "https://proxy.golang.org,direct", "direct", "", "a,,b|", "https://a.example|https://b.example,off", "off"))
	w.set("GOSUMDB", pick(&d, "sum.golang.org", "off", "", "x+y+z https://a.example/s", "  ", "sum.golang.google.cn"))
	w.set("GOPRIVATE", pick(&d, "", "*", "git.example.org,[", ","))
	w.set("GOVCS", pick(&d, "", "*:off", "public:git,,", "private"))
	w.set("GOAUTH", pick(&d, "", "netrc", "helper", ";;", "git /x; helper a b"))
	w.set("GOINSECURE", pick(&d, "", "*", "a.example"))
	w.set("GOFLAGS", pick(&d, "", "-insecure", "  -mod=mod "))
	w.Session.Argv = pick(&d, nil, []string{"go"}, []string{"go", "get"}, []string{"go", "get", "@", "x@v1", "-insecure"}, []string{`C:\go.exe`, "mod", "download"}, []string{"make"})
	w.Session.OS = pick(&d, "", "windows/amd64", "linux/arm64")
	w.Session.Environ.MaxProcs, w.Session.Environ.GoDirective = d.roll(6), pick(&d, "", "1.16", "1.24", "x")
	at := 0.0
	for n := 0; len(d) > 0 && n < 60; n++ {
		at += float64(d.roll(40) * 20)
		randomExchange(w, &d, at)
	}
	w.ends(at+1+float64(d.roll(100)), d.roll(2))
	if d.roll(2) == 1 {
		w.samples(0, min(at, 3000), func(s *recorder.Sample) {
			s.Disk, s.Lock, s.Tools = ms(90), ms(90), []recorder.Tool{{Name: "helper"}, {}}
		})
		w.End.Unseen = []recorder.Unseen{{What: "git over ssh", Target: pick(&d, "", "git@h", "ssh://x/y"), Start: ms(5), Took: ms(at)}, {What: "git over ssh", Cut: true}}
	}
	return w
}

func randomExchange(w *world, d *dice, at float64) {
	host := pick(d, golang, "a.example", "b.example", "sum.golang.org", "git.corp.internal", "storage.googleapis.com")
	mod := pick(d, "example.org/m", "example.org/m/a", "example.org/m/a/b", "git.corp.internal/x", "github.com/a/b", "golang.org/toolchain", "/", "x")
	url := pick(d, "https", "http") + "://" + host + pick(d, "/"+mod+"/@v/list", "/"+mod+"/@v/v1.0.0.info", "/"+mod+"/@v/v1.1.0.mod", "/"+mod+"/@v/v1.0.0.zip",
		"/lookup/"+mod+"@v1.1.0", "/sumdb/sum.golang.org/tile/8/0/000", "/"+mod+"?go-get=1", "/x/info/refs?service=git-upload-pack", "", "/"+mod+"/@latest",
		"/golang.org/toolchain/@v/v0.0.1-go1.27.0.linux-amd64.zip")
	x := w.get(uint64(d.roll(4)), at, url, pick(d, 200, 404, 200, 410, 500, 0, 403, 302, 429), int64(d.roll(256))<<pick(d, 0, 18),
		phases{wait: float64(d.roll(256) * pick(d, 1, 1, 100)), receive: float64(d.roll(50))})
	switch d.roll(8) {
	case 0:
		x.Err = &recorder.Error{Op: pick(d, "dial", "canceled", "tls", ""), Msg: pick(d, "", "x509: no", "timeout")}
	case 1:
		x.Done, x.Server.End, x.Client.End = false, 0, 0
	case 2:
		x.Go = gomod.Request{Kind: pick(d, gomod.GitUploadPack, gomod.Connect, gomod.StorageZip, gomod.Kind("")), Module: pick(d, mod, ""), Version: pick(d, "", "v1.1.0"), Repo: pick(d, "", mod+".git")}
	case 3:
		x.Response.Kept, x.Response.Body = true, []byte(pick(d, "", "v1.0.0\nv1.1.0\nx\n", "module example.org/m\n", `<meta name="go-import" content="example.org/m svn https://a.example/x">`,
			"example.org/m v1.1.0/go.mod h1:x\n", "git.corp.internal/x v1.1.0/go.mod h1:x\n"))
		x.Response.Encoding = pick(d, "", "gzip", "br")
	case 4:
		x.Injected = ms(float64(d.roll(256) * 100))
	}
}

// FuzzGoRules: whatever the recording is, no rule panics, and each finding has its words.
func FuzzGoRules(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"))
	f.Add(make([]byte, 300))
	f.Fuzz(checkRandom)
}

func checkRandom(t *testing.T, b []byte) {
	w := rolledWorld(b)
	a := layOut(w)
	for _, r := range goRules {
		g := r.Check(a)
		if g == nil {
			continue
		}
		if g.Title == "" || g.Remedy == "" || g.Cost < 0 {
			t.Errorf("%s: %+v", r.ID, g)
		}
		for _, c := range g.Commands {
			if c == "" {
				t.Errorf("%s has an empty command", r.ID)
			}
		}
	}
}

// TestGoRulesManyCalls: a long run is looked at in time that grows with it, not with its
// square: 30,000 versions of one module, all missing, of a command that failed.
func TestGoRulesManyCalls(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 60,000 requests")
	}
	w := newWorld()
	for i := range 30_000 {
		w.get(1, float64(i), fileAt(golang, fmt.Sprintf("example.org/m@v1.%d.0", i), "info"), 404, 20, phases{wait: 0.5})
		w.get(2, float64(i), fileAt(golang, fmt.Sprintf("example.org/m%d@v1.0.0", i), "zip"), 200, 20, phases{wait: 0.9})
	}
	a := layOut(w.ends(31_000, 1))
	began := time.Now()
	for _, r := range goRules {
		r.Check(a)
	}
	if d := time.Since(began); d > 20*time.Second { // it takes about 0.1 s; with the square, minutes
		t.Errorf("%v", d)
	} else {
		t.Logf("%v", d)
	}
}

// TestGoRulesRandomWorlds is a little of the fuzz test in every run.
func TestGoRulesRandomWorlds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		b := make([]byte, 20+r.IntN(500))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		checkRandom(t, b)
	}
}
