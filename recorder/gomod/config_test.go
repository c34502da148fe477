package gomod

import (
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var baseTests = []struct {
	goproxy string
	want    []base
}{
	{"", nil},
	{"direct", nil},
	{"off", nil},
	{"noproxy,direct", nil},
	{"https://proxy.golang.org,direct", nil},
	{"https://a.example/x/,https://b.example/long/er|http://c.example:80/y", []base{
		{host: "b.example", path: "/long/er/"}, {host: "a.example", path: "/x/"}, {host: "c.example", path: "/y/"},
	}},
	{" a.example/x , ,|b.example:8080/y", []base{{host: "a.example", path: "/x/"}, {host: "b.example:8080", path: "/y/"}}},
	{"user:pa%2Fss@a.example/x", []base{{host: "a.example", path: "/x/"}}},
	{"https://a.example/x%20y", []base{{host: "a.example", path: "/x y/"}}},
	{"https://a.example//", []base{{host: "a.example", path: "//"}}},
	{"https://a.example/x,off,https://b.example/y", []base{{host: "a.example", path: "/x/"}}},
	{"file:///tmp/x,/tmp/y,C:\\z,ftp://f.example/x,https://%zz/x", nil},
}

func TestProxyBases(t *testing.T) {
	for _, tt := range baseTests {
		if diff := cmp.Diff(tt.want, proxyBases(tt.goproxy), cmp.AllowUnexported(base{})); diff != "" {
			t.Errorf("GOPROXY=%s (-want +got):\n%s", tt.goproxy, diff)
		}
	}
}

var sumdbBaseTests = []struct {
	gosumdb string
	want    *base
}{
	{"", nil},
	{"off", nil},
	{"sum.golang.google.cn", nil},
	{"sum.golang.org", &base{"sum.golang.org", "/", "sum.golang.org"}},
	{"sum.golang.org https://goproxy.example/sumdb/sum.golang.org/", &base{"goproxy.example", "/sumdb/sum.golang.org/", "sum.golang.org"}},
	{"sum.corp.example+1234abcd+AXq3", &base{"sum.corp.example", "/", "sum.corp.example"}},
	{"corp.example/db+1234abcd+AXq3", &base{"corp.example", "/db/", "corp.example/db"}},
	{"sum.corp.example+1234abcd+AXq3 http://10.0.0.1:80", &base{"10.0.0.1", "/", "sum.corp.example"}},
	{"a b c", nil},
	{"a %zz://", nil},
	{"+1234abcd+AXq3", nil},
}

func TestSumdbBase(t *testing.T) {
	for _, tt := range sumdbBaseTests {
		if diff := cmp.Diff(tt.want, sumdbBase(tt.gosumdb), cmp.AllowUnexported(base{})); diff != "" {
			t.Errorf("GOSUMDB=%q (-want +got):\n%s", tt.gosumdb, diff)
		}
	}
}

// What is not configured still works with a nil Classifier and whatever GOSUMDB says: a
// request to the public database is one although this session does not use it.
func TestDefaults(t *testing.T) {
	u := mustParse(t, "https://sum.golang.org/lookup/rsc.io/quote@v1.5.2")
	want := Request{SumdbLookup, "rsc.io/quote", "v1.5.2", "", publicSumdb}
	for name, c := range map[string]*Classifier{
		"nil": nil, "zero": {}, "empty": NewClassifier("", ""), "off": NewClassifier("off", "off"),
		"another": NewClassifier("direct", testSumdb),
	} {
		if diff := cmp.Diff(want, c.Classify("GET", u, "")); diff != "" {
			t.Errorf("%s Classifier (-want +got):\n%s", name, diff)
		}
	}
	if got := NewClassifier("", "").Classify("GET", nil, ""); got.Kind != Other {
		t.Errorf("no URL: got %+v", got)
	}
}

var labelTests = []struct {
	r    Request
	want string
}{
	{Request{}, ""},
	{Request{Kind: Other}, "other"},
	{file(Zip, "rsc.io/quote", "v1.5.2"), "zip rsc.io/quote@v1.5.2"},
	{file(List, "rsc.io/quote", ""), "list rsc.io/quote"},
	{Request{SumdbLookup, "rsc.io/quote", "v1.5.2", "", publicSumdb}, "sumdb-lookup rsc.io/quote@v1.5.2"},
	{Request{Kind: SumdbTile, Extra: "sum.golang.org tile/8/0/123"}, "sumdb-tile 8/0/123"},
	{Request{Kind: SumdbTile}, "sumdb-tile"},
	{Request{Kind: SumdbSupported, Extra: publicSumdb}, "sumdb-supported sum.golang.org"},
	{Request{ToolchainZip, toolchainModule, "v0.0.1-go1.27.4.linux-amd64", "", "go1.27.4 linux-amd64"}, "toolchain-zip go1.27.4 linux-amd64"},
	{file(ToolchainList, toolchainModule, ""), "toolchain-list golang.org/toolchain"},
	{Request{Kind: GitInfoRefs, Repo: "github.com/rsc/quote"}, "git-info-refs github.com/rsc/quote"},
	{Request{Kind: GoGet, Module: "golang.org/x/tools"}, "go-get golang.org/x/tools"},
	{Request{Kind: GitUploadPack, Repo: "git.test/m.git", Module: "a.test/m", Version: "v1.0.0"}, "git-upload-pack a.test/m@v1.0.0"},
	{Request{Kind: GitUploadPack, Repo: "git.test/m.git", Module: "a.test/m", Extra: "main"}, "git-upload-pack a.test/m main"},
	{Request{Kind: GitUploadPack, Repo: "git.test/m.git", Extra: "ls-refs"}, "git-upload-pack git.test/m.git ls-refs"},
}

func TestRequestString(t *testing.T) {
	for _, tt := range labelTests {
		if got := tt.r.String(); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.r, got, tt.want)
		}
	}
}

