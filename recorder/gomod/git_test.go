package gomod

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

const (
	oidA = "1111111111111111111111111111111111111111"
	oidB = "2222222222222222222222222222222222222222"
	oidC = "333333333333333333333333333333333333333333333333333333333333cccc"
)

// pkt is what git's packet_write makes of a line; "" is a flush, "|" a delimiter.
func pkt(lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		switch l {
		case "":
			b.WriteString("0000")
		case "|":
			b.WriteString("0001")
		default:
			fmt.Fprintf(&b, "%04x%s", len(l)+4, l)
		}
	}
	return b.String()
}

var refsTests = []struct {
	name string
	in   string
	want []Ref
}{
	{"nothing", "", nil},
	{"protocol 2: info/refs lists capabilities", pkt("# service=git-upload-pack\n", "", "version 2\n", "agent=git/2.39.5\n", "ls-refs=unborn\n", "fetch=shallow wait-for-done\n", ""), nil},
	{
		"protocol 2: ls-refs", pkt(oidA+" HEAD symref-target:refs/heads/main\n", oidA+" refs/heads/main\n", oidB+" refs/tags/v1.0.0 peeled:"+oidA+"\n", oidC+" refs/tags/sub/v1.0.0\n", "", ""),
		[]Ref{{"HEAD", oidA, ""}, {"refs/heads/main", oidA, ""}, {"refs/tags/v1.0.0", oidB, oidA}, {"refs/tags/sub/v1.0.0", oidC, ""}},
	},
	{"protocol 2: an empty repository", pkt("unborn HEAD symref-target:refs/heads/main\n", ""), nil},
	{
		"protocol 0: info/refs", pkt("# service=git-upload-pack\n", "", oidA+" HEAD\x00multi_ack thin-pack symref=HEAD:refs/heads/main\n", oidB+" refs/tags/v1.0.0\n", oidA+" refs/tags/v1.0.0^{}\n", ""),
		[]Ref{{"HEAD", oidA, ""}, {"refs/tags/v1.0.0", oidB, oidA}},
	},
	{
		"protocol 1: info/refs", pkt("# service=git-upload-pack\n", "", "version 1\n", oidA+" HEAD\x00agent=x\n", ""),
		[]Ref{{"HEAD", oidA, ""}},
	},
	{"protocol 0: an empty repository", pkt("# service=git-upload-pack\n", "", strings.Repeat("0", 40)+" capabilities^{}\x00agent=x\n", ""), nil},
	{"cut off in a line", pkt(oidA + " refs/heads/a\n")[:30] + "", nil},
	{"cut off after a line", pkt(oidA+" refs/heads/a\n") + "003d" + oidB, []Ref{{"refs/heads/a", oidA, ""}}},
	{"a dumb server's info/refs", oidA + "\trefs/heads/main\n", nil},
	{"a page", "<!DOCTYPE html>", nil},
	{"a name that does not print", pkt(oidA + " refs/heads/\x1b[31m\n"), nil},
}

func TestParseRefs(t *testing.T) {
	for _, tt := range refsTests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ParseRefs([]byte(tt.in))); diff != "" {
				t.Errorf("refs (-want +got):\n%s", diff)
			}
		})
	}
}

var commandTests = []struct {
	name string
	in   string
	want GitCommand
}{
	{"git's probe", "0000", GitCommand{}},
	{"ls-refs", pkt("command=ls-refs\n", "agent=git/2.39.5", "object-format=sha1", "|", "peel\n", "symrefs\n", "ref-prefix want \n", ""), GitCommand{Name: "ls-refs"}},
	{
		"fetch", pkt("command=fetch", "agent=git/2.39.5", "|", "thin-pack", "deepen 1", "want "+oidA+"\n", "want "+oidC+"\n", "have "+oidB+"\n", "done\n", ""),
		GitCommand{Name: "fetch", Wants: []string{oidA, oidC}},
	},
	{
		"fetch of a named ref", pkt("command=fetch", "|", "want-ref refs/tags/v1.0.0\n", ""),
		GitCommand{Name: "fetch", WantRefs: []string{"refs/tags/v1.0.0"}},
	},
	{
		"protocol 0", pkt("want "+oidA+" multi_ack_detailed side-band-64k ofs-delta\n", "want "+oidB+"\n", "deepen 1", "", "done\n"),
		GitCommand{Name: "fetch", Wants: []string{oidA, oidB}},
	},
	{"cut off", pkt("command=fetch", "want "+oidA+"\n") + "0032want 22222", GitCommand{Name: "fetch", Wants: []string{oidA}}},
	{"another command", pkt("command=object-info", "|", "oid "+oidA, ""), GitCommand{}},
	{"not a request of git", "go-get=1", GitCommand{}},
}

