package tui

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"modtap/recorder"
)

// press takes a key.
func (m *model) press(msg tea.KeyPressMsg) tea.Cmd {
	key := msg.String()
	if m.edit != nil {
		return m.editKey(msg)
	}
	m.notice = ""
	quitting := m.quitting
	m.quitting = false
	if key == "ctrl+c" {
		return m.interrupt()
	}
	if m.focus && m.aside != paneNone {
		if cmd, taken := m.paneKey(key); taken {
			return cmd
		}
	}
	if cmd, taken := m.moveKey(key); taken {
		return cmd
	}
	switch key {
	case "q":
		if !m.running() || quitting {
			return tea.Quit
		}
		m.quitting = true
		m.notice = "the command is still running: q again leaves the viewer, Ctrl-C stops the command"
		return nil
	case "/":
		m.openEditor()
		return nil
	case "?":
		return m.toggle(paneHelp)
	case "f":
		cmd := m.toggle(paneFindings)
		return tea.Batch(cmd, m.ask())
	case "t":
		if m.pane == nil {
			m.notice = "there is no output to show: the command was not started by this viewer"
			return nil
		}
		return m.toggle(paneOutput)
	case "tab":
		m.focus = !m.focus && m.aside != paneNone
		return nil
	case "esc":
		return m.back()
	}
	return m.tableKey(key)
}

// interrupt is Ctrl-C: the command's while it runs, else it leaves.
func (m *model) interrupt() tea.Cmd {
	if m.config.Interrupt != nil && m.running() {
		m.notice = "Ctrl-C was passed to the command"
		m.config.Interrupt()
		return nil
	}
	return tea.Quit
}

// running reports whether there is a command that has not ended.
func (m *model) running() bool { return m.config.Running != nil && m.config.Running() }

// toggle opens a pane, or closes it.
func (m *model) toggle(pane string) tea.Cmd {
	m.scroll = 0
	if m.aside == pane {
		m.aside, m.focus = paneNone, false
	} else {
		m.aside, m.focus, m.reveals = pane, pane != paneDetails, true
	}
	m.ensure()
	return m.detailCmd()
}

// back is esc: it undoes the last thing that narrows the view.
func (m *model) back() tea.Cmd {
	switch {
	case m.aside != paneNone:
		return m.toggle(m.aside)
	case m.view != viewRequests:
		m.show(viewRequests)
	case m.evidence.set != nil:
		m.evidence = evidence{}
	case m.list.window != (window{}):
		return m.zoom(window{})
	case m.filter != "":
		m.setFilter("")
		return m.judge()
	}
	return nil
}

// moveKey takes the keys that move the pointer.
func (m *model) moveKey(key string) (tea.Cmd, bool) {
	page := max(m.measure().rowsH-1, 1)
	switch key {
	case "down", "j":
		m.point(m.at+1, true)
	case "up", "k":
		m.point(m.at-1, true)
	case "pgdown", "space", "ctrl+f":
		m.point(m.at+page, true)
	case "pgup", "ctrl+b":
		m.point(m.at-page, true)
	case "home":
		m.point(0, true)
	case "end", "G":
		m.point(m.lines()-1, true)
	default:
		return nil, false
	}
	return m.detailCmd(), true
}

// tableKey takes the keys of the table.
func (m *model) tableKey(key string) tea.Cmd {
	switch key {
	case "enter":
		return m.enter()
	case "o", "left", "right":
		m.fold(key)
	case "g":
		m.groupBy(following(groupings, m.list.by))
	case "b":
		m.groupBy(before(groupings, m.list.by))
	case "s":
		m.sortBy(following(sortings, m.list.sort), false)
	case "S":
		m.sortBy(m.list.sort, !m.list.down)
	case "m":
		m.show(viewModules)
	case "h":
		m.show(viewHosts)
	case "r":
		m.show(viewRequests)
	case "[":
		return m.witness(m.evidence.at - 1)
	case "]":
		return m.witness(m.evidence.at + 1)
	case "+", "=":
		return m.zoomBy(0.5)
	case "-":
		return m.zoomBy(2)
	case ",", "<":
		return m.pan(-0.25)
	case ".", ">":
		return m.pan(0.25)
	case "0":
		return m.zoom(window{})
	case "p":
		return m.markPath()
	case "c":
		return m.copyCurl()
	case "l":
		return m.copyLink()
	}
	return nil
}

// following is what comes after now, in a circle.
func following(list []string, now string) string {
	return list[(slices.Index(list, now)+1)%len(list)]
}

// before is what comes before now, in a circle.
func before(list []string, now string) string {
	return list[(slices.Index(list, now)+len(list)-1)%len(list)]
}

func (m *model) groupBy(by string) {
	m.show(viewRequests)
	m.list.groupBy(by)
	m.keep()
}

func (m *model) sortBy(by string, down bool) {
	m.list.sortBy(by, down)
	if m.view != viewRequests {
		m.tabulate()
	}
	m.keep()
}

