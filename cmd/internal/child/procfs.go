package child

import (
	"bytes"
	"strconv"
	"time"
)

// The files of Linux's /proc are described in proc(5). What is read here is whatever a
// kernel wrote, on any system, so that it can be tested on any.

// A status is what stat says of a process or a thread.
type status struct {
	proc
	state   byte // R, S, D, Z …
	threads int
	exiting bool // it has let go of its memory, or is about to; from then on it is root's
}

// exitFlag is PF_EXITING of the kernel's include/linux/sched.h.
const exitFlag = 0x4

// tick is the unit of times in stat; it is 10 ms on every architecture of this decade.
const tick = 10 * time.Millisecond

// parseStat reads /proc/PID/stat or /proc/PID/task/TID/stat.
func parseStat(b []byte) (status, bool) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')') // names have any bytes
	if open < 0 || end < open {
		return status{}, false
	}
	f := bytes.Fields(b[end+1:])
	if len(f) < 20 {
		return status{}, false
	}
	ok := true
	number := func(i int) int64 { // i counts from 1, as in proc(5)
		n, err := strconv.ParseInt(string(f[i-3]), 10, 64)
		ok = ok && err == nil
		return max(0, n)
	}
	ticks := func(i int) time.Duration { return time.Duration(min(number(i), 1<<38)) * tick }
	s := status{state: f[0][0], threads: int(number(20))}
	s.name, s.parent = string(b[open+1:end]), int(number(4))
	s.cpu, s.waited = ticks(14)+ticks(15), ticks(16)+ticks(17)
	s.id.born = uint64(number(22))
	s.ended = s.state == 'Z' || s.state == 'X'
	s.exiting = s.ended || number(9)&exitFlag != 0
	return s, ok
}

// parseIO reads /proc/PID/io: the bytes that went from and to disks, those of children
// that were waited for included; -1 when the kernel does not count them, or the process
// is another user's, or has ended.
func parseIO(b []byte) (read, written int64) {
	read, written = -1, -1
	for line := range bytes.Lines(b) {
		name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": "))
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || n < 0 {
			continue
		}
		switch string(name) {
		case "read_bytes":
			read = n
		case "write_bytes":
			written = n
		}
	}
	return read, written
}

// anyWaits reports whether /proc/locks says that one of pids waits for a lock of another
// process. A waiting one follows the one that holds the lock, under the same number:
//
//	1: FLOCK  ADVISORY  WRITE 4711 fe:00:400502 0 EOF
//	1: -> FLOCK  ADVISORY  WRITE 4712 fe:00:400502 0 EOF
func anyWaits(locks []byte, pids map[int]proc) bool {
	var number, holder string
	for line := range bytes.Lines(locks) {
		f := bytes.Fields(line)
		if len(f) < 6 {
			continue
		}
		if string(f[1]) != "->" {
			number, holder = string(f[0]), string(f[4])
			continue
		}
		pid, err := strconv.Atoi(string(f[5]))
		if _, ours := pids[pid]; err == nil && ours && string(f[0]) == number && string(f[5]) != holder {
			return true
		}
	}
	return false
}

// parseQueued reads how long a thread was ready to run and had no processor: the second
// number of schedstat, in nanoseconds (Documentation/scheduler/sched-stats.rst of the
// kernel); 0 where the kernel does not count it.
func parseQueued(schedstat []byte) time.Duration {
	fields := bytes.Fields(schedstat)
	if len(fields) < 2 {
		return 0
	}
	n, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n)
}
