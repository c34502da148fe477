package tui

import (
	"strconv"

	"modtap/recorder"
)

// A column is where a column of the table is; w 0: there is no room for it.
type column struct{ x, w int }

// Columns are those of a frame.
type columns struct {
	id, status, kind, name, host, size, time, bar column
}

// columns lays the table out in w cells.
func (m *model) columns(w int) columns {
	var c columns
	x := 2 // the pointer and the mark
	take := func(n int) column {
		at := column{x, n}
		x += n + 1
		return at
	}
	digits := 4
	if n := len(m.store.rows); n > 0 {
		digits = max(digits, len(utoa(m.store.rows[n-1].x.ID)))
	}
	c.id = take(digits)
	c.status = take(4)
	if w >= 120 {
		c.status.w, x = 9, x+5
	}
	sizes := w >= 72 // below, the name needs the room more
	if w >= 60 {
		c.kind = take(8)
	}
	if w >= 100 {
		c.kind.w, x = 15, x+7
	}
	rest := 8 // time
	if sizes {
		rest += 9
	}
	if w >= 140 {
		rest += 25 // host
	}
	room := w - x - rest
	share := 45
	switch {
	case !sizes:
		share = 62
	case w < 100:
		share = 52
	}
	c.name = take(min(max(room*share/100, 8), 64))
	if w >= 140 {
		c.host = take(24)
	}
	if sizes {
		c.size = take(8)
	}
	c.time = take(7)
	c.bar = column{x, max(w-x, 0)}
	return c
}

// requests draws the table of requests.
func (m *model) requests(l layout) {
	c := m.columns(l.rowsW)
	m.head(c, l.headY)
	sc := m.axis(c.bar.w)
	sc.axis(&m.c, c.bar.x, l.headY)
	n := m.list.len()
	if n == 0 {
		m.empty(l)
		return
	}
	clock := m.store.clock()
	for i := 0; i < l.rowsH && m.top+i < n; i++ {
		y := l.rowsY + i
		line := m.list.at(m.top + i)
		if line.row == nil {
			m.groupLine(c, sc, y, line.group, clock)
		} else {
			m.requestLine(c, sc, y, line, clock)
		}
		if m.top+i == m.at {
			m.c.set(0, y, m.g.point, bold)
			m.c.highlight(y, c.bar.x-1)
		}
	}
}

func (m *model) head(c columns, y int) {
	put := func(at column, s string, right bool) {
		if at.w == 0 {
			return
		}
		if right {
			m.c.right(at.x, y, at.w, s, bold)
			return
		}
		m.c.text(at.x, y, at.w, cutTail(s, at.w), bold)
	}
	put(c.id, "#", true)
	put(c.status, map[bool]string{true: "st", false: "status"}[c.status.w < 6], false)
	put(c.kind, "kind", false)
	put(c.name, "module or path", false)
	put(c.host, "host", false)
	put(c.size, "size", true)
	put(c.time, "time", true)
}

// empty says why there is nothing to show.
func (m *model) empty(l layout) {
	why := "No request yet."
	switch {
	case m.list.next >= 0:
		why = "Filtering."
	case m.view != viewRequests && len(m.list.rows) > 0:
		why = "No request that is shown is about a " + noun(m.view) + "."
	case m.store.requests > 0:
		why = "No request passes: esc takes the filter or the zoom away."
	case m.state == stateConnecting:
		why = "Connecting."
	case !m.live():
		why = "There was no request."
	}
	m.c.text(2, l.rowsY+min(1, l.rowsH-1), l.rowsW-2, why, dim)
}

// requestLine draws one request.
func (m *model) requestLine(c columns, sc scale, y int, line line, clock recorder.Span) {
	r := line.row
	x := r.x
	base := plain
	if r.failed() {
		base = bad
	}
	switch {
	case m.evidence.set[x.ID]:
		m.c.set(1, y, m.g.evidence, warn|bold)
	case m.onPath[x.ID]:
		m.c.set(1, y, m.g.path, note|bold)
	}
	m.c.right(c.id.x, y, c.id.w, utoa(x.ID), dim)
	word, st := statusOf(r)
	m.c.text(c.status.x, y, c.status.w, cutTail(word, c.status.w), st)
	if c.kind.w > 0 {
		m.c.text(c.kind.x, y, c.kind.w, cutTail(kindOf(x), c.kind.w), base)
	}
	at, room := c.name.x, c.name.w
	if line.group != nil {
		at, room = at+2, room-2
	}
	text, version := nameOf(x).fit(room)
	n := m.c.text(at, y, room, text, base)
	m.c.text(at+n, y, room-n, version, dim)
	if c.host.w > 0 {
		m.c.text(c.host.x, y, c.host.w, cutHead(r.host, c.host.w), dim)
	}
	if c.size.w > 0 {
		m.c.right(c.size.x, y, c.size.w, size(x.Response.BodySize), plain)
	}
	m.c.right(c.time.x, y, c.time.w, duration(m.store.took(r, clock)), plain)
	m.paint.bar(&m.c, c.bar.x, y, sc, m.store, r, clock)
}

// groupLine draws a group: its figures, and how many of its requests were in flight.
func (m *model) groupLine(c columns, sc scale, y int, g *group, clock recorder.Span) {
	mark := m.g.folded
	if g.unfolded {
		mark = m.g.open
	}
	m.c.set(1, y, mark, bold)
	text := strconv.Itoa(len(g.rows))
	m.c.right(c.id.x, y, c.id.w, text, bold)
	if g.failed > 0 {
		text := strconv.Itoa(g.failed) + " failed"
		if width(text) > c.status.w {
			text = strconv.Itoa(g.failed) + "!"
		}
		m.c.text(c.status.x, y, c.status.w, cutTail(text, c.status.w), bad)
	}
	w := c.name.x + c.name.w - c.kind.x
	at := c.kind.x
	if c.kind.w == 0 {
		at, w = c.name.x, c.name.w
	}
	if c.host.w > 0 {
		w += c.host.w + 1
	}
	label := cutHead(g.label, w)
	if m.list.by == "connection" {
		label = cutTail(g.label, w) // its number tells it apart
	}
	m.c.text(at, y, w, label, bold)
	if c.size.w > 0 {
		m.c.right(c.size.x, y, c.size.w, size(g.bytes), plain)
	}
	m.c.right(c.time.x, y, c.time.w, duration(g.busy), plain)
	m.paint.heap(&m.c, c.bar.x, y, sc, m.store, g, clock)
	if g.flying > 0 && c.bar.w > 0 {
		if at := int(sc.cell(clock)); at >= 0 && at < c.bar.w {
			m.c.set(c.bar.x+at, y, m.g.flying, bold)
		}
	}
}
