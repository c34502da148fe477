package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// A canaryPlace is one way in which a secret comes to modtap.
type canaryPlace struct {
	name string // {name} stands for its secret wherever a canaryRun or the servers write it
	do   string // the shell line that makes it happen; "": another place's line does
	// unrecorded says that not even --no-redact records it: modtap has it, and nothing to
	// record of it.
	unrecorded bool
}

// canaryPlaces are happening in one child, whose servers are answers. ECHO is the base URL
// of the server that leaks, PLAIN one without TLS, PORT the origin's.
var canaryPlaces = []canaryPlace{
	// The go command.
	{name: "goproxy", do: `golist GOPROXY=https://user:{goproxy}@proxy.golang.test:$PORT`},
	{name: "netrc", do: `golist GOPROXY=https://netrc.golang.test:$PORT`},
	{name: "goauth", do: `golist GOPROXY=https://goauth.golang.test:$PORT GOAUTH=$PWD/goauth`},
	{name: "goauth-header"},
	{name: "hop", do: `gomod GOPROXY=$ECHO/hop`}, // Location, its body, the next request, its Referer
	{name: "git", do: `git clone -q https://user:{git}@echo.golang.test:$PORT/refused x.git`}, // Basic, after a 401
	// The child's options.
	{name: "userinfo", do: `curl -s https://user:{userinfo}@echo.golang.test:$PORT/leaks`},
	{name: "token", do: `curl -s "$ECHO/x?token={token}&signature={signature}&sig={sig}&X-Amz-Signature={amz}&X-Goog-Signature={goog}#frag"`},
	{name: "signature"}, {name: "sig"}, {name: "amz"}, {name: "goog"},
	{name: "authorization", do: `curl -s -H 'Authorization: Bearer {authorization}' -H 'X-Auth-Token: {x-auth-token}' -H 'X-Api-Key: {x-api-key}' -b 'session={cookie}; a=b' $ECHO/leaks`},
	{name: "x-auth-token"}, {name: "x-api-key"}, {name: "cookie"},
	{name: "referer", do: `curl -s -e '$ECHO/x?token={referer}' $ECHO/leaks`},
	{name: "post", do: `curl -s -d 'password={post}' $ECHO/leaks`, unrecorded: true},
	{name: "proxy-header", do: `curl -s --proxy-header 'X-Auth-Token: {proxy-header}' --proxy-user 'me:{proxy-user}' -A 'agent token={agent}' $ECHO/leaks`, unrecorded: true},
	{name: "proxy-user", unrecorded: true}, {name: "agent"},
	{name: "plain", do: `curl -s --proxy-user 'me:{plain-proxy}' -H 'Authorization: Basic {plain}' $PLAIN/leaks`},
	{name: "plain-proxy", unrecorded: true},
	// What servers send.
	{name: "set-cookie"}, {name: "response-token"}, {name: "trailer"}, {name: "json-body"},
	{name: "early-hint", unrecorded: true}, // of /leaks
	{name: "location", do: `curl -s $ECHO/moved`},
	{name: "storage-error", do: `curl -s $ECHO/storage-error`},
	{name: "gzip", do: `curl -s -H 'Accept-Encoding: gzip' $ECHO/gzip`},
	{name: "untyped", do: `curl -s $ECHO/untyped`},
	{name: "reason", do: `curl -s --http1.1 $ECHO/reason`},
	// Failures, whose texts have the URL.
	{name: "dead", do: `curl -s 'http://user:{dead}@127.0.0.1:1/?token={dead-token}'`},
	{name: "dead-token"},
	{name: "dead-tls", do: `curl -s 'https://user:{dead-tls}@refused.example.com/?token=x'`, unrecorded: true}, // nothing was sent
	{name: "bad-host", do: `curl -s -H 'Authorization: Bearer {bad-host}' 'https://user:x@echo.golang.test:$PORT/reset'`},
	// modtap's own flags and environment.
	{name: "parent", unrecorded: true},
	{name: "mirror", do: `curl -s https://mirrored.golang.test/leaks`},
	{name: "delay", do: `curl -s "$ECHO/delayed;token={delay}"`},
}

// largeLeak is a text over 1 MiB, which --bodies all puts into a file.
var largeLeak = canaryPlace{name: "large", do: `curl -s $ECHO/large`}

// A canaryRun is one modtap run in which places happen.
type canaryRun struct {
	name   string
	before []string // what comes before "run"
	flags  []string // besides -o, with {name}s and $PARENT
	env    []string // later values win
	places []canaryPlace
	argv   []string // the command; nil: a script with what the places do
	view   bool     // the live view is open, and everything it has is fetched
	exit   int
}

