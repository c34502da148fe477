package report

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var start = time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC)

func ms(n float64) recorder.Span { return recorder.Span(n * float64(time.Millisecond)) }

// A world makes the events of a session.
type world struct {
	events []recorder.Event
	id     uint64
}

func newWorld(mode, goproxy string) *world {
	w := &world{}
	w.add(recorder.Event{Session: &recorder.Session{ID: "1", Mode: mode, Start: start, GOPROXY: goproxy}})
	return w
}

func (w *world) add(e recorder.Event) { w.events = append(w.events, e) }

// request adds a finished exchange at a moment, with its wait and receive times.
func (w *world) request(at, wait, receive float64, kind gomod.Kind, url, module string, status int, size int64) *recorder.Exchange {
	w.id++
	x := &recorder.Exchange{
		ID: w.id, Start: start.Add(time.Duration(at * 1e6)), Method: "GET", URL: url, Status: status, Done: true,
		Server: recorder.Marks{WroteHeaders: ms(0.1), WroteRequest: ms(0.2), FirstByte: ms(0.2 + wait), LastByte: ms(0.2 + wait + receive), End: ms(0.2 + wait + receive)},
	}
	x.Go.Kind = kind
	x.Go.Module, x.Go.Version, _ = strings.Cut(module, "@")
	x.Response.BodySize = size
	x.Overhead = ms(0.05)
	began := *x
	began.Done, began.Status = false, 0
	w.add(recorder.Event{Exchange: &began})
	w.add(recorder.Event{Exchange: x})
	return x
}

func (w *world) conn(id uint64, target string, exchanges int) {
	c := &recorder.Conn{ID: id, Target: target, Scheme: "https", Start: start, Exchanges: exchanges, TLS: &recorder.TLS{Version: "TLS 1.3"}}
	c.Marks = recorder.Marks{ConnectStart: ms(1), ConnectDone: ms(20), TLSStart: ms(20), TLSDone: ms(50)}
	w.add(recorder.Event{Conn: c})
	closed := *c
	closed.Closed = "client"
	w.add(recorder.Event{Conn: &closed})
}

func (w *world) end(wall float64, exit int) {
	w.add(recorder.Event{Process: &recorder.Process{Start: ms(10), End: ms(10 + wall), ExitCode: exit, User: ms(wall * 0.2), System: ms(wall * 0.05)}})
	w.add(recorder.Event{End: &recorder.End{At: ms(30 + wall), ExitCode: exit, BlindSpots: []string{"git over ssh", "localhost"}}})
}

func typicalDownload() *world {
	w := newWorld("run", "https://proxy.golang.org,direct")
	mods := []string{"golang.org/x/text@v0.43.0", "github.com/elazarl/goproxy@v1.9.2", "github.com/spf13/cobra@v1.10.2", "golang.org/x/net@v0.62.0", "k8s.io/kube-openapi@v0.0.0-20260905114223-d3a3ac0cb1f2"}
	for i, m := range mods {
		name, version, _ := strings.Cut(m, "@")
		base := "https://proxy.golang.org/" + name + "/@v/" + version
		at := float64(i) * 60
		w.request(at, 35, 1, gomod.Mod, base+".mod", m, 200, 1200)
		w.request(at+20, 34, 1, gomod.SumdbLookup, "https://sum.golang.org/lookup/"+m, m, 200, 400)
		w.request(at+40, 20, 1, gomod.SumdbTile, "https://sum.golang.org/tile/8/0/x1", "", 200, 8192)
		w.request(400+at, 33, 0.5, gomod.Info, base+".info", m, 200, 90)
		zip := w.request(800+at, 50, float64(i*i)*120, gomod.Zip, base+".zip", m, 200, int64(i*i)*1_200_000+51_000)
		if i == 3 {
			zip.ClientBlocked = ms(700)
		}
	}
	w.conn(1, "proxy.golang.org:443", 15)
	w.conn(2, "proxy.golang.org:443", 0)
	w.conn(3, "sum.golang.org:443", 10)
	w.end(3200, 0)
	return w
}

