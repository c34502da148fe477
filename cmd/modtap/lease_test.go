package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRemoveStale leaves everything alone but what a killed modtap left behind.
func TestRemoveStale(t *testing.T) {
	parent := t.TempDir()
	used, release, err := leasedDir(parent, "modtap-*")
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	leaveBehind(t, parent)
	keep := []string{filepath.Base(used)}
	for _, name := range []string{"modtap-123/notes.txt", "modtap-mine/" + leaseFile, "other-123/" + leaseFile, "modtap-124/sub/" + leaseFile} {
		if err := os.MkdirAll(filepath.Join(parent, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(parent, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		keep = append(keep, filepath.Dir(name))
	}
	keep[4] = "modtap-124"
	if runtime.GOOS != "windows" {
		// whoever may write to the folder could point us elsewhere
		outside := filepath.Join(t.TempDir(), "precious")
		if err := os.WriteFile(outside, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for name, target := range map[string]string{"modtap-125": filepath.Dir(outside), "modtap-126/" + leaseFile: outside} {
			os.MkdirAll(filepath.Join(parent, filepath.Dir(name)), 0o700)
			if err := os.Symlink(target, filepath.Join(parent, name)); err != nil {
				t.Fatal(err)
			}
		}
		keep = append(keep, "modtap-125", "modtap-126")
	}
	removeStale(parent, tempName)
	var there []string
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		there = append(there, e.Name())
	}
	slices.Sort(keep)
	if diff := cmp.Diff(keep, there); diff != "" {
		t.Errorf("what must stay (-) and what is there (+):\n%s", diff)
	}
}

// leaveBehind makes what a killed modtap run --cold does.
func leaveBehind(t *testing.T, parent string) {
	t.Helper()
	left, killed, err := leasedDir(parent, "modtap-*")
	if err != nil {
		t.Fatal(err)
	}
	killed() // the system does it
	readOnly := filepath.Join(left, "mod", "example.com@v1.0.0")
	if err := os.MkdirAll(readOnly, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(left, bundleFile), filepath.Join(readOnly, "go.mod")} {
		if err := os.WriteFile(name, nil, 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(readOnly, 0o500); err != nil {
		t.Fatal(err)
	}
}

// TestKilledRunIsTidiedUp kills modtap run --cold with -9; the next one removes what it
// left, and nothing of one that is still running.
func TestKilledRunIsTidiedUp(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("uses sh")
	}
	home, tmp := t.TempDir(), t.TempDir()
	start := func(wait string) *exec.Cmd {
		c := exec.Command("modtap", "run", "-q", "--cold", "-o", "none", "--", "sh", "-c", "echo $$; "+wait)
		c.Env = append(os.Environ(), "MODTAP_HOME="+home, "TMPDIR="+tmp)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Process.Kill() })
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		pid, _ := strconv.Atoi(strings.TrimSpace(line))
		if p, err := os.FindProcess(pid); err == nil {
			t.Cleanup(func() { p.Kill() }) // a command outlives the modtap that is killed
		}
		return c
	}
	count := func() [2]int {
		dirs, _ := filepath.Glob(filepath.Join(tmp, "modtap-*"))
		caches, _ := filepath.Glob(filepath.Join(home, "cold-*"))
		return [2]int{len(dirs), len(caches)}
	}
	killed, running := start("exec sleep 60"), start("exec sleep 60")
	killed.Process.Kill()
	killed.Wait()
	if got := count(); got != [2]int{2, 2} {
		t.Fatalf("%v folders, want two of each", got)
	}
	start("").Wait()
	if got := count(); got != [2]int{1, 1} {
		t.Errorf("%v folders are left, want those of the run that goes on", got)
	}
	running.Process.Signal(os.Interrupt)
	time.AfterFunc(5*time.Second, func() { running.Process.Kill() })
	running.Wait()
	if got := count(); got != [2]int{0, 0} {
		t.Errorf("%v folders are left at the end", got)
	}
}