var canaryFlags = []string{"-v", "--delay", "path:/delayed;token={delay}=1ms", "--delay", "host:user:{delay}@nobody=1s", "--mirror", "mirrored.golang.test=https://user:{mirror}@echo.golang.test:$PORT"}

var canaryRuns = []canaryRun{
	{name: "everything", places: canaryPlaces, view: true, flags: append(canaryFlags, "--log-level", "trace", "--log-file", "$OUT/modtap.log")},
	{name: "all bodies, log on the terminal", places: append(canaryPlaces, largeLeak), view: true, flags: append(canaryFlags, "--bodies", "all", "--log-level", "trace")},
	{name: "reverse mode", view: true, flags: []string{"--mode", "reverse", "-v", "--log-level", "trace"},
		env:    []string{"GOPROXY=https://user:{entry}@echo.golang.test:$PORT/refused|https://netrc.golang.test:$PORT/empty|https://echo.golang.test:$PORT/hop"},
		places: []canaryPlace{{name: "entry", do: `gomod CALLED=once`}, {name: "netrc"}, {name: "hop"}}},
	{name: "the parent refuses", places: []canaryPlace{{name: "wrong"}, {name: "asked", do: `curl -sv https://user:{asked}@echo.golang.test:$PORT/?token={asked}`}},
		env: []string{"HTTPS_PROXY=http://corp:{wrong}@$PARENT"}, flags: []string{"-v", "--log-level", "trace"}},
	{name: "the parent is not there", places: []canaryPlace{{name: "gone"}, {name: "asked", do: `curl -sv https://user:{asked}@echo.golang.test:$PORT/?token={asked}`}},
		env: []string{"HTTPS_PROXY=http://corp:{gone}@127.0.0.1:1"}, flags: []string{"-v", "--log-level", "trace"}},
	{name: "the parent's URL is broken", places: []canaryPlace{{name: "broken"}, {name: "asked", do: `curl -sv https://user:{asked}@echo.golang.test:$PORT/?token={asked}`}},
		env: []string{"HTTPS_PROXY=http://corp:{broken}@127.0.0.1:x"}, flags: []string{"-v", "--resolver", "127.0.0.1:1", "--log-level", "trace"}},
	{name: "a parent by flag", places: []canaryPlace{{name: "flag"}, {name: "asked", do: `curl -sv https://user:{asked}@echo.golang.test:$PORT/leaks?token={asked}`}},
		flags: []string{"-v", "--upstream-proxy", "http://corp:{parent}@$PARENT"}},
	{name: "the command line", argv: []string{"curl", "-s", "https://user:{a}@echo.golang.test:$PORT/x?token={b}", "-H", "Authorization: Basic {c}", "-HX-Auth-Token: {d}", "-b", "session={e}", "-u", "me:{f}", "--oauth2-bearer", "{g}"},
		places: []canaryPlace{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}, {name: "e"}, {name: "f"}, {name: "g"}}},
	{name: "a script as an argument", argv: []string{"sh", "-c", "GITHUB_TOKEN={a} curl -s -b 'session={b}; x={b}' -u me:{c} -H 'Private-Token: {d}' https://me:{e}@echo.golang.test:$PORT/; true"},
		places: []canaryPlace{{name: "a"}, {name: "b"}, {name: "c"}, {name: "d"}, {name: "e"}}},
	{name: "a wrong mirror", flags: []string{"--mirror", "a.test=https://user:{a}@b.test?x"}, argv: []string{"true"}, places: []canaryPlace{{name: "a"}}, exit: 125},
	{name: "a wrong delay", flags: []string{"--delay", "https://user:{a}@b.test=1s"}, argv: []string{"true"}, places: []canaryPlace{{name: "a"}}, exit: 125},
	{name: "a wrong upstream proxy", flags: []string{"--upstream-proxy", "ftp://user:{a}@b.test"}, argv: []string{"true"}, places: []canaryPlace{{name: "a"}}, exit: 125},
	{name: "a wrong variable", env: []string{"MODTAP_DELAY=https://user:{a}@b.test=1x"}, argv: []string{"true"}, places: []canaryPlace{{name: "a"}}, exit: 125},
	{name: "not a command", before: []string{"curl", "https://user:{a}@b.test/"}, places: []canaryPlace{{name: "a"}}, exit: 2},
	{name: "a command that is not there", argv: []string{"https://user:{a}@b.test/x"}, places: []canaryPlace{{name: "a"}}, exit: 127},
}

// TestCanary: a secret in every place that modtap sees appears in no file, no page, no
// stream, no log and no line on the terminal, in no encoding. The secrets inside binary
// bodies that --bodies all keeps are the server's own content and none of these.
func TestCanary(t *testing.T) {
	origintest.NeedGo(t)
	if testing.Short() {
		t.Skip("runs many commands")
	}
	for _, program := range []string{"curl", "git"} {
		_, err := exec.LookPath(program)
		need(t, err == nil, program)
	}
	for _, run := range canaryRuns {
		t.Run(run.name, func(t *testing.T) {
			t.Parallel()
			w := newCanaryWorld(t, run)
			w.run(t)
			w.search(t, func(where string, secret canary, form string) {
				t.Errorf("the secret of %s is in %s, %s", secret.name, where, form)
			})
		})
	}
}

