package tui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"modtap/recorder"
)

// tableEvery is how often a table of modules or hosts is counted again while the session lasts.
const tableEvery = time.Second

// A table is the modules or the hosts of the rows that pass the filter.
type table struct {
	view  string
	lines []tableLine
	none  int  // requests about none of them
	stale bool // the rows have changed since
	made  time.Time
	cost  time.Duration
}

// A tableLine is one of them.
type tableLine struct {
	group
	filter   string // that shows its requests
	took     []recorder.Span
	p50, p95 recorder.Span
	versions map[string]bool
	conns    map[uint64]bool
}

// tabulate counts the table of the view. The pointer stays at what it points at.
func (m *model) tabulate() {
	start := time.Now()
	at := ""
	if m.tables.view == m.view && m.at < len(m.tables.lines) {
		at = m.tables.lines[m.at].label
	}
	clock := m.store.clock()
	sets := map[string]*tableLine{}
	none := 0
	for _, r := range m.store.rows {
		if !r.in {
			continue
		}
		key := r.host
		if m.view == viewModules {
			key = r.x.Go.Module
		}
		if key == "" {
			none++
			continue
		}
		t := sets[key]
		if t == nil {
			t = &tableLine{group: group{key: key, stamp: 1}, versions: map[string]bool{}, conns: map[uint64]bool{}}
			sets[key] = t
		}
		t.rows = append(t.rows, r)
		t.tally(m.store, r, clock)
		if took := m.store.took(r, clock); r.x.Done && took > 0 { // 0: the file does not say
			t.took = append(t.took, took)
		}
		if r.x.Go.Version != "" {
			t.versions[r.x.Go.Version] = true
		}
		if r.x.Conn != 0 {
			t.conns[r.x.Conn] = true
		}
	}
	lines := make([]tableLine, 0, len(sets))
	for key, t := range sets {
		slices.Sort(t.took)
		t.p50, t.p95 = percentile(t.took, 50), percentile(t.took, 95)
		t.took = nil
		t.busy = t.covered.sum()
		t.label = key
		t.filter = noun(m.view) + ":" + exactly(key)
		lines = append(lines, *t)
	}
	sort := m.list.sort
	if sort == "start" {
		sort = "time" // the order of starting says nothing of a module
	}
	by := lister{sort: sort, down: m.list.down}
	slices.SortFunc(lines, func(a, b tableLine) int {
		return cmp.Or(by.orderGroups(&a.group, &b.group), cmp.Compare(a.label, b.label))
	})
	m.tables = table{view: m.view, lines: lines, none: none, made: m.now(), cost: time.Since(start)}
	if i := slices.IndexFunc(lines, func(t tableLine) bool { return t.label == at }); i >= 0 {
		m.at = i
	}
	m.point(m.at, false)
}

// noun is what a line of the table is about, which is a field of the filter language, too.
func noun(view string) string { return strings.TrimSuffix(view, "s") }

// exactly is the value of the filter language that is s and nothing more, but for case:
// golang.org/x/net is not golang.org/x/netbsd.
func exactly(s string) string {
	switch {
	case strings.Contains(s, `"`): // quotes cannot be written: this is a part of it
		return `"` + strings.ReplaceAll(s, `"`, "") + `"`
	case strings.ContainsFunc(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }):
		return `="` + s + `"`
	}
	return "=" + s
}

// percentile is the p-th of sorted lengths by nearest rank; 0 of none.
func percentile(sorted []recorder.Span, p int) recorder.Span {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)*p+99)/100-1]
}

// A field is a column of figures in a table.
type field struct {
	head string
	w    int
	text func(t *tableLine) string
}

// fields are the figures of the view, the most telling first; what has no room is left out.
func (m *model) fields(w int) []field {
	number := func(f func(t *tableLine) int) func(*tableLine) string {
		return func(t *tableLine) string {
			if n := f(t); n > 0 {
				return strconv.Itoa(n)
			}
			return ""
		}
	}
	list := []field{
		{"requests", 8, number(func(t *tableLine) int { return len(t.rows) })},
		{"failed", 6, number(func(t *tableLine) int { return t.failed })},
		{"busy", 7, func(t *tableLine) string { return duration(t.busy) }},
		{"P50", 7, func(t *tableLine) string { return duration(t.p50) }},
		{"P95", 7, func(t *tableLine) string { return duration(t.p95) }},
		{"size", 8, func(t *tableLine) string { return size(t.bytes) }},
	}
	if m.view == viewModules {
		list = append(list, field{"versions", 8, number(func(t *tableLine) int { return len(t.versions) })})
	} else {
		list = append(list, field{"conns", 5, number(func(t *tableLine) int { return len(t.conns) })})
	}
	for len(list) > 2 && len(list)*9 > w-33 {
		list = list[:len(list)-1]
	}
	return list
}

// tableView draws the table of modules or of hosts.
func (m *model) tableView(l layout) {
	// While the session lasts, what is in flight makes every count an old one.
	old := m.tables.stale && !m.live() || m.live() && m.now().Sub(m.tables.made) >= max(tableEvery, idle*m.tables.cost)
	if m.tables.view != m.view || old {
		m.tabulate()
	}
	fields := m.fields(l.rowsW)
	nameW := min(max((l.rowsW-len(fields)*9)*55/100, 16), 60)
	x := 2 + nameW + 1
	m.c.text(2, l.headY, nameW, noun(m.view), bold)
	places := make([]column, len(fields))
	for i, f := range fields {
		places[i] = column{x, f.w}
		m.c.right(x, l.headY, f.w, f.head, bold)
		x += f.w + 1
	}
	last := column{x, max(l.rowsW-x, 0)}
	sc := m.axis(last.w)
	sc.axis(&m.c, last.x, l.headY)
	if len(m.tables.lines) == 0 {
		m.empty(l)
	}
	clock := m.store.clock()
	for i := 0; i < l.rowsH && m.top+i < len(m.tables.lines); i++ {
		t, y := &m.tables.lines[m.top+i], l.rowsY+i
		m.c.text(2, y, nameW, cutHead(t.label, nameW), plain)
		for j, f := range fields {
			st := plain
			if f.head == "failed" {
				st = bad
			}
			m.c.right(places[j].x, y, places[j].w, f.text(t), st)
		}
		if m.top+i == m.at {
			m.c.set(0, y, m.g.point, bold)
			m.c.highlight(y, last.x-1)
		}
		m.paint.heap(&m.c, last.x, y, sc, m.store, &t.group, clock)
	}
}
