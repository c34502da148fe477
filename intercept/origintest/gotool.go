package origintest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// NeedGo skips the test where the real go command cannot be used against an origin: it is
// not installed, or it does not read SSL_CERT_FILE (Windows and macOS up to Go 1.26).
func NeedGo(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not installed")
	}
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("the go command ignores SSL_CERT_FILE on " + runtime.GOOS)
	}
}

// GoEnv returns an environment for a child go command, or for a modtap that starts one:
// GOPROXY and GOSUMDB are the origin's, SSL_CERT_FILE its root, every cache and the home are
// new empty folders that go with the test. Nothing that steers go, git, proxies or trust
// comes from the machine. The names still need resolving: add [ConnectProxy.Env], or give
// modtap --resolver [DNS.Addr]. extra is appended, and later values win.
//
// GOCACHE is empty too: a test that compiles gains by passing the machine's.
func GoEnv(t testing.TB, o *Origin, extra ...string) []string {
	t.Helper()
	home := t.TempDir()
	sub := func(name string) string {
		dir := filepath.Join(home, name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	ca := filepath.Join(home, "origin-ca.pem")
	if err := o.WriteCA(ca); err != nil {
		t.Fatal(err)
	}
	config := sub("config")
	if runtime.GOOS == "darwin" {
		config = sub("Library/Application Support")
	}
	// Without this a telemetry process of the child may outlive it and write into home.
	mode := filepath.Join(config, "go", "telemetry", "mode")
	if err := os.MkdirAll(filepath.Dir(mode), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mode, []byte("off\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	env := append(cleanEnviron(os.Environ()),
		"HOME="+home, "USERPROFILE="+home,
		"XDG_CONFIG_HOME="+config, "AppData="+config,
		"XDG_CACHE_HOME="+sub("cache"), "LocalAppData="+filepath.Join(home, "cache"),
		"GOENV=off",
		"GOPATH="+sub("gopath"),
		"GOMODCACHE="+sub("modcache"),
		"GOCACHE="+sub("gocache"),
		"GOPROXY="+o.URL(),
		"GOSUMDB="+o.GOSUMDB(),
		"GOTOOLCHAIN=local",
		"GOFLAGS=-mod=mod -modcacherw", // a read-only cache could not be removed
		"SSL_CERT_FILE="+ca,
		"SSL_CERT_DIR="+sub("no-certs"),
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0",
	)
	return append(env, extra...)
}

// cleanEnviron drops the variables that steer go, git, proxies, trust and modtap.
func cleanEnviron(env []string) []string {
	prefixes := []string{"GO", "CGO_", "GIT_", "SSL_CERT_", "MODTAP_", "XDG_", "CURL_CA", "NODE_EXTRA_CA", "REQUESTS_CA", "SSLKEYLOG"}
	keep := []string{"GOCOVERDIR", "GORACE"} // instrumented children of the test need them
	return slices.DeleteFunc(env, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		name = strings.ToUpper(name)
		if slices.Contains(keep, name) {
			return false
		}
		return strings.HasSuffix(name, "_PROXY") ||
			slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	})
}

// Project writes a main module into dir ("": a new folder, which goes with the test) and
// returns the folder. Each of requires is "path@version", required in go.mod and imported by
// main.go, or "path", only imported, for go mod tidy to find.
func Project(t testing.TB, dir string, requires ...string) string {
	t.Helper()
	if dir == "" {
		dir = t.TempDir()
	}
	if err := WriteProject(dir, requires...); err != nil {
		t.Fatal(err)
	}
	return dir
}

// WriteProject is [Project] without a test.
func WriteProject(dir string, requires ...string) error {
	var mod, src strings.Builder
	mod.WriteString("module project.golang.test/main\n\ngo 1.21\n")
	src.WriteString("package main\n\n")
	for _, r := range requires {
		path, version, ok := strings.Cut(r, "@")
		if ok {
			fmt.Fprintf(&mod, "\nrequire %s %s\n", path, version)
		}
		fmt.Fprintf(&src, "import _ %q\n", path)
	}
	src.WriteString("\nfunc main() {}\n")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "main.go"), []byte(src.String()), 0o644)
}
