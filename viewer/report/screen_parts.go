package report

import (
	"fmt"
	"slices"
	"strings"

	"modtap/recorder"
	"modtap/recorder/diagnose"
)

const (
	mostBuckets  = 4 // of the wall time, the others together
	mostFindings = 8
	mostLinks    = 4 // of the critical path
)

// buckets is where the wall time went.
func (s *screen) buckets() *section {
	all := bySize(s.Report.Accounting.Buckets)
	if !s.hadRequests() && len(s.Report.Findings) == 0 && !s.all && s.Report.Wall.Duration() < worthTelling {
		return &section{} // a quick command that asked for nothing
	}
	n := mostBuckets
	if s.all || len(all) == n+1 {
		n = len(all)
	}
	var rows []string
	for i, b := range all {
		if i < n {
			rows = append(rows, s.bucket(b, BucketMeaning(b)))
		}
	}
	if rest := all[min(n, len(all)):]; len(rest) > 0 {
		sum := diagnose.Bucket{Name: "others"}
		var names []string
		for _, b := range rest {
			sum.Time, sum.Share = sum.Time+b.Time, sum.Share+b.Share
			names = append(names, b.Name+" "+Duration(b.Time.Duration()))
		}
		rows = append(rows, s.bucket(sum, names...))
	}
	return s.listed("time", rows, len(rows), len(rows), nil) // they add up, so none is left out
}

// bucket is one line of the wall time: what it was, in so many parts as there is room for.
func (s *screen) bucket(b diagnose.Bucket, parts ...string) string {
	width := 12
	if s.width > 90 {
		width = 20
	}
	row := fmt.Sprintf("%-8s %7s  %7s  %-*s", b.Name, Duration(b.Time.Duration()), Percent(b.Share), width, bar(b.Share, width))
	room := s.room - len([]rune(row)) - 2
	if room <= 10 {
		return s.cut(plain, row)
	}
	meaning := strings.Join(parts, ", ")
	for n := len(parts) - 1; n > 0 && len([]rune(meaning)) > room; n-- {
		meaning = strings.Join(parts[:n], ", ") + " …"
	}
	return s.cut(plain, row+"  "+meaning)
}

// findings is what is wrong, with the commands that fix it.
func (s *screen) findings() *section {
	all := s.Report.Findings
	if len(all) == 0 {
		if !s.hadRequests() {
			return &section{}
		}
		none := s.cut(good, "none: nothing that this recording shows is wrong")
		if s.ending() != "" {
			none = s.cut(plain, "none that explains the failure: see what the command itself printed")
		}
		return s.listed("findings", []string{none}, 1, 1, nil)
	}
	rows := []string{s.cut(faint, fmt.Sprintf("%-4s %7s  what is wrong, and what fixes it", "", "cost"))}
	shown := 0
	for i := range all {
		f := &all[i]
		wrong := f.Severity != recorder.Info
		if !s.all && (i >= mostFindings || !wrong && shown > 3) {
			continue
		}
		shown++
		rows = append(rows, s.finding(f, s.all || i == 0, wrong)...)
	}
	if bad := func(f recorder.Finding) bool { return f.Severity == recorder.Bad }; s.ending() != "" && !slices.ContainsFunc(all, bad) {
		rows = append(rows, s.cut(plain, "none explains the failure: see what the command itself printed"))
	}
	if hidden := len(all) - shown; hidden > 0 {
		rows = append(rows, s.paint(faint, fmt.Sprintf("and %d more", hidden)))
	}
	return s.listed("findings", rows, len(rows), len(rows), nil)
}

// finding is one of them: the title with its cost, the id and what it rests on, what to
// do, and the commands.
func (s *screen) finding(f *recorder.Finding, full, commands bool) []string {
	cost := ""
	if f.Cost > 0 {
		cost = Duration(f.Cost.Duration())
	}
	lead := fmt.Sprintf("%-4s %7s  ", f.Severity, cost)
	pad := strings.Repeat(" ", len(lead))
	width := s.room - len(lead)
	rows := s.title(f, lead, pad, width)
	if full {
		for _, line := range wrap(Printable(f.Remedy), width, s.few(3)) {
			rows = append(rows, pad+line)
		}
	}
	if full || commands {
		for _, c := range f.Commands {
			rows = append(rows, pad+"  "+s.paint(paste, Printable(c)))
		}
	}
	if !s.all {
		return rows
	}
	for _, n := range f.Numbers {
		rows = append(rows, pad+s.paint(faint, Truncate(Measured(n), width)))
	}
	for _, ids := range [][]string{{"request", numbers(f.Evidence, 50, f.Of)}, {"connection", numbers(f.Conns, 50, f.ConnsOf)}} {
		for _, line := range wrap(ids[0]+"s "+ids[1], width, 0) {
			if ids[1] != "" {
				rows = append(rows, pad+s.paint(faint, line))
			}
		}
	}
	for _, line := range wrap(Printable(f.Caveat), width, 0) {
		rows = append(rows, pad+s.paint(faint, line))
	}
	return rows
}

// title is what is wrong, and in brackets what to ask `modtap explain` for.
func (s *screen) title(f *recorder.Finding, lead, pad string, width int) []string {
	mark := "[" + f.ID
	if e := evidence(f, 3); e != "" && !s.all {
		mark += ": " + e
	}
	mark += "]"
	if len(mark) > width {
		mark = "[" + f.ID + "]"
	}
	lines := wrap(Printable(f.Title), width, 0)
	var rows []string
	for i, line := range lines {
		row := pad
		if i == 0 {
			row = s.paint(severityStyle(f.Severity), lead) + lead[len(strings.TrimRight(lead, " ")):]
		}
		row += s.paint(strong, line)
		if i == len(lines)-1 && len([]rune(line))+2+len(mark) <= width {
			row += "  " + s.paint(faint, mark)
			mark = ""
		}
		rows = append(rows, row)
	}
	if mark != "" {
		rows = append(rows, pad+s.paint(faint, mark))
	}
	return rows
}

