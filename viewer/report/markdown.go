package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"modtap/recorder"
	"modtap/recorder/diagnose"
)

// most rows of a table in Markdown: a job summary has room, but no end of it.
const mostMarkdownRows = 25

// WriteMarkdown writes d for the summary of a CI job: GitHub's Markdown, with everything
// that was recorded as text.
func (d *Document) WriteMarkdown(w io.Writer) error {
	m := &markdown{Document: d}
	m.head()
	m.buckets()
	m.findings()
	m.failed()
	m.whatIf()
	m.path()
	m.tables()
	m.matching()
	m.foot()
	_, err := io.WriteString(w, m.out.String())
	return err
}

type markdown struct {
	*Document
	out strings.Builder
}

func (m *markdown) say(format string, args ...any) { fmt.Fprintf(&m.out, format, args...) }

func (m *markdown) head() {
	mark := "✅"
	switch worst := m.Worst(); {
	case m.ending() != "":
		mark = "❌"
	case worst != "":
		mark = severityMark(worst)
	}
	m.say("### %s modtap: %s\n\n", mark, escape(m.verdict()))
	if loud := m.aloud(); loud != "" {
		m.say("> **%s**\n\n", escape(loud))
	}
	if !m.hadRequests() {
		m.say("No request was seen")
		if !m.input().Foreign {
			m.say(": %s", escape(strings.Join(whyNothing(m.session(), len(m.input().Tunnels)), " ")))
		}
		m.say(".\n\n")
		return
	}
	m.say("%s\n\n", escape(strings.Join(m.counts(), ", ")))
}

// row writes cells of a table; they are Markdown already.
func (m *markdown) row(cells ...string) { m.say("| %s |\n", strings.Join(cells, " | ")) }

func (m *markdown) buckets() {
	all := bySize(m.Report.Accounting.Buckets)
	if len(all) == 0 {
		return
	}
	m.row("wall time", "", "share", "")
	m.row("---", "---:", "---:", "---")
	for _, b := range all {
		m.row("**"+escape(b.Name)+"** "+BucketMeaning(b), Duration(b.Time.Duration()), Percent(b.Share), bar(b.Share, 20))
	}
	m.say("\n")
}

func (m *markdown) findings() {
	if len(m.Report.Findings) == 0 {
		if m.hadRequests() {
			m.say("**Findings:** none\n\n")
		}
		return
	}
	m.say("#### Findings\n\n")
	for i := range m.Report.Findings {
		f := &m.Report.Findings[i]
		cost := ""
		if f.Cost > 0 {
			cost = ", costs " + Duration(f.Cost.Duration())
		}
		m.say("%s **%s** (%s, %s%s)\n\n", severityMark(f.Severity), escape(f.Title), code(f.ID), f.Severity, cost)
		if f.Remedy != "" {
			m.say("%s\n\n", escape(f.Remedy))
		}
		if len(f.Commands) > 0 {
			lines := commandLines(f.Commands)
			fence := fenceFor(lines)
			m.say("%s\n%s\n%s\n\n", fence, lines, fence)
		}
		m.evidence(f)
	}
}

func (m *markdown) evidence(f *recorder.Finding) {
	var parts []string
	for _, n := range f.Numbers {
		parts = append(parts, Measured(n))
	}
	if e := evidence(f, 10); e != "" {
		parts = append(parts, e)
	}
	if f.Caveat != "" {
		parts = append(parts, f.Caveat)
	}
	if len(parts) > 0 {
		m.say("<sub>%s</sub>\n\n", escape(strings.Join(parts, " · ")))
	}
}

// failed lists failures that no finding is about.
func (m *markdown) failed() {
	rows := m.failures(&text{width: 200})
	if len(rows) == 0 {
		return
	}
	m.say("#### Failed requests\n\n")
	for _, row := range rows {
		m.say("- %s\n", escape(row))
	}
	m.say("\n")
}

func severityMark(severity string) string {
	switch severity {
	case recorder.Bad:
		return "🔴"
	case recorder.Warn:
		return "🟠"
	}
	return "🔵"
}

func (m *markdown) whatIf() {
	if len(m.Report.WhatIf) == 0 {
		return
	}
	m.say("#### What would help\n\n")
	m.row("change", "predicted", "saves", "")
	m.row("---", "---:", "---:", "---")
	for _, p := range sortedBy(m.Report.WhatIf, func(a, b diagnose.Prediction) bool { return a.Saves > b.Saves }) {
		m.row(escape(p.What), Duration(p.Wall.Duration()), Duration(p.Saves.Duration()), escape(Sureness(p.Sure)+": "+p.Why))
	}
	m.say("\n")
}

