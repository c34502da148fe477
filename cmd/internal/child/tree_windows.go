package child

import (
	"errors"
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A tree finds the processes under a child in the system's table of processes, which is
// one call (a snapshot of the toolhelp library, with a handle for each process to ask for
// its times, is hundreds). What they used together is kept by a job object: it has the
// times of those that ended as well.
//
// Windows tells neither bytes of disks apart from others, nor who waits for a lock.
type tree struct {
	root int
	job  windows.Handle // 0: none
	buf  []uint64       // aligned as the entries of the table want it
}

func newTree(p *os.Process) *tree {
	t := &tree{root: p.Pid, buf: make([]uint64, 64<<10)}
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return t
	}
	// Programs that start others outside of their own job must find that allowed, as they
	// would without ours.
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{}
	limits.BasicLimitInformation.LimitFlags = windows.JOB_OBJECT_LIMIT_BREAKAWAY_OK
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	if err == nil {
		assigned := errors.New("the process ended")
		if e := p.WithHandle(func(h uintptr) { assigned = windows.AssignProcessToJobObject(job, windows.Handle(h)) }); e != nil {
			assigned = e
		}
		err = assigned
	}
	if err != nil {
		windows.CloseHandle(job)
		return t
	}
	t.job = job
	return t
}

func (t *tree) waits() bool     { return false }
func (t *tree) supported() bool { return true }

func (t *tree) close() {
	if t.job != 0 {
		windows.CloseHandle(t.job) // it has no limit that would end what is in it
	}
}

// jobAccounting is JOBOBJECT_BASIC_ACCOUNTING_INFORMATION; times are in 100 ns.
type jobAccounting struct {
	totalUser, totalKernel           int64
	periodUser, periodKernel         int64
	pageFaults                       uint32
	processes, active, terminatedFor uint32
}

// total is the processor time of all processes that ever were in the job. One of 0 is not
// kept (Wine).
func (t *tree) total() (time.Duration, bool) {
	if t.job == 0 {
		return 0, false
	}
	const basicAccounting = 1 // JobObjectBasicAccountingInformation
	var a jobAccounting
	err := windows.QueryInformationJobObject(t.job, basicAccounting, uintptr(unsafe.Pointer(&a)), uint32(unsafe.Sizeof(a)), nil)
	total := time.Duration(a.totalUser+a.totalKernel) * 100
	return total, err == nil && total > 0
}

// look reports false when the child is not found.
func (t *tree) look() (look, bool) {
	all, err := t.table()
	if err != nil {
		return look{}, false
	}
	under := map[int][]proc{}
	var queue []proc
	for _, p := range all {
		if p.id.pid == t.root {
			queue = append(queue, p)
		} else {
			under[p.parent] = append(under[p.parent], p)
		}
	}
	var seen look
	for i := 0; i < len(queue); i++ {
		p := queue[i]
		seen.procs = append(seen.procs, p)
		for _, c := range under[p.id.pid] {
			if c.id.born >= p.id.born { // the number of a parent that ended may be another's now
				queue = append(queue, c)
			}
		}
		delete(under, p.id.pid)
	}
	seen.cpu, _ = t.total()
	return seen, len(seen.procs) > 0
}

// table reads all processes of the machine.
func (t *tree) table() ([]proc, error) {
	size := func() uint32 { return uint32(len(t.buf) * 8) }
	for {
		err := windows.NtQuerySystemInformation(windows.SystemProcessInformation, unsafe.Pointer(&t.buf[0]), size(), nil)
		if err == nil {
			break
		}
		if !errors.Is(err, windows.STATUS_INFO_LENGTH_MISMATCH) || len(t.buf) > 8<<20 {
			return nil, err
		}
		t.buf = make([]uint64, 2*len(t.buf))
	}
	var all []proc
	base := unsafe.Pointer(&t.buf[0])
	for at := uintptr(0); ; {
		e := (*windows.SYSTEM_PROCESS_INFORMATION)(unsafe.Add(base, at))
		name := strings.TrimSuffix(strings.ToLower(e.ImageName.String()), ".exe")
		all = append(all, proc{
			id: procID{int(e.UniqueProcessID), uint64(e.CreateTime)}, parent: int(e.InheritedFromUniqueProcessID), name: name,
			cpu: time.Duration(e.UserTime+e.KernelTime) * 100, read: -1, written: -1,
		})
		if e.NextEntryOffset == 0 {
			return all, nil
		}
		at += uintptr(e.NextEntryOffset)
	}
}

// diskBytes is not known: Windows counts bytes of pipes and sockets together with those
// of files.
func diskBytes(*os.ProcessState) (read, written int64) { return -1, -1 }