var stepTests = map[Kind]string{
	Connect: "connect", List: "list", Latest: "latest", Info: "info", Mod: "mod", Zip: "zip", StorageZip: "zip",
	SumdbSupported: "sumdb", SumdbLatest: "sumdb", SumdbLookup: "sumdb", SumdbTile: "sumdb",
	ToolchainList: "toolchain", ToolchainInfo: "toolchain", ToolchainMod: "toolchain", ToolchainZip: "toolchain",
	GoGet: "go-get", GitInfoRefs: "git", GitUploadPack: "git", RepoProbe: "git",
	Hg: "vcs", Svn: "vcs", Bzr: "vcs", Fossil: "vcs", Telemetry: "telemetry", VulnDB: "vulndb",
	Other: "other", "": "other", "made-up": "other",
}

func TestStep(t *testing.T) {
	for k, want := range stepTests {
		if got := k.Step(); got != want {
			t.Errorf("%q: got %q, want %q", k, got, want)
		}
	}
}

func TestClassifyConcurrently(t *testing.T) {
	c := NewClassifier(testProxies, testSumdb)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, tt := range proxyCases {
				u, err := url.Parse(tt.url)
				if err != nil || c.Classify("GET", u, zipReferer) != tt.want {
					t.Errorf("%s: another answer than alone", tt.url)
				}
			}
		})
	}
	wg.Wait()
}

var benchmarks = []struct{ name, method, url, referer string }{
	{"info", "GET", proxyGo + "/golang.org/x/text/@v/v0.14.0.info", ""},
	{"zip-base", "GET", "https://corp.example/artifactory/api/go/x/github.com/google/go-cmp/@v/v0.7.0.zip", ""},
	{"zip-escaped", "GET", proxyGo + "/github.com/%21burnt%21sushi/toml/@v/v1.3.2.zip", ""},
	{"lookup", "GET", proxyGo + "/sumdb/sum.golang.org/lookup/golang.org/x/text@v0.14.0", ""},
	{"tile", "GET", "https://sum.golang.org/tile/8/0/x001/234", ""},
	{"storage", "GET", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-google.golang.org:api-v0.162.0.zip?Expires=1&Signature=x", zipReferer},
	{"go-get", "GET", "https://golang.org/x/tools?go-get=1", ""},
	{"other", "GET", "https://example.com/a/b/c.html", ""},
	{"hostile", "GET", "https://x.example" + strings.Repeat("/sumdb/a.b/lookup/c.d@e", maxPath/23), ""},
}

func BenchmarkClassify(b *testing.B) {
	c := NewClassifier(testProxies, "")
	for _, bb := range benchmarks {
		b.Run(bb.name, func(b *testing.B) {
			u := mustParse(b, bb.url)
			b.ReportAllocs()
			for b.Loop() {
				c.Classify(bb.method, u, bb.referer)
			}
		})
	}
}
