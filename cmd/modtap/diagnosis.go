package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"modtap/recorder/diagnose"
	"modtap/recorder/har"
	"modtap/viewer/report"
)

// maxDiagnosed is how many requests a run may have made to be diagnosed at its end: of more,
// a summary is printed, which takes no time and no memory.
const maxDiagnosed = 100_000

var errTooMany = errors.New("there were too many requests")

// readInput reads a recording for a diagnosis.
func (a *app) readInput(path string) (diagnose.Input, error) {
	defer a.readThriftily(path)()
	r, err := har.OpenFacts(path)
	if err != nil {
		return diagnose.Input{}, err
	}
	return inputOf(r), nil
}

// inputOf is a recording as a diagnosis takes it.
func inputOf(r *har.Recording) diagnose.Input {
	return diagnose.Input{
		Session: r.Session, Process: r.Process, End: r.End, Exchanges: r.Exchanges, Conns: r.Conns, Tunnels: r.Tunnels,
		Foreign: r.Foreign, Lost: r.Lost, Missing: r.Missing, ConnsLeftOut: r.LeftOut, Skipped: r.Skipped, Torn: r.Repaired, Part: r.Part,
	}
}

// How little memory the diagnosis of a long recording is held to. Most of what it has holds
// the recording, which stays: the usual GOGC of 100 would take the same again.
const (
	thriftyFrom = 20_000 // exchanges; a shorter one takes little either way. chosen
	thriftyGC   = 20     // GOGC
	thriftyEach = 600    // bytes that the diagnosis itself keeps of each exchange. measured
	thriftyRest = 20 << 20

	thriftySize    = 50 << 20 // bytes of a file that is read so; 20,000 exchanges. measured
	thriftyReading = 50       // GOGC meanwhile
)

// A thrift holds the heap smaller while somebody reads a long recording. Several may at once:
// viewers drop them on the page.
type thrift struct {
	mu      sync.Mutex
	readers int
	before  int // GOGC
}

var gcPercent thrift // the process's own: the setting is one of the process

// readThriftily is to be called before the recording at path is read, and what it returns
// afterwards.
func (a *app) readThriftily(path string) (done func()) {
	if fi, err := os.Stat(path); err != nil || fi.Size() <= thriftySize || a.getenv("GOGC") != "" {
		return func() {}
	}
	t := &gcPercent
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.readers++; t.readers == 1 {
		t.before = debug.SetGCPercent(thriftyReading)
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.readers--; t.readers == 0 {
			debug.SetGCPercent(t.before)
		}
	}
}

// diagnosed diagnoses in: with a smaller heap, at some cost of processor time, where the
// recording is long and the user has not chosen.
func (a *app) diagnosed(in diagnose.Input) *diagnose.Report {
	if len(in.Exchanges) >= thriftyFrom && a.getenv("GOGC") == "" && a.getenv("GOMEMLIMIT") == "" {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		kept := int64(m.HeapAlloc) + int64(len(in.Exchanges))*thriftyEach
		defer debug.SetGCPercent(debug.SetGCPercent(thriftyGC))
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(kept*(100+thriftyGC)/100 + thriftyRest)) // soft
	}
	return diagnose.Run(in)
}

// conclude tells what the run was like: the diagnosis, or a summary where there can be none.
func (s *session) conclude() {
	text := s.printsText()
	if s.mode == "run" && (text || s.o.reportFile != "" || s.o.failOn.value != "") {
		if d := s.verdict.Load(); d != nil {
			whole := *d // viewers may be reading it
			whole.Missing, whole.Failure = s.summary.Missing, s.summary.Failure
			s.document = &whole
			s.verdict.Store(&whole)
			if text {
				s.printDiagnosis()
			}
			s.writeReportFile()
			return
		}
		if err := s.unjudged; s.o.reportFile != "" || s.o.failOn.value != "" || s.o.report.value == "json" || !errors.Is(err, errTooMany) {
			s.warn("no report is made: %v", err)
		}
	}
	if text && s.o.report.value != "json" {
		s.summary.More = s.again()
		_ = s.summary.WriteText(s.stderr, s.term.width(), s.term.color) // stderr: there is nowhere to tell
	}
}

func (s *session) printDiagnosis() {
	format := report.Text
	if s.o.report.value == "json" {
		format = report.JSON
	}
	_ = s.document.Write(s.stderr, format, s.layout(s.stderr, s.term)) // stderr: there is nowhere to tell
}

// writeReportFile writes what --report-file asked for. That it cannot be is told, and does
// not fail the user's build.
func (s *session) writeReportFile() {
	if s.o.reportFile == "" {
		return
	}
	format, _ := report.FormatOf(s.o.reportFile) // check has looked
	if err := writeDocument(s.document, format, s.o.reportFile); err != nil {
		s.warn("%v", err)
	}
}

// writeDocument writes d to a file, which is the user's alone, as the recording is: with
// --no-redact it may have secrets.
func writeDocument(d *report.Document, format report.Format, path string) error {
	var b bytes.Buffer
	if err := d.Write(&b, format, report.Layout{All: true}); err != nil {
		return fmt.Errorf("write the report to %s: %w", path, err)
	}
	if fi, err := os.Stat(path); err == nil && fi.Mode().IsRegular() {
		_ = os.Chmod(path, 0o600) // it may have been there, readable by others
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write the report to %s: %w", path, cause(err))
	}
	return nil
}

// checkReportFile finds what is wrong with --report-file before the command runs.
func checkReportFile(path string) error {
	if path == "" {
		return nil
	}
	if _, ok := report.FormatOf(path); !ok {
		return withHint(fmt.Errorf("--report-file %s: its name does not say which format", path), "end it in .txt, .json, .md or .html")
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err == nil && !dir.IsDir() {
		err = errors.New("its folder is a file")
	}
	if err == nil {
		if file, statErr := os.Stat(path); statErr == nil && file.IsDir() {
			err = errors.New("it is a directory")
		}
	}
	if err != nil {
		return fmt.Errorf("--report-file %s: %w", path, cause(err))
	}
	return nil
}

// again is the command that diagnoses the recording of the session, "" without one.
func (s *session) again() string {
	if s.har == nil {
		return ""
	}
	return strings.TrimRight("modtap report "+s.recordingArg(), " ")
}

// recordingArg is what `modtap report` needs to find the recording again: nothing when it
// is the newest in the recordings folder.
func (s *session) recordingArg() string {
	if s.har == nil || s.har.folder != "" {
		return ""
	}
	return s.userShell().Quote(s.har.path())
}

// failsOn reports whether the diagnosis reached --fail-on.
func failsOn(d *report.Document, limit string) bool {
	return d != nil && limit != "" && report.Reaches(d.Worst(), limit)
}

// printTo writes d to w, which is a pipe or a terminal.
func (a *app) printTo(w io.Writer, d *report.Document, format report.Format, all bool) error {
	how := a.layout(w, a.terminalOf(w))
	how.All = all
	if err := d.Write(w, format, how); err != nil {
		return fmt.Errorf("write the report: %w", cause(err))
	}
	return nil
}
