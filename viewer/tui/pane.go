package tui

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// A childPane shows the end of an Output, or a place further up. It belongs to one goroutine, the
// one of the screen. Wake it by Output.Changed, draw it with Lines, give it keys with Key.
type childPane struct {
	out    *Output
	held   bool  // the user has scrolled up: the place stays while more is written
	at     place // the first row shown, when held
	width  int   // of the last Lines
	height int
}

// A place is a row of a line that was wrapped.
type place struct {
	seq uint64
	row int
}

// newPane shows o; nil: there is no child, and no pane.
func newPane(o *Output) outputPane {
	if o == nil {
		return nil
	}
	return &childPane{out: o, width: 80, height: 1}
}

// Changed is the Output's.
func (p *childPane) Changed() <-chan struct{} { return p.out.Changed() }

// Title says what is shown: how many lines there were, and where in them the pane is.
func (p *childPane) Title() string {
	all, gone := p.out.Lines()
	title := fmt.Sprintf("%d lines", all)
	if all == 1 {
		title = "1 line"
	}
	if all == 0 {
		return "no output so far"
	}
	if p.held {
		title += fmt.Sprintf(", at %d", max(p.at.seq, gone)+1)
	}
	if gone > 0 {
		title += fmt.Sprintf("; the first %d follow when you leave", gone)
	}
	return title
}

// Lines draws height rows of at most width cells, lines that are longer being wrapped. The
// rows have no sequences but those for colours and the like, and with color false not even
// these; each begins and ends in the terminal's own style.
func (p *childPane) Lines(width, height int, color bool) []string {
	width, height = max(width, 1), max(height, 0)
	p.width, p.height = width, height
	rows := make([]string, 0, height)
	if p.held {
		for i, l := range p.out.from(p.at.seq, height) {
			wrapped := wrapCells(l.text, width, color)
			if i == 0 && l.seq == p.at.seq {
				wrapped = wrapped[min(p.at.row, len(wrapped)-1):]
			}
			rows = append(rows, wrapped...)
		}
		if len(rows) >= height {
			return rows[:height]
		}
		p.held = false // the end is in sight: follow it
	}
	rows = rows[:0]
	for _, l := range p.out.tail(height) {
		rows = append(rows, wrapCells(l.text, width, color)...)
	}
	if len(rows) > height {
		rows = rows[len(rows)-height:]
	}
	for len(rows) < height {
		rows = append(rows, "")
	}
	return rows
}

// Key scrolls by the names that bubbletea gives to keys. It reports whether k is one of the
// pane's.
func (p *childPane) Key(k string) bool {
	page := max(p.height-1, 1)
	switch k {
	case "up", "k":
		p.Scroll(-1)
	case "down", "j":
		p.Scroll(1)
	case "pgup":
		p.Scroll(-page)
	case "pgdown", "space":
		p.Scroll(page)
	case "home":
		p.held, p.at = true, place{}
	case "end", "G":
		p.held = false
	default:
		return false
	}
	return true
}

// Scroll moves by rows, up when it is negative. At the end the pane follows again.
func (p *childPane) Scroll(rows int) {
	if !p.held {
		if rows >= 0 {
			return
		}
		p.at = p.bottom()
	}
	p.held = true
	for ; rows < 0 && p.up(); rows++ {
	}
	for ; rows > 0 && p.down(); rows-- {
	}
	if p.at == p.bottom() || laterThan(p.at, p.bottom()) {
		p.held = false
	}
}

// bottom is the place of the first row when the last one is at the pane's end.
func (p *childPane) bottom() place {
	lines := p.out.tail(max(p.height, 1))
	need := p.height
	for i := len(lines) - 1; i >= 0; i-- {
		n := len(wrapCells(lines[i].text, p.width, false))
		if n >= need {
			return place{lines[i].seq, n - need}
		}
		need -= n
	}
	if len(lines) == 0 {
		return place{}
	}
	return place{lines[0].seq, 0}
}

func laterThan(a, b place) bool { return a.seq > b.seq || a.seq == b.seq && a.row > b.row }

// up moves the place one row up; false at the oldest line.
func (p *childPane) up() bool {
	_, gone := p.out.Lines()
	p.clamp(gone)
	if p.at.row > 0 {
		p.at.row--
		return true
	}
	if p.at.seq <= gone {
		return false
	}
	p.at.seq--
	p.at.row = p.rowsOf(p.at.seq) - 1
	return true
}

