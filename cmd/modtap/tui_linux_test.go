package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// A tuiRun is a command under modtap run --tui in a terminal.
type tuiRun struct {
	*tmux
	origin *origintest.Origin
	file   string // the recording
	dir    string // the command's
}

// startTUI runs a shell script under modtap run --tui, in a new project with empty caches.
// Around it the shell says how modtap ended, and whether the terminal's modes are as before.
// redirect is put behind the command line.
func startTUI(t *testing.T, width, height int, script, redirect string, knobs ...origintest.Knob) *tuiRun {
	t.Helper()
	origintest.NeedGo(t)
	shape := origintest.Shape{Modules: 12, Depth: 3}
	tree, err := origintest.NewTree(shape.Generate())
	if err != nil {
		t.Fatal(err)
	}
	o := origintest.Start(t, origintest.Config{Tree: tree, Knobs: knobs})
	dns := origintest.StartDNS(t, origintest.DNSConfig{})
	r := &tuiRun{origin: o, dir: origintest.Project(t, "", shape.All()...)}
	r.file = filepath.Join(t.TempDir(), "x.har")
	modtap, err := exec.LookPath("modtap")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.dir, "script"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	r.tmux = startTmux(t, width, height, r.dir, append(origintest.GoEnv(t, o), "MODTAP_HOME="+t.TempDir()), fmt.Sprintf(`
trap : INT # Ctrl-C is for modtap, and this shell goes on
modes=$(stty -g)
%s run --tui -o %s --resolver %s -- sh script %s
echo "modtap ended with $?"
[ "$modes" = "$(stty -g)" ] && echo "the modes are as before"
exec sleep 600
`, modtap, r.file, dns.Addr(), redirect))
	r.await(`(?m)^sh script.*(running|ended)`) // keys that come earlier are the shell's
	return r
}

// ended waits for the end of modtap and returns all that is on the terminal then.
func (r *tuiRun) ended(code int) string {
	r.t.Helper()
	all := r.awaitIn(r.all, fmt.Sprintf(`(?m)^modtap ended with %d$\n^the modes are as before$`, code))
	r.plain()
	return all
}

// complete checks that the recording has every request that the origin has seen.
func (r *tuiRun) complete(code int) {
	r.t.Helper()
	rec, err := har.Open(r.file)
	if err != nil {
		r.t.Fatal(err)
	}
	if rec.End == nil || rec.Process == nil || rec.Process.ExitCode != code || rec.Lost+rec.Missing > 0 {
		r.t.Errorf("the recording ends with %+v, the process is %+v", rec.End, rec.Process)
	}
	if got, want := len(rec.Exchanges), len(r.origin.Requests()); got != want || want == 0 {
		r.t.Errorf("%d exchanges are recorded, the origin has seen %d", got, want)
	}
}

// once checks that text has each of these lines once, in this order.
func once(t *testing.T, text string, lines ...string) {
	t.Helper()
	at := -1
	for _, l := range lines {
		all := regexp.MustCompile(`(?m)^`+regexp.QuoteMeta(l)+`$`).FindAllStringIndex(text, -1)
		if len(all) != 1 || all[0][0] < at {
			t.Errorf("%q is there %d times, or out of order", l, len(all))
			continue
		}
		at = all[0][0]
	}
}

const downloading = `echo the command says hello
go mod download || exit 9
printf 'a line of stderr\n' >&2
echo the command is done
exit 3
`

// TestTUI downloads modules in a terminal of each size, looks at the output, makes the window
// larger and smaller, and leaves: what the command wrote is then on the terminal, then the
// report, and the exit status is the command's.
func TestTUI(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 50}} {
		t.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(t *testing.T) {
			r := startTUI(t, size[0], size[1], downloading, "", origintest.Knob{Match: origintest.Match{Kind: "zip"}, FirstByte: 500 * time.Millisecond})
			r.await(`(?s)running.*\bm\d+@v1\.0\.0`)
			if !r.is("alternate_on") {
				t.Error("the viewer draws on the shell's screen")
			}
			r.resize(120, 30)
			r.await(`\.mod\b|\bmod\b`)
			r.keys("t")
			r.await(`(?m)^the command says hello`)
			r.resize(size[0], size[1])
			r.await(`(?m)^the command is done`)
			r.keys("q")
			all := r.ended(3)
			once(t, all, "the command says hello", "a line of stderr", "the command is done")
			if i, j := strings.Index(all, "the command is done"), strings.Index(all, "modtap:"); j < i {
				t.Errorf("the report is not behind the command's output:\n%s", all)
			}
			r.complete(3)
		})
	}
}

// TestTUIInterrupt: Ctrl-C is the command's while it runs, and the viewer stays; then it leaves
// the viewer.
func TestTUIInterrupt(t *testing.T) {
	r := startTUI(t, 100, 30, `trap 'echo the command was interrupted; exit 5' INT
echo ready
go mod download
while :; do sleep 0.1; done
`, "")
	r.keys("t")
	r.await(`(?m)^ready`)
	r.keys("C-c")
	r.await(`(?m)^the command was interrupted`)
	if !r.is("alternate_on") {
		t.Error("Ctrl-C left the viewer as well")
	}
	r.awaitEnd()
	r.keys("C-c")
	once(t, r.ended(5), "ready", "the command was interrupted")
	r.complete(5)
}

