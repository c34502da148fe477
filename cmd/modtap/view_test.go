package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"modtap/recorder"
	"modtap/recorder/har"
	"modtap/recorder/har/hartest"
	"modtap/recorder/query"
	"modtap/viewer/stream"
)

// await waits until s has what matches, which is another goroutine's or process's to write.
func await(t *testing.T, s fmt.Stringer, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if m := re.FindStringSubmatch(s.String()); m != nil {
			return m
		}
		if time.Now().After(deadline) {
			t.Fatalf("there is no %s in\n%s", pattern, s)
		}
	}
}

// A running is a command line that runs in this process.
type running struct {
	stdout, stderr lockedBuffer
	code           chan int
	stop           context.CancelFunc
}

func runMain(t *testing.T, args ...string) *running {
	ctx, stop := context.WithCancel(t.Context())
	r := &running{code: make(chan int, 1), stop: stop}
	go func() { r.code <- Main(ctx, args, os.Environ(), strings.NewReader(""), &r.stdout, &r.stderr) }()
	t.Cleanup(stop)
	return r
}

// exits waits for the end.
func (r *running) exits(t *testing.T, want int) {
	t.Helper()
	select {
	case code := <-r.code:
		if code != want {
			t.Errorf("exit code %d, want %d:\n%s", code, want, r.stderr.String())
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("it does not end:\n%s%s", r.stdout.String(), r.stderr.String())
	}
}

// serveLog serves a viewer of log at addr, and returns the page's address.
func serveLog(t *testing.T, log *recorder.Log, addr string) (address string, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s, err := stream.New(stream.Config{Source: stream.Source{Log: log}, Token: "token"})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	return s.URL(l.Addr().String()), sync.OnceFunc(func() {
		stopServer(s)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func ended(id uint64, url string) recorder.Event {
	return recorder.Event{Exchange: &recorder.Exchange{ID: id, Method: "GET", URL: url, Status: 200, Done: true}}
}

// What is:doubled means needs the request before: a 4xx behind a redirect is no repeat.
func TestPrinterDoubled(t *testing.T) {
	q, err := query.Parse("is:doubled")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	p := newEventPrinter(&b, q)
	for _, x := range []*recorder.Exchange{
		{ID: 1, Method: "GET", URL: "https://a.test/x.info", Status: 404},
		{ID: 2, Parent: 1, Method: "GET", URL: "https://a.test/x.info", Status: 404},
		{ID: 3, Method: "GET", URL: "https://a.test/y.zip", Status: 302},
		{ID: 4, Parent: 3, Method: "GET", URL: "https://b.test/y.zip", Status: 404},
	} {
		if err := errors.Join(p.add(recorder.Event{Exchange: x}), p.flush()); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"id":2,`) {
		t.Errorf("printed %s, want request 2 alone", got)
	}
}

// TestViewJSON follows a session that is running, over a connection that breaks: every event
// is printed once, the exchanges that match alone, and the end of the session is the end.
func TestViewJSON(t *testing.T) {
	log := recorder.NewLog()
	log.Append(recorder.Event{Session: &recorder.Session{ID: "s"}})
	log.Append(ended(1, "https://a.test/mod"))
	address, stop := serveLog(t, log, "127.0.0.1:0")
	r := runMain(t, "view", "--format", "json", "--filter", "a.test", address)
	await(t, &r.stdout, `"id":1,.*\n`)
	log.Append(ended(2, "https://b.test/mod"))
	log.Append(ended(3, "https://a.test/zip"))
	await(t, &r.stdout, `"id":3,.*\n`)
	stop()
	log.Append(ended(4, "https://a.test/info"))
	_, stop = serveLog(t, log, strings.Split(strings.TrimPrefix(address, "http://"), "/")[0])
	defer stop()
	await(t, &r.stdout, `"id":4,.*\n`)
	log.Append(recorder.Event{End: &recorder.End{At: 1}})
	log.Close()
	r.exits(t, 0)
	var got []string
	for line := range strings.Lines(r.stdout.String()) {
		var e recorder.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		switch {
		case e.Exchange != nil:
			got = append(got, fmt.Sprint("exchange ", e.Exchange.ID))
		case e.Session != nil:
			got = append(got, "session")
		case e.End != nil:
			got = append(got, "end")
		}
	}
	if diff := cmp.Diff([]string{"session", "exchange 1", "exchange 3", "exchange 4", "end"}, got); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}

// TestViewJSONSaysWhatWasLost: a follower that falls behind is told, and gets the whole state.
func TestViewJSONSaysWhatWasLost(t *testing.T) {
	log := recorder.NewLog()
	address, stop := serveLog(t, log, "127.0.0.1:0")
	defer stop()
	reader, stdout := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int, 1)
	go func() {
		code <- Main(ctx, []string{"view", "--format", "json", address}, os.Environ(), strings.NewReader(""), stdout, io.Discard)
		stdout.Close()
	}()
	log.Append(ended(1, "https://a.test/"))
	first := make([]byte, 1)
	if _, err := reader.Read(first); err != nil { // and then nothing, for a while
		t.Fatal(err)
	}
	// It is on its way all the time, so that only the whole state tells of it again.
	const last, flying = 100_000, 20_000 // more than the Log and all buffers of the connection hold
	for id := uint64(2); id <= last; id++ {
		e := ended(id, "https://a.test/"+strings.Repeat("x", 200))
		e.Exchange.Done = id != flying
		log.Append(e)
	}
	told := make(chan struct{})
	lost, newest := make(chan bool, 1), false
	go func() {
		saw, tell := false, sync.OnceFunc(func() { close(told) })
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			saw = saw || bytes.HasPrefix(lines.Bytes(), []byte(`{"lost":`))
			newest = newest || bytes.Contains(lines.Bytes(), fmt.Appendf(nil, `"id":%d,`, last))
			if bytes.Contains(lines.Bytes(), fmt.Appendf(nil, `"id":%d,`, flying)) {
				tell()
			}
		}
		lost <- saw
	}()
	select {
	case <-told:
	case <-time.After(30 * time.Second):
		t.Error("the whole state does not follow")
	}
	log.Append(recorder.Event{End: &recorder.End{At: 1}})
	log.Close()
	if got := <-lost; !got || !newest {
		t.Errorf("it says what was lost: %v, and has the newest: %v", got, newest)
	}
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
}

// TestViewJSONOfAnotherSession: what answers at the address of a session that was lost, and
// is another one, is not printed as if it were the same.
func TestViewJSONOfAnotherSession(t *testing.T) {
	log := recorder.NewLog()
	log.Append(recorder.Event{Session: &recorder.Session{ID: "s"}})
	log.Append(ended(1, "https://a.test/"))
	address, stop := serveLog(t, log, "127.0.0.1:0")
	r := runMain(t, "view", "--format", "json", address)
	await(t, &r.stdout, `"id":1,.*\n`)
	stop()
	other := recorder.NewLog()
	other.Append(recorder.Event{Session: &recorder.Session{ID: "t"}})
	other.Append(ended(2, "https://a.test/"))
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	_, stopOther := serveLog(t, other, u.Host)
	defer stopOther()
	r.exits(t, exitFailed)
	await(t, &r.stderr, `^modtap: the session was lost: another one answers at its address\n$`)
	if strings.Contains(r.stdout.String(), `"id":2,`) {
		t.Error("it prints the other one")
	}
}

// TestViewJSONOfAnEndedViewer: a session that is gone for good is status 1.
func TestViewJSONOfAnEndedViewer(t *testing.T) {
	log := recorder.NewLog()
	log.Append(ended(1, "https://a.test/"))
	address, stop := serveLog(t, log, "127.0.0.1:0")
	r := runMain(t, "view", "--format", "json", address)
	await(t, &r.stdout, `"id":1,.*\n`)
	stop()
	r.exits(t, exitFailed)
	await(t, &r.stderr, `^modtap: the session was lost: [^\n]*\n$`)
}

// TestViewFile: the page of a recording has all of it, of the 2,000 newest exchanges and of
// the others, and its diagnosis.
func TestViewFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.har")
	w, err := har.Create(path, har.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for e := range hartest.GoCommand(2100) {
		if err := w.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want, err := har.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	r := runMain(t, "view", "--no-open", "--filter", "kind:zip", path)
	address := await(t, &r.stderr, `the page is at (http://127\.0\.0\.1:\d+/\?filter=kind%3Azip&token=\S+) `)[1]
	c, err := stream.Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := map[uint64]bool{}
	for {
		b, err := c.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range b.Events {
			if x := e.Exchange; x != nil {
				got[x.ID] = true
				all := want.Exchanges[min(x.ID-1, uint64(len(want.Exchanges)-1))]
				if diff := cmp.Diff(all.Response.Header, x.Response.Header); diff != "" || x.Response.Kept != all.Response.Kept {
					t.Fatalf("request %d is not whole, kept: %t (-want +got):\n%s", x.ID, x.Response.Kept, diff)
				}
			}
		}
	}
	if len(got) != len(want.Exchanges) {
		t.Errorf("%d exchanges, want %d", len(got), len(want.Exchanges))
	}
	x, err := c.Exchange(t.Context(), want.Exchanges[7].ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Exchanges[7].Response.Header, x.Response.Header); diff != "" || len(x.Response.Header) == 0 {
		t.Errorf("headers of one (-want +got):\n%s", diff)
	}
	var report struct {
		Schema   string
		Requests struct{ Count int }
	}
	if text, err := c.Report(t.Context()); err != nil || json.Unmarshal(text, &report) != nil || report.Requests.Count != len(want.Exchanges) {
		t.Errorf("report of %d requests, %v", report.Requests.Count, err)
	}
	r.stop()
	r.exits(t, 0)
}

var latestTests = []struct {
	older, newer, want []recorder.Conn
}{
	{nil, nil, nil},
	{[]recorder.Conn{{ID: 1}, {ID: 2}}, nil, []recorder.Conn{{ID: 1}, {ID: 2}}},
	{nil, []recorder.Conn{{ID: 2}, {ID: 1}}, []recorder.Conn{{ID: 1}, {ID: 2}}},
	{[]recorder.Conn{{ID: 1}, {ID: 3}}, []recorder.Conn{{ID: 3, Closed: "idle"}, {ID: 2}}, []recorder.Conn{{ID: 1}, {ID: 2}, {ID: 3, Closed: "idle"}}},
}

func TestLatest(t *testing.T) {
	for _, tt := range latestTests {
		got := latest(tt.older, tt.newer, func(c *recorder.Conn) uint64 { return c.ID })
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%v and %v (-want +got):\n%s", tt.older, tt.newer, diff)
		}
	}
}
