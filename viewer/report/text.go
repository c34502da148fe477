package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/diagnose"
)

const (
	maxLines = 25
	maxBlind = 4 // lines about what was not seen
	// maxOverhead is the share of the time above which modtap's own is said first (DESIGN §3.2).
	maxOverhead = 0.05
)

// WriteText writes the summary: at most 25 lines that fit width columns (0: 80), the
// path of the recording apart. color adds ANSI colours. What matters most comes first.
func (s *Summary) WriteText(w io.Writer, width int, color bool) error {
	if width <= 0 {
		width = 80
	}
	t := &text{width: min(max(width, 50), 100), color: color}
	for _, c := range s.open {
		s.countConn(c)
	}
	clear(s.open)
	wall := s.wall()
	t.head(s, wall)
	sections := []*section{s.failed(t), s.byKind(t), s.byHost(t), s.bySlowness(t)}
	foot := s.foot(t)
	fit(sections, maxLines-len(t.lines)-len(foot))
	t.join(sections, foot)
	_, err := io.WriteString(w, strings.Join(t.lines, "\n")+"\n")
	return err
}

// text collects finished lines.
type text struct {
	width int
	color bool
	lines []string
}

// A style is what a line means; only paint knows colours.
type style string

const (
	plain   style = ""
	strong  style = "1"
	faint   style = "2"
	bad     style = "31"
	warning style = "33"
	good    style = "32"
	paste   style = "1;36" // a command to be copied
)

func (t *text) paint(st style, line string) string {
	line = strings.TrimRight(line, " ")
	if !t.color || st == plain || line == "" {
		return line
	}
	return "\x1b[" + string(st) + "m" + line + "\x1b[0m"
}

func (t *text) add(st style, format string, args ...any) {
	t.lines = append(t.lines, t.paint(st, Truncate(fmt.Sprintf(format, args...), t.width)))
}

// A section is a heading and rows, the most important first.
type section struct {
	heading string
	rows    []string
	least   int // rows that are shown however little room there is
	limit   int
	sense   int                     // fewer rows than that tell nothing
	rest    func(hidden int) string // the row that stands for those not shown
	frame   func([]string) []string // puts a label beside the rows, instead of a heading above
}

func (s *section) size() int { return len(s.lines()) }

func (s *section) lines() []string {
	if s.shown() == 0 {
		return nil
	}
	var out []string
	if s.frame == nil {
		out = append(out, s.heading)
	}
	out = append(out, s.rows[:s.shown()]...)
	if hidden := len(s.rows) - s.shown(); hidden > 0 && s.rest != nil {
		out = append(out, s.rest(hidden))
	}
	if s.frame != nil {
		return s.frame(out)
	}
	return out
}

// fit lowers the limits, of the longest section first, until all fit into n lines.
func fit(sections []*section, n int) {
	for {
		total, longest := 0, (*section)(nil)
		for _, s := range sections {
			total += s.size()
			if s.shown() > s.least && (longest == nil || s.shown() > longest.shown()) {
				longest = s
			}
		}
		if total <= n || longest == nil {
			return
		}
		longest.limit = longest.shown() - 1
	}
}

// join adds the sections and the foot, with empty lines between them if there is room.
func (t *text) join(sections []*section, foot []string) {
	blocks := make([][]string, 0, len(sections)+1)
	total := len(t.lines)
	for _, s := range sections {
		blocks = append(blocks, s.lines())
	}
	blocks = slices.DeleteFunc(append(blocks, foot), func(b []string) bool { return len(b) == 0 })
	for _, b := range blocks {
		total += len(b)
	}
	for _, b := range blocks {
		if total+len(blocks) <= maxLines {
			t.lines = append(t.lines, "")
		}
		t.lines = append(t.lines, b...)
	}
}

func (s *section) shown() int { return min(len(s.rows), s.limit) }

// wall is how long the command ran, or the session where there is no command.
func (s *Summary) wall() time.Duration {
	switch {
	case s.process != nil && s.process.End > 0:
		return (s.process.End - s.process.Start).Duration()
	case s.end != nil && s.end.At > 0:
		return s.end.At.Duration()
	case s.session != nil && s.last.After(s.session.Start):
		return s.last.Sub(s.session.Start)
	}
	return 0
}

