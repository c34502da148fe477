package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/intercept/origintest"
	"modtap/recorder"
	"modtap/recorder/har"
)

const untagged = 43 // index of the commit of mod.git that no ref names

// The ways in which the go command uses git, and what the fetches among its requests are.
var gitJobTests = []struct {
	name string
	env  []string
	args []string
	want []string // the fetches and probes
	knob *origintest.Knob
}{
	{"a tag, and what is retracted", nil, get("git.golang.test/mod@v1.0.0"), []string{"git-upload-pack git.golang.test/mod@v1.0.0", "git-upload-pack git.golang.test/mod@v1.1.0"}, nil},
	{"a subdirectory", nil, download("git.golang.test/mod/sub@v1.0.0"), []string{"git-upload-pack git.golang.test/mod/sub@v1.0.0", "git-upload-pack git.golang.test/mod sub/v1.1.0,v1.1.0"}, nil},
	{"v2", nil, download("git.golang.test/mod/v2@v2.0.0"), []string{"git-upload-pack git.golang.test/mod/v2@v2.0.0"}, nil},
	{"a commit", nil, download("git.golang.test/mod@COMMIT"), []string{"git-upload-pack git.golang.test/mod 46 objects"}, nil},
	{
		"a branch, which takes the whole history", nil, download("git.golang.test/mod/v2@main"), []string{
			"git-upload-pack git.golang.test/mod main", "git-upload-pack git.golang.test/mod/v2@v2.0.0",
			"git-upload-pack git.golang.test/mod 44 objects", "git-upload-pack git.golang.test/mod 44 objects",
			"git-upload-pack git.golang.test/mod main",
		}, nil,
	},
	{"a vanity name", nil, get("vanity.golang.test/lib@latest"), []string{"git-upload-pack vanity.golang.test/lib@v1.0.0"}, nil},
	{
		"private modules beside a proxy", []string{"GOPROXY=PROXY", "GOPRIVATE=git.golang.test"},
		get("git.golang.test/mod@v1.1.0", "example.golang.test/m0@v1.0.0"), []string{"git-upload-pack git.golang.test/mod@v1.1.0"}, nil,
	},
	{
		"a password in .netrc", []string{"GOPROXY=PROXY", "GOPRIVATE=git.golang.test"},
		get("git.golang.test/private@v1.0.0"), []string{"git-upload-pack git.golang.test/private@v1.0.0"}, nil,
	},
	{
		// go looks at the page only of a repository that it has had before.
		"a repository that has gone", nil,
		[]string{"sh", "-c", "go mod download git.golang.test/mod@v1.0.0 && ! go mod download git.golang.test/mod@v0.5.0"},
		[]string{"git-upload-pack git.golang.test/mod@v1.0.0", "repo-probe git.golang.test/mod", "repo-probe git.golang.test/mod"},
		&origintest.Knob{Match: origintest.Match{Kind: "info-refs", Skip: 2}, Status: 404},
	},
}

func get(modules ...string) []string { return append([]string{"go", "get"}, modules...) }

func download(module string) []string { return []string{"go", "mod", "download", module} }

