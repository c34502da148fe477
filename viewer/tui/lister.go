package tui

import (
	"slices"
	"time"

	"modtap/recorder"
	"modtap/recorder/query"
)

// What rows can be grouped and sorted by, in the order in which the keys go through them.
var (
	groupings = []string{"request", "module", "host", "connection", "step"}
	sortings  = []string{"start", "time", "size", "status", "name"}
)

// A group is the requests that have a module, host, connection or step in common.
type group struct {
	key      string
	label    string
	rows     []*row // that pass, sorted
	unfolded bool

	failed, flying int
	bytes          int64
	first          uint64        // id of its first request
	busy           recorder.Span // time with at least one of its requests in flight
	covered        union         // that time

	stamp   int // grows when rows changes
	picture picture
}

// A line is a row of the table: a request, or a group of them.
type line struct {
	row   *row
	group *group // of a request: the unfolded group that it stands in
}

// A lister keeps the lines of the table: the rows that pass the filter, sorted and
// grouped. What came new is worked in; only another filter looks at every row again, and
// that in slices.
type lister struct {
	store  *store
	query  *query.Query
	window window // rows outside of it are left out
	by     string // of groupings
	sort   string // of sortings
	down   bool   // the other way round

	rows   []*row
	groups map[string]*group
	lines  []line // when grouped
	owner  owner  // of the first tiles, when grouped by module
	next   int    // rows before it were judged by a filter that is new; -1: all were

	aged    time.Time // when those on their way were last looked at
	late    bool      // the lines are older than the rows
	grouped time.Time // when they were made
	cost    time.Duration
	stamp   int
}

// A window is the part of the run that is looked at; the zero value is all of it.
type window struct{ from, to recorder.Span }

func newLister(s *store) *lister {
	return &lister{store: s, by: groupings[0], sort: sortings[0], groups: map[string]*group{}, next: -1}
}

// len is how many lines there are.
func (l *lister) len() int {
	if l.by == groupings[0] {
		return len(l.rows)
	}
	return len(l.lines)
}

// at is line i.
func (l *lister) at(i int) line {
	if l.by == groupings[0] {
		return line{row: l.rows[i]}
	}
	return l.lines[i]
}

// find is the line of a request, or of the folded group that it is in; -1: it does not pass.
func (l *lister) find(id uint64) int {
	r := l.store.byID[id]
	if r == nil || !r.in {
		return -1
	}
	if l.by == groupings[0] {
		i, ok := slices.BinarySearchFunc(l.rows, r, l.order)
		if !ok {
			return -1
		}
		return i
	}
	return slices.IndexFunc(l.lines, func(x line) bool {
		return x.row == r || x.row == nil && x.group == r.group && !x.group.unfolded
	})
}

// passes reports whether r is shown.
func (l *lister) passes(r *row, clock recorder.Span) bool {
	if l.window != (window{}) {
		if r.at > l.window.to || r.at+l.store.took(r, clock) < l.window.from {
			return false
		}
	}
	return l.query.MatchAt(r.x, l.store.origin().Add(clock.Duration()))
}

// filter begins to filter by another query.
func (l *lister) filter(q *query.Query) {
	l.query = q.WithParents(func(id uint64) *recorder.Exchange {
		if r := l.store.byID[id]; r != nil {
			return r.x
		}
		return nil
	})
	l.refilter()
}

// refilter begins to judge all rows again; step goes on with it.
func (l *lister) refilter() { l.next = 0 }

// step judges rows for at most budget, and reports whether there are more. Until it is
// done the old lines stay.
func (l *lister) step(budget time.Duration) (more bool) {
	if l.next < 0 {
		return false
	}
	start := time.Now()
	for l.next < len(l.store.rows) {
		clock := l.store.clock()
		for range min(256, len(l.store.rows)-l.next) {
			r := l.store.rows[l.next]
			r.pass = l.passes(r, clock)
			l.next++
		}
		if time.Since(start) > budget {
			return true
		}
	}
	l.next = -1
	l.rebuild()
	return false
}

// rebuild makes the lines of the rows that pass.
func (l *lister) rebuild() {
	l.rows = l.rows[:0]
	clock := l.store.clock()
	for _, r := range l.store.rows {
		if r.in = r.pass; r.pass {
			l.rekey(r, clock)
			l.rows = append(l.rows, r)
		}
	}
	if l.sort != sortings[0] || l.down {
		slices.SortFunc(l.rows, l.order)
	}
	l.regroupNow()
}

// update works in what changed in the store. It reports whether lines came, went or moved.
// Of the rows that did not change it compares a few; the rest is moved in one piece.
func (l *lister) update() bool {
	l.age()
	changed := l.store.changed
	if len(changed) == 0 {
		return l.late && l.regroup()
	}
	l.store.changed = changed[:0]
	var gone []int // places of rows that leave, as they were before any key changes
	var add []*row
	at := make([]int, len(changed))
	for i, r := range changed {
		at[i] = -1
		if r.in {
			at[i], _ = slices.BinarySearchFunc(l.rows, r, l.order)
		}
	}
	clock := l.store.clock()
	for i, r := range changed {
		r.dirty = false
		r.pass = l.passes(r, clock)
		num, text := r.num, r.text
		if r.pass {
			l.rekey(r, clock)
		}
		stays := r.pass && num == r.num && text == r.text
		if r.in && !stays {
			gone = append(gone, at[i])
			r.in = false
		}
		if r.pass && !r.in {
			r.in = true
			add = append(add, r)
		}
	}
	slices.Sort(gone)
	l.rows = without(l.rows, gone)
	slices.SortFunc(add, l.order)
	l.rows = with(l.rows, add, l.order)
	grouped := l.by != groupings[0] && l.regroup()
	return grouped || len(gone)+len(add) > 0
}

