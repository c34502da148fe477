package intercept

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder/gomod"
)

func oid(n int) string { return fmt.Sprintf("%040x", n) }

func metaTag(content string) []byte {
	return []byte(`<meta name="go-import" content="` + content + `">`)
}

func tag(name string, n int) gomod.Ref { return gomod.Ref{Name: "refs/tags/" + name, Object: oid(n)} }

// known is what the tests of fetches start from: two repositories that go-import tags
// named, and one that needs none.
func known() *repos {
	s := &repos{}
	for _, path := range []string{"a.test/m/sub", "a.test/m", "a.test/m/v2", "one.test/x", "two.test/x"} {
		s.begin(&gomod.Request{Kind: gomod.GoGet, Module: path}, "GET", &url.URL{}, time.Time{})
	}
	s.page("a.test/m/sub", metaTag("a.test/m git https://git.test/m.git"))
	s.page("one.test/x", metaTag("one.test/x git https://git.test/x"))
	s.page("two.test/x", metaTag("two.test/x git https://git.test/x two"))
	s.page("a.test/m", metaTag("evil.test/y git https://git.test/m.git")) // nobody asked
	s.page("a.test/m", metaTag("a.test/m git ssh://git@git.test/m"))
	s.listed("git.test/m.git", []gomod.Ref{
		{Name: "HEAD", Object: oid(9)}, {Name: "refs/heads/main", Object: oid(9)}, {Name: "refs/pull/1/head", Object: oid(77)},
		tag("v1.0.0", 1), {Name: "refs/tags/v1.1.0", Object: oid(20), Peeled: oid(2)}, tag("sub/v1.0.0", 3),
		tag("v1.2.0", 4), tag("sub/v0.9.0", 4), tag("v2.0.0", 5), tag("v3.0.0", 6), tag("nightly", 7), tag("other/v0.1.0", 8), tag("v1.3.0", 8),
	})
	s.listed("git.test/x", []gomod.Ref{tag("v1.0.0", 1), tag("two/v1.0.0", 2)})
	s.listed("github.com/o/n", []gomod.Ref{tag("v1.0.0", 1), tag("v2.0.0", 2), tag("sub/v1.0.0", 3), tag("a/v1.0.0", 4), tag("v1.4.0", 4)})
	return s
}

var fetchTests = []struct {
	name  string
	repo  string
	wants []int
	want  string // as Request.String says it
}{
	{"a tag", "git.test/m.git", []int{1}, "git-upload-pack a.test/m@v1.0.0"},
	{"an annotated tag", "git.test/m.git", []int{20}, "git-upload-pack a.test/m@v1.1.0"},
	{"its commit", "git.test/m.git", []int{2}, "git-upload-pack a.test/m@v1.1.0"},
	{"both", "git.test/m.git", []int{2, 20}, "git-upload-pack a.test/m@v1.1.0"},
	{"a module in a subdirectory", "git.test/m.git", []int{3}, "git-upload-pack a.test/m/sub@v1.0.0"},
	{"a commit with the tags of two modules that were asked for", "git.test/m.git", []int{4}, "git-upload-pack a.test/m sub/v0.9.0,v1.2.0"},
	{"a commit with the tags of two modules of which one was", "git.test/m.git", []int{8}, "git-upload-pack a.test/m@v1.3.0"},
	{"v2 when it was asked for", "git.test/m.git", []int{5}, "git-upload-pack a.test/m/v2@v2.0.0"},
	{"v3 when it was not: perhaps it is +incompatible", "git.test/m.git", []int{6}, "git-upload-pack a.test/m v3.0.0"},
	{"a tag that is no version", "git.test/m.git", []int{7}, "git-upload-pack a.test/m nightly"},
	{"a branch", "git.test/m.git", []int{9}, "git-upload-pack a.test/m main"},
	{"everything", "git.test/m.git", []int{1, 2, 9, 5}, "git-upload-pack a.test/m 4 objects"},
	{"a version and a branch", "git.test/m.git", []int{1, 9}, "git-upload-pack a.test/m main,v1.0.0"},
	{"a version and an object without a name", "git.test/m.git", []int{1, 77}, "git-upload-pack a.test/m 2 objects"},
	{"an object without a name", "git.test/m.git", []int{77}, "git-upload-pack a.test/m 000000000000"},
	{"a repository of two modules", "git.test/x", []int{1}, "git-upload-pack one.test/x@v1.0.0"},
	{"the other one's", "git.test/x", []int{2}, "git-upload-pack two.test/x@v1.0.0"}, // one.test/x/two was not asked for
	{"a host that is known", "github.com/o/n", []int{1}, "git-upload-pack github.com/o/n@v1.0.0"},
	{"its v2", "github.com/o/n", []int{2}, "git-upload-pack github.com/o/n v2.0.0"},
	{"its subdirectory", "github.com/o/n", []int{3}, "git-upload-pack github.com/o/n/sub@v1.0.0"},
	{"two modules there", "github.com/o/n", []int{4}, "git-upload-pack github.com/o/n a/v1.0.0,v1.4.0"},
	{"a repository that nothing told of", "git.test/new", []int{1}, "git-upload-pack git.test/new 000000000000"},
}

