package origintest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// GitHost is the host that serves repositories of [Config.Git].
const GitHost = "git.golang.test"

// gitTime bounds one command of git.
const gitTime = time.Minute

// A GitRepo is a repository to be made. Hashes are the same each time: authors, dates and
// contents are fixed.
type GitRepo struct {
	Name string // path on [GitHost], such as "mod.git"
	// Module is the import path of its root, which ?go-get=1 answers with; default: GitHost
	// and Name without ".git". Import paths that the go command knows (github.com) need a
	// Name that is reached without ?go-get=1.
	Module  string
	SubDir  string // of the go-import tag: the folder that the root lies in
	User    string // "name:password" that the repository wants (Basic); "": it is public
	Commits []GitCommit
}

// A GitCommit is one commit on the branch main, after those before it.
type GitCommit struct {
	Files map[string]string // path to content, added to what is there
	// Size is the size of a file of random bytes that is added, so that packs are as large.
	Size int
	// Without is the number of a commit, from 1, whose file of random bytes is removed.
	Without int
	Tags    []string // lightweight tags; one that starts with "+" is an annotated tag
}

// GitRepos are bare repositories on disk, made once and safe to share between origins.
type GitRepos struct {
	dir     string
	backend string // git http-backend
	repos   []GitRepo
	commits map[string][]string // hashes by Name, in order
}

