package child

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = time.Millisecond

// at is a process as it is written below: pid, parent, name, its own time, what it waited for.
func at(pid, parent int, name string, cpu, waited time.Duration) proc {
	return proc{id: procID{pid: pid, born: uint64(pid)}, parent: parent, name: name, cpu: cpu, waited: waited}
}

// TestLedger: each look is 100 ms after the one before, on a machine with enough processors.
func TestLedger(t *testing.T) {
	for _, tt := range []struct {
		name  string
		looks [][]proc
		total time.Duration // of the finished tree
		cpu   []time.Duration
		tools []Tool // of all samples together
	}{
		{
			"a child alone",
			[][]proc{{at(1, 0, "go", 30*ms, 0)}, {at(1, 0, "go", 70*ms, 0)}},
			75 * ms, []time.Duration{30 * ms, 40 * ms, 5 * ms}, nil,
		},
		{
			"a tool that ends is waited for",
			[][]proc{{at(1, 0, "go", 10*ms, 0), at(2, 1, "git", 20*ms, 0)}, {at(1, 0, "go", 10*ms, 50*ms)}},
			60 * ms, []time.Duration{30 * ms, 30 * ms, 0}, []Tool{{Name: "git", Count: 1, CPU: 50 * ms, ended: 1}},
		},
		{
			"a tool that nobody saw",
			[][]proc{{at(1, 0, "go", 10*ms, 0)}, {at(1, 0, "go", 10*ms, 40*ms)}},
			50 * ms, []time.Duration{10 * ms, 40 * ms, 0}, []Tool{{Name: UnknownTool, CPU: 40 * ms}},
		},
		{
			"a look between the end of a tool and its parent's wait",
			[][]proc{{at(1, 0, "go", 10*ms, 0), at(2, 1, "git", 20*ms, 0)}, {at(1, 0, "go", 15*ms, 0)}, {at(1, 0, "go", 20*ms, 25*ms)}},
			45 * ms, []time.Duration{30 * ms, 0, 15 * ms, 0}, []Tool{{Name: "?", CPU: 25 * ms}, {Name: "git", Count: 1, CPU: 20 * ms, ended: 1}},
		},
		{
			"a tool of a tool ends with it",
			[][]proc{{at(1, 0, "go", 0, 0), at(2, 1, "git", 10*ms, 0), at(3, 2, "ssh", 10*ms, 0)}, {at(1, 0, "go", 0, 40*ms)}},
			40 * ms, []time.Duration{20 * ms, 20 * ms, 0},
			[]Tool{{Name: "git", Count: 1, CPU: 20 * ms, ended: 1}, {Name: "ssh", Count: 1, CPU: 20 * ms, ended: 1}},
		},
		{
			"one whose parent ended is nobody's: it does not come back",
			[][]proc{{at(1, 0, "go", 10*ms, 0), at(3, 7, "daemon", 30*ms, 0)}, {at(1, 0, "go", 20*ms, 0)}},
			30 * ms, []time.Duration{40 * ms, 10 * ms, 10 * ms}, []Tool{{Name: "daemon", Count: 1, CPU: 30 * ms, ended: 1}},
		},
		{
			"a go command under a shell is no tool",
			[][]proc{{at(1, 0, "sh", 1*ms, 0), at(2, 1, "go", 20*ms, 0), at(3, 2, "vet", 5*ms, 0)}},
			26 * ms, []time.Duration{26 * ms, 0}, []Tool{{Name: "vet", Count: 1, CPU: 5 * ms, ended: 1}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Unix(1000, 0)
			l := newLedger(start, true)
			var samples []Sample
			for i, procs := range tt.looks {
				samples = append(samples, l.enter(start.Add(time.Duration(i+1)*100*ms), look{procs: procs}))
			}
			samples = append(samples, l.finish(start.Add(time.Duration(len(tt.looks)+1)*100*ms), usage{cpu: tt.total}, false))
			var cpu []time.Duration
			for _, s := range samples {
				cpu = append(cpu, s.CPU)
			}
			if diff := cmp.Diff(tt.cpu, cpu); diff != "" {
				t.Errorf("processor times (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.tools, all(samples).Tools, cmp.AllowUnexported(Tool{})); diff != "" {
				t.Errorf("tools (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLedgerWithoutWaitedTimes: what is only known at the end is not the work of the last
// moment.
func TestLedgerWithoutWaitedTimes(t *testing.T) {
	start := time.Unix(1000, 0)
	l := newLedger(start, false)
	l.enter(start.Add(100*ms), look{procs: []proc{at(1, 0, "go", 50*ms, 0), at(2, 1, "compile", 60*ms, 0)}})
	if s := l.enter(start.Add(200*ms), look{procs: []proc{at(1, 0, "go", 70*ms, 0)}}); s.CPU != 20*ms {
		t.Errorf("got %v, want the 20ms of go: compile's are in the sample before", s.CPU)
	}
	if s := l.finish(start.Add(201*ms), usage{cpu: time.Hour}, false); s.CPU > time.Second {
		t.Errorf("the last millisecond has %v", s.CPU)
	}
	// A system that has no times of children at the end either.
	l = newLedger(start, false)
	l.enter(start.Add(100*ms), look{procs: []proc{at(1, 0, "go", 10*ms, 0), at(2, 1, "compile", 60*ms, 0)}})
	if s := l.finish(start.Add(200*ms), usage{cpu: 30 * ms}, false); s.CPU != 0 {
		t.Errorf("the last sample has %v", s.CPU)
	}
}

// TestLedgerOfASystemThatKeepsTotals: they count, whatever was seen of processes.
func TestLedgerOfASystemThatKeepsTotals(t *testing.T) {
	start := time.Unix(1000, 0)
	l := newLedger(start, false)
	a := l.enter(start.Add(100*ms), look{cpu: 80 * ms, procs: []proc{at(1, 0, "go", 10*ms, 0), at(2, 1, "link", 60*ms, 0)}})
	b := l.enter(start.Add(200*ms), look{cpu: 95 * ms, procs: []proc{at(1, 0, "go", 12*ms, 0)}})
	c := l.finish(start.Add(300*ms), usage{cpu: 130 * ms}, true)
	if a.CPU != 80*ms || b.CPU != 15*ms || c.CPU != 35*ms {
		t.Errorf("got %v, %v, %v; want 80ms, 15ms, 35ms", a.CPU, b.CPU, c.CPU)
	}
}

func TestLedgerBytes(t *testing.T) {
	start := time.Unix(1000, 0)
	l := newLedger(start, true)
	p := at(1, 0, "go", 0, 0)
	p.read, p.written = 100, 7
	a := l.enter(start.Add(100*ms), look{procs: []proc{p}, disk: true})
	b := l.finish(start.Add(150*ms), usage{read: 512, written: 512}, false)
	if a.Read != 100 || a.Written != 7 || b.Read != 412 || b.Written != 505 {
		t.Errorf("got %d, %d and %d, %d", a.Read, a.Written, b.Read, b.Written)
	}
	if a.Disk != 100*ms || a.Lock != 0 || b.Disk != 0 {
		t.Errorf("waited for a disk %v and %v, for a lock %v", a.Disk, b.Disk, a.Lock)
	}
	l = newLedger(start, true)
	p.read = -1
	a = l.enter(start.Add(100*ms), look{procs: []proc{p}})
	b = l.finish(start.Add(150*ms), usage{read: 512, written: 512}, false)
	if a.Read != -1 || b.Read != -1 {
		t.Errorf("got %d and %d, want that they are not known", a.Read, b.Read)
	}
}

// The kernel counts a wait for a processor when it is over.
func TestLedgerStarved(t *testing.T) {
	tests := []struct {
		name        string
		ready       bool
		cpu, queued time.Duration
		want        time.Duration
	}{
		{"ready, and nothing ran", true, 4 * ms, 0, 100 * ms},
		{"ready, as it runs", true, 5 * ms, 0, 0},
		{"ready, and the kernel says more", true, 0, 250 * ms, 250 * ms},
		{"sleeps", false, 0, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Unix(1000, 0)
			l := newLedger(start, true)
			p := at(1, 0, "go", tt.cpu, 0)
			p.queued = tt.queued
			if s := l.enter(start.Add(100*ms), look{procs: []proc{p}, ready: tt.ready}); s.Queued != tt.want {
				t.Errorf("queued %v, want %v", s.Queued, tt.want)
			}
		})
	}
}

func TestIsGo(t *testing.T) {
	for name, want := range map[string]bool{
		"go": true, "go.exe": true, "GO.EXE": true, "go1.25.3": true, "go1.26rc1": true, "go1.25.3.exe": true,
		"": false, "gofmt": false, "go1.mod": false, "go-build": false, "git": false, "go.sh": false,
	} {
		if got := IsGo(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}
