package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/diagnose"
)

// worthTelling is how long something must take for one screen to tell of it.
const worthTelling = time.Second

// groups is the table by step, or by host.
func (s *screen) groups(name string, groups []diagnose.Group) *section {
	if len(groups) == 0 {
		return &section{}
	}
	columns := []column{{"", 0}, {"requests", 8}, {"bytes", 8}, {"of wall", 7}, {"wait P50", 8}, {"P95", 7}}
	hosts := name == "by host"
	var rows [][]string
	for _, g := range groups {
		rows = append(rows, []string{g.Name, fmt.Sprint(g.Requests), Bytes(g.Bytes), spanText(g.OnPath), spanText(g.WaitP50), spanText(g.WaitP95)})
	}
	lines := s.table(columns, rows)
	if hosts && s.all {
		for i, g := range slices.Backward(groups) {
			lines = slices.Insert(lines, i+2, s.cut(faint, "  "+hostText(g)))
		}
	}
	limit := 4
	if hosts {
		limit = 3
		if !s.all && len(s.Report.Steps) > 0 {
			lines = lines[1:] // the headings are those of the steps above
		}
	}
	sec := s.listed(name, lines, 0, limit, s.andMore)
	if !hosts {
		sec.sense = 2
	}
	return sec
}

// hostText is what opening connections to a host meant.
func hostText(g diagnose.Group) string {
	out := plural(g.Handshakes, "TLS handshake")
	if g.Unused > 0 {
		out += fmt.Sprintf(" (%d of them unused)", g.Unused)
	}
	if g.Failed > 0 {
		out += fmt.Sprintf(", %d failed", g.Failed)
	}
	if g.MinRTT > 0 {
		out += ", round trip ≥ " + Duration(g.MinRTT.Duration())
	}
	return out
}

// entries is what each part of GOPROXY did, when there is more than one or all is wanted.
func (s *screen) entries() *section {
	all := s.Report.Entries
	used := 0
	for _, e := range all {
		if e.Requests > 0 {
			used++
		}
	}
	if used == 0 || used < 2 && !s.all {
		return &section{}
	}
	var rows [][]string
	for _, e := range all {
		rows = append(rows, []string{entryText(e), fmt.Sprint(e.Requests), fmt.Sprint(e.Answered), fmt.Sprint(e.NotFound), fmt.Sprint(e.Failed), spanText(e.Cost)})
	}
	lines := s.table([]column{{"", 0}, {"requests", 8}, {"answered", 8}, {"404", 5}, {"failed", 6}, {"cost", 7}}, rows)
	sec := s.listed("GOPROXY", lines, 0, 4, s.andMore)
	sec.sense = 3
	return sec
}

func (s *screen) andMore(hidden int) string {
	return s.paint(faint, fmt.Sprintf("and %d more", hidden))
}

// entryText is an entry of GOPROXY with its separator, which says when the next one is asked.
func entryText(e diagnose.EntryUse) string { return strings.TrimPrefix(e.Name, "https://") + e.Sep }

// modules are those that took longest.
func (s *screen) modules() *section {
	if s.all {
		return s.allModules()
	}
	var rows []string
	for i, m := range s.Report.Modules {
		if i == 3 {
			break
		}
		lead, tail := fmt.Sprintf("%7s  ", Duration(m.Own.Duration())), "  "+Printable(m.Cause)
		room := max(s.room-len(lead)-len([]rune(tail)), min(24, s.room-len(lead)))
		rows = append(rows, s.cut(plain, lead+Truncate(moduleText(m), room)+tail))
	}
	return s.listed("modules", rows, 0, len(rows), nil)
}

// moduleText is a module, with its version when there is only one.
func moduleText(m diagnose.ModuleUse) string {
	if len(m.Versions) == 1 {
		return Printable(m.Module + "@" + m.Versions[0])
	}
	return Printable(m.Module)
}

// allModules has every module, with the cause of its slowest part.
func (s *screen) allModules() *section {
	if len(s.Report.Modules) == 0 {
		return &section{}
	}
	var rows [][]string
	for _, m := range s.Report.Modules {
		rows = append(rows, []string{moduleText(m), spanText(m.Own), spanText(m.OnPath), fmt.Sprint(m.Requests), Bytes(m.Bytes)})
	}
	lines := s.table([]column{{"", 0}, {"in flight", 9}, {"of wall", 7}, {"requests", 8}, {"bytes", 8}}, rows)
	for i, m := range slices.Backward(s.Report.Modules) {
		if m.Cause != "" {
			lines = slices.Insert(lines, i+2, s.cut(faint, "  "+Printable(m.Cause)))
		}
	}
	return s.listed("modules", lines, 0, len(lines), nil)
}

// connections is what opening them meant, when all is wanted.
func (s *screen) connections() *section {
	c, q := s.Report.Connections, s.Report.Requests
	if !s.all || c.Count+c.Failed == 0 {
		return &section{}
	}
	rows := []string{
		fmt.Sprintf("%d opened, %d of them unused, %d failed", c.Count, c.Unused, c.Failed),
		fmt.Sprintf("%s, %.2f for each request", plural(c.Handshakes, "TLS handshake"), c.PerRequest),
		fmt.Sprintf("at most %s at a time; at least one for %s", plural(q.MaxInFlight, "request"), Duration(q.AnyInFlight.Duration())),
	}
	if q.Doubled > 0 {
		rows = append(rows, fmt.Sprintf("the repeats of 4xx cost %s of the wall time", Duration(q.DoubledCost.Duration())))
	}
	for i := range rows {
		rows[i] = s.cut(plain, rows[i])
	}
	return s.listed("conns", rows, 0, len(rows), nil)
}

// unseen are connections that another witness told of, when all is wanted.
func (s *screen) unseen() *section {
	if !s.all {
		return &section{}
	}
	var rows []string
	for _, u := range s.Report.Unseen {
		rows = append(rows, s.cut(plain, s.unseenText(u)))
	}
	return s.listed("passed by", rows, 0, len(rows), nil)
}

func (d *Document) unseenText(u recorder.Unseen) string {
	row := fmt.Sprintf("at %s %s to %s", d.since(u.Start), Printable(u.What), Printable(u.Target))
	if u.Took > 0 {
		row += ", " + Duration(u.Took.Duration())
	}
	if u.Cut {
		row += " at most"
	}
	if u.Why != "" {
		row += ": " + Printable(u.Why)
	}
	return row
}

const manyLines = 1 << 20

// notes is what the reader must know about the numbers: as many whole notes as fit into
// that many lines.
func (s *screen) notes(most int) *section {
	var rows []string
	for _, n := range s.Report.Notes {
		lines := wrap(Printable(n), s.room, 0)
		if len(rows)+len(lines) > most {
			break
		}
		for _, line := range lines {
			rows = append(rows, s.paint(faint, line))
		}
	}
	least := 0
	if in := s.input(); in.Foreign || in.Part > 1 {
		least = len(rows) // what cannot be known is the first thing to know
	}
	return s.listed("note", rows, least, len(rows), nil)
}

// sortedBy is a sorted copy; what is equal keeps its order.
func sortedBy[T any](in []T, before func(a, b T) bool) []T {
	out := slices.Clone(in)
	slices.SortStableFunc(out, func(a, b T) int {
		switch {
		case before(a, b):
			return -1
		case before(b, a):
			return 1
		}
		return 0
	})
	return out
}

// commandLines are the commands of a finding or a prediction, one a line.
func commandLines(commands []string) string {
	lines := make([]string, len(commands))
	for i, c := range commands {
		lines[i] = Printable(c)
	}
	return strings.Join(lines, "\n")
}
