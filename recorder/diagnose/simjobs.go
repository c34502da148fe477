package diagnose

import (
	"cmp"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// A class is a queue of the go command: jobs of one class share its slots.
type class int

const (
	classMod   class = iota // .mod files of the module graph: GOMAXPROCS at a time
	classZip                // zips, with what a package load asks behind them: GOMAXPROCS
	classInfo               // .info files: one at a time in go mod download, else GOMAXPROCS
	classQuery              // everything else: as it comes
	classes
)

// A job is what one worker of the go command does with one module, one step after another.
type job struct {
	class  class
	module string // "path@version"
	steps  []step
	start  recorder.Span // as recorded, of its first call
	end    recorder.Span // of its last call

	quiet   bool          // nothing was under way when it started
	wave    int           // it cannot start before all jobs of earlier waves have ended,
	parents []int         // and, where there are any, before one of these jobs has ended,
	after   int           // and before this call has ended; -1: none
	lead    recorder.Span // the go command's own work then, before the first step
	post    recorder.Span // its own work after the last step, in the job's slot: unzip, hash
}

// A step is calls that a job makes at the same moment. It ends with the last of them.
type step struct {
	work  recorder.Span // the go command's own work before it
	calls []int         // one that was made already, by whichever job, is not made again
}

const (
	// together: calls of one job that start within it were sent at once. measured: up to 4 ms
	// apart on a busy machine.
	together = recorder.Span(5e6)
	// atOnce: what starts within it after something ended was waiting for that. chosen
	atOnce = recorder.Span(8e6)
	// slack: an end is noted a moment after the client has the last byte, when it may already
	// have sent the next request. measured: tens of µs, more on a busy machine
	slack = recorder.Span(5e5)
	// maxCommon bounds what every lookup is checked against. A tree of 16 million records
	// has four levels.
	maxCommon = 16
)

// A model is the recorded run as jobs.
type model struct {
	a      *Analysis
	costs  []cost
	shake  []recorder.Span // what a new connection to each host takes
	opener []int           // by host: the call that opened its first connection; -1: none
	link   float64         // bytes per second; 0: no limit known
	procs  int             // slots of a queue
	cpus   int             // 0: not known, so that work is not held up by other work
	jobs   []job
	waves  []recorder.Span // the go command's own work before each wave
	tail   recorder.Span   // and after the last

	graph    map[string]goMod
	named    map[string]bool // modules that the main module's go.mod is known to name
	serial   bool            // .info files one at a time: go mod download of what go.mod names
	download bool            // each file is a job of its own
	owner    []int           // job of each call; -1: none
	byEnd    []int           // calls by their end
	common   []int           // tiles that every proof needs, in the order of starting
	typical  recorder.Span   // how long a call takes: the median
	support  int             // the call that asks whether a proxy has the checksum database; -1: none
}

// newModel reads the recording as jobs.
func (a *Analysis) newModel() *model {
	m := &model{a: a, procs: a.Env.MaxProcs, cpus: a.Env.CPUs, support: -1, graph: a.goMods()}
	m.costs, m.link = a.costs()
	m.shake, m.opener = openingCosts(m.costs)
	m.command()
	m.makeJobs()
	if m.procs <= 0 {
		m.procs = m.mostAtOnce()
	}
	for j := range m.jobs {
		m.proofs(j)
	}
	m.layWaves()
	m.explain()
	m.shareWork()
	return m
}

// command notes what the command line says about the order of its requests.
func (m *model) command() {
	if m.a.In.Session == nil {
		return
	}
	line := strings.Join(m.a.In.Session.Argv, " ")
	m.download = strings.Contains(line, "mod download")
	m.serial = m.download && !strings.HasSuffix(line, " all") && !strings.Contains(line, "...")
}

// makeJobs groups the calls into jobs.
func (m *model) makeJobs() {
	calls := m.a.Calls
	m.owner = make([]int, len(calls))
	m.byEnd = make([]int, len(calls))
	for i := range calls {
		m.owner[i], m.byEnd[i] = -1, i
	}
	m.typical = medianTook(calls)
	m.named = map[string]bool{}
	slices.SortFunc(m.byEnd, func(x, y int) int { return cmp.Compare(calls[x].End, calls[y].End) })
	latest := map[string]int{} // module to its last job
	verifying := -1            // the job whose lookup or tile ended last
	ended := 0                 // of byEnd, before the call at hand
	for i := range calls {
		c := &calls[i]
		for ; ended < len(calls) && calls[m.byEnd[ended]].End <= c.Start+slack; ended++ {
			e := m.byEnd[ended]
			if isProof(calls[e].First().Go.Kind) && m.owner[e] >= 0 {
				verifying = m.owner[e]
			}
		}
		switch x := c.First(); x.Go.Kind {
		case gomod.SumdbSupported:
			if m.support < 0 {
				m.support = i
			}
			m.owner[i] = -1
		case gomod.SumdbTile, gomod.SumdbLatest:
			m.addTile(i, verifying)
		default:
			m.addCall(i, latest)
		}
	}
}

// isProof reports whether tiles may be asked for because of a request of this kind.
func isProof(k gomod.Kind) bool { return k == gomod.SumdbLookup || k == gomod.SumdbTile }

// addTile gives a tile to the job that verifies.
func (m *model) addTile(call, verifying int) {
	if len(m.common) < maxCommon && sharedTile(m.a.Calls[call].First().Go.Extra) {
		m.common = append(m.common, call)
	}
	if verifying < 0 {
		m.newJob(call, classQuery, "") // it proves what was looked up before the recording began
		return
	}
	m.extend(verifying, call)
}

// sharedTile reports whether the proof of every record needs the tile: those at the growing
// end of the tree do, and those of the upper levels.
func sharedTile(extra string) bool {
	_, path, _ := strings.Cut(extra, " tile/")
	_, rest, _ := strings.Cut(path, "/")
	return strings.Contains(path, ".p/") || !strings.HasPrefix(rest, "0/") && !strings.HasPrefix(rest, "1/")
}

// addCall gives a call to the job of its module, or to a new one.
func (m *model) addCall(i int, latest map[string]int) {
	x := m.a.Calls[i].First()
	name := ""
	if x.Go.Module != "" {
		name = moduleOf(x)
	}
	j, known := latest[name]
	switch {
	case name != "" && known && m.continues(j, i):
		m.extend(j, i)
	default:
		if m.serial && x.Go.Kind == gomod.Info {
			m.named[name] = true
		}
		j = m.newJob(i, m.classOf(x.Go.Kind), name)
		if name != "" {
			latest[name] = j
		}
	}
}

// classOf is the queue that a request of this kind comes from.
func (m *model) classOf(k gomod.Kind) class {
	switch k {
	case gomod.Mod:
		return classMod
	case gomod.Zip, gomod.StorageZip:
		return classZip
	case gomod.Info:
		return classInfo
	}
	return classQuery
}

// continues reports whether a call goes on with what the worker of job j does. A lookup
// belongs to the file that it verifies, a second entry of GOPROXY to the first, and the
// .mod that follows a zip at once to its package load.
func (m *model) continues(j, call int) bool {
	b, c := &m.jobs[j], &m.a.Calls[call]
	if c.Start < b.end-slack {
		return false
	}
	kind, last := c.First().Go.Kind, m.a.Calls[m.lastOwn(j)].First().Go.Kind
	if kind == gomod.SumdbLookup || kind == last {
		return true
	}
	if m.download {
		return false
	}
	idle, near := b.end, max(4*atOnce, (b.end-b.start)/4)
	for _, t := range m.common { // it may have waited for what another job asked for
		if tile := &m.a.Calls[t]; tile.Start <= idle+near && tile.End <= c.Start+slack {
			idle = max(idle, tile.End)
		}
	}
	return c.Start-idle <= near
}

// lastOwn is the last call of job j that is no tile.
func (m *model) lastOwn(j int) int {
	steps := m.jobs[j].steps
	for s := len(steps) - 1; s > 0; s-- {
		if call := steps[s].calls[0]; m.a.Calls[call].First().Go.Kind != gomod.SumdbTile {
			return call
		}
	}
	return steps[0].calls[0]
}

func (m *model) newJob(call int, k class, name string) int {
	c := &m.a.Calls[call]
	m.owner[call] = len(m.jobs)
	m.jobs = append(m.jobs, job{class: k, module: name, start: m.began(call), end: c.End, after: -1, steps: []step{{calls: []int{call}}}})
	return len(m.jobs) - 1
}

// began is when a call was made: it may have waited for a connection, which is played.
func (m *model) began(call int) recorder.Span {
	c := &m.a.Calls[call]
	if m.costs[call].shares {
		return max(c.Start-c.opening, m.a.From)
	}
	return c.Start
}

// extend adds a call to job j: to its last step when it was sent together with that one,
// else as a step of its own.
func (m *model) extend(j, call int) {
	b, c := &m.jobs[j], &m.a.Calls[call]
	m.owner[call] = j
	last := &b.steps[len(b.steps)-1]
	if began := m.a.Calls[last.calls[0]].Start; len(b.steps) > 1 && c.Start-began <= together && c.Start < b.end-slack {
		last.calls = append(last.calls, call)
	} else {
		b.steps = append(b.steps, step{calls: []int{call}, work: max(m.began(call)-b.end, 0)})
	}
	b.end = max(b.end, c.End)
}

// mostAtOnce is the most jobs of a limited queue at a time: what GOMAXPROCS must have been
// at least.
func (m *model) mostAtOnce() int {
	most := 1
	for k := range classQuery {
		var open []recorder.Span // ends
		for i := range m.jobs {
			if b := &m.jobs[i]; b.class == k {
				open = slices.DeleteFunc(open, func(end recorder.Span) bool { return end <= b.start+slack })
				open = append(open, b.end)
				most = max(most, len(open))
			}
		}
	}
	return most
}

// medianTook is how long the median of calls took; 0 of none.
func medianTook(calls []Call) recorder.Span {
	all := make([]recorder.Span, len(calls))
	for i := range calls {
		all[i] = calls[i].Took()
	}
	slices.Sort(all)
	return percentile(all, 50)
}