func TestFetchedVersions(t *testing.T) {
	s := known()
	for _, tt := range fetchTests {
		t.Run(tt.name, func(t *testing.T) {
			c := gomod.GitCommand{Name: "fetch"}
			for _, n := range tt.wants {
				c.Wants = append(c.Wants, oid(n))
			}
			g := gomod.Request{Kind: gomod.GitUploadPack, Repo: tt.repo}
			s.command(&g, c)
			if got := g.String(); got != tt.want {
				t.Errorf("got %q %+v, want %q", got, g, tt.want)
			}
		})
	}
}

func request(t *testing.T, s *repos, method, rawURL string, at time.Time) gomod.Request {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	g := gomod.NewClassifier("", "").Classify(method, u, "")
	s.begin(&g, method, u, at)
	return g
}

func TestRepoProbe(t *testing.T) {
	s, now := known(), time.Now()
	const page = "https://git.test/m.git"
	if g := request(t, s, "GET", page, now); g.Kind != gomod.Other {
		t.Errorf("before any failure: %+v", g)
	}
	s.refused("git.test/m.git", now)
	want := gomod.Request{Kind: gomod.RepoProbe, Repo: "git.test/m.git", Module: "a.test/m"}
	for range 2 { // go sends a 4xx again
		if diff := cmp.Diff(want, request(t, s, "GET", page, now.Add(time.Second))); diff != "" {
			t.Errorf("after a failure (-want +got):\n%s", diff)
		}
	}
	if g := request(t, s, "GET", page, now.Add(2*probeWithin)); g.Kind != gomod.Other {
		t.Errorf("long after a failure: %+v", g)
	}
	s.listed("git.test/m.git", nil)
	if g := request(t, s, "GET", page, now.Add(time.Second)); g.Kind != gomod.Other {
		t.Errorf("after the password was right: %+v", g)
	}
}

func TestRepoThatMoved(t *testing.T) {
	s := known()
	s.moved("git.test/m.git", "git.test/new/home")
	if g := request(t, s, "GET", "https://git.test/new/home/info/refs?service=git-upload-pack", time.Now()); g.Module != "a.test/m" {
		t.Errorf("the request after the redirect is %+v", g)
	}
}

// A module proxy whose path has a dot was taken for a part of the module path.
func TestNamedProxy(t *testing.T) {
	s := known()
	const zip = "https://host.test/go.proxy/x.test/m/@v/v1.0.0.zip"
	s.begin(&gomod.Request{Kind: gomod.GoGet, Module: "x.test/m"}, "GET", &url.URL{}, time.Time{})
	s.page("x.test/m", metaTag("x.test/m mod https://host.test/go.proxy"))
	if g := request(t, s, "GET", zip, time.Now()); g.String() != "zip x.test/m@v1.0.0" {
		t.Errorf("the zip is %+v", g)
	}
}

