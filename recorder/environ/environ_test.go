package environ

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"modtap/recorder"
)

// The test binary is the programs that its tests ask.
func TestMain(m *testing.M) {
	switch os.Getenv("ENVIRON_TEST") {
	case "hang":
		time.Sleep(time.Minute) // ended by the test
		os.Exit(1)
	case "procs": // what we say of a child, then what the runtime of a child says
		fmt.Println(maxProcs(os.Getenv("GOMAXPROCS"), "go1.26.0"))
		self, err := os.Executable()
		if err != nil {
			panic(err)
		}
		c := exec.Command(self)
		c.Env, c.Stdout = append(os.Environ(), "ENVIRON_TEST=runtime"), os.Stdout
		if err := c.Run(); err != nil {
			panic(err)
		}
		os.Exit(0)
	case "runtime":
		fmt.Println(runtime.GOMAXPROCS(0))
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// module makes a folder with these files, and an environment for a go command in it.
func module(t *testing.T, files map[string]string, env ...string) Config {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs go")
	}
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	base := append(os.Environ(), "GOENV=off", "GOFLAGS=", "GOPROXY=", "GOSUMDB=", "GOPRIVATE=", "GOAUTH=", "GOWORK=", "GOMAXPROCS=",
		"HTTPS_PROXY=", "HTTP_PROXY=", "ALL_PROXY=", "NO_PROXY=", "https_proxy=", "http_proxy=", "all_proxy=", "no_proxy=")
	return Config{Dir: dir, Env: append(base, env...), GOTOOLCHAIN: "local", Shell: "fish", Redactor: recorder.NewRedactor()}
}

func facts(t *testing.T, c Config) *recorder.Environ {
	t.Helper()
	return Begin(c).Facts()
}

func TestFacts(t *testing.T) {
	c := module(t, map[string]string{
		"go.mod": "module example.test/x\n\ngo 1.21\n",
		"go.sum": "a v1 h1:x=\na v1/go.mod h1:y=\nb v1 h1:z=",
		"sub/x":  "",
	}, "GOPROXY=https://mirror.test|direct", "GOPRIVATE=*.corp.test", "GOFLAGS=-mod=mod", "GOMAXPROCS=3", "https_proxy=http://proxy.test:3128")
	c.Dir = filepath.Join(c.Dir, "sub")
	e := facts(t, c)
	got := map[string]string{}
	for _, name := range []string{"GOPROXY", "GOPRIVATE", "GONOSUMDB", "GOFLAGS", "GOTOOLCHAIN"} {
		if v, ok := e.Go[name]; ok {
			got[name] = v
		}
	}
	want := map[string]string{
		"GOPROXY": "https://mirror.test|direct", "GOPRIVATE": "*.corp.test", "GONOSUMDB": "*.corp.test", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local",
	}
	if diff := cmp.Diff([]string{"GOFLAGS", "GOPRIVATE", "GOPROXY"}, variables(e)); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(e.Go["GOVERSION"], "go1.") {
		t.Errorf("GOVERSION is %q", e.Go["GOVERSION"])
	}
	if e.GoSum != 3 || e.GoDirective != "1.21" || e.MaxProcs != 3 || e.Shell != "fish" || e.CPUs != runtime.NumCPU() {
		t.Errorf("got %+v", e)
	}
	if diff := cmp.Diff(map[string]string{"HTTPS_PROXY": "http://proxy.test:3128"}, e.Proxy); diff != "" {
		t.Errorf("proxies (-want +got):\n%s", diff)
	}
	c.Dir = filepath.Dir(c.Dir)
	checkNoFolder(t, c, e)
	if _, err := exec.LookPath("git"); err == nil && !strings.Contains(e.Git, ".") {
		t.Errorf("git is %q", e.Git)
	}
}

// checkNoFolder: where the user works is not recorded.
func checkNoFolder(t *testing.T, c Config, e *recorder.Environ) {
	t.Helper()
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), filepath.Base(filepath.Dir(c.Dir))) {
		t.Errorf("%s is in %s", c.Dir, b)
	}
}

