package report

import (
	"encoding/json"
	"io"

	"modtap/recorder"
	"modtap/recorder/diagnose"
)

// A JSONReport is what WriteJSON writes: the fields of [diagnose.Report], with findings
// that have their remedy apart, and what is known of the recording. Fields may be added to
// the schema modtap.report/1; none is renamed, removed or given another meaning. Times are
// milliseconds; a list is never null. A field that is left out was not measured.
type JSONReport struct {
	*diagnose.Report
	Findings  []JSONFinding  `json:"findings"`
	Matching  *JSONMatching  `json:"matching,omitempty"` // with a filter only
	Recording *JSONRecording `json:"recording,omitempty"`
}

// A JSONFinding is one thing that is wrong.
type JSONFinding struct {
	ID       string            `json:"id"`                    // for `modtap explain ID`
	Severity string            `json:"severity"`              // bad, warn, info
	Title    string            `json:"title"`                 // one sentence
	Cost     recorder.Span     `json:"cost_ms"`               // of the wall time; 0 when it was off the critical path
	Evidence []uint64          `json:"evidence"`              // _modtap.id of entries of the recording, the most telling first
	Of       int               `json:"evidence_of,omitempty"` // how many there were, when Evidence names only some
	Conns    []uint64          `json:"conns,omitempty"`
	ConnsOf  int               `json:"conns_of,omitempty"` // how many there were, when Conns names only some
	Numbers  []recorder.Number `json:"numbers,omitempty"`
	Caveat   string            `json:"caveat,omitempty"`
	Remedy   JSONRemedy        `json:"remedy"`
}

// A JSONRemedy is what to do about it.
type JSONRemedy struct {
	Text     string   `json:"text"`
	Commands []string `json:"commands"` // for the user's shell, to be pasted
}

// A JSONRecording says where the recording is, and what it does not have.
type JSONRecording struct {
	File    string `json:"file,omitempty"`
	Foreign bool   `json:"foreign,omitempty"` // another program wrote it
	Lost    uint64 `json:"lost,omitempty"`    // events that the recorder dropped
	Missing uint64 `json:"missing,omitempty"` // requests that could not be written
	Failure string `json:"failure,omitempty"` // why
}

// WriteJSON writes d as a [JSONReport].
func (d *Document) WriteJSON(w io.Writer) error {
	r := *d.Report
	r.Command, r.Accounting.Buckets = some(r.Command), some(r.Accounting.Buckets)
	r.Entries, r.Hosts, r.Steps, r.Modules = some(r.Entries), some(r.Hosts), some(r.Steps), some(r.Modules)
	r.Concurrency, r.CriticalPath, r.WhatIf, r.BlindSpots = some(r.Concurrency), some(r.CriticalPath), some(r.WhatIf), some(r.BlindSpots)
	out := JSONReport{Report: &r, Findings: []JSONFinding{}, Matching: d.matchingJSON(), Recording: d.recordingJSON()}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, JSONFinding{
			ID: f.ID, Severity: f.Severity, Title: f.Title, Cost: f.Cost, Evidence: some(f.Evidence), Of: f.Of, Conns: f.Conns, ConnsOf: f.ConnsOf,
			Numbers: f.Numbers, Caveat: f.Caveat, Remedy: JSONRemedy{Text: f.Remedy, Commands: some(f.Commands)},
		})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

func (d *Document) recordingJSON() *JSONRecording {
	in := d.input()
	r := JSONRecording{File: d.Recording, Foreign: in.Foreign, Lost: in.Lost, Missing: max(d.Missing, in.Missing), Failure: d.Failure}
	if r == (JSONRecording{}) {
		return nil
	}
	return &r
}

// some is list, and an empty one instead of nil.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
