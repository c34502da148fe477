package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/cmd/internal/child"
	"modtap/intercept/origintest"
	"modtap/intercept/reverse"
)

var trustTests = []struct {
	goos, version string
	want          bool
}{
	{"linux", "go1.21.0", true}, {"linux", "", true}, {"freebsd", "go1.26.8", true},
	{"windows", "go1.26.8", false}, {"windows", "go1.27.0", true}, {"windows", "go1.27rc1", true}, {"windows", "go1.30.1", true},
	{"windows", "", false}, {"windows", "devel +abc", false}, {"windows", "go1.9", false},
	{"darwin", "go1.26.8", false}, {"darwin", "go1.27.4", true},
}

func TestTrustsByEnvironment(t *testing.T) {
	for _, tt := range trustTests {
		if got := trustsByEnvironment(tt.goos, tt.version); got != tt.want {
			t.Errorf("%s on %s: %v, want %v", tt.version, tt.goos, got, tt.want)
		}
	}
	// a go command that replaces itself by an older one
	env := child.GoEnv{Version: "go1.27.1", GOTOOLCHAIN: "go1.24.2+auto"}
	if trustsByEnvironment("windows", env.Toolchain()) {
		t.Errorf("GOTOOLCHAIN=%s is not noticed", env.GOTOOLCHAIN)
	}
	for _, name := range []string{"", "auto", "local", "path", "local+auto"} {
		if env.GOTOOLCHAIN = name; env.Toolchain() != "go1.27.1" {
			t.Errorf("GOTOOLCHAIN=%s leads to %s", name, env.Toolchain())
		}
	}
}

var notSeenTests = []struct {
	name    string
	env     child.GoEnv
	reverse bool
	want    []string
}{
	{"forward", child.GoEnv{GOPROXY: "https://a.test,direct", GOPRIVATE: "corp.example"}, false, nil},
	{"one proxy", child.GoEnv{GOPROXY: "https://a.test"}, true, []string{"go's repeat of each 4xx"}},
	{"then direct", child.GoEnv{}, true, []string{"direct except git", "go's repeat of each 4xx"}},
	{"private modules", child.GoEnv{GOPROXY: "https://a.test", GOPRIVATE: "corp.example"}, true, []string{"GOPRIVATE=corp.example except git", "go's repeat of each 4xx"}},
	{"GONOPROXY beats GOPRIVATE", child.GoEnv{GOPROXY: "https://a.test", GOPRIVATE: "corp.example", GONOPROXY: "x.example"}, true, []string{"GONOPROXY=x.example except git", "go's repeat of each 4xx"}},
	{"none is nothing", child.GoEnv{GOPROXY: "https://a.test", GOPRIVATE: "corp.example", GONOPROXY: "none"}, true, []string{"go's repeat of each 4xx"}},
}

func TestNotSeenInReverse(t *testing.T) {
	for _, tt := range notSeenTests {
		t.Run(tt.name, func(t *testing.T) {
			s := &session{goEnv: tt.env, trust: child.Proxy{Reverse: tt.reverse}}
			s.plan = reverse.New(reverse.Settings{GOPROXY: tt.env.GOPROXY, All: true, Addr: "127.0.0.1:1", Token: "T"})
			s.direct = s.plan.Direct
			if diff := cmp.Diff(tt.want, s.notSeenInReverse()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNetrc(t *testing.T) {
	home := t.TempDir()
	a := &app{environ: []string{"HOME=" + home, "USERPROFILE=" + home}}
	if s, err := a.netrc(); s != "" || err != nil {
		t.Errorf("no file: %q, %v", s, err)
	}
	if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte("of home"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := a.netrc(); s != "of home" || err != nil {
		t.Errorf("a file in the home: %q, %v", s, err)
	}
	a.environ = append(a.environ, "NETRC="+home)
	if _, err := a.netrc(); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("a folder: %v", err)
	}
}

// TestReverseURLs: what the origin is asked for is byte for byte what it is asked for
// without modtap, whether or not the GOPROXY has a path: the go command writes upper-case
// letters in different ways.
func TestReverseURLs(t *testing.T) {
	origintest.NeedGo(t)
	if testing.Short() {
		t.Skip("runs the go command")
	}
	for _, prefix := range []string{"", "/artifactory/api/go/x"} {
		t.Run("path "+prefix, func(t *testing.T) {
			o := origintest.Start(t, origintest.Config{Prefix: prefix})
			dns := origintest.StartDNS(t, origintest.DNSConfig{})
			file := filepath.Join(t.TempDir(), "x.har")
			args := []string{"go", "get", "example.golang.test/Upper@latest", "example.golang.test/incompatible@latest", "example.golang.test/untagged@latest"}
			direct := runGo(t, o, origintest.StartConnectProxy(t, o).Env(), nil, args)
			tapped := runGo(t, o, nil, nil, append([]string{"modtap", "run", "--mode", "reverse", "-o", file, "--resolver", dns.Addr(), "--"}, args...))
			if diff := cmp.Diff(once4xx(direct.requests), tapped.requests); diff != "" {
				t.Errorf("requests, direct (-) and through modtap (+):\n%s", diff)
			}
			if diff := cmp.Diff(direct.files, tapped.files); diff != "" {
				t.Errorf("files, direct (-) and through modtap (+):\n%s", diff)
			}
			checkRecording(t, file, tapped)
			if prefix == "" && !strings.Contains(strings.Join(tapped.requests, "\n"), "/lookup/example.golang.test/!upper@") {
				t.Errorf("no lookup with upper case among\n%s", strings.Join(tapped.requests, "\n"))
			}
		})
	}
}
