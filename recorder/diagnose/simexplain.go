package diagnose

import (
	"cmp"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

// slots is how many jobs of a class run at a time when GOMAXPROCS is procs; 0: any number.
func (m *model) slots(k class, procs int) int {
	switch {
	case k == classQuery:
		return 0
	case k == classInfo && m.serial:
		return 1
	}
	return procs
}

// layWaves cuts the run where nothing was under way: what comes after such a moment waited
// for all that came before. A queue whose slots were all taken has such moments too, when
// its jobs end at the same time; there the next job only waited for a slot.
func (m *model) layWaves() {
	end, last := m.a.From, -1 // the latest end, and whose it is
	for j := range m.jobs {
		b := &m.jobs[j]
		b.quiet = b.start >= end-slack
		if b.quiet && (last < 0 || !m.handsOver(last, j)) {
			m.waves = append(m.waves, max(b.start-end, 0))
		}
		b.wave = len(m.waves) - 1
		if b.end >= end || last < 0 {
			end, last = max(end, b.end), j
		}
	}
	m.tail = max(m.a.To-end, 0)
	if len(m.waves) == 0 {
		m.waves = []recorder.Span{0} // the first request was there before the command
	}
	for j := range m.jobs {
		m.jobs[j].wave = max(m.jobs[j].wave, 0)
	}
}

// handsOver reports whether job j only waited for a slot that earlier jobs up to last had.
func (m *model) handsOver(last, j int) bool {
	b, e := &m.jobs[j], &m.jobs[last]
	slots := m.slots(b.class, m.procs)
	if b.class != e.class || slots == 0 {
		return false
	}
	if slots == 1 {
		return true
	}
	near, busy, began := max(4*atOnce, (e.end-e.start)/4), 0, 0
	for i := j - 1; i >= 0 && i >= j-2*slots; i-- {
		if o := &m.jobs[i]; o.class == b.class && e.end-o.end <= near {
			busy++
		}
	}
	if busy >= slots || !m.knowsGraph() || b.class == classInfo {
		return busy >= slots
	}
	// Slots were free. Where more jobs begin than ended, they were free for want of jobs.
	for i := j; i < len(m.jobs) && m.jobs[i].start-b.start <= together; i++ {
		if m.jobs[i].class == b.class {
			began++
		}
	}
	return began <= busy
}

// knowsGraph reports whether the go.mod files of nearly all modules were kept.
func (m *model) knowsGraph() bool {
	asked := 0
	for j := range m.jobs {
		if m.jobs[j].module != "" && m.jobs[j].class != classQuery {
			asked++
		}
	}
	return len(m.graph) > 0 && 10*len(m.graph) >= 3*asked // up to three jobs for each module
}

// explain finds out for each job what it waited for, and what the go command did before
// and after its calls.
func (m *model) explain() {
	for from := 0; from < len(m.jobs); {
		to := from
		for to < len(m.jobs) && m.jobs[to].wave == m.jobs[from].wave {
			to++
		}
		for k := range classes {
			m.explainQueue(from, to, k)
		}
		from = to
	}
}

// proofs completes the steps of job j with what it waited for without asking: whether the
// proxy has the database, and tiles that another job asked for.
func (m *model) proofs(j int) {
	b, calls := &m.jobs[j], m.a.Calls
	steps := make([]step, 0, len(b.steps)+2)
	for i, s := range b.steps {
		c := &calls[s.calls[0]]
		if c.First().Go.Kind != gomod.SumdbLookup {
			steps = append(steps, s)
			continue
		}
		if m.support >= 0 && calls[m.support].Start < c.Start {
			steps = append(steps, step{calls: []int{m.support}})
			s.work = min(s.work, max(c.Start-calls[m.support].End, 0))
		}
		steps = append(steps, s)
		until := c.End + together // a tile that is asked for later is not waited for
		if i+1 < len(b.steps) {
			if calls[b.steps[i+1].calls[0]].First().Go.Kind == gomod.SumdbTile {
				continue // it asked itself
			}
			until = max(until, calls[b.steps[i+1].calls[0]].Start)
		}
		n := 0
		for n < len(m.common) && calls[m.common[n]].Start < until {
			n++
		}
		if n == 0 {
			continue
		}
		steps = append(steps, step{calls: m.common[:n]})
		if i+1 < len(b.steps) {
			next := &b.steps[i+1]
			begin := calls[next.calls[0]].Start
			for _, t := range m.common[:n] {
				next.work = min(next.work, max(begin-calls[t].End, 0))
			}
		}
	}
	b.steps = steps
	for _, c := range steps[len(steps)-1].calls {
		b.end = max(b.end, calls[c].End)
	}
}

// explainQueue explains the jobs of one class among jobs[from:to], which are a wave.
func (m *model) explainQueue(from, to int, k class) {
	parents := m.findParents(from, to, k)
	slots := m.slots(k, m.procs)
	opened := m.jobs[from].start
	var held []int // jobs whose slot no other job has taken over
	for j := from; j < to; j++ {
		b := &m.jobs[j]
		if b.class != k {
			continue
		}
		b.parents = parents[j]
		enabled, released := opened, -1
		if len(b.parents) > 0 {
			enabled = max(opened, m.firstEnd(b.parents))
		}
		if slots > 0 && len(held) >= slots {
			first := slices.MinFunc(held, func(x, y int) int { return cmp.Compare(m.jobs[x].end, m.jobs[y].end) })
			if m.jobs[first].end <= b.start+slack {
				released = first
				held = slices.DeleteFunc(held, func(x int) bool { return x == first })
			}
		}
		m.blame(j, enabled, released)
		held = append(held, j)
	}
}

// firstEnd is when the first of jobs ended.
func (m *model) firstEnd(jobs []int) recorder.Span {
	end := m.jobs[jobs[0]].end
	for _, j := range jobs {
		end = min(end, m.jobs[j].end)
	}
	return end
}

// blame says what the time was between the moment at which job j could have started,
// enabled, and its start: work of the job whose slot it took over (released, -1: a slot
// was free), waiting for the call that ended just then, or work of its own. While others
// are under way some call always ended just then: unzipping is more likely. What waited for
// a call waited for most of it, so a gap that is short beside a call is work, and so is one
// that is long beside it.
func (m *model) blame(j int, enabled recorder.Span, released int) {
	b := &m.jobs[j]
	free := enabled
	if released >= 0 {
		free = max(enabled, m.jobs[released].end)
	}
	gap := max(b.start-free, 0)
	unzips := released >= 0 && m.jobs[released].class == classZip
	if gap > max(atOnce, m.typical/4) && (b.quiet || !unzips) {
		if call := m.endedBefore(j); call >= 0 && b.start-m.a.Calls[call].End <= min(atOnce, gap/2) && m.a.Calls[call].Took() >= gap/2 {
			b.after, b.lead = call, max(b.start-m.a.Calls[call].End, 0)
			return
		}
	}
	if released >= 0 && m.jobs[released].end >= enabled {
		m.jobs[released].post += gap
		return
	}
	b.lead = gap
}

// endedBefore is the call that ended last before job j started; -1: none.
func (m *model) endedBefore(j int) int {
	calls := m.a.Calls
	n, _ := slices.BinarySearchFunc(m.byEnd, m.jobs[j].start, func(call int, at recorder.Span) int {
		if calls[call].End <= at+slack {
			return -1
		}
		return 1
	})
	if n == 0 {
		return -1
	}
	return m.byEnd[n-1]
}

// findParents finds for the jobs of a class among jobs[from:to] those that may have led
// to them: for a .mod file the modules whose requirements are read on, for a zip those
// that import from it. What the main module itself names has none.
func (m *model) findParents(from, to int, k class) map[int][]int {
	parents := map[int][]int{}
	if k != classMod && k != classZip || k == classZip && m.download || len(m.graph) == 0 {
		return parents
	}
	named := map[string][]int{} // jobs by what a requirement of them reads
	for j := from; j < to; j++ {
		if m.jobs[j].class == k {
			key := m.key(m.jobs[j].module, k)
			named[key] = append(named[key], j)
		}
	}
	reads := m.readOn(k)
	for p := from; p < to; p++ {
		if m.jobs[p].class != k || !reads[m.jobs[p].module] {
			continue
		}
		for _, r := range m.graph[m.jobs[p].module].requires {
			if k == classZip && r.indirect {
				continue
			}
			for _, j := range named[m.key(r.module, k)] {
				if j != p {
					parents[j] = append(parents[j], p)
				}
			}
		}
	}
	// A queue keeps its order, so whatever started before a job of the main module was in
	// the queue before it.
	rooted := false
	for j := to - 1; j >= from; j-- {
		if m.jobs[j].class != k {
			continue
		}
		if p := parents[j]; len(p) == 0 || m.named[m.jobs[j].module] || m.firstEnd(p) > m.jobs[j].start+slack {
			rooted = true
		}
		if rooted {
			delete(parents, j)
		}
	}
	return parents
}

// key is what a requirement is matched by. Packages are loaded of the version that is
// selected, which another module may have raised.
func (m *model) key(module string, k class) string {
	if k == classZip {
		module, _, _ = strings.Cut(module, "@")
	}
	return module
}

// readOn are the modules whose requirements lead to more of a class. Graphs are pruned: a
// module that names all it needs is not read on from, unless one that does not led to it.
func (m *model) readOn(k class) map[string]bool {
	on := map[string]bool{}
	var visit func(module string)
	visit = func(module string) {
		if on[module] {
			return
		}
		on[module] = true
		for _, r := range m.graph[module].requires {
			if _, known := m.graph[r.module]; known {
				visit(r.module)
			}
		}
	}
	main := m.a.Env.GoDirective
	all := k == classZip || main != "" && !prunes(main)
	for name, g := range m.graph {
		if all || !g.pruned {
			visit(name)
		}
	}
	return on
}
