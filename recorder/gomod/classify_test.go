package gomod

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The session that most cases below belong to.
const (
	testProxies = "https://user:pw@corp.example/artifactory/api/go/x,goproxy.example/goproxy|" +
		"http://mirror.example:3000/api.v2/go , https://corp.example/artifactory/api/go/x.y/deep|" +
		"https://odd.example/sumdb/front,https://proxy.golang.org,direct,https://never.example/a.b"
	testSumdb = "sum.corp.example+1234abcd+AXq3 https://sums.example:8443/db"
)

type classifyCase struct {
	url  string
	want Request
}

func file(k Kind, mod, version string) Request {
	return Request{Kind: k, Module: mod, Version: version}
}

const proxyGo = "https://proxy.golang.org"

var proxyCases = []classifyCase{
	{proxyGo + "/rsc.io/quote/@v/list", file(List, "rsc.io/quote", "")},
	{proxyGo + "/rsc.io/quote/@latest", file(Latest, "rsc.io/quote", "")},
	{proxyGo + "/rsc.io/quote/@v/v1.5.2.info", file(Info, "rsc.io/quote", "v1.5.2")},
	{proxyGo + "/rsc.io/quote/@v/v1.5.2.mod", file(Mod, "rsc.io/quote", "v1.5.2")},
	{proxyGo + "/rsc.io/quote/@v/v1.5.2.zip", file(Zip, "rsc.io/quote", "v1.5.2")},
	{proxyGo + ":443/rsc.io/quote/@v/v1.5.2.zip", file(Zip, "rsc.io/quote", "v1.5.2")},
	{"https://PROXY.golang.org/rsc.io/quote/@v/list", file(List, "rsc.io/quote", "")},
	{"http://127.0.0.1:40123/rsc.io/quote/@v/list", file(List, "rsc.io/quote", "")},
	{"http://[::1]:8080/rsc.io/quote/@v/list", file(List, "rsc.io/quote", "")},
	// Both wire forms of the case encoding.
	{proxyGo + "/github.com/%21burnt%21sushi/toml/@v/v1.3.2.zip", file(Zip, "github.com/BurntSushi/toml", "v1.3.2")},
	{proxyGo + "/github.com/!burnt!sushi/toml/@v/v1.3.2.zip", file(Zip, "github.com/BurntSushi/toml", "v1.3.2")},
	{proxyGo + "/github.com/%21azure/go-autorest/@v/list", file(List, "github.com/Azure/go-autorest", "")},
	{proxyGo + "/example.com/m/@v/v1.0.0-%21r%21c1.info", file(Info, "example.com/m", "v1.0.0-RC1")},
	{proxyGo + "/example.com/m/@v/v1.0.0-!r!c1.info", file(Info, "example.com/m", "v1.0.0-RC1")},
	{proxyGo + "/example.com/m/@v/v1.0.0-RC1.info", file(Info, "example.com/m", "v1.0.0-RC1")},
	{proxyGo + "/example.com/m/@v/v1!.info", file(Info, "example.com/m", "v1!")},
	// Kinds of versions.
	{proxyGo + "/golang.org/x/exp/@v/v0.0.0-20231006140011-7918f672742d.mod", file(Mod, "golang.org/x/exp", "v0.0.0-20231006140011-7918f672742d")},
	{proxyGo + "/github.com/docker/docker/@v/v24.0.7+incompatible.zip", file(Zip, "github.com/docker/docker", "v24.0.7+incompatible")},
	{proxyGo + "/github.com/docker/docker/@v/v24.0.7%2Bincompatible.zip", file(Zip, "github.com/docker/docker", "v24.0.7+incompatible")},
	{proxyGo + "/github.com/x/y/@v/v2.0.1-0.20200101000000-0123456789ab+incompatible.info", file(Info, "github.com/x/y", "v2.0.1-0.20200101000000-0123456789ab+incompatible")},
	{proxyGo + "/golang.org/x/tools/@v/master.info", file(Info, "golang.org/x/tools", "master")},
	{proxyGo + "/golang.org/x/tools/@v/release-branch.go1.21.info", file(Info, "golang.org/x/tools", "release-branch.go1.21")},
	{proxyGo + "/golang.org/x/tools/@v/7918f672742d4b0a5d0a2a4d8a3f3d2e1b0c9a87.info", file(Info, "golang.org/x/tools", "7918f672742d4b0a5d0a2a4d8a3f3d2e1b0c9a87")},
	{proxyGo + "/golang.org/x/tools/@v/v1.info", file(Info, "golang.org/x/tools", "v1")},
	{proxyGo + "/golang.org/x/tools/@v/list.info", file(Info, "golang.org/x/tools", "list")},
	{proxyGo + "/golang.org/x/tools/@v/latest.info", file(Info, "golang.org/x/tools", "latest")},
	// Kinds of modules.
	{proxyGo + "/gopkg.in/yaml.v2/@v/v2.4.0.mod", file(Mod, "gopkg.in/yaml.v2", "v2.4.0")},
	{proxyGo + "/github.com/go-playground/validator/v10/@v/v10.14.0.zip", file(Zip, "github.com/go-playground/validator/v10", "v10.14.0")},
	{proxyGo + "/k8s.io/api/@v/list", file(List, "k8s.io/api", "")},
	{proxyGo + "/example.com/sumdb/latest/@latest", file(Latest, "example.com/sumdb/latest", "")},
	{proxyGo + "/github.com/corp/sumdb/lookup/m/@latest", file(Latest, "github.com/corp/sumdb/lookup/m", "")},
	{proxyGo + "/golang.org/x/telemetry/config/@latest", file(Latest, "golang.org/x/telemetry/config", "")},
	// Toolchains.
	{proxyGo + "/golang.org/toolchain/@v/list", file(ToolchainList, "golang.org/toolchain", "")},
	{proxyGo + "/golang.org/toolchain/@latest", file(Latest, "golang.org/toolchain", "")},
	{proxyGo + "/golang.org/toolchain/@v/v0.0.1-go1.27.4.windows-amd64.zip", Request{Kind: ToolchainZip, Module: "golang.org/toolchain", Version: "v0.0.1-go1.27.4.windows-amd64", Extra: "go1.27.4 windows-amd64"}},
	{proxyGo + "/golang.org/toolchain/@v/v0.0.1-go1.28rc1.linux-amd64.info", Request{Kind: ToolchainInfo, Module: "golang.org/toolchain", Version: "v0.0.1-go1.28rc1.linux-amd64", Extra: "go1.28rc1 linux-amd64"}},
	{proxyGo + "/golang.org/toolchain/@v/v0.0.1-go1.21.0.linux-arm64.mod", Request{Kind: ToolchainMod, Module: "golang.org/toolchain", Version: "v0.0.1-go1.21.0.linux-arm64", Extra: "go1.21.0 linux-arm64"}},
	{proxyGo + "/golang.org/toolchain/@v/v0.0.1-go1.mod", file(ToolchainMod, "golang.org/toolchain", "v0.0.1-go1")},
	{proxyGo + "/golang.org/toolchain/@v/v0.0.1-local-amd64.mod", file(ToolchainMod, "golang.org/toolchain", "v0.0.1-local-amd64")},
	// Base paths of GOPROXY entries.
	{"https://corp.example/artifactory/api/go/x/rsc.io/quote/@v/list", file(List, "rsc.io/quote", "")},
	{"https://corp.example:443/artifactory/api/go/x/rsc.io/quote/@v/list", file(List, "rsc.io/quote", "")},
	{"https://corp.example/artifactory/api/go/x.y/deep/rsc.io/quote/@v/v1.0.0.mod", file(Mod, "rsc.io/quote", "v1.0.0")},
	{"https://goproxy.example/goproxy/github.com/%21azure/x/@v/v1.0.0.zip", file(Zip, "github.com/Azure/x", "v1.0.0")},
	{"https://goproxy.example/rsc.io/quote/@v/list", file(List, "rsc.io/quote", "")},
	{"http://mirror.example:3000/api.v2/go/rsc.io/quote/@v/list", file(List, "rsc.io/quote", "")},
	{"http://mirror.example:3000/api.v2/go/golang.org/toolchain/@v/list", file(ToolchainList, "golang.org/toolchain", "")},
	{"https://other.example/nexus/repository/go/rsc.io/quote/@v/list", file(List, "rsc.io/quote", "")},
	{"https://other.example//rsc.io/quote/@v/list", file(List, "rsc.io/quote", "")},
	{"https://other.example/api.v2/go/rsc.io/quote/@v/list", file(List, "api.v2/go/rsc.io/quote", "")},
	{"https://never.example/a.b/rsc.io/quote/@v/list", file(List, "a.b/rsc.io/quote", "")},
	// Queries change nothing.
	{proxyGo + "/rsc.io/quote/@v/list?token=x&go-get=0", file(List, "rsc.io/quote", "")},
}

