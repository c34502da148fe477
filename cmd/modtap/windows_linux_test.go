package main

import (
	"context"
	"crypto/sha1"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// A winlab runs windows/amd64 programs under Wine: modtap.exe, built from this tree, and
// a go.exe built from this machine's GOROOT (testdata/winlab).
type winlab struct {
	t    *testing.T
	home string // where winlab setup put its prefix and go.exe
	exe  string // modtap.exe
}

func newWinlab(t *testing.T) *winlab {
	t.Helper()
	if testing.Short() {
		t.Skip("starts Windows programs under Wine")
	}
	home := os.Getenv("WINLAB_HOME")
	if home == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		home = filepath.Join(cache, "winlab")
	}
	_, err := exec.LookPath("wine")
	if err == nil {
		_, err = os.Stat(filepath.Join(home, "go.exe"))
	}
	need(t, err == nil, "Wine and a Windows go command: cmd/modtap/testdata/winlab/winlab setup")
	w := &winlab{t: t, home: home, exe: filepath.Join(t.TempDir(), "modtap.exe")}
	build := exec.Command("go", "build", "-o", w.exe, ".")
	build.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build modtap.exe: %v\n%s", err, out)
	}
	return w
}

// path is a file of this machine as a Windows program sees it.
func winPath(file string) string { return "Z:" + strings.ReplaceAll(file, "/", `\`) }

// command is a Windows program that was not started.
func (w *winlab) command(ctx context.Context, dir string, env []string, exe string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "wine", append([]string{exe}, args...)...)
	c.Dir = dir
	c.Env = append(append(os.Environ(), env...), "WINEPREFIX="+filepath.Join(w.home, "prefix"), "WINEARCH=win64", "WINEDEBUG=-all", "DISPLAY=",
		"GODEBUG=asyncpreemptoff=1") // Wine now and then loses a thread that Go's runtime suspends
	c.WaitDelay = time.Second // Wine's server may keep the pipes open
	return c
}

// run runs a Windows program and returns what it printed and its exit code. Wine hands
// the environment on; its own settings are not among the programs'.
func (w *winlab) run(dir string, env []string, exe string, args ...string) (string, int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c := w.command(ctx, dir, env, exe, args...)
	out, err := c.CombinedOutput()
	text := strings.ReplaceAll(string(out), "\r\n", "\n")
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return text, exit.ExitCode()
	} else if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		w.t.Fatalf("%s %v: %v\n%s", exe, args, err, out)
	}
	return text, 0
}

// trust puts a root into the user's certificate store, as `certutil -user -addstore Root`
// does on Windows, until the test ends.
func (w *winlab) trust(certPEM []byte) {
	w.t.Helper()
	block, _ := pem.Decode(certPEM)
	key := fmt.Sprintf(`HKCU\Software\Microsoft\SystemCertificates\Root\Certificates\%X`, sha1.Sum(block.Bytes))
	// the one property of the serialized certificate that matters: CERT_CERT_PROP_ID (wincrypt.h)
	blob := fmt.Sprintf("2000000001000000%08X%X", reversed(uint32(len(block.Bytes))), block.Bytes)
	if out, code := w.run("", nil, "reg", "add", key, "/v", "Blob", "/t", "REG_BINARY", "/d", blob, "/f"); code != 0 {
		w.t.Fatalf("reg add: %d\n%s", code, out)
	}
	w.t.Cleanup(func() { w.run("", nil, "reg", "delete", key, "/f") })
}

// reversed turns a number's bytes around, so that %X prints them the little-endian way.
func reversed(n uint32) uint32 { return n<<24 | n<<8&0xff0000 | n>>8&0xff00 | n>>24 }

// TestWindowsExitCode: what a Windows child exits with is what modtap.exe exits with.
func TestWindowsExitCode(t *testing.T) {
	w := newWinlab(t)
	home := "MODTAP_HOME=" + winPath(t.TempDir())
	if out, code := w.run("", []string{home}, w.exe, "run", "-q", "--", "cmd", "/c", "exit", "3"); code != 3 {
		t.Errorf("exit code %d, want the child's 3\n%s", code, out)
	}
	if out, code := w.run("", []string{home}, w.exe, "run", "--", "no-such-program"); code != 127 || !strings.HasPrefix(out, "modtap: no-such-program: command not found") {
		t.Errorf("a command that does not exist: exit code %d\n%s", code, out)
	}
	if out, code := w.run("", []string{home}, w.exe, "run", "--mode", "sideways", "--", "cmd"); code != 125 || strings.Count(out, "\n") != 1 {
		t.Errorf("bad usage: exit code %d\n%s", code, out)
	}
}

// TestWindowsDownload: on Windows the go command does not trust modtap's CA, so modtap
// stands in for its GOPROXY instead, and nothing is missing from the recording.
//
// Wine 8 has no FileDispositionInformationEx, so os.RemoveAll fails there and modtap.exe
// warns that the cold cache stays; on Windows it goes.
func TestWindowsDownload(t *testing.T) {
	w := newWinlab(t)
	shape := origintest.Shape{Modules: 12, Depth: 3}
	tree, err := origintest.NewTree(shape.Generate())
	if err != nil {
		t.Fatal(err)
	}
	o := origintest.Start(t, origintest.Config{Tree: tree})
	w.trust(o.CAPEM())
	parent := origintest.StartConnectProxy(t, o)
	file := filepath.Join(t.TempDir(), "x.har")
	out, code := w.run(origintest.Project(t, "", shape.All()...), w.goEnv(
		"GOPROXY="+o.URL()+",direct", "GOSUMDB="+o.GOSUMDB(), "HTTPS_PROXY="+parent.URL(), "https_proxy=", "GOFLAGS=-mod=mod",
	), w.exe, "run", "--cold", "-o", winPath(file), "--", winPath(filepath.Join(w.home, "go.exe")), "mod", "download")
	if code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	if !strings.Contains(out, "\nmode       reverse: ") {
		t.Errorf("the summary does not say that it was reverse mode:\n%s", out)
	}
	rec, err := har.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := o.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, q := range o.Requests() {
		want = append(want, fmt.Sprint(q.Method, " ", q.URL, " ", q.Status))
	}
	for i := range rec.Exchanges {
		x := &rec.Exchanges[i]
		got = append(got, fmt.Sprint(x.Method, " ", x.URL, " ", x.Status))
		checkEntry(t, x)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(got))); diff != "" || len(want) < 40 {
		t.Errorf("the origin's count of %d (-) and the recording (+):\n%s\n%s", len(want), diff, out)
	}
	opensInDevTools(t, file, len(rec.Exchanges))
	t.Logf("%s\n%d requests\n%s", rec.Session.OS, len(got), out)
}

// TestWindowsRealDownload is the same through the real module proxy: modtap's own modules.
func TestWindowsRealDownload(t *testing.T) {
	if os.Getenv("MODTAP_REAL") == "" {
		t.Skip("uses the network: set MODTAP_REAL=1")
	}
	w := newWinlab(t)
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join("..", "..", name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "x.har")
	out, code := w.run(dir, w.goEnv(), w.exe, "run", "--cold", "-o", winPath(file), "--", winPath(filepath.Join(w.home, "go.exe")), "mod", "download")
	rec, err := har.Open(file)
	if code != 0 || err != nil {
		t.Fatalf("exit code %d, %v\n%s", code, err, out)
	}
	zips := 0
	for _, x := range rec.Exchanges {
		if x.Go.Kind.Step() == "zip" && x.Status == 200 {
			zips++
		}
	}
	if zips < 10 {
		t.Errorf("%d zips were recorded\n%s", zips, out)
	}
	opensInDevTools(t, file, len(rec.Exchanges))
	t.Log(out)
}

// goEnv is the environment of a go.exe with caches of its own.
func (w *winlab) goEnv(extra ...string) []string {
	w.t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		w.t.Fatal(err)
	}
	dir := winPath(w.t.TempDir())
	return append([]string{
		"GOROOT=" + winPath(strings.TrimSpace(string(goroot))), "GOTOOLCHAIN=local", "GOENV=off", "GOPATH=" + dir + `\gopath`,
		"GOCACHE=" + dir + `\gocache`, "MODTAP_HOME=" + dir + `\modtap`,
	}, extra...)
}
