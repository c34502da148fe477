package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// A fallback is what the first entry of a GOPROXY list does wrong, and whether the go
// command then asks the second (go-command.md §1.4).
type fallback struct {
	name  string
	knob  origintest.Knob
	entry string // URL of the first entry; "": the origin under another name
	comma bool   // it goes on after ","
	pipe  bool   // it goes on after "|"
	text  string // in the go command's error, in every mode; "": not comparable
}

func fallbackTests(dead, unknownCA, alert string) []fallback {
	tests := []fallback{
		{name: "404", knob: origintest.Knob{Status: 404}, comma: true, pipe: true},
		{name: "410", knob: origintest.Knob{Status: 410}, comma: true, pipe: true},
	}
	for _, status := range []int{400, 401, 403, 429, 451, 500, 502, 503, 504} {
		name := fmt.Sprint(status)
		tests = append(tests, fallback{
			name: name, knob: origintest.Knob{Status: status, Body: "the first says " + name}, pipe: true,
			text: "/first.golang.test:PORT/example.golang.test/m1/@v/v1.0.0.info: " + name + " STATUS\n\tserver response: the first says " + name,
		})
	}
	// Garbage is JSON that is none, and a zip that is none; only the former is noticed where
	// another entry can be asked.
	garbage := func(kind string) origintest.Knob {
		return origintest.Knob{Match: origintest.Match{Kind: kind}, Status: 200, Body: "garbage"}
	}
	return append(tests,
		fallback{name: "h2 reset", knob: origintest.Knob{Fail: origintest.Abort}, pipe: true, text: "stream error: stream ID N; INTERNAL_ERROR; received from peer"},
		fallback{name: "refused connection", entry: dead, pipe: true, text: "connect: connection refused"},
		fallback{name: "unknown CA", entry: unknownCA, pipe: true, text: "x509: certificate signed by unknown authority"},
		fallback{name: "TLS alert", entry: alert, pipe: true, text: "remote error: tls: "},
		fallback{name: "garbage .info", knob: garbage("info"), pipe: true, text: "invalid character 'g' looking for beginning of value"},
		fallback{name: "garbage .zip", knob: garbage("zip"), text: "zip: not a valid zip file"},
	)
}

// TestFallback asks the first entry of a list for a module in every way it can fail, with
// both separators, without modtap and in both modes: what the go command makes of it must
// be the same.
func TestFallback(t *testing.T) {
	origintest.NeedGo(t)
	if testing.Short() {
		t.Skip("runs the go command a hundred times")
	}
	ca, err := origintest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	o := origintest.Start(t, origintest.Config{CA: ca})
	unknown := origintest.Start(t, origintest.Config{Cert: origintest.UnknownCA})
	alert := origintest.Start(t, origintest.Config{CA: ca, Handshakes: []origintest.Handshake{{Fail: origintest.HandshakeAlert}}})
	w := &fallbackWorld{origin: o, dns: origintest.StartDNS(t, origintest.DNSConfig{}).Addr()}
	// nothing listens on port 1; one that was free a moment ago may be somebody's by now
	tests := fallbackTests("https://first.golang.test:1", unknown.HostURL("first.golang.test"), alert.HostURL("first.golang.test"))
	var table strings.Builder
	tw := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "the first entry\t, direct\tforward\treverse\t| direct\tforward\treverse")
	for _, tt := range tests {
		row := tt.name
		for _, sep := range []string{",", "|"} {
			want := tt.comma
			if sep == "|" {
				want = tt.pipe
			}
			for _, mode := range []string{"direct", "forward", "reverse"} {
				row += "\t" + w.run(t, tt, sep, mode, want)
			}
		}
		fmt.Fprintln(tw, row)
	}
	tw.Flush()
	t.Logf("what go mod download does:\n%s", table.String())
}

type fallbackWorld struct {
	origin *origintest.Origin
	dns    string
}

// run returns the outcome of one cell, and checks it.
func (w *fallbackWorld) run(t *testing.T, tt fallback, sep, mode string, want bool) string {
	t.Helper()
	tt.knob.Host = "first.golang.test"
	w.origin.SetKnobs(tt.knob)
	w.origin.Forget()
	entry := tt.entry
	if entry == "" {
		entry = w.origin.HostURL("first.golang.test")
	}
	proxy, err := origintest.NewConnectProxy(origintest.ProxyConfig{Route: func(hostport string) string {
		_, port, _ := net.SplitHostPort(hostport)
		return net.JoinHostPort("127.0.0.1", port) // each origin has its own
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	args := []string{"go", "mod", "download", "example.golang.test/m1@v1.0.0"}
	env := []string{"GOPROXY=" + entry + sep + w.origin.URL(), "GOSUMDB=off", "MODTAP_HOME=" + t.TempDir()}
	file := filepath.Join(t.TempDir(), "x.har")
	if mode == "direct" {
		env = append(env, proxy.Env()...)
	} else {
		args = append([]string{"modtap", "run", "-q", "-o", file, "--mode", mode, "--resolver", w.dns, "--"}, args...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Dir, c.Env = origintest.Project(t, ""), origintest.GoEnv(t, w.origin, env...)
	out, err := c.CombinedOutput()
	outcome := "ok"
	if err != nil {
		outcome = "fails"
	}
	cell := fmt.Sprintf("%s %s %s", tt.name, sep, mode)
	if (err == nil) != want {
		t.Errorf("%s: %v\n%s", cell, err, out)
	}
	if text := sameWords(string(out)); err != nil && !strings.Contains(text, tt.text) {
		t.Errorf("%s: the error is\n%s\nwithout %q", cell, text, tt.text)
	}
	if mode != "direct" {
		w.check(t, cell, tt, file)
	}
	return outcome
}

// check compares the recording with what the origin saw; handshakes that failed are ours
// alone to tell.
func (w *fallbackWorld) check(t *testing.T, cell string, tt fallback, file string) {
	t.Helper()
	rec, err := har.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	answered, failed := 0, 0
	for _, x := range rec.Exchanges {
		if x.Err != nil && !refusalGivenUp(&x) {
			failed++
		} else {
			answered++
		}
	}
	if n := len(w.origin.Requests()); tt.entry == "" && answered+failed != n || tt.entry != "" && (answered != n || failed == 0) {
		t.Errorf("%s: recorded are %d answers and %d failures, the origin saw %d requests", cell, answered, failed, n)
	}
}

var (
	ownURL   = regexp.MustCompile(`http://127\.0\.0\.1:\d+/[A-Z2-7]{26}/\d+/|https://`)
	ports    = regexp.MustCompile(`\.test:\d+`)
	streamID = regexp.MustCompile(`stream ID \d+`)
	statuses = regexp.MustCompile(`: (\d{3}) [A-Z][A-Za-z ]+`)
)

// sameWords leaves out of the go command's words what two runs cannot share, modtap's
// address among it.
func sameWords(s string) string {
	s = ports.ReplaceAllString(ownURL.ReplaceAllString(s, "/"), ".test:PORT")
	return statuses.ReplaceAllString(streamID.ReplaceAllString(s, "stream ID N"), ": $1 STATUS")
}
