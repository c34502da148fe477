package main

import (
	"os"
	"path/filepath"
	"time"

	"modtap/cmd/internal/gotrace"
	"modtap/recorder"
)

// maxClockStep is how far the wall clock may have been set while the command ran: by it
// the go command's steps are placed among the requests.
const maxClockStep = 50 * time.Millisecond

// goTraceFlags is the child's GOFLAGS when --go-trace is given; "" when it stays as it is.
func (s *session) goTraceFlags() string {
	if !s.o.goTrace {
		return ""
	}
	dir := filepath.Join(s.trust.CertDir, "go") // not among the certificates
	file := filepath.Join(dir, "trace.json")
	flags, err := gotrace.Flags(s.goEnv.GOFLAGS, file)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil {
		s.alarm(troubleGoTrace, "--go-trace: no steps are recorded: %v", err)
		return ""
	}
	s.goTrace = file
	return flags
}

// goSpans is the go command's own account of its work, of a command that ended then.
func (s *session) goSpans(end time.Time) []recorder.GoSpan {
	if s.goTrace == "" {
		return nil
	}
	if step := clockStep(s.info.Start, time.Now()); step.Abs() > maxClockStep {
		s.alarm(troubleGoTrace, "--go-trace: the clock was set by %v while the command ran: its steps cannot be placed, and are left out", step.Round(time.Millisecond))
		return nil
	}
	f, err := os.Open(s.goTrace)
	if err != nil {
		s.alarm(troubleGoTrace, "--go-trace: the command wrote no trace; get, build, list, install, test, vet and run of go do")
		return nil
	}
	defer f.Close()
	spans, err := gotrace.Read(f, end)
	if err != nil {
		s.alarm(troubleGoTrace, "--go-trace: %v; some steps are missing", cause(err))
	}
	var out []recorder.GoSpan
	for _, g := range spans {
		out = append(out, recorder.GoSpan{Name: s.redactor.Text(g.Name), Start: s.since(g.Start), Took: recorder.Span(g.Took)})
	}
	return out
}

// clockStep is how far the wall clock ran ahead of the time that passed between two
// instants, which both have the reading of the clock that is never set.
func clockStep(start, now time.Time) time.Duration {
	return now.Round(0).Sub(start.Round(0)) - now.Sub(start)
}
