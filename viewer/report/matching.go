package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/query"
)

// mostMatching is how many requests that match are listed where not all are wanted.
const mostMatching = 40

// A JSONMatching is the requests that match a filter, all of them. Nothing else in the
// report is affected by it.
type JSONMatching struct {
	Filter   string        `json:"filter"`
	Count    int           `json:"count"`
	Of       int           `json:"of"` // requests in the recording
	Requests []JSONRequest `json:"requests"`
}

// A JSONRequest is one request, in milliseconds and bytes. A phase that did not happen is
// left out.
type JSONRequest struct {
	ID       uint64                   `json:"id"` // _modtap.id of an entry of the recording
	Start    recorder.Span            `json:"start_ms"`
	Took     recorder.Span            `json:"took_ms"`
	InFlight bool                     `json:"in_flight,omitempty"` // it had not ended when the recording did; took is up to then
	Method   string                   `json:"method"`
	URL      string                   `json:"url"`
	Kind     string                   `json:"kind,omitempty"`
	Module   string                   `json:"module,omitempty"`
	Version  string                   `json:"version,omitempty"`
	Status   int                      `json:"status"` // 0: there was no answer
	Error    *recorder.Error          `json:"error,omitempty"`
	Bytes    int64                    `json:"bytes"`     // of the answer's body, as on the wire
	Phases   map[string]recorder.Span `json:"phases_ms"` // queue, delay, proxy, dns, connect, tls, send, wait, receive, child
}

// A match is a request that matches, with its time filled in up to the end of the recording.
type match struct {
	recorder.Exchange
	took recorder.Span
}

// matches are the requests that match the filter, in order of starting.
func (d *Document) matches() []match {
	in := d.input()
	byID := func(id uint64) *recorder.Exchange {
		i, found := slices.BinarySearchFunc(in.Exchanges, id, func(x recorder.Exchange, id uint64) int { return cmp.Compare(x.ID, id) })
		if !found {
			return nil
		}
		return &in.Exchanges[i]
	}
	if !slices.IsSortedFunc(in.Exchanges, func(a, b recorder.Exchange) int { return cmp.Compare(a.ID, b.ID) }) {
		ids := make(map[uint64]*recorder.Exchange, len(in.Exchanges))
		for i := range in.Exchanges {
			ids[in.Exchanges[i].ID] = &in.Exchanges[i]
		}
		byID = func(id uint64) *recorder.Exchange { return ids[id] }
	}
	now, q := d.ended(), d.Filter.WithParents(byID)
	var out []match
	for i := range in.Exchanges {
		if x := &in.Exchanges[i]; q.MatchAt(x, now) {
			m := match{*x, query.Took(x, now)}
			m.Server.End = m.took
			out = append(out, m)
		}
	}
	return out
}

// ended is when the recording did: what was in flight has no other end.
func (d *Document) ended() time.Time {
	in, last := d.input(), d.session().Start
	if in.End != nil && in.End.At > 0 {
		return last.Add(in.End.At.Duration())
	}
	for i := range in.Exchanges {
		x := &in.Exchanges[i]
		end := max(x.Server.End, x.Client.End, x.Server.LastByte, x.Server.FirstByte)
		if at := x.Start.Add(end.Duration()); at.After(last) {
			last = at
		}
	}
	return last
}

// longest are at most n of all, those that took longest, in the order of all.
func longest(all []match, n int) []match {
	if len(all) <= n {
		return all
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return -cmp.Compare(all[a].took, all[b].took) })
	order = order[:n]
	slices.Sort(order)
	out := make([]match, n)
	for i, at := range order {
		out[i] = all[at]
	}
	return out
}

// matchingTitle says how many match what.
func (d *Document) matchingTitle(n int) string {
	of := plural(len(d.input().Exchanges), "request")
	verb := "match"
	switch n {
	case 0:
		return fmt.Sprintf("none of %s matches %s", of, Printable(d.Filter.String()))
	case 1:
		verb = "matches"
	}
	return fmt.Sprintf("%d of %s %s %s", n, of, verb, Printable(d.Filter.String()))
}

// outcome is how m went, in one word: the status, or what failed.
func (m *match) outcome() string {
	switch {
	case m.Err != nil:
		return m.Err.Op
	case m.Status == 0 && !m.Done:
		return "…"
	case m.Status == 0:
		return "-"
	}
	return fmt.Sprint(m.Status)
}

// time is how long m took; of what was in flight, at least.
func (m *match) time() string {
	if !m.Done {
		return ">" + Duration(m.took.Duration())
	}
	return spanText(m.took)
}

// main is the longest phase of m.
func (m *match) main() string {
	p, ok := Dominant(&m.Exchange)
	if !ok {
		return "-"
	}
	return p.Name + " " + Duration(p.Time)
}

// size is what came of the answer's body.
func (m *match) size() string {
	if m.Response.BodySize < 0 {
		return "-"
	}
	return Bytes(m.Response.BodySize)
}

// name is the kind of m and what it asks for.
func (m *match) name() string {
	return Printable(strings.TrimSpace(string(m.Go.Kind) + " " + Label(&m.Exchange)))
}

