package diagnose

import (
	"modtap/recorder"
)

// Schema names the layout of a Report in JSON.
const Schema = "modtap.report/1"

// A Report is the diagnosis of one recording. In JSON, times are milliseconds; the offsets
// count from the start of the session.
type Report struct {
	Schema   string        `json:"schema"`
	Command  []string      `json:"command"`
	Mode     string        `json:"mode"` // run, serve, har
	Tool     string        `json:"tool"` // what recorded it
	ExitCode int           `json:"exit_code"`
	Signal   string        `json:"signal,omitempty"`
	Wall     recorder.Span `json:"wall_ms"`

	Accounting   Accounting         `json:"accounting"`
	Requests     Requests           `json:"requests"`
	Connections  Connections        `json:"connections"`
	Entries      []EntryUse         `json:"goproxy"` // the GOPROXY list, and what each entry did
	Hosts        []Group            `json:"hosts"`   // the most time first
	Steps        []Group            `json:"steps"`   // by kind of request
	Modules      []ModuleUse        `json:"modules"` // the most time first
	Concurrency  []Level            `json:"concurrency"`
	CriticalPath []Link             `json:"critical_path"`
	Findings     []recorder.Finding `json:"findings"`
	WhatIf       []Prediction       `json:"what_if"`
	Overhead     Bucket             `json:"overhead"` // modtap's own time, on the critical path or not
	BlindSpots   []string           `json:"blind_spots"`
	Unseen       []recorder.Unseen  `json:"unseen,omitempty"`
	Notes        []string           `json:"notes,omitempty"` // what the reader must know about the numbers

	// Told are the exchanges that a finding of more weight than info is about.
	Told     map[uint64]bool `json:"-"`
	Analysis *Analysis       `json:"-"` // for the waterfall
}

// Accounting is the wall time in buckets that add up to it.
type Accounting struct {
	Buckets []Bucket `json:"buckets"` // in the order of Buckets; those that are 0 are left out
}

// A Bucket is a part of the wall time.
type Bucket struct {
	Name  string        `json:"name"`
	Time  recorder.Span `json:"ms"`
	Share float64       `json:"share"`          // of the wall time, 0 to 1
	What  string        `json:"what,omitempty"` // what is known of it, where that is more than the name says
}

// Requests counts what was asked.
type Requests struct {
	Count       int           `json:"count"`           // exchanges
	Logical     int           `json:"logical"`         // a doubled 4xx or a redirect counts once
	Doubled     int           `json:"doubled"`         // 4xx that go sent twice
	DoubledCost recorder.Span `json:"doubled_cost_ms"` // of the wall time
	Failed      int           `json:"failed"`          // without an answer, or cut short
	NotFound    int           `json:"not_found"`       // logical, 404 and 410
	Bytes       int64         `json:"bytes"`           // bodies, as on the wire
	MaxInFlight int           `json:"max_in_flight"`
	AnyInFlight recorder.Span `json:"any_in_flight_ms"` // time with at least one request in flight
}

// Connections counts connections to servers.
type Connections struct {
	Count      int     `json:"count"`      // that were opened
	Unused     int     `json:"unused"`     // of them, those that were given up without a request
	Failed     int     `json:"failed"`     // that could not be opened: not in Count
	Handshakes int     `json:"handshakes"` // TLS, to its end
	PerRequest float64 `json:"handshakes_per_request"`
}

// A Group is the requests that have a host, or a step, in common.
type Group struct {
	Name       string        `json:"name"`
	Requests   int           `json:"requests"`
	Bytes      int64         `json:"bytes"`
	Time       recorder.Span `json:"ms"`      // sum over its requests
	OnPath     recorder.Span `json:"path_ms"` // of the wall time
	WaitP50    recorder.Span `json:"wait_p50_ms"`
	WaitP95    recorder.Span `json:"wait_p95_ms"`
	TookP50    recorder.Span `json:"took_p50_ms"`
	TookP95    recorder.Span `json:"took_p95_ms"`
	Handshakes int           `json:"handshakes,omitempty"` // hosts only
	Unused     int           `json:"unused,omitempty"`     // hosts only
	Failed     int           `json:"failed,omitempty"`
	MinRTT     recorder.Span `json:"min_rtt_ms,omitempty"` // hosts only; 0: not known
}

// A ModuleUse is the requests about one module.
type ModuleUse struct {
	Module   string        `json:"module"`
	Versions []string      `json:"versions,omitempty"`
	Requests int           `json:"requests"`
	Bytes    int64         `json:"bytes"`
	First    recorder.Span `json:"first_ms"` // first byte asked
	Last     recorder.Span `json:"last_ms"`  // last byte received
	Own      recorder.Span `json:"own_ms"`   // time with a request of its in flight
	OnPath   recorder.Span `json:"path_ms"`
	Slowest  uint64        `json:"slowest"` // exchange
	Cause    string        `json:"cause"`   // of its slowest part, as in "zip: receive 1.2 s of 1.3 s"
}

// An EntryUse is what one entry of GOPROXY did.
type EntryUse struct {
	Name     string        `json:"name"`
	Sep      string        `json:"separator,omitempty"`
	Requests int           `json:"requests"`
	Answered int           `json:"answered"`         // logical requests with 2xx
	NotFound int           `json:"not_found"`        // 404 and 410
	Failed   int           `json:"failed"`           // any other
	Cost     recorder.Span `json:"fallback_cost_ms"` // wall time for requests that it did not answer
}

// A Level is how many requests were in flight from an instant on.
type Level struct {
	At recorder.Span `json:"at_ms"`
	N  int           `json:"n"`
}

// A Link is one step of the critical path: time between requests, or a request.
type Link struct {
	From     recorder.Span `json:"from_ms"`
	To       recorder.Span `json:"to_ms"`
	Exchange uint64        `json:"exchange,omitempty"` // 0: time between requests
	What     string        `json:"what"`               // "zip golang.org/x/text@v0.43.0", "unzip golang.org/x/text@v0.43.0"
	Bucket   string        `json:"bucket"`             // the largest of it
	Why      string        `json:"why,omitempty"`      // why it waited for the link before
}

// A Prediction is what a remedy would make of the run.
type Prediction struct {
	ID       string        `json:"id"`   // parallelism, go-sum, no-fallback, half-latency, rate
	What     string        `json:"what"` // as in "GOMAXPROCS=16 instead of 2"
	Wall     recorder.Span `json:"wall_ms"`
	Saves    recorder.Span `json:"saves_ms"`
	Sure     string        `json:"sure"` // high, medium, low
	Why      string        `json:"why"`  // what the sureness rests on
	Commands []string      `json:"commands,omitempty"`
}

// Run diagnoses in.
func Run(in Input) *Report {
	a := analyse(&in)
	r := &Report{Schema: Schema, Wall: a.Wall, Analysis: a}
	a.Predicted = a.saves
	a.account(r)
	both(func() { a.tables(r) }, func() { r.Findings, r.Told = a.ask(Rules()) })
	r.WhatIf = agreeing(a.whatIf(), r.Findings)
	return r
}

// both does two things at a time.
func both(f, g func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	g()
	<-done
}
