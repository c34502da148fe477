package child

import (
	"os"
	"time"

	"github.com/shirou/gopsutil/v4/process"
	"golang.org/x/sys/unix"
)

// A tree finds the processes under a child in the system's table of processes. macOS does
// not tell us what a parent waited for, nor who waits for a disk or a lock.
type tree struct{ root int }

func newTree(p *os.Process) *tree { return &tree{root: p.Pid} }

func (t *tree) waits() bool                  { return false }
func (t *tree) supported() bool              { return true }
func (t *tree) close()                       {}
func (t *tree) total() (time.Duration, bool) { return 0, false }

// look reports false when the child is not found.
func (t *tree) look() (look, bool) {
	all, err := unix.SysctlKinfoProcSlice("kern.proc.all")
	if err != nil {
		return look{}, false
	}
	under := map[int][]proc{}
	var queue []proc
	for i := range all {
		k := &all[i]
		p := proc{
			id: procID{int(k.Proc.P_pid), uint64(k.Proc.P_starttime.Sec)*1e6 + uint64(k.Proc.P_starttime.Usec)}, parent: int(k.Eproc.Ppid),
			name: unix.ByteSliceToString(k.Proc.P_comm[:]), ended: k.Proc.P_stat == zombie, read: -1, written: -1,
		}
		if p.id.pid == t.root {
			queue = append(queue, p)
		} else {
			under[p.parent] = append(under[p.parent], p)
		}
	}
	var seen look
	for i := 0; i < len(queue); i++ {
		p := queue[i]
		queue = append(queue, under[p.id.pid]...)
		delete(under, p.id.pid)
		use(&p)
		seen.procs = append(seen.procs, p)
	}
	return seen, len(seen.procs) > 0
}

const zombie = 5 // SZOMB of sys/proc.h

// use fills in what the process used.
func use(p *proc) {
	of := &process.Process{Pid: int32(p.id.pid)}
	if len(p.name) >= 15 { // the table cuts names off
		if name, err := of.Name(); err == nil {
			p.name = name
		}
	}
	if t, err := of.Times(); err == nil {
		p.cpu = time.Duration((t.User + t.System) * float64(time.Second))
	}
	if io, err := of.IOCounters(); err == nil {
		p.read, p.written = int64(io.ReadBytes), int64(io.WriteBytes)
	}
}

// diskBytes is not known: what macOS says of a process that ended are operations.
func diskBytes(*os.ProcessState) (read, written int64) { return -1, -1 }