// TestGitJob runs the real go command with the real git under it, directly and through
// modtap run: the same requests, the same files, and a recording with an entry for every
// request, each attributed.
func TestGitJob(t *testing.T) {
	origintest.NeedGo(t)
	origintest.NeedGit(t)
	if testing.Short() {
		t.Skip("runs the go command many times")
	}
	repos, err := origintest.NewGitRepos(t.TempDir(), origintest.SampleGit()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, proto := range []string{"h2", "http/1.1"} {
		for _, test := range gitJobTests {
			t.Run(proto+" "+test.name, func(t *testing.T) {
				t.Parallel()
				o := origintest.Start(t, origintest.Config{Git: repos, Protos: []string{proto}})
				job := gitJob{o: o, env: test.env, knob: test.knob}
				for _, arg := range test.args {
					job.args = append(job.args, strings.Replace(arg, "COMMIT", repos.Commit("mod.git", untagged), 1))
				}
				file := filepath.Join(t.TempDir(), "x.har")
				direct := job.run(t)
				tapped := job.run(t, "modtap", "run", "-o", file, "--")
				if diff := cmp.Diff(direct.requests, tapped.requests); diff != "" {
					t.Errorf("requests, direct (-) and through modtap (+):\n%s", diff)
				}
				if diff := cmp.Diff(direct.files, tapped.files); diff != "" {
					t.Errorf("files, direct (-) and through modtap (+):\n%s", diff)
				}
				rec := openRecording(t, file, tapped)
				checkRecording(t, file, tapped)
				if diff := cmp.Diff(test.want, fetches(rec)); diff != "" {
					t.Errorf("fetches (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{"localhost"}, rec.End.BlindSpots); diff != "" {
					t.Errorf("blind spots (-want +got):\n%s", diff)
				}
				t.Logf("%d requests, %d files", len(tapped.requests), len(tapped.files))
			})
		}
	}
}

// A gitJob is a command that gets modules that are in git.
type gitJob struct {
	o         *origintest.Origin
	env       []string // PROXY stands for the origin's module proxy
	args      []string
	gitconfig string // the user's; PARENT stands for the proxy in front of the origin
	knob      *origintest.Knob
}

// run runs the job in a new project with empty caches, as an argument of prefix.
func (j gitJob) run(t *testing.T, prefix ...string) goRun {
	t.Helper()
	j.o.Forget()
	if j.knob != nil {
		j.o.SetKnobs(*j.knob)
	}
	parent := origintest.StartConnectProxy(t, j.o)
	env := origintest.GoEnv(t, j.o, append(parent.Env(), "GOPROXY=direct", "GONOSUMDB=*.golang.test", "GOMAXPROCS=4", "MODTAP_HOME="+t.TempDir())...)
	for _, kv := range j.env {
		env = append(env, strings.Replace(kv, "PROXY=PROXY", "PROXY="+j.o.URL(), 1))
	}
	home, ca, cache := last(env, "HOME"), last(env, "SSL_CERT_FILE"), last(env, "GOMODCACHE")
	writeFile(t, filepath.Join(home, ".netrc"), "machine git.golang.test login gopher password secret\n")
	writeFile(t, filepath.Join(home, ".gitconfig"), strings.ReplaceAll(j.gitconfig, "PARENT", parent.URL()))
	dir := origintest.Project(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	args := append(prefix, j.args...)
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env = dir, append(env, "GIT_SSL_CAINFO="+ca)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	if err := j.o.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	r := goRun{conns: j.o.Conns(), output: string(out), files: map[string]string{}, protos: map[string]bool{}}
	for _, q := range j.o.Requests() {
		r.requests = append(r.requests, fmt.Sprint(q.Method, " ", q.URL, " ", q.Status))
		r.protos[q.Proto] = true
	}
	slices.Sort(r.requests)
	hashTree(t, r.files, "project", dir)
	hashTree(t, r.files, "modcache", cache)
	for name := range r.files {
		// git's own copies of repositories: the names and order of packs are not fixed, and
		// what go reads out of them is compared.
		if strings.HasPrefix(filepath.ToSlash(name), "modcache/cache/vcs/") {
			delete(r.files, name)
		}
	}
	return r
}

// last is the value of a variable that may be there more than once.
func last(env []string, name string) string {
	for _, kv := range slices.Backward(env) {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func openRecording(t *testing.T, file string, run goRun) *har.Recording {
	t.Helper()
	rec, err := har.Open(file)
	if err != nil || rec.End == nil {
		t.Fatalf("%v\n%s", err, run.output)
	}
	return rec
}

// fetches are what was fetched with git, and the probes of repositories.
func fetches(rec *har.Recording) []string {
	var got []string
	for _, x := range rec.Exchanges {
		if x.Go.Kind.Step() == "git" && x.Method == "POST" && x.Go.Extra != "ls-refs" || x.Go.Kind == "repo-probe" {
			got = append(got, x.Go.String())
		}
	}
	return got
}

// fakeSSH writes a program named ssh that takes its time and serves repositories locally.
func fakeSSH(t *testing.T, repos *origintest.GitRepos, seconds string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ssh")
	script := "#!/bin/sh\nsleep " + seconds + "\nexec git upload-pack '" + repos.Dir("lib.git") + "'\n"
	if err := os.WriteFile(name, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestGitUnseen has git reach repositories in ways that no proxy sees.
func TestGitUnseen(t *testing.T) {
	origintest.NeedGo(t)
	origintest.NeedGit(t)
	if testing.Short() {
		t.Skip("runs the go command many times")
	}
	repos, err := origintest.NewGitRepos(t.TempDir(), origintest.SampleGit()...)
	if err != nil {
		t.Fatal(err)
	}
	const nap = 300 * time.Millisecond // long enough to tell from what else takes time
	ssh := "GIT_SSH_COMMAND=" + fakeSSH(t, repos, "0.3")
	const overSSHConfig = "[url \"ssh://git@ssh.golang.test/\"]\n\tinsteadOf = https://git.golang.test/\n"
	theirs := filepath.Join(t.TempDir(), "theirs")
	tests := []struct {
		name      string
		gitconfig string
		env       []string
		least     time.Duration // each connection took
		want      []recorder.Unseen
		blind     string
	}{
		{"ssh", overSSHConfig, []string{ssh}, nap, []recorder.Unseen{{What: overSSH, Target: "git@ssh.golang.test"}, {What: overSSH, Target: "git@ssh.golang.test"}}, "git over ssh to git@ssh.golang.test: 2 connections, "},
		{
			"a proxy of the user's", "[http \"https://git.golang.test/\"]\n\tproxy = PARENT\n", nil, 1,
			[]recorder.Unseen{{What: pastUs, Target: "https://git.golang.test"}, {What: pastUs, Target: "https://git.golang.test"}},
			"git to git.golang.test went past modtap: http.https://git.golang.test/.proxy=http://127.0.0.1:",
		},
		{
			"a proxy of the user's for origin", "[remote \"origin\"]\n\tproxy = PARENT\n", nil, 1,
			[]recorder.Unseen{{What: pastUs, Target: "https://git.golang.test"}}, // ls-remote is given the URL
			"git to git.golang.test went past modtap: remote.origin.proxy=http://127.0.0.1:",
		},
		{"ssh, and a trace of the user's", overSSHConfig, []string{ssh, "GIT_TRACE2_EVENT=" + theirs}, 0, nil, "git over ssh (GIT_TRACE2_EVENT is set: modtap could not look)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x.har")
			j := gitJob{o: origintest.Start(t, origintest.Config{Git: repos}), env: test.env, args: download("vanity.golang.test/lib@v1.0.0"), gitconfig: test.gitconfig}
			run := j.run(t, "modtap", "run", "-o", file, "--")
			rec := openRecording(t, file, run)
			if diff := cmp.Diff(test.want, checkUnseen(t, rec.End, test.least)); diff != "" {
				t.Errorf("unseen (-want +got):\n%s", diff)
			}
			if len(rec.End.BlindSpots) != 2 || !strings.HasPrefix(rec.End.BlindSpots[0], test.blind) {
				t.Errorf("blind spots %q, want %q first", rec.End.BlindSpots, test.blind)
			}
			if said := strings.Join(strings.Fields(run.output), " "); !strings.Contains(said, "not seen "+test.blind) {
				t.Errorf("the summary does not say %q:\n%s", test.blind, run.output)
			}
		})
	}
	if info, err := os.Stat(theirs); err != nil || info.Size() == 0 {
		t.Errorf("the user's own trace was not written: %v", err)
	}
}

// checkUnseen checks when and why, and returns what and where.
func checkUnseen(t *testing.T, end *recorder.End, least time.Duration) []recorder.Unseen {
	t.Helper()
	var all []recorder.Unseen
	for _, u := range end.Unseen {
		if u.Start <= 0 || u.Took.Duration() < least || u.Start+u.Took > end.At || u.Cut && u.What == overSSH {
			t.Errorf("%+v, want at least %v in a run of %v", u, least, end.At)
		}
		if u.What == pastUs && (!strings.Contains(u.Why, ".proxy=http://127.0.0.1:") || !strings.HasSuffix(u.Why, ".gitconfig")) {
			t.Errorf("why: %q", u.Why)
		}
		all = append(all, recorder.Unseen{What: u.What, Target: u.Target})
	}
	return all
}
