package intercept_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/intercept/upstream"
	"modtap/recorder"
)

// gitThrough runs git through the rig's proxy, in a folder with a bare repository.
func (r *rig) gitThrough(commands ...[]string) {
	r.t.Helper()
	dir := r.t.TempDir()
	bundle := filepath.Join(dir, "bundle.pem")
	if err := os.WriteFile(bundle, r.ca.CertPEM(), 0o644); err != nil {
		r.t.Fatal(err)
	}
	env := append(origintest.GoEnv(r.t, r.origin), "https_proxy=http://"+r.addr, "GIT_SSL_CAINFO="+bundle)
	for _, args := range append([][]string{{"init", "--quiet", "--bare"}}, commands...) {
		ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
		c := exec.CommandContext(ctx, "git", args...)
		c.Dir, c.Env = dir, env
		out, err := c.CombinedOutput()
		cancel()
		if err != nil {
			r.t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	if err := r.origin.Wait(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

const (
	modRepo  = "https://git.golang.test/mod.git"
	listRefs = "git-upload-pack git.golang.test/mod ls-refs"
)

var gitTests = []struct {
	name string
	args []string
	want []string // what the requests mean, but for the info/refs that each starts with
}{
	{"a tag", []string{"fetch", "--depth=1", modRepo, "refs/tags/v1.0.0:refs/tags/v1.0.0"}, []string{listRefs, "git-upload-pack git.golang.test/mod@v1.0.0"}},
	{"a tag of a subdirectory", []string{"fetch", "--depth=1", modRepo, "refs/tags/sub/v1.0.0:refs/tags/sub/v1.0.0"}, []string{listRefs, "git-upload-pack git.golang.test/mod/sub@v1.0.0"}},
	{"everything", []string{"fetch", modRepo, "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"}, []string{listRefs, "git-upload-pack git.golang.test/mod 46 objects"}},
	{"protocol 0", []string{"-c", "protocol.version=0", "fetch", "--depth=1", modRepo, "refs/tags/v1.0.0:refs/tags/v1.0.0"}, []string{"git-upload-pack git.golang.test/mod@v1.0.0", "git-upload-pack git.golang.test/mod@v1.0.0"}},
	{"protocol 1", []string{"-c", "protocol.version=1", "fetch", "--depth=1", modRepo, "refs/tags/v1.0.0:refs/tags/v1.0.0"}, []string{"git-upload-pack git.golang.test/mod@v1.0.0", "git-upload-pack git.golang.test/mod@v1.0.0"}},
	{"only the refs", []string{"ls-remote", modRepo}, []string{listRefs}},
}

// gitRig is a rig whose origin serves the sample repositories, with the default ports that
// import paths have.
func gitRig(t *testing.T, g *origintest.GitRepos, proto string, change func(*origintest.Config)) *rig {
	t.Helper()
	config := origintest.Config{Git: g, Protos: []string{proto}}
	if change != nil {
		change(&config)
	}
	o := origintest.Start(t, config)
	parent, err := url.Parse(origintest.StartConnectProxy(t, o).URL())
	if err != nil {
		t.Fatal(err)
	}
	return newRig(t, o, func(c *intercept.Config) {
		c.Upstream = upstream.New(upstream.Config{Proxy: func(*url.URL) (*url.URL, error) { return parent, nil }})
	})
}

func (r *rig) goGet(importPath string) {
	r.t.Helper()
	resp, err := r.tapped().Get("https://" + importPath + "?go-get=1")
	if err != nil {
		r.t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}

// TestGit fetches with the real git. Every request is a record with the bytes that the
// origin counted, and says what it is about.
func TestGit(t *testing.T) {
	origintest.NeedGit(t)
	g, err := origintest.NewGitRepos(t.TempDir(), origintest.SampleGit()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, proto := range []string{"h2", "http/1.1"} {
		for _, tt := range gitTests {
			t.Run(proto+" "+tt.name, func(t *testing.T) {
				r := gitRig(t, g, proto, nil)
				r.goGet("git.golang.test/mod/sub")
				r.gitThrough(tt.args)
				all := r.exchanges(len(tt.want) + 2)
				var got []string
				for _, x := range all[1:] {
					got = append(got, x.Go.String())
				}
				want := append([]string{"git-info-refs git.golang.test/mod"}, tt.want...)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("what requests mean (-want +got):\n%s", diff)
				}
				checkSizes(t, r.origin.Requests(), all)
			})
		}
	}
}

// checkSizes compares what was recorded with what the origin counted, in order.
func checkSizes(t *testing.T, want []origintest.Request, got []*recorder.Exchange) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%d requests arrived, %d are recorded", len(want), len(got))
	}
	for i, x := range got {
		w := want[i]
		if x.Method != w.Method || x.URL != w.URL || x.Status != w.Status || x.Request.BodySize != w.Received || x.Response.BodySize != w.Sent {
			t.Errorf("recorded %s %s %d, %d up, %d down; the origin counted %s %s %d, %d, %d",
				x.Method, x.URL, x.Status, x.Request.BodySize, x.Response.BodySize, w.Method, w.URL, w.Status, w.Received, w.Sent)
		}
		if x.Request.Mime != w.Header.Get("Content-Type") || x.Request.Encoding != w.Header.Get("Content-Encoding") {
			t.Errorf("%s: the body is recorded as %q, %q", x.URL, x.Request.Mime, x.Request.Encoding)
		}
	}
}

// TestGitChunked sends a request over git's post buffer: a probe, then a chunked body of
// which only the beginning is looked at.
func TestGitChunked(t *testing.T) {
	origintest.NeedGit(t)
	repo := origintest.GitRepo{Name: "many.git"}
	for i := range 1500 {
		repo.Commits = append(repo.Commits, origintest.GitCommit{Tags: []string{fmt.Sprintf("v0.0.%d", i)}})
	}
	g, err := origintest.NewGitRepos(t.TempDir(), repo)
	if err != nil {
		t.Fatal(err)
	}
	for _, proto := range []string{"h2", "http/1.1"} {
		t.Run(proto, func(t *testing.T) {
			r := gitRig(t, g, proto, nil)
			r.goGet("git.golang.test/many")
			r.gitThrough([]string{"-c", "http.postBuffer=65536", "fetch", "--quiet", "https://git.golang.test/many.git", "refs/tags/*:refs/tags/*"})
			all := r.exchanges(5)
			checkSizes(t, r.origin.Requests(), all)
			last := all[len(all)-1]
			if last.Request.BodySize < 65536 || !strings.HasSuffix(last.Go.Extra, " objects") || last.Go.Module != "git.golang.test/many" {
				t.Errorf("the last request is %s of %d bytes", last.Go, last.Request.BodySize)
			}
		})
	}
}

var gitRefused = []struct {
	name  string
	knob  origintest.Knob
	probe string
}{
	{"not found", origintest.Knob{Status: 404}, "repo-probe git.golang.test/mod"},
	{"cut off", origintest.Knob{Fail: origintest.Close}, "repo-probe git.golang.test/mod"},
	{"healthy", origintest.Knob{}, "other"},
}

// TestRepoProbeThrough asks for a repository's page after its refs, as the go command does
// when git failed.
func TestRepoProbeThrough(t *testing.T) {
	origintest.NeedGit(t)
	g, err := origintest.NewGitRepos(t.TempDir(), origintest.SampleGit()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range gitRefused {
		t.Run(tt.name, func(t *testing.T) {
			tt.knob.Kind = "info-refs"
			r := gitRig(t, g, "h2", func(c *origintest.Config) { c.Knobs = []origintest.Knob{tt.knob} })
			r.goGet("git.golang.test/mod")
			for _, u := range []string{modRepo + "/info/refs?service=git-upload-pack", modRepo} {
				if resp, err := r.tapped().Get(u); err == nil {
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			}
			all := r.exchanges(3)
			if got := all[2].Go.String(); got != tt.probe {
				t.Errorf("the page is %q, want %q", got, tt.probe)
			}
		})
	}
}

// TestGitPostStreams sends a body in pieces: each reaches the server before the next is
// sent, and what it says is recorded all the same.
func TestGitPostStreams(t *testing.T) {
	const object = "1234567890123456789012345678901234567890"
	pieces := []string{"0011command=fetch", "0001", "0032want " + object + "\n", "0009done\n", "0000"}
	arrived := make(chan string)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 256)
		for {
			n, err := r.Body.Read(buf)
			if n > 0 {
				arrived <- string(buf[:n])
			}
			if err != nil {
				return
			}
		}
	})
	for _, proto := range []string{"h2", "http/1.1"} {
		t.Run(proto, func(t *testing.T) {
			r := newRig(t, origintest.Start(t, origintest.Config{Handler: handler, Protos: []string{proto}}), nil)
			body, feed := io.Pipe()
			done := make(chan error, 1)
			go func() {
				resp, err := r.tapped(proto).Post(r.origin.HostURL("git.golang.test")+"/m.git/git-upload-pack", "application/x-git-upload-pack-request", body)
				if err == nil {
					err = resp.Body.Close()
				}
				done <- err
			}()
			for _, p := range pieces {
				if _, err := feed.Write([]byte(p)); err != nil {
					t.Fatal(err)
				}
				for p != "" {
					select {
					case got := <-arrived:
						if !strings.HasPrefix(p, got) {
							t.Fatalf("%q arrived, want %q", got, p)
						}
						p = strings.TrimPrefix(p, got)
					case <-time.After(5 * time.Second):
						t.Fatalf("%q did not arrive: the body is held back", p)
					}
				}
			}
			feed.Close()
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if x := r.exchanges(1)[0]; x.Go.Extra != object[:12] || x.Request.BodySize != int64(len(strings.Join(pieces, ""))) {
				t.Errorf("recorded %s, %d bytes", x.Go, x.Request.BodySize)
			}
		})
	}
}