func TestParseGitCommand(t *testing.T) {
	for _, tt := range commandTests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ParseGitCommand([]byte(tt.in))); diff != "" {
				t.Errorf("command (-want +got):\n%s", diff)
			}
		})
	}
}

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.Bytes()
}

func TestInflate(t *testing.T) {
	long := strings.Repeat("want "+oidA+"\n", 1000)
	z := zipped(long)
	for _, tt := range []struct {
		name, encoding string
		in             []byte
		want           string
	}{
		{"not encoded", "", []byte("x"), "x"},
		{"gzip", "gzip", z, long},
		{"gzip by its old name", " X-GZIP", z, long},
		{"not gzip at all", "gzip", []byte("0000"), ""},
		{"an unknown encoding", "zstd", []byte("x"), ""},
		{"a bomb", "gzip", zipped(strings.Repeat("0", maxInflated+1)), strings.Repeat("0", maxInflated)},
	} {
		if got := string(Inflate(tt.in, tt.encoding)); got != tt.want {
			t.Errorf("%s: %d bytes %.40q, want %d", tt.name, len(got), got, len(tt.want))
		}
	}
	if got := Inflate(z[:len(z)-9], "gzip"); len(got) == 0 || !strings.HasPrefix(long, string(got)) {
		t.Errorf("cut off: %.40q", got)
	}
}

var importTests = []struct {
	name string
	page string
	want []GoImport
}{
	{"a plain page", `<html><head><meta name="go-import" content="rsc.io/quote git https://github.com/rsc/quote"></head></html>`, []GoImport{{"rsc.io/quote", "git", "https://github.com/rsc/quote", ""}}},
	{"a module proxy and a repository", `<meta name="go-import" content="a.test/m mod https://proxy.test/x"><META NAME='go-import' CONTENT='a.test/m hg https://hg.test/m'/>`, []GoImport{{"a.test/m", "mod", "https://proxy.test/x", ""}, {"a.test/m", "hg", "https://hg.test/m", ""}}},
	{"a subdirectory", `<meta name="go-import" content="a.test/m git https://g.test/r go/m">`, []GoImport{{"a.test/m", "git", "https://g.test/r", "go/m"}}},
	{"what is not meant", `<meta name="go-source" content="a b c"><meta name="go-import" content="two words">`, nil},
	{"tags in the body do not count", `<body><meta name="go-import" content="a.test/m git https://g.test/r">`, nil},
	{"nor after the head", `<head></head><meta name="go-import" content="a.test/m git https://g.test/r">`, nil},
	{"cut off", `<meta name="go-import" content="a.test/m git https://g.test/r"><meta name="go-im`, []GoImport{{"a.test/m", "git", "https://g.test/r", ""}}},
}

func TestParseGoImports(t *testing.T) {
	for _, tt := range importTests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, ParseGoImports([]byte(tt.page))); diff != "" {
				t.Errorf("imports (-want +got):\n%s", diff)
			}
		})
	}
}

var repoNameTests = []struct{ url, want string }{
	{"https://github.com/rsc/quote", "github.com/rsc/quote"},
	{"https://git.test:443/a.git/", "git.test/a.git"},
	{"http://git.test:8080/a", "git.test:8080/a"},
	{"https://user:secret@git.test/a", "git.test/a"},
	{"https://git.test/a%20b", "git.test/a%20b"},
	{"ssh://git@git.test/a", ""},
	{"git@git.test:a", ""},
	{"https://", ""},
}