// down moves the place one row down; false at the last row.
func (p *childPane) down() bool {
	all, gone := p.out.Lines()
	p.clamp(gone)
	if p.at.row+1 < p.rowsOf(p.at.seq) {
		p.at.row++
		return true
	}
	if p.at.seq+1 >= all {
		return false
	}
	p.at = place{seq: p.at.seq + 1}
	return true
}

// clamp moves a place whose line is gone to the oldest one, and a row that is gone since the
// width changed to the line's last.
func (p *childPane) clamp(gone uint64) {
	if p.at.seq < gone {
		p.at = place{seq: gone}
	}
	p.at.row = min(p.at.row, p.rowsOf(p.at.seq)-1)
}

// rowsOf is how many rows a line takes, at least one.
func (p *childPane) rowsOf(seq uint64) int {
	if l := p.out.from(seq, 1); len(l) > 0 {
		return len(wrapCells(l[0].text, p.width, false))
	}
	return 1
}

// tabStop is where terminals have them.
const tabStop = 8

// wrapCells breaks what a program wrote into rows of at most width cells, at least one row.
// All that a terminal would obey is left out but, with color, the sequences for colours; a
// row that has one ends with a reset, and the next goes on in the same style.
func wrapCells(text string, width int, color bool) []string {
	w := wrapper{width: width, color: color}
	var state byte
	for len(text) > 0 {
		piece, cells, n, next := ansi.DecodeSequence(text, state, nil)
		if n <= 0 { // it always goes on, says the decoder; a loop must not depend on it
			break
		}
		state, text = next, text[n:]
		switch {
		case piece == "\t":
			w.tab()
		case piece != "" && (piece[0] == 0x1b || cells == 0 && piece[0] < ' '):
			w.style(piece)
		default:
			w.put(piece, cells)
		}
	}
	w.end()
	return w.rows
}

// A wrapper makes rows.
type wrapper struct {
	width  int
	color  bool
	rows   []string
	row    strings.Builder
	used   int    // cells of row
	active string // the sequences in force since the last reset
	styled bool   // row has one
}

// style keeps a sequence that is for colours, and drops any other.
func (w *wrapper) style(seq string) {
	if !w.color || !isSGR(seq) {
		return
	}
	if p := seq[2 : len(seq)-1]; p == "" || p == "0" || strings.HasPrefix(p, "0;") {
		w.active = ""
	}
	if len(w.active) < 256 { // a program that never resets must not make every row longer
		w.active += seq
	}
	w.row.WriteString(seq)
	w.styled = true
}

// isSGR reports whether seq is ESC [ numbers m and nothing else.
func isSGR(seq string) bool {
	if len(seq) < 3 || len(seq) > 64 || seq[:2] != "\x1b[" || seq[len(seq)-1] != 'm' {
		return false
	}
	for _, c := range []byte(seq[2 : len(seq)-1]) {
		if (c < '0' || c > '9') && c != ';' && c != ':' {
			return false
		}
	}
	return true
}

// put adds a character as it is seen: letters with their accents, an emoji with its parts.
func (w *wrapper) put(piece string, cells int) {
	clean := visible(piece)
	if clean == "" {
		return
	}
	if clean != piece {
		cells = ansi.StringWidth(clean)
	}
	if cells > w.width { // a wide character in a pane of one cell
		clean, cells = "·", 1
	}
	if w.used+cells > w.width {
		w.end()
	}
	w.row.WriteString(clean)
	w.used += cells
}

func (w *wrapper) tab() {
	for n := tabStop - w.used%tabStop; n > 0 && w.used < w.width; n-- {
		w.row.WriteByte(' ')
		w.used++
	}
}

// end finishes the row.
func (w *wrapper) end() {
	if w.styled {
		w.row.WriteString("\x1b[m")
	}
	w.rows = append(w.rows, w.row.String())
	w.row.Reset()
	w.used = 0
	w.row.WriteString(w.active)
	w.styled = w.active != ""
}

// visible drops what is not seen and could change how the rest is: control characters, and
// those that turn the direction of text around.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError:
			return '·'
		case unicode.IsControl(r), r == '\u2028', r == '\u2029', r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, s)
}
