package tui

import (
	"strconv"
	"strings"
)

// A span is a piece of a line of a page.
type span struct {
	text string
	st   style
}

// A page is text for a pane, laid out for its width.
type page struct {
	title string
	w     int
	lines [][]span
	at    []int // of each line: the finding that it is about, -1: none
	now   int
}

// add adds a line; what is too long is cut off.
func (p *page) add(spans ...span) {
	p.lines = append(p.lines, spans)
	p.at = append(p.at, p.now)
}

// head begins a section.
func (p *page) head(s string) {
	if n := len(p.lines); n > 0 && len(p.lines[n-1]) > 0 {
		p.add()
	}
	p.add(span{s, bold})
}

// fact adds a name and what it is; nothing when that is not known.
func (p *page) fact(name, value string) {
	if value == "" {
		return
	}
	const names = 20
	if p.w < 50 {
		p.add(span{name + " ", dim})
		p.wrap(value, 2, plain)
		return
	}
	lines := wrapped(value, p.w-names)
	p.add(span{name + strings.Repeat(" ", max(names-width(name), 1)), dim}, span{lines[0], plain})
	for _, l := range lines[1:] {
		p.add(span{strings.Repeat(" ", names), plain}, span{l, plain})
	}
}

// wrap adds text in as many lines as it needs.
func (p *page) wrap(text string, indent int, st style) {
	for _, l := range wrapped(text, p.w-indent) {
		p.add(span{strings.Repeat(" ", indent), plain}, span{l, st})
	}
}

// wrapped breaks text into lines of w cells, at blanks where there are any.
func wrapped(text string, w int) []string {
	w = max(w, 8)
	var lines []string
	for {
		used, cut, blank := 0, len(text), -1
		for i, r := range text {
			n := cells(shown(r))
			if used+n > w {
				cut = i
				break
			}
			used += n
			if r == ' ' && i > 0 {
				blank = i
			}
		}
		if cut == len(text) {
			return append(lines, text)
		}
		if text[cut] == ' ' {
			blank = cut
		}
		if blank > 0 {
			lines, text = append(lines, text[:blank]), strings.TrimLeft(text[blank:], " ")
			continue
		}
		lines, text = append(lines, text[:cut]), text[cut:]
	}
}

// drawPane draws the pane beside or below the table.
func (m *model) drawPane(l layout) {
	m.paneH = l.paneH - 1
	if l.paneX > 0 {
		for y := l.headY; y < l.footY; y++ {
			m.c.set(l.paneX-1, y, m.g.tick, dim)
		}
	}
	if m.aside == paneOutput && m.pane != nil {
		m.paneTitle(l, m.pane.Title(), "")
		lines := m.pane.Lines(l.paneW, m.paneH, m.config.Color)
		for i := range m.paneH {
			if i < len(lines) {
				m.c.line(l.paneY+1+i, lines[i])
			}
		}
		return
	}
	p := m.page(l.paneW)
	if m.aside == paneFindings {
		m.reveal(p)
	}
	m.scroll = min(m.scroll, max(len(p.lines)-m.paneH, 0))
	where := ""
	if len(p.lines) > m.paneH {
		where = strconv.Itoa(m.scroll+1) + "-" + strconv.Itoa(min(m.scroll+m.paneH, len(p.lines))) + " of " + strconv.Itoa(len(p.lines))
		if !m.focus {
			where += "  tab scrolls"
		}
	}
	m.paneTitle(l, p.title, where)
	for i := 0; i < m.paneH && m.scroll+i < len(p.lines); i++ {
		x := l.paneX
		for _, s := range p.lines[m.scroll+i] {
			x += m.c.text(x, l.paneY+1+i, l.paneX+l.paneW-x, s.text, s.st)
		}
	}
}

// paneTitle draws the line above a pane, bright while keys go to it.
func (m *model) paneTitle(l layout, title, where string) {
	st := dim
	if m.focus {
		st = bold
	}
	m.c.fill(l.paneX, l.paneY, l.paneW, m.g.line, st)
	m.c.text(l.paneX+2, l.paneY, l.paneW-4, " "+cutTail(title, l.paneW-6)+" ", st)
	if where = " " + where + " "; width(where) > 2 && width(where)+width(title)+8 < l.paneW {
		m.c.right(l.paneX, l.paneY, l.paneW-2, where, st)
	}
}

// page is the text of the pane that is open.
func (m *model) page(w int) *page {
	p := &page{w: w, now: -1}
	switch m.aside {
	case paneDetails:
		m.details(p)
	case paneFindings:
		m.findings(p)
	case paneHelp:
		m.help(p)
	}
	return p
}

