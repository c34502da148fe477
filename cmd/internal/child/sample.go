package child

import (
	"runtime"
	"slices"
	"time"
)

// A Sample is what a child and all processes under it did in one interval.
type Sample struct {
	End  time.Time // of the interval
	Took time.Duration
	CPU  time.Duration // processor time of the whole tree
	// Read and Written are bytes from and to disks; -1: this system does not say.
	Read, Written int64
	// Disk and Lock are the interval's length when, at its end, a thread of the tree waited
	// for a disk, or a process of it for a file lock of another process; otherwise 0.
	// Merged samples have sums.
	Disk, Lock time.Duration
	// Queued is how long threads of the tree could run and had no processor, summed over
	// them; 0 where this system does not say. The kernel counts it when the thread gets a
	// processor at last: of one that has none yet it is the interval's length, an estimate.
	Queued time.Duration
	Tools  []Tool // by name
}

// A Tool is what one program under the child did in a Sample. The child itself and the go
// command are none.
type Tool struct {
	Name  string // UnknownTool for what began and ended between two looks
	Count int    // processes of that name at the end of the interval, or that ended in it; 0 of UnknownTool
	CPU   time.Duration
	ended int // of Count
}

// UnknownTool stands for programs that were never seen: their parent waited for them, so
// their processor time is known all the same.
const UnknownTool = "?"

const (
	// fineTime is how long after the start of a child the looks are fineStep apart, so that
	// short gaps between requests can be told from each other; then it is step.
	fineTime = 2 * time.Second
	fineStep = 20 * time.Millisecond
	step     = 100 * time.Millisecond
	// rest bounds the cost: after a look that cost d there is none for rest*d (1 %).
	rest = 100
	// maxStep bounds the interval where looks are dear.
	maxStep = 2 * time.Second
	// maxSamples is how many samples are kept.
	maxSamples = 2000
	// maxScale is how often the steps can have doubled: with so long ones a week is recorded.
	maxScale = 1 << 12
)

// A Watch looks at a child and the processes under it from time to time. End it.
type Watch struct {
	tree    *tree
	ledger  ledger
	started time.Time
	stop    chan struct{}
	done    chan struct{}
	cost    time.Duration // processor time of all looks
	scale   time.Duration // of the steps: doubled when samples are merged
	samples []Sample
}

// Watch starts to look at p and what it starts.
func (p *Process) Watch() *Watch {
	t := newTree(p.cmd.Process)
	w := &Watch{
		tree: t, ledger: newLedger(p.start, t.waits()), started: p.start,
		stop: make(chan struct{}), done: make(chan struct{}), scale: 1,
	}
	go w.run()
	return w
}

func (w *Watch) run() {
	defer close(w.done)
	timer := time.NewTimer(fineStep)
	defer timer.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-timer.C:
		}
		timer.Reset(w.pause(w.look()))
	}
}

// pause is the time until the next look, after one that cost d.
func (w *Watch) pause(d time.Duration) time.Duration {
	every := step
	if time.Since(w.started) < fineTime {
		every = fineStep
	}
	return max(every*w.scale, min(rest*d, maxStep))
}

// look adds a sample and returns what it cost.
func (w *Watch) look() time.Duration {
	runtime.LockOSThread() // its processor time is looked at
	defer runtime.UnlockOSThread()
	now := time.Now()
	spent := stopwatch(now)
	if seen, ok := w.tree.look(); ok {
		w.add(w.ledger.enter(now, seen))
	}
	cost := spent()
	w.cost += cost
	return cost
}

// add keeps s, and merges neighbours when there are too many.
func (w *Watch) add(s Sample) {
	w.samples = append(w.samples, s)
	if len(w.samples) >= maxSamples {
		w.samples = halve(w.samples)
		w.scale = min(2*w.scale, maxScale)
	}
}

// End ends looking at a child that ended as r says. It returns the samples, which follow
// each other without gaps from the start of the child to its end, and the processor time
// that they cost; no samples where this system does not let us look.
func (w *Watch) End(r Result) ([]Sample, time.Duration) {
	close(w.stop)
	<-w.done
	defer w.tree.close()
	if !w.tree.supported() {
		return nil, 0
	}
	total := usage{cpu: r.User + r.System, read: r.read, written: r.written}
	cpu, kept := w.tree.total()
	if kept {
		total.cpu = cpu
	}
	w.samples = append(w.samples, w.ledger.finish(r.End, total, kept))
	return w.samples, w.cost
}

// halve merges neighbours; of an odd number the last stays as it is.
func halve(samples []Sample) []Sample {
	var out []Sample
	for pair := range slices.Chunk(samples, 2) {
		s := pair[0]
		if len(pair) == 2 {
			s = merge(pair[0], pair[1])
		}
		out = append(out, s)
	}
	return out
}

// merge makes one sample of two neighbours.
func merge(a, b Sample) Sample {
	s := Sample{
		End: b.End, Took: a.Took + b.Took, CPU: a.CPU + b.CPU,
		Read: plus(a.Read, b.Read), Written: plus(a.Written, b.Written),
		Disk: a.Disk + b.Disk, Lock: a.Lock + b.Lock, Queued: a.Queued + b.Queued,
	}
	tools := map[string]Tool{}
	for _, t := range a.Tools {
		t.Count = t.ended // those that lived on are counted in b
		tools[t.Name] = t
	}
	for _, t := range b.Tools {
		was := tools[t.Name]
		tools[t.Name] = Tool{Name: t.Name, Count: was.Count + t.Count, CPU: was.CPU + t.CPU, ended: was.ended + t.ended}
	}
	s.Tools = byName(tools)
	return s
}