func TestRepoName(t *testing.T) {
	for _, tt := range repoNameTests {
		if got := RepoName(tt.url); got != tt.want {
			t.Errorf("RepoName(%q) = %q, want %q", tt.url, got, tt.want)
		}
	}
}

var knownRootTests = []struct{ repo, want string }{
	{"github.com/BurntSushi/toml", "github.com/BurntSushi/toml"},
	{"github.com/rsc/quote.git", ""}, // the go command never asks so: whose name is it?
	{"github.com/rsc", ""},
	{"github.com/a/b/c", ""},
	{"bitbucket.org/a/b", "bitbucket.org/a/b"},
	{"git.apache.org/thrift.git", "git.apache.org/thrift.git"},
	{"gitlab.com/a/b", ""},
}

func TestKnownRoot(t *testing.T) {
	for _, tt := range knownRootTests {
		got, ok := KnownRoot(tt.repo)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("KnownRoot(%q) = %q, %v, want %q", tt.repo, got, ok, tt.want)
		}
	}
}

var tagTests = []struct {
	root, subDir, tag string
	asked             string // module path that the go command looked for
	want              string // module@version; "" when the wire does not tell
}{
	{"a.test/m", "", "v1.2.3", "", "a.test/m@v1.2.3"},
	{"a.test/m", "", "v0.1.0-rc.1", "", "a.test/m@v0.1.0-rc.1"},
	{"a.test/m", "", "sub/deep/v1.0.0", "", "a.test/m/sub/deep@v1.0.0"},
	{"a.test/m", "", "v2.0.0", "", ""}, // perhaps a.test/m@v2.0.0+incompatible
	{"a.test/m", "", "v2.0.0", "a.test/m/v2", "a.test/m/v2@v2.0.0"},
	{"a.test/m", "", "sub/v3.1.0", "a.test/m/sub/v3", "a.test/m/sub/v3@v3.1.0"},
	{"a.test/m", "", "v3.0.0", "a.test/m/v2", ""},
	{"a.test/m/v2", "", "v2.5.0", "", "a.test/m/v2@v2.5.0"},
	{"a.test/m/v2", "", "v1.0.0", "", ""},
	{"gopkg.in/yaml.v3", "", "v3.0.1", "", "gopkg.in/yaml.v3@v3.0.1"},
	{"gopkg.in/yaml.v3", "", "v2.0.0", "", ""},
	{"a.test/m", "go", "go/v1.0.0", "", "a.test/m@v1.0.0"},
	{"a.test/m", "go", "go/x/v1.0.0", "", "a.test/m/x@v1.0.0"},
	{"a.test/m", "go", "v1.0.0", "", ""},
	{"a.test/m", "", "1.0.0", "", ""},
	{"a.test/m", "", "v1.0", "", ""},        // go makes a pseudo-version of it
	{"a.test/m", "", "v1.0.0+meta", "", ""}, // and of this
	{"a.test/m", "", "v0.0.0-20240501120000-111111111111", "", ""},
	{"a.test/m", "", "release", "", ""},
}

func TestTagModule(t *testing.T) {
	for _, tt := range tagTests {
		mod, version, ok := TagModule(tt.root, tt.subDir, tt.tag, func(p string) bool { return p == tt.asked })
		got := ""
		if ok {
			got = mod + "@" + version
		}
		if got != tt.want {
			t.Errorf("TagModule(%q, %q, %q) = %q, want %q", tt.root, tt.subDir, tt.tag, got, tt.want)
		}
	}
}

var shortRefTests = []struct {
	ref, want string
	isTag     bool
}{
	{"refs/tags/sub/v1.0.0", "sub/v1.0.0", true},
	{"refs/heads/main", "main", false},
	{"HEAD", "HEAD", false},
	{"refs/pull/1/head", "", false},
}

func TestShortRef(t *testing.T) {
	for _, tt := range shortRefTests {
		if got, isTag := ShortRef(tt.ref); got != tt.want || isTag != tt.isTag {
			t.Errorf("ShortRef(%q) = %q, %v", tt.ref, got, isTag)
		}
	}
}