func onlyFailures() *world {
	w := newWorld("run", "https://goproxy.example,direct")
	for i := range 3 {
		m := fmt.Sprintf("example.com/private%d@v1.0.0", i)
		url := "https://goproxy.example/" + m + ".info"
		x := w.request(float64(i)*100, 40, 0, gomod.Info, url, m, 404, 20)
		w.request(float64(i)*100+50, 40, 0, gomod.Info, url, m, 404, 20).Parent = x.ID
	}
	w.request(400, 80, 0, gomod.Zip, "https://goproxy.example/a.zip", "example.com/a@v1.2.3", 403, 20).Reason = "Forbidden"
	for i := range 2 {
		x := w.request(500+float64(i), 0, 0, gomod.Connect, "https://git.corp.example:443", "", 0, 0)
		x.Server = recorder.Marks{ConnectStart: ms(1), End: ms(30000)}
		x.Err = &recorder.Error{Op: "dial", Msg: "dial tcp 10.1.2.3:443: i/o timeout"}
	}
	distrust := w.request(600, 0, 0, gomod.Connect, "https://node.example:443", "", 0, 0)
	distrust.Server = recorder.Marks{End: ms(3)}
	distrust.Err = &recorder.Error{Op: "client-tls", Msg: "the client does not trust modtap's certificate for node.example (remote error: tls: bad certificate)"}
	w.add(recorder.Event{Tunnel: &recorder.Tunnel{ID: 9, Target: "node.example:443", Kind: "mitm", End: ms(3), Err: distrust.Err}})
	w.add(recorder.Event{Tunnel: &recorder.Tunnel{ID: 10, Target: "ssh.example:22", Kind: "raw", End: ms(3)}})
	w.end(31000, 1)
	return w
}

func lotsOfHosts() *world {
	w := newWorld("run", "direct")
	kinds := []gomod.Kind{gomod.GoGet, gomod.GitInfoRefs, gomod.Other, gomod.Zip, gomod.Mod, gomod.Info, gomod.List, gomod.SumdbTile, gomod.ToolchainZip}
	for i := range 12 {
		host := fmt.Sprintf("host-number-%02d.a-rather-long-domain.example", i)
		for n := range 12 - i {
			x := w.request(float64(i*10+n), 20+float64(i), 2, kinds[n%len(kinds)], "https://"+host+"/x/y", "", 200, 2000)
			if n == 0 && i < 7 {
				x.Status = 500 + i
			}
		}
		w.conn(uint64(i+1), host+":443", 3)
	}
	w.end(900, 0)
	return w
}

func slowModtap() *world {
	w := newWorld("run", "")
	x := w.request(0, 500, 0, gomod.Zip, "https://proxy.golang.org/a.zip", "example.com/a@v1.2.3", 200, 1000)
	x.Overhead = ms(120)
	w.id++
	w.add(recorder.Event{Exchange: &recorder.Exchange{ID: w.id, Start: start, URL: "https://proxy.golang.org/b.zip"}})
	w.end(1000, 0)
	return w
}

func hostile() *world {
	w := newWorld("run", "")
	x := w.request(0, 5, 0, gomod.Zip, "https://evil.example/a", "evil.example/\x1b]0;owned\a\x1b[2J@v1\r\n", 500, 10)
	x.Reason = "Bad\x1b[31m"
	w.end(10, 0)
	return w
}

func nothing(mode, goproxy string) *world {
	w := newWorld(mode, goproxy)
	w.end(1200, 0)
	return w
}

// inReverse makes w a session in reverse mode.
func inReverse(w *world, unseen ...string) *world {
	for i, e := range w.events {
		if e.Session != nil {
			c := *e.Session
			c.Capture = recorder.CaptureReverse
			w.events[i].Session = &c
		}
		if e.End != nil {
			c := *e.End
			c.BlindSpots = append(c.BlindSpots[:len(c.BlindSpots):len(c.BlindSpots)], unseen...)
			w.events[i].End = &c
		}
	}
	return w
}