func (t *text) head(s *Summary, wall time.Duration) {
	share := 0.0
	if wall > 0 {
		share = float64(s.overhead) / float64(wall)
	}
	much := share > maxOverhead && s.overhead >= diagnose.OverheadWorth.Duration()
	if much {
		t.add(warning, "modtap itself took %s, %s of the time: without it the command is quicker", Duration(s.overhead), Percent(share))
	}
	took := ""
	if wall > 0 {
		took = Duration(wall) + ", "
	}
	if s.requests == 0 {
		t.add(strong, "modtap: %sno request was seen", took)
		for _, line := range whyNothing(s.session, s.tunnels) {
			t.add(plain, "  %s", line)
		}
		return
	}
	conns, hosts := 0, 0
	for _, h := range s.hosts {
		conns += h.connections
		hosts++
	}
	t.add(strong, "modtap: %s%s, %s, %s to %s", took, plural(s.requests, "request"), Bytes(s.bytes), plural(conns, "connection"), plural(hosts, "host"))
	parts := []string{"network " + Duration(s.busy.total())}
	if wall > 0 {
		parts[0] += " (" + Percent(min(1, float64(s.busy.total())/float64(wall))) + ")"
	}
	if d := s.delayed.total(); d > 0 {
		parts = append(parts, "delays of your rules "+Duration(d))
	}
	if s.process != nil && s.process.User+s.process.System > 0 {
		parts = append(parts, "CPU of the command "+Duration((s.process.User+s.process.System).Duration()))
	}
	if !much {
		own := "modtap " + Duration(s.overhead)
		if wall > 0 {
			own += " (" + Percent(share) + ")"
		}
		parts = append(parts, own)
	}
	for len(parts) > 1 && len([]rune(strings.Join(parts, " · ")))+2 > t.width {
		parts = slices.Delete(parts, 1, 2)
	}
	t.add(plain, "  %s", strings.Join(parts, " · "))
}

const notSeen = "not seen   "

// wrap breaks text into lines of that width, at spaces; at most that many, 0 being any
// number. A word that is longer gets a line of its own, cut into pieces.
func wrap(text string, width, most int) []string {
	var lines []string
	for _, word := range unbroken(text) {
		last := len(lines) - 1
		r := []rune(word)
		if last >= 0 && len([]rune(lines[last]))+1+len(r) <= width {
			lines[last] += " " + word
			continue
		}
		for ; len(r) > 0; r = r[min(len(r), width):] {
			if most > 0 && len(lines) == most {
				lines[most-1] = wordsUpTo(lines[most-1], width-2) + " …"
				return lines
			}
			lines = append(lines, string(r[:min(len(r), width)]))
		}
	}
	return lines
}

// unbroken is the words of text, with a number and its unit as one.
func unbroken(text string) []string {
	var words []string
	for word := range strings.FieldsSeq(text) {
		if last := len(words) - 1; last >= 0 && units[strings.TrimRight(word, ",.;:)")] && endsInDigit(words[last]) {
			words[last] += " " + word
			continue
		}
		words = append(words, word)
	}
	return words
}

var units = map[string]bool{"ms": true, "s": true, "min": true, "h": true, "B": true, "kB": true, "MB": true, "GB": true, "%": true}

func endsInDigit(word string) bool { return word[len(word)-1] >= '0' && word[len(word)-1] <= '9' }

// wordsUpTo is the beginning of line that is no longer than width, up to the end of a word
// where there is one.
func wordsUpTo(line string, width int) string {
	r := []rune(line)
	if len(r) <= width {
		return line
	}
	line = string(r[:width])
	if space := strings.LastIndexByte(line, ' '); space > 0 && r[width] != ' ' {
		line = line[:space]
	}
	return strings.TrimRight(line, " ")
}

func (s *Summary) foot(t *text) []string {
	f := &text{width: t.width, color: t.color}
	if s.session != nil && s.session.Capture == recorder.CaptureReverse {
		f.add(faint, "mode       "+reverseMode)
	}
	var blind []string
	for _, host := range slices.Sorted(maps.Keys(s.unread)) {
		blind = append(blind, fmt.Sprintf("%s in %s", host, plural(s.unread[host], "tunnel")))
	}
	if s.end != nil {
		blind = append(s.end.BlindSpots[:len(s.end.BlindSpots):len(s.end.BlindSpots)], blind...)
	}
	for i, line := range wrap(Printable(strings.Join(blind, ", ")), t.width-len(notSeen), maxBlind) {
		if i == 0 {
			f.add(faint, notSeen+"%s", line)
		} else {
			f.add(faint, "%*s%s", len(notSeen), "", line)
		}
	}
	if s.lost > 0 {
		f.add(warning, "%s lost: modtap could not keep up, and the numbers are too low", plural(int(s.lost), "event"))
	}
	switch {
	case s.Failure == "":
	case s.Recording == "":
		f.add(bad, "recording  none: %s", Printable(s.Failure))
	case s.Missing == 0:
		f.add(bad, "the recording is not complete: %s", Printable(s.Failure))
	default:
		f.add(bad, "%d of %s are missing from the recording: %s", s.Missing, plural(s.requests, "request"), Printable(s.Failure))
	}
	if s.Recording != "" {
		// Not shortened: it is there to be copied.
		f.lines = append(f.lines, "recording  "+s.Recording)
		if s.More != "" && s.requests > 0 {
			f.lines = append(f.lines, "diagnosis  "+s.More)
		}
	}
	return f.lines
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// Percent is a share of a whole, as in "7.3 %" and "69 %"; a very small one is not 0.
func Percent(share float64) string {
	switch p := share * 100; {
	case p == 0:
		return "0 %"
	case p < 0.1:
		return "< 0.1 %"
	case p < 9.95:
		return fmt.Sprintf("%.1f %%", p)
	default:
		return fmt.Sprintf("%.0f %%", p)
	}
}
