package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// TestAcceptance gives recordings of real go commands, one that was killed with -9 in the
// middle and one full of failures to the readers that others have written: Chrome's
// DevTools importer and the HAR JSON schema.
func TestAcceptance(t *testing.T) {
	origintest.NeedGo(t)
	if testing.Short() {
		t.Skip("starts a browser for each recording")
	}
	node := needDevTools(t)
	tests := filepath.Join("..", "..", "recorder", "har", "testdata")
	_, err := os.Stat(filepath.Join(tests, "schema", "node_modules"))
	need(t, err == nil, "npm install in "+filepath.Join("recorder", "har", "testdata", "schema"))

	shape := origintest.Shape{Modules: 8, Depth: 2}
	tree, err := origintest.NewTree(shape.Generate())
	if err != nil {
		t.Fatal(err)
	}
	recordings := map[string]string{}
	for _, test := range mainJobTests {
		recordings[test.name] = record(t, tree, nil, test.requires(shape), test.args, 0)
	}
	slow := []origintest.Knob{{Match: origintest.Match{Kind: "zip"}, FirstByte: 10 * time.Second}}
	recordings["killed"] = record(t, tree, slow, shape.All(), mainJobTests[0].args, 12)
	faults := []origintest.Knob{
		{Match: origintest.Match{Suffix: "m1/@v/v1.0.0.info"}, Fail: origintest.Abort},
		{Match: origintest.Match{Suffix: "m2/@v/v1.0.0.zip"}, Status: 404},
		{Match: origintest.Match{Suffix: "m3/@v/v1.0.0.zip"}, Fail: origintest.CloseBody},
	}
	recordings["failures"] = record(t, tree, faults, shape.All(), []string{"sh", "-c", "go mod download; for i in 1 2 3; do go mod download example.golang.test/m$i@v1.0.0; done; true"}, 0)

	for name, file := range recordings {
		t.Run(name, func(t *testing.T) {
			rec, err := har.Open(file)
			if err != nil || len(rec.Exchanges) < 10 {
				t.Fatalf("%d entries, %v", len(rec.Exchanges), err)
			}
			if _, err := har.Repair(file); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			opensInDevTools(t, file, len(rec.Exchanges))
			schema, err := filepath.Glob(filepath.Join(tests, "schema", "*.mjs"))
			if err != nil || len(schema) != 1 {
				t.Fatal(schema, err)
			}
			if out, err := exec.CommandContext(ctx, node, schema[0], file).CombinedOutput(); err != nil {
				t.Errorf("har-validator: %v\n%s", err, out)
			}
			t.Logf("%d entries accepted", len(rec.Exchanges))
		})
	}
}

// needDevTools skips the test where Chrome's importer cannot be driven; it returns node.
func needDevTools(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	need(t, err == nil, "node (Debian package nodejs)")
	_, err = exec.LookPath("chromium")
	need(t, err == nil, "Chromium (Debian package chromium)")
	return node
}

// opensInDevTools checks that Chrome's own importer takes the file and reads every phase
// of its n entries as the file says.
func opensInDevTools(t *testing.T, file string, n int) {
	t.Helper()
	node := needDevTools(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	script := filepath.Join("..", "..", "recorder", "har", "testdata", "devtools-import", "devtools-import.mjs")
	out, err := exec.CommandContext(ctx, node, script, file, "--expect", strconv.Itoa(n), "--quiet").CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "PASS\n") {
		t.Errorf("DevTools: %v\n%s", err, out)
	}
}

// record runs args under modtap and returns the recording. With killAt it kills modtap
// with -9 as soon as the recording has that many entries.
func record(t *testing.T, tree *origintest.Tree, knobs []origintest.Knob, requires, args []string, killAt int) string {
	t.Helper()
	o := origintest.Start(t, origintest.Config{Tree: tree, Knobs: knobs})
	dns := origintest.StartDNS(t, origintest.DNSConfig{})
	dir := t.TempDir()
	file := filepath.Join(dir, "x.har")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "modtap", append([]string{"run", "-o", file, "--resolver", dns.Addr(), "--"}, args...)...)
	c.Dir, c.Env = origintest.Project(t, "", requires...), append(origintest.GoEnv(t, o), "MODTAP_HOME="+dir)
	if killAt == 0 {
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return file
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for ctx.Err() == nil {
		if rec, err := har.Open(file); err == nil && len(rec.Exchanges) >= killAt {
			break
		}
		time.Sleep(10 * time.Millisecond) // the file grows as the command goes on
	}
	c.Process.Kill()
	c.Wait()
	return file
}
