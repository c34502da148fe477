package reverse

import (
	"net/url"
	"strings"
	"testing"
)

const (
	addr  = "127.0.0.1:8080"
	token = "TOKEN"
)

// In wants, $0 stands for the address of route 0 up to its host.
var planTests = []struct {
	name             string
	goproxy, gosumdb string
	loopback         bool // Settings.All is false
	wantProxy        string
	wantSumdb        string
	bases            string // of the routes, separated by blanks
}{
	{"Go's defaults", "", "", false, "$0/proxy.golang.org,direct", "", "https://proxy.golang.org"},
	{"separators stay", "https://a.test|https://b.test,https://c.test", "", false, "$0/a.test|$1/b.test,$2/c.test", "", "https://a.test https://b.test https://c.test"},
	{"no scheme is https", "a.test/x|localhost:3000", "", false, "$0/a.test|$1/localhost:3000", "", "https://a.test/x https://localhost:3000"},
	{"a base path and a port", "https://corp.test:8443/artifactory/api/go/x/", "", false, "$0/corp.test:8443", "", "https://corp.test:8443/artifactory/api/go/x/"},
	{"credentials are not in it", "https://me:secret@a.test,direct", "", false, "$0/a.test,direct", "", "https://a.test"},
	{"a user alone", "https://token@a.test", "", false, "$0/a.test", "", "https://a.test"},
	{"credentials over plain http are refused by go", "http://me:secret@a.test,https://b.test", "", false, "http://me:secret@a.test,$0/b.test", "", "https://b.test"},
	{"plain http", "http://a.test", "", false, "$0/a.test", "", "http://a.test"},
	{"files stay", "file:///cache,https://a.test", "", false, "file:///cache,$0/a.test", "", "https://a.test"},
	{"what follows direct is never asked", "https://a.test, direct ,https://b.test", "", false, "$0/a.test, direct ,https://b.test", "", "https://a.test"},
	{"what follows off is never asked", "off,https://b.test", "", false, "", "", ""},
	{"empty entries", ",https://a.test,,", "", false, ",$0/a.test,,", "", "https://a.test"},
	{"an entry that go rejects", "nonsense,ftp://a.test,https://b.test", "", false, "nonsense,ftp://a.test,$0/b.test", "", "https://b.test"},
	{"a port that is none", "https://a.test:port", "", false, "", "", ""},
	{"an IPv6 address", "http://[2001:db8::1]:80/x", "", false, "$0/[2001:db8::1]:80", "", "http://[2001:db8::1]:80/x"},
	{"files alone", "file:///cache", "", false, "", "", ""},
	{"files, then direct: they may serve the database", "file:///cache,direct", "", false, "", "", ""},

	{"direct: the database is asked itself", "direct", "", false, "", "sum.golang.org $0/sum.golang.org", "https://sum.golang.org"},
	{"direct, a key", "direct", "db.test/x+0123+key", false, "", "db.test/x+0123+key $0/db.test", "https://db.test/x"},
	{"direct, no database", "direct", "off", false, "", "", ""},
	{"a database with a URL", "https://a.test", "sum.golang.org https://me:secret@db.test/sum", false, "$0/a.test", "sum.golang.org $1/db.test", "https://a.test https://db.test/sum"},
	{"a key with a URL", "https://a.test", "db.test+0123+key  http://db.test", false, "$0/a.test", "db.test+0123+key $1/db.test", "https://a.test http://db.test"},
	{"the Chinese alias", "https://a.test", "sum.golang.google.cn", false, "$0/a.test", "sum.golang.org $1/sum.golang.google.cn", "https://a.test https://sum.golang.google.cn"},
	{"a URL with credentials over plain http", "https://a.test", "db.test http://me:secret@db.test", false, "$0/a.test", "", "https://a.test"},
	{"a URL that is none", "https://a.test", "db.test nonsense", false, "$0/a.test", "", "https://a.test"},
	{"too many fields", "https://a.test", "a b c", false, "$0/a.test", "", "https://a.test"},

	{"only loopback, and there is none", "https://a.test,direct", "", true, "", "", ""},
	{"only loopback", "http://localhost:3000|https://a.test,http://127.0.0.5/x,http://[::1]:1,direct", "", true, "$0/localhost:3000|https://a.test,$1/127.0.0.5,$2/[::1]:1,direct", "", "http://localhost:3000 http://127.0.0.5/x http://[::1]:1"},
	{"only loopback: the database is seen by forward mode", "http://localhost:3000", "db.test https://db.test", true, "$0/localhost:3000", "", "http://localhost:3000"},
	{"only loopback, the database too", "http://localhost:3000", "db.test http://localhost:3001", true, "$0/localhost:3000", "db.test $1/localhost:3001", "http://localhost:3000 http://localhost:3001"},
	{"not loopback, though its name says so", "http://localhost.corp.test", "", true, "", "", ""},
}