var otherCases = []classifyCase{
	{proxyGo + "/", Request{}},
	{proxyGo, Request{}},
	{proxyGo + "/@v/list", Request{}},
	{proxyGo + "/@latest", Request{}},
	{proxyGo + "/rsc.io/quote/@v/", Request{}},
	{proxyGo + "/rsc.io/quote/@v/.info", Request{}},
	{proxyGo + "/rsc.io/quote/@v/...info", Request{}},
	{proxyGo + "/rsc.io/quote/@v/v1.5.2", Request{}},
	{proxyGo + "/rsc.io/quote/@v/v1.5.2.ziphash", Request{}},
	{proxyGo + "/rsc.io/quote/@v/feature/x.info", Request{}},
	{proxyGo + "/rsc.io/quote/@v/feature%2Fx.info", Request{}},
	{proxyGo + "/rsc.io/quote/@v/a%00b.info", Request{}},
	{proxyGo + "/rsc.io/quote/@latest/x", Request{}},
	{proxyGo + "/rsc.io/@v/quote/@v/list", Request{}},
	{proxyGo + "/rsc.io/../etc/passwd/@v/list", Request{}},
	{proxyGo + "/a/../rsc.io/quote/@v/list", Request{}},
	{proxyGo + "/github.com/BurntSushi/toml/@v/list", Request{}},
	{proxyGo + "/github.com/%2521burnt/toml/@v/list", Request{}},
	{proxyGo + "/github.com/burnt!/toml/@v/list", Request{}},
	{proxyGo + "/github.com/%C3%BC/@v/list", Request{}},
	{proxyGo + "/github.com/%ff/@v/list", Request{}},
	{proxyGo + "/nodots/at/all/@v/list", Request{}},
	{proxyGo + "/rsc.io//quote/@v/list", Request{}},
	{proxyGo + "/" + strings.Repeat("a.b/", maxPath/4) + "@v/list", Request{}},
	{"https://github.com/corp/sumdb/blob/latest", Request{}},
	{"https://pkg.go.dev/rsc.io/quote@v1.5.2", Request{}},
	{"https://example.com/?cmd=format", Request{}},
	{"https://example.com/download.zip", Request{}},
	{"mailto:gopher@example.com", Request{}},
}

