package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/diagnose"
)

// A Layout says how text is to look. The zero value is plain UTF-8 for 80 columns.
type Layout struct {
	Width int  // columns; 0: 80
	Color bool // ANSI colours
	ASCII bool // nothing but ASCII
	All   bool // everything that is known, not one screen of it
}

const (
	gutter = 11 // columns of the labels at the left
	narrow = 70 // columns below which labels have lines of their own
	blanks = 3  // empty lines that one screen should have
	widest = 110
)

// WriteText writes d as text that fits the width, the most important first: unless
// how.All, at most 25 lines when there are few findings, the path of the recording and the
// commands apart, which are never shortened, for they are there to be copied.
func (d *Document) WriteText(w io.Writer, how Layout) error {
	if how.Width <= 0 {
		how.Width = 80
	}
	s := &screen{Document: d, all: how.All, text: text{width: min(max(how.Width, 50), widest), color: how.Color}}
	s.room = s.width - gutter
	if s.width < narrow {
		s.room = s.width - 2
	}
	out := strings.Join(s.lay(), "\n") + "\n"
	if how.ASCII {
		out = ascii(out)
	}
	_, err := io.WriteString(w, out)
	return err
}

// A screen lays out one document.
type screen struct {
	text
	*Document
	all  bool
	room int // columns beside the labels
}

// lay returns the finished lines.
func (s *screen) lay() []string {
	s.head()
	found := s.findings()
	path := s.path(mostLinks)
	parts := []*section{s.buckets(), found, s.failed(), path, s.whatIf(), s.groups("by step", s.Report.Steps), s.groups("by host", s.Report.Hosts),
		s.entries(), s.modules(), s.connections(), s.unseen(), s.notes(manyLines)}
	foot := s.foot()
	if !s.all {
		// What is wrong is never left out for what is merely interesting.
		shorten(parts, max(maxLines-blanks-len(s.lines)-len(foot), found.size()+parts[0].least+path.least))
		if n := path.shown(); n < len(path.rows) {
			parts[3] = s.path(n - 1) // not the first ones, but the longest
		}
		parts[len(parts)-1] = s.notes(parts[len(parts)-1].shown())
	}
	// What was asked for comes last, next to the prompt, and takes no room from the others.
	s.joinBlocks(parts, s.matching().lines(), foot)
	return s.lines
}

// shorten lowers the limits until all sections fit into n lines: those at the end first.
func shorten(parts []*section, n int) {
	total := 0
	for _, p := range parts {
		total += p.size()
	}
	for _, p := range slices.Backward(parts) {
		for total > n && p.shown() > p.least {
			total -= p.size()
			p.limit = p.shown() - 1
			if p.limit < p.sense {
				p.limit = min(p.least, p.limit)
			}
			total += p.size()
		}
	}
}

// head says what ran, how long it took and how it ended.
func (s *screen) head() {
	if loud := s.aloud(); loud != "" {
		s.wrapped(warning, "", loud)
	}
	st := strong
	if s.ending() != "" {
		st = bad
	}
	line := s.verdict()
	if s.hadRequests() {
		s.wrapped(st, "modtap: ", line)
		indent := s.width - s.room
		for _, line := range joinUpTo(s.counts(), ", ", s.room) {
			s.add(plain, "%*s%s", indent, "", line)
		}
		return
	}
	s.wrapped(st, "modtap: ", line)
	s.add(plain, "%*s%s", s.width-s.room, "", "no request was seen")
	if !s.input().Foreign {
		why := strings.Join(whyNothing(s.session(), len(s.input().Tunnels)), " ")
		for _, line := range wrap(why, s.room, 0) {
			s.add(plain, "%*s%s", s.width-s.room, "", line)
		}
	}
}

// wrapped adds text over as many lines as it needs, the later ones below the first.
func (s *screen) wrapped(st style, first, text string) {
	for i, line := range wrap(text, s.width-len(first), 0) {
		if i > 0 {
			first = strings.Repeat(" ", len(first))
		}
		s.add(st, "%s%s", first, line)
	}
}

// joinUpTo joins parts to lines of that width, without a break inside a part.
func joinUpTo(parts []string, sep string, width int) []string {
	var lines []string
	for i, part := range parts {
		if i < len(parts)-1 {
			part += strings.TrimRight(sep, " ")
		}
		last := len(lines) - 1
		if last >= 0 && len([]rune(lines[last]))+1+len([]rune(part)) <= width {
			lines[last] += " " + part
			continue
		}
		lines = append(lines, part)
	}
	return lines
}

