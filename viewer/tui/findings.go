package tui

import (
	"cmp"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/viewer/report"
)

type teaCmd = tea.Cmd

var severities = []string{recorder.Bad, recorder.Warn, recorder.Info}

var severityColors = map[string]style{recorder.Bad: bad | bold, recorder.Warn: warn | bold, recorder.Info: note | bold}

// found are the findings: those of the report, in its order, and what the stream told of
// since then, or instead of it.
func (m *model) found() []report.JSONFinding {
	var list []report.JSONFinding
	has := map[string]bool{}
	if m.report != nil {
		list = slices.Clone(m.report.Findings)
		for i := range list {
			has[list[i].ID] = true
		}
	}
	var more []report.JSONFinding
	for id, f := range m.store.finds {
		if !has[id] {
			more = append(more, report.JSONFinding{
				ID: f.ID, Severity: f.Severity, Title: f.Title, Cost: f.Cost, Evidence: f.Evidence, Of: f.Of, Conns: f.Conns, ConnsOf: f.ConnsOf,
				Numbers: f.Numbers, Caveat: f.Caveat, Remedy: report.JSONRemedy{Text: f.Remedy, Commands: f.Commands},
			})
		}
	}
	slices.SortFunc(more, func(a, b report.JSONFinding) int {
		rank := func(f report.JSONFinding) int { return slices.Index(severities, f.Severity) }
		return cmp.Or(rank(a)-rank(b), cmp.Compare(b.Cost, a.Cost), cmp.Compare(a.ID, b.ID))
	})
	return append(list, more...)
}

// findings is the page of the report: where the time went, and what is wrong.
func (m *model) findings(p *page) {
	list := m.found()
	m.finding = min(m.finding, max(len(list)-1, 0))
	p.title = count(len(list), "finding")
	if m.live() {
		p.title += " so far"
	}
	m.accounting(p)
	if len(list) == 0 {
		p.add(span{"Nothing was found" + map[bool]string{true: " so far.", false: "."}[m.live()], dim})
	}
	for i := range list {
		f := &list[i]
		p.now = i
		pointer := "  "
		if i == m.finding {
			pointer = string(m.g.point) + " "
		}
		lines := wrapped(f.Title, p.w-8)
		if last := &lines[len(lines)-1]; f.Cost > 0 {
			if cost := "cost " + report.Duration(f.Cost.Duration()); width(*last)+2+width(cost) <= p.w-8 {
				*last += "  " + cost
			} else {
				lines = append(lines, cost)
			}
		}
		p.add(span{pointer, bold}, span{f.Severity + strings.Repeat(" ", max(6-len(f.Severity), 1)), severityColors[f.Severity]}, span{lines[0], bold})
		for _, l := range lines[1:] {
			p.add(span{"        ", plain}, span{l, bold})
		}
		if i == m.finding {
			m.remedy(p, f)
		}
	}
	p.now = -1
	m.predictions(p)
}

// remedy is what is known of a finding beyond its title.
func (m *model) remedy(p *page, f *report.JSONFinding) {
	for _, n := range f.Numbers {
		p.wrap(report.Measured(n), 8, plain)
	}
	if f.Caveat != "" {
		p.wrap(f.Caveat, 8, dim)
	}
	if f.Remedy.Text != "" {
		p.wrap(f.Remedy.Text, 8, plain)
	}
	for _, c := range f.Remedy.Commands {
		p.wrap("$ "+c, 8, note)
	}
	var keys []string
	if n := len(f.Evidence); n > 0 {
		of := ""
		if f.Of > n {
			of = " of " + thousands(f.Of)
		}
		keys = append(keys, "enter shows "+count(n, "request")+of)
	}
	if len(f.Remedy.Commands) > 0 {
		keys = append(keys, "c copies the command")
	}
	if f.ID != "" {
		keys = append(keys, "modtap explain "+f.ID)
	}
	p.wrap(strings.Join(keys, ", "), 8, dim)
	p.add()
}

// leastShare is the part of the run from which a bucket has a line of its own.
const leastShare = 0.005