// NeedGit skips the test where git, or its HTTP server, is not installed.
func NeedGit(t testing.TB) {
	t.Helper()
	if _, err := gitBackend(); err != nil {
		if os.Getenv("MODTAP_REQUIRE") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// NewGitRepos makes repositories in dir with the git that is installed.
func NewGitRepos(dir string, repos ...GitRepo) (*GitRepos, error) {
	backend, err := gitBackend()
	if err != nil {
		return nil, err
	}
	g := &GitRepos{dir: dir, backend: backend, commits: map[string][]string{}}
	for _, r := range repos {
		if r.Module == "" {
			r.Module = GitHost + "/" + strings.TrimSuffix(r.Name, ".git")
		}
		g.repos = append(g.repos, r)
		if err := g.make(r); err != nil {
			return nil, fmt.Errorf("make repository %s: %w", r.Name, err)
		}
	}
	return g, nil
}

// Commit returns the hash of the nth commit of a repository, from 0.
func (g *GitRepos) Commit(name string, n int) string { return g.commits[name][n] }

// Dir returns where a repository is, for remotes that are reached otherwise than by HTTP.
func (g *GitRepos) Dir(name string) string { return filepath.Join(g.dir, filepath.FromSlash(name)) }

func gitBackend() (string, error) {
	out, err := git("", nil, "--exec-path")
	if err != nil {
		return "", fmt.Errorf("needs git: %w", err)
	}
	path, err := exec.LookPath(filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"))
	if err != nil {
		return "", fmt.Errorf("needs git http-backend: %w", err)
	}
	return path, nil
}

// git runs git without the settings of the machine.
func git(dir string, stdin io.Reader, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), gitTime)
	defer cancel()
	c := exec.CommandContext(ctx, "git", args...)
	c.Dir, c.Stdin, c.Env = dir, stdin, gitEnv()
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}

func gitEnv() []string {
	return append(cleanEnviron(os.Environ()), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_TERMINAL_PROMPT=0")
}

// make imports r: one process, however long its history is.
func (g *GitRepos) make(r GitRepo) error {
	dir := g.Dir(r.Name)
	if _, err := git("", nil, "init", "--quiet", "--bare", "--initial-branch=main", dir); err != nil {
		return err
	}
	var stream bytes.Buffer
	w := bufio.NewWriter(&stream)
	for i, c := range r.Commits {
		c.export(w, i)
	}
	w.WriteString("done\n")
	_ = w.Flush() // a bytes.Buffer takes everything
	marks := filepath.Join(dir, "marks")
	if _, err := git(dir, &stream, "fast-import", "--quiet", "--done", "--export-marks="+marks); err != nil {
		return err
	}
	b, err := os.ReadFile(marks)
	if err != nil {
		return err
	}
	hashes := make([]string, len(r.Commits))
	for line := range strings.Lines(string(b)) {
		var n int
		var hash string
		if _, err := fmt.Sscanf(line, ":%d %s", &n, &hash); err != nil || n < 1 || n > len(hashes) {
			return fmt.Errorf("git fast-import wrote the mark %q", line)
		}
		hashes[n-1] = hash
	}
	g.commits[r.Name] = hashes
	return nil
}

// export writes the commit with index i and its tags in the language of git fast-import.
func (c GitCommit) export(w *bufio.Writer, i int) {
	at := time.Date(2024, 5, 1, 12, i, 0, 0, time.UTC).Unix()
	data := func(s string) { fmt.Fprintf(w, "data %d\n%s\n", len(s), s) }
	fmt.Fprintf(w, "commit refs/heads/main\nmark :%d\ncommitter Origin <origin@golang.test> %d +0000\n", i+1, at)
	data(fmt.Sprintf("commit %d\n", i))
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		fmt.Fprintf(w, "M 100644 inline %s\n", name)
		data(c.Files[name])
	}
	if c.Size > 0 {
		fmt.Fprintf(w, "M 100644 inline filling%d.bin\n", i)
		fmt.Fprintf(w, "data %d\n", c.Size)
		seed := [32]byte{2, byte(i), byte(i >> 8)}               // or git would store one file for all
		_, _ = io.CopyN(w, rand.NewChaCha8(seed), int64(c.Size)) // a buffer over memory
		w.WriteString("\n")
	}
	if c.Without > 0 {
		fmt.Fprintf(w, "D filling%d.bin\n", c.Without-1)
	}
	w.WriteString("\n")
	for _, tag := range c.Tags {
		if name, annotated := strings.CutPrefix(tag, "+"); annotated {
			fmt.Fprintf(w, "tag %s\nfrom :%d\ntagger Origin <origin@golang.test> %d +0000\n", name, i+1, at)
			data("release " + name + "\n")
			continue
		}
		fmt.Fprintf(w, "reset refs/tags/%s\nfrom :%d\n\n", tag, i+1)
	}
}

// SampleGit are repositories with what the go command makes different requests for:
//
//	mod.git      git.golang.test/mod: v0.0.0 … v0.39.0, v1.0.0, the module /sub at
//	             sub/v1.0.0, v1.1.0 (annotated, with a tag of /sub beside it), /v2 at v2.0.0,
//	             an untagged commit that no ref names, and the head of main. 2 MB of packs.
//	lib.git      vanity.golang.test/lib v1.0.0
//	private.git  git.golang.test/private v1.0.0, for the user gopher with the password secret
func SampleGit() []GitRepo {
	file := func(mod string) map[string]string {
		return map[string]string{"go.mod": "module " + mod + "\n\ngo 1.21\n", "pkg.go": "// Package pkg is generated test data.\npackage pkg\n"}
	}
	root := GitHost + "/mod"
	mod := GitRepo{Name: "mod.git"}
	for i := range 40 {
		files := map[string]string{"n.txt": fmt.Sprintln(i)}
		if i == 0 {
			maps.Copy(files, file(root))
		}
		mod.Commits = append(mod.Commits, GitCommit{Files: files, Tags: []string{fmt.Sprintf("v0.%d.0", i)}})
	}
	sub := map[string]string{"sub/go.mod": "module " + root + "/sub\n\ngo 1.21\n", "sub/sub.go": "// Package sub is generated test data.\npackage sub\n"}
	text := func(s string) map[string]string { return map[string]string{"n.txt": s} }
	mod.Commits = append(mod.Commits,
		GitCommit{Files: text("v1"), Size: 1 << 20, Tags: []string{"v1.0.0"}},
		GitCommit{Files: sub, Tags: []string{"sub/v1.0.0"}},
		GitCommit{Files: text("v1.1"), Size: 1 << 20, Tags: []string{"+v1.1.0", "sub/v1.1.0"}},
		GitCommit{Files: text("untagged")},
		GitCommit{Files: map[string]string{"go.mod": "module " + root + "/v2\n\ngo 1.21\n"}, Tags: []string{"v2.0.0"}},
		GitCommit{Files: text("head")},
	)
	return []GitRepo{
		mod,
		{Name: "lib.git", Module: "vanity.golang.test/lib", Commits: []GitCommit{{Files: file("vanity.golang.test/lib"), Tags: []string{"v1.0.0"}}}},
		{Name: "private.git", User: "gopher:secret", Commits: []GitCommit{{Files: file(GitHost + "/private"), Tags: []string{"v1.0.0"}}}},
	}
}