// variables are the names in e that the tests' own environment does not set.
func variables(e *recorder.Environ) []string {
	return slices.DeleteFunc(slices.Clone(e.FromEnv), func(name string) bool {
		return name != "GOPROXY" && name != "GOPRIVATE" && name != "GOFLAGS"
	})
}

// TestGoSumIsThatOfTheStart: what the command writes to it comes later.
func TestGoSumIsThatOfTheStart(t *testing.T) {
	c := module(t, map[string]string{"go.mod": "module x\n"})
	r := Begin(c)
	if err := os.WriteFile(filepath.Join(c.Dir, "go.sum"), []byte("a v1 h1:x=\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if e := r.Facts(); e.GoSum != -1 {
		t.Errorf("go.sum has %d lines; there was none", e.GoSum)
	}
}

func TestOutsideOfAModule(t *testing.T) {
	if e := facts(t, module(t, nil)); e.GoSum != -1 || e.GoDirective != "" || e.Go["GOPROXY"] == "" {
		t.Errorf("got %+v", e)
	}
}

// TestNoToolchainIsDownloaded: go env would switch to the one that go.mod wants.
func TestNoToolchainIsDownloaded(t *testing.T) {
	asked := make(chan string, 100)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		http.NotFound(w, r)
	}))
	defer proxy.Close()
	c := module(t, map[string]string{"go.mod": "module x\n\ngo 1.99.1\n"}, "GOPROXY="+proxy.URL, "GOTOOLCHAIN=auto", "GOSUMDB=off")
	c.GOTOOLCHAIN = "auto"
	e := facts(t, c)
	if e.Go["GOVERSION"] != "go1.99.1" || e.Go["GOTOOLCHAIN"] != "auto" {
		t.Errorf("GOVERSION is %q, GOTOOLCHAIN %q", e.Go["GOVERSION"], e.Go["GOTOOLCHAIN"])
	}
	select {
	case path := <-asked:
		t.Errorf("the proxy was asked for %s", path)
	default:
	}
}

func TestToolchain(t *testing.T) {
	for _, tt := range []struct {
		local, gotoolchain string
		want               []string
		runs               string
	}{
		{"go1.26.8", "auto", []string{"go1.21"}, "go1.26.8"},
		{"go1.26.8", "auto", []string{"go1.26.9"}, "go1.26.9"},
		{"go1.26.8", "auto", []string{"go1.27.0", "go1.27.3"}, "go1.27.3"},
		{"go1.26.8", "path", []string{"go1.27.0"}, "go1.27.0"},
		{"go1.26.8", "local", []string{"go1.27.0"}, "go1.26.8"},
		{"go1.26.8", "local+auto", []string{"go1.27.0"}, "go1.27.0"},
		{"go1.26.8", "go1.25.1", []string{"go1.27.0"}, "go1.25.1"},
		{"go1.26.8", "go1.25.1+auto", []string{"go1.24"}, "go1.25.1"},
		{"go1.26.8", "", []string{"go1.27.0"}, "go1.26.8"},
		{"go1.26.8 X:boringcrypto", "auto", []string{"go1.26.0"}, "go1.26.8 X:boringcrypto"},
		{"go1.26.8-corp", "auto", []string{"go1.26.0", "default"}, "go1.26.8-corp"},
	} {
		if got := toolchain(tt.local, tt.gotoolchain, tt.want); got != tt.runs {
			t.Errorf("toolchain(%q, %q, %q) = %q, want %q", tt.local, tt.gotoolchain, tt.want, got, tt.runs)
		}
	}
}

func TestWorkspacesDecide(t *testing.T) {
	c := module(t, map[string]string{"go.mod": "module x\n\ngo 1.21\n", "go.work": "go 1.98.2\n\nuse .\n"}, "GOTOOLCHAIN=auto")
	c.GOTOOLCHAIN = "auto"
	e := facts(t, c)
	if e.Go["GOVERSION"] != "go1.98.2" || e.GoDirective != "1.21" {
		t.Errorf("got %q, %q", e.Go["GOVERSION"], e.GoDirective)
	}
	checkNoFolder(t, c, e)
}