// accounting says where the time of the run went, the most first.
func (m *model) accounting(p *page) {
	if m.report == nil || len(m.report.Accounting.Buckets) == 0 {
		return
	}
	head := "Where the time went: "
	if m.live() {
		head = "Where the time went so far: "
	}
	p.add(span{head + report.Duration(m.report.Wall.Duration()), bold})
	list := slices.Clone(m.report.Accounting.Buckets)
	slices.SortStableFunc(list, func(a, b diagnose.Bucket) int { return cmp.Compare(b.Time, a.Time) })
	bars := 20
	if p.w < 80 {
		bars = 10
	}
	var others []string
	for _, b := range list {
		if b.Share < leastShare {
			others = append(others, b.Name+" "+report.Duration(b.Time.Duration()))
			continue
		}
		n := int(b.Share*float64(bars) + 0.5)
		bar := strings.Repeat(string(m.g.phases[receive]), n) + strings.Repeat(" ", max(bars-n, 0))
		p.add(span{"  " + bar + " ", receiveColor}, span{pad(report.Duration(b.Time.Duration()), 8) + pad(report.Percent(b.Share), 7) + "  ", plain},
			span{b.Name, bold}, span{"  " + report.BucketMeaning(b), dim})
	}
	if len(others) > 0 {
		p.wrap("less: "+strings.Join(others, ", "), 2, dim)
	}
	p.add()
}

// pad puts blanks in front of s.
func pad(s string, w int) string { return strings.Repeat(" ", max(w-width(s), 0)) + s }

// predictions are what remedies would make of the run.
func (m *model) predictions(p *page) {
	if m.report == nil || len(m.report.WhatIf) == 0 {
		return
	}
	p.head("What if")
	for _, w := range m.report.WhatIf {
		p.wrap(report.Duration(w.Wall.Duration())+" instead of "+report.Duration(m.report.Wall.Duration())+" ("+report.Sureness(w.Sure)+"): "+w.What, 2, plain)
	}
}

// pointFinding moves to another finding. At the first and the last one it scrolls, so that
// what stands above and below them can be read.
func (m *model) pointFinding(by, n int) {
	to := m.finding + by
	if to < 0 || to >= n {
		m.scroll, m.reveals = max(m.scroll+by, 0), false
		return
	}
	m.finding, m.reveals = to, true
}

// findingKey takes the keys of the findings.
func (m *model) findingKey(key string) (tea.Cmd, bool) {
	list := m.found()
	if len(list) == 0 {
		return nil, false
	}
	m.finding = min(m.finding, len(list)-1)
	f := &list[m.finding]
	switch key {
	case "down", "j":
		m.pointFinding(1, len(list))
	case "up", "k":
		m.pointFinding(-1, len(list))
	case "home":
		m.finding, m.scroll, m.reveals = 0, 0, false
	case "end", "G":
		m.finding, m.scroll, m.reveals = len(list)-1, 1<<30, false // drawing brings it back
	case "c":
		if len(f.Remedy.Commands) == 0 {
			m.notice = "this finding has no command"
			return nil, true
		}
		return m.copy("the first command of "+f.ID, f.Remedy.Commands[0]), true
	case "enter":
		if len(f.Evidence) == 0 {
			m.notice = "no request shows this finding"
			return nil, true
		}
		m.evidence = evidence{of: f.ID, ids: slices.Clone(f.Evidence), set: map[uint64]bool{}}
		for _, id := range f.Evidence {
			m.evidence.set[id] = true
		}
		m.focus = false
		return m.witness(0), true
	default:
		return nil, false
	}
	return nil, true
}

// reveal scrolls so that the finding that is pointed at is seen, from its first line; once,
// for whoever scrolls on wants to see something else.
func (m *model) reveal(p *page) {
	if !m.reveals {
		return
	}
	m.reveals = false
	first := slices.Index(p.at, m.finding)
	if first < 0 {
		return
	}
	last := first
	for last+1 < len(p.at) && p.at[last+1] == m.finding {
		last++
	}
	if m.finding == 0 && last < m.paneH {
		first = 0 // with what stands above it
	}
	if last >= m.scroll+m.paneH {
		m.scroll = last - m.paneH + 1
	}
	m.scroll = min(m.scroll, first)
}
