package report

import (
	"fmt"
	"io"
	"strings"

	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/recorder/query"
)

// A Document is a diagnosis, and what is to be said of the recording that it was made of.
// The Write methods do not change it.
type Document struct {
	Report *diagnose.Report // never nil

	// Recording is where the HAR is, for the last line; "" when nothing was kept.
	Recording string
	// File is what `modtap report` must be given to read it again, quoted for the user's
	// shell; "" when it is the newest one of the recordings folder.
	File string
	// Missing is how many requests could not be recorded there, and Failure why, in a few
	// words. Failure without Recording is why there is none.
	Missing uint64
	Failure string

	// Filter has the requests that match it listed; nil: none are. All else is of the whole run.
	Filter *query.Query

	explain func(id string) (text string, ok bool) // nil: diagnose.Explain
}

// A Format is one that Write knows.
type Format string

const (
	Text     Format = "text"
	JSON     Format = "json"
	Markdown Format = "markdown"
	HTML     Format = "html"
)

// Formats has every Format.
func Formats() []string { return []string{string(Text), string(JSON), string(Markdown), string(HTML)} }

// FormatOf returns the format that a file's name asks for; ok is false when its extension
// is none of .txt, .json, .md, .markdown, .html and .htm.
func FormatOf(name string) (f Format, ok bool) {
	ext := ""
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		ext = strings.ToLower(name[dot+1:])
	}
	switch ext {
	case "txt", "text":
		return Text, true
	case "json":
		return JSON, true
	case "md", "markdown":
		return Markdown, true
	case "html", "htm":
		return HTML, true
	}
	return "", false
}

// Write writes d in that format. how matters to text only.
func (d *Document) Write(w io.Writer, f Format, how Layout) error {
	switch f {
	case Text:
		return d.WriteText(w, how)
	case JSON:
		return d.WriteJSON(w)
	case Markdown:
		return d.WriteMarkdown(w)
	case HTML:
		return d.WriteHTML(w)
	}
	return fmt.Errorf("format %q is not one of %s", f, strings.Join(Formats(), ", "))
}

// Worst is the worst severity among the findings, "" when there is none.
func (d *Document) Worst() string {
	worst := ""
	for _, f := range d.Report.Findings {
		if worst == "" || Reaches(f.Severity, worst) {
			worst = f.Severity
		}
	}
	return worst
}

// Reaches reports whether severity is at least as bad as limit; "" reaches nothing.
func Reaches(severity, limit string) bool { return rank(severity) >= rank(limit) && rank(severity) > 0 }

func rank(severity string) int {
	switch severity {
	case recorder.Bad:
		return 3
	case recorder.Warn:
		return 2
	case recorder.Info:
		return 1
	}
	return 0
}

// input is what the report was made of; never nil.
func (d *Document) input() *diagnose.Input {
	if a := d.Report.Analysis; a != nil && a.In != nil {
		return a.In
	}
	return &diagnose.Input{}
}

// session is never nil.
func (d *Document) session() *recorder.Session {
	if s := d.input().Session; s != nil {
		return s
	}
	return &recorder.Session{}
}