func (m *match) phases() string {
	var parts []string
	for _, p := range Phases(&m.Exchange) {
		parts = append(parts, p.Name+" "+Duration(p.Time))
	}
	return strings.Join(parts, ", ")
}

// matching is the section about the filter, which is empty without one. It has the whole
// width: a request's name is long.
func (s *screen) matching() *section {
	if s.Filter == nil {
		return &section{}
	}
	all := s.matches()
	shown := all
	if !s.all {
		shown = longest(all, mostMatching)
	}
	title := wrap(s.matchingTitle(len(all)), s.width, 0)
	for i := range title {
		title[i] = s.paint(strong, title[i])
	}
	lines := append(title[1:], s.matchingRows(shown)...)
	if n := len(all) - len(shown); n > 0 {
		lines = append(lines, s.paint(faint, fmt.Sprintf("  and %d that took less: -v lists all", n)))
	}
	if len(lines) == 0 {
		return &section{rows: title, least: len(title), limit: len(title), frame: func(lines []string) []string { return lines }}
	}
	return &section{heading: title[0], rows: lines, least: len(lines), limit: len(lines)}
}

// matchingRows is the table; with -v, each row has its phases below.
func (s *screen) matchingRows(shown []match) []string {
	if len(shown) == 0 {
		return nil
	}
	ids := 2
	for i := range shown {
		ids = max(ids, len(fmt.Sprint(shown[i].ID)))
	}
	line := func(id, status, time, main, size, name string) string {
		row := fmt.Sprintf("%*s  %-7s %8s", ids+1, id, Truncate(status, 7), time)
		if s.width >= narrow {
			row += fmt.Sprintf("  %-15s %8s", main, size)
		}
		return row + "  " + Truncate(name, max(s.width-len([]rune(row))-2, 8))
	}
	lines := []string{s.paint(faint, line("id", "status", "time", "longest phase", "bytes", "request"))}
	for i := range shown {
		m := &shown[i]
		st := plain
		if m.Err != nil || m.Status >= 400 {
			st = bad
		}
		lines = append(lines, s.paint(st, line(fmt.Sprint(m.ID), Printable(m.outcome()), m.time(), m.main(), m.size(), m.name())))
		if text := m.phases(); s.all && text != "" {
			for _, part := range wrap(text, s.width-ids-3, 0) {
				lines = append(lines, s.paint(faint, strings.Repeat(" ", ids+3)+part))
			}
		}
	}
	return lines
}

// matchingJSON is nil without a filter.
func (d *Document) matchingJSON() *JSONMatching {
	if d.Filter == nil {
		return nil
	}
	all := d.matches()
	out := &JSONMatching{Filter: d.Filter.String(), Count: len(all), Of: len(d.input().Exchanges), Requests: make([]JSONRequest, len(all))}
	for i := range all {
		m := &all[i]
		r := JSONRequest{
			ID: m.ID, Start: recorder.Span(m.Exchange.Start.Sub(d.session().Start)), Took: m.took, InFlight: !m.Done, Method: m.Method, URL: m.URL,
			Kind: string(m.Go.Kind), Module: m.Go.Module, Version: m.Go.Version, Status: m.Status, Error: m.Err,
			Bytes: max(m.Response.BodySize, 0), Phases: map[string]recorder.Span{},
		}
		for _, p := range Phases(&m.Exchange) {
			r.Phases[p.Name] = recorder.Span(p.Time)
		}
		out.Requests[i] = r
	}
	return out
}

func (m *markdown) matching() {
	if m.Filter == nil {
		return
	}
	all := m.matches()
	shown := longest(all, mostMatching)
	m.say("#### Requests that match %s\n\n%s\n\n", code(m.Filter.String()), escape(m.matchingTitle(len(all))))
	if len(all) == 0 {
		return
	}
	m.row("id", "kind", "request", "status", "time", "longest phase", "bytes")
	m.row("---:", "---", "---", "---", "---:", "---:", "---:")
	for i := range shown {
		x := &shown[i]
		m.row(fmt.Sprint(x.ID), escape(string(x.Go.Kind)), cell(Label(&x.Exchange)), escape(x.outcome()), escape(x.time()), escape(x.main()), x.size())
	}
	m.say("\n")
	if n := len(all) - len(shown); n > 0 {
		m.say("and %d that took less\n\n", n)
	}
}

// matchingPage is the table of the page, without rows when there is no filter.
func (d *Document) matchingPage() pageTable {
	t := pageTable{Open: true, Heads: []string{"request", "id", "status", "time", "longest phase", "bytes"}}
	if d.Filter == nil {
		return t
	}
	all := d.matches()
	shown := longest(all, maxRows)
	t.Name = "Filter: " + d.matchingTitle(len(all))
	if n := len(all) - len(shown); n > 0 {
		t.Name += fmt.Sprintf("; the %d that took longest", len(shown))
	}
	for i := range shown {
		m := &shown[i]
		t.Rows = append(t.Rows, []string{m.name(), fmt.Sprint(m.ID), Printable(m.outcome()), m.time(), m.main(), m.size()})
	}
	if len(all) == 0 {
		t.Heads, t.Rows = t.Heads[:1], [][]string{{"none"}}
	}
	return t
}
