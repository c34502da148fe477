package rules

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"modtap/recorder/gomod"
)

var parseErrorTests = []struct{ mirror, delay, want string }{
	{mirror: "proxy.golang.org", want: "want FROM=TO"},
	{mirror: "=https://x.test", want: "want FROM=TO"},
	{mirror: "ftp://x.test=https://y.test", want: "is not a base URL"},
	{mirror: "a.test=https://y.test/?q=1", want: "is not a base URL"},
	{mirror: "a.test=https://", want: "is not a base URL"},
	{mirror: "a.test=https://y:bad:port", want: "is not a"},
	{mirror: "https://me:pw@a.test=https://y.test", want: "takes no user or password"},
	{delay: "kind:zip", want: "want MATCH=DURATION"},
	{delay: "=1s", want: "want MATCH=DURATION"},
	{delay: "kind:zip=fast", want: `"fast" is not a duration`},
	{delay: "kind:zip=-1s", want: "is not a duration"},
	{delay: "colour:red=1s", want: `unknown key "colour"`},
	{delay: "status:404=1s", want: "a rule asks for host, kind, module, path or method"},
	{delay: "-=1s", want: "empty value"},
	{delay: "kind:zip,=1s", want: "empty value"},
	{delay: "kind:=1s", want: "lacks a value"},
	{delay: "host:[=1s", want: "is not a glob"},
	{delay: " =1s", want: "the match is empty"},
}

func TestParseErrors(t *testing.T) {
	for _, test := range parseErrorTests {
		var mirrors, delays []string
		flag := "--delay " + test.delay
		if test.mirror != "" {
			mirrors, flag = []string{test.mirror}, "--mirror "+test.mirror
		} else {
			delays = []string{test.delay}
		}
		_, err := Parse(mirrors, delays)
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), flag) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", flag, err, test.want)
		}
	}
}

var mirrorTests = []struct{ rule, url, want string }{
	{"proxy.golang.org=https://goproxy.cn", "https://proxy.golang.org/a/@v/list", "https://goproxy.cn/a/@v/list"},
	{"proxy.golang.org=goproxy.cn", "https://PROXY.golang.org:443/a/@v/list", "https://goproxy.cn/a/@v/list"},
	{"proxy.golang.org=https://m.test/go/", "https://proxy.golang.org/x/%21y/@v/v1.0.0.mod?a=%2F", "https://m.test/go/x/%21y/@v/v1.0.0.mod?a=%2F"},
	{"https://a.test/base=https://b.test/other", "https://a.test/base/x", "https://b.test/other/x"},
	{"https://a.test/base=https://b.test/other", "https://a.test/base", "https://b.test/other"},
	{"https://a.test/base=https://b.test/other", "https://a.test/based/x", ""},
	{"https://a.test=https://b.test", "http://a.test/x", ""},
	{"a.test=https://b.test", "http://a.test/x", "https://b.test/x"},
	{"a.test:8443=https://b.test", "https://a.test/x", ""},
	{"a.test:8443=http://b.test:81", "https://a.test:8443/x", "http://b.test:81/x"},
	{"a.test=https://b.test", "https://sub.a.test/x", ""},
	{"a.test=https://user:pw@b.test", "https://a.test/x", "https://user:pw@b.test/x"},
	{"a.test=https://pw@b.test", "https://a.test/x", "https://pw@b.test/x"},
}

func TestMirror(t *testing.T) {
	for _, test := range mirrorTests {
		s, err := Parse([]string{test.rule}, nil)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(test.url)
		if err != nil {
			t.Fatal(err)
		}
		d := s.Decide(Request{Method: "GET", URL: u})
		got := ""
		if d.To != nil {
			got = d.To.String()
		}
		if got != test.want || (len(d.Rules) == 1) != (test.want != "") {
			t.Errorf("%s, %s: sent to %q by %q, want %q", test.rule, test.url, got, d.Rules, test.want)
		}
		if strings.Contains(strings.Join(d.Rules, ""), "pw") {
			t.Errorf("%s: the rule's name holds the password: %q", test.rule, d.Rules)
		}
		if d.To != nil && !s.MayRewrite(u.Host) && u.Scheme == "https" {
			t.Errorf("%s: MayRewrite(%s) is false, but Decide rewrites", test.rule, u.Host)
		}
	}
}

var delayTests = []struct {
	match string
	want  bool // of zip example.test/a/b@v1.0.0 from proxy.golang.org
}{
	{"*", true},
	{"kind:zip", true},
	{"kind:z*", true},
	{"kind:mod", false},
	{"proxy.golang.org", true},
	{"*.golang.org", true},
	{"host:proxy.golang.org kind:zip", true},
	{"host:proxy.golang.org kind:mod", false},
	{"proxy.golang.org:443", false}, // the URL names no port
	{"module:example.test", true},
	{"module:example.test/*", true},
	{"module:example.test/x", false},
	{"method:get", true},
	{"method:POST", false},
	{"path:/example.test/*", true},
	{"path:/other/*", false},
	{"kind:mod,zip", true},
	{"kind:mod,info", false},
	{"-kind:mod", true},
	{"-kind:mod,zip", false},
	{"kind:zip -host:proxy.golang.org", false},
	{"-other.test", true},
	{"proxy.golang.org,other.test -module:k8s.io", true},
}

func TestDelay(t *testing.T) {
	u, _ := url.Parse("https://proxy.golang.org/example.test/a/b/@v/v1.0.0.zip")
	r := Request{Method: "GET", URL: u, Go: gomod.Request{Kind: gomod.Zip, Module: "example.test/a/b", Version: "v1.0.0"}}
	for _, test := range delayTests {
		s, err := Parse(nil, []string{test.match + "=30ms", "kind:zip=5ms"})
		if err != nil {
			t.Fatal(err)
		}
		want := 5 * time.Millisecond
		if test.want {
			want += 30 * time.Millisecond
		}
		if d := s.Decide(r); d.Delay != want {
			t.Errorf("%s: delay %v, want %v", test.match, d.Delay, want)
		}
	}
	var none *Set
	if d := none.Decide(r); d.Delay != 0 || d.To != nil || none.MayRewrite("x:443") {
		t.Errorf("a nil Set decided %+v", d)
	}
}

func FuzzParse(f *testing.F) {
	for _, test := range mirrorTests {
		f.Add(test.rule, "kind:zip=1s", test.url)
	}
	f.Fuzz(func(t *testing.T, mirror, delay, ask string) {
		s, err := Parse([]string{mirror}, []string{delay})
		if err != nil {
			return
		}
		u, err := url.Parse(ask)
		if err != nil || u.Host == "" {
			return
		}
		d := s.Decide(Request{Method: "GET", URL: u})
		if d.To != nil && (d.To.Host == "" || d.To.RawQuery != u.RawQuery) {
			t.Errorf("%s sends %s to %s", mirror, ask, d.To)
		}
	})
}