// TestCanaryIsFound proves that TestCanary can fail: with --no-redact the same search
// finds what is recorded, and modtap has warned.
func TestCanaryIsFound(t *testing.T) {
	origintest.NeedGo(t)
	if testing.Short() {
		t.Skip("runs many commands")
	}
	for _, run := range canaryRuns[:3] {
		t.Run(run.name, func(t *testing.T) {
			t.Parallel()
			run.flags = append(slices.Clone(run.flags), "--no-redact")
			w := newCanaryWorld(t, run)
			w.run(t)
			found := map[string]bool{}
			places := ""
			w.search(t, func(where string, secret canary, _ string) {
				places += where + "\n"
				if strings.HasSuffix(where, ".har") || strings.Contains(where, ".har ") || strings.Contains(where, ".bodies") {
					found[secret.name] = true
				}
			})
			for _, p := range run.places {
				if !found[p.name] && !p.unrecorded {
					t.Errorf("the secret of %s is not in the recording, with --no-redact: did it happen?\n%s", p.name, w.childLog(t))
				}
			}
			for _, view := range canaryViews { // it is looked into
				if !strings.Contains(places, view) {
					t.Errorf("no secret is in %s, with --no-redact", view)
				}
			}
			if n := strings.Count(w.stderr.String(), "warning: passwords and tokens will be recorded"); n != 1 {
				t.Errorf("modtap warned %d times", n)
			}
		})
	}
}

// A canaryWorld is what one canaryRun happens in.
type canaryWorld struct {
	r       canaryRun
	secrets map[string]string
	origin  *origintest.Origin
	parent  *origintest.ConnectProxy
	plain   *httptest.Server
	theirs  string // the child's folder: scripts, netrc, caches, what it prints
	ours    string // everything that modtap may write to
	stdout  lockedBuffer
	stderr  lockedBuffer
	shown   map[string][]byte // what the live view gave
}