var goldenTests = []struct {
	name  string
	world *world
	width int
	color bool
}{
	{"typical", typicalDownload(), 80, false},
	{"typical-color", typicalDownload(), 80, true},
	{"typical-wide", typicalDownload(), 120, false},
	{"typical-narrow", typicalDownload(), 60, false},
	{"failures", onlyFailures(), 80, false},
	{"nothing", nothing("run", "https://proxy.golang.org,direct"), 80, false},
	{"nothing-local", nothing("run", "http://localhost:3000"), 80, false},
	{"nothing-serve", nothing("serve", ""), 80, false},
	{"nothing-reverse", inReverse(nothing("run", "https://proxy.golang.org,direct"), "go's repeat of each 4xx"), 80, false},
	{"nothing-reverse-off", inReverse(nothing("run", "off")), 80, false},
	{"reverse", inReverse(typicalDownload(), "GOPRIVATE=git.corp.example,*.corp.example except git", "direct except git", "go's repeat of each 4xx"), 80, false},
	{"hosts", lotsOfHosts(), 80, false},
	{"overhead", slowModtap(), 80, false},
	{"hostile", hostile(), 80, false},
	{"missing", onlyFailures(), 80, false},
	{"incomplete", slowModtap(), 80, false},
	{"unrecorded", slowModtap(), 80, true},
}

func TestWriteText(t *testing.T) {
	for _, tt := range goldenTests {
		t.Run(tt.name, func(t *testing.T) {
			s := NewSummary()
			for _, e := range tt.world.events {
				if err := s.Write(e); err != nil {
					t.Fatal(err)
				}
			}
			if tt.name == "hosts" {
				s.Lost(12)
			}
			if !strings.HasPrefix(tt.name, "nothing") && tt.name != "unrecorded" {
				s.Recording = "/home/u/.cache/modtap/recordings/x.har"
			}
			switch tt.name {
			case "missing":
				s.Missing, s.Failure = 4, "no space left on device"
			case "incomplete":
				s.Failure = "the file was replaced while it was being written"
			case "unrecorded":
				s.Failure = "make the recordings folder: mkdir /home/u/.cache/modtap: read-only file system"
			}
			var got bytes.Buffer
			if err := s.WriteText(&got, tt.width, tt.color); err != nil {
				t.Fatal(err)
			}
			checkShape(t, got.String(), tt.width, tt.color)
			golden(t, tt.name, got.Bytes())
		})
	}
}