// help lists the keys.
func (m *model) help(p *page) {
	p.title = "keys"
	for _, k := range keyList {
		if k[0] == "" {
			p.head(k[1])
			continue
		}
		lines := wrapped(k[1], p.w-20)
		p.add(span{"  " + k[0] + strings.Repeat(" ", max(18-width(k[0]), 1)), bold}, span{lines[0], plain})
		for _, l := range lines[1:] {
			p.add(span{strings.Repeat(" ", 20), plain}, span{l, plain})
		}
	}
	p.head("Bars")
	for ph := range phases {
		if ph != pending {
			m.sample(p, strings.Repeat(string(m.g.phases[ph]), 4), phaseColors[ph], phaseWords[ph])
		}
	}
	m.sample(p, string(m.g.phases[pending])+"  "+string(m.g.flying), bold, "on its way; nothing is known of it yet before the arrow")
	m.sample(p, string(m.g.failed), bad, "it failed here")
	m.sample(p, string(m.g.levels[max(len(m.g.levels)-4, 1):]), receiveColor, "a group, or the whole run: requests in flight, the mean of each cell; top is the highest mean")
	m.sample(p, string(m.g.folded)+"  "+string(m.g.open), bold, "a group that is folded, and one that is not; its time is the time with one of its requests in flight")
	m.sample(p, string(m.g.evidence)+"  "+string(m.g.path), bold, "a request that shows the finding; one of the critical path")
}

// sample says what a piece of a picture means.
func (m *model) sample(p *page, picture string, st style, text string) {
	const indent = 8
	for i, l := range wrapped(text, p.w-indent) {
		if i > 0 {
			picture = ""
		}
		p.add(span{"  " + picture + strings.Repeat(" ", max(indent-2-width(picture), 0)), st}, span{l, plain})
	}
}

var phaseWords = [phases]string{
	queue: "queue: before the request was sent, and no other phase", delay: "a delay that a rule added", proxy: "a parent proxy's CONNECT",
	dns: "DNS", connect: "TCP connect", tls: "TLS handshake", send: "sending the request", wait: "waiting for the answer's first byte",
	receive: "receiving the body", child: "the command did not take the bytes that were there (when is not known, only how long)",
}

// keyList is what help shows; a line without a key is a heading.
var keyList = [][2]string{
	{"", "Moving"},
	{"j k, arrows", "next, previous line"}, {"PgUp PgDn", "a screenful"}, {"Home, End or G", "first, last line; at the end new lines are followed"},
	{"enter", "details of a request; fold or unfold a group; requests of a module or host"}, {"tab", "keys go to the pane, and back to the table"}, {"esc", "back: pane, view, evidence, zoom, filter"},
	{"", "What is shown"},
	{"/", "filter: kind:zip module:golang.org/x -status:200 time:>1s"}, {"g  b", "group by module, host, connection, step, or not; b goes back"},
	{"s  S", "sort by start, time, size, status, name; the other way round"}, {"o", "fold or unfold the group"},
	{"m  h  r", "modules, hosts, requests"}, {"+ -  , .  0", "zoom in and out, earlier and later, the whole run"}, {"p", "mark the critical path"},
	{"", "Panes"},
	{"f", "findings; enter follows one to its requests"}, {"[ ]", "previous, next request of the finding"}, {"t", "output of the command"},
	{"c", "copy as curl; in the findings: copy the command of the remedy"}, {"l", "copy a link to the request on the page"}, {"?", "this help"}, {"q", "quit"},
}

// paneKey takes a key while the pane has the focus.
func (m *model) paneKey(key string) (cmd teaCmd, taken bool) {
	if m.aside == paneOutput && m.pane != nil {
		return nil, m.pane.Key(key)
	}
	if m.aside == paneFindings {
		if cmd, taken := m.findingKey(key); taken {
			return cmd, true
		}
	}
	page := max(m.paneH-1, 1)
	switch key {
	case "down", "j":
		m.scroll++
	case "up", "k":
		m.scroll--
	case "pgdown", "space", "ctrl+f":
		m.scroll += page
	case "pgup", "ctrl+b":
		m.scroll -= page
	case "home":
		m.scroll = 0
	case "end", "G":
		m.scroll = 1 << 30 // drawing brings it back
	default:
		return nil, false
	}
	m.scroll, m.reveals = max(m.scroll, 0), false
	return nil, true
}