// awaitEnd waits until the recording is complete, which is when the command has ended and
// Ctrl-C means the viewer.
func (r *tuiRun) awaitEnd() {
	r.t.Helper()
	for deadline := time.Now().Add(screenTime); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) { // another process writes it
		if rec, err := har.Open(r.file); err == nil && rec.End != nil {
			return
		}
	}
	r.t.Fatal("the recording is not completed")
}

// TestTUILeave leaves while the command runs: q asks, a second one leaves. The command goes on
// in the shell's screen, and Ctrl-C there is still for it.
func TestTUILeave(t *testing.T) {
	r := startTUI(t, 100, 30, `trap 'echo interrupted; exit 6' INT
echo before
go mod download
while [ ! -e go-on ]; do sleep 0.05; done
echo after
while :; do sleep 0.1; done
`, "")
	r.keys("t")
	r.await(`(?m)^before`)
	r.keys("q")
	r.await(`still running`)
	if !r.is("alternate_on") {
		t.Fatal("the first q left")
	}
	r.keys("q")
	r.await(`(?m)^before`)
	r.awaitIn(func() string { return fmt.Sprint(r.is("alternate_on")) }, "false")
	r.plain()
	if err := os.WriteFile(filepath.Join(r.dir, "go-on"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.await(`(?m)^after`)
	r.keys("C-c")
	once(t, r.ended(6), "before", "after")
	r.complete(6)
}

// TestTUIRedirected: what goes to a file gets there byte for byte, and is not shown.
func TestTUIRedirected(t *testing.T) {
	r := startTUI(t, 80, 24, `printf 'to the file\033[31m\r\n\0'
echo to the terminal >&2
go mod download
`, "> out")
	r.keys("t")
	r.await(`(?m)^to the terminal`)
	r.awaitEnd()
	r.keys("q")
	all := r.ended(0)
	once(t, all, "to the terminal")
	got, err := os.ReadFile(filepath.Join(r.dir, "out"))
	if want := "to the file\x1b[31m\r\n\x00"; err != nil || string(got) != want {
		t.Errorf("the file has %q, %v; want %q", got, err, want)
	}
	if strings.Contains(all, "to the file") {
		t.Errorf("the file's text is on the terminal:\n%s", all)
	}
	r.complete(0)
}

// TestTUIKilled: a signal that ends modtap ends the command, the viewer and the recording, and
// leaves the terminal as it was.
func TestTUIKilled(t *testing.T) {
	for _, test := range []struct {
		signal string
		code   int
	}{{"TERM", 143}, {"HUP", 129}} {
		t.Run(test.signal, func(t *testing.T) {
			r := startTUI(t, 80, 24, `echo $PPID >modtap.pid
echo started
go mod download
sleep 60
`, "")
			r.keys("t")
			r.await(`(?m)^started`)
			pid, err := os.ReadFile(filepath.Join(r.dir, "modtap.pid"))
			if err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("kill", "-"+test.signal, strings.TrimSpace(string(pid))).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			once(t, r.ended(test.code), "started")
			r.complete(test.code)
		})
	}
}

// TestTUIServe has serve in the terminal: what it says is in the pane, a client's requests come
// in, and q ends it with its recording complete.
func TestTUIServe(t *testing.T) {
	origintest.NeedGo(t)
	o := origintest.Start(t, origintest.Config{})
	dns := origintest.StartDNS(t, origintest.DNSConfig{})
	modtap, err := exec.LookPath("modtap")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	file := filepath.Join(home, "x.har")
	env := append(origintest.GoEnv(t, o), "MODTAP_HOME="+home)
	m := startTmux(t, 100, 30, home, env, fmt.Sprintf(`
modes=$(stty -g)
%s serve --tui --view=none --listen 127.0.0.1:0 --resolver %s -o %s
echo "modtap ended with $?"
[ "$modes" = "$(stty -g)" ] && echo "the modes are as before"
exec sleep 600
`, modtap, dns.Addr(), file))
	m.await(`(?s)modtap serve.*In the shell that should use it.*modtap env`)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-c", `eval "$("$0" env)" && go mod download`, modtap)
	c.Dir, c.Env = origintest.Project(t, "", origintest.Shape{}.All()...), env
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m.press("t")
	m.await(`zip .*\bm\d+@v1\.0\.0`)
	m.press("q")
	all := m.awaitIn(m.all, `(?m)^modtap ended with 0$\n^the modes are as before$`)
	m.plain()
	if i, j := strings.Index(all, "In the shell that should use it"), strings.Index(all, "requests"); i < 0 || j < i {
		t.Errorf("what serve said is not there, or not before its summary")
	}
	rec, err := har.Open(file)
	if err != nil || rec.End == nil || len(rec.Exchanges) != len(o.Requests()) {
		t.Errorf("the recording: %v, its end %v, %d exchanges of %d", err, rec.End, len(rec.Exchanges), len(o.Requests()))
	}
}

// TestTUIFindings: the findings of a run are in the viewer, and one leads to its requests.
func TestTUIFindings(t *testing.T) {
	r := startTUI(t, 120, 40, "go mod download\n", "", origintest.Knob{Match: origintest.Match{Kind: "zip"}, FirstByte: 600 * time.Millisecond})
	r.awaitEnd()
	r.press("f")
	r.await(`(?s)1 finding.*GOMAXPROCS`)
	r.press("Enter")
	r.await(`low-parallelism 1/\d+`)
	r.press("]")
	r.await(`low-parallelism 2/\d+`)
	r.press("q")
	all := r.ended(0)
	if !strings.Contains(all, "low-parallelism") {
		t.Error("the report that follows does not have the finding")
	}
}
