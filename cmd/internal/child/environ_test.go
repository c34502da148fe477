package child

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var testProxy = Proxy{URL: "http://127.0.0.1:8080", Bundle: "/t/bundle.pem", CertDir: "/t", GOOS: "linux"}

// set is what testProxy adds to an empty environment, git's entries apart.
var set = []string{
	"HTTPS_PROXY=http://127.0.0.1:8080", "HTTP_PROXY=http://127.0.0.1:8080", "ALL_PROXY=http://127.0.0.1:8080",
	"https_proxy=http://127.0.0.1:8080", "http_proxy=http://127.0.0.1:8080", "all_proxy=http://127.0.0.1:8080",
	"NO_PROXY=", "no_proxy=",
	"SSL_CERT_FILE=/t/bundle.pem", "GIT_SSL_CAINFO=/t/bundle.pem", "CURL_CA_BUNDLE=/t/bundle.pem",
	"NODE_EXTRA_CA_CERTS=/t/bundle.pem", "REQUESTS_CA_BUNDLE=/t/bundle.pem",
	"SSL_CERT_DIR=/t",
}

var gitEntry = []string{"GIT_CONFIG_KEY_0=http.proxy", "GIT_CONFIG_VALUE_0=http://127.0.0.1:8080", "GIT_CONFIG_COUNT=1"}

var environTests = []struct {
	name string
	goos string
	base []string
	want []string
}{
	{"an empty environment gets everything", "linux", nil, join(set, gitEntry)},
	{
		"what is not about the network stays, in its place", "linux",
		[]string{"PATH=/bin", "GOPROXY=https://goproxy.cn,direct", "GOFLAGS=-mod=mod", "EQ=a=b", "EMPTY="},
		join([]string{"PATH=/bin", "GOPROXY=https://goproxy.cn,direct", "GOFLAGS=-mod=mod", "EQ=a=b", "EMPTY="}, set, gitEntry),
	},
	{
		"a corporate proxy and its exceptions are replaced in both cases", "linux",
		[]string{"https_proxy=http://corp:3128", "NO_PROXY=.corp", "no_proxy=.corp", "SSL_CERT_FILE=/etc/corp.pem"},
		moved(set, gitEntry, "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"),
	},
	{
		"git's entries come after the user's", "linux",
		[]string{"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=a.b", "GIT_CONFIG_VALUE_0=1", "GIT_CONFIG_KEY_1=c.d", "GIT_CONFIG_VALUE_1=2"},
		join([]string{"GIT_CONFIG_COUNT=3", "GIT_CONFIG_KEY_0=a.b", "GIT_CONFIG_VALUE_0=1", "GIT_CONFIG_KEY_1=c.d", "GIT_CONFIG_VALUE_1=2"}, set,
			[]string{"GIT_CONFIG_KEY_2=http.proxy", "GIT_CONFIG_VALUE_2=http://127.0.0.1:8080"}),
	},
	{
		"a bad count is left for git to complain about", "linux",
		[]string{"GIT_CONFIG_COUNT=two"}, join([]string{"GIT_CONFIG_COUNT=two"}, set),
	},
	{
		"the last of two values counts", "linux",
		[]string{"A=1", "A=2"}, join([]string{"A=2"}, set, gitEntry),
	},
	{
		"windows knows one case only, hidden variables, and schannel", "windows",
		[]string{"=C:=C:\\src", "Https_Proxy=http://corp:3128"},
		join([]string{"=C:=C:\\src", "Https_Proxy=http://127.0.0.1:8080", "HTTP_PROXY=http://127.0.0.1:8080", "ALL_PROXY=http://127.0.0.1:8080", "NO_PROXY="}, set[8:],
			[]string{
				"GIT_CONFIG_KEY_0=http.proxy", "GIT_CONFIG_VALUE_0=http://127.0.0.1:8080",
				"GIT_CONFIG_KEY_1=http.schannelUseSSLCAInfo", "GIT_CONFIG_VALUE_1=true",
				"GIT_CONFIG_KEY_2=http.schannelCheckRevoke", "GIT_CONFIG_VALUE_2=false", "GIT_CONFIG_COUNT=3",
			}),
	},
}

