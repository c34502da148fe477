package main

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layout is the law of the house (DESIGN §2): what is under from must not reach, by any
// way, what is under mustNot.
var layout = []struct {
	from, mustNot string
	why           string
}{
	{"modtap/recorder", "modtap/intercept", "a recording is read without a proxy"},
	{"modtap/recorder", "modtap/viewer", "the model does not know who shows it"},
	{"modtap/recorder", "modtap/ca", "the model has no secrets"},
	{"modtap/recorder", "modtap/cmd", "only cmd knows commands"},
	{"modtap/recorder", "github.com/rs/zerolog", "what happened is data there, not log lines"},
	{"modtap/recorder/gomod", "net/http", "what a request means is decided without I/O"},
	{"modtap/recorder/shell", "modtap/", "how a word is quoted stands alone"},
	{"modtap/recorder/shell", "net", "how a word is quoted is decided without I/O"},
	{"modtap/intercept", "modtap/viewer", "the relay must not depend on who watches"},
	{"modtap/intercept", "modtap/ca", "intercept takes certificates as a func"},
	{"modtap/intercept", "modtap/cmd", "only cmd knows commands"},
	{"modtap/intercept/rules", "net/http", "a rules file becomes a decision without I/O"},
	{"modtap/intercept/reverse", "net/http", "settings become a plan without I/O"},
	{"modtap/intercept/tcpstat", "net/http", "a kernel knows sockets, not requests"},
	{"modtap/intercept/tcpstat", "modtap/recorder", "a kernel knows sockets, not recordings"},
	{"modtap/viewer", "modtap/intercept", "viewers get events, live or from a file"},
	{"modtap/viewer", "modtap/ca", "viewers get events, live or from a file"},
	{"modtap/viewer", "modtap/cmd", "only cmd knows commands"},
	{"modtap/viewer/report", "modtap/viewer/stream", "a report is made of a recording, without a server"},
	{"modtap/ca", "modtap/recorder", "ca stands alone"},
	{"modtap/ca", "modtap/intercept", "ca stands alone"},
	{"modtap/ca", "modtap/viewer", "ca stands alone"},
	{"modtap/ca", "modtap/cmd", "ca stands alone"},
	{"modtap/ca", "github.com/", "ca holds the key: standard library only"},
	{"modtap/ca", "golang.org/", "ca holds the key: standard library only"},
	{"modtap/cmd/internal/child", "modtap/intercept", "the child knows an address, not a proxy"},
	{"modtap/cmd/internal/child", "modtap/recorder", "the child knows an address, not a proxy"},
	{"modtap/cmd/internal/gotrace", "modtap/recorder", "it reads the go command's own file, and knows no recording"},
	{"modtap/cmd/internal/gittrace", "modtap/recorder", "it reads git's own files, and knows no recording"},
	{"modtap/cmd/internal/gittrace", "modtap/intercept", "it reads git's own files, and knows no proxy"},
	{"modtap/cmd/modtap", "modtap/intercept/origintest", "test support stays out of the program"},
}

// common are packages of ours that know nothing of the others, so that what must not reach
// the room that they are in may have them.
var common = []string{"modtap/recorder/shell"}

// A dependency is a third-party package, or a family of them, and where it may be
// imported: a folder, or a file.
type dependency struct {
	pkg   string
	homes []string
}

