package child

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxThreads bounds how many threads one look looks at.
const maxThreads = 1024

// A tree finds the processes under a child in /proc. Libraries for it do not read what a
// parent waited for, nor the states of threads, nor locks; and they search all of /proc
// for children, which costs more than the rest of a look.
type tree struct {
	root    int
	known   map[int]proc // by pid, of the last look
	threads int          // left to look at
	scan    bool         // the kernel does not list children: search for them
	buf     []byte
}

func newTree(p *os.Process) *tree { return &tree{root: p.Pid, buf: make([]byte, 16<<10)} }

func (t *tree) waits() bool                  { return true }
func (t *tree) supported() bool              { return true }
func (t *tree) close()                       {}
func (t *tree) total() (time.Duration, bool) { return 0, false }

// look reports false when the child is gone.
func (t *tree) look() (look, bool) {
	var seen look
	t.threads = maxThreads
	reached := map[int]proc{}
	var children map[int][]int
	if t.scan {
		children = t.allChildren()
	}
	walk := func(queue []int) {
		for i := 0; i < len(queue); i++ {
			pid := queue[i]
			if _, twice := reached[pid]; twice {
				continue
			}
			p, ok := t.process(pid)
			if !ok {
				continue
			}
			disk, ready, kids := t.lookAtThreads(&p)
			reached[pid] = p.proc
			seen.procs = append(seen.procs, p.proc)
			seen.disk, seen.ready = seen.disk || disk, seen.ready || ready
			queue = append(append(queue, kids...), children[pid]...)
		}
	}
	walk([]int{t.root})
	if len(seen.procs) == 0 {
		return look{}, false
	}
	// Those whose parent ended belong to somebody else now, and still do the command's work.
	for pid, was := range t.known {
		if _, ok := reached[pid]; ok {
			continue
		}
		if p, ok := t.process(pid); ok && p.id == was.id {
			walk([]int{pid})
		}
	}
	t.known = reached
	seen.lock = anyWaits(t.read("/proc/locks"), reached)
	return seen, true
}

// process reads what is known of one process.
func (t *tree) process(pid int) (status, bool) {
	dir := "/proc/" + strconv.Itoa(pid)
	s, ok := parseStat(t.read(dir + "/stat"))
	if !ok {
		return status{}, false
	}
	s.id.pid = pid
	if cpu, ok := processTime(pid); ok {
		s.cpu = cpu
	}
	s.name = t.fullName(dir, s.proc)
	if s.read, s.written = parseIO(t.read(dir + "/io")); s.read < 0 || s.written < 0 {
		s.read, s.written = t.unread(dir, s)
	}
	return s, true
}

// unread is what to take for the bytes of a process whose io cannot be read. Of one that
// ends or has ended only root can, and what it did since the last look is found with its
// parent, once that has waited for it; -1 is left for what is another user's, or where the
// kernel does not count.
func (t *tree) unread(dir string, s status) (read, written int64) {
	if now, ok := parseStat(t.read(dir + "/stat")); ok && now.id.born == s.id.born && !now.exiting {
		return -1, -1
	}
	if was, ok := t.known[s.id.pid]; ok && was.id == s.id {
		return was.read, was.written
	}
	return 0, 0
}

// fullName finds a name that the kernel cut off after 15 bytes (git-remote-https).
func (t *tree) fullName(dir string, p proc) string {
	if len(p.name) < 15 {
		return p.name
	}
	if was := t.known[p.id.pid]; was.id == p.id && strings.HasPrefix(was.name, p.name) {
		return was.name // one that ended has no command line any more
	}
	command, _, _ := bytes.Cut(t.read(dir+"/cmdline"), []byte{0})
	if base := filepath.Base(string(command)); strings.HasPrefix(base, p.name) {
		return base
	}
	return p.name
}

// lookAtThreads reports whether a thread of p waits for a disk, whether one is running or
// ready to, and the children of p. It adds up how long the threads waited for a processor.
func (t *tree) lookAtThreads(p *status) (disk, ready bool, children []int) {
	dir := "/proc/" + strconv.Itoa(p.id.pid) + "/task"
	tids := []string{strconv.Itoa(p.id.pid)}
	if p.threads > 1 {
		if f, err := os.Open(dir); err == nil {
			if names, err := f.Readdirnames(maxThreads); err == nil {
				tids = names
			}
			f.Close()
		}
	}
	for _, tid := range tids {
		if t.threads--; t.threads < 0 {
			break
		}
		thread := dir + "/" + tid
		state := p.state
		if len(tids) > 1 {
			s, _ := parseStat(t.read(thread + "/stat"))
			state = s.state
		}
		disk = disk || state == 'D' && !startsProcess(t.read(thread+"/wchan"))
		ready = ready || state == 'R'
		p.queued += parseQueued(t.read(thread + "/schedstat"))
		if t.scan {
			continue
		}
		kids := t.read(thread + "/children")
		for _, pid := range bytes.Fields(kids) {
			if n, err := strconv.Atoi(string(pid)); err == nil {
				children = append(children, n)
			}
		}
		if kids == nil && p.id.pid == t.root && tid == strconv.Itoa(t.root) {
			if _, err := os.Stat(thread); err == nil {
				t.scan = true // from the next look on
			}
		}
	}
	return disk, ready, children
}

// startsProcess reports whether a thread that sleeps there has started a process and waits
// until that has loaded its program: that is state D too.
func startsProcess(wchan []byte) bool {
	return bytes.Contains(wchan, []byte("vfork")) || bytes.Contains(wchan, []byte("kernel_clone"))
}

// allChildren finds the children of every process.
func (t *tree) allChildren() map[int][]int {
	f, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(-1)
	children := map[int][]int{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, ok := parseStat(t.read("/proc/" + name + "/stat")); ok {
			children[s.parent] = append(children[s.parent], pid)
		}
	}
	return children
}

// read returns what is in a file of /proc, nil if it cannot be read. It holds until the
// next read. (os.ReadFile would take twice the time: it asks for the size, and whether it
// can wait for data.)
func (t *tree) read(path string) []byte {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	n := 0
	for {
		m, err := unix.Read(fd, t.buf[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil
		}
		if n += m; m == 0 || n == maxProcFile {
			return t.buf[:n:n]
		}
		if n == len(t.buf) {
			t.buf = append(t.buf, make([]byte, min(n, maxProcFile-n))...)
		}
	}
}

// maxProcFile bounds what is read of one file of /proc; locks of a busy server are many.
const maxProcFile = 1 << 20

// processTime is the processor time of a process. /proc has it too, in steps of 10 ms.
func processTime(pid int) (time.Duration, bool) {
	const cpuClock = 2 // CPUCLOCK_SCHED of the kernel; see clock_getcpuclockid(3)
	return clock(int32(^pid<<3 | cpuClock))
}

// diskBytes is what a child that ended, and its waited-for children, read and wrote.
func diskBytes(s *os.ProcessState) (read, written int64) {
	r, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return -1, -1
	}
	const block = 512 // whatever the disk's own
	return int64(r.Inblock) * block, int64(r.Oublock) * block
}