func TestPlan(t *testing.T) {
	expand := func(s string) string {
		for _, n := range []string{"0", "1", "2"} {
			s = strings.ReplaceAll(s, "$"+n+"/", "http://"+addr+"/"+token+"/"+n+"/")
		}
		return s
	}
	for _, tt := range planTests {
		t.Run(tt.name, func(t *testing.T) {
			p := New(Settings{GOPROXY: tt.goproxy, GOSUMDB: tt.gosumdb, All: !tt.loopback, Addr: addr, Token: token})
			if want := expand(tt.wantProxy); p.GOPROXY != want {
				t.Errorf("GOPROXY=%s, want %s", p.GOPROXY, want)
			}
			if want := expand(tt.wantSumdb); p.GOSUMDB != want {
				t.Errorf("GOSUMDB=%s, want %s", p.GOSUMDB, want)
			}
			var bases []string
			for _, r := range p.routes {
				bases = append(bases, r.base.String())
			}
			if got := strings.Join(bases, " "); got != tt.bases {
				t.Errorf("routes to %s, want %s", got, tt.bases)
			}
			if strings.Contains(p.GOPROXY+p.GOSUMDB, "secret") != strings.Contains(tt.wantProxy, "secret") {
				t.Errorf("a password went into %s or %s", p.GOPROXY, p.GOSUMDB)
			}
		})
	}
}

// The paths as they come: the go command makes them of a base that has a path.
var resolveTests = []struct {
	name, goproxy, path string
	want                string // "": not ours
}{
	{"a file", "https://a.test", "/TOKEN/0/a.test/example.com/m/@v/v1.0.0.mod", "https://a.test/example.com/m/@v/v1.0.0.mod"},
	{"upper case", "https://a.test", "/TOKEN/0/a.test/github.com/%21burnt%21sushi/toml/@v/list", "https://a.test/github.com/%21burnt%21sushi/toml/@v/list"},
	{"upper case in a lookup", "https://a.test", "/TOKEN/0/a.test/sumdb/db.test/lookup/github.com/%21burnt%21sushi/toml@v1.0.0", "https://a.test/sumdb/db.test/lookup/github.com/!burnt!sushi/toml@v1.0.0"},
	{"upper case in a lookup below a base path", "https://a.test/x", "/TOKEN/0/a.test/sumdb/db.test/lookup/github.com/%21burnt%21sushi/toml@v1.0.0", "https://a.test/x/sumdb/db.test/lookup/github.com/%21burnt%21sushi/toml@v1.0.0"},
	{"+incompatible", "https://a.test/x/", "/TOKEN/0/a.test/example.com/m/@v/v2.0.0+incompatible.zip", "https://a.test/x/example.com/m/@v/v2.0.0+incompatible.zip"},
	{"escapes in the base path", "https://a.test/a%2Fb/c%20d", "/TOKEN/0/a.test/example.com/m/@latest", "https://a.test/a%2Fb/c%20d/example.com/m/@latest"},
	{"a query of the base", "https://a.test/x?repo=go", "/TOKEN/0/a.test/example.com/m/@v/list", "https://a.test/x/example.com/m/@v/list?repo=go"},
	{"what go never sends stays as it is", "https://a.test", "/TOKEN/0/a.test/a%2fb/%41;x", "https://a.test/a%2fb/%41;x"},
	{"another entry", "https://a.test|https://b.test/y", "/TOKEN/1/b.test/m.test/@v/list", "https://b.test/y/m.test/@v/list"},
	{"the host in it does not matter", "https://a.test", "/TOKEN/0/evil.test/m.test/@v/list", "https://a.test/m.test/@v/list"},
	{"nothing after the host", "https://a.test/x", "/TOKEN/0/a.test", "https://a.test/x"},
	{"another token", "https://a.test", "/TOKEM/0/a.test/m.test/@v/list", ""},
	{"a part of the token", "https://a.test", "/TOK/0/a.test/m.test/@v/list", ""},
	{"no such entry", "https://a.test", "/TOKEN/1/a.test/m.test/@v/list", ""},
	{"no number", "https://a.test", "/TOKEN/a.test/m.test/@v/list", ""},
	{"negative", "https://a.test", "/TOKEN/-1/a.test/m.test/@v/list", ""},
	{"nothing", "https://a.test", "/", ""},
}