var sumdbCases = []classifyCase{
	{"https://sum.golang.org/latest", Request{Kind: SumdbLatest, Extra: publicSumdb}},
	{"https://sum.golang.org/lookup/rsc.io/quote@v1.5.2", Request{SumdbLookup, "rsc.io/quote", "v1.5.2", "", publicSumdb}},
	{"https://sum.golang.org:443/lookup/github.com/!burnt!sushi/toml@v1.3.2", Request{SumdbLookup, "github.com/BurntSushi/toml", "v1.3.2", "", publicSumdb}},
	{"https://sum.golang.org/lookup/github.com/%21burnt%21sushi/toml@v1.3.2", Request{SumdbLookup, "github.com/BurntSushi/toml", "v1.3.2", "", publicSumdb}},
	{"https://sum.golang.org/lookup/github.com/docker/docker@v24.0.7+incompatible", Request{SumdbLookup, "github.com/docker/docker", "v24.0.7+incompatible", "", publicSumdb}},
	{"https://sum.golang.org/lookup/golang.org/toolchain@v0.0.1-go1.27.4.linux-amd64", Request{SumdbLookup, "golang.org/toolchain", "v0.0.1-go1.27.4.linux-amd64", "", publicSumdb}},
	{"https://sum.golang.org/lookup/golang.org/x/exp/sumdb/x@v1.0.0", Request{SumdbLookup, "golang.org/x/exp/sumdb/x", "v1.0.0", "", publicSumdb}},
	{"https://sum.golang.org/tile/8/0/123", Request{Kind: SumdbTile, Extra: "sum.golang.org tile/8/0/123"}},
	{"https://sum.golang.org/tile/8/0/x001/x234/067", Request{Kind: SumdbTile, Extra: "sum.golang.org tile/8/0/x001/x234/067"}},
	{"https://sum.golang.org/tile/8/1/x003/456.p/78", Request{Kind: SumdbTile, Extra: "sum.golang.org tile/8/1/x003/456.p/78"}},
	{"https://sum.golang.org/tile/8/data/x001/234", Request{Kind: SumdbTile, Extra: "sum.golang.org tile/8/data/x001/234"}},
	{"https://sum.golang.org/tile/8/data/000.p/1", Request{Kind: SumdbTile, Extra: "sum.golang.org tile/8/data/000.p/1"}},
	{"https://sum.golang.google.cn/lookup/rsc.io/quote@v1.5.2", Request{SumdbLookup, "rsc.io/quote", "v1.5.2", "", publicSumdb}},
	{"https://sums.example:8443/db/lookup/rsc.io/quote@v1.5.2", Request{SumdbLookup, "rsc.io/quote", "v1.5.2", "", "sum.corp.example"}},
	{"https://sums.example:8443/db/latest", Request{Kind: SumdbLatest, Extra: "sum.corp.example"}},
	// Through a proxy.
	{proxyGo + "/sumdb/sum.golang.org/supported", Request{Kind: SumdbSupported, Extra: publicSumdb}},
	{proxyGo + "/sumdb/sum.golang.org/latest", Request{Kind: SumdbLatest, Extra: publicSumdb}},
	{proxyGo + "/sumdb/sum.golang.org/lookup/github.com/!azure/x@v1.0.0", Request{SumdbLookup, "github.com/Azure/x", "v1.0.0", "", publicSumdb}},
	{proxyGo + "/sumdb/sum.golang.org/tile/8/0/x001/234.p/5", Request{Kind: SumdbTile, Extra: "sum.golang.org tile/8/0/x001/234.p/5"}},
	{"https://corp.example/artifactory/api/go/x/sumdb/sum.golang.org/supported", Request{Kind: SumdbSupported, Extra: publicSumdb}},
	{"https://other.example/nexus/sumdb/sum.golang.org/lookup/rsc.io/quote@v1.5.2", Request{SumdbLookup, "rsc.io/quote", "v1.5.2", "", publicSumdb}},
	{"https://odd.example/sumdb/front/sumdb/sum.golang.org/latest", Request{Kind: SumdbLatest, Extra: publicSumdb}},
	{"https://other.example/sumdb/x/sumdb/sum.golang.org/latest", Request{Kind: SumdbLatest, Extra: publicSumdb}},
	{"http://127.0.0.1:4000/sumdb/localhost.localdev/sumdb/lookup/rsc.io/quote@v1.5.2", Request{SumdbLookup, "rsc.io/quote", "v1.5.2", "", "localhost.localdev/sumdb"}},
	{"http://127.0.0.1:4000/sumdb/localhost:6000/supported", Request{Kind: SumdbSupported, Extra: "localhost:6000"}},
	{proxyGo + "/sumdb/sum.golang.org/lookup/example.com/sumdb/x.y/lookup/z@v1.0.0", Request{SumdbLookup, "example.com/sumdb/x.y/lookup/z", "v1.0.0", "", publicSumdb}},
	// Not theirs.
	{"https://sum.golang.org/", Request{}},
	{"https://sum.golang.org/supported", Request{}},
	{"https://sum.golang.org/lookup/rsc.io/quote", Request{}},
	{"https://sum.golang.org/lookup/@v1.0.0", Request{}},
	{"https://sum.golang.org/lookup/rsc.io/quote@", Request{}},
	{"https://sum.golang.org/lookup/rsc.io/quote@v1/x", Request{}},
	{"https://sum.golang.org/lookup/RSC.io/quote@v1.0.0", Request{}},
	{"https://sum.golang.org/tile/8/0", Request{}},
	{"https://sum.golang.org/tile/8/0/12", Request{}},
	{"https://sum.golang.org/tile/8/0/1234", Request{}},
	{"https://sum.golang.org/tile/8/0/x12/345", Request{}},
	{"https://sum.golang.org/tile/8/meta/123", Request{}},
	{"https://sum.golang.org/tile/8/0/123.p/", Request{}},
	{"https://sum.golang.org/tile/8/0/123.p/x", Request{}},
	{"https://sum.golang.org/tile/888/0/123", Request{}},
	{"https://sums.example/db/latest", Request{}},
	{"https://unknown.example/latest", Request{}},
	{proxyGo + "/sumdb/sum%20golang.org/latest", Request{}},
	{proxyGo + "/sumdb/", Request{}},
}