// rekey notes what r is sorted by; it must not change while r is among the rows.
func (l *lister) rekey(r *row, clock recorder.Span) {
	r.num, r.text = 0, ""
	switch l.sort {
	case "time": // the longest first
		r.num = -int64(l.store.took(r, clock))
	case "size":
		r.num = -r.size
	case "status": // what failed first
		r.num = -int64(r.x.Status)
		if r.x.Err != nil {
			r.num = -1000
		}
	case "name":
		r.text = nameOf(r.x).full()
	}
}

func (l *lister) order(a, b *row) int {
	c := compare(a.num, b.num)
	if c == 0 && l.sort == "name" {
		c = compare(a.text, b.text)
	}
	if c == 0 {
		c = compare(a.id, b.id)
	}
	if l.down {
		return -c
	}
	return c
}

// relabel names groups by what is now known of their connections.
func (l *lister) relabel() {
	if l.by != "connection" {
		return
	}
	for _, r := range l.rows {
		if r.group != nil {
			_, r.group.label = l.keyOf(r)
		}
	}
	l.regroupNow()
}

// regroup makes the lines from the rows, unless that was done a moment ago and takes so long
// that a screen could not be drawn in between; then the next update does.
func (l *lister) regroup() bool {
	if l.late = time.Since(l.grouped) < idle*l.cost && l.cost > frame/idle; l.late {
		return false
	}
	l.regroupNow()
	return true
}

// age has those judged and placed anew that are on their way, for they take longer every
// time: nothing may be heard of one for a minute, and it is just the one that is looked for.
func (l *lister) age() {
	if len(l.store.aloft) == 0 || time.Since(l.aged) < 2*frame {
		return
	}
	l.aged = time.Now()
	for _, r := range l.store.aloft {
		l.store.touch(r)
	}
}

// idle is how much longer than a costly pass the time after it is that nothing like it is done in.
const idle = 10

// regroupNow makes the lines from the rows. It looks at every row, but only adds.
func (l *lister) regroupNow() {
	if l.late = false; l.by == groupings[0] {
		l.lines = nil
		return
	}
	start := time.Now()
	defer func() { l.grouped = time.Now(); l.cost = l.grouped.Sub(start) }()
	l.stamp++
	l.unowned()
	for _, g := range l.groups {
		*g = group{
			key: g.key, label: g.label, unfolded: g.unfolded, rows: g.rows[:0], picture: g.picture, stamp: l.stamp,
			covered: union{list: g.covered.list[:0]},
		}
	}
	clock := l.store.clock()
	for _, r := range l.store.rows { // in the order of starting
		if r.in {
			l.place(r, clock)
		}
	}
	for _, r := range l.rows {
		r.group.rows = append(r.group.rows, r)
	}
	list := make([]*group, 0, len(l.groups))
	for _, g := range l.groups {
		if len(g.rows) > 0 {
			g.busy = g.covered.sum()
			list = append(list, g)
		}
	}
	slices.SortFunc(list, l.orderGroups)
	l.lines = l.lines[:0]
	for _, g := range list {
		l.lines = append(l.lines, line{group: g})
		if g.unfolded {
			for _, r := range g.rows {
				l.lines = append(l.lines, line{row: r, group: g})
			}
		}
	}
}

// place adds r to its group.
func (l *lister) place(r *row, clock recorder.Span) {
	if r.group == nil {
		key, label := l.keyOf(r)
		g := l.groups[key]
		if g == nil {
			g = &group{key: key, stamp: l.stamp}
			l.groups[key] = g
		}
		g.label, r.group = label, g
	}
	r.group.tally(l.store, r, clock)
}

// tally adds r; busy is the caller's to sum up in the end.
func (g *group) tally(s *store, r *row, clock recorder.Span) {
	from := s.at(r)
	if g.first == 0 {
		g.first = r.id
	}
	g.covered.add(from, from+s.took(r, clock))
	g.bytes += r.size
	if r.failed() {
		g.failed++
	}
	if r.flying() {
		g.flying++
	}
}

func (l *lister) orderGroups(a, b *group) int {
	c := 0
	switch l.sort {
	case "time":
		c = compare(b.busy, a.busy)
	case "size":
		c = compare(b.bytes, a.bytes)
	case "status":
		c = compare(b.failed, a.failed)
	case "name":
		c = compare(a.label, b.label)
	}
	if c == 0 {
		c = compare(a.first, b.first)
	}
	if l.down {
		return -c
	}
	return c
}

// groupBy groups anew.
func (l *lister) groupBy(by string) {
	l.by = by
	l.groups = map[string]*group{}
	for _, r := range l.store.rows {
		r.group = nil
	}
	l.rebuild()
}

// sortBy sorts anew.
func (l *lister) sortBy(sort string, down bool) {
	l.sort, l.down = sort, down
	l.rebuild()
}
