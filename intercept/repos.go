package intercept

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"modtap/recorder/gomod"
)

const (
	maxRepos   = 256     // repositories that are remembered
	maxRoots   = 16      // module paths of one repository
	maxRefs    = 100_000 // tags and branches, of all repositories
	maxAsked   = 4096    // import paths that were asked about
	maxProxies = 16      // module proxies that go-import tags named
	// maxNames bounds the names of one object that a record shows.
	maxNames = 3
	// probeWithin is how soon the go command looks at a repository's page when git could
	// not list its refs: at once (cmd/go/internal/modfetch/codehost/git.go, loadRefs).
	probeWithin = 10 * time.Second
)

// repos remembers what answers told about version control: which repository has which
// module (go-import tags), and which object is which tag (lists of refs). It is bounded;
// what was forgotten leaves a request without a module, never with a wrong one.
type repos struct {
	mu      sync.Mutex
	byName  map[string]*repo // by gomod.Request.Repo
	names   []string         // in the order of adding
	refs    int
	asked   map[string]bool // import paths of ?go-get=1
	asks    []string        // in the order of adding
	proxies []namedProxy
}

// A repo is one repository.
type repo struct {
	roots  []gomod.GoImport
	refs   map[string]gomod.Ref // by name, as last listed
	failed time.Time            // when its refs could last not be listed; zero: never
}

// A namedProxy is a module proxy that a go-import tag of the kind mod named.
type namedProxy struct {
	host, path string
	means      *gomod.Classifier
}

// begin completes the meaning of a request by what is known when it is asked.
func (s *repos) begin(g *gomod.Request, method string, u *url.URL, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch g.Kind {
	case gomod.GoGet:
		s.ask(g.Module)
	case gomod.GitInfoRefs, gomod.GitUploadPack, gomod.Hg, gomod.Svn, gomod.Bzr, gomod.Fossil:
		g.Module = s.root(g.Repo)
	case gomod.Other, gomod.List, gomod.Info, gomod.Mod, gomod.Zip, gomod.Latest:
		for _, p := range s.proxies {
			if strings.EqualFold(p.host, u.Host) && strings.HasPrefix(u.Path, p.path) {
				*g = p.means.Classify(method, u, "")
				return
			}
		}
		if g.Kind == gomod.Other && method == "GET" && u.RawQuery == "" && len(s.byName) > 0 {
			name := gomod.RepoName(u.String())
			if r := s.byName[name]; r != nil && !r.failed.IsZero() && now.Sub(r.failed) < probeWithin {
				*g = gomod.Request{Kind: gomod.RepoProbe, Repo: name, Module: s.root(name)}
			}
		}
	}
}

func (s *repos) ask(importPath string) {
	if importPath == "" || s.asked[importPath] {
		return
	}
	if s.asked == nil {
		s.asked = map[string]bool{}
	}
	s.asked[importPath] = true
	if s.asks = append(s.asks, importPath); len(s.asks) > maxAsked {
		delete(s.asked, s.asks[0])
		s.asks = s.asks[1:]
	}
}

// repo returns what is known of a repository, making room for it.
func (s *repos) repo(name string) *repo {
	if r := s.byName[name]; r != nil {
		return r
	}
	if s.byName == nil {
		s.byName = map[string]*repo{}
	}
	r := &repo{refs: map[string]gomod.Ref{}}
	s.put(name, r)
	return r
}

func (s *repos) put(name string, r *repo) {
	s.byName[name] = r
	if s.names = append(s.names, name); len(s.names) > maxRepos {
		s.forget()
	}
}

// forget lets go of the repository that was met first.
func (s *repos) forget() {
	name := s.names[0]
	s.names = s.names[1:]
	r := s.byName[name]
	delete(s.byName, name)
	for _, other := range s.byName {
		if other == r { // by another name
			return
		}
	}
	s.refs -= len(r.refs)
}

// moved hears that requests for a repository were redirected: it is the same one.
func (s *repos) moved(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if from != "" && to != "" && s.byName[to] == nil {
		r := s.repo(from)
		s.put(to, r)
	}
}

// root is the module path of a repository's root; "" where there are several, or it is
// not known.
func (s *repos) root(name string) string {
	roots := s.roots(name)
	if len(roots) != 1 {
		return ""
	}
	return roots[0].Prefix
}

func (s *repos) roots(name string) []gomod.GoImport {
	if r := s.byName[name]; r != nil && len(r.roots) > 0 {
		return r.roots
	}
	if root, ok := gomod.KnownRoot(name); ok {
		return []gomod.GoImport{{Prefix: root}}
	}
	return nil
}

// page takes the answer to a ?go-get=1 about importPath. A tag counts when it is about that:
// at the others the go command does not look.
func (s *repos) page(importPath string, html []byte) {
	imports := gomod.ParseGoImports(html)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range imports {
		if importPath != m.Prefix && !strings.HasPrefix(importPath, m.Prefix+"/") {
			continue
		}
		if m.VCS == "mod" {
			s.proxy(m.Repo)
			continue
		}
		name := gomod.RepoName(m.Repo)
		if name == "" {
			continue
		}
		r := s.repo(name)
		known := slices.ContainsFunc(r.roots, func(k gomod.GoImport) bool { return k.Prefix == m.Prefix && k.SubDir == m.SubDir })
		if !known && len(r.roots) < maxRoots {
			r.roots = append(r.roots, m)
		}
	}
}

