package web_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

var update = flag.Bool("update", false, "write testdata/timings.json anew")

// A vector is one case of testdata/timings.json, which the page's marks.js is tested with.
type vector struct {
	Name    string         `json:"name"`
	Marks   recorder.Marks `json:"marks"`
	Timings timings        `json:"timings"`
}

// timings is recorder.Timings with the names that JavaScript uses; -1 stays -1.
type timings struct {
	Blocked phase `json:"blocked"`
	DNS     phase `json:"dns"`
	Connect phase `json:"connect"`
	SSL     phase `json:"ssl"`
	Send    phase `json:"send"`
	Wait    phase `json:"wait"`
	Receive phase `json:"receive"`
	Proxy   phase `json:"proxy"`
}

// A phase is a Span of which -1 ns, "does not apply", is written as -1.
type phase recorder.Span

func (p phase) MarshalJSON() ([]byte, error) {
	if p == -1 {
		return []byte("-1"), nil
	}
	return recorder.Span(p).MarshalJSON()
}

const us = recorder.Span(1000)

var markTests = []struct {
	name  string
	marks recorder.Marks
}{
	{"nothing", recorder.Marks{}},
	{"reused connection", recorder.Marks{WroteHeaders: 300 * us, WroteRequest: 400 * us, FirstByte: 50_000 * us, LastByte: 60_000 * us, End: 60_001 * us, Reused: true}},
	{"new connection", recorder.Marks{
		DNSStart: 1, DNSDone: 18_000 * us, ConnectStart: 18_000 * us, ConnectDone: 52_000 * us, TLSStart: 52_001 * us, TLSDone: 90_000 * us,
		WroteHeaders: 95_000 * us, WroteRequest: 95_100 * us, FirstByte: 150_000 * us, End: 200_000 * us}},
	{"through a parent proxy", recorder.Marks{
		ConnectStart: 1 * us, ConnectDone: 10 * us, ProxyStart: 11 * us, ProxyDone: 30 * us, TLSStart: 31 * us, TLSDone: 60 * us,
		WroteHeaders: 61 * us, WroteRequest: 62 * us, FirstByte: 70 * us, End: 90 * us}},
	{"DNS fails", recorder.Marks{DNSStart: 5 * us, End: 5_000_000 * us}},
	{"dial fails", recorder.Marks{DNSStart: 1, DNSDone: 10 * us, ConnectStart: 10 * us, End: 30_000_000 * us}},
	{"DNS given up, dialled all the same", recorder.Marks{DNSStart: 1, ConnectStart: 40 * us, ConnectDone: 60 * us, WroteHeaders: 61 * us, WroteRequest: 62 * us, FirstByte: 70 * us, End: 90 * us}},
	{"TLS fails", recorder.Marks{ConnectStart: 1, ConnectDone: 10 * us, TLSStart: 12 * us, End: 10_000 * us}},
	{"no answer", recorder.Marks{WroteHeaders: 1, WroteRequest: 2, End: 100 * us}},
	{"answer before the request is out", recorder.Marks{WroteHeaders: 1 * us, WroteRequest: 90 * us, FirstByte: 50 * us, End: 100 * us}},
	{"answer, and the request never out", recorder.Marks{WroteHeaders: 1 * us, FirstByte: 50 * us, End: 100 * us}},
	{"marks after the end", recorder.Marks{WroteHeaders: 1 * us, WroteRequest: 2 * us, FirstByte: 500 * us, End: 100 * us}},
	{"overlapping phases", recorder.Marks{DNSStart: 1, DNSDone: 50, ConnectStart: 40, ConnectDone: 80, TLSStart: 70, TLSDone: 75, WroteHeaders: 60, WroteRequest: 85, FirstByte: 90, End: 100}},
	{"in flight, no end", recorder.Marks{DNSStart: 1, DNSDone: 2, WroteHeaders: 3}},
	{"odd nanoseconds", recorder.Marks{WroteHeaders: 333_333, WroteRequest: 333_334, FirstByte: 1_000_000_007, End: 3_141_592_653_589}},
}

// TestTimingsVectors keeps testdata/timings.json what the Go code says.
func TestTimingsVectors(t *testing.T) {
	var list []vector
	add := func(name string, m recorder.Marks) {
		v := m.Timings()
		list = append(list, vector{name, m, timings{
			phase(v.Blocked), phase(v.DNS), phase(v.Connect), phase(v.SSL), phase(v.Send), phase(v.Wait), phase(v.Receive), phase(v.Proxy),
		}})
	}
	for _, tt := range markTests {
		add(tt.name, tt.marks)
	}
	rnd := rand.New(rand.NewPCG(7, 11))
	for range 120 {
		var m recorder.Marks
		for _, p := range []*recorder.Span{
			&m.DNSStart, &m.DNSDone, &m.ConnectStart, &m.ConnectDone, &m.ProxyStart, &m.ProxyDone, &m.TLSStart, &m.TLSDone,
			&m.WroteHeaders, &m.WroteRequest, &m.FirstByte, &m.End,
		} {
			if rnd.IntN(4) > 0 {
				*p = recorder.Span(rnd.Int64N(5_000_000_000))
			}
		}
		add("random", m)
	}
	var got bytes.Buffer
	got.WriteString("[\n")
	for i, v := range list {
		line, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got.Write(line)
		if i < len(list)-1 {
			got.WriteByte(',')
		}
		got.WriteByte('\n')
	}
	got.WriteString("]\n")
	const name = "testdata/timings.json"
	if *update {
		if err := os.WriteFile(name, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want = bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n")) // a Windows checkout
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("recorder.Marks.Timings changed; change static/marks.js too, then run with -update:\n%s", d)
	}
}

// skip skips a test that needs what is not here, or fails it where nothing may be skipped.
func skip(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("MODTAP_REQUIRE") == "1" {
		t.Fatalf("MODTAP_REQUIRE=1, but %s", why)
	}
	t.Skip(why)
}

// TestJavaScript runs the page's unit tests.
func TestJavaScript(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		skip(t, "node is not installed")
	}
	files, err := filepath.Glob("testdata/unit/*.test.js")
	if err != nil || len(files) == 0 {
		t.Fatalf("no unit tests: %v", err)
	}
	out, err := exec.CommandContext(t.Context(), node, append([]string{"--test", "--test-reporter=tap"}, files...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("node --test: %v\n%s", err, out)
	}
}