func TestNothingSecretIsKept(t *testing.T) {
	const secret = "s3cr3tpassw0rd"
	c := module(t, nil,
		"GOPROXY=https://user:"+secret+"@mirror.test,direct", "GOFLAGS=-ldflags=-X=main.token="+secret,
		"GOAUTH=netrc;helper --password "+secret+" https://x.test", "HTTPS_PROXY=http://user:"+secret+"@proxy.test:3128", "ALL_PROXY=user:"+secret+"@proxy.test:1080",
	)
	e := facts(t, c)
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), secret) {
		t.Errorf("it is in %s", b)
	}
	for _, name := range []string{"GOPROXY", "GOFLAGS", "GOAUTH"} {
		if !strings.Contains(e.Go[name], recorder.Redacted) {
			t.Errorf("%s is %q", name, e.Go[name])
		}
	}
	for _, goauth := range []string{
		`helper --password "correct horse ` + secret + `"`, `helper --header "Authorization: Token ` + secret + `"`, "helper -token " + secret,
	} {
		c := module(t, nil, "GOAUTH="+goauth)
		if got := facts(t, c).Go["GOAUTH"]; strings.Contains(got, secret) || !strings.Contains(got, recorder.Redacted) {
			t.Errorf("of %s is kept %s", goauth, got)
		}
	}
	c.Redactor = nil
	if e := facts(t, c); e.Go["GOPROXY"] != "https://user:"+secret+"@mirror.test,direct" {
		t.Errorf("without a redactor GOPROXY is %q", e.Go["GOPROXY"])
	}
}

// TestProgramsThatHang do not hold what is known without them.
func TestProgramsThatHang(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := module(t, map[string]string{"go.mod": "module x\n\ngo 1.21\n"}, "ENVIRON_TEST=hang")
	c.Go = self
	r := Begin(c)
	select {
	case <-r.Done():
		t.Error("it is done, though go env cannot be")
	case <-time.After(50 * time.Millisecond): // long enough for it to fail, if it did
	}
	r.Cancel()
	if e := r.Facts(); e.Go != nil || e.GoDirective != "1.21" || e.MaxProcs == 0 {
		t.Errorf("got %+v", e)
	}
}

func TestNoGo(t *testing.T) {
	c := module(t, nil)
	c.Go = filepath.Join(t.TempDir(), "go")
	if e := facts(t, c); e.Go != nil || e.CPUs == 0 {
		t.Errorf("got %+v", e)
	}
}

func TestMaxProcs(t *testing.T) {
	for _, tt := range []struct {
		variable, version string
		want              int
	}{
		{"16", "go1.26.8", 16},
		{"16", "", 16},
		{"0", "go1.20", runtime.NumCPU()},
		{"-3", "go1.24.9", runtime.NumCPU()},
		{"many", "go1.26.8", runtime.GOMAXPROCS(0)},
		{"", "", runtime.GOMAXPROCS(0)},
	} {
		if got := maxProcs(tt.variable, tt.version); got != tt.want {
			t.Errorf("maxProcs(%q, %q) = %d, want %d", tt.variable, tt.version, got, tt.want)
		}
	}
}

// TestMaxProcsIsThatOfAChild: with one processor to run on, and with the variable.
func TestMaxProcsIsThatOfAChild(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ask := func(variable string, argv ...string) (ours, childs int) {
		c := exec.Command(argv[0], argv[1:]...)
		c.Env = append(os.Environ(), "ENVIRON_TEST=procs", "GOMAXPROCS="+variable)
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		f := strings.Fields(string(out))
		if len(f) != 2 {
			t.Fatalf("%q", out)
		}
		ours, _ = strconv.Atoi(f[0])
		childs, _ = strconv.Atoi(f[1])
		return ours, childs
	}
	if ours, childs := ask("", self); ours != childs || ours == 0 {
		t.Errorf("we say %d, the child has %d", ours, childs)
	}
	if ours, childs := ask("7", self); ours != 7 || childs != 7 {
		t.Errorf("GOMAXPROCS=7: we say %d, the child has %d", ours, childs)
	}
	if _, err := exec.LookPath("taskset"); err == nil {
		if ours, childs := ask("", "taskset", "-c", "0", self); ours != 1 || childs != 1 {
			t.Errorf("on one processor: we say %d, the child has %d", ours, childs)
		}
	}
}