func TestEnviron(t *testing.T) {
	for _, tt := range environTests {
		t.Run(tt.name, func(t *testing.T) {
			p := testProxy
			p.GOOS = tt.goos
			before := strings.Join(tt.base, "\n")
			if diff := cmp.Diff(tt.want, Environ(tt.base, p)); diff != "" {
				t.Errorf("Environ (-want +got):\n%s", diff)
			}
			if after := strings.Join(tt.base, "\n"); after != before {
				t.Errorf("base was changed to %q", after)
			}
		})
	}
}

func TestEnvironTracesGit(t *testing.T) {
	p := testProxy
	p.GitTrace = "/t/git"
	want := join(set, gitEntry, []string{"GIT_TRACE2_EVENT=/t/git", "GIT_TRACE2_MAX_FILES=20000"})
	if diff := cmp.Diff(want, Environ(nil, p)); diff != "" {
		t.Errorf("Environ (-want +got):\n%s", diff)
	}
	// The bound would cut off a trace of the user's.
	want = join([]string{"GIT_TRACE2=/their/traces"}, set, gitEntry, []string{"GIT_TRACE2_EVENT=/t/git"})
	if diff := cmp.Diff(want, Environ(want[:1], p)); diff != "" {
		t.Errorf("Environ beside the user's trace (-want +got):\n%s", diff)
	}
}

func join(lists ...[]string) []string {
	var out []string
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// moved is all of lists with the variables of names first, in their order.
func moved(list, rest []string, names ...string) []string {
	var out []string
	for _, name := range names {
		for _, kv := range list {
			if strings.HasPrefix(kv, name+"=") {
				out = append(out, kv)
			}
		}
	}
	for _, kv := range list {
		if name, _, _ := strings.Cut(kv, "="); !strings.Contains(strings.Join(names, " ")+" ", name+" ") {
			out = append(out, kv)
		}
	}
	return append(out, rest...)
}

var reverseEnvironTests = []struct {
	name  string
	proxy Proxy
	base  []string
	want  []string
}{
	{
		"reverse mode: the user's proxy and roots stay, git is sent to us",
		Proxy{URL: "http://127.0.0.1:8080", Bundle: "/t/bundle.pem", GOOS: "linux", Reverse: true, GOPROXY: "http://127.0.0.1:8080/T/0/a.test,direct", GOSUMDB: "db http://127.0.0.1:8080/T/1/db"},
		[]string{"HTTPS_PROXY=http://corp:3128", "NO_PROXY=.corp", "SSL_CERT_FILE=/etc/corp.pem", "GOPROXY=https://a.test,direct", "GOPRIVATE=corp.example", "GIT_SSL_CAINFO=/etc/corp.pem"},
		join([]string{
			"HTTPS_PROXY=http://corp:3128", "NO_PROXY=.corp", "SSL_CERT_FILE=/etc/corp.pem", "GOPROXY=http://127.0.0.1:8080/T/0/a.test,direct",
			"GOPRIVATE=corp.example", "GIT_SSL_CAINFO=/t/bundle.pem", "GOSUMDB=db http://127.0.0.1:8080/T/1/db",
		}, gitEntry),
	},
	{
		"reverse mode with nothing to rewrite",
		Proxy{URL: "http://127.0.0.1:8080", Bundle: "/t/bundle.pem", GOOS: "linux", Reverse: true},
		[]string{"GOPROXY=off"},
		join([]string{"GOPROXY=off", "GIT_SSL_CAINFO=/t/bundle.pem"}, gitEntry),
	},
	{
		"forward mode with an entry on loopback",
		Proxy{URL: "http://127.0.0.1:8080", Bundle: "/t/bundle.pem", CertDir: "/t", GOOS: "linux", GOPROXY: "http://127.0.0.1:8080/T/0/localhost"},
		nil,
		join([]string{"GOPROXY=http://127.0.0.1:8080/T/0/localhost"}, set, gitEntry),
	},
}

func TestReverseEnviron(t *testing.T) {
	for _, tt := range reverseEnvironTests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Environ(tt.base, tt.proxy)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
