package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
)

// TestCanaryServe is TestCanary for serve, and for the environment that env prints in a
// shell whose own proxy has a password.
func TestCanaryServe(t *testing.T) {
	origintest.NeedGo(t)
	if testing.Short() {
		t.Skip("runs many commands")
	}
	_, err := exec.LookPath("curl")
	need(t, err == nil, "curl")
	w := newCanaryWorld(t, canaryRun{name: "serve", view: true, places: []canaryPlace{
		{name: "parent"}, {name: "mirror"}, {name: "userinfo"}, {name: "token"}, {name: "set-cookie"}, {name: "trailer"}, {name: "json-body"}, {name: "response-token"}, {name: "early-hint"},
	}})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	env := w.environ(t)
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.CommandContext(ctx, name, args...)
		c.Dir, c.Env, c.Stderr = w.theirs, env, &w.stderr
		return c
	}
	serve := command("modtap", "serve", "--listen", "127.0.0.1:0", "-o", filepath.Join(w.ours, "out", "x.har"), "-v", "--log-level", "trace",
		"--mirror", w.fill("mirrored.golang.test=https://user:{mirror}@echo.golang.test:$PORT"))
	serve.Stdout = &w.stdout
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	for liveView.FindString(w.stderr.String()) == "" && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond) // modtap is another process
	}
	script := w.fill(`set -e
modtap env --shell sh
eval "$(modtap env --shell sh)"
modtap env --shell sh
modtap env --shell fish
modtap env --unset --shell sh
curl -sSf 'https://user:{userinfo}@echo.golang.test:$PORT/leaks?token={token}' https://mirrored.golang.test/leaks >/dev/null
eval "$(modtap env --unset --shell sh)"
echo "$HTTPS_PROXY" > restored
touch done
`)
	var printed bytes.Buffer
	shell := command("sh", "-c", script)
	shell.Stdout = &printed
	if err := shell.Run(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, printed.String(), w.stderr.String())
	}
	w.shown["env"] = printed.Bytes()
	if restored, _ := os.ReadFile(filepath.Join(w.theirs, "restored")); !strings.Contains(string(restored), w.secrets["parent"]) {
		t.Errorf("the shell's proxy is %q after --unset", restored)
	}
	w.watch(t, ctx)
	complain := func(where string, secret canary, form string) {
		t.Errorf("the secret of %s is in %s, %s", secret.name, where, form)
	}
	w.search(t, complain) // while it runs: serve.json and what is being written
	if err := serve.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := serve.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, w.stderr.String())
	}
	w.search(t, complain)
	rec := bodies(t, filepath.Join(w.ours, "out", "x.har"))
	if len(rec) < 4 {
		t.Errorf("the recording has %d bodies", len(rec))
	}
}

var noRedactTests = []struct {
	args  []string
	warns int
}{
	{[]string{"run", "--", "true"}, 0},
	{[]string{"run", "--no-redact", "--", "true"}, 1},
	{[]string{"run", "--no-redact", "-q", "-o", "none", "--", "true"}, 1},
	{[]string{"run", "--no-redact", "-o", "none", "--view", "--", "true"}, 1},
}

// TestNoRedactWarns: whenever --no-redact is in force, wherever secrets go, and once.
func TestNoRedactWarns(t *testing.T) {
	for _, tt := range noRedactTests {
		var stderr bytes.Buffer
		env := append(os.Environ(), "MODTAP_HOME="+t.TempDir())
		if code := Main(t.Context(), tt.args, env, strings.NewReader(""), &bytes.Buffer{}, &stderr); code != 0 {
			t.Errorf("%v: exit code %d\n%s", tt.args, code, stderr.String())
		}
		if n := strings.Count(stderr.String(), "warning: passwords and tokens"); n != tt.warns {
			t.Errorf("%v warned %d times, want %d:\n%s", tt.args, n, tt.warns, stderr.String())
		}
	}
}