// checkShape holds for every summary.
func checkShape(t *testing.T, got string, width int, color bool) {
	t.Helper()
	if n := strings.Count(got, "\n"); n > maxLines {
		t.Errorf("%d lines, want at most %d", n, maxLines)
	}
	for line := range strings.Lines(got) {
		line = strings.TrimSuffix(line, "\n")
		if !color && (utf8.RuneCountInString(line) > width || strings.ContainsAny(line, "\x1b\r\a")) {
			t.Errorf("line does not fit %d columns, or is not clean: %q", width, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("trailing space: %q", line)
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites):\n%s", file, diff)
	}
}

// A recording on disk has only the last snapshots: the summary must be the same.
func TestSummaryOfARecordingIsThatOfTheSession(t *testing.T) {
	w := typicalDownload()
	var live, read bytes.Buffer
	a, b := NewSummary(), NewSummary()
	for _, e := range w.events {
		_ = a.Write(e)
		if e.Exchange != nil && !e.Exchange.Done || e.Conn != nil && e.Conn.Closed == "" {
			continue
		}
		_ = b.Write(e)
	}
	if err := a.WriteText(&live, 80, false); err != nil {
		t.Fatal(err)
	}
	if err := b.WriteText(&read, 80, false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(live.String(), read.String()); diff != "" {
		t.Errorf("(-live +read):\n%s", diff)
	}
}

func TestSummaryStaysSmall(t *testing.T) {
	s := NewSummary()
	for i := range uint64(50_000) {
		x := &recorder.Exchange{ID: i + 1, Start: start.Add(time.Duration(i) * time.Second), URL: fmt.Sprintf("https://h%d.example/", i), Status: 500 + int(i), Done: true}
		x.Server = recorder.Marks{WroteHeaders: 1, FirstByte: ms(float64(i % 100)), End: ms(100)}
		_ = s.Write(recorder.Event{Exchange: x})
		_ = s.Write(recorder.Event{Tunnel: &recorder.Tunnel{ID: i + 1, Target: fmt.Sprintf("t%d.example:22", i), Kind: "raw", End: 1}})
	}
	sizes := map[string]int{
		"hosts": len(s.hosts), "failures": len(s.failures), "unread": len(s.unread), "in flight": len(s.inFlight),
		"done": len(s.done.byID), "intervals": len(s.busy.open), "samples": len(s.hosts[others].wait.sample),
	}
	for name, n := range sizes {
		if n > maxRecent {
			t.Errorf("%d %s are kept", n, name)
		}
	}
	if got, want := s.busy.total(), 50_000*100*time.Millisecond; got != want {
		t.Errorf("in flight for %v, want %v", got, want)
	}
}

// TestInjectedIsNotNetwork: what a rule made a request wait is said apart.
func TestInjectedIsNotNetwork(t *testing.T) {
	s := NewSummary()
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	x := &recorder.Exchange{ID: 1, Start: start, Method: "GET", URL: "https://x.test/", Status: 200, Done: true, Injected: recorder.Span(2 * time.Second)}
	x.Client.GotConn = recorder.Span(100 * time.Millisecond)
	x.Server.End = recorder.Span(2500 * time.Millisecond)
	if err := s.Write(recorder.Event{Exchange: x}); err != nil {
		t.Fatal(err)
	}
	if got := s.busy.total(); got != 500*time.Millisecond {
		t.Errorf("network %v, want 500ms", got)
	}
	if got := s.delayed.total(); got != 2*time.Second {
		t.Errorf("delays %v, want 2s", got)
	}
}

// TestRefusedIsNoConnection: a dial that failed has a connect phase and is no connection.
func TestRefusedIsNoConnection(t *testing.T) {
	s := NewSummary()
	s.Write(recorder.Event{Conn: &recorder.Conn{
		ID: 1, Target: "dead.test:443", Scheme: "https", Marks: recorder.Marks{ConnectStart: 1, ConnectDone: 2, End: 2},
		Err: &recorder.Error{Op: "dial", Msg: "connection refused"},
	}})
	if h := s.hosts["dead.test"]; h != nil {
		t.Errorf("counted as %d connections, %d unused", h.connections, h.unused)
	}
}

// TestDistrustSaysWhatToDo: the remedy depends on who distrusts the CA.
func TestDistrustSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct{ os, capture, want string }{
		{"linux/amd64", recorder.CaptureForward, "--bypass"},
		{"windows/amd64", recorder.CaptureForward, "--mode reverse"},
		{"windows/amd64", recorder.CaptureReverse, "--bypass"}, // git, or another program
	} {
		s := NewSummary()
		s.Write(recorder.Event{Session: &recorder.Session{OS: tt.os, Capture: tt.capture}})
		e := &recorder.Error{Op: "client-tls", Msg: "the client does not trust modtap's certificate for a.test (remote error: tls: bad certificate)"}
		if got := s.failureText(e); !strings.Contains(got, tt.want) {
			t.Errorf("%s, %s: %q, want %q in it", tt.os, tt.capture, got, tt.want)
		}
	}
}

// TestRefusalGivenUp: go closes the body of a 4xx before it asks again. That is a 4xx, and
// no failure of its own.
func TestRefusalGivenUp(t *testing.T) {
	s := NewSummary()
	for id, status := range []int{404, 403} {
		s.Write(recorder.Event{Exchange: &recorder.Exchange{
			ID: uint64(id + 1), URL: "https://a.test/x", Status: status, Done: true,
			Err: &recorder.Error{Op: "canceled", Msg: "the client closed the connection"},
		}})
	}
	if s.notFound.count != 1 || len(s.failures) != 1 || s.failures[failureKey{"a.test", "403"}] == nil {
		t.Errorf("%d not found, failures %v", s.notFound.count, s.failures)
	}
}
