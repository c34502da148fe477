package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// What the entries $A and $B of a list answer when they are asked whether they have the
// checksum database (0: nothing, the stream is reset), and what the go command makes of it
// (modfetch/sumdb.go, initBase): whether it goes on, and to the database's own host.
var sumdbFallbackTests = []struct {
	list string
	a, b int
	ok   bool
	own  bool
}{
	{"$A", 200, 0, true, false},
	{"$A", 404, 0, true, true},
	{"$A", 410, 0, true, true},
	{"$A", 403, 0, false, false},
	{"$A", 500, 0, false, false},
	{"$A,direct", 404, 0, true, true},
	{"$A,direct", 500, 0, false, false},
	{"$A,direct", 0, 0, false, false},
	{"$A|direct", 404, 0, true, true},
	{"$A|direct", 403, 0, true, true},
	{"$A|direct", 500, 0, true, true},
	{"$A|direct", 0, 0, true, true},
	{"$A|off", 404, 0, true, true},
	{"$A|off", 500, 0, false, false},
	{"$A,$B", 404, 200, true, false},
	{"$A,$B", 404, 404, true, true},
	{"$A,$B", 404, 500, false, false},
	{"$A|$B", 500, 200, true, false},
	{"$A|$B", 500, 404, false, false},
	{"$A|$B,direct", 500, 404, true, true},
	{"$A|$B,direct", 500, 500, false, false},
	{"$A|$B|direct", 0, 403, true, true},
}

// TestSumdbFallback runs go mod download without modtap and in both modes: the outcome must
// be the same, and so must the host that is asked for the checksums.
func TestSumdbFallback(t *testing.T) {
	origintest.NeedGo(t)
	if testing.Short() {
		t.Skip("runs the go command many times")
	}
	o := origintest.Start(t, origintest.Config{})
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "list\t$A\t$B\tdirect\tforward\treverse")
	for _, tt := range sumdbFallbackTests {
		want := "fails"
		if tt.ok {
			want = "asks the list"
		}
		if tt.own {
			want = "asks " + origintest.SumHost
		}
		fmt.Fprintf(tw, "%s\t%d\t%d", tt.list, tt.a, tt.b)
		for _, mode := range []string{"direct", "forward", "reverse"} {
			o.SetKnobs(supports("first.golang.test", tt.a), supports("second.golang.test", tt.b))
			got, out := sumdbOutcome(t, o, tt.list, mode)
			if got != want {
				t.Errorf("%s with %d, %d, %s: %s, want %s\n%s", tt.list, tt.a, tt.b, mode, got, want, out)
			}
			fmt.Fprintf(tw, "\t%s", got)
		}
		fmt.Fprintln(tw)
	}
	tw.Flush()
	t.Logf("what go mod download does:\n%s", table.String())
}

// supports makes host answer status to the question.
func supports(host string, status int) origintest.Knob {
	k := origintest.Knob{Match: origintest.Match{Host: host, Kind: "supported"}}
	switch status {
	case 200:
	case 0:
		k.Fail = origintest.Abort
	default:
		k.Status = status
	}
	return k
}

func sumdbOutcome(t *testing.T, o *origintest.Origin, list, mode string) (outcome, out string) {
	t.Helper()
	o.Forget()
	// The database's own host is sum.golang.test:443, which only a proxy leads to.
	env := origintest.StartConnectProxy(t, o).Env()
	list = strings.NewReplacer("$A", o.HostURL("first.golang.test"), "$B", o.HostURL("second.golang.test")).Replace(list)
	env = append(env, "GOPROXY="+list, "MODTAP_HOME="+t.TempDir())
	args := []string{"go", "mod", "download", "example.golang.test/m1@v1.0.0"}
	file := filepath.Join(t.TempDir(), "x.har")
	if mode != "direct" {
		args = append([]string{"modtap", "run", "-q", "-o", file, "--mode", mode, "--"}, args...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env = origintest.Project(t, ""), origintest.GoEnv(t, o, env...)
	b, err := c.CombinedOutput()
	outcome = "asks the list"
	if err != nil {
		outcome = "fails"
	}
	run := goRun{output: string(b)}
	for _, q := range o.Requests() {
		if err == nil && q.Kind == "lookup" && strings.HasPrefix(q.URL, "https://"+origintest.SumHost+"/") {
			outcome = "asks " + origintest.SumHost
		}
		run.requests = append(run.requests, q.URL)
	}
	if mode != "direct" {
		checkURLs(t, file, run)
	}
	return outcome, string(b)
}

// checkURLs compares the URLs of a recording with those that the origin was asked for.
func checkURLs(t *testing.T, file string, run goRun) {
	t.Helper()
	rec, err := har.Open(file)
	if err != nil {
		t.Fatalf("%v\n%s", err, run.output)
	}
	var got []string
	for _, x := range rec.Exchanges {
		got = append(got, x.URL)
	}
	slices.Sort(got)
	slices.Sort(run.requests)
	if diff := cmp.Diff(run.requests, got); diff != "" {
		t.Errorf("the origin's count (-) and the recording (+):\n%s", diff)
	}
}
