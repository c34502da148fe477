package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// TestViewed is a person who runs go mod download with --view, from a terminal, and looks
// at it in Chromium while it runs and afterwards (viewer/web/testdata/e2e/real/run.test.js).
// The page must have seen every request that the recording has, though it was loaded anew
// in the middle.
func TestViewed(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	origintest.NeedGo(t)
	node, chromium, modules := browserTools(t)
	tree, err := origintest.NewTree(origintest.Shape{Modules: 40, Depth: 4, Big: 2, BigSize: 2_000_000}.Generate())
	if err != nil {
		t.Fatal(err)
	}
	o := origintest.Start(t, origintest.Config{Tree: tree, Knobs: []origintest.Knob{
		{Match: origintest.Match{Kind: "zip"}, FirstByte: 700 * time.Millisecond, Rate: 1_000_000},
		{FirstByte: 200 * time.Millisecond},
	}})
	dns := origintest.StartDNS(t, origintest.DNSConfig{})
	dir := t.TempDir()
	file := filepath.Join(dir, "seen.har")
	var requires []string
	for i := range 40 {
		requires = append(requires, "example.golang.test/m"+strconv.Itoa(i)+"@v1.1.0")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "modtap", "run", "--view=127.0.0.1:0", "--no-open", "-o", file, "--resolver", dns.Addr(), "--", "go", "mod", "download")
	c.Dir = origintest.Project(t, "", requires...)
	c.Env = append(origintest.GoEnv(t, o), "MODTAP_HOME="+dir, "GOMAXPROCS=4", "TERM=xterm", "CI=") // a person's terminal, wherever the test runs
	screen, terminal := openPTY(t, 120, 40)
	var seen syncBuffer
	go io.Copy(&seen, screen) // ends with the terminal
	c.Stdin, c.Stdout, c.Stderr = terminal, terminal, terminal
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	said := func() string { return seen.String() }
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/\?token=[\w-]+`)
	happens(t, func() bool { return address.MatchString(said()) })

	test := exec.CommandContext(ctx, node, "--test", "--test-reporter=tap", filepath.Join("..", "..", "viewer", "web", "testdata", "e2e", "real", "run.test.js"))
	test.Env = append(os.Environ(), "MODTAP_E2E_MODULES="+modules, "MODTAP_E2E_CHROMIUM="+chromium, "E2E_RUN="+address.FindString(said()), "E2E_HAR="+file, "E2E_OUT="+dir)
	out, err := test.CombinedOutput()
	if err != nil {
		c.Process.Signal(os.Interrupt)
		c.Wait()
		t.Fatalf("%v\n%s\nmodtap said:\n%s", err, out, said())
	}
	// the page was closed, so modtap goes, with the status of its command
	if err := c.Wait(); err != nil {
		t.Errorf("modtap: %v\n%s", err, said())
	}
	rec, err := har.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	told, err := os.ReadFile(filepath.Join(dir, "requests"))
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := strconv.Atoi(string(bytes.TrimSpace(told))); n != len(rec.Exchanges) || n < 120 {
		t.Errorf("the page had %d requests, the recording %d", n, len(rec.Exchanges))
	}
	if !strings.Contains(said(), "go mod download took") {
		t.Errorf("no report on the terminal:\n%s", said())
	}
}

// browserTools finds node, Chromium and the folder that has playwright-core, or skips.
func browserTools(t *testing.T) (node, chromium, modules string) {
	t.Helper()
	node, _ = exec.LookPath("node")
	if chromium = os.Getenv("MODTAP_CHROMIUM"); chromium == "" {
		chromium, _ = exec.LookPath("chromium")
	}
	if modules = os.Getenv("MODTAP_NODE_MODULES"); modules == "" {
		modules = filepath.Join("..", "..", "viewer", "web", "testdata", "e2e")
	}
	modules, err := filepath.Abs(modules)
	if err == nil {
		_, err = os.Stat(filepath.Join(modules, "node_modules", "playwright-core"))
	}
	need(t, node != "" && chromium != "" && err == nil, "node, Chromium and playwright-core (npm install in viewer/web/testdata/e2e)")
	return node, chromium, modules
}
