package environ

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const scutilPAC = `<dictionary> {
  ExceptionsList : <array> {
    0 : *.local
    1 : 169.254/16
  }
  FTPPassive : 1
  HTTPEnable : 0
  HTTPSEnable : 1
  HTTPSPort : 8443
  HTTPSProxy : proxy.corp.test
  ProxyAutoConfigEnable : 1
  ProxyAutoConfigURLString : http://wpad.corp.test/proxy.pac
}
`

func TestParseScutil(t *testing.T) {
	for _, tt := range []struct{ name, out, want string }{
		{"a script goes first", scutilPAC, "pac+http://wpad.corp.test/proxy.pac"},
		{"https", strings.Replace(scutilPAC, "ConfigEnable : 1", "ConfigEnable : 0", 1), "http://proxy.corp.test:8443"},
		{"http alone", "<dictionary> {\n  HTTPEnable : 1\n  HTTPPort : 3128\n  HTTPProxy : p.test\n}\n", "http://p.test:3128"},
		{"no port", "<dictionary> {\n  HTTPSEnable : 1\n  HTTPSProxy : p.test\n}\n", "http://p.test"},
		{"switched off", "<dictionary> {\n  HTTPSEnable : 0\n  HTTPSProxy : p.test\n}\n", ""},
		{"not at the top", "<dictionary> {\n  x : <dictionary> {\n  HTTPSEnable : 1\n  HTTPSProxy : p.test\n}\n}\n", ""},
		{"nothing", "<dictionary> {\n}\n", ""},
		{"another program", "scutil: not found", ""},
	} {
		if got := parseScutil(tt.out); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestWindowsProxy(t *testing.T) {
	for _, tt := range []struct {
		enabled              bool
		server, script, want string
	}{
		{true, "proxy.test:8080", "", "proxy.test:8080"},
		{false, "proxy.test:8080", "", ""},
		{true, "http=a.test:1;https=b.test:2;ftp=c.test:3", "", "b.test:2"},
		{true, "http=a.test:1", "", ""},
		{false, "", "http://wpad.test/x.pac", "pac+http://wpad.test/x.pac"},
	} {
		if got := windowsProxy(tt.enabled, tt.server, tt.script); got != tt.want {
			t.Errorf("windowsProxy(%v, %q, %q) = %q, want %q", tt.enabled, tt.server, tt.script, got, tt.want)
		}
	}
}

func TestParseGitVersion(t *testing.T) {
	for answer, want := range map[string]string{
		"git version 2.39.5\n":                    "2.39.5",
		"git version 2.39.5 (Apple Git-154)\n":    "2.39.5",
		"git version 2.45.1.windows.1\n":          "2.45.1.windows.1",
		"git version \n":                          "",
		"hub version 1\n":                         "",
		"git version unknown":                     "",
		"git version 1" + strings.Repeat("0", 99): "",
	} {
		if got := parseGitVersion(answer); got != want {
			t.Errorf("parseGitVersion(%q) = %q, want %q", answer, got, want)
		}
	}
}

func TestParseGoEnv(t *testing.T) {
	got := parseGoEnv([]byte(`{"GOPROXY":"direct","GOFLAGS":"","HOME":"/x"}`))
	if diff := cmp.Diff(map[string]string{"GOPROXY": "direct", "GOFLAGS": ""}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range []string{"", "go: error", `{"GOPROXY":1}`, `[]`} {
		if got := parseGoEnv([]byte(bad)); got != nil {
			t.Errorf("parseGoEnv(%q) = %v", bad, got)
		}
	}
}

// FuzzAnswers gives whatever programs may print to the readers of their answers.
func FuzzAnswers(f *testing.F) {
	f.Add(scutilPAC)
	f.Add("git version 2.39.5 (Apple Git-154)\n")
	f.Add(`{"GOPROXY":"direct","GOFLAGS":""}`)
	f.Add("http=a.test:1;https=b.test:2")
	f.Fuzz(func(t *testing.T, out string) {
		for name := range parseGoEnv([]byte(out)) {
			if !strings.HasPrefix(name, "GO") {
				t.Errorf("setting %q", name)
			}
		}
		if v := parseGitVersion(out); len(v) >= 64 || strings.ContainsAny(v, " \n") {
			t.Errorf("git %q", v)
		}
		if p := parseScutil(out); strings.Contains(p, "\n") {
			t.Errorf("proxy %q", p)
		}
		if p := windowsProxy(true, out, ""); strings.HasPrefix(p, "https=") && strings.Count(out, "https=") == 1 {
			t.Errorf("proxy %q", p)
		}
	})
}
