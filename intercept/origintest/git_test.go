package origintest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sampleGit makes the sample repositories, which two tests do not share: making them is quick.
func sampleGit(t *testing.T) *GitRepos {
	t.Helper()
	NeedGit(t)
	g, err := NewGitRepos(t.TempDir(), SampleGit()...)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGitHashesAreStable(t *testing.T) {
	g := sampleGit(t)
	const want = "7698035ce7b9ef7e88caeb9c23e7301042cbc4ea"
	if got := g.Commit("mod.git", 45); got != want {
		t.Errorf("the head of mod.git is %s, want %s", got, want)
	}
}

// TestGitClone clones with the real git, over each protocol of HTTP and of git.
func TestGitClone(t *testing.T) {
	g := sampleGit(t)
	for _, proto := range []string{"h2", "http/1.1"} {
		for _, version := range []string{"0", "1", "2"} {
			t.Run(proto+" version "+version, func(t *testing.T) {
				o := Start(t, Config{Git: g, Protos: []string{proto}})
				clone(t, o, "-c", "protocol.version="+version, "clone", "--quiet", "--bare", "https://git.golang.test/mod.git", "x")
				var got []string
				for _, r := range o.Requests() {
					if r.Status != 200 || r.Sent == 0 || r.Done.IsZero() || (r.Received > 0) != (r.Method == "POST") {
						t.Errorf("%+v", r)
					}
					got = append(got, r.Method+" "+r.Kind)
				}
				want := "GET info-refs, POST upload-pack, POST upload-pack"
				if version != "2" { // the refs come with info/refs
					want = "GET info-refs, POST upload-pack"
				}
				if got := strings.Join(got, ", "); got != want {
					t.Errorf("requests %s, want %s", got, want)
				}
			})
		}
	}
}

// clone runs git with args against o and fails the test when it fails.
func clone(t *testing.T, o *Origin, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "git", args...)
	env := append(GoEnv(t, o), StartConnectProxy(t, o).Env()...)
	c.Dir, c.Env = t.TempDir(), append(env, "GIT_SSL_CAINFO="+caFile(t, o))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := o.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}

func caFile(t *testing.T, o *Origin) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := o.WriteCA(file); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestGitChunked sends what needs chunked encoding: a request over http.postBuffer.
func TestGitChunked(t *testing.T) {
	NeedGit(t)
	repo := GitRepo{Name: "many.git"}
	for i := range 1500 {
		repo.Commits = append(repo.Commits, GitCommit{Tags: []string{fmt.Sprintf("v0.0.%d", i)}})
	}
	g, err := NewGitRepos(t.TempDir(), repo)
	if err != nil {
		t.Fatal(err)
	}
	o := Start(t, Config{Git: g, Protos: []string{"http/1.1"}})
	clone(t, o, "-c", "http.postBuffer=65536", "clone", "--quiet", "--bare", "https://git.golang.test/many.git", "x")
	last := o.Requests()[len(o.Requests())-1]
	if last.Status != 200 || last.Received < 65536 || last.Header.Get("Content-Length") != "" {
		t.Errorf("the last request was %+v", last)
	}
}

func TestGitPrivate(t *testing.T) {
	g := sampleGit(t)
	o := Start(t, Config{Git: g})
	env := GoEnv(t, o, append(StartConnectProxy(t, o).Env(), "GIT_SSL_CAINFO="+caFile(t, o))...)
	run := func() ([]byte, error) {
		c := exec.Command("git", "ls-remote", "https://git.golang.test/private.git")
		c.Env = env
		return c.CombinedOutput()
	}
	if out, err := run(); err == nil {
		t.Errorf("without a password: %s", out)
	}
	for _, kv := range env {
		if home, ok := strings.CutPrefix(kv, "HOME="); ok {
			if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte("machine git.golang.test login gopher password secret\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if out, err := run(); err != nil || !bytes.Contains(out, []byte("refs/tags/v1.0.0")) {
		t.Errorf("with the password: %v %s", err, out)
	}
}

var goGetTests = []struct {
	url    string
	status int
	want   string
}{
	{"git.golang.test/mod?go-get=1", 200, `content="git.golang.test/mod git https://git.golang.test/mod.git "`},
	{"git.golang.test/mod/sub?go-get=1", 200, `content="git.golang.test/mod git https://git.golang.test/mod.git "`},
	{"vanity.golang.test/lib/x?go-get=1", 200, `content="vanity.golang.test/lib git https://git.golang.test/lib.git "`},
	{"git.golang.test/model?go-get=1", 404, ""},
	{"git.golang.test/?go-get=1", 404, ""},
	{"example.golang.test/m1?go-get=1", 200, "example.golang.test/m1 mod "},
	{"git.golang.test/nosuch.git/info/refs?service=git-upload-pack", 404, ""},
	{"git.golang.test/nosuch", 404, ""},
}

func TestGoGetNamesRepositories(t *testing.T) {
	o := Start(t, Config{Git: sampleGit(t)})
	for _, tt := range goGetTests {
		host, path, _ := strings.Cut(tt.url, "/")
		g := get(o.Client(), o.HostURL(host)+"/"+path)
		if g.Status != tt.status || !strings.Contains(string(g.text), tt.want) {
			t.Errorf("%s: %d %s, want %d and %s", tt.url, g.Status, g.text, tt.status, tt.want)
		}
	}
}