// TestClassifyGet covers what a GET without a Referer can be. A want without a kind is Other.
func TestClassifyGet(t *testing.T) {
	c := NewClassifier(testProxies, testSumdb)
	for _, cases := range [][]classifyCase{proxyCases, otherCases, sumdbCases} {
		for _, tt := range cases {
			want := tt.want
			if want.Kind == "" {
				want.Kind = Other
			}
			if diff := cmp.Diff(want, c.Classify("GET", mustParse(t, tt.url), "")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.url, diff)
			}
		}
	}
}

func mustParse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// zipReferer is what the go command's client sends with a redirected zip.
const zipReferer = proxyGo + "/google.golang.org/api/@v/v0.162.0.zip"

var methodCases = []struct {
	method, url, referer string
	want                 Request
}{
	{"CONNECT", "//proxy.golang.org:443", "", Request{Kind: Connect}},
	{"GET", "https://golang.org/x/tools?go-get=1", "", Request{Kind: GoGet, Module: "golang.org/x/tools"}},
	{"GET", "https://golang.org:443/x/tools/?go-get=1", "", Request{Kind: GoGet, Module: "golang.org/x/tools"}},
	{"GET", "https://K8S.io/api/core/v1?x=y&go-get=1", "", Request{Kind: GoGet, Module: "k8s.io/api/core/v1"}},
	{"GET", "https://example.com?go%2Dget=1", "", Request{Kind: GoGet, Module: "example.com"}},
	{"GET", "https://example.com:8443/m?go-get=1", "", Request{Kind: GoGet}},
	{"GET", "https://example.com/a%20b?go-get=1", "", Request{Kind: GoGet}},
	{"GET", "https://github.com/rsc/quote.git/info/refs?service=git-upload-pack", "", Request{Kind: GitInfoRefs, Repo: "github.com/rsc/quote.git"}},
	{"GET", "https://git.example:8443/a/b/info/refs?service=git%2Dupload-pack", "", Request{Kind: GitInfoRefs, Repo: "git.example:8443/a/b"}},
	{"GET", "https://github.com/rsc/quote/info/refs?service=%zz", "", Request{Kind: Other}},
	{"GET", "https://github.com/rsc/quote/info/refs", "", Request{Kind: Other}},
	{"POST", "https://github.com/rsc/quote/git-upload-pack", "", Request{Kind: GitUploadPack, Repo: "github.com/rsc/quote"}},
	{"GET", "https://github.com/rsc/quote/git-upload-pack", "", Request{Kind: Other}},
	{"POST", "https://github.com/a%20b%1b/git-upload-pack", "", Request{Kind: GitUploadPack, Repo: "github.com/a%20b%1B"}},
	{"POST", "https://gü.example/a/git-upload-pack", "", Request{Kind: GitUploadPack}},
	{"GET", "https://github.com/rsc/quote", "", Request{Kind: Other}}, // perhaps a RepoProbe
	{"HEAD", proxyGo + "/rsc.io/quote/@v/v1.5.2.zip", "", file(Zip, "rsc.io/quote", "v1.5.2")},
	{"POST", "https://telemetry.go.dev/upload/2026-01-05", "", Request{Kind: Telemetry}},
	{"GET", "https://vuln.go.dev/index/modules.json.gz", "", Request{Kind: VulnDB}},
	{"GET", "https://vuln.go.dev/ID/GO-2024-2687.json.gz", "", Request{Kind: VulnDB}},
	{"GET", "https://hg.example/repo?cmd=capabilities", "", Request{Kind: Hg, Repo: "hg.example/repo"}},
	{"POST", "https://hg.example/repo?cmd=batch&x=y", "", Request{Kind: Hg, Repo: "hg.example/repo"}},
	{"PROPFIND", "https://svn.example/repo/trunk", "", Request{Kind: Svn, Repo: "svn.example/repo/trunk"}},
	{"REPORT", "https://svn.example/repo/!svn/vcc/default", "", Request{Kind: Svn, Repo: "svn.example/repo"}},
	{"GET", "https://svn.example/repo/!svn/rvr/12/trunk", "", Request{Kind: Svn, Repo: "svn.example/repo"}},
	{"GET", "https://code.launchpad.net/~a/b/.bzr/branch-format", "", Request{Kind: Bzr, Repo: "code.launchpad.net/~a/b"}},
	{"POST", "https://bzr.example/b/.bzr/smart", "", Request{Kind: Bzr, Repo: "bzr.example/b"}},
	{"POST", "https://chiselapp.com/user/x/repository/y/xfer/xfer", "", Request{Kind: Fossil, Repo: "chiselapp.com/user/x/repository/y"}},
	{"GET", "https://chiselapp.com/user/x/repository/y/xfer/xfer", "", Request{Kind: Other}},
	// Redirected zips: by path, by Referer, by both.
	{"GET", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-google.golang.org:api-v0.162.0/x.zip", "", Request{Kind: Other}},
	{"GET", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-google.golang.org:api-v0.162.0.zip?Expires=1&Signature=x", "", file(StorageZip, "google.golang.org/api", "v0.162.0")},
	{"GET", "https://storage.googleapis.com:443/proxy-golang-org-prod/8e29db8988b1fa75-gopkg.in:yaml.v2-v2.4.0.zip", "", file(StorageZip, "gopkg.in/yaml.v2", "v2.4.0")},
	{"GET", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-golang.org:x:exp-v0.0.0-20231006140011-7918f672742d.zip", "", file(StorageZip, "golang.org/x/exp", "v0.0.0-20231006140011-7918f672742d")},
	{"GET", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-github.com:a:b-v2-v1.0.0%2Bincompatible.zip", "", file(StorageZip, "github.com/a/b-v2", "v1.0.0+incompatible")},
	{"GET", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-github.com:!azure:x-v1.0.0.zip", "", file(StorageZip, "github.com/Azure/x", "v1.0.0")},
	{"GET", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-github.com:Azure:x-v1.0.0.zip", "", file(StorageZip, "github.com/Azure/x", "v1.0.0")},
	{"GET", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-golang.org:toolchain-v0.0.1-go1.27.4.linux-amd64.zip", "", Request{StorageZip, "golang.org/toolchain", "v0.0.1-go1.27.4.linux-amd64", "", "go1.27.4 linux-amd64"}},
	{"GET", "https://storage.googleapis.com/proxy-golang-org-prod/short-example.com:m-v1.0.0.zip", "", Request{Kind: Other}},
	{"GET", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-example.com:m-v1.0.zip", "", Request{Kind: Other}},
	{"GET", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-nodot-v1.0.0.zip", "", Request{Kind: Other}},
	{"GET", "https://storage.googleapis.com/another-bucket/x.zip", "", Request{Kind: Other}},
	{"GET", "https://cdn.example/blob/17?sig=x", zipReferer, file(StorageZip, "google.golang.org/api", "v0.162.0")},
	{"GET", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-other.example:m-v9.9.9.zip", zipReferer, file(StorageZip, "google.golang.org/api", "v0.162.0")},
	{"GET", "https://cdn.example/second/hop", "https://storage.googleapis.com/proxy-golang-org-prod/8e29db8988b1fa75-google.golang.org:api-v0.162.0.zip?Signature=x", file(StorageZip, "google.golang.org/api", "v0.162.0")},
	{"GET", "https://cdn.example/blob", proxyGo + "/golang.org/toolchain/@v/v0.0.1-go1.27.4.linux-amd64.zip", Request{StorageZip, "golang.org/toolchain", "v0.0.1-go1.27.4.linux-amd64", "", "go1.27.4 linux-amd64"}},
	{"GET", "https://mirror.example/rsc.io/quote/@v/v1.5.2.zip", zipReferer, file(Zip, "rsc.io/quote", "v1.5.2")},
	{"GET", "https://cdn.example/blob", proxyGo + "/google.golang.org/api/@v/v0.162.0.mod", Request{Kind: Other}},
	{"GET", "https://cdn.example/blob", "https://www.example/download.zip", Request{Kind: Other}},
	{"GET", "https://cdn.example/blob", "://bad.zip", Request{Kind: Other}},
}

func TestClassifyMethodsAndReferers(t *testing.T) {
	c := NewClassifier(testProxies, testSumdb)
	for _, tt := range methodCases {
		if diff := cmp.Diff(tt.want, c.Classify(tt.method, mustParse(t, tt.url), tt.referer)); diff != "" {
			t.Errorf("%s %s, referer %q (-want +got):\n%s", tt.method, tt.url, tt.referer, diff)
		}
	}
}
