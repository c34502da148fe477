package tui

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"modtap/recorder"
	"modtap/recorder/diagnose"
	"modtap/recorder/gomod"
	"modtap/viewer/report"
	"modtap/viewer/stream"
)

var update = flag.Bool("update", false, "write the golden frames anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const ms = recorder.Span(time.Millisecond)

var began = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// A fake is a source that a test fills.
type fake struct {
	session *recorder.Session
	batches chan stream.Batch
	broken  error // of Next, when batches is closed

	whole     map[uint64]*recorder.Exchange
	old       []*recorder.Exchange // in the order of ids
	conns     []*recorder.Conn     // likewise
	bodies    map[uint64]string
	files     map[uint64]*stream.Listing
	skew      time.Duration
	report    []byte
	err       error // of the API
	snapshots int
	asked     []string
	closed    bool
}

func (f *fake) Session() *recorder.Session { return f.session }

func (f *fake) Next(ctx context.Context) (stream.Batch, error) {
	select {
	case b, ok := <-f.batches:
		if !ok {
			return b, f.broken
		}
		return b, nil
	case <-ctx.Done():
		return stream.Batch{}, ctx.Err()
	}
}

func (f *fake) Skew() time.Duration { return f.skew }

func (f *fake) Conns(_ context.Context, from uint64, n int) ([]*recorder.Conn, uint64, error) {
	f.asked = append(f.asked, fmt.Sprintf("conns %d", from))
	var out []*recorder.Conn
	for _, c := range f.conns {
		if c.ID >= from && len(out) == 2 { // a page of this server
			return out, c.ID, f.err
		}
		if c.ID >= from {
			out = append(out, c)
		}
	}
	return out, 0, f.err
}

func (f *fake) Files(_ context.Context, id uint64) (*stream.Listing, error) {
	return f.files[id], f.err
}

func (f *fake) RequestSnapshot() error { f.snapshots++; return nil }
func (f *fake) Close() error           { f.closed = true; return nil }

func (f *fake) Exchange(_ context.Context, id uint64) (*recorder.Exchange, error) {
	f.asked = append(f.asked, fmt.Sprint("exchange ", id))
	return f.whole[id], f.err
}

func (f *fake) Exchanges(_ context.Context, from uint64, n int) ([]*recorder.Exchange, uint64, error) {
	f.asked = append(f.asked, fmt.Sprintf("exchanges %d+%d", from, n))
	var out []*recorder.Exchange
	for _, x := range f.old {
		if x.ID >= from && len(out) == n {
			return out, x.ID, f.err
		}
		if x.ID >= from {
			out = append(out, x)
		}
	}
	return out, 0, f.err
}

func (f *fake) Report(context.Context) ([]byte, error) { return f.report, f.err }

func (f *fake) Body(_ context.Context, id uint64, request bool) ([]byte, error) {
	if request {
		return nil, io.EOF
	}
	return []byte(f.bodies[id]), nil
}

// request is one exchange that starts at at.
func request(id uint64, at recorder.Span, kind gomod.Kind, module, version string, took ...recorder.Span) *recorder.Exchange {
	x := &recorder.Exchange{
		ID: id, Conn: 1, Tunnel: 1, Start: began.Add(at.Duration()), Method: "GET", Proto: "HTTP/2.0", Status: 200, Done: true, Remote: "192.0.2.7:443",
		URL: "https://proxy.golang.org/" + module + "/@v/" + version + "." + string(kind),
		Go:  gomod.Request{Kind: kind, Module: module, Version: version},
	}
	x.Server.Reused = true
	// queue, wait, receive
	x.Server.WroteHeaders = max(took[0], 1)
	x.Server.WroteRequest = x.Server.WroteHeaders + ms/5
	x.Server.FirstByte = x.Server.WroteRequest + took[1]
	x.Server.LastByte = x.Server.FirstByte + took[2]
	x.Server.End = x.Server.LastByte
	x.Client = recorder.Marks{GotConn: 1, FirstByte: x.Server.FirstByte + ms/10, LastByte: x.Server.LastByte + ms/10, End: x.Server.LastByte + ms/10}
	x.Response = recorder.Message{HeaderSize: 310, BodySize: 420, Mime: "text/plain; charset=UTF-8"}
	return x
}

var fixtureModules = []struct{ path, version string }{
	{"golang.org/x/text", "v0.43.0"}, {"golang.org/x/sys", "v0.49.0"}, {"github.com/google/go-cmp", "v0.7.0"},
	{"github.com/cncf/xds/go", "v0.0.0-20251022180443-0feb69152e9f"}, {"google.golang.org/grpc", "v1.77.0"}, {"k8s.io/apimachinery", "v0.35.0"},
	{"github.com/envoyproxy/go-control-plane", "v0.14.0"}, {"sigs.k8s.io/yaml", "v1.6.0"},
}

// opening is the session, the command and its connection.
func opening() []recorder.Event {
	return []recorder.Event{
		{Session: &recorder.Session{ID: "s", Tool: "v0.1.0", Mode: "run", Argv: []string{"go", "mod", "download"}, Start: began, OS: "linux/amd64", Go: "go1.26.8"}},
		{Process: &recorder.Process{Start: 2 * ms}},
		{Conn: &recorder.Conn{
			ID: 1, Target: "proxy.golang.org:443", Scheme: "https", Start: began.Add(4 * time.Millisecond), Remote: "192.0.2.7:443", Addrs: []string{"192.0.2.7", "2001:db8::7"},
			Dials: []recorder.Dial{{Addr: "192.0.2.7:443", Start: 18 * ms, Done: 52 * ms}}, Exchanges: 24, BytesIn: 9_812_443, BytesOut: 12_400,
			TLS: &recorder.TLS{Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", Curve: "X25519MLKEM768", ALPN: "h2", Issuer: "CN=WR3,O=Google Trust Services,C=US"},
			TCP: &recorder.TCP{Samples: 9, RTT: 34 * ms, MinRTT: 33 * ms, Retrans: -1, SynRetrans: 1, Reordered: 4},
		}},
	}
}

// fixture is a session that was still going on 6.2 s after its start: files in parallel, a
// staircase of .info, a private module that is a 404 twice, a host that does not answer, and
// zips of which one is on its way.
func fixture() []recorder.Event {
	events := opening()
	add := func(x *recorder.Exchange) { events = append(events, recorder.Event{Exchange: x}) }
	id := uint64(0)
	next := func() uint64 { id++; return id }
	for i, m := range fixtureModules {
		x := request(next(), 10*ms+recorder.Span(i)*ms, gomod.Mod, m.path, m.version, 110*ms, recorder.Span(50+7*i)*ms, 2*ms)
		if i == 0 {
			x.Server.Reused = false
			x.Server.DNSStart, x.Server.DNSDone = 1, 18*ms
			x.Server.ConnectStart, x.Server.ConnectDone = 18*ms, 52*ms
			x.Server.TLSStart, x.Server.TLSDone = 52*ms, 108*ms
		}
		add(x)
	}
	at := 300 * ms
	for i, m := range fixtureModules {
		x := request(next(), at, gomod.Info, m.path, m.version, 1, recorder.Span(130+20*(i%3))*ms, ms)
		add(x)
		at += x.Server.End + 2*ms
	}
	private := func(parent uint64) *recorder.Exchange {
		x := request(next(), at, gomod.Info, "example.com/team/private", "v1.2.3", 1, 90*ms, ms)
		x.Status, x.Parent, x.Response.BodySize = 404, parent, 80
		at += x.Server.End
		return x
	}
	first := private(0)
	add(first)
	add(private(first.ID))
	dead := request(next(), at, gomod.GoGet, "example.com/team/private", "", 1, 0, 0)
	dead.URL, dead.Status, dead.Conn = "https://example.com/team/private?go-get=1", 0, 2
	dead.Server = recorder.Marks{DNSStart: 1, DNSDone: 20 * ms, ConnectStart: 20 * ms, End: 1020 * ms}
	dead.Client = recorder.Marks{GotConn: 1, End: 1020 * ms}
	dead.Err = &recorder.Error{Op: "dial", Msg: "dial tcp 198.51.100.9:443: i/o timeout"}
	dead.Response = recorder.Message{}
	add(dead)
	at += 1500 * ms // the go command does something else
	for i, m := range fixtureModules[:3] {
		x := request(next(), at+recorder.Span(i)*3*ms, gomod.Zip, m.path, m.version, 1, 120*ms, recorder.Span(300+400*i)*ms)
		x.Response = recorder.Message{BodySize: int64(1_200_000 * (i + 1)), Mime: "application/zip", SHA256: strings.Repeat("9f3b51c07ad2e648", 4)}
		x.ClientBlocked = recorder.Span(i) * 150 * ms
		add(x)
	}
	flying := request(next(), at+40*ms, gomod.Zip, "k8s.io/apimachinery", "v0.35.0", 1, 180*ms, 0)
	flying.Server.End, flying.Client.End, flying.Done, flying.Response.BodySize = 0, 0, false, 4_100_000
	flying.Server.LastByte = 0
	add(flying)
	fresh := request(next(), 6150*ms, gomod.SumdbLookup, "k8s.io/apimachinery", "v0.35.0", 1, 0, 0)
	fresh.Server, fresh.Client, fresh.Status, fresh.Done, fresh.Response = recorder.Marks{}, recorder.Marks{}, 0, false, recorder.Message{}
	add(fresh)
	return append(events, recorder.Event{Finding: &recorder.Finding{
		ID: "stalled", Severity: recorder.Warn, Title: "zip k8s.io/apimachinery@v0.35.0 does not move", Cost: 900 * ms, Evidence: []uint64{23},
		Remedy: "Look at the line to proxy.golang.org.", Commands: []string{"ping -c 3 proxy.golang.org"},
	}})
}

// diagnosis is the report on the fixture.
func diagnosis(t testing.TB) []byte {
	t.Helper()
	b, err := json.Marshal(report.JSONReport{
		Report: &diagnose.Report{
			Schema: diagnose.Schema, Wall: 6200 * ms,
			Accounting:   diagnose.Accounting{Buckets: []diagnose.Bucket{{Name: "network wait", Time: 2900 * ms, Share: 0.47}, {Name: "download", Time: 1600 * ms, Share: 0.26}, {Name: "go's own work", Time: 1700 * ms, Share: 0.27}}},
			CriticalPath: []diagnose.Link{{Exchange: 9}, {Exchange: 10}, {Exchange: 11}},
			WhatIf:       []diagnose.Prediction{{What: "GOPRIVATE=example.com", Wall: 4900 * ms, Saves: 1300 * ms, Sure: "high"}},
		},
		Findings: []report.JSONFinding{
			{
				ID: "private-module-via-proxy", Severity: recorder.Bad, Title: "The private module example.com/team/private is asked of the public proxy first", Cost: 1200 * ms,
				Evidence: []uint64{17, 18, 19}, Numbers: []recorder.Number{{Name: "requests without a use", Value: 3}, {Name: "time lost", Value: 1200, Unit: "ms"}},
				Caveat: "The proxy may know it tomorrow.", Remedy: report.JSONRemedy{Text: "Tell go that it is private.", Commands: []string{"go env -w GOPRIVATE=example.com"}},
			},
			{ID: "serial-info", Severity: recorder.Info, Title: "8 .info files were asked for one after the other", Evidence: []uint64{9, 10, 11, 12}, Of: 8},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A screen drives a model as bubbletea does, without its goroutines: what a command
// returns is handed to Update at once, ticks apart.
type screen struct {
	t      testing.TB
	m      *model
	source *fake
	clock  time.Duration
	quit   bool
	sent   []tea.Msg // that nobody here takes: the clipboard's
}

// open shows events of a session that has been going on for 6.2 s.
func open(t testing.TB, w, h int, c Config, events ...recorder.Event) *screen {
	t.Helper()
	s := &screen{t: t, clock: 6200 * time.Millisecond, source: &fake{
		session: &recorder.Session{ID: "s", Mode: "run", Argv: []string{"go", "mod", "download"}, Start: began},
		whole:   map[uint64]*recorder.Exchange{}, bodies: map[uint64]string{}, report: diagnosis(t),
	}}
	s.m = newModel(t.Context(), c, &unicodeGlyphs)
	s.m.now = func() time.Time { return began.Add(s.clock) }
	s.send(tea.WindowSizeMsg{Width: w, Height: h})
	s.send(connectedMsg{s.source})
	s.send(batchesMsg{{Seq: 1, Events: events, Snapshot: true}})
	s.send(tickMsg{})
	return s
}

// send hands a message over, and what its commands answer.
func (s *screen) send(msg tea.Msg) {
	s.t.Helper()
	_, cmd := s.m.Update(msg)
	s.do(cmd)
}

func (s *screen) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	done := make(chan tea.Msg, 1)
	go func() { done <- cmd() }()
	var msg tea.Msg
	select {
	case msg = <-done:
	case <-time.After(5 * time.Second):
		s.t.Fatal("a command does not end")
	}
	switch msg := msg.(type) {
	case nil, tickMsg:
	case tea.BatchMsg:
		for _, c := range msg {
			s.do(c)
		}
	case tea.QuitMsg:
		s.quit = true
	case filterMsg, olderMsg, connsMsg, wholeMsg, curlMsg, reportMsg:
		s.send(msg)
	default:
		s.sent = append(s.sent, msg)
	}
}

var namedKeys = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
	"home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "tab": tea.KeyTab, "backspace": tea.KeyBackspace, "space": tea.KeySpace, "delete": tea.KeyDelete,
}

// keys presses keys: names, ctrl+ and a letter, "type:text", or one character.
func (s *screen) keys(keys ...string) {
	s.t.Helper()
	for _, k := range keys {
		if text, ok := strings.CutPrefix(k, "type:"); ok {
			for _, r := range text {
				s.send(tea.KeyPressMsg{Code: r, Text: string(r)})
			}
			continue
		}
		if code, ok := namedKeys[k]; ok {
			s.send(tea.KeyPressMsg{Code: code})
			continue
		}
		if letter, ok := strings.CutPrefix(k, "ctrl+"); ok {
			s.send(tea.KeyPressMsg{Code: rune(letter[0]), Mod: tea.ModCtrl})
			continue
		}
		s.send(tea.KeyPressMsg{Code: []rune(k)[0], Text: k})
	}
}

// frame is the screen as it is now.
func (s *screen) frame() string {
	s.m.dirty, s.m.urgent = true, true
	return s.m.View().Content
}

var sequences = regexp.MustCompile("\x1b\\[[0-9;]*m")

// text is the screen without its styles.
func (s *screen) text() string { return sequences.ReplaceAllString(s.frame(), "") }

// has fails unless each of texts is on the screen.
func (s *screen) has(texts ...string) {
	s.t.Helper()
	for _, want := range texts {
		if got := s.text(); !strings.Contains(got, want) {
			s.t.Errorf("%q is not on the screen:\n%s", want, got)
		}
	}
}

// lacks fails if one of texts is on the screen.
func (s *screen) lacks(texts ...string) {
	s.t.Helper()
	for _, not := range texts {
		if got := s.text(); strings.Contains(got, not) {
			s.t.Errorf("%q is on the screen:\n%s", not, got)
		}
	}
}

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(strings.ReplaceAll(string(want), "\r\n", "\n"), "\n"), strings.Split(got+"\n", "\n")); d != "" {
		t.Errorf("%s (-want +got, go test -update writes it anew):\n%s", path, d)
	}
}
