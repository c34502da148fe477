package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"modtap": main, "modtap-watched": watchedMain})
}

// TestScripts runs testdata/script: each is a session at a shell, with a home of its own
// and nothing of the machine's settings. The commands they have besides testscript's are
// described where they are defined, below. FOREIGN has the HARs of other programs.
func TestScripts(t *testing.T) {
	foreign, err := filepath.Abs("../../recorder/har/testdata/foreign")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			// TMPDIR is $WORK/.tmp already, and scripts look whether it is empty.
			e.Setenv("HOME", home)
			e.Setenv("USERPROFILE", home)
			e.Setenv("LocalAppData", filepath.Join(home, "local"))
			e.Setenv("AppData", filepath.Join(home, "roaming"))
			e.Setenv("MODTAP_HOME", filepath.Join(home, "modtap"))
			e.Setenv("GOENV", "off")
			e.Setenv("FOREIGN", foreign)
			e.Values[originKey{}] = new(*origintest.Origin)
			return os.MkdirAll(home, 0o755)
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "root":
				return os.Geteuid() == 0, nil
			case "sslcertfile": // the go command honours SSL_CERT_FILE
				return runtime.GOOS != "windows" && runtime.GOOS != "darwin", nil
			}
			return false, errors.New("unknown condition " + cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": cmdExits, "empty": cmdEmpty, "oneline": cmdOneLine, "origin": cmdOrigin, "knob": cmdKnob,
			"await": cmdAwait, "awaitfile": cmdAwaitFile, "entries": cmdEntries, "takeport": cmdTakePort,
		},
	})
}

// exits CODE COMMAND ARG…: the command must exit with that code.
func cmdExits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if (code == want) == neg {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

// empty DIR…: each does not exist or has nothing in it.
func cmdEmpty(ts *testscript.TestScript, neg bool, args []string) {
	for _, dir := range args {
		entries, err := os.ReadDir(ts.MkAbs(dir))
		if err != nil && !os.IsNotExist(err) {
			ts.Fatalf("%v", err)
		}
		if (len(entries) == 0) == neg {
			ts.Fatalf("%s has %v", dir, entries)
		}
	}
}

// oneline REGEXP: stderr of the last command is one line that starts with "modtap: " and
// matches.
func cmdOneLine(ts *testscript.TestScript, neg bool, args []string) {
	text := ts.ReadFile("stderr")
	if !strings.HasPrefix(text, "modtap: ") || strings.Count(text, "\n") != 1 {
		ts.Fatalf("stderr is not one line of modtap's: %q", text)
	}
	if matched, err := regexp.MatchString(args[0], strings.TrimSuffix(text, "\n")); err != nil || !matched {
		ts.Fatalf("%q does not match %q (%v)", text, args[0], err)
	}
}

// originKey is for what the command origin leaves to others.
type originKey struct{}

func origin(ts *testscript.TestScript) *origintest.Origin {
	return *ts.Value(originKey{}).(**origintest.Origin)
}

// origin: starts a module proxy with its checksum database, reached through a parent
// proxy, and sets the environment of a go command that uses it. ORIGIN_PORT is its port.
// With an argument NAME:PASSWORD the parent proxy wants these, and the environment does
// not have them.
func cmdOrigin(ts *testscript.TestScript, _ bool, args []string) {
	o, err := origintest.New(origintest.Config{Names: []string{"localhost"}})
	ts.Check(err)
	ts.Defer(func() { o.Close() })
	p, err := origintest.NewConnectProxy(origintest.ProxyConfig{Route: origintest.RouteTo(o.Addr()), User: strings.Join(args, "")})
	ts.Check(err)
	ts.Defer(p.Close)
	*ts.Value(originKey{}).(**origintest.Origin) = o
	ca := ts.MkAbs("origin-ca.pem")
	ts.Check(o.WriteCA(ca))
	ts.Check(origintest.WriteProject(ts.MkAbs("project"), origintest.Shape{}.All()...))
	for name, value := range map[string]string{
		"HTTPS_PROXY": p.URL(), "SSL_CERT_FILE": ca, "SSL_CERT_DIR": ts.MkAbs("no-certs"),
		"GOPROXY": o.URL(), "GOSUMDB": o.GOSUMDB(), "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod",
		"GOPATH": ts.MkAbs("gopath"), "GOMODCACHE": ts.MkAbs("gomodcache"), "GOCACHE": ts.MkAbs("gocache"),
		"PROJECT": ts.MkAbs("project"), "ORIGIN_PORT": o.Addr()[strings.LastIndex(o.Addr(), ":")+1:],
	} {
		ts.Setenv(name, value)
	}
}

// knob KEY=VALUE…: what the origin does from now on; see origintest.ParseKnob.
func cmdKnob(ts *testscript.TestScript, _ bool, args []string) {
	k, err := origintest.ParseKnob(strings.Join(args, " "))
	ts.Check(err)
	origin(ts).SetKnobs(k)
}

const patience = 10 * time.Second

// await KIND: waits until the origin was asked for one (see origintest.Match).
func cmdAwait(ts *testscript.TestScript, _ bool, args []string) {
	eventually(ts, func() bool {
		return slices.ContainsFunc(origin(ts).Requests(), func(r origintest.Request) bool { return r.Kind == args[0] })
	})
}

// awaitfile FILE: waits until it exists.
func cmdAwaitFile(ts *testscript.TestScript, _ bool, args []string) {
	eventually(ts, func() bool { _, err := os.Stat(ts.MkAbs(args[0])); return err == nil })
}

// eventually polls: what it waits for is another process.
func eventually(ts *testscript.TestScript, ok func() bool) {
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			ts.Fatalf("it did not happen in %v", patience)
		}
	}
}

// entries FILE [N]: the recording is complete and has as many entries as the origin was
// asked, or N.
func cmdEntries(ts *testscript.TestScript, _ bool, args []string) {
	r, err := har.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	want := 0
	if len(args) > 1 {
		want, err = strconv.Atoi(args[1])
		ts.Check(err)
	} else if want = len(origin(ts).Requests()); want == 0 {
		ts.Fatalf("the origin was not asked at all")
	}
	if len(r.Exchanges) != want {
		ts.Fatalf("%s has %d entries, want %d", args[0], len(r.Exchanges), want)
	}
	if r.End == nil || r.Lost > 0 || r.Missing > 0 {
		ts.Fatalf("%s is not complete", args[0])
	}
}

// takeport: listens on a port until the script ends, and sets TAKEN to its address.
func cmdTakePort(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv("TAKEN", l.Addr().String())
}
