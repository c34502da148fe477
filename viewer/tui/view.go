package tui

import (
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"modtap/recorder"
	"modtap/viewer/report"
)

func utoa(n uint64) string { return strconv.FormatUint(n, 10) }

// View is bubbletea's. It is called after each message; what the stream brings waits for
// the next tick.
func (m *model) View() tea.View {
	if m.dirty && m.urgent {
		m.draw()
		m.content = m.c.render(m.config.Color)
		m.dirty, m.urgent = false, false
	}
	v := tea.NewView(m.content)
	v.AltScreen = true
	v.MouseMode = tea.MouseModeCellMotion
	v.WindowTitle = "modtap"
	return v
}

// draw draws the screen anew. It costs as much as is seen, not as much as there is.
func (m *model) draw() {
	m.c.reset(m.w, m.h)
	if m.w < minWidth || m.h < minHeight {
		m.c.text(0, 0, m.w, "modtap needs 40x8 cells", plain)
		m.c.text(0, 1, m.w, "this is "+strconv.Itoa(m.w)+"x"+strconv.Itoa(m.h), plain)
		return
	}
	l := m.measure()
	m.topLine()
	m.overview(l.overviewY, l.overviewH)
	switch {
	case m.view == viewRequests:
		m.requests(l)
	default:
		m.tableView(l)
	}
	if l.paneH > 0 {
		m.drawPane(l)
	}
	if m.edit != nil {
		m.editorLines(l.footY)
	} else {
		m.foot(l.footY)
	}
}

// A part is a piece of the top line; those of less weight go first when there is no room.
type part struct {
	text   string
	st     style
	weight int
}

// topLine says what is shown and how it goes.
func (m *model) topLine() {
	s := m.store
	parts := []part{m.stateWord(), {clockText(s.elapsed()), bold, 5}, {count(s.requests, "request"), plain, 4}}
	if s.inFlight > 0 {
		parts = append(parts, part{thousands(s.inFlight) + " in flight", note, 2})
	}
	if s.bytes > 0 {
		parts = append(parts, part{report.Bytes(s.bytes), plain, 1})
	}
	if s.bad > 0 {
		parts = append(parts, part{thousands(s.bad) + " failed", bad, 3})
	}
	if s.lost > 0 && !s.ready {
		parts = append(parts, part{"catching up", warn, 2})
	}
	name := "modtap"
	if s.session != nil && len(s.session.Argv) > 0 {
		name = strings.Join(s.session.Argv, " ")
	} else if s.session != nil && s.session.Mode != "" {
		name = "modtap " + s.session.Mode
	}
	room := m.w - min(width(name)+4, max(m.w/4, 14))
	total := func() int {
		n := 0
		for _, p := range parts {
			n += width(p.text) + 3
		}
		return n
	}
	for total() > room && len(parts) > 1 {
		least := 0
		for i, p := range parts {
			if p.weight < parts[least].weight {
				least = i
			}
		}
		parts = append(parts[:least], parts[least+1:]...)
	}
	x := m.w - total()
	m.c.text(0, 0, x-1, cutTail(name, x-1), bold)
	for _, p := range parts {
		x += 3
		x += m.c.text(x-1, 0, m.w-x+1, p.text, p.st)
	}
}

// stateWord says whether more is to come.
func (m *model) stateWord() part {
	s := m.store
	switch {
	case s.end != nil && s.process != nil && s.process.Signal != "":
		return part{"ended by " + s.process.Signal, bad, 6}
	case s.end != nil && s.end.ExitCode != 0:
		return part{"ended, exit " + strconv.Itoa(s.end.ExitCode), bad, 6}
	case s.end != nil && s.process != nil:
		return part{"ended, exit 0", good, 6}
	case s.end != nil || m.state == stateComplete:
		return part{"ended", plain, 6}
	case m.state == stateBroken:
		return part{"not connected", bad, 6}
	case m.state == stateConnecting || s.session == nil:
		return part{"connecting", dim, 6}
	case s.process != nil && s.process.End > 0:
		return part{"command ended", plain, 6}
	}
	return part{"running", good, 6}
}

// clockText writes a running time, which must not jump in width.
func clockText(s recorder.Span) string {
	tenths := int64((s + 5e7) / 1e8)
	if tenths < 600 {
		return strconv.FormatInt(tenths/10, 10) + "." + strconv.FormatInt(tenths%10, 10) + " s"
	}
	rest := strconv.FormatInt(tenths%600/10, 10)
	if len(rest) < 2 {
		rest = "0" + rest
	}
	return strconv.FormatInt(tenths/600, 10) + ":" + rest + "." + strconv.FormatInt(tenths%10, 10)
}

// hints are the keys that the last line names, as many as there is room for.
var hints = []string{
	"/ filter  g group  s sort  enter details  f findings  ? keys  q quit",
	"/ filter  enter details  f findings  ? keys  q quit",
	"/ filter  f findings  ? keys  q quit",
	"? keys  q quit",
	"? keys",
}

// foot says how the table was made, or what was just done.
func (m *model) foot(y int) {
	switch {
	case m.notice != "":
		m.c.text(0, y, m.w, cutTail(m.notice, m.w), warn)
		return
	case m.state == stateBroken:
		m.c.text(0, y, m.w, cutTail("trying again: "+m.why, m.w), bad)
		return
	}
	var left []string
	if m.filter != "" {
		left = append(left, "filter "+m.filter, thousands(len(m.list.rows))+" of "+thousands(m.store.requests))
	}
	if m.list.next >= 0 {
		left = append(left, "filtering")
	}
	if n := m.tables.none; m.view != viewRequests && n > 0 {
		left = append(left, "about no "+noun(m.view)+": "+count(n, "request"))
	}
	if m.list.by != groupings[0] && m.view == viewRequests {
		left = append(left, "by "+m.list.by)
	}
	if m.list.sort != sortings[0] || m.list.down {
		order := "sorted by " + m.list.sort
		if m.list.down {
			order += ", reversed"
		}
		left = append(left, order)
	}
	if w := m.list.window; w != (window{}) {
		left = append(left, "zoom "+report.Duration(w.from.Duration())+" to "+report.Duration(w.to.Duration()))
	}
	if m.evidence.set != nil {
		left = append(left, m.evidence.of+" "+strconv.Itoa(m.evidence.at+1)+"/"+strconv.Itoa(len(m.evidence.ids)))
	}
	if m.filling {
		left = append(left, "fetching older requests")
	}
	text := strings.Join(left, "   ")
	keys := ""
	for _, keys = range hints {
		if width(text)+2+width(keys) <= m.w {
			break
		}
	}
	room := m.w - width(keys) - 2
	m.c.text(0, y, room, cutTail(text, room), plain)
	m.c.right(m.w-width(keys), y, width(keys), keys, dim)
}
