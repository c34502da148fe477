package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"modtap/intercept/origintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var usageTests = []struct {
	name string
	args []string
	want string
}{
	{"an argument", []string{"x"}, `unexpected argument "x"`},
	{"a bad knob", []string{"-knob", "colour=red"}, `unknown word "colour=red"`},
	{"a bad handshake", []string{"-handshake", "fail=x"}, `unknown handshake failure "x"`},
	{"a bad certificate", []string{"-cert", "ugly"}, `unknown kind of certificate "ugly"`},
	{"a bad address", []string{"-dns", "127.0.0.1:0", "-dns-a", "here"}, `ParseAddr("here")`},
	{"a service that cannot start", []string{"-connect", "127.0.0.1:0", "-control", "nowhere"}, "start the control service"},
	{"help", []string{"-h"}, flag.ErrHelp.Error()},
}

func TestUsage(t *testing.T) {
	for _, tt := range usageTests {
		t.Run(tt.name, func(t *testing.T) {
			err := run(t.Context(), tt.args, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// command runs the command in the background until stop, which returns its counts.
func command(t *testing.T, args ...string) (vars map[string]string, stop func() origintest.Stats) {
	t.Helper()
	dir := t.TempDir()
	env, stats := filepath.Join(dir, "env"), filepath.Join(dir, "stats.json")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var out bytes.Buffer
	go func() { done <- run(ctx, append(args, "-env", env, "-stats", stats), &out, io.Discard) }()
	vars = map[string]string{}
	for {
		select {
		case err := <-done:
			cancel()
			t.Fatalf("the command ended: %v", err)
		case <-time.After(5 * time.Millisecond): // a shell waits for the file in the same way
		}
		if b, err := os.ReadFile(env); err == nil {
			for line := range strings.Lines(string(b)) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				vars[name] = value
			}
			break
		}
	}
	return vars, func() origintest.Stats {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if !strings.Contains(out.String(), "GOPROXY="+vars["GOPROXY"]) {
			t.Errorf("standard output has no GOPROXY: %s", &out)
		}
		var s origintest.Stats
		b, err := os.ReadFile(stats)
		if err == nil {
			err = json.Unmarshal(b, &s)
		}
		if err != nil {
			t.Error(err)
		}
		return s
	}
}

func TestGoDownload(t *testing.T) {
	origintest.NeedGo(t)
	dir := t.TempDir()
	ca, project := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "project")
	vars, stop := command(t, "-ca", ca, "-project", project, "-modules", "4", "-connect", "127.0.0.1:0", "-prefix", "/goproxy", "-alpn", "http/1.1")
	// GoEnv wants an origin of this process; its values are replaced by the command's.
	env := origintest.GoEnv(t, origintest.Start(t, origintest.Config{}), "HTTPS_PROXY="+vars["ORIGIN_CONNECT"])
	for _, name := range []string{"GOPROXY", "GOSUMDB", "SSL_CERT_FILE"} {
		env = append(env, name+"="+vars[name])
	}
	cmd := exec.Command("go", "mod", "download")
	cmd.Dir, cmd.Env = project, env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	s := stop()
	zips := 0
	for _, r := range s.Requests {
		if r.Kind == "zip" && r.Status == 200 && r.Proto == "HTTP/1.1" {
			zips++
		}
	}
	if zips != 4 || s.Handshakes == 0 || len(s.Conns) < s.Handshakes {
		t.Errorf("%d zips, %d handshakes, %d connections", zips, s.Handshakes, len(s.Conns))
	}
}

func TestControl(t *testing.T) {
	vars, stop := command(t, "-control", "127.0.0.1:0", "-dns", "127.0.0.1:0", "-banner", "127.0.0.1:0")
	defer stop()
	post := func(path, body string, want int) {
		t.Helper()
		resp, err := http.Post(vars["ORIGIN_CONTROL"]+path, "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("POST %s: %d %s, want %d", path, resp.StatusCode, text, want)
		}
	}
	post("/knobs", "kind=zip status=503\n\nfirst-byte=1ms\n", 204)
	post("/knobs", "kind", 400)
	post("/handshakes", "delay=1ms\n", 204)
	post("/forget", "", 204)
	resp, err := http.Get(vars["ORIGIN_CONTROL"] + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var s origintest.Stats
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"ORIGIN_DNS", "ORIGIN_BANNER", "ORIGIN_ADDR"} {
		if vars[name] == "" {
			t.Errorf("no %s in %v", name, vars)
		}
	}
	post("/stop", "", 204)
	http.DefaultClient.CloseIdleConnections()
}
