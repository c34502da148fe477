package main

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder/diagnose"
	"modtap/viewer/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestRealReports: what is said of real commands, of three module sets (gin, cobra with
// viper, gRPC with Prometheus) through the real module proxy, on two processors. Each
// testdata/real/NAME.har.gz has its report beside it, to be read.
func TestRealReports(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "real", "*.har.gz"))
	if err != nil || len(files) < 12 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".har.gz")
		t.Run(name, func(t *testing.T) {
			in, err := (&app{}).readInput(unpacked(t, file))
			if err != nil {
				t.Fatal(err)
			}
			r := diagnose.Run(in)
			checkReal(t, r)
			var got bytes.Buffer
			d := &report.Document{Report: r, Recording: name + ".har", File: name + ".har"}
			if err := d.Write(&got, report.Text, report.Layout{Width: 80}); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".har.gz") + ".txt"
			if *update {
				writeFile(t, golden, got.String())
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got; -update rewrites):\n%s", diff)
			}
		})
	}
}

// checkReal holds for every report: the buckets are the wall time, and on this network,
// which is healthy, nothing is worse than information.
func checkReal(t *testing.T, r *diagnose.Report) {
	t.Helper()
	sum := r.Wall
	for _, b := range r.Accounting.Buckets {
		sum -= b.Time
	}
	if sum != 0 {
		t.Errorf("the buckets miss %v of %v", sum, r.Wall)
	}
	for _, f := range r.Findings {
		if f.Severity != "info" {
			t.Errorf("%s: %s (%s)", f.Severity, f.Title, f.ID)
		}
	}
}

// unpacked unpacks a recording.
func unpacked(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(file), ".gz"))
	writeFile(t, name, string(b))
	return name
}
