package diagnose

import (
	"strings"
	"testing"

	"modtap/recorder"
)

func TestGoproxyLists(t *testing.T) {
	for _, c := range []struct{ list, host, on, mirror string }{
		{"https://proxy.golang.org,direct", proxyHost, "https://proxy.golang.org|direct", "https://goproxy.cn|https://proxy.golang.org,direct"},
		{"https://a.example,https://proxy.golang.org|direct", "a.example", "", ""}, // an outage of a.example would tell everyone's what is private
		{"https://a.example,https://b.example|direct", "a.example", "https://a.example|https://b.example|direct", ""},
		{"https://go.corp.example/artifactory/api/go/x,direct", "go.corp.example", "https://go.corp.example/artifactory/api/go/x|direct", ""}, // no public server before it
		{"https://go.corp.example,https://proxy.golang.org,direct", proxyHost, "https://go.corp.example,https://proxy.golang.org|direct", "https://go.corp.example,https://goproxy.cn|https://proxy.golang.org,direct"},
		{"goproxy.cn,https://goproxy.io,proxy.golang.org", "goproxy.io", "goproxy.cn,https://goproxy.io|proxy.golang.org", ""},
		{"https://goproxy.io,direct", "goproxy.io", "https://goproxy.io|direct", "https://proxy.golang.org|https://goproxy.io,direct"},
		{"https://proxy.golang.org", proxyHost, "", "https://goproxy.cn|https://proxy.golang.org"},
		{"https://proxy.golang.org|direct", proxyHost, "", "https://goproxy.cn|https://proxy.golang.org|direct"},
		{"https://proxy.golang.org,off", proxyHost, "", "https://goproxy.cn|https://proxy.golang.org,off"},
		{"https://proxy.golang.org,direct", "storage.googleapis.com", "", "https://goproxy.cn|https://proxy.golang.org,direct"},
		{"https://proxy.golang.org,direct", "github.com", "", ""},
		{"direct", "", "", ""},
		{"https://u:" + recorder.Redacted + "@a.example,direct", "a.example", "", ""}, // no command can be made of it
		{"https://a.example/" + recorder.Redacted + "/go,direct", "a.example", "", ""},
		{"https://u@a.example,https://proxy.golang.org,direct", proxyHost, "", ""},
		{"", proxyHost, "", ""}, // not known: the user's own may be any
	} {
		w := newWorld().set("GOPROXY", c.list)
		a := analyse(&w.Input)
		if on := a.goproxyOn(c.host); on != c.on {
			t.Errorf("%s at %s: go on with %q, want %q", c.list, c.host, on, c.on)
		}
		if m := a.goproxyMirror(c.host); m != c.mirror {
			t.Errorf("%s at %s: mirror %q, want %q", c.list, c.host, m, c.mirror)
		}
	}
}

// TestFirst: the order of servers may change, but not so that everyone's is asked for what
// one of the user's own was asked for before.
func TestFirst(t *testing.T) {
	for _, c := range []struct {
		list string
		i    int
		want string
	}{
		{"https://a.example,https://b.example|direct", 1, "https://b.example,https://a.example|direct"},
		{"https://proxy.golang.org|https://a.example,direct", 1, "https://a.example|https://proxy.golang.org,direct"},
		{"https://goproxy.cn,https://proxy.golang.org,direct", 1, "https://proxy.golang.org,https://goproxy.cn,direct"},
		{"https://a.example|https://proxy.golang.org,direct", 1, ""},
		{"https://goproxy.io,https://a.example,https://goproxy.cn", 2, ""},
		{"https://a.example,direct", 1, ""},
		{"https://a.example,direct", 0, ""},
		{"https://u@a.example,https://b.example", 1, ""},
	} {
		w := newWorld().set("GOPROXY", c.list)
		if got := analyse(&w.Input).first(c.i); got != c.want {
			t.Errorf("%s with entry %d first is %q, want %q", c.list, c.i, got, c.want)
		}
	}
}

// TestGoproxyUnknown: of a recording that does not say what GOPROXY is, no command sets it.
func TestGoproxyUnknown(t *testing.T) {
	w := stopping("https://proxy.golang.org,direct", func(w *world) {
		w.get(1, 10, proxyURL(quote, "mod"), 502, 10, phases{wait: 200})
	})
	w.Session.Environ, w.Session.GOPROXY = nil, ""
	findings := Run(w.Input).Findings
	if len(findings) == 0 {
		t.Error("nothing is found")
	}
	for _, f := range findings {
		if commands := strings.Join(f.Commands, "; "); strings.Contains(commands, "GOPROXY") {
			t.Errorf("%s: %s", f.ID, commands)
		}
	}
}

// TestKeepPrivate: GOPRIVATE does nothing for what GONOPROXY and GONOSUMDB say themselves.
func TestKeepPrivate(t *testing.T) {
	const more = "git.corp.example"
	for _, c := range []struct {
		name, private, noproxy, nosumdb, fromEnv string
		want                                     []string
	}{
		{"nothing is set", "", "", "", "", []string{"go env -w GOPRIVATE=" + more}},
		{"the default of both", "a.example", "a.example", "a.example", "", []string{"go env -w GOPRIVATE=a.example," + more}},
		{"none", "a.example", "none", "a.example", "", []string{"go env -w GOPRIVATE=a.example," + more, "go env -w GONOPROXY=none," + more}},
		{"GONOSUMDB alone", "", "", "b.example", "", []string{"go env -w GOPRIVATE=" + more, "go env -w GONOSUMDB=b.example," + more}},
		{"the same, as a variable", "a.example", "a.example", "a.example", "GONOPROXY", []string{"go env -w GOPRIVATE=a.example," + more, "export GONOPROXY=a.example," + more}},
		{"one has it", "", more, "none", "", []string{"go env -w GOPRIVATE=" + more, "go env -w GONOSUMDB=none," + more}},
	} {
		w := newWorld().set("GOPRIVATE", c.private).set("GONOPROXY", c.noproxy).set("GONOSUMDB", c.nosumdb)
		if c.fromEnv != "" {
			w.Session.Environ.FromEnv = []string{c.fromEnv}
		}
		if got := analyse(&w.Input).keepPrivate([]string{more}); strings.Join(got, "\n") != strings.Join(c.want, "\n") {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