// joinBlocks adds the sections and the foot, with empty lines between them where there is
// room for that: first around what is wrong. apart is added before the foot, and does not count.
func (s *screen) joinBlocks(parts []*section, apart, foot []string) {
	blocks := make([][]string, 0, len(parts)+1)
	for _, p := range parts {
		if lines := p.lines(); len(lines) > 0 {
			blocks = append(blocks, lines)
		}
	}
	if len(foot) > 0 {
		blocks = append(blocks, foot)
	}
	total := len(s.lines)
	for _, b := range blocks {
		total += len(b)
	}
	spare := maxLines - total
	for i, b := range blocks {
		if i == len(blocks)-1 && len(foot) > 0 && len(apart) > 0 {
			s.lines = append(append(s.lines, ""), apart...)
		}
		if spare > 0 || s.all {
			s.lines = append(s.lines, "")
			spare--
		}
		s.lines = append(s.lines, b...)
	}
	if len(foot) == 0 && len(apart) > 0 {
		s.lines = append(append(s.lines, ""), apart...)
	}
}

// label puts name beside the first of lines, or above them where it is narrow.
func (s *screen) label(name string, lines []string) []string {
	if len(lines) == 0 {
		return nil
	}
	if s.room != s.width-gutter {
		out := []string{s.paint(strong, name)}
		for _, line := range lines {
			out = append(out, strings.TrimRight("  "+line, " "))
		}
		return out
	}
	out := make([]string, len(lines))
	for i, line := range lines {
		left := strings.Repeat(" ", gutter)
		if i == 0 {
			left = s.paint(strong, name) + left[len(name):]
		}
		out[i] = strings.TrimRight(left+line, " ")
	}
	return out
}

// listed is a section of rows with a label, of which least are shown in any case and limit
// at most; rest stands for the others.
func (s *screen) listed(name string, rows []string, least, limit int, rest func(hidden int) string) *section {
	if s.all {
		limit = len(rows)
	}
	return &section{rows: rows, least: min(least, len(rows)), limit: limit, rest: rest, frame: func(lines []string) []string { return s.label(name, lines) }}
}

// cut shortens a finished row to the room, at its end, and paints it.
func (s *screen) cut(st style, row string) string {
	r := []rune(row)
	if len(r) > s.room {
		row = string(r[:s.room-1]) + "…"
	}
	return s.paint(st, row)
}

// A column of a table: its heading and its width. The first one gets what is left.
type column struct {
	name  string
	width int
}

// table lays out rows below the headings; where it is narrow, columns at the right are
// left out.
func (s *screen) table(columns []column, rows [][]string) []string {
	n, left := len(columns), s.room
	for _, c := range columns[1:] {
		left -= c.width + 1
	}
	for ; left < 16 && n > 2; n-- {
		left += columns[n-1].width + 1
	}
	left = min(left, 48)
	line := func(cell func(int) string) string {
		name := []rune(Printable(cell(0)))
		if len(name) > left {
			name = append(name[:left-1], '…')
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%-*s", left, string(name))
		for i := 1; i < n; i++ {
			fmt.Fprintf(&b, " %*s", columns[i].width, cell(i))
		}
		return b.String()
	}
	out := []string{s.paint(faint, line(func(i int) string { return columns[i].name }))}
	for _, row := range rows {
		out = append(out, strings.TrimRight(line(func(i int) string { return row[i] }), " "))
	}
	return out
}

func recorderSpan(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }

// trimFloat is v with two decimals at most.
func trimFloat(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".")
}

// spanText is s, or "-" where there is none: what did not happen is not shown as 0.
func spanText(s recorder.Span) string {
	if s <= 0 {
		return "-"
	}
	return Duration(s.Duration())
}

// bar is share of width columns, to the nearest half.
func bar(share float64, width int) string {
	halves := int(min(max(share, 0), 1)*float64(2*width) + 0.5)
	return strings.Repeat("█", halves/2) + strings.Repeat("▌", halves%2)
}

// asASCII are the letters of ours that a terminal without UTF-8 cannot show, each by one
// that is as wide.
var asASCII = strings.NewReplacer("…", "~", "·", "-", "×", "x", "█", "#", "▌", "=", "→", ">", "–", "-", "’", "'", "≥", ">", "≤", "<", "±", "~")

// ascii replaces what is not ASCII; of recorded names it can only say that something is
// there.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 0x80 {
			return '?'
		}
		return r
	}, asASCII.Replace(s))
}

// bySize are buckets, the largest first, as diagnose orders them otherwise.
func bySize(in []diagnose.Bucket) []diagnose.Bucket {
	return sortedBy(in, func(a, b diagnose.Bucket) bool { return a.Time > b.Time })
}
