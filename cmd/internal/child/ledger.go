package child

import (
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A look is what was seen of the tree at one instant.
type look struct {
	procs []proc // parents before their children; the first is the child itself
	disk  bool   // a thread waited for a disk
	lock  bool   // a process waited for a file lock of another
	ready bool   // a thread ran, or could have
	// cpu is the processor time of all processes that ever were in the tree, where the system
	// keeps it; 0: it does not.
	cpu time.Duration
}

// A proc is one process at one instant. Times and bytes count from its start.
type proc struct {
	id      procID
	parent  int // pid
	name    string
	cpu     time.Duration // its own
	waited  time.Duration // of its children that ended and were waited for, and theirs
	read    int64         // bytes from disks, those of such children included; -1: not known
	written int64
	queued  time.Duration // its threads that live were ready to run, without a processor
	ended   bool          // and was not waited for yet
}

// A procID names a process: pids are used again.
type procID struct {
	pid  int
	born uint64 // when it started, in units of the system's own
}

// A usage is what a whole tree used.
type usage struct {
	cpu           time.Duration
	read, written int64 // -1: not known
}

// A ledger turns looks into samples whose sums agree with what the tree used in all.
//
// A process that ended is not seen again; its time is found with its parent, which waited
// for it. A look is no single instant: a process may end while it is taken, be found
// neither alive nor waited for, and its time be found by the next look. So it is the sum
// that counts, and a sample is what the sum has grown by.
type ledger struct {
	waits bool // procs have waited-for times
	at    time.Time
	root  procID // the child's
	last  map[procID]proc
	gone  usage // of processes that ended and that nobody of the tree waited for
	given usage // the sum of all samples
	blind bool  // bytes could not be read
}

func newLedger(start time.Time, waits bool) ledger { return ledger{waits: waits, at: start} }

// starved: a tree that used less than this part of an interval had no processor in it, when
// a thread of it is ready at the end. chosen
const starved = 20

// enter returns the sample that ends now.
func (l *ledger) enter(now time.Time, seen look) Sample {
	current := make(map[procID]proc, len(seen.procs))
	for _, p := range seen.procs {
		current[p.id] = p
	}
	vanished := l.vanished(current)
	for _, p := range vanished {
		if !l.waits || l.parentOf(p) == nil {
			l.gone.cpu += p.cpu + p.waited
			l.gone.read += max(0, p.read)
			l.gone.written += max(0, p.written)
		}
	}
	sum := l.gone
	for _, p := range seen.procs {
		sum.cpu += p.cpu + p.waited
		sum.read, sum.written = plus(sum.read, p.read), plus(sum.written, p.written)
	}
	l.blind = l.blind || sum.read < 0 || sum.written < 0
	if seen.cpu > 0 {
		sum.cpu = seen.cpu
	}
	s := l.grow(now, sum, true)
	if seen.disk {
		s.Disk = s.Took
	}
	if seen.lock {
		s.Lock = s.Took
	}
	for _, p := range seen.procs {
		s.Queued += max(0, p.queued-l.last[p.id].queued)
	}
	if seen.ready && s.CPU < s.Took/starved {
		s.Queued = max(s.Queued, s.Took)
	}
	s.Tools = l.tools(seen.procs, vanished)
	l.root, l.last = seen.procs[0].id, current
	return s
}

// finish returns the last sample, of a tree whose child ended. total is what the child and
// those it waited for used, or, if the system kept it, all that ever were in the tree.
func (l *ledger) finish(end time.Time, total usage, kept bool) Sample {
	switch {
	case kept:
	case l.waits:
		total.cpu += l.gone.cpu
	default:
		total.cpu = max(total.cpu, l.seen())
	}
	total.read, total.written = plus(total.read, l.gone.read), plus(total.written, l.gone.written)
	if l.blind {
		total.read, total.written = -1, -1
	}
	// What is known from the end of the child alone belongs to the whole run: where children
	// that ended were not seen until now, it must not be made the work of its last moment.
	s := l.grow(end, total, !l.waits && !kept)
	s.Tools = l.tools(nil, l.vanished(nil))
	return s
}

// seen is the processor time of all processes when they were last looked at.
func (l *ledger) seen() time.Duration {
	sum := l.gone.cpu
	for _, p := range l.last {
		sum += p.cpu + p.waited
	}
	return sum
}

// grow makes the sample up to now, when the tree had used sum.
func (l *ledger) grow(now time.Time, sum usage, bounded bool) Sample {
	s := Sample{End: now, Took: max(0, now.Sub(l.at)), CPU: max(0, sum.cpu-l.given.cpu), Read: -1, Written: -1}
	if bounded {
		s.CPU = min(s.CPU, s.Took*time.Duration(runtime.NumCPU())) // the rest is the next one's
	}
	l.given.cpu += s.CPU
	if sum.read >= 0 {
		s.Read = max(0, sum.read-l.given.read)
		l.given.read += s.Read
	}
	if sum.written >= 0 {
		s.Written = max(0, sum.written-l.given.written)
		l.given.written += s.Written
	}
	l.at = now
	return s
}

// plus adds bytes, of which -1 is not known.
func plus(sum, n int64) int64 {
	if sum < 0 || n < 0 {
		return -1
	}
	return sum + n
}

// vanished are the processes of the last look that are not in current, in the order of
// their ids, so that results do not depend on chance.
func (l *ledger) vanished(current map[procID]proc) []proc {
	var out []proc
	for id, p := range l.last {
		if _, ok := current[id]; !ok {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b proc) int { return a.id.pid - b.id.pid })
	return out
}

// parentOf is who waits for p, nil when nobody of the tree does.
func (l *ledger) parentOf(p proc) *proc {
	for id, q := range l.last {
		if id.pid == p.parent && id != p.id {
			return &q
		}
	}
	return nil
}

// tools says what the programs under the child did since the last look.
func (l *ledger) tools(procs, vanished []proc) []Tool {
	all := map[string]Tool{}
	count := func(p proc, n, ended int, cpu time.Duration) {
		t := all[p.name]
		all[p.name] = Tool{Name: p.name, Count: t.Count + n, CPU: t.CPU + max(0, cpu), ended: t.ended + ended}
	}
	for i, p := range procs {
		before := l.last[p.id]
		l.waitedFor(p, p.waited-before.waited, vanished, count)
		if i == 0 || !isTool(p.name) || before.ended {
			continue
		}
		ended := 0
		if p.ended {
			ended = 1
		}
		count(p, 1, ended, p.cpu-before.cpu)
	}
	for _, p := range vanished {
		if p.id != l.root && isTool(p.name) && !p.ended {
			count(p, 1, 1, 0)
		}
	}
	return byName(all)
}

// waitedFor shares out what p waited for since the last look: the part that was not seen
// while the processes lived goes to those under p that ended, in equal parts.
func (l *ledger) waitedFor(p proc, grown time.Duration, vanished []proc, count func(p proc, n, ended int, cpu time.Duration)) {
	var under []proc
	for _, v := range vanished {
		if l.isUnder(v, p.id.pid) {
			under = append(under, v)
			grown -= v.cpu + v.waited
		}
	}
	switch {
	case grown <= 0:
	case len(under) == 0:
		count(proc{name: UnknownTool}, 0, 0, grown)
	default:
		for _, v := range under {
			if isTool(v.name) {
				count(v, 0, 0, grown/time.Duration(len(under)))
			}
		}
	}
}

// isUnder reports whether p was a child of pid, or a child of one that ended with it.
func (l *ledger) isUnder(p proc, pid int) bool {
	for range len(l.last) { // parents make no circle, but what is read may be torn
		if p.parent == pid {
			return true
		}
		parent := l.parentOf(p)
		if parent == nil {
			return false
		}
		p = *parent
	}
	return false
}

// goName is what the go command's program is called, also that of golang.org/dl.
var goName = regexp.MustCompile(`^go(1\.[0-9.]+((rc|beta)[0-9]+)?)?$`)

// IsGo reports whether a program of that name, without its folder, is a go command: go,
// go1.25.3, Go.exe.
func IsGo(name string) bool {
	return goName.MatchString(strings.TrimSuffix(strings.ToLower(name), ".exe"))
}

// isTool reports whether a program counts as a tool. One that is just being started may
// have no name yet.
func isTool(name string) bool { return name != "" && !IsGo(name) }

func byName(tools map[string]Tool) []Tool {
	var out []Tool
	for _, name := range slices.Sorted(maps.Keys(tools)) {
		out = append(out, tools[name])
	}
	return out
}
