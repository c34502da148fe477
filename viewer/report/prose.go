package report

import (
	"io"
	"strings"
)

// A block is a piece of the Markdown that our prose is written in: headings, paragraphs,
// lists, code, and tables, which are kept as they are.
type block struct {
	Kind  string // heading, text, item, code, table
	Text  string // of code and tables with line breaks; else one line
	level int    // of a heading; how far an item is indented
	Mark  string // of an item: "-", "1."
}

// blocks reads Markdown. It takes anything: what it does not know is a paragraph.
func blocks(markdown string) []block {
	var out []block
	lines := strings.Split(strings.ReplaceAll(markdown, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		trimmed := strings.TrimSpace(line)
		open := len(out) > 0 && i > 0 && strings.TrimSpace(lines[i-1]) != "" // the line before goes on here
		switch {
		case trimmed == "":
		case strings.HasPrefix(trimmed, "```"):
			var code []string
			for i++; i < len(lines) && !strings.HasPrefix(strings.TrimSpace(lines[i]), "```"); i++ {
				code = append(code, lines[i])
			}
			out = append(out, block{Kind: "code", Text: strings.Join(code, "\n")})
		case strings.HasPrefix(line, "    ") && !(open && out[len(out)-1].Kind != "code"):
			if open && out[len(out)-1].Kind == "code" {
				out[len(out)-1].Text += "\n" + line[4:]
				break
			}
			out = append(out, block{Kind: "code", Text: line[4:]})
		case strings.HasPrefix(line, "#"):
			text := strings.TrimLeft(line, "#")
			out = append(out, block{Kind: "heading", Text: strings.TrimSpace(text), level: len(line) - len(text)})
		case strings.HasPrefix(trimmed, "|"):
			if open && out[len(out)-1].Kind == "table" {
				out[len(out)-1].Text += "\n" + trimmed
				break
			}
			out = append(out, block{Kind: "table", Text: trimmed})
		default:
			if mark, text, ok := item(trimmed); ok {
				out = append(out, block{Kind: "item", Mark: mark, Text: text, level: (len(line) - len(strings.TrimLeft(line, " "))) / 2})
				break
			}
			if last := len(out) - 1; open && (out[last].Kind == "text" || out[last].Kind == "item") {
				out[last].Text += " " + trimmed
				break
			}
			out = append(out, block{Kind: "text", Text: trimmed})
		}
	}
	return out
}

// item takes the mark off a line of a list.
func item(line string) (mark, text string, ok bool) {
	mark, text, ok = strings.Cut(line, " ")
	if !ok {
		return "", "", false
	}
	digits := strings.TrimRight(mark, ".")
	switch {
	case mark == "-" || mark == "*" || mark == "+":
		return "-", strings.TrimSpace(text), true
	case len(digits) == len(mark)-1 && digits != "" && strings.Trim(digits, "0123456789") == "":
		return mark, strings.TrimSpace(text), true
	}
	return "", "", false
}

// Meaning is the first sentence or two of prose: the paragraph after the title, on one line.
func Meaning(markdown string) string {
	for _, b := range blocks(markdown) {
		if b.Kind == "text" {
			return inline(b.Text)
		}
	}
	return ""
}

// WriteProse writes Markdown for reading in a terminal.
func WriteProse(w io.Writer, markdown string, how Layout) error {
	width := how.Width
	if width <= 0 {
		width = 80
	}
	width = min(max(width, 40), 80)
	t := &text{width: width, color: how.Color}
	before := ""
	for i, b := range blocks(markdown) {
		if i > 0 && !(b.Kind == "item" && before == "item") {
			t.lines = append(t.lines, "")
		}
		t.block(b)
		before = b.Kind
	}
	out := strings.Join(t.lines, "\n") + "\n"
	if how.ASCII {
		out = ascii(out)
	}
	_, err := io.WriteString(w, out)
	return err
}

func (t *text) block(b block) {
	switch b.Kind {
	case "heading":
		for _, line := range wrap(inline(b.Text), t.width, 0) {
			t.lines = append(t.lines, t.paint(strong, line))
		}
	case "code":
		// Not shortened: it is there to be copied.
		for line := range strings.SplitSeq(b.Text, "\n") {
			t.lines = append(t.lines, strings.TrimRight("    "+t.paint(paste, line), " "))
		}
	case "table":
		for line := range strings.SplitSeq(b.Text, "\n") {
			t.lines = append(t.lines, line)
		}
	case "item":
		lead := strings.Repeat("  ", b.level+1) + b.Mark + " "
		for _, line := range wrap(inline(b.Text), t.width-len(lead), 0) {
			t.lines = append(t.lines, lead+line)
			lead = strings.Repeat(" ", len(lead))
		}
	default:
		t.lines = append(t.lines, wrap(inline(b.Text), t.width, 0)...)
	}
}

// inline takes what marks code and emphasis out of a line, and shows where links lead.
func inline(s string) string {
	var b strings.Builder
	for _, p := range pieces(s) {
		b.WriteString(p.Text)
		if p.Link != "" && p.Link != p.Text {
			b.WriteString(" (" + p.Link + ")")
		}
	}
	return b.String()
}

// A piece is a part of a line that looks alike.
type piece struct {
	Text         string
	Code, Strong bool
	Link         string
}

// pieces splits a line at `code`, **strong** and [text](link).
func pieces(s string) []piece {
	var out []piece
	plain := func(text string) {
		if text != "" {
			out = append(out, piece{Text: text})
		}
	}
	for s != "" {
		i := strings.IndexAny(s, "`*[")
		if i < 0 {
			break
		}
		p, n := mark(s[i:])
		if n == 0 {
			plain(s[:i+1])
			s = s[i+1:]
			continue
		}
		plain(s[:i])
		out = append(out, p)
		s = s[i+n:]
	}
	plain(s)
	return out
}

// mark reads one marked span at the beginning of s, and how long it is; 0: there is none.
func mark(s string) (piece, int) {
	switch s[0] {
	case '`':
		if end := strings.IndexByte(s[1:], '`'); end > 0 {
			return piece{Text: s[1 : end+1], Code: true}, end + 2
		}
	case '*':
		if !strings.HasPrefix(s, "**") {
			break
		}
		if end := strings.Index(s[2:], "**"); end > 0 {
			return piece{Text: strings.ReplaceAll(s[2:end+2], "`", ""), Strong: true}, end + 4
		}
	case '[':
		mid := strings.Index(s, "](")
		if mid < 0 {
			break
		}
		if end := strings.IndexByte(s[mid:], ')'); end > 0 && !strings.Contains(s[1:mid], "[") {
			return piece{Text: s[1:mid], Link: s[mid+2 : mid+end]}, mid + end + 1
		}
	}
	return piece{}, 0
}

// WriteMeanings writes the ids of findings, each with the first words of its prose.
func WriteMeanings(w io.Writer, ids []string, explain func(id string) (string, bool), how Layout) error {
	width, longest := how.Width, 0
	if width <= 0 {
		width = 80
	}
	for _, id := range ids {
		longest = max(longest, len(id))
	}
	t := &text{width: width, color: how.Color}
	for _, id := range ids {
		prose, _ := explain(id)
		meaning := []rune(Meaning(prose))
		if room := max(width-longest-2, 20); len(meaning) > room {
			meaning = []rune(wordsUpTo(string(meaning), room-2) + " …")
		}
		t.lines = append(t.lines, strings.TrimRight(t.paint(strong, id)+strings.Repeat(" ", longest-len(id)+2)+string(meaning), " "))
	}
	out := strings.Join(t.lines, "\n") + "\n"
	if how.ASCII {
		out = ascii(out)
	}
	_, err := io.WriteString(w, out)
	return err
}
