package tui

import (
	"slices"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/recorder/query"
	"modtap/viewer/stream"
)

// A row is an exchange with what the screen needs to know of it again and again: passes over
// all rows are made of what stands in them, without a look at what they point to.
type row struct {
	x     *recorder.Exchange
	id    uint64
	host  string
	at    recorder.Span // when it started, counted from the origin
	took  recorder.Span // when it has ended
	size  int64         // of its body
	fly   bool          // more of it will come
	bad   bool          // something went wrong with it
	stale bool          // its end was lost on the way
	seen  bool          // in the snapshot that is coming in

	pass  bool // the filter and the range let it through
	in    bool // it is in the lister's rows
	dirty bool // it changed since the lister looked
	group *group
	num   int64 // what rows are sorted by, as it was when the lister looked
	text  string

	binned           bool
	binFrom, binTill recorder.Span
}

// flying reports whether more of it will come.
func (r *row) flying() bool { return r.fly }

// failed reports whether something went wrong with it.
func (r *row) failed() bool { return r.bad }

// note takes from x what is needed again and again.
func (r *row) note(origin time.Time) {
	x := r.x
	r.id, r.at, r.size = x.ID, recorder.Span(x.Start.Sub(origin)), max(x.Response.BodySize, 0)
	r.fly, r.bad = !x.Done && !r.stale, x.Err != nil || x.Status >= 400 || x.Done && x.Status == 0
	r.took = x.Server.End
	if r.took <= 0 {
		r.took = max(x.Client.End, 0)
	}
	if r.took == 0 {
		r.took = max(x.Server.LastByte, 0)
	}
}

// A store is everything that was received: the last snapshot with an id wins.
type store struct {
	now func() time.Time

	session *recorder.Session
	process *recorder.Process
	end     *recorder.End
	rows    []*row // by id, which is the order of starting
	byID    map[uint64]*row
	aloft   map[uint64]*row // on their way
	lookups []*row          // in the checksum database, of one module each
	conns   map[uint64]*recorder.Conn
	tunnels map[uint64]*recorder.Tunnel
	finds   map[string]*recorder.Finding
	seen    query.Known // to complete a filter with
	load    bins

	requests, inFlight, bad int
	bytes                   int64
	lost                    uint64
	ready                   bool // the first snapshot is complete
	cut                     bool // nothing more will come, and no end was recorded
	inSnapshot              bool
	changed                 []*row // since the lister looked, each once
	news                    uint64 // grows with findings and the end

	last struct { // what latest found
		rows int
		at   recorder.Span
	}

	followers   map[uint64][]*row // by the exchange that led to them
	followersOf int               // rows that it was made of
}

func newStore(now func() time.Time) *store {
	return &store{
		now: now, byID: map[uint64]*row{}, aloft: map[uint64]*row{}, conns: map[uint64]*recorder.Conn{}, tunnels: map[uint64]*recorder.Tunnel{},
		finds: map[string]*recorder.Finding{},
	}
}

// origin is the left end of the time axis; zero when nothing is known.
func (s *store) origin() time.Time {
	if s.session != nil {
		return s.session.Start
	}
	if len(s.rows) > 0 {
		return s.rows[0].x.Start
	}
	return time.Time{}
}

// at is when r started, counted from the origin.
func (s *store) at(r *row) recorder.Span { return r.at }

// clock is the time of the session: now, or its end.
func (s *store) clock() recorder.Span {
	switch {
	case s.end != nil:
		return s.end.At
	case s.session == nil && len(s.rows) == 0:
		return 0
	case s.cut:
		return s.latest()
	}
	return max(recorder.Span(s.now().Sub(s.origin())), 0)
}

// latest is the last instant that is known of: the end of a recording that has none,
// because another program made it or it was cut off.
func (s *store) latest() recorder.Span {
	if s.last.rows == len(s.rows) {
		return s.last.at
	}
	var at recorder.Span
	if s.process != nil {
		at = s.process.End
	}
	for _, r := range s.rows {
		m := &r.x.Server
		at = max(at, r.at+max(m.End, r.x.Client.End, m.LastByte, m.FirstByte))
	}
	s.last.rows, s.last.at = len(s.rows), at
	return at
}

// elapsed is how long the command ran, or runs. What modtap does after its end is not the
// command's time.
func (s *store) elapsed() recorder.Span {
	if p := s.process; p != nil && p.End > 0 && (s.end != nil || s.cut) {
		return p.End - p.Start
	}
	return s.clock()
}

// took is how long r took, or takes already.
func (s *store) took(r *row, clock recorder.Span) recorder.Span {
	if r.fly {
		return max(clock-r.at, r.x.Server.LastByte, 0)
	}
	return r.took
}

// apply takes what one frame brought.
func (s *store) apply(b stream.Batch) {
	if b.Snapshot && !s.inSnapshot {
		s.inSnapshot = true
		for _, r := range s.rows {
			r.seen = false
		}
	}
	for i := range b.Events {
		s.event(&b.Events[i])
	}
	if s.inSnapshot && (!b.Snapshot || b.Seq > 0) {
		s.endSnapshot()
	}
	s.ready = s.ready || !s.inSnapshot
	s.lost += b.Lost
}

