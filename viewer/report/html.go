package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"modtap/recorder"
	"modtap/recorder/diagnose"
)

//go:embed page.html.tmpl
var pageText string

// WriteHTML writes d as one page that needs nothing else: no script, no request.
func (d *Document) WriteHTML(w io.Writer) error {
	page, err := template.New("report").Funcs(template.FuncMap{"pieces": pieces, "lines": commandLines}).Parse(pageText)
	if err != nil {
		return err
	}
	return page.Execute(w, d.page())
}

// A page is what the template shows.
type page struct {
	Verdict  string
	Failed   bool
	About    []string
	Counts   []string
	Loud     string
	Nothing  string // why no request was seen
	Buckets  []pageBucket
	Findings []pageFinding
	Failures []string // that no finding is about
	None     bool     // there is something to judge, and nothing is wrong
	WhatIf   []pagePrediction
	Links    []pageLink
	Water    *waterfall
	Phases   []string
	Tables   []pageTable
	Foot     []fact
	Troubles []string
}

type pageBucket struct {
	Name, Meaning, Time, Share string
	Style                      template.CSS
}

type pageFinding struct {
	ID, Severity, Title, Cost, Remedy, Caveat string
	Commands                                  []string
	Numbers                                   []string
	Evidence                                  []pageRef
	Rest                                      int
	Conns                                     string
	Prose                                     []block
}

// A pageRef leads to a row of the waterfall, if that is shown.
type pageRef struct {
	ID    uint64
	Shown bool
}

type pagePrediction struct {
	What, Wall, Saves, Sure, Why string
	Commands                     []string
	Style                        template.CSS
}

type pageLink struct {
	Start, Took, Bucket, What, Why string
	Exchange                       pageRef
	Style                          template.CSS
}

type pageTable struct {
	Name  string
	Open  bool
	Heads []string
	Rows  [][]string
}

func (d *Document) page() *page {
	r := d.Report
	p := &page{
		Verdict: d.verdict(), Failed: d.ending() != "", About: d.about(), Loud: d.aloud(), Water: d.waterfall(),
		Failures: d.failures(&text{width: 300}), Tables: d.pageTables(), Troubles: d.troubles(), None: len(r.Findings) == 0 && d.hadRequests(),
		Phases: []string{"queue", "dns", "connect", "tls", "send", "wait", "receive"},
	}
	if d.hadRequests() {
		p.Counts = d.counts()
	} else if !d.input().Foreign {
		p.Nothing = strings.Join(whyNothing(d.session(), len(d.input().Tunnels)), " ")
	}
	for _, b := range bySize(r.Accounting.Buckets) {
		p.Buckets = append(p.Buckets, pageBucket{b.Name, BucketMeaning(b), Duration(b.Time.Duration()), Percent(b.Share), template.CSS(fmt.Sprintf("width:%.2f%%", 100*b.Share))})
	}
	shown := map[uint64]bool{}
	if p.Water != nil {
		for _, row := range p.Water.Rows {
			shown[row.ID] = true
			for _, id := range row.Others {
				shown[id] = true
			}
		}
	}
	for i := range r.Findings {
		p.Findings = append(p.Findings, d.pageFinding(&r.Findings[i], shown))
	}
	for _, w := range sortedBy(r.WhatIf, func(a, b diagnose.Prediction) bool { return a.Saves > b.Saves }) {
		share := 0.0
		if r.Wall > 0 {
			share = 100 * float64(w.Wall) / float64(r.Wall)
		}
		p.WhatIf = append(p.WhatIf, pagePrediction{Printable(w.What), Duration(w.Wall.Duration()), Duration(w.Saves.Duration()), Sureness(w.Sure), Printable(w.Why), w.Commands, template.CSS(fmt.Sprintf("width:%.2f%%", min(share, 100)))})
	}
	for _, l := range largest(r.CriticalPath, maxRows) {
		style := template.CSS("width:0")
		if r.Wall > 0 {
			style = template.CSS(fmt.Sprintf("width:%.2f%%", 100*float64(l.To-l.From)/float64(r.Wall)))
		}
		p.Links = append(p.Links, pageLink{d.since(l.From), Duration((l.To - l.From).Duration()), l.Bucket, Printable(l.What), Printable(l.Why), pageRef{l.Exchange, shown[l.Exchange]}, style})
	}
	p.Foot = d.pageFoot()
	return p
}

