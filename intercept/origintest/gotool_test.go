package origintest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goRun runs the go command in dir and returns what it printed.
func goRun(t *testing.T, dir string, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// counts of kinds that do not depend on the number of tiles.
func counts(o *Origin) map[string]int {
	n := map[string]int{}
	for _, r := range o.Requests() {
		if r.Kind != "tile" {
			n[r.Kind]++
		}
	}
	return n
}

var goTests = []struct {
	name     string
	requires []string
	args     []string
	want     map[string]int // requests by kind
	out      string         // in what it prints
	sum      []string       // in go.sum
}{
	{
		name:     "go mod download of the whole graph",
		requires: Shape{}.All(),
		args:     []string{"mod", "download"},
		want:     map[string]int{"mod": 12, "info": 12, "zip": 12, "lookup": 12, "supported": 1},
	},
	{
		name:     "go mod tidy finds versions",
		requires: []string{ModuleBase + "/m9", ModuleBase + "/Upper", ModuleBase + "/untagged", ModuleBase + "/incompatible"},
		args:     []string{"mod", "tidy"},
		out:      "found example.golang.test/untagged in example.golang.test/untagged v0.0.0-20240501120000-0123456789ab",
		sum:      []string{ModuleBase + "/Upper v1.0.0 h1:", ModuleBase + "/m9 v1.1.0 h1:", ModuleBase + "/incompatible v2.0.0+incompatible h1:"},
	},
	{
		name:     "go get of the latest version",
		requires: []string{ModuleBase + "/m9@v1.0.0"},
		args:     []string{"get", ModuleBase + "/m9@latest"},
		out:      "upgraded example.golang.test/m9 v1.0.0 => v1.1.0",
		sum:      []string{ModuleBase + "/m9 v1.1.0 h1:"},
	},
	{
		name:     "go list of upgrades and retractions",
		requires: []string{ModuleBase + "/m9@v1.0.0", ModuleBase + "/retracted@v1.1.0"},
		args:     []string{"list", "-m", "-u", "all"},
		out:      "example.golang.test/m9 v1.0.0 [v1.1.0]\nexample.golang.test/retracted v1.1.0 (retracted)\n",
	},
}

func TestGoCommand(t *testing.T) {
	NeedGo(t)
	o := Start(t, Config{})
	for _, tt := range goTests {
		t.Run(tt.name, func(t *testing.T) {
			p := StartConnectProxy(t, o)
			dir := Project(t, "", tt.requires...)
			o.Forget()
			out := goRun(t, dir, GoEnv(t, o, p.Env()...), tt.args...)
			if !strings.Contains(out, tt.out) {
				t.Errorf("printed %q, want %q in it", out, tt.out)
			}
			if tt.want != nil {
				if diff := cmp.Diff(tt.want, counts(o)); diff != "" {
					t.Error(diff)
				}
			}
			sum, _ := os.ReadFile(filepath.Join(dir, "go.sum"))
			for _, want := range tt.sum {
				if !strings.Contains(string(sum), want) {
					t.Errorf("go.sum lacks %q:\n%s", want, sum)
				}
			}
			if len(p.Connects()) == 0 || len(p.Connects()) != o.Conns() {
				t.Errorf("%d CONNECTs, %d connections", len(p.Connects()), o.Conns())
			}
		})
	}
}

// The database must be one that the go command really checks: with another tree under the
// same name it must refuse.
func TestGoVerifiesTheSumDB(t *testing.T) {
	NeedGo(t)
	other, err := NewTree([]Module{{Path: ModuleBase + "/m9", Versions: []Version{{Version: "v1.0.0", Size: 10}}}})
	if err != nil {
		t.Fatal(err)
	}
	ca, err := NewCA()
	if err != nil {
		t.Fatal(err)
	}
	honest := Start(t, Config{CA: ca})
	forged := Start(t, Config{CA: ca, Tree: other})
	p, err := NewConnectProxy(ProxyConfig{Route: func(hostport string) string {
		if strings.HasPrefix(hostport, SumHost) {
			return honest.Addr()
		}
		return forged.Addr()
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	env := GoEnv(t, forged, append(p.Env(), "GOSUMDB="+honest.GOSUMDBWithURL())...)
	cmd := exec.Command("go", "mod", "download")
	cmd.Dir, cmd.Env = Project(t, "", ModuleBase+"/m9@v1.0.0"), env
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "checksum mismatch") {
		t.Errorf("%v: %s", err, out)
	}
	if n := counts(honest); n["lookup"] != 1 || n["supported"] != 0 {
		t.Errorf("requests to the database: %v", n)
	}
}

// GOPROXY=direct works too, without git, and the database is then asked under its own name.
func TestGoDirect(t *testing.T) {
	NeedGo(t)
	o := Start(t, Config{})
	p := StartConnectProxy(t, o)
	goRun(t, Project(t, "", ModuleBase+"/m9@v1.0.0"), GoEnv(t, o, append(p.Env(), "GOPROXY=direct")...), "mod", "download")
	hosts := map[string]bool{}
	for _, c := range p.Connects() {
		hosts[c] = true
	}
	proxy := strings.TrimPrefix(o.URL(), "https://")
	want := map[string]bool{ModuleBase + ":443": true, SumHost + ":443": true, proxy: true}
	if diff := cmp.Diff(want, hosts); diff != "" {
		t.Error(diff)
	}
}

var environTests = []struct {
	in   string
	kept bool
}{
	{"PATH=/bin", true},
	{"SystemRoot=C:\\Windows", true},
	{"TMPDIR=/tmp", true},
	{"GOCOVERDIR=/x", true},
	{"GOPROXY=off", false},
	{"GOFLAGS=-mod=vendor", false},
	{"GODEBUG=http2client=0", false},
	{"https_proxy=http://x", false},
	{"NO_PROXY=*", false},
	{"SSL_CERT_FILE=/x", false},
	{"GIT_SSL_CAINFO=/x", false},
	{"MODTAP_HOME=/x", false},
	{"XDG_CONFIG_HOME=/x", false},
}

func TestCleanEnviron(t *testing.T) {
	for _, tt := range environTests {
		if got := len(cleanEnviron([]string{tt.in})) == 1; got != tt.kept {
			t.Errorf("%s kept: %v, want %v", tt.in, got, tt.kept)
		}
	}
}