// FuzzGitWire checks that what servers and clients send is never more than it says: every
// name prints, every object is one, and the bounds hold.
func FuzzGitWire(f *testing.F) {
	for _, tt := range refsTests {
		f.Add([]byte(tt.in), "")
	}
	for _, tt := range commandTests {
		f.Add([]byte(tt.in), "")
		f.Add(zipped(tt.in), "gzip")
	}
	f.Fuzz(func(t *testing.T, b []byte, encoding string) {
		plain := Inflate(b, encoding)
		if len(plain) > max(len(b), maxInflated) {
			t.Fatalf("%d bytes became %d", len(b), len(plain))
		}
		for _, r := range ParseRefs(plain) {
			if !plainName(r.Name) || !isObject(r.Object) || r.Peeled != "" && !isObject(r.Peeled) {
				t.Errorf("ref %+v", r)
			}
		}
		c := ParseGitCommand(plain)
		if n := len(c.Wants) + len(c.WantRefs); n > maxWants || n > 0 && c.Name == "ls-refs" {
			t.Errorf("%s wants %d", c.Name, n)
		}
		for _, w := range c.Wants {
			if !isObject(w) {
				t.Errorf("want %q", w)
			}
		}
		for cut := 0; cut < len(plain) && cut < 64; cut++ { // a copy may end anywhere
			ParseRefs(plain[:cut])
			ParseGitCommand(plain[:cut])
		}
	})
}

func FuzzGoImports(f *testing.F) {
	for _, tt := range importTests {
		f.Add([]byte(tt.page))
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		imports := ParseGoImports(page)
		if len(imports) > maxImports {
			t.Fatalf("%d imports", len(imports))
		}
		for _, m := range imports {
			if strings.Join(strings.Fields(m.Prefix+" "+m.VCS+" "+m.Repo), " ") != m.Prefix+" "+m.VCS+" "+m.Repo {
				t.Errorf("%+v", m)
			}
			if n := RepoName(m.Repo); n != "" && !plainName(n) {
				t.Errorf("repository %q does not print", n)
			}
		}
	})
}

// FuzzTagModule checks that a module version from a tag is one that the go command could
// have asked for.
func FuzzTagModule(f *testing.F) {
	for _, tt := range tagTests {
		f.Add(tt.root, tt.subDir, tt.tag, tt.asked)
	}
	f.Fuzz(func(t *testing.T, root, subDir, tag, asked string) {
		mod, version, ok := TagModule(root, subDir, tag, func(p string) bool { return p == asked })
		if !ok {
			return
		}
		if err := module.Check(mod, version); err != nil {
			t.Error(err)
		}
		if !strings.HasSuffix(tag, version) || !strings.HasPrefix(mod, root) {
			t.Errorf("tag %q of %q is %s@%s", tag, root, mod, version)
		}
	})
}

// What a server can make us remember is bounded, whatever it sends.
func TestLongNames(t *testing.T) {
	object := strings.Repeat("a", 40)
	long := pkt(object + " refs/tags/" + strings.Repeat("v", maxRefName))
	short := pkt(object + " refs/tags/v1.0.0 peeled:" + object + " x:" + strings.Repeat("x", 60_000))
	refs := ParseRefs([]byte(long + short))
	if len(refs) != 1 || refs[0].Name != "refs/tags/v1.0.0" || refs[0].Peeled != object {
		t.Fatalf("%d refs, %.80v", len(refs), refs)
	}
	var all []Ref
	before := heap()
	for range 500 {
		all = append(all, ParseRefs([]byte(short))...)
	}
	if grown := heap() - before; grown > 5<<20 {
		t.Errorf("%d refs take %d bytes", len(all), grown)
	}
	runtime.KeepAlive(all)
	page := `<meta name="go-import" content="a.test/m git https://git.test/m ` + strings.Repeat("d", maxImport) + `">`
	if got := ParseGoImports([]byte(page)); len(got) != 0 {
		t.Errorf("a tag of %d bytes counts", len(page))
	}
}

func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
