package child

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWaitForALock: another process, this one, holds the lock until the child has waited
// for it for a while.
func TestWaitForALock(t *testing.T) {
	dir := programs(t, "top", "go")
	file := filepath.Join(dir, "cache.lock")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	const held = time.Second
	released := make(chan struct{})
	go func() {
		defer close(released)
		for deadline := time.Now().Add(20 * time.Second); !hasWaiter(f) && time.Now().Before(deadline); {
			time.Sleep(5 * time.Millisecond) // the kernel tells nobody
		}
		time.Sleep(held) // that is what is measured
		_ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	}()
	samples, r, _ := watch(t, dir, "run:go=lock:"+file+",sleep:400ms")
	<-released
	// On a busy machine looks come late: one that finds the wait over counts nothing of the
	// interval before it.
	if got := all(samples).Lock; got < held/4 || got > r.End.Sub(r.Start)-200*time.Millisecond {
		t.Errorf("saw it wait for %v of %v; the lock was held for %v", got, r.End.Sub(r.Start), held)
	}
}

// hasWaiter reports whether somebody waits for the lock of f.
func hasWaiter(f *os.File) bool {
	fi, err := f.Stat()
	if err != nil {
		return false
	}
	inode := fmt.Sprintf(":%d 0 EOF", fi.Sys().(*syscall.Stat_t).Ino)
	locks, err := os.ReadFile("/proc/locks")
	for line := range strings.Lines(string(locks)) {
		if err == nil && strings.Contains(line, "->") && strings.Contains(line, inode) {
			return true
		}
	}
	return false
}

func TestBytesOnDisk(t *testing.T) {
	dir := programs(t, "top", "git")
	file := filepath.Join(dir, "data")
	samples, r, _ := watch(t, dir, "sleep:50ms,run:git=write:"+file+",sleep:100ms")
	sum := all(samples)
	if r.written == 0 {
		t.Skip("this file system does not count")
	}
	if sum.Written < 4<<20 || sum.Written > r.written+1<<20 || sum.Written < r.written {
		t.Errorf("%d bytes were written, the child's own account has %d", sum.Written, r.written)
	}
}

// TestBytesOfTheEnded: what a user other than root cannot read of a process that has ended
// makes nothing of the others unknown.
func TestBytesOfTheEnded(t *testing.T) {
	c := exec.Command("sh", "-c", "sleep 0.1 & exec sleep 60") // who does not wait for its child
	if os.Getuid() == 0 {
		const nobody = 65534
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		runtime.LockOSThread() // and it ends with the test
		if err := unix.Setfsuid(nobody); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Start(); err != nil {
		t.Skip("this user cannot be another: ", err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	known := newTree(c.Process)
	for ended := false; !ended; time.Sleep(5 * time.Millisecond) {
		for _, tr := range []*tree{known, newTree(c.Process)} {
			seen, ok := tr.look()
			if !ok {
				t.Fatal("the processes are gone")
			}
			for _, p := range seen.procs {
				ended = ended || p.ended
				if p.id.pid == c.Process.Pid && p.read < 0 {
					t.Skip("this kernel does not count")
				}
				if p.read < 0 || p.written < 0 {
					t.Fatalf("of %+v the bytes are not known", p)
				}
			}
		}
	}
}

// TestSearchForChildren: without a kernel that lists them the same processes are found.
func TestSearchForChildren(t *testing.T) {
	dir := programs(t, "top", "go", "git")
	p, err := Start(Command{
		Path: filepath.Join(dir, "top"), Args: []string{"top"}, Env: append(os.Environ(), "CHILD_TEST=run:go=run:git=sleep:1m", "CHILD_TEST_DIR="+dir),
	})
	if err != nil {
		t.Fatal(err)
	}
	tr := newTree(p.cmd.Process)
	names := func() string {
		seen, _ := tr.look()
		var all []string
		for _, p := range seen.procs {
			all = append(all, p.name)
		}
		return strings.Join(all, " ")
	}
	for deadline := time.Now().Add(10 * time.Second); names() != "top go git"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("found %s", names())
		}
	}
	tr.scan = true
	if got := names(); got != "top go git" {
		t.Errorf("searching found %s", got)
	}
	s := Catch()
	defer s.Stop()
	// A child that is killed leaves its own behind; they are still looked at.
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.Wait(s)
	for _, q := range tr.known {
		if q.id.pid != tr.root {
			_ = syscall.Kill(q.id.pid, syscall.SIGKILL)
		}
	}
}

func TestStartsProcess(t *testing.T) {
	for wchan, want := range map[string]bool{"wait_for_vfork_done": true, "kernel_clone": true, "io_schedule": false, "0": false, "": false} {
		if got := startsProcess([]byte(wchan)); got != want {
			t.Errorf("%q: %v", wchan, got)
		}
	}
}

func TestReadOfLongFiles(t *testing.T) {
	tr := &tree{buf: make([]byte, 16)}
	name := filepath.Join(t.TempDir(), "long")
	want := bytes.Repeat([]byte("0123456789"), 1000)
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := tr.read(name); !bytes.Equal(got, want) {
		t.Errorf("read %d bytes of %d", len(got), len(want))
	}
	if got := tr.read(name + "x"); got != nil {
		t.Errorf("read %q from nothing", got)
	}
}

func BenchmarkLook(b *testing.B) {
	tr := newTree(&os.Process{Pid: os.Getpid()})
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := tr.look(); !ok {
			b.Fatal("not found")
		}
	}
}