// details opens a part that is folded.
func (m *markdown) details(summary string, body func()) {
	m.say("<details><summary>%s</summary>\n\n", escape(summary))
	body()
	m.say("\n</details>\n\n")
}

func (m *markdown) path() {
	links := m.Report.CriticalPath
	if len(links) == 0 {
		return
	}
	shown := largest(links, mostMarkdownRows)
	title := fmt.Sprintf("Critical path: %s", plural(len(links), "step"))
	if len(shown) < len(links) {
		title += fmt.Sprintf(", the %d longest", len(shown))
	}
	m.details(title, func() {
		m.row("start", "took", "", "step", "why it waited")
		m.row("---:", "---:", "---", "---", "---")
		for _, l := range shown {
			m.row(m.since(l.From), Duration((l.To - l.From).Duration()), l.Bucket, cell(l.What), escape(l.Why))
		}
	})
}

func (m *markdown) tables() {
	r := m.Report
	if len(r.Steps)+len(r.Hosts)+len(r.Modules) == 0 {
		return
	}
	m.details("By step, host and module", func() {
		m.groups("step", r.Steps)
		m.groups("host", r.Hosts)
		if len(r.Entries) > 0 {
			m.row("GOPROXY", "requests", "answered", "404", "failed", "fallback cost")
			m.row("---", "---:", "---:", "---:", "---:", "---:")
			for _, e := range r.Entries {
				m.row(cell(e.Name+e.Sep), fmt.Sprint(e.Requests), fmt.Sprint(e.Answered), fmt.Sprint(e.NotFound), fmt.Sprint(e.Failed), spanText(e.Cost))
			}
			m.say("\n")
		}
		m.modules()
	})
}

func (m *markdown) groups(name string, groups []diagnose.Group) {
	if len(groups) == 0 {
		return
	}
	m.row(name, "requests", "bytes", "of the wall", "wait P50", "wait P95")
	m.row("---", "---:", "---:", "---:", "---:", "---:")
	for _, g := range groups[:min(len(groups), mostMarkdownRows)] {
		m.row(cell(g.Name), fmt.Sprint(g.Requests), Bytes(g.Bytes), spanText(g.OnPath), spanText(g.WaitP50), spanText(g.WaitP95))
	}
	m.say("\n")
	m.more(len(groups))
}

func (m *markdown) more(n int) {
	if n > mostMarkdownRows {
		m.say("and %d more\n\n", n-mostMarkdownRows)
	}
}

func (m *markdown) modules() {
	all := m.Report.Modules
	if len(all) == 0 {
		return
	}
	m.row("module", "in flight", "requests", "bytes", "slowest part")
	m.row("---", "---:", "---:", "---:", "---")
	for _, u := range all[:min(len(all), mostMarkdownRows)] {
		m.row(cell(moduleText(u)), Duration(u.Own.Duration()), fmt.Sprint(u.Requests), Bytes(u.Bytes), escape(u.Cause))
	}
	m.say("\n")
	m.more(len(all))
}

func (m *markdown) foot() {
	for _, trouble := range m.troubles() {
		m.say("> ⚠️ %s\n\n", escape(trouble))
	}
	var parts []string
	if m.session().Capture == recorder.CaptureReverse {
		parts = append(parts, "mode "+reverseMode)
	}
	if blind := m.notSeen(); len(blind) > 0 {
		parts = append(parts, "not seen: "+strings.Join(blind, ", "))
	}
	parts = append(parts, m.Report.Notes...)
	for _, p := range parts {
		m.say("<sub>%s</sub>\n\n", escape(p))
	}
}

// escape makes text plain for Markdown and HTML, in one line: a recorded name must not
// become a link, a picture, a mention or a table.
func escape(s string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(Printable(s)), " ") {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '@':
			b.WriteString("&#64;") // no mention, and no mail address
		case strings.ContainsRune("\\`*_{}[]#|~!", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	// No link to what a stranger named, by its scheme or by www.
	return www.ReplaceAllString(strings.ReplaceAll(b.String(), "://", ":&#47;&#47;"), "$1&#46;")
}

var www = regexp.MustCompile(`(?i)(www)\.`)

// code is a code span: names are safe there, and are not taken for addresses.
func code(s string) string {
	s = strings.TrimSpace(strings.ReplaceAll(Printable(s), "`", "'"))
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

// cell is a code span in a table.
func cell(s string) string { return strings.ReplaceAll(code(s), "|", `\|`) }

// fenceFor is a fence that does not occur in text.
func fenceFor(text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence
}
