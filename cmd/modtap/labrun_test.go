package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"modtap/intercept/origintest"
)

// need skips the scenario where its network cannot be made.
func (s *scenario) need(t *testing.T) {
	if s.net != "" || s.netHealthy != "" {
		needNetlab(t)
	}
}

// labTrees are the trees of shapes, which many scenarios share.
var labTrees struct {
	sync.Mutex
	of map[origintest.Shape]*origintest.Tree
}

func labTree(t *testing.T, shape origintest.Shape) *origintest.Tree {
	labTrees.Lock()
	defer labTrees.Unlock()
	tree := labTrees.of[shape]
	if tree == nil {
		var err error
		if tree, err = origintest.NewTree(slices.Concat(shape.Generate(), origintest.Specials())); err != nil {
			t.Fatal(err)
		}
		if labTrees.of == nil {
			labTrees.of = map[origintest.Shape]*origintest.Tree{}
		}
		labTrees.of[shape] = tree
	}
	return tree
}

// active reports whether the fault is there.
func (r *labRun) active() bool { return r.faulty }

// prepare makes the origin, the project and the environment.
func (r *labRun) prepare() {
	t, s := r.t, r.s
	t.Helper()
	c := origintest.Config{Tree: labTree(t, s.shape)}
	if s.config != nil {
		s.config(r, &c)
	}
	r.origin = origintest.Start(t, c)
	r.origin.SetKnobs(parseKnobs(t, r.knobs())...)
	if r.active() {
		var hs []origintest.Handshake
		for _, words := range s.handshakes {
			h, err := origintest.ParseHandshake(words)
			if err != nil {
				t.Fatal(err)
			}
			hs = append(hs, h)
		}
		r.origin.SetHandshakes(hs...)
	}
	requires := s.requires
	if requires == nil {
		requires = s.shape.All()
	}
	r.dir = origintest.Project(t, "", requires...)
	if !s.nosum {
		r.writeSum()
	}
	proxy, err := origintest.NewConnectProxy(origintest.ProxyConfig{Route: origintest.RouteTo(r.origin.Addr()), User: "gopher:secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	r.parent = proxy
	r.env = origintest.GoEnv(t, r.origin, "MODTAP_HOME="+t.TempDir(), "GOMAXPROCS=4", "CI=1", "NO_COLOR=1")
	r.home = last(r.env, "HOME")
	r.add(s.env...)
	if r.active() {
		r.add(s.faultEnv...)
	}
	if r.fixed {
		r.add(s.remedy...)
	}
	if s.setup != nil {
		s.setup(r)
	}
	if r.active() {
		r.dns = s.dns
	}
	if r.active() && s.fault != nil {
		s.fault(r)
	}
	if r.fixed && s.remedyFunc != nil {
		s.remedyFunc(r)
	}
}

// knobs are those of this run.
func (r *labRun) knobs() []string {
	words := slices.Clone(r.s.always)
	if r.active() {
		words = slices.Concat(r.s.knobs, words)
	}
	for i := range words {
		words[i] = strings.ReplaceAll(words[i], "${META}", strings.ReplaceAll(r.meta, " ", "+"))
	}
	return words
}

func parseKnobs(t *testing.T, words []string) []origintest.Knob {
	var knobs []origintest.Knob
	for _, w := range words {
		k, err := origintest.ParseKnob(w)
		if err != nil {
			t.Fatal(err)
		}
		knobs = append(knobs, k)
	}
	return knobs
}

// add adds variables, with their texts filled in.
func (r *labRun) add(vars ...string) {
	for _, kv := range vars {
		r.env = append(r.env, r.fill(kv))
	}
}

// fill replaces what stands for addresses of this run.
func (r *labRun) fill(s string) string {
	return os.Expand(s, func(name string) string {
		switch name {
		case "P":
			return r.proxyURL()
		case "A", "B", "C":
			return strings.Replace(r.proxyURL(), "proxy.", strings.ToLower(name)+".", 1)
		case "SUM":
			return r.origin.GOSUMDBWithURL()
		case "DIR":
			return r.dir
		case "PARENT":
			return r.parent.URL()
		}
		return "$" + name
	})
}

// onWire reports whether the run goes over a simulated network.
func (r *labRun) onWire() bool { return r.wire() != "" }

func (r *labRun) wire() string {
	if r.active() || r.s.id == "" {
		return r.s.net
	}
	return r.s.netHealthy
}

func (r *labRun) proxyURL() string {
	if r.onWire() {
		return "https://" + origintest.ProxyHost
	}
	return r.origin.URL()
}

// writeSum gives the project a complete go.sum.
func (r *labRun) writeSum() {
	var b strings.Builder
	for _, mv := range r.s.shape.All() {
		path, version, _ := strings.Cut(mv, "@")
		b.WriteString(labTree(r.t, r.s.shape).Sum(path, version))
	}
	writeFile(r.t, filepath.Join(r.dir, "go.sum"), b.String())
}

// command is what is run: modtap with the go command, on the near side of netlab where
// there is a network.
func (r *labRun) command(file string) []string {
	s := r.s
	modtap := []string{"modtap", "run", "-o", file, "--view=none"}
	if !r.onWire() {
		dns := origintest.StartDNS(r.t, origintest.DNSConfig{Hosts: r.hosts()})
		modtap = append(modtap, "--resolver", dns.Addr())
	}
	for _, f := range s.flags {
		modtap = append(modtap, r.fill(f))
	}
	if r.active() {
		modtap = append(modtap, s.flagsOfFault...)
	}
	modtap = append(modtap, "--")
	args := s.args
	if r.fixed && s.remedyArgs != nil {
		args = s.remedyArgs
	}
	if args == nil {
		args = []string{"go", "mod", "download"}
	}
	for _, a := range args {
		modtap = append(modtap, r.fill(a))
	}
	if !r.onWire() {
		return modtap
	}
	return r.overNetwork(modtap)
}

// hosts are the names of the run: those of the fault, and all of the origin's.
func (r *labRun) hosts() map[string]origintest.DNSHost {
	hosts := map[string]origintest.DNSHost{"*.golang.test": origintest.Loopback()}
	maps.Copy(hosts, r.dns)
	return hosts
}

// warm fills the module cache, as an earlier run would have.
func (r *labRun) warm() {
	c := exec.Command("go", "mod", "download")
	c.Dir = r.dir
	c.Env = append(r.env, origintest.StartConnectProxy(r.t, r.origin).Env()...)
	if out, err := c.CombinedOutput(); err != nil {
		r.t.Fatalf("%v\n%s", err, out)
	}
}

// withGit gives the origin repositories. The git of the child finds the origin by its port
// through the parent proxy, as repositories have URLs without one.
func (r *labRun) withGit(c *origintest.Config) {
	origintest.NeedGit(r.t)
	repos, err := origintest.NewGitRepos(r.t.TempDir(), append(origintest.SampleGit(),
		origintest.GitRepo{Name: "acme/widget", Module: "github.com/acme/widget", Commits: []origintest.GitCommit{
			{Files: map[string]string{"go.mod": "module github.com/acme/widget\n", "w.go": "package widget\n"}, Tags: []string{"v1.0.0"}},
		}},
		origintest.GitRepo{Name: "big.git", Commits: bigPast(r.active())})...)
	if err != nil {
		r.t.Fatal(err)
	}
	c.Git, r.repos = repos, repos
	c.Names = []string{"github.com"}
}

// bigPast is a history of which a release has little: a branch, whose version is counted from
// the release before, makes git fetch all of it. Without the fault all of it is little.
func bigPast(big bool) []origintest.GitCommit {
	size := 1000
	if big {
		size = 30_000_000
	}
	return []origintest.GitCommit{
		{Files: map[string]string{"go.mod": "module git.golang.test/big\n", "b.go": "package big\n"}, Size: size},
		{Without: 1, Tags: []string{"v1.0.0"}},
		{Files: map[string]string{"b.go": "package big // more\n"}},
	}
}
