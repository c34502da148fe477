package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (s *Summary) failed(t *text) *section {
	sec := &section{heading: t.paint(strong, "failed"), least: 2, limit: 4}
	for _, row := range s.failureRows(t) {
		sec.rows = append(sec.rows, t.paint(bad, row))
	}
	if f := s.notFound; f.count > 0 {
		sec.rows = append(sec.rows, t.failure(&f, "404 or 410, not found"))
	}
	sec.rest = func(hidden int) string { return fmt.Sprintf("        and %d more", hidden) }
	return sec
}

// failureRows are the kinds of failures, the worst first.
func (s *Summary) failureRows(t *text) []string {
	list := slices.SortedFunc(maps.Values(s.failures), func(a, b *failure) int {
		return cmp.Or(-compareBool(a.broken, b.broken), cmp.Compare(b.count, a.count), strings.Compare(a.text, b.text), strings.Compare(a.host, b.host))
	})
	var rows []string
	for _, f := range list {
		rows = append(rows, t.failure(f, f.host+"  "+f.text))
	}
	if n := len(s.inFlight); n > 0 {
		rows = append(rows, fmt.Sprintf("%5d × not finished", n))
	}
	return rows
}

// failure is a line about f, with an example if there is room: it tells nothing that a
// long error text does not.
func (t *text) failure(f *failure, what string) string {
	line := fmt.Sprintf("%5d × %s%s", f.count, what, again(f.repeats))
	if f.repeats > 0 && len([]rune(line)) > t.width {
		line = fmt.Sprintf("%5d × %s (%d repeats)", f.count, what, f.repeats)
	}
	if f.example != "" && len(line)+len(f.example)+2 <= t.width {
		line += "  " + f.example
	}
	return Truncate(Printable(line), t.width)
}

func again(repeats int) string {
	if repeats == 0 {
		return ""
	}
	if repeats == 1 {
		return " (1 is a repeat: go sends each 4xx twice)"
	}
	return fmt.Sprintf(" (%d are repeats: go sends each 4xx twice)", repeats)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// columns are the widths of the tables' cells, of which a narrow terminal shows fewer.
var columns = [...]int{8, 9, 9, 9, 12}

// layout returns how many cells fit, and what is left for the first column.
func (t *text) layout() (cells, name int) {
	name = t.width
	for _, w := range columns {
		name -= 1 + w
	}
	for cells = len(columns); name < 16; cells-- {
		name += 1 + columns[cells-1]
	}
	return cells, name
}

// row lays out a line of a table; what does not fit of its name is cut at the end, since
// hosts differ at the beginning.
func (t *text) row(name string, cells ...string) string {
	shown, width := t.layout()
	r := []rune(Printable(name))
	if len(r) > width {
		r = append(r[:width-1], '…')
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s", width, string(r))
	for i, c := range cells[:min(len(cells), shown)] {
		fmt.Fprintf(&b, " %*s", columns[i], c)
	}
	return b.String()
}

func (s *Summary) byKind(t *text) *section {
	list := slices.SortedFunc(maps.Values(s.kinds), func(a, b *figures) int {
		return cmp.Or(cmp.Compare(b.requests, a.requests), strings.Compare(a.name, b.name))
	})
	sec := &section{heading: t.paint(strong, t.row("by kind", "requests", "bytes", "P50", "P95")), least: 3, limit: 6}
	for _, k := range list {
		sec.rows = append(sec.rows, t.row("  "+k.name, fmt.Sprint(k.requests), Bytes(k.bytes), quantile(&k.time, 0.5), quantile(&k.time, 0.95)))
	}
	sec.rest = func(hidden int) string {
		n, bytes := 0, int64(0)
		for _, k := range list[len(list)-hidden:] {
			n, bytes = n+k.requests, bytes+k.bytes
		}
		return t.paint(faint, t.row("  and "+plural(hidden, "more kind"), fmt.Sprint(n), Bytes(bytes)))
	}
	return sec
}

func (s *Summary) byHost(t *text) *section {
	list := slices.SortedFunc(maps.Values(s.hosts), func(a, b *hostFigures) int {
		return cmp.Or(cmp.Compare(b.requests, a.requests), strings.Compare(a.name, b.name))
	})
	sec := &section{heading: t.paint(strong, t.row("by host", "requests", "bytes", "wait P50", "wait P95", "handshakes")), least: 2, limit: 4}
	for _, h := range list {
		handshakes := fmt.Sprint(h.handshakes)
		if h.unused > 0 {
			handshakes += fmt.Sprintf(", %d unused", h.unused)
		}
		sec.rows = append(sec.rows, t.row("  "+h.name, fmt.Sprint(h.requests), Bytes(h.bytes), quantile(&h.wait, 0.5), quantile(&h.wait, 0.95), handshakes))
	}
	sec.rest = func(hidden int) string {
		n, bytes := 0, int64(0)
		for _, h := range list[len(list)-hidden:] {
			n, bytes = n+h.requests, bytes+h.bytes
		}
		return t.paint(faint, t.row("  and "+plural(hidden, "more host"), fmt.Sprint(n), Bytes(bytes)))
	}
	return sec
}

func quantile(r *reservoir, p float64) string {
	if d, ok := r.percentile(p); ok {
		return Duration(d)
	}
	return "-"
}

func (s *Summary) bySlowness(t *text) *section {
	sec := &section{heading: t.paint(strong, "slowest"), least: 3, limit: maxSlowest}
	kinds := 0
	for _, x := range s.slowest {
		kinds = max(kinds, len(cmp.Or(string(x.Go.Kind), "other")))
	}
	for _, x := range s.slowest {
		phase := ""
		if p, ok := Dominant(x); ok {
			phase = p.Name + " " + Duration(p.Time)
		}
		line := fmt.Sprintf("  %7s  %-15s  %-*s  ", Duration(exchangeTime(x)), phase, kinds, cmp.Or(string(x.Go.Kind), "other"))
		end := "  " + Bytes(x.Response.BodySize)
		switch {
		case x.Err != nil:
			end = "  failed"
		case x.Status >= 400:
			end = fmt.Sprintf("  %d", x.Status)
		}
		room := max(8, t.width-len([]rune(line))-len(end))
		sec.rows = append(sec.rows, line+Truncate(Printable(Label(x)), room)+end)
	}
	return sec
}
