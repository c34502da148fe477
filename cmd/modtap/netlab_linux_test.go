package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder"
	"modtap/recorder/har"
)

// TestRoundTrips runs go mod download through modtap over a path of 200 ms with the
// kernel's own TCP: one round trip for the TCP handshake, one for TLS 1.3, one for each
// request, each in its own phase.
func TestRoundTrips(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	needNetlab(t)
	bin, err := labPrograms(t)()
	if err != nil {
		t.Fatal(err)
	}
	var wrong []string
	for range 5 { // a busy machine delays samples; a wrong phase is wrong every time
		wrong = nil
		for name, all := range roundTrips(t, bin) {
			slices.Sort(all)
			best, m := all[0].Duration(), all[len(all)/2].Duration()
			t.Logf("%s: %d samples, best %v, median %v, worst %v", name, len(all), best, m, all[len(all)-1])
			// the path itself adds up to 1 ms, a TLS handshake a few of computing; the best may
			// be too good where modtap had to wait for a processor before it noted the start
			if m < pathRTT-time.Millisecond || best > pathRTT+6*time.Millisecond || m > pathRTT+pathRTT/5 {
				wrong = append(wrong, fmt.Sprintf("%s is %v at best and %v at the median on a path of %v", name, best, m, pathRTT))
			}
		}
		if len(wrong) == 0 {
			return
		}
	}
	t.Error(strings.Join(wrong, "\n"))
}

const pathRTT = 200 * time.Millisecond

// roundTrips downloads over the path and returns the phases that are one round trip each.
func roundTrips(t *testing.T, bin string) map[string][]recorder.Span {
	t.Helper()
	shape := origintest.Shape{Modules: 6, Depth: 2}
	ca, file := filepath.Join(bin, "ca.pem"), filepath.Join(bin, "x.har")
	o := origintest.Start(t, origintest.Config{}) // for its environment; the real one is far
	env := append(origintest.GoEnv(t, o), "GOPROXY=https://proxy.golang.test", "SSL_CERT_FILE="+ca, "MODTAP_HOME="+bin, "GOMAXPROCS=4")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(bin, "netlab"), "-rtt", pathRTT.String(), "-host", "proxy.golang.test=10.77.0.2",
		"-far", filepath.Join(bin, "origin")+" -listen 10.77.0.2:443 -modules 6 -depth 2 -ca "+ca,
		"--", filepath.Join(bin, "modtap"), "run", "-o", file, "--", "go", "mod", "download")
	c.Dir, c.Env = origintest.Project(t, "", shape.All()...), env
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // it has namespaces to remove
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rec, err := har.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	phase := map[string][]recorder.Span{}
	for _, x := range rec.Exchanges {
		phase["wait"] = append(phase["wait"], x.Server.Timings().Wait)
	}
	for _, c := range rec.Conns {
		phase["connect"] = append(phase["connect"], c.Marks.ConnectDone-c.Marks.ConnectStart)
		if c.TLS != nil {
			phase["ssl"] = append(phase["ssl"], c.Marks.TLSDone-c.Marks.TLSStart)
		}
	}
	return phase
}
