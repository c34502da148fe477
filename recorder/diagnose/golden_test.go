package diagnose

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder/har"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGoldenPaths: the critical paths of real runs, through the real proxy, with an empty
// module cache. mod-download is of a module that requires cobra and has no go.sum; go-get
// is of a package, so that its prefixes are asked for.
func TestGoldenPaths(t *testing.T) {
	files, err := filepath.Glob("testdata/*.har")
	if err != nil || len(files) == 0 {
		t.Fatal("no recordings", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			rec, err := har.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			in := Input{Session: rec.Session, Process: rec.Process, End: rec.End, Exchanges: rec.Exchanges, Conns: rec.Conns, Tunnels: rec.Tunnels}
			a := analyse(&in)
			checkAnalysis(t, a)
			r := &Report{}
			a.account(r)
			got := goldenOf(r)
			golden := strings.TrimSuffix(file, ".har") + ".path"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func goldenOf(r *Report) string {
	var b strings.Builder
	for _, k := range r.Accounting.Buckets {
		fmt.Fprintf(&b, "%-8s %8.1f ms %5.1f %%\n", k.Name, k.Time.Milliseconds(), 100*k.Share)
	}
	b.WriteString("\n")
	for _, l := range r.CriticalPath {
		fmt.Fprintf(&b, "%8.1f %8.1f %-8s %s", l.From.Milliseconds(), (l.To - l.From).Milliseconds(), l.Bucket, l.What)
		if l.Why != "" {
			fmt.Fprintf(&b, " [%s]", l.Why)
		}
		b.WriteString("\n")
	}
	for _, n := range r.Notes {
		b.WriteString("note: " + n + "\n")
	}
	return b.String()
}