func (s *store) event(e *recorder.Event) {
	switch {
	case e.Exchange != nil:
		s.exchange(e.Exchange)
	case e.Conn != nil:
		s.conns[e.Conn.ID] = e.Conn
	case e.Tunnel != nil:
		s.tunnels[e.Tunnel.ID] = e.Tunnel
	case e.Finding != nil:
		s.finds[e.Finding.ID] = e.Finding
		s.news++
	case e.Process != nil:
		s.process = e.Process
	case e.Session != nil:
		s.begin(e.Session)
	case e.End != nil:
		s.end = e.End
		s.news++
	}
}

// begin takes what is known of the session; all times count from its start.
func (s *store) begin(session *recorder.Session) {
	moved := s.session == nil || !s.session.Start.Equal(session.Start)
	s.session = session
	if !moved {
		return
	}
	for _, r := range s.rows {
		r.note(s.origin())
		s.bin(r)
		s.touch(r)
	}
}

// exchange takes a snapshot of an exchange.
func (s *store) exchange(x *recorder.Exchange) {
	r := s.byID[x.ID]
	if r == nil {
		r = &row{x: x, id: x.ID, host: query.HostOf(x)}
		s.enter(r)
		s.insert(r)
	} else {
		s.count(r, -1)
		r.x, r.stale, r.group = x, false, nil // its connection may be known now
	}
	r.seen = true
	r.note(s.origin())
	s.count(r, 1)
	s.seen.Add(r.x)
	s.bin(r)
	s.touch(r)
}

// enter makes a row known that is new.
func (s *store) enter(r *row) {
	s.byID[r.id] = r
	if r.x.Go.Kind == gomod.SumdbLookup {
		s.lookups = append(s.lookups, r)
	}
}

// insert keeps the rows in the order of ids; nearly always that is the end.
func (s *store) insert(r *row) {
	if n := len(s.rows); n == 0 || s.rows[n-1].id < r.id {
		s.rows = append(s.rows, r)
		return
	}
	i, _ := slices.BinarySearchFunc(s.rows, r.id, func(a *row, id uint64) int { return compare(a.id, id) })
	s.rows = slices.Insert(s.rows, i, r)
}

// older takes exchanges that the stream no longer has. What is known better is kept.
func (s *store) older(list []*recorder.Exchange) {
	var fresh []*row
	for _, x := range list {
		r := s.byID[x.ID]
		if r != nil && !r.stale {
			continue
		}
		if r != nil {
			s.exchange(x)
			continue
		}
		r = &row{x: x, id: x.ID, host: query.HostOf(x)}
		r.stale = !x.Done // the stream has all that are on their way
		r.note(s.origin())
		s.enter(r)
		fresh = append(fresh, r)
		s.count(r, 1)
		s.seen.Add(r.x)
		s.bin(r)
		s.touch(r)
	}
	if len(fresh) == 0 {
		return
	}
	// Thousands come at once, in the middle: one merge instead of as many insertions.
	slices.SortFunc(fresh, func(a, b *row) int { return compare(a.id, b.id) })
	s.rows = with(s.rows, fresh, func(a, b *row) int { return compare(a.id, b.id) })
	for _, r := range s.rows {
		if r.x.Parent != 0 && r.x.Go.Module == "" {
			r.group = nil // what led to it may have come only now
		}
	}
}

// gap is the first range of ids [from, to) at or after id that is not there although a
// later one is, or whose end was lost; to is 0 when there is none.
func (s *store) gap(id uint64) (from, to uint64) {
	want := max(id, 1)
	i, _ := slices.BinarySearchFunc(s.rows, want, func(a *row, id uint64) int { return compare(a.id, id) })
	for _, r := range s.rows[i:] {
		if r.id > want {
			return want, r.id
		}
		if r.stale {
			return want, want + 1
		}
		want = r.id + 1
	}
	return 0, 0
}

func (s *store) touch(r *row) {
	if !r.dirty {
		r.dirty = true
		s.changed = append(s.changed, r)
	}
}

// count keeps the totals without looking at every row again.
func (s *store) count(r *row, sign int) {
	s.requests += sign
	s.bytes += int64(sign) * r.size
	if r.flying() {
		if s.inFlight += sign; sign > 0 {
			s.aloft[r.id] = r
		} else {
			delete(s.aloft, r.id)
		}
	}
	if r.failed() {
		s.bad += sign
	}
}

// bin puts a finished row into the picture of the whole run.
func (s *store) bin(r *row) {
	if s.session == nil || r.flying() {
		return
	}
	from := s.at(r)
	till := from + s.took(r, 0)
	if r.binned {
		if from == r.binFrom && till == r.binTill {
			return
		}
		s.load.add(r.binFrom, r.binTill, -1)
	}
	s.load.add(from, till, 1)
	r.binned, r.binFrom, r.binTill = true, from, till
}

// endSnapshot gives up on requests whose end was lost: a snapshot has all that are on
// their way.
func (s *store) endSnapshot() {
	s.inSnapshot = false
	for _, r := range s.rows {
		if r.flying() && !r.seen {
			s.count(r, -1)
			r.stale, r.fly = true, false
			s.count(r, 1)
			s.touch(r)
		}
		s.bin(r)
	}
}
