package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"modtap/recorder"
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
	rest    func(hidden int) string // the row that stands for those not shown
}

func (s *section) size() int { return len(s.lines()) }

func (s *section) lines() []string {
	if len(s.rows) == 0 {
		return nil
	}
	out := []string{s.heading}
	if len(s.rows) <= s.limit {
		return append(out, s.rows...)
	}
	out = append(out, s.rows[:s.limit]...)
	if s.rest != nil {
		out = append(out, s.rest(len(s.rows)-s.limit))
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
	if share > maxOverhead {
		t.add(warning, "modtap itself took %s, %s of the time: take it off what follows", Duration(s.overhead), percent(share))
	}
	took := ""
	if wall > 0 {
		took = Duration(wall) + ", "
	}
	if s.requests == 0 {
		t.add(strong, "modtap: %sno request was seen", took)
		for _, line := range s.whyNothing() {
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
		parts[0] += " (" + percent(min(1, float64(s.busy.total())/float64(wall))) + ")"
	}
	if d := s.delayed.total(); d > 0 {
		parts = append(parts, "delays of your rules "+Duration(d))
	}
	if s.process != nil && s.process.User+s.process.System > 0 {
		parts = append(parts, "CPU of the command "+Duration((s.process.User+s.process.System).Duration()))
	}
	if share <= maxOverhead {
		own := "modtap " + Duration(s.overhead)
		if wall > 0 {
			own += " (" + percent(share) + ")"
		}
		parts = append(parts, own)
	}
	for len(parts) > 1 && len([]rune(strings.Join(parts, " · ")))+2 > t.width {
		parts = slices.Delete(parts, 1, 2)
	}
	t.add(plain, "  %s", strings.Join(parts, " · "))
}

// whyNothing names the reasons that are possible when no request came.
func (s *Summary) whyNothing() []string {
	if s.tunnels > 0 {
		return []string{fmt.Sprintf("%s through the proxy, without a request in it", plural(s.tunnels, "connection"))}
	}
	if s.session != nil && s.session.Mode == "serve" {
		return []string{`nothing used the proxy: run  eval "$(modtap env)"  in the shell that should`}
	}
	if s.session != nil {
		unseen := []string{"off", "file:"}
		if s.session.Forward() {
			unseen = append(unseen, "http://localhost", "http://127.", "https://localhost", "https://127.")
		}
		for _, p := range unseen {
			if strings.HasPrefix(s.session.GOPROXY, p) {
				return []string{"GOPROXY=" + Printable(s.session.GOPROXY) + ": such requests do not go through a proxy"}
			}
		}
	}
	if s.session != nil && s.session.Capture == recorder.CaptureReverse {
		return []string{
			"either there was nothing to fetch: go has it in its module cache (try --cold),",
			"or the command does not use the GOPROXY it was given: it sets its own, fetches",
			"direct or what GOPRIVATE names, or is no go command",
		}
	}
	return []string{
		"either there was nothing to fetch: go has it in its module cache (try --cold),",
		"or the command does not use a proxy: it ignores HTTPS_PROXY, talks to",
		"localhost, or goes over ssh",
	}
}

const notSeen = "not seen   "

// wrap breaks text into at most maxBlind lines of that width, at spaces.
func wrap(text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		last := len(lines) - 1
		switch {
		case last >= 0 && len([]rune(lines[last]))+1+len([]rune(word)) <= width:
			lines[last] += " " + word
		case len(lines) == maxBlind:
			r := []rune(lines[last])
			lines[last] = string(r[:min(len(r), width-2)]) + " …"
			return lines
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

func (s *Summary) foot(t *text) []string {
	f := &text{width: t.width, color: t.color}
	if s.session != nil && s.session.Capture == recorder.CaptureReverse {
		f.add(faint, "mode       reverse: what go sends to GOPROXY and GOSUMDB, and git")
	}
	var blind []string
	for _, host := range slices.Sorted(maps.Keys(s.unread)) {
		blind = append(blind, fmt.Sprintf("%s in %s", host, plural(s.unread[host], "tunnel")))
	}
	if s.end != nil {
		blind = append(s.end.BlindSpots[:len(s.end.BlindSpots):len(s.end.BlindSpots)], blind...)
	}
	for i, line := range wrap(Printable(strings.Join(blind, ", ")), t.width-len(notSeen)) {
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
	}
	return f.lines
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func percent(share float64) string {
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
