package diagnose

import (
	"cmp"
	"container/heap"
	"math"
	"slices"

	"modtap/recorder"
)

// A sim plays a model with the queues of the go command, event by event.
type sim struct {
	*model
	change Change
	drop   []bool // calls that are not made

	now    recorder.Span
	timers timers
	set    int   // timers so far
	cpu    fluid // the go command's own work on the processors
	net    fluid // bodies on the link

	calls   []callState
	idle    []int           // HTTP/1.1 connections to each host that are free
	opened  []recorder.Span // when the HTTP/2 connection to each host could take requests; -1: not yet begun
	waiting map[int][]int   // call to the jobs that wait for it in a step
	then    map[int][]int   // call to the jobs that it enables
	lead    map[int][]int   // job to those that it enables
	state   []jobState
	queue   [classes][]int
	free    [classes]int // slots; -1: any number
	left    []int        // jobs of each wave that have not ended
	wave    int          // the one that is open
	members [][]int      // jobs of each wave
}

type callState uint8

const (
	callNew callState = iota
	callSent
	callDone
)

// A jobState is how far a job has come.
type jobState struct {
	queued, done bool
	ready        bool // one of its parents has ended
	step         int  // the current one; -1: before the first
	pending      int  // calls that the step still waits for
}

// What a timer or a flow is for: what comes next for a job, or for a call.
type purpose struct {
	kind eventKind
	id   int
}

type eventKind uint8

const (
	waveOpens    eventKind = iota // the work before a wave is done
	stepRuns                      // the work before the job's step is done
	jobEnds                       // the work after a job's last step is done
	callAnswered                  // a call's latency is over
	callReceived                  // a call's body is here
)

// run plays the model to its end and returns how long it took.
func (m *model) run(c Change) recorder.Span {
	s := &sim{model: m, change: c, calls: make([]callState, len(m.owner)), state: make([]jobState, len(m.jobs)),
		waiting: map[int][]int{}, then: map[int][]int{}, lead: map[int][]int{}, members: make([][]int, len(m.waves)), left: make([]int, len(m.waves))}
	s.cpu.capacity, s.net.capacity = float64(m.cpus), m.link*c.rate()
	s.drop = m.dropped(c)
	s.idle, s.opened = make([]int, len(m.shake)), slices.Repeat([]recorder.Span{-1}, len(m.shake))
	for k := range classes {
		s.free[k] = cmp.Or(m.slots(k, cmp.Or(c.MaxProcs, m.procs)), -1)
	}
	for j := range m.jobs {
		b := &m.jobs[j]
		s.members[b.wave] = append(s.members[b.wave], j)
		s.left[b.wave]++
		if b.after >= 0 {
			s.then[b.after] = append(s.then[b.after], j)
		}
		for _, p := range b.parents {
			s.lead[p] = append(s.lead[p], j)
		}
	}
	s.wave = -1
	s.nextWave()
	for s.advance() {
	}
	return s.now + m.tail
}

// nextWave opens the wave after those that have ended.
func (s *sim) nextWave() {
	s.wave++
	for s.wave < len(s.left) && s.left[s.wave] == 0 {
		s.wave++
	}
	if s.wave < len(s.waves) {
		s.work(s.waves[s.wave], purpose{waveOpens, s.wave})
	}
}

// work does d of the go command's own work, and then what p says.
func (s *sim) work(d recorder.Span, p purpose) {
	if d <= 0 {
		s.happen(p)
		return
	}
	s.cpu.add(s.now, d.Duration().Seconds(), 1, p)
}

// advance goes on to the next event; false when there is none.
func (s *sim) advance() bool {
	at, which := recorder.Span(math.MaxInt64), 0
	if len(s.timers) > 0 {
		at, which = s.timers[0].at, 1
	}
	for i, f := range []*fluid{&s.cpu, &s.net} {
		if t, ok := f.next(); ok && t < at {
			at, which = t, i+2
		}
	}
	switch which {
	case 0:
		return s.unstick()
	case 1:
		s.now = max(s.now, at)
		s.happen(heap.Pop(&s.timers).(timer).purpose)
	case 2:
		s.now = max(s.now, at)
		s.happen(s.cpu.take(s.now))
	case 3:
		s.now = max(s.now, at)
		s.happen(s.net.take(s.now))
	}
	return true
}

func (s *sim) happen(p purpose) {
	switch p.kind {
	case waveOpens:
		for _, j := range s.members[p.id] {
			s.enable(j)
		}
	case stepRuns:
		s.send(p.id)
	case jobEnds:
		s.endJob(p.id)
	case callAnswered:
		if k := &s.costs[p.id]; k.bytes > 0 {
			s.net.add(s.now, k.bytes, k.rate*s.change.rate(), purpose{callReceived, p.id})
			return
		}
		s.finish(p.id)
	case callReceived:
		s.finish(p.id)
	}
}

