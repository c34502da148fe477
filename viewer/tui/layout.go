package tui

// A layout says where things are.
type layout struct {
	overviewY, overviewH int
	headY                int // of the table
	rowsY, rowsH, rowsW  int
	paneX, paneY         int
	paneW, paneH         int // with its title
	footY, footH         int
}

const (
	wide    = 150 // cells from which a pane stands beside the table
	tall    = 30  // lines from which the overview has two
	minRows = 4
)

// measure lays the screen out.
func (m *model) measure() layout {
	l := layout{overviewY: 1, overviewH: 1, footH: 1, rowsW: m.w}
	if m.h >= tall {
		l.overviewH = 2
	}
	if m.edit != nil {
		l.footH = 3
	}
	l.headY = l.overviewY + l.overviewH
	l.rowsY = l.headY + 1
	l.footY = m.h - l.footH
	l.rowsH = max(l.footY-l.rowsY, 0)
	switch m.aside {
	case paneNone:
	case paneHelp: // instead of the table
		l.paneW, l.paneY, l.paneH, l.rowsH = m.w, l.headY, l.rowsH+1, 0
	case paneOutput: // over the whole width
		l.below(m.w, m.lines())
	default:
		if m.w >= wide {
			l.paneW = min(max(m.w*2/5, 60), 100)
			l.rowsW = m.w - l.paneW - 1
			l.paneX, l.paneY, l.paneH = l.rowsW+1, l.headY, l.rowsH+1
			break
		}
		l.below(m.w, m.lines())
	}
	return l
}

// below gives the lower part to the pane, and what a table of n lines does not need.
func (l *layout) below(w, n int) {
	all := l.rowsH
	l.rowsH = max(min(all*2/5, n), min(minRows, all))
	if all < 2*minRows {
		l.rowsH = min(all, 1)
	}
	l.paneW, l.paneX = w, 0
	l.paneY, l.paneH = l.rowsY+l.rowsH, all-l.rowsH
}