func TestResolve(t *testing.T) {
	for _, tt := range resolveTests {
		t.Run(tt.name, func(t *testing.T) {
			p := New(Settings{GOPROXY: tt.goproxy, All: true, Addr: addr, Token: token})
			got := ""
			if n, rest, ok := p.Resolve(tt.path); ok {
				got = p.URL(n, rest).String()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if _, _, ok := (*Plan)(nil).Resolve("//0/x"); ok {
		t.Error("no plan serves something")
	}
	if _, _, ok := New(Settings{All: true}).Resolve("//0/x"); ok {
		t.Error("the empty token serves something")
	}
}

// What the go command does when the last URL of the list answers status to supported, as
// read in TryProxies: true if it goes to the database's own host.
var leavesTests = []struct {
	name, goproxy string
	n             int
	failed        bool // entry 0 answered something else before
	leaves        []int
	stays         []int
}{
	{"then direct", "https://a.test,direct", 0, false, []int{404, 410}, []int{200, 0, 403, 500}},
	{"any error, then direct", "https://a.test|direct", 0, false, []int{404, 410, 0, 403, 500, 204}, []int{200}},
	{"the end of the list", "https://a.test", 0, false, []int{404, 410}, []int{200, 0, 500}},
	{"any error, then off", "https://a.test|off", 0, false, []int{404, 410}, []int{200, 0, 500}},
	{"an earlier entry: the next is asked", "https://a.test|https://b.test,direct", 0, false, nil, []int{200, 404, 500, 0}},
	{"the last, after one that failed: that error is reported", "https://a.test|https://b.test", 1, true, nil, []int{200, 404, 500}},
	{"the last, after one that failed, then direct", "https://a.test|https://b.test,direct", 1, true, []int{404}, []int{200, 500}},
	{"files follow", "https://a.test,file:///x,direct", 0, false, nil, []int{404, 500}},
	{"nothing but commas follows", "https://a.test,,", 0, false, []int{404}, []int{500}},
}

func TestLeavesList(t *testing.T) {
	for _, tt := range leavesTests {
		t.Run(tt.name, func(t *testing.T) {
			p := New(Settings{GOPROXY: tt.goproxy, All: true, Addr: addr, Token: token})
			failed := func(int) bool { return tt.failed }
			for _, s := range tt.leaves {
				if !p.LeavesList(tt.n, s, failed) {
					t.Errorf("%d: stays", s)
				}
			}
			for _, s := range tt.stays {
				if p.LeavesList(tt.n, s, failed) {
					t.Errorf("%d: leaves", s)
				}
			}
		})
	}
}

func TestDatabase(t *testing.T) {
	p := New(Settings{GOPROXY: "https://a.test/x,direct", GOSUMDB: "db.test/y+0123+key", All: true, Addr: addr, Token: token})
	file, ok := p.Database("/sumdb/db.test/y/lookup/github.com/%21burnt%21sushi/toml@v1.0.0")
	if !ok {
		t.Fatal("not recognised")
	}
	if got, want := p.DatabaseURL(file).String(), "https://db.test/y/lookup/github.com/%21burnt%21sushi/toml@v1.0.0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, ok := p.Database("/sumdb/evil.test/lookup/x@v1.0.0"); ok {
		t.Error("another database would be asked")
	}
	for _, s := range []Settings{{GOPROXY: "http://localhost"}, {GOPROXY: "https://a.test", GOSUMDB: "off", All: true}} {
		if _, ok := New(s).Database("/sumdb/sum.golang.org/supported"); ok {
			t.Errorf("%+v: the child goes there itself", s)
		}
	}
}

func TestLeads(t *testing.T) {
	for goproxy, want := range map[string]bool{
		"http://127.0.0.1:8080/OLD/0/a.test": true, "http://localhost:8080": true,
		"http://127.0.0.1:8081": false, "https://a.test:8080": false,
	} {
		if got := New(Settings{GOPROXY: goproxy, All: true, Addr: addr}).Leads(addr); got != want {
			t.Errorf("%s: %v, want %v", goproxy, got, want)
		}
	}
}

const netrc = `# comment
machine a.test login me password first
machine a.test login me password second
machine b.test:8443
	login you
	password word
macdef init
machine c.test login no password macro

machine d.test/team login t password p
default
	login all password any
machine e.test login no password no
`

var authorizationTests = []struct {
	name, goproxy, goauth string
	url                   string // "": the base of the entry
	want                  string
}{
	{"none", "https://x.test", "", "", ""},
	{"netrc, the first of two", "https://a.test/x", "", "", basic("me", "first")},
	{"netrc, a port", "https://b.test:8443", "", "", basic("you", "word")},
	{"netrc, another port", "https://b.test", "", "", ""},
	{"netrc, a macro is none", "https://c.test", "", "", ""},
	{"netrc, a path", "https://d.test/team/x", "", "", basic("t", "p")},
	{"netrc, another path", "https://d.test/other", "", "", ""},
	{"netrc, the default and what follows it", "https://e.test", "", "", ""},
	{"never over plain http", "http://a.test", "", "", ""},
	{"GOAUTH=off", "https://a.test", "off", "", ""},
	{"GOAUTH=netrc and more", "https://a.test", "corp-auth --x; netrc", "", basic("me", "first")},
	{"GOAUTH without netrc", "https://a.test", "git /x", "", ""},
	{"the entry's are not GOAUTH's", "https://me:own@x.test", "", "", ""},
}

func TestAuthorization(t *testing.T) {
	for _, tt := range authorizationTests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := NewCredentials(tt.goauth, netrc)
			p := New(Settings{GOPROXY: tt.goproxy, Credentials: c, All: true, Addr: addr, Token: token})
			u := p.URL(0, "/m.test/@v/list")
			if tt.url != "" {
				u, _ = url.Parse(tt.url)
			}
			if got := p.Authorization(u); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	for entry, want := range map[string]string{"https://me:s%3Ac@x.test": "me:s%3Ac", "https://tok@x.test": "tok", "https://x.test": ""} {
		if got := New(Settings{GOPROXY: entry, All: true, Addr: addr, Token: token}).User(0).String(); got != want {
			t.Errorf("the user of %s is %q, want %q", entry, got, want)
		}
	}
	if _, skipped := NewCredentials("corp-auth --token=x; git /x;netrc", ""); strings.Join(skipped, " ") != "corp-auth git" {
		t.Errorf("skipped %q", skipped)
	}
}

// FuzzResolve: whatever the path, it leads to the base's own host and nowhere else.
func FuzzResolve(f *testing.F) {
	for _, tt := range resolveTests {
		f.Add(tt.goproxy, strings.TrimPrefix(tt.path, "/TOKEN"))
	}
	f.Add("https://a.test", "/0//evil.test/@v/list")
	f.Add("https://a.test/%2e%2e", "/0/x/../../y/%zz/@v/list")
	f.Fuzz(func(t *testing.T, goproxy, path string) {
		p := New(Settings{GOPROXY: goproxy, All: true, Addr: addr, Token: token})
		n, rest, ok := p.Resolve("/TOKEN" + path)
		if !ok {
			return
		}
		u, base := p.URL(n, rest), p.routes[n].base
		if u.Scheme != base.Scheme || u.Host != base.Host || u.User != nil {
			t.Fatalf("%q leads to %s, the base is %s", path, u, base)
		}
		if again, err := url.Parse(u.String()); err == nil && again.Host != base.Host {
			t.Fatalf("%q is read as a URL of %s", u, again.Host)
		}
		p.Authorization(u)
		p.Database(rest)
	})
}