func TestReposAreBounded(t *testing.T) {
	s := &repos{}
	for i := range 3 * maxRepos {
		name := fmt.Sprintf("git.test/%d", i)
		var refs []gomod.Ref
		for j := range 1000 {
			refs = append(refs, tag(fmt.Sprintf("v0.%d.0", j), i*1000+j))
		}
		s.listed(name, refs)
		s.moved(name, name+"/moved")
	}
	for i := range 2 * maxAsked {
		s.ask(fmt.Sprint("a.test/", i))
	}
	for i := range 2 * maxProxies {
		s.proxy(fmt.Sprint("https://p.test/", i))
	}
	if len(s.byName) > maxRepos || len(s.names) != len(s.byName) || s.refs > maxRefs || len(s.asked) != maxAsked || len(s.proxies) > maxProxies {
		t.Errorf("%d repositories (%d names), %d refs, %d paths, %d proxies", len(s.byName), len(s.names), s.refs, len(s.asked), len(s.proxies))
	}
	count := 0
	seen := map[*repo]bool{}
	for _, r := range s.byName {
		if !seen[r] {
			seen[r] = true
			count += len(r.refs)
		}
	}
	if count != s.refs {
		t.Errorf("%d refs are there, %d are counted", count, s.refs)
	}
	if !strings.HasPrefix(s.names[len(s.names)-1], "git.test/") {
		t.Errorf("the last name is %q", s.names[len(s.names)-1])
	}
}

// A tag that was moved is not at its old place any more.
func TestRefThatMoved(t *testing.T) {
	s := known()
	s.listed("git.test/m.git", []gomod.Ref{tag("v1.0.0", 50), {Name: "refs/tags/v1.1.0", Object: oid(51), Peeled: oid(1)}, {Name: "refs/heads/main", Object: oid(52)}})
	for n, want := range map[int]string{
		1: "git-upload-pack a.test/m@v1.1.0", 50: "git-upload-pack a.test/m@v1.0.0", 51: "git-upload-pack a.test/m@v1.1.0",
		20: "git-upload-pack a.test/m 000000000000", 2: "git-upload-pack a.test/m 000000000000", 52: "git-upload-pack a.test/m main",
	} {
		g := gomod.Request{Kind: gomod.GitUploadPack, Repo: "git.test/m.git"}
		s.command(&g, gomod.GitCommand{Name: "fetch", Wants: []string{oid(n)}})
		if got := g.String(); got != want {
			t.Errorf("object %d: got %q, want %q", n, got, want)
		}
	}
}

// A page is about the import path that it was asked for.
func TestPageOfAnother(t *testing.T) {
	s := &repos{}
	for _, path := range []string{"good.test/x", "evil.test/y"} {
		s.begin(&gomod.Request{Kind: gomod.GoGet, Module: path}, "GET", &url.URL{}, time.Time{})
	}
	s.page("evil.test/y", metaTag("good.test/x git https://evil.test/repo"))
	if root := s.root("evil.test/repo"); root != "" {
		t.Errorf("a page of evil.test made its repository that of %s", root)
	}
}

// The page of a redirected ?go-get=1 is about the import path that was asked for first.
func TestPageThatMoved(t *testing.T) {
	p := &Proxy{}
	const moved = "https://www.a.test/x/pkg?go-get=1"
	p.history.add("GET "+moved, lead{id: 1, at: time.Now(), redirect: true, means: gomod.Request{Kind: gomod.GoGet, Module: "a.test/x/pkg"}})
	x := &exchange{p: p, call: &call{asked: time.Now()}, asked: moved}
	x.rec.Method = "GET"
	x.rec.Go = gomod.Request{Kind: gomod.GoGet, Module: "www.a.test/x/pkg"}
	p.link(x)
	p.repos.page(x.rec.Go.Module, metaTag("a.test/x git https://git.test/x"))
	if root := p.repos.root("git.test/x"); root != "a.test/x" {
		t.Errorf("the root of the repository is %q", root)
	}
}

// TestManyRefsOfOneObject takes no time to speak of: other requests wait for it.
func TestManyRefsOfOneObject(t *testing.T) {
	s := known()
	var refs []gomod.Ref
	for n := range 70_000 { // as many as a sample may inflate to
		refs = append(refs, tag(fmt.Sprintf("v0.1.%d", n), 1))
	}
	start := time.Now()
	s.listed("git.test/m.git", refs)
	s.listed("git.test/m.git", refs)
	s.command(&gomod.Request{Kind: gomod.GitUploadPack, Repo: "git.test/m.git"}, gomod.GitCommand{Name: "fetch", Wants: []string{oid(1)}})
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}
