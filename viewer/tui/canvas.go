package tui

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// A style says what a cell means; what it looks like is decided in sequence alone.
type style uint16

// The colours, by meaning, and what may be added to each.
const (
	plain style = iota
	dim
	good
	bad
	warn
	note
	queueColor
	dnsColor
	connectColor
	tlsColor
	sendColor
	waitColor
	receiveColor
	childColor
	colors

	bold     style = 1 << 8
	reversed style = 1 << 9
	colorOf  style = 0xff
)

// foreground has the number of each colour among the terminal's own sixteen, which its
// user chose to be legible; 0: the default one.
var foreground = [colors]int{
	dim: 90, good: 32, bad: 31, warn: 33, note: 36,
	queueColor: 90, dnsColor: 34, connectColor: 33, tlsColor: 35, sendColor: 36, waitColor: 36, receiveColor: 32, childColor: 33,
}

// sequence is the sequence that begins s. Without colour only weight and inversion are left.
func sequence(s style, color bool) string {
	if !color {
		s &^= colorOf
	}
	if s == plain {
		return ""
	}
	b := []byte("\x1b[")
	for _, part := range []struct {
		on   bool
		code int
	}{{s&bold != 0, 1}, {s&reversed != 0, 7}, {foreground[s&colorOf] != 0, foreground[s&colorOf]}} {
		if part.on {
			b = append(strconv.AppendInt(b, int64(part.code), 10), ';')
		}
	}
	b[len(b)-1] = 'm'
	return string(b)
}

// A cell is one place of the screen. The place to the right of a wide character holds 0.
type cell struct {
	r  rune
	st style
}

// A canvas is a screen being drawn. What lies outside of it is not drawn, so no caller
// needs to check its coordinates.
type canvas struct {
	w, h  int
	cells []cell
	ascii bool           // the terminal knows no other characters
	raw   map[int]string // lines that were drawn by somebody else
}

// reset makes the canvas w by h blank cells.
func (c *canvas) reset(w, h int) {
	c.w, c.h = w, h
	if n := w * h; cap(c.cells) < n {
		c.cells = make([]cell, n)
	} else {
		c.cells = c.cells[:n]
	}
	for i := range c.cells {
		c.cells[i] = cell{r: ' '}
	}
	clear(c.raw)
}

// set draws one character of one cell.
func (c *canvas) set(x, y int, r rune, st style) {
	if x >= 0 && x < c.w && y >= 0 && y < c.h {
		c.cells[y*c.w+x] = cell{r, st}
	}
}

// text draws s in at most w cells from x on, and returns how many it took. What a terminal
// would obey, or would not give a cell of its own, is shown as a dot.
func (c *canvas) text(x, y, w int, s string, st style) int {
	if y < 0 || y >= c.h {
		return 0
	}
	w = min(w, c.w-x)
	used := 0
	for _, r := range s {
		r = shown(r)
		n := cells(r)
		if used+n > w {
			break
		}
		if c.ascii && r > '~' {
			r = plainer(r)
		}
		c.set(x+used, y, r, st)
		if n == 2 {
			c.set(x+used+1, y, 0, st)
		}
		used += n
	}
	return used
}

// plainer is the next best character of ASCII.
func plainer(r rune) rune {
	switch r {
	case '…':
		return '~'
	case hidden:
		return '.'
	case '–', '─':
		return '-'
	case '≥':
		return '>'
	}
	return '?'
}

// right draws s so that it ends before x+w.
func (c *canvas) right(x, y, w int, s string, st style) {
	s = cutTail(s, w)
	c.text(x+w-width(s), y, w, s, st)
}

// fill draws r in w cells.
func (c *canvas) fill(x, y, w int, r rune, st style) {
	for i := range max(w, 0) {
		c.set(x+i, y, r, st)
	}
}

// highlight marks the first w cells of line y as what is pointed at.
func (c *canvas) highlight(y, w int) {
	for x := range min(w, c.w) {
		if y >= 0 && y < c.h {
			c.cells[y*c.w+x].st |= reversed
		}
	}
}

// line puts a finished line over y.
func (c *canvas) line(y int, s string) {
	if c.raw == nil {
		c.raw = map[int]string{}
	}
	c.raw[y] = s
}

// String is the screen as text with SGR sequences, each closed in its line. Blanks at the
// end of a line are left out.
func (c *canvas) render(color bool) string {
	var b strings.Builder
	b.Grow(len(c.cells) + len(c.cells)/4)
	for y := range c.h {
		if y > 0 {
			b.WriteByte('\n')
		}
		if s, ok := c.raw[y]; ok {
			b.WriteString(s)
			continue
		}
		c.renderLine(&b, c.cells[y*c.w:(y+1)*c.w], color)
	}
	return b.String()
}

func (c *canvas) renderLine(b *strings.Builder, line []cell, color bool) {
	for len(line) > 0 && line[len(line)-1].r == ' ' && line[len(line)-1].st&reversed == 0 {
		line = line[:len(line)-1]
	}
	now := ""
	last := plain
	for _, cell := range line {
		if cell.r == 0 {
			continue
		}
		if cell.st != last {
			last = cell.st
			if next := sequence(cell.st, color); next != now {
				if now != "" {
					b.WriteString("\x1b[m")
				}
				b.WriteString(next)
				now = next
			}
		}
		b.WriteRune(cell.r)
	}
	if now != "" {
		b.WriteString("\x1b[m")
	}
}

// hidden stands for what has no width, or would join with its neighbours. The last ones
// are skin tones and the letters that flags are made of.
const hidden = '·'

// shown is r, or a dot where a terminal would obey r or give it no cell of its own: then
// every character has one or two cells whatever the terminal knows of grapheme clusters.
func shown(r rune) rune {
	switch {
	case r >= ' ' && r < 0x7f:
		return r
	case r < 0xa0, r == 0xad, r == unicode.ReplacementChar, r == '\u2028', r == '\u2029':
		return hidden
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc, unicode.Cf, unicode.Co, unicode.Cs):
		return hidden
	case r >= 0x1f1e6 && r <= 0x1f1ff, r >= 0x1f3fb && r <= 0x1f3ff:
		return hidden
	}
	if r >= 0x300 && ansi.StringWidthWc(string(r)) == 0 {
		return hidden
	}
	return r
}

// cells is how many cells r takes, which has been through shown: one or two.
func cells(r rune) int {
	if r < 0x300 {
		return 1
	}
	return min(max(ansi.StringWidthWc(string(r)), 1), 2)
}

// width is how many cells s takes on a canvas.
func width(s string) int {
	n := 0
	for _, r := range s {
		n += cells(shown(r))
	}
	return n
}

// cutTail shortens s to w cells; the end is cut off.
func cutTail(s string, w int) string {
	if width(s) <= w {
		return s
	}
	used := 0
	for i, r := range s {
		n := cells(shown(r))
		if used+n > w-1 {
			return s[:i] + "…"[:min(3, 3*max(w, 0))]
		}
		used += n
	}
	return s
}

// cutHead shortens s to w cells; the beginning is cut off.
func cutHead(s string, w int) string {
	rest := width(s)
	if rest <= w {
		return s
	}
	for i, r := range s {
		if rest <= w-1 {
			return "…" + s[i:]
		}
		rest -= cells(shown(r))
	}
	return "…"[:min(3, 3*max(w, 0))]
}
