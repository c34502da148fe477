package tui

import (
	"errors"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"modtap/recorder/query"
)

// An editor is the filter line while it is typed in. Each change filters at once, by what is
// understood of it.
type editor struct {
	text   []rune
	cur    int // in text
	err    *query.Error
	offers []query.Completion
	offer  int    // that tab takes
	before string // what esc goes back to
}

// openEditor begins to edit the filter.
func (m *model) openEditor() {
	m.edit = &editor{text: []rune(m.filter), cur: len([]rune(m.filter)), before: m.filter}
	m.typed(false)
	m.ensure()
}

// typed filters by what stands in the line.
func (m *model) typed(changed bool) tea.Cmd {
	e := m.edit
	text := string(e.text)
	e.offers, e.offer = query.Complete(text, len(string(e.text[:e.cur])), m.store.seen), 0
	q, err := query.Parse(text)
	e.err = nil
	if err != nil && !errors.As(err, &e.err) {
		e.err = &query.Error{Len: len(text), Msg: err.Error()}
	}
	if !changed {
		return nil
	}
	m.filter = text
	m.list.filter(q)
	return m.judge()
}

// closeEditor ends it; keep says whether what was typed stays.
func (m *model) closeEditor(keep bool) tea.Cmd {
	e := m.edit
	if keep && e.err != nil {
		return nil // the line says what is wrong
	}
	m.edit = nil
	m.notice = ""
	if !keep && m.filter != e.before {
		m.setFilter(e.before)
		return m.judge()
	}
	m.ensure()
	return nil
}

// setFilter filters by text, which judge then does.
func (m *model) setFilter(text string) {
	q, err := query.Parse(text)
	if err != nil {
		m.notice = "filter: " + err.Error()
		return
	}
	m.filter = text
	m.list.filter(q)
}

// paste types what was pasted.
func (m *model) paste(text string) tea.Cmd {
	if m.edit == nil {
		return nil
	}
	return m.insert(text)
}

// insert types text at the cursor; what is no character is left out.
func (m *model) insert(text string) tea.Cmd {
	e := m.edit
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		return -1
	}, text)
	if text == "" || len(e.text)+len(text) > 4096 {
		return nil
	}
	in := []rune(text)
	e.text = append(e.text[:e.cur:e.cur], append(in, e.text[e.cur:]...)...)
	e.cur += len(in)
	return m.typed(true)
}

// editKey takes a key while the filter is edited.
func (m *model) editKey(msg tea.KeyPressMsg) tea.Cmd {
	e := m.edit
	cut := func(from, to int) tea.Cmd {
		if from >= to {
			return nil
		}
		e.text = append(e.text[:from:from], e.text[to:]...)
		e.cur = from
		return m.typed(true)
	}
	move := func(to int) tea.Cmd {
		e.cur = min(max(to, 0), len(e.text))
		return m.typed(false)
	}
	switch msg.String() {
	case "enter":
		return m.closeEditor(true)
	case "esc", "ctrl+c":
		return m.closeEditor(false)
	case "left", "ctrl+b":
		return move(e.cur - 1)
	case "right", "ctrl+f":
		return move(e.cur + 1)
	case "home", "ctrl+a":
		return move(0)
	case "end", "ctrl+e":
		return move(len(e.text))
	case "backspace", "ctrl+h":
		return cut(max(e.cur-1, 0), e.cur)
	case "delete", "ctrl+d":
		return cut(e.cur, min(e.cur+1, len(e.text)))
	case "ctrl+u":
		return cut(0, e.cur)
	case "ctrl+k":
		return cut(e.cur, len(e.text))
	case "ctrl+w":
		from := e.cur
		for from > 0 && e.text[from-1] == ' ' {
			from--
		}
		for from > 0 && e.text[from-1] != ' ' {
			from--
		}
		return cut(from, e.cur)
	case "tab":
		return m.complete()
	case "down", "ctrl+n":
		e.offer = min(e.offer+1, max(len(e.offers)-1, 0))
	case "up", "ctrl+p":
		e.offer = max(e.offer-1, 0)
	default:
		return m.insert(msg.Text)
	}
	return nil
}

// complete takes the completion that is offered.
func (m *model) complete() tea.Cmd {
	e := m.edit
	if e.offer >= len(e.offers) {
		return nil
	}
	o := e.offers[e.offer]
	text := string(e.text)
	if o.From < 0 || o.To < o.From || o.To > len(text) {
		return nil
	}
	e.text = []rune(text[:o.From] + o.Text + text[o.To:])
	e.cur = len([]rune(text[:o.From] + o.Text))
	return m.typed(true)
}

// editorLines draws the filter line: the text, the word that was not understood, and
// what it could be.
func (m *model) editorLines(y int) {
	e := m.edit
	m.c.text(0, y, 1, "/", bold)
	text := string(e.text)
	before := width(string(e.text[:e.cur]))
	shift := max(before-(m.w-4), 0) // the cursor is always seen
	draw := func(y, at int, s string, st style) {
		for _, r := range s {
			r = shown(r)
			if at-shift >= 0 {
				m.c.text(1+at-shift, y, m.w, string(r), st)
			}
			at += cells(r)
		}
	}
	draw(y, 0, text, plain)
	if n := thousands(len(m.list.rows)) + " of " + thousands(m.store.requests); width(text)+width(n)+6 < m.w {
		m.c.right(0, y, m.w, n, dim)
	}
	at := "" // under the cursor
	if e.cur < len(e.text) {
		at = string(e.text[e.cur])
	} else {
		at = " "
	}
	draw(y, before, at, reversed)
	if e.err != nil {
		from, to := min(max(e.err.At, 0), len(text)), min(max(e.err.At+e.err.Len, 0), len(text))
		to = max(to, from)
		draw(y, width(text[:from]), text[from:to], bad)
		draw(y, before, at, reversed)
		carets := strings.Repeat("^", max(width(text[from:to]), 1))
		draw(y+1, width(text[:from]), carets, bad)
		at := 1 + width(text[:from]) + len(carets) + 1 - shift
		if why := e.err.Error(); len(e.offers) > 0 && at > 0 && at+width(why) <= m.w {
			m.c.text(at, y+1, m.w, why, bad)
			m.offers(y + 2)
		} else {
			if width(why) > m.w-1 {
				why = e.err.Msg // without the advice
			}
			m.c.text(1, y+2, m.w-1, cutTail(why, m.w-1), bad)
		}
		return
	}
	m.offers(y + 1)
	m.about(y + 2)
}

// offers draws the completions in a line.
func (m *model) offers(y int) {
	e := m.edit
	if len(e.offers) == 0 {
		m.c.text(1, y, m.w-1, "enter keeps the filter, esc goes back", dim)
		return
	}
	x := 1
	for i := max(e.offer-3, 0); i < len(e.offers) && x < m.w-2; i++ {
		st := plain
		if i == e.offer {
			st = reversed
		}
		x += m.c.text(x, y, m.w-x, cutTail(e.offers[i].Text, 40), st) + 2
	}
}

// about says what the completion that tab takes means.
func (m *model) about(y int) {
	e := m.edit
	if len(e.offers) == 0 {
		return
	}
	text := "tab takes it, up and down choose"
	if a := e.offers[min(e.offer, len(e.offers)-1)].About; a != "" {
		if text = a + "  (" + text + ")"; width(text) > m.w-1 {
			text = a
		}
	}
	m.c.text(1, y, m.w-1, cutTail(text, m.w-1), dim)
}