func newCanaryWorld(t *testing.T, r canaryRun) *canaryWorld {
	t.Helper()
	w := &canaryWorld{r: r, secrets: map[string]string{}, theirs: t.TempDir(), ours: t.TempDir(), shown: map[string][]byte{}}
	for i, p := range r.places {
		w.secrets[p.name] = fmt.Sprintf("K4naryQ%02dzW%02dxJ", i, 97-i)
	}
	if _, ok := w.secrets["parent"]; !ok {
		w.secrets["parent"] = "K4naryParentxJ"
	}
	leaks := w.leaks()
	w.plain = httptest.NewServer(leaks)
	t.Cleanup(w.plain.Close)
	w.origin = origintest.Start(t, origintest.Config{Handler: leaks, Knobs: []origintest.Knob{{Match: origintest.Match{Suffix: "/reset"}, Fail: origintest.Reset}}})
	parent, err := origintest.NewConnectProxy(origintest.ProxyConfig{Route: func(to string) string {
		if strings.HasPrefix(to, "refused.") {
			return "127.0.0.1:1"
		}
		return origintest.RouteTo(w.origin.Addr())(to)
	}, User: "corp:" + w.secrets["parent"]})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(parent.Close)
	w.parent = parent
	for _, dir := range []string{"tmp", "home", "out"} {
		if err := os.Mkdir(filepath.Join(w.ours, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.writeScripts(t)
	return w
}

// fill puts the secrets and addresses into text.
func (w *canaryWorld) fill(text string) string {
	for name, secret := range w.secrets {
		text = strings.ReplaceAll(text, "{"+name+"}", secret)
	}
	_, port, _ := strings.Cut(w.origin.Addr(), ":")
	return strings.NewReplacer("$PORT", port, "$ECHO", "https://echo.golang.test:"+port, "$PLAIN", w.plain.URL,
		"$PARENT", strings.TrimPrefix(w.parent.URL(), "http://"), "$OUT", filepath.Join(w.ours, "out")).Replace(text)
}

// writeScripts writes what the child runs. What it prints is its own and goes to a file.
func (w *canaryWorld) writeScripts(t *testing.T) {
	t.Helper()
	script := "exec >child.log 2>&1\nset -x\n" +
		"golist() { env GOMODCACHE=\"$PWD/cache-$RANDOM\" \"$@\" go list -m -versions example.golang.test/m0; }\n" +
		"gomod() { rm -rf once; mkdir once; env GOMODCACHE=\"$PWD/once\" GOFLAGS=-modcacherw GONOSUMDB=* \"$@\" go mod download example.golang.test/m0@v1.0.0; }\n"
	for _, p := range w.r.places {
		script += p.do + "\n"
	}
	script += "touch done\nwhile test -e wait; do sleep 0.05; done\n"
	files := map[string]string{
		"script.sh": script,
		"go.mod":    "module project.golang.test/main\n\ngo 1.21\n",
		"netrc":     "machine netrc.golang.test:$PORT login me password {netrc}\nmachine netrc.golang.test login me password {netrc}\n",
		"goauth":    "#!/bin/sh\nprintf 'https://goauth.golang.test:$PORT\\n\\nAuthorization: Bearer {goauth}\\nX-Corp-Token: {goauth-header}\\n\\n'\n",
	}
	if w.r.view {
		files["wait"] = ""
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(w.theirs, name), []byte(w.fill(text)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// environ is the environment that modtap is started in.
func (w *canaryWorld) environ(t *testing.T) []string {
	env := origintest.GoEnv(t, w.origin,
		"HTTPS_PROXY=http://corp:"+w.secrets["parent"]+"@"+strings.TrimPrefix(w.parent.URL(), "http://"),
		"NETRC="+filepath.Join(w.theirs, "netrc"), "MODTAP_HOME="+filepath.Join(w.ours, "home"), "TMPDIR="+filepath.Join(w.ours, "tmp"))
	for _, kv := range w.r.env {
		env = append(env, w.fill(kv))
	}
	return env
}

// run runs modtap to its end.
func (w *canaryWorld) run(t *testing.T) {
	t.Helper()
	var args []string
	for _, a := range w.r.before {
		args = append(args, w.fill(a))
	}
	args = append(args, "run", "-o", filepath.Join(w.ours, "out", "x.har"))
	for _, f := range w.r.flags {
		args = append(args, w.fill(f))
	}
	if w.r.view {
		args = append(args, "--view")
	}
	args = append(args, "--")
	if w.r.argv == nil {
		args = append(args, "bash", "script.sh")
	}
	for _, a := range w.r.argv {
		args = append(args, w.fill(a))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "modtap", args...)
	c.Dir, c.Env = w.theirs, w.environ(t)
	c.Stdout, c.Stderr = &w.stdout, &w.stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if w.r.view {
		w.watch(t, ctx)
	}
	err := c.Wait()
	code := 0
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	if len(w.r.argv) > 0 && w.r.argv[0] == "curl" {
		code = 0 // the child's own
	}
	if code != w.r.exit {
		t.Fatalf("%v, want exit code %d\n%s\n%s", err, w.r.exit, w.stderr.String(), w.childLog(t))
	}
	if w.r.view {
		w.viewed(t, ctx)
	}
}

func (w *canaryWorld) childLog(t *testing.T) string {
	b, _ := os.ReadFile(filepath.Join(w.theirs, "child.log"))
	return string(b)
}

// search looks for every secret in everything that modtap wrote.
func (w *canaryWorld) search(t *testing.T, found func(where string, secret canary, form string)) {
	t.Helper()
	var canaries []canary
	for name, secret := range w.secrets {
		canaries = append(canaries, newCanary(name, secret))
	}
	look := func(where string, text []byte) {
		for _, c := range canaries {
			if form := c.in(text); form != "" {
				found(where, c, form)
			}
		}
	}
	look("stdout", []byte(w.stdout.String()))
	look("stderr", []byte(w.stderr.String()))
	for name, text := range w.shown {
		look(name, text)
	}
	for name, secret := range w.secrets { // modtap's own are not the child's to know
		if slices.Contains([]string{"parent", "wrong", "gone", "broken", "flag"}, name) {
			if c := newCanary(name, secret); c.in([]byte(w.childLog(t))) != "" {
				found("what the child was told", c, "")
			}
		}
	}
	files := 0
	err := filepath.WalkDir(w.ours, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		look("the name "+path, []byte(d.Name()))
		if d.IsDir() {
			return nil
		}
		files++
		text, err := os.ReadFile(path)
		look(path, text)
		if strings.HasSuffix(path, ".har") {
			for name, body := range bodies(t, path) {
				look(path+" "+name, body)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.r.exit == 0 && files == 0 {
		t.Error("there is no recording")
	}
}

// bodies are the bodies in a recording, decoded.
func bodies(t *testing.T, path string) map[string][]byte {
	t.Helper()
	rec, err := har.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, x := range rec.Exchanges {
		for what, m := range map[string][]byte{"request": x.Request.Body, "response": unzipped(x.Response.Body)} {
			all[fmt.Sprintf("%s of %d, %s", what, x.ID, x.URL)] = m
		}
	}
	return all
}

var liveView = regexp.MustCompile(`live view:? +(\S+)`)
