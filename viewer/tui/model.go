package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"modtap/viewer/report"
)

const (
	framesPerSecond = 20
	slice           = 8 * time.Millisecond // of filtering, between which keys are taken
	minWidth        = 40
	minHeight       = 8
)

// The states of the stream.
const (
	stateConnecting = "connecting"
	stateOpen       = "open"
	stateBroken     = "broken"
	stateComplete   = "complete"
)

// The panes beside or below the table.
const (
	paneNone     = ""
	paneDetails  = "details"
	paneFindings = "findings"
	paneOutput   = "output"
	paneHelp     = "help"
)

// The views of the table.
const (
	viewRequests = "requests"
	viewModules  = "modules"
	viewHosts    = "hosts"
)

// A model is all that the screen shows. Only bubbletea's goroutine touches it.
type model struct {
	ctx    context.Context
	config Config
	source source // nil before the first connection
	now    func() time.Time
	skew   time.Duration // of the server's clock, which all times are of
	g      *glyphs

	store  *store
	list   *lister
	state  string
	why    string // the stream is broken
	notice string // one line about what was just done, or could not be done

	w, h    int
	c       canvas
	paint   painter
	flying  []*row
	content string
	dirty   bool // content is old
	urgent  bool // it is to be drawn before the next tick
	ticking bool

	view     string
	top      int    // first line that is drawn
	at       int    // line that is pointed at
	pointed  uint64 // its request; 0: a group
	key      string // its group
	follow   bool   // stay at the newest line
	aside    string // pane
	focus    bool   // keys go to the pane
	scroll   int    // of the pane
	paneH    int    // lines of the pane's text that are seen
	pane     outputPane
	edit     *editor // the filter is being edited
	filter   string  // that was accepted
	detail   detail
	report   *report.JSONReport
	asking   asking
	finding  int  // that is pointed at
	reveals  bool // it was moved to, and may be out of sight
	evidence evidence
	onPath   map[uint64]bool // the critical path is marked; nil: it is not
	tables   table
	quitting bool // q was pressed while the command runs
	filling  bool // older requests are being fetched
	refill   bool // and once more
}

// evidence is what a finding rests on.
type evidence struct {
	of  string
	ids []uint64
	set map[uint64]bool
	at  int
}

func newModel(ctx context.Context, c Config, g *glyphs) *model {
	m := &model{ctx: ctx, config: c, now: time.Now, g: g, state: stateConnecting, view: viewRequests, follow: true, dirty: true}
	m.store = newStore(func() time.Time { return m.now().Add(m.skew) })
	m.list = newLister(m.store)
	m.paint.g = g
	m.c.ascii = g.ascii
	m.pane = newPane(c.Output)
	m.setFilter(c.Filter)
	m.list.step(slice) // of nothing
	m.aside, m.focus = paneNone, false
	if c.ShowOutput && m.pane != nil {
		m.aside = paneOutput
	}
	return m
}

type (
	tickMsg   struct{}
	filterMsg struct{} // go on judging rows
)

// Init is bubbletea's.
func (m *model) Init() tea.Cmd { return m.tick() }

// tick begins to redraw the clock, which runs while the session does.
func (m *model) tick() tea.Cmd {
	if m.ticking {
		return nil
	}
	m.ticking = true
	return tea.Tick(time.Second/framesPerSecond, func(time.Time) tea.Msg { return tickMsg{} })
}

// live reports whether more is to come.
func (m *model) live() bool { return m.store.end == nil && m.state != stateComplete }

// Update is bubbletea's. What comes from the stream is drawn at the next tick, what the
// user does at once.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.dirty = true
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case tickMsg:
		m.ticking, m.urgent = false, true
		if m.refresh(); m.live() || m.list.late {
			cmd = tea.Batch(m.tick(), m.due())
		}
	case tea.WindowSizeMsg:
		m.w, m.h, m.urgent = msg.Width, msg.Height, true
		m.ensure()
	case tea.KeyPressMsg:
		m.urgent = true
		cmd = m.press(msg)
	case tea.PasteMsg:
		m.urgent = true
		cmd = m.paste(msg.Content)
	case tea.MouseMsg:
		m.urgent = true
		cmd = m.mouse(msg)
	case filterMsg:
		m.urgent = true
		cmd = m.judge()
	default:
		cmd = m.hear(msg)
		m.urgent = m.urgent || !m.live()
	}
	return m, cmd
}