// homes has every third-party package there is.
var homes = []dependency{
	{"charm.land/bubbletea/v2", []string{"viewer/tui"}},
	{"github.com/charmbracelet/x/ansi", []string{"viewer/tui"}},
	{"github.com/elazarl/goproxy", []string{"intercept/forward.go"}},
	{"github.com/gorilla/websocket", []string{"viewer/stream"}},
	{"github.com/rs/zerolog", []string{"cmd/modtap", "intercept", "viewer/stream"}},
	{"github.com/shirou/gopsutil/v4/process", []string{"cmd/internal/child/tree_darwin.go"}},
	{"github.com/spf13/", []string{"cmd/modtap"}},
	{"golang.org/x/term", []string{"cmd/modtap"}},
	{"golang.org/x/sys/", []string{"cmd/modtap", "cmd/internal/child", "intercept/fail_windows.go", "intercept/tcpstat", "intercept/origintest/cmd/netlab", "recorder/environ/system_windows.go"}},
	{"golang.org/x/net/http/httpproxy", []string{"cmd/modtap"}},
	{"golang.org/x/net/http/httpguts", []string{"intercept/h1serve.go", "intercept/h1trip.go", "intercept/h1writer.go"}},
	{"golang.org/x/net/proxy", []string{"intercept/upstream"}},
	{"golang.org/x/net/dns/dnsmessage", []string{"intercept/origintest"}},
	{"golang.org/x/mod/", []string{"recorder/gomod", "recorder/environ", "intercept/rules", "intercept/origintest", "recorder/diagnose"}},
}

// testHomes are for test files alone; "" is everywhere.
var testHomes = []dependency{
	{"github.com/google/go-cmp/", []string{""}},
	{"go.uber.org/goleak", []string{""}},
	{"github.com/rogpeppe/go-internal/", []string{"cmd/modtap"}},
	{"github.com/gorilla/websocket", []string{"intercept"}},
	{"golang.org/x/net/", []string{"cmd/modtap", "intercept", "intercept/upstream"}},
}

// A listed is what go list says about a package.
type listed struct {
	ImportPath string
	Dir        string
	Standard   bool
	Module     *struct{ Path string }
	Deps       []string
}

// list returns our packages, test support included, as they are built for goos.
func list(t *testing.T, goos string) []listed {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command")
	}
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,Standard,Module,Deps", "modtap/...")
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var pkgs []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// under reports whether pkg is dir, or below it.
func under(pkg, dir string) bool {
	return pkg == dir || strings.HasPrefix(pkg, strings.TrimSuffix(dir, "/")+"/")
}

func TestLayout(t *testing.T) {
	for _, goos := range []string{"linux", "windows", "darwin"} {
		pkgs := list(t, goos)
		for _, rule := range layout {
			found := false
			for _, p := range pkgs {
				if !under(p.ImportPath, rule.from) {
					continue
				}
				found = true
				for _, dep := range p.Deps {
					if under(dep, rule.mustNot) && !slices.Contains(common, dep) {
						t.Errorf("%s (%s) reaches %s: %s", p.ImportPath, goos, dep, rule.why)
					}
				}
			}
			exists := slices.ContainsFunc(pkgs, func(p listed) bool { return under(p.ImportPath, rule.mustNot) })
			if !found || strings.HasPrefix(rule.mustNot, "modtap/") && !exists {
				t.Errorf("the rule about %s and %s names a package that does not exist", rule.from, rule.mustNot)
			}
		}
	}
}

func TestThirdPartyPackagesHaveAHome(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && (name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		checkHomes(t, path, filepath.ToSlash(rel), used)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range homes {
		for _, home := range h.homes {
			if !used[h.pkg+" "+home] {
				t.Errorf("%s no longer imports %s: take it out of the table", home, h.pkg)
			}
		}
	}
}

// checkHomes checks the imports of one file and notes which homes are in use.
func checkHomes(t *testing.T, path, rel string, used map[string]bool) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range f.Imports {
		pkg, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(pkg, "/"); !strings.Contains(first, ".") {
			continue // the standard library's, or our own
		}
		home := ""
		for _, h := range homes {
			for _, at := range h.homes {
				if under(pkg, h.pkg) && (rel == at || filepath.ToSlash(filepath.Dir(rel)) == at) {
					home = at
					used[h.pkg+" "+at] = true
				}
			}
		}
		inTest := strings.HasSuffix(rel, "_test.go") && slices.ContainsFunc(testHomes, func(h dependency) bool {
			return under(pkg, h.pkg) && (slices.Contains(h.homes, "") || slices.Contains(h.homes, filepath.ToSlash(filepath.Dir(rel))))
		})
		if home == "" && !inTest {
			t.Errorf("%s imports %s, whose home is elsewhere", rel, pkg)
		}
	}
}
