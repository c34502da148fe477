package tui

import (
	"strconv"

	"modtap/recorder"
)

// overview draws the whole run in one line or two: how many requests were in flight, on
// average over each cell, and the times without any. What is zoomed into is underlined by
// marks at its ends.
func (m *model) overview(y, h int) {
	clock := m.store.clock()
	to := m.whole().to
	label := 11
	if m.w < 60 {
		label = 0
	}
	n := m.w - label
	levels := m.store.load.levels(0, to, n)
	for _, r := range m.flights() {
		from := m.store.at(r)
		cover(levels, 0, to, from, from+m.store.took(r, clock))
	}
	top := peak(levels)
	if label > 0 {
		m.c.text(0, y, label-1, "in flight", dim)
		if h > 1 {
			m.c.text(0, y+1, label-1, "top "+strconv.FormatFloat(top, 'f', 1, 64), dim)
		}
	}
	each := scale{0, to, n}
	for i, v := range levels {
		at := each.instant(float64(i))
		st := receiveColor
		if w := m.list.window; w != (window{}) && (each.instant(float64(i+1)) < w.from || at > w.to) {
			st = dim
		}
		switch {
		case at >= clock:
		case v <= 1e-9:
			m.c.set(label+i, y+h-1, m.g.idle, dim)
		case h == 1:
			m.c.set(label+i, y, m.paint.height(v, top), st)
		default:
			m.column(label+i, y, v/top, st)
		}
	}
}

// column draws a height of two lines.
func (m *model) column(x, y int, part float64, st style) {
	if part <= 0.5 {
		m.c.set(x, y+1, m.paint.height(part, 0.5), st)
		return
	}
	m.c.set(x, y+1, m.g.levels[len(m.g.levels)-1], st)
	m.c.set(x, y, m.paint.height(part-0.5, 0.5), st)
}

// whole is the axis of the whole run.
func (m *model) whole() window {
	clock := m.store.clock()
	if m.store.end != nil || m.state == stateBroken {
		for _, r := range m.store.rows[max(len(m.store.rows)-64, 0):] {
			clock = max(clock, m.store.at(r)+m.store.took(r, clock)) // of a recording that was cut off
		}
		return window{0, max(clock+clock/200, recorder.Span(1e6))}
	}
	return window{0, room(clock)}
}

// axis is the time axis of the bars.
func (m *model) axis(cells int) scale {
	w := m.list.window
	if w == (window{}) {
		w = m.whole()
	}
	return scale{w.from, w.to, cells}
}

// flights are the rows that are on their way. They are found from the end: there are few,
// and they are new, but one may be old.
func (m *model) flights() []*row {
	m.flying = m.flying[:0]
	left := m.store.inFlight
	for i := len(m.store.rows) - 1; i >= 0 && left > 0; i-- {
		if r := m.store.rows[i]; r.flying() {
			m.flying = append(m.flying, r)
			left--
		}
	}
	return m.flying
}