// hear takes what came from the stream, or was asked for.
func (m *model) hear(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case connectedMsg:
		return m.connected(msg.source)
	case batchesMsg:
		return m.batches(msg)
	case brokenMsg:
		m.state, m.why = stateBroken, msg.err.Error()
	case completeMsg:
		m.state = stateComplete
		m.store.cut = m.store.end == nil
		m.list.aged = time.Time{} // the clock stands still now, where nothing more is known of
		m.refresh()
		return tea.Batch(m.fill(1), m.fillConns(1), m.ask())
	case olderMsg:
		return m.gotOlder(msg)
	case connsMsg:
		return m.gotConns(msg)
	case wholeMsg:
		return m.gotWhole(msg)
	case curlMsg:
		return m.gotCurl(msg)
	case reportMsg:
		return m.gotReport(msg)
	}
	return nil
}

// connected begins anew when it is another session.
func (m *model) connected(src source) tea.Cmd {
	m.source, m.state, m.skew = src, stateOpen, src.Skew()
	s := src.Session()
	if s != nil && m.store.session != nil && s.ID != m.store.session.ID {
		m.store = newStore(m.store.now)
		old := m.list
		m.list = newLister(m.store)
		m.list.by, m.list.sort, m.list.down = old.by, old.sort, old.down
		m.setFilter(m.filter)
		m.list.step(slice) // of nothing
		m.at, m.top, m.pointed, m.key, m.report, m.evidence, m.onPath = 0, 0, 0, "", nil, evidence{}, nil
		m.filling, m.refill, m.detail, m.tables = false, false, detail{}, table{}
	}
	if s != nil {
		m.store.begin(s)
	}
	return m.tick()
}

// batches takes what a frame of the stream brought.
func (m *model) batches(list batchesMsg) tea.Cmd {
	news, was, ended := m.store.news, m.store.inSnapshot, m.store.end != nil
	snapshot := was
	for _, b := range list {
		snapshot = snapshot || b.Snapshot
		m.store.apply(b)
	}
	m.refresh()
	var cmds []tea.Cmd
	if snapshot && !m.store.inSnapshot {
		cmds = append(cmds, m.fill(1), m.fillConns(1))
	}
	if m.store.news != news {
		cmds = append(cmds, m.ask())
	}
	if e := m.store.end; e != nil && !ended && e.ExitCode != 0 && m.pane != nil && m.aside != paneOutput {
		m.notice = "the command failed: t shows what it printed"
	}
	return tea.Batch(append(cmds, m.detailCmd())...)
}

// refresh works what changed in the store into the lines, and keeps the pointer on what it
// points at.
func (m *model) refresh() {
	if m.list.update() {
		m.keep()
	}
}

// keep finds again what is pointed at, after the lines have changed.
func (m *model) keep() {
	switch {
	case m.view != viewRequests: // tabulate does it for the tables
		m.tables.stale = true
	case m.follow && m.live():
		m.at = m.list.len() - 1
	case m.pointed != 0:
		if i := m.list.find(m.pointed); i >= 0 {
			m.at = i
		}
	case m.key != "" && m.list.by != groupings[0]:
		for i := range m.list.len() {
			if l := m.list.at(i); l.row == nil && l.group.key == m.key {
				m.at = i
				break
			}
		}
	}
	m.point(m.at, false)
}

// judge filters for a slice of time.
func (m *model) judge() tea.Cmd {
	if m.list.step(slice) {
		return func() tea.Msg { return filterMsg{} }
	}
	m.keep()
	return m.detailCmd()
}

// point moves to a line; moved says that the user did.
func (m *model) point(i int, moved bool) {
	n := m.lines()
	m.at = min(max(i, 0), max(n-1, 0))
	if moved {
		m.follow = m.live() && m.at == n-1 && m.view == viewRequests
	}
	if m.view == viewRequests {
		before := m.pointed
		m.pointed, m.key = 0, ""
		if m.at < n {
			if l := m.list.at(m.at); l.row != nil {
				m.pointed = l.row.x.ID
			} else {
				m.key = l.group.key
			}
		}
		if before != m.pointed && m.aside == paneDetails && !m.focus {
			m.scroll = 0
		}
	}
	m.ensure()
}

// ensure scrolls so that the line that is pointed at is seen.
func (m *model) ensure() {
	h := m.measure().rowsH
	n := m.lines()
	m.top = min(m.top, max(n-h, 0))
	if m.at < m.top {
		m.top = m.at
	}
	if h > 0 && m.at >= m.top+h {
		m.top = m.at - h + 1
	}
	m.top = max(m.top, 0)
}

// lines is how many lines the table has.
func (m *model) lines() int {
	if m.view == viewRequests {
		return m.list.len()
	}
	return len(m.tables.lines)
}

// selected is the row that is pointed at; nil: there is none.
func (m *model) selected() *row { return m.store.byID[m.pointed] }
