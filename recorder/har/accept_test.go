package har

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"modtap/recorder"
)

// missing skips the test for want of a program; where CI has installed them all, it fails.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("MODTAP_REQUIRE") == "1" {
		t.Fatalf("MODTAP_REQUIRE=1, but %s", what)
	}
	t.Skip(what)
}

// acceptanceFiles writes what other programs must be able to read, by name, and the
// number of entries in each.
func acceptanceFiles(t *testing.T) (files map[string]string, entries map[string]int) {
	t.Helper()
	rich := append([]recorder.Event{{Session: sampleSession()}, {Conn: sampleConn(7)}, {Tunnel: sampleTunnel(3)}}, exchangeEvents(richExchanges()...)...)
	failed := append([]recorder.Event{{Session: sampleSession()}}, exchangeEvents(append(failures(), reused(1))...)...)
	files = map[string]string{"rich": record(t, Options{}, rich...), "failures": record(t, Options{}, failed...)}
	entries = map[string]int{"rich": len(richExchanges()), "failures": len(failures()) + 1}

	torn := record(t, Options{}, rich...)
	if err := os.Truncate(torn, int64(lineEnd(mustRead(t, torn), 8)-100)); err != nil {
		t.Fatal(err)
	}
	if lost, err := Repair(torn); err != nil || lost == 0 {
		t.Fatalf("repair: lost %d, %v", lost, err)
	}
	files["torn"], entries["torn"] = torn, 7
	return files, entries
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestDevTools opens our files with the importer of Chrome DevTools, which must find every
// entry with its status and, within half a millisecond, its phases.
func TestDevTools(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser three times")
	}
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is not installed")
	}
	if !haveChromium() {
		missing(t, "chromium is not installed")
	}
	t.Parallel() // browsers of their own, which wait more than they work
	files, entries := acceptanceFiles(t)
	for name, path := range files {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(node, "testdata/devtools-import/devtools-import.mjs", path, "--expect", fmt.Sprint(entries[name])).CombinedOutput()
			if err != nil || !strings.HasSuffix(string(out), "PASS\n") {
				t.Errorf("%v\n%s", err, out)
			}
			t.Logf("%s", out)
		})
	}
}

// haveChromium looks where devtools-import.mjs does.
func haveChromium() bool {
	for _, path := range []string{os.Getenv("CHROME"), "/usr/lib/chromium/chromium", "/usr/bin/chromium", "/usr/bin/google-chrome", "/opt/google/chrome/chrome"} {
		if _, err := os.Stat(path); path != "" && err == nil {
			return true
		}
	}
	return false
}

// TestDevToolsCheckSeesFaults: the check would not pass just anything.
func TestDevToolsCheckSeesFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	node, err := exec.LookPath("node")
	if err != nil || !haveChromium() {
		missing(t, "node or chromium is not installed")
	}
	t.Parallel()
	out, _ := exec.Command(node, "testdata/devtools-import/devtools-import.mjs", "testdata/devtools-import/testdata/blocked-zero.har").CombinedOutput()
	if !strings.HasSuffix(string(out), "FAIL\n") {
		t.Errorf("a file with blocked 0 passes:\n%s", out)
	}
}

// TestSchema holds our files against the HAR JSON schema.
func TestSchema(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is not installed")
	}
	if _, err := os.Stat("testdata/schema/node_modules/har-validator"); err != nil {
		missing(t, "har-validator is not installed: run npm install --no-package-lock --ignore-scripts in recorder/har/testdata/schema")
	}
	files, _ := acceptanceFiles(t)
	args := []string{"testdata/schema/validate.mjs"}
	for _, path := range files {
		args = append(args, path)
	}
	if out, err := exec.Command(node, args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	bad := filepath.Join(t.TempDir(), "bad.har")
	os.WriteFile(bad, []byte(`{"log":{"version":"1.2","entries":[]}}`), 0o600)
	if out, err := exec.Command(node, args[0], bad).CombinedOutput(); err == nil || !strings.Contains(string(out), "creator") {
		t.Errorf("a file without creator passes: %v\n%s", err, out)
	}
}