// about is where and when it ran.
func (d *Document) about() []string {
	s := d.session()
	var out []string
	if !s.Start.IsZero() {
		out = append(out, s.Start.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	for _, v := range []string{s.OS, s.Go, d.Report.Tool} {
		if v != "" {
			out = append(out, Printable(v))
		}
	}
	if s.GOPROXY != "" {
		out = append(out, "GOPROXY="+Printable(s.GOPROXY))
	}
	return out
}

func (d *Document) pageFinding(f *recorder.Finding, shown map[uint64]bool) pageFinding {
	const most = 40
	p := pageFinding{ID: f.ID, Severity: f.Severity, Title: Printable(f.Title), Remedy: Printable(f.Remedy), Caveat: Printable(f.Caveat), Commands: f.Commands}
	if f.Cost > 0 {
		p.Cost = Duration(f.Cost.Duration())
	}
	for _, n := range f.Numbers {
		p.Numbers = append(p.Numbers, Measured(n))
	}
	p.Rest = max(f.Of, len(f.Evidence)) - min(most, len(f.Evidence))
	for _, id := range f.Evidence[:min(most, len(f.Evidence))] {
		p.Evidence = append(p.Evidence, pageRef{id, shown[id]})
	}
	if len(f.Conns) > 0 {
		p.Conns = several("connection", f.Conns, most, 0)
	}
	explain := d.explain
	if explain == nil {
		explain = diagnose.Explain
	}
	if text, ok := explain(f.ID); ok {
		for i, b := range blocks(text) {
			if i > 0 || b.Kind != "heading" { // the title is there already
				p.Prose = append(p.Prose, b)
			}
		}
	}
	return p
}

func (d *Document) pageTables() []pageTable {
	r := d.Report
	var out []pageTable
	groups := func(name string, of []diagnose.Group) {
		t := pageTable{Name: name, Open: true, Heads: []string{strings.TrimPrefix(name, "By "), "requests", "bytes", "of the wall time", "wait P50", "wait P95", "took P50", "took P95"}}
		if name == "By host" {
			t.Heads = append(t.Heads, "TLS handshakes", "unused", "least round trip")
		}
		for _, g := range of {
			row := []string{Printable(g.Name), fmt.Sprint(g.Requests), Bytes(g.Bytes), spanText(g.OnPath), spanText(g.WaitP50), spanText(g.WaitP95), spanText(g.TookP50), spanText(g.TookP95)}
			if name == "By host" {
				row = append(row, fmt.Sprint(g.Handshakes), fmt.Sprint(g.Unused), spanText(g.MinRTT))
			}
			t.Rows = append(t.Rows, row)
		}
		out = append(out, t)
	}
	groups("By step", r.Steps)
	groups("By host", r.Hosts)
	entries := pageTable{Name: "By GOPROXY entry", Open: true, Heads: []string{"entry", "requests", "answered", "404", "failed", "fallback cost"}}
	for _, e := range r.Entries {
		entries.Rows = append(entries.Rows, []string{Printable(e.Name + e.Sep), fmt.Sprint(e.Requests), fmt.Sprint(e.Answered), fmt.Sprint(e.NotFound), fmt.Sprint(e.Failed), spanText(e.Cost)})
	}
	modules := pageTable{Name: "By module", Open: len(r.Modules) <= 30, Heads: []string{"module", "in flight", "of the wall time", "requests", "bytes", "slowest part"}}
	for _, m := range r.Modules[:min(len(r.Modules), maxRows)] {
		modules.Rows = append(modules.Rows, []string{moduleText(m), spanText(m.Own), spanText(m.OnPath), fmt.Sprint(m.Requests), Bytes(m.Bytes), Printable(m.Cause)})
	}
	var some []pageTable
	for _, t := range append(out, entries, modules, d.matchingPage()) {
		if len(t.Rows) > 0 {
			some = append(some, t)
		}
	}
	return some
}

func (d *Document) pageFoot() []fact {
	var out []fact
	if d.session().Capture == recorder.CaptureReverse {
		out = append(out, fact{"mode", reverseMode})
	}
	if blind := d.notSeen(); len(blind) > 0 {
		out = append(out, fact{"not seen", strings.Join(blind, ", ")})
	}
	for _, u := range d.Report.Unseen {
		out = append(out, fact{"passed by", d.unseenText(u)})
	}
	for _, n := range d.Report.Notes {
		out = append(out, fact{"note", Printable(n)})
	}
	switch {
	case d.Recording != "":
		out = append(out, fact{"recording", Printable(d.Recording)})
	case d.Failure != "":
		out = append(out, fact{"recording", "none" + because(d.Failure)})
	}
	return out
}
