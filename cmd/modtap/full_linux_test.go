package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// tinyDisk mounts a file system of size bytes, as the mount option has it.
func tinyDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("modtap-test", dir, "tmpfs", 0, "size="+size)
	need(t, err == nil, fmt.Sprintf("root, to mount a small tmpfs (%v)", err))
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// TestDiskFullUnderACommand records a real go command to a disk that is too small: the
// command ends as it would have, and modtap says what is missing.
func TestDiskFullUnderACommand(t *testing.T) {
	origintest.NeedGo(t)
	disk := tinyDisk(t, "32k")
	shape := origintest.Shape{Modules: 12, Depth: 3}
	tree, err := origintest.NewTree(shape.Generate())
	if err != nil {
		t.Fatal(err)
	}
	o := origintest.Start(t, origintest.Config{Tree: tree})
	dns := origintest.StartDNS(t, origintest.DNSConfig{})
	for _, code := range []int{0, 7} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		o.Forget()
		file, keys, log := filepath.Join(disk, "x.har"), filepath.Join(disk, "keys"), filepath.Join(disk, "log")
		c := exec.CommandContext(ctx, "modtap", "run", "-o", file, "--keylog", keys, "--log-file", log, "--log-level", "trace", "--resolver", dns.Addr(), "--",
			"sh", "-c", fmt.Sprintf("go mod download && sleep 0.3 && echo DONE >&2; exit %d", code))
		c.Dir, c.Env = origintest.Project(t, "", shape.All()...), append(origintest.GoEnv(t, o), "MODTAP_HOME="+t.TempDir())
		var stderr bytes.Buffer
		c.Stderr = &stderr
		err := c.Run()
		if c.ProcessState.ExitCode() != code {
			t.Errorf("%v, want the command's own exit code %d", err, code)
		}
		during, after, _ := strings.Cut(stderr.String(), "DONE\n")
		line := "modtap: warning: cannot record to " + file + ": no space left on device; traffic goes on, and is recorded again as soon as that works\n"
		if strings.Count(during, line) != 1 || strings.Count(stderr.String(), "warning: cannot record") != 1 {
			t.Errorf("one line while the command runs is wanted, %q; there is\n%s", line, stderr.String())
		}
		rec, err := har.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		all := len(o.Requests())
		if missing := all - len(rec.Exchanges); missing < 1 || len(rec.Exchanges) < 1 ||
			!strings.Contains(after, fmt.Sprintf("%d of %d requests are missing from the recording: no space left on device\n", missing, all)) {
			t.Errorf("%d requests, %d entries, and the summary says\n%s", all, len(rec.Exchanges), after)
		}
		t.Logf("exit %d, %d requests, %d entries", code, all, len(rec.Exchanges))
	}
}

// TestDiskFullBeforeTheCommand has no room for a recording in the recordings folder, and
// none for keys and messages: the command downloads all the same.
func TestDiskFullBeforeTheCommand(t *testing.T) {
	origintest.NeedGo(t)
	home := tinyDisk(t, "32k")
	if err := os.MkdirAll(filepath.Join(home, "recordings"), 0o700); err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(home, "ballast"), make([]byte, 64<<10), 0o600) // fails when the disk is full
	shape := origintest.Shape{Modules: 3, Depth: 1}
	tree, err := origintest.NewTree(shape.Generate())
	if err != nil {
		t.Fatal(err)
	}
	o := origintest.Start(t, origintest.Config{Tree: tree})
	dns := origintest.StartDNS(t, origintest.DNSConfig{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "modtap", "run", "--keylog", "/dev/full", "--log-file", "/dev/full", "--log-level", "trace", "--resolver", dns.Addr(),
		"--", "go", "mod", "download")
	c.Dir, c.Env = origintest.Project(t, "", shape.All()...), append(origintest.GoEnv(t, o), "MODTAP_HOME="+home)
	out, err := c.CombinedOutput()
	if err != nil || len(o.Requests()) < 6 {
		t.Errorf("%v, %d requests", err, len(o.Requests()))
	}
	for _, line := range []string{
		"warning: nothing is recorded: record to ", "warning: cannot write keys to /dev/full: no space left on device; ", "\nrecording  none: record to ",
	} {
		if strings.Count(string(out), line) != 1 {
			t.Errorf("one %q is wanted in\n%s", line, out)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(home, "recordings", "*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	if fi, err := os.Stat("/dev/full"); err == nil && fi.Mode().Perm()&0o066 == 0 {
		t.Errorf("/dev/full has mode %v now", fi.Mode())
	}
}

// TestDiskFullUnderServe fills the disk and makes room again.
func TestDiskFullUnderServe(t *testing.T) {
	disk := tinyDisk(t, "256k")
	ballast := filepath.Join(disk, "ballast") // without it there is room for all that is asked for
	if err := os.WriteFile(ballast, make([]byte, 228<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	o := origintest.Start(t, origintest.Config{})
	s := startSubject(t, o, filepath.Join(disk, "x.har"))
	client := s.client("h2", "http/1.1")
	n := 0
	get := func() {
		t.Helper()
		n++
		resp, err := client.Get(fmt.Sprintf("%s/bytes/10?n=%d", o.URL(), n))
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Fatal(resp.Status)
		}
	}
	const loud = "warning: cannot record to "
	for !strings.Contains(s.stderr.String(), loud) && n < 60 {
		get()
		time.Sleep(2 * time.Millisecond) // the recorder writes a moment after the answer
	}
	for range 50 { // what is left of the disk after a batch that did not fit may take some
		get()
	}
	o.Wait(t.Context())
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	before := n
	for range 10 {
		get()
	}
	code := s.stop()
	text := s.stderr.String()
	rec, err := har.Open(s.file)
	if err != nil {
		t.Fatal(err)
	}
	missing := n - len(rec.Exchanges)
	if missing < 1 || !strings.Contains(text, fmt.Sprintf("%d of %d requests are missing", missing, n)) || rec.Missing != uint64(missing) {
		t.Errorf("%d requests, %d entries, the HAR says that %d are missing;\n%s", n, len(rec.Exchanges), rec.Missing, text)
	}
	if strings.Count(text, loud) != 1 || code != exitFailed {
		t.Errorf("exit %d, want %d, and one line %q in\n%s", code, exitFailed, loud, text)
	}
	for i := range rec.Exchanges {
		if x := rec.Exchanges[len(rec.Exchanges)-1-i]; i < n-before && !strings.HasSuffix(x.URL, fmt.Sprintf("n=%d", n-i)) {
			t.Errorf("entry %d from the end is %s, want request %d: there was room again", i, x.URL, n-i)
		}
	}
	t.Logf("%d requests, %d missing", n, missing)
}