// enable puts job j into its queue, once everything it waits for is there.
func (s *sim) enable(j int) {
	b, st := &s.jobs[j], &s.state[j]
	if st.queued || b.wave != s.wave || len(b.parents) > 0 && !st.ready || b.after >= 0 && s.calls[b.after] != callDone && !s.drop[b.after] {
		return
	}
	s.push(j)
}

func (s *sim) push(j int) {
	k := s.jobs[j].class
	s.state[j].queued = true
	s.queue[k] = append(s.queue[k], j)
	s.dispatch(k)
}

// dispatch starts jobs of a queue while it has slots.
func (s *sim) dispatch(k class) {
	for len(s.queue[k]) > 0 && s.free[k] != 0 {
		j := s.queue[k][0]
		s.queue[k] = s.queue[k][1:]
		if s.free[k] > 0 {
			s.free[k]--
		}
		s.state[j].step = -1
		s.nextStep(j, s.jobs[j].lead)
	}
}

// nextStep goes on to the next step of job j that is still needed, after some work.
func (s *sim) nextStep(j int, before recorder.Span) {
	st, steps := &s.state[j], s.jobs[j].steps
	for st.step++; st.step < len(steps); st.step++ {
		if slices.ContainsFunc(steps[st.step].calls, func(c int) bool { return !s.drop[c] && s.calls[c] != callDone }) {
			s.work(before+steps[st.step].work, purpose{stepRuns, j})
			return
		}
	}
	s.work(before+s.jobs[j].post, purpose{jobEnds, j})
}

// send makes the calls of the current step of job j.
func (s *sim) send(j int) {
	st := &s.state[j]
	for _, c := range s.jobs[j].steps[st.step].calls {
		if s.drop[c] || s.calls[c] == callDone {
			continue
		}
		st.pending++
		s.waiting[c] = append(s.waiting[c], j)
		if s.calls[c] == callNew {
			s.calls[c] = callSent
			s.set++
			heap.Push(&s.timers, timer{s.now + s.answer(c), s.set, purpose{callAnswered, c}})
		}
	}
	if st.pending == 0 {
		s.nextStep(j, 0)
	}
}

// maxIdle is how many idle HTTP/1.1 connections the go command keeps for each host
// (net/http.DefaultMaxIdleConnsPerHost).
const maxIdle = 2

// answer is how long call c waits for its first byte, a new connection included.
func (s *sim) answer(c int) recorder.Span {
	k := &s.costs[c]
	factor := 1.0
	if k.mirror {
		factor = s.change.latency()
	}
	scaled := func(d recorder.Span) recorder.Span { return recorder.Span(float64(d) * factor) }
	d := scaled(k.latency) + k.fixed
	switch {
	case k.shares && s.opened[k.host] < 0:
		s.opened[k.host] = s.now + scaled(s.shake[k.host])
		return d + s.opened[k.host] - s.now
	case k.shares && s.opened[k.host] > s.now:
		return d + s.opened[k.host] - s.now
	case k.shares && s.opener[k.host] != c:
		return d + scaled(k.shake) // the first connection is gone
	case k.shares:
		return d
	case s.idle[k.host] > 0:
		s.idle[k.host]--
		return d
	}
	return d + scaled(s.shake[k.host])
}

// finish ends a call.
func (s *sim) finish(c int) {
	s.calls[c] = callDone
	h := s.costs[c].host
	s.idle[h] = min(s.idle[h]+1, maxIdle)
	jobs := s.waiting[c]
	delete(s.waiting, c)
	for _, j := range jobs {
		if s.state[j].pending--; s.state[j].pending == 0 {
			s.nextStep(j, 0)
		}
	}
	for _, j := range s.then[c] {
		s.enable(j)
	}
}

// endJob ends job j: its slot is free, and what it led to may start.
func (s *sim) endJob(j int) {
	b := &s.jobs[j]
	s.state[j].done = true
	for _, child := range s.lead[j] {
		s.state[child].ready = true
		s.enable(child)
	}
	if s.free[b.class] >= 0 {
		s.free[b.class]++
		s.dispatch(b.class)
	}
	s.left[b.wave]--
	if b.wave == s.wave && s.left[b.wave] == 0 {
		s.nextWave()
	}
}

// unstick starts the first job that still waits although nothing is under way: with other
// parameters the recorded order of what it waits for may not come about. false: all is done.
func (s *sim) unstick() bool {
	if s.wave >= len(s.members) {
		return false
	}
	for _, j := range s.members[s.wave] {
		if !s.state[j].queued {
			s.push(j)
			return true
		}
	}
	return false
}
