package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/recorder/har"
	"modtap/recorder/har/hartest"
	"modtap/viewer/report"
)

var nearestTests = []struct {
	word string
	want []string
}{
	{"slow-404", []string{"slow-404"}},
	{"slow404", []string{"slow-404"}},
	{"404", []string{"slow-404"}},
	{"SLOW", []string{"slow-404", "slow-disk", "dns-slow"}},
	{"dns", []string{"dns-slow", "dns-failure"}},
	{"proxyauth", []string{"proxy-auth"}},
	{"nonsense", nil},
	{"", nil},
}

func TestNearest(t *testing.T) {
	names := []string{"dns-slow", "dns-failure", "doubled-4xx", "proxy-auth", "slow-404", "slow-disk"}
	for _, tt := range nearestTests {
		if diff := cmp.Diff(tt.want, nearest(tt.word, names)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.word, diff)
		}
	}
}

var failsOnTests = []struct {
	found []string
	limit string
	want  bool
}{
	{nil, "info", false},
	{[]string{"info"}, "", false},
	{[]string{"info"}, "info", true},
	{[]string{"info"}, "warn", false},
	{[]string{"info", "warn"}, "warn", true},
	{[]string{"bad", "info"}, "warn", true},
	{[]string{"warn"}, "bad", false},
}

func TestFailsOn(t *testing.T) {
	for _, tt := range failsOnTests {
		d := &report.Document{Report: &diagnose.Report{}}
		for _, s := range tt.found {
			d.Report.Findings = append(d.Report.Findings, recorder.Finding{Severity: s})
		}
		if got := failsOn(d, tt.limit); got != tt.want {
			t.Errorf("findings %v, --fail-on %q: %v, want %v", tt.found, tt.limit, got, tt.want)
		}
	}
	if failsOn(nil, "info") {
		t.Error("no diagnosis reaches --fail-on")
	}
}

var onlyASCIITests = []struct {
	environ []string
	want    bool
}{
	{nil, false},
	{[]string{"LANG=en_US.UTF-8"}, false},
	{[]string{"LANG=C.utf8"}, false},
	{[]string{"LANG=C"}, true},
	{[]string{"LANG=de_DE.ISO-8859-1"}, true},
	{[]string{"LANG=en_US.UTF-8", "LC_ALL=POSIX"}, true},
	{[]string{"LANG=C", "LC_CTYPE=C.UTF-8"}, false},
	{[]string{"LANG=en_US.UTF-8", "LC_ALL="}, false},
}

func TestOnlyASCII(t *testing.T) {
	for _, tt := range onlyASCIITests {
		a := &app{environ: tt.environ}
		if got := a.onlyASCII(os.Stdout, true); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.environ, got, tt.want)
		}
	}
}

// TestInputWithoutRecording: of a session without a recording there is a diagnosis only when
// all of its requests were kept.
func TestInputWithoutRecording(t *testing.T) {
	const kept = 20_000
	for _, n := range []int{0, 1, kept, kept + 1} {
		s := &session{summary: report.NewSummary(), collector: &diagnose.Collector{}}
		s.kept = newKeeper(s.collector)
		for i := range n {
			e := recorder.Event{Exchange: &recorder.Exchange{ID: uint64(i + 1), Done: true}}
			if err := errors.Join(s.summary.Write(e), s.kept.Write(e)); err != nil {
				t.Fatal(err)
			}
		}
		in, err := s.input()
		if n > kept {
			if !errors.Is(err, errTooMany) {
				t.Errorf("%d requests: %v", n, err)
			}
			continue
		}
		if err != nil || len(in.Exchanges) != n {
			t.Errorf("%d requests: %d of them, %v", n, len(in.Exchanges), err)
		}
	}
}

// BenchmarkDiagnoseAtEnd is what the end of a usual run waits for: its recording is read and
// diagnosed.
func BenchmarkDiagnoseAtEnd(b *testing.B) {
	file := filepath.Join(b.TempDir(), "usual.har")
	w, err := har.Create(file, har.Options{Redacted: true})
	if err != nil {
		b.Fatal(err)
	}
	for e := range hartest.GoCommand(332) { // of a go mod download of some 60 modules
		if err := w.Write(e); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		in, err := (&app{}).readInput(file)
		if err != nil {
			b.Fatal(err)
		}
		d := &report.Document{Report: new(app).diagnosed(in), Recording: file}
		if err := d.Write(io.Discard, report.Text, report.Layout{Width: 80}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestReportFileIsTheUsersAlone: a report may have what the recording has.
func TestReportFileIsTheUsersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no mode there")
	}
	file := filepath.Join(t.TempDir(), "x.html")
	if err := os.WriteFile(file, nil, 0o644); err != nil { // of the run before
		t.Fatal(err)
	}
	d := &report.Document{Report: diagnose.Run(diagnose.Input{})}
	if err := writeDocument(d, report.HTML, file); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi.Mode(), err)
	}
}

// TestDamageIsTold: a report of what could be read says that it is not all there was.
func TestDamageIsTold(t *testing.T) {
	const entry = `{"startedDateTime":"2026-01-02T03:04:05Z","time":5,"request":{"method":"GET","url":"https://a.test/"},"response":{"status":200},"timings":{"send":1,"wait":2,"receive":2}}`
	file := filepath.Join(t.TempDir(), "x.har")
	torn := `{"log":{"version":"1.2","creator":{"name":"other","version":"1"},"entries":[` + entry + `,5,{"request":7},` + entry + `,{"startedDate`
	if err := os.WriteFile(file, []byte(torn), 0o600); err != nil {
		t.Fatal(err)
	}
	a := &app{}
	in, err := a.readInput(file)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	d := &report.Document{Report: a.diagnosed(in)}
	if err := d.Write(&b, report.Text, report.Layout{All: true, Width: 300}); err != nil {
		t.Fatal(err)
	}
	for _, told := range []string{"2 entries of the file make no sense", "ends in the middle"} {
		if !strings.Contains(b.String(), told) {
			t.Errorf("%q is not in\n%s", told, b.String())
		}
	}
}

// TestThrift: however many recordings are read at once, GOGC is afterwards what it was before.
func TestThrift(t *testing.T) {
	path := filepath.Join(t.TempDir(), "long.har")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, thriftySize+1)); err != nil {
		t.Fatal(err)
	}
	percent := func() int {
		now := debug.SetGCPercent(-1)
		debug.SetGCPercent(now)
		return now
	}
	defer debug.SetGCPercent(debug.SetGCPercent(123))
	a := &app{}
	first, second := a.readThriftily(path), a.readThriftily(path)
	if got := percent(); got != thriftyReading {
		t.Errorf("GOGC is %d while two are read, want %d", got, thriftyReading)
	}
	first()
	if got := percent(); got != thriftyReading {
		t.Errorf("GOGC is %d while one is read, want %d", got, thriftyReading)
	}
	second()
	if got := percent(); got != 123 {
		t.Errorf("GOGC is %d afterwards, want 123", got)
	}
}