// enter opens what is pointed at.
func (m *model) enter() tea.Cmd {
	if m.at >= m.lines() {
		return nil
	}
	if m.view != viewRequests {
		word := m.tables.lines[m.at].filter
		m.groupBy(groupings[0])
		m.setFilter(strings.TrimSpace(m.filter + " " + word)) // the filter stays: what passes it was counted
		return m.judge()
	}
	if m.list.at(m.at).row == nil {
		m.fold("o")
		return nil
	}
	return m.toggle(paneDetails)
}

// fold folds or unfolds the group that is pointed at; of a request: its group.
func (m *model) fold(key string) {
	if m.view != viewRequests || m.at >= m.list.len() {
		return
	}
	g := m.list.at(m.at).group
	if g == nil || key == "left" && !g.unfolded || key == "right" && g.unfolded {
		return
	}
	g.unfolded = !g.unfolded
	m.list.regroupNow()
	m.follow, m.pointed, m.key = false, 0, g.key
	m.keep()
}

// show changes the view.
func (m *model) show(view string) {
	if m.view == view {
		return
	}
	m.view, m.top, m.at = view, 0, 0
	if view == viewRequests {
		m.keep()
		return
	}
	if m.aside == paneDetails {
		m.aside, m.focus = paneNone, false
	}
	m.tabulate()
	m.point(0, false)
}

// witness goes to the i-th request of the finding that is followed.
func (m *model) witness(i int) tea.Cmd {
	n := len(m.evidence.ids)
	if n == 0 {
		m.notice = "no finding is followed: f shows them, enter follows one"
		return nil
	}
	m.evidence.at = (i + n) % n
	return m.jump(m.evidence.ids[m.evidence.at])
}

// jump points at a request, in its group if need be.
func (m *model) jump(id uint64) tea.Cmd {
	m.show(viewRequests)
	i := m.list.find(id)
	if i < 0 {
		m.notice = "request " + "#" + utoa(id) + " is not shown: the filter or the zoom leaves it out"
		if m.store.byID[id] == nil {
			m.notice = "request #" + utoa(id) + " is not here"
		}
		return nil
	}
	if l := m.list.at(i); l.row == nil {
		l.group.unfolded = true
		m.list.regroupNow()
		i = m.list.find(id)
	}
	m.top = max(i-m.measure().rowsH/3, 0) // with what is around it
	m.point(i, true)
	return m.detailCmd()
}

// zoomBy zooms around what is pointed at.
func (m *model) zoomBy(factor float64) tea.Cmd {
	w := m.list.window
	if w == (window{}) {
		w = window{0, m.store.clock()}
	}
	center := (w.from + w.to) / 2
	if r := m.selected(); r != nil {
		center = m.store.at(r) + m.store.took(r, m.store.clock())/2
	}
	half := recorder.Span(float64(w.to-w.from) * factor / 2)
	if half < recorder.Span(1e5) {
		return nil
	}
	w = window{max(center-half, 0), center + half}
	if w.from == 0 && w.to >= m.store.clock() {
		w = window{}
	}
	return m.zoom(w)
}

// pan moves what is looked at by a part of its length.
func (m *model) pan(part float64) tea.Cmd {
	w := m.list.window
	if w == (window{}) {
		return nil
	}
	by := recorder.Span(float64(w.to-w.from) * part)
	by = max(by, -w.from)
	by = min(by, max(m.store.clock()-w.to, 0))
	return m.zoom(window{w.from + by, w.to + by})
}

// zoom looks at a part of the run; what lies outside of it is left out.
func (m *model) zoom(w window) tea.Cmd {
	m.list.window = w
	m.list.refilter()
	return m.judge()
}

// markPath marks the requests of the critical path, or no longer.
func (m *model) markPath() tea.Cmd {
	switch {
	case m.onPath != nil:
		m.onPath = nil
	case m.report == nil:
		m.notice = "the critical path is not known: there is no report yet"
		return m.ask()
	default:
		m.onPath = criticalOf(m.report)
		if m.notice = count(len(m.onPath), "request") + " on the critical path"; m.live() {
			m.notice += " so far"
		}
	}
	return nil
}

// mouse takes the wheel and clicks.
func (m *model) mouse(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	l := m.measure()
	inPane := l.paneH > 0 && at.Y >= l.paneY && at.Y < l.paneY+l.paneH && at.X >= l.paneX
	switch msg := msg.(type) {
	case tea.MouseWheelMsg:
		by := 3
		if msg.Button == tea.MouseWheelUp {
			by = -3
		} else if msg.Button != tea.MouseWheelDown {
			return nil
		}
		switch {
		case inPane && m.aside == paneOutput:
			m.pane.Scroll(by)
			return nil
		case inPane:
			m.scroll, m.reveals = max(m.scroll+by, 0), false
			return nil
		}
		m.point(m.at+by, true)
	case tea.MouseClickMsg:
		if inPane {
			m.focus = true
			return nil
		}
		m.focus = false
		i := m.top + at.Y - l.rowsY
		if msg.Button != tea.MouseLeft || at.Y < l.rowsY || at.Y >= l.rowsY+l.rowsH || i >= m.lines() {
			return nil
		}
		if i == m.at && m.edit == nil {
			return m.enter()
		}
		m.point(i, true)
	}
	return m.detailCmd()
}
