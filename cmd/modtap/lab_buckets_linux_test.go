package main

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"modtap/intercept/origintest"
)

// bucketTests inject time of one sort, and name the bucket that it must land in.
var bucketTests = []struct {
	bucket string
	s      scenario
}{
	{"dns", scenario{dns: map[string]origintest.DNSHost{"proxy.golang.test": {A: reply(func(r *origintest.DNSReply) { r.Delay = 4 * time.Second })}}}},
	{"connect", scenario{net: "-rtt 20ms -drop-syn 2", netHealthy: "-rtt 20ms"}},
	{"tls", scenario{handshakes: []string{"delay=4s"}}},
	{"wait", scenario{knobs: []string{"kind=zip suffix=m3/@v/v1.0.0.zip first-byte=4s"}}},
	{"receive", scenario{shape: bigModule, knobs: []string{"suffix=m0/@v/v1.0.0.zip rate=12000000"}}},
	{"go", scenario{ // a burner of processor time
		args: []string{"sh", "-c", "go mod download && if [ -n \"$BURN\" ]; then timeout 4 sh -c 'while :; do :; done'; fi; true"}, faultEnv: []string{"BURN=1"},
	}},
	{"go", scenario{name: "a slow disk", shape: origintest.Shape{Modules: 6, Depth: 2, Files: 60, Size: 200}, setup: (*labRun).ownDisk, fault: (*labRun).slowDisk}},
	{"lock", scenario{fault: func(r *labRun) { r.holdLock("example.golang.test/m3/@v/v1.0.0.lock", 4*time.Second) }}},
	{"injected", scenario{name: "a rule", args: nil, flagsOfFault: []string{"--delay", "kind:zip module:example.golang.test/m3=4s"}}},
}

// TestBuckets injects time of one sort and looks for it in the accounting: it must be in its
// own bucket, to 5 % of the wall time, and nowhere else.
func TestBuckets(t *testing.T) {
	origintest.NeedGo(t)
	needLab(t, 2)
	programs := labPrograms(t)
	for _, test := range bucketTests {
		t.Run(strings.TrimSpace(test.bucket+" "+test.s.name), func(t *testing.T) {
			s := test.s
			s.id, s.programs = test.bucket, programs // a fault, so that it has a run without
			s.need(t)
			with, without := s.undisturbed(t, true), s.undisturbed(t, false)
			margin := 0.05 * with.report.Wall
			injected := with.report.Wall - without.report.Wall
			if injected < 1000 {
				t.Fatalf("only %s were injected: %s and %s\n%s", secs(injected), secs(with.report.Wall), secs(without.report.Wall), with.output)
			}
			for _, b := range bucketNames {
				got, want := with.report.bucket(b)-without.report.bucket(b), 0.0
				if b == test.bucket {
					want = injected
				}
				if math.Abs(got-want) > margin {
					t.Errorf("%s grew by %s, want %s (of a wall time of %s)", b, secs(got), secs(want), secs(with.report.Wall))
				}
			}
			t.Logf("%s injected, %s in its bucket", secs(injected), secs(with.report.bucket(test.bucket)-without.report.bucket(test.bucket)))
		})
	}
}

// undisturbed is the quicker of two runs: what else the machine does only makes them slower.
func (s *scenario) undisturbed(t *testing.T, faulty bool) labResult {
	t.Helper()
	one, two := s.run(t, faulty, false), s.run(t, faulty, false)
	if one.report.Wall <= two.report.Wall {
		return one
	}
	return two
}

var bucketNames = slices.Sorted(slices.Values([]string{
	"dns", "connect", "tls", "send", "wait", "receive", "queue", "go", "vcs", "lock", "injected", "modtap", "idle",
}))