// failed are failures that no finding is about.
func (s *screen) failed() *section {
	rows := s.failures(&text{width: s.room})
	for i, row := range rows {
		rows[i] = s.paint(bad, strings.TrimPrefix(row, "   ")) // the room for large counts
	}
	return s.listed("failed", rows, 2, 3, s.andMore)
}

func severityStyle(severity string) style {
	switch severity {
	case recorder.Bad:
		return bad
	case recorder.Warn:
		return warning
	}
	return plain
}

// path is the chain that, made shorter, makes the run shorter: its largest links, in the
// order of time.
func (s *screen) path(most int) *section {
	links := s.Report.CriticalPath
	if !s.hadRequests() && !s.all {
		return &section{}
	}
	rows, shown := []string{}, links
	if !s.all {
		shown = largest(links, most)
	}
	for _, l := range shown {
		rows = append(rows, s.link(l)...)
	}
	if len(rows) > 1 {
		about := fmt.Sprintf("%7s  %7s  steps, one after another", "start", "took")
		if len(links) > len(shown) {
			about = fmt.Sprintf("%7s  %7s  the longest %d of %d steps, one after another", "start", "took", len(shown), len(links))
		}
		rows = append([]string{s.cut(faint, about)}, rows...)
	}
	return s.listed("path", rows, 4, len(rows), nil)
}

// link is one step of the path, with the reason why it had to wait: beside it, or below it
// when all is wanted and there is no room.
func (s *screen) link(l diagnose.Link) []string {
	lead := fmt.Sprintf("%7s  %7s  %-7s  ", s.since(l.From), Duration((l.To - l.From).Duration()), l.Bucket)
	room := s.room - len(lead)
	what, why := Printable(l.What), " ("+Printable(l.Why)+")"
	n, whole := len([]rune(what)), len([]rune(what+why))
	switch {
	case l.Why == "":
		return []string{lead + Truncate(what, room)}
	case whole <= room || !s.all && n+20 <= room:
		return []string{s.cut(plain, lead+what+why)}
	case !s.all:
		return []string{lead + Truncate(what, room)}
	}
	rows, pad := []string{lead + Truncate(what, room)}, strings.Repeat(" ", 20)
	for _, line := range wrap(Printable(l.Why), s.room-len(pad), 0) {
		rows = append(rows, pad+s.paint(faint, line))
	}
	return rows
}

// largest are the n longest links, in the order of time.
func largest(links []diagnose.Link, n int) []diagnose.Link {
	if len(links) <= n {
		return links
	}
	bySize := sortedBy(links, func(a, b diagnose.Link) bool { return a.To-a.From > b.To-b.From })[:n]
	return sortedBy(bySize, func(a, b diagnose.Link) bool { return a.From < b.From })
}

// whatIf is what a remedy would make of the run.
func (s *screen) whatIf() *section {
	all := slices.Clone(s.Report.WhatIf)
	if !s.all {
		all = slices.DeleteFunc(all, func(p diagnose.Prediction) bool { return p.Saves.Duration() < worthTelling/2 })
	}
	all = sortedBy(all, func(a, b diagnose.Prediction) bool { return a.Saves > b.Saves })
	var rows []string
	for i, p := range all {
		text := fmt.Sprintf("%s instead of %s (%s): %s", Duration(p.Wall.Duration()), Duration(s.Report.Wall.Duration()), Sureness(p.Sure), Printable(p.What))
		lines := wrap(text, s.room, s.few(2))
		if !s.all && (i == 1 && len(lines) > 1 || i > 1) {
			break // one screen has the best one, and the next if it is short
		}
		rows = append(rows, lines...)
		if !s.all {
			continue
		}
		for _, line := range wrap(Printable(p.Why), s.room-2, 0) {
			rows = append(rows, "  "+s.paint(faint, line))
		}
		for _, c := range p.Commands {
			rows = append(rows, "    "+s.paint(paste, Printable(c)))
		}
	}
	return s.listed("what if", rows, len(rows), len(rows), nil)
}

// foot is what was not seen, and where everything is.
func (s *screen) foot() []string {
	var out []string
	if s.session().Capture == recorder.CaptureReverse {
		out = append(out, s.label("mode", []string{s.cut(faint, reverseMode)})...)
	}
	var lines []string
	for _, line := range wrap(strings.Join(s.notSeen(), ", "), s.room, s.few(maxBlind)) {
		lines = append(lines, s.paint(faint, line))
	}
	out = append(out, s.label("not seen", lines)...)
	for _, trouble := range s.troubles() {
		for _, line := range wrap(trouble, s.width, 0) {
			out = append(out, s.paint(warning, line))
		}
	}
	switch {
	case s.Recording != "":
		out = append(out, "recording  "+s.Recording) // not shortened: it is there to be copied
	case s.Failure != "":
		out = append(out, s.paint(bad, "recording  none"+because(s.Failure)))
	}
	return append(out, s.label("more", s.more())...)
}

// more is what to type next.
func (s *screen) more() []string {
	if s.all {
		return nil
	}
	var parts []string
	if len(s.Report.Findings) > 0 {
		parts = append(parts, "modtap explain "+s.Report.Findings[0].ID)
	}
	if s.Recording != "" {
		parts = append(parts, strings.TrimRight("modtap report -v "+Printable(s.File), " "))
	}
	return joinUpTo(parts, ",", s.room)
}

// few is how many lines of something there may be: n, or any number when all is wanted.
func (s *screen) few(n int) int {
	if s.all {
		return 0
	}
	return n
}