// proxy notes a module proxy, so that its path is not taken for a part of module paths.
func (s *repos) proxy(base string) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || len(s.proxies) >= maxProxies {
		return
	}
	p := namedProxy{u.Host, strings.TrimSuffix(u.Path, "/") + "/", gomod.NewClassifier(base, "")}
	if p.path != "/" && !slices.ContainsFunc(s.proxies, func(k namedProxy) bool { return k.host == p.host && k.path == p.path }) {
		s.proxies = append(s.proxies, p)
	}
}

// listed takes a list of a repository's refs.
func (s *repos) listed(name string, refs []gomod.Ref) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repo(name)
	r.failed = time.Time{}
	for _, ref := range refs {
		if short, _ := gomod.ShortRef(ref.Name); short == "" {
			continue // pull requests and their like: the go command fetches none
		}
		if _, known := r.refs[ref.Name]; !known {
			if !s.makeRoom(name) {
				continue
			}
			s.refs++
		}
		r.refs[ref.Name] = ref
	}
}

// makeRoom makes room for one more ref of a repository, by forgetting others if need be. It
// reports whether there is any.
func (s *repos) makeRoom(name string) bool {
	for s.refs >= maxRefs && len(s.names) > 1 && s.names[0] != name {
		s.forget()
	}
	return s.refs < maxRefs
}

// refused hears that a repository's refs could not be listed.
func (s *repos) refused(name string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repo(name).failed = now
}

// command completes the meaning of a POST to git-upload-pack by what it says.
func (s *repos) command(g *gomod.Request, c gomod.GitCommand) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.Module, g.Version, g.Extra = s.root(g.Repo), "", ""
	switch c.Name {
	case "ls-refs":
		g.Extra = c.Name
	case "fetch":
		names := s.namesOf(g.Repo, c)
		if mod, version, ok := s.version(s.roots(g.Repo), names); ok {
			g.Module, g.Version = mod, version
			return
		}
		g.Extra = fetched(c, names)
	}
}

// namesOf returns the names of every object that is wanted.
func (s *repos) namesOf(name string, c gomod.GitCommand) [][]string {
	of := map[string][]string{} // by object
	for _, object := range c.Wants {
		of[object] = nil
	}
	if r := s.byName[name]; r != nil {
		for _, ref := range r.refs {
			for _, object := range []string{ref.Object, ref.Peeled} {
				if names, wanted := of[object]; wanted {
					of[object] = append(names, ref.Name)
				}
			}
		}
	}
	var all [][]string
	for _, object := range c.Wants {
		all = append(all, of[object])
	}
	for _, ref := range c.WantRefs {
		all = append(all, []string{ref})
	}
	return all
}

// version returns the one module version that everything wanted is. Where the objects are
// several versions (a commit with the tags of two modules), it is the one whose module
// path the go command asked for, if that is one only.
func (s *repos) version(roots []gomod.GoImport, wanted [][]string) (mod, version string, ok bool) {
	type candidate struct{ mod, version string }
	all := map[candidate]bool{}
	isAsked := func(path string) bool { return s.asked[path] }
	for _, names := range wanted {
		known := false
		for _, name := range names {
			tag, isTag := gomod.ShortRef(name)
			if !isTag {
				continue
			}
			for _, root := range roots {
				if mod, version, ok := gomod.TagModule(root.Prefix, root.SubDir, tag, isAsked); ok {
					all[candidate{mod, version}] = true
					known = true
				}
			}
		}
		if !known {
			return "", "", false
		}
	}
	if len(all) > 1 {
		for c := range all {
			if !s.asked[c.mod] {
				delete(all, c)
			}
		}
	}
	if len(all) != 1 {
		return "", "", false
	}
	for c := range all {
		mod, version = c.mod, c.version
	}
	return mod, version, true
}

// fetched says what was fetched that is no version: its tags, else its branches, else how
// many objects.
func fetched(c gomod.GitCommand, wanted [][]string) string {
	var tags, branches []string
	for _, names := range wanted {
		if len(names) == 0 && len(wanted) > 1 {
			return count(wanted)
		}
		for _, name := range names {
			if short, isTag := gomod.ShortRef(name); isTag {
				tags = append(tags, short)
			} else if short != "" && short != "HEAD" {
				branches = append(branches, short)
			}
		}
	}
	if len(wanted) > 1 { // each must be among what is named
		tags = append(tags, branches...)
	} else if len(tags) == 0 {
		tags = branches
	}
	slices.Sort(tags)
	tags = slices.Compact(tags)
	switch {
	case len(tags) > maxNames:
		return count(wanted)
	case len(tags) > 0:
		return strings.Join(tags, ",")
	case len(c.Wants) == 1:
		return c.Wants[0][:12]
	}
	return ""
}

func count(wanted [][]string) string {
	if len(wanted) == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", len(wanted))
}
