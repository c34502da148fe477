package origintest

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const m0 = "/example.golang.test/m0/@v/"

// got is what a client sees of one request.
type got struct {
	Status   int
	Body     int    // bytes
	Err      string // "" or the part of an error that matters
	Header   time.Duration
	First    time.Duration
	Last     time.Duration
	response *http.Response
	text     []byte
}

func get(c *http.Client, url string) got {
	start := time.Now()
	resp, err := c.Get(url)
	if err != nil {
		return got{Err: err.Error(), Header: time.Since(start)}
	}
	defer resp.Body.Close()
	g := got{Status: resp.StatusCode, Header: time.Since(start), response: resp}
	var one [1]byte
	n, err := io.ReadFull(resp.Body, one[:])
	g.First = time.Since(start)
	if err == nil {
		g.text, err = io.ReadAll(resp.Body)
	}
	g.Last = time.Since(start)
	g.text = append(one[:n], g.text...)
	g.Body = len(g.text)
	if err != nil && err != io.EOF {
		g.Err = err.Error()
	}
	return g
}

var protoTests = []struct {
	name  string
	alpn  string
	proto string
}{
	{"h2", "h2", "HTTP/2.0"},
	{"h1", "http/1.1", "HTTP/1.1"},
}

var failureTests = []struct {
	fail   Failure
	h1, h2 string // part of the client's error; "|" separates alternatives
	body   int    // bytes before it
	status int
}{
	// Linux reports a reset once: if a write of the HTTP/2 client gets it, its read sees EOF.
	{Reset, "connection reset by peer", "connection reset by peer|EOF", 0, 0},
	{Close, "EOF", "EOF", 0, 0},
	{Abort, "EOF", "INTERNAL_ERROR", 0, 0},
	{ResetBody, "connection reset by peer", "connection reset by peer|EOF", 500, 200},
	{CloseBody, "unexpected EOF", "EOF", 500, 200},
	{AbortBody, "unexpected EOF", "INTERNAL_ERROR", 500, 200},
	{ShortBody, "unexpected EOF", "unexpected EOF", 500, 200},
}

// said reports whether the error text is the one wanted: "" for none, "|" between
// alternatives, in the words of Linux for errors of the system.
func said(text, want string) bool {
	if text == "" || want == "" {
		return text == want
	}
	if runtime.GOOS == "windows" {
		want = strings.ReplaceAll(want, "connection reset by peer", "forcibly closed by the remote host")
		want = strings.ReplaceAll(want, "connection refused", "actively refused")
	}
	return slices.ContainsFunc(strings.Split(want, "|"), func(w string) bool { return strings.Contains(text, w) })
}

func TestFailures(t *testing.T) {
	o := Start(t, Config{})
	for _, p := range protoTests {
		for _, tt := range failureTests {
			t.Run(p.name+"/"+string(tt.fail), func(t *testing.T) {
				o.Forget()
				o.SetKnobs(Knob{Match: Match{Suffix: "/1000"}, Fail: tt.fail})
				g := get(o.Client(p.alpn), o.URL()+"/bytes/1000")
				want := map[string]string{"h1": tt.h1, "h2": tt.h2}[p.name]
				if !said(g.Err, want) {
					t.Errorf("error %q, want %q in it", g.Err, want)
				}
				if g.Status != tt.status || g.Body != tt.body {
					t.Errorf("status %d, %d bytes; want %d, %d", g.Status, g.Body, tt.status, tt.body)
				}
				r := only(t, o)
				if r.Fault != tt.fail || r.Gone || r.Sent != int64(tt.body) || r.Status != tt.status {
					t.Errorf("record: %+v", r)
				}
			})
		}
	}
}

// only returns the record of the one request that was made, when it is complete.
func only(t *testing.T, o *Origin) Request {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := o.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	rs := o.Requests()
	if len(rs) != 1 {
		t.Fatalf("%d requests were recorded, want 1: %+v", len(rs), rs)
	}
	return rs[0]
}

func TestStallsEndWhenTheClientGoes(t *testing.T) {
	o := Start(t, Config{})
	for _, p := range protoTests {
		for _, fail := range []Failure{Stall, StallBody} {
			t.Run(p.name+"/"+string(fail), func(t *testing.T) {
				o.Forget()
				o.SetKnobs(Knob{Fail: fail})
				c := o.Client(p.alpn)
				c.Timeout = 200 * time.Millisecond
				if g := get(c, o.URL()+"/bytes/1000"); !strings.Contains(g.Err, "Timeout") {
					t.Errorf("error %q, want a timeout", g.Err)
				}
				if r := only(t, o); !r.Gone || r.Fault != fail {
					t.Errorf("record: %+v", r)
				}
			})
		}
	}
}

// The delays are real time on a machine that may be busy: an answer must never be early, and
// must be in time in one of a few attempts.
var delayTests = []struct {
	name                string
	knob                Knob
	header, first, last time.Duration
}{
	{"none", Knob{}, 0, 0, 0},
	{"before the headers", Knob{FirstByte: 150 * time.Millisecond}, 150 * time.Millisecond, 150 * time.Millisecond, 150 * time.Millisecond},
	{"after the first byte", Knob{BodyDelay: 150 * time.Millisecond}, 0, 0, 150 * time.Millisecond},
	{"a rate", Knob{Rate: 100_000}, 0, 0, 200 * time.Millisecond},
	{"all of them", Knob{ReadDelay: 50 * time.Millisecond, FirstByte: 50 * time.Millisecond, BodyDelay: 50 * time.Millisecond, Rate: 200_000},
		100 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond},
}

func TestDelays(t *testing.T) {
	o := Start(t, Config{})
	for _, p := range protoTests {
		for _, tt := range delayTests {
			t.Run(p.name+"/"+tt.name, func(t *testing.T) {
				inTime(t, func() []delay {
					o.SetKnobs()
					c := o.Client(p.alpn)
					get(c, o.URL()+"/bytes/1") // the connection
					o.Forget()
					o.SetKnobs(tt.knob)
					g := get(c, o.URL()+"/bytes/20000")
					if g.Status != 200 || g.Body != 20000 || g.Err != "" {
						t.Fatalf("status %d, %d bytes, %s", g.Status, g.Body, g.Err)
					}
					r := only(t, o)
					return []delay{
						{"headers", g.Header, tt.header},
						{"first byte", g.First, tt.first},
						{"last byte", g.Last, tt.last},
						{"record of the headers", r.Answered.Sub(r.Arrived), tt.header},
						{"record of the end", r.Done.Sub(r.Arrived), tt.last},
					}
				})
			})
		}
	}
}

type delay struct {
	what      string
	got, want time.Duration
}

// inTime measures until the best time of every delay is at most 60 ms too long. A starved
// machine makes some measurements late, but not all; an early one is always wrong.
func inTime(t *testing.T, measure func() []delay) {
	t.Helper()
	const slack, attempts = 60 * time.Millisecond, 10
	var best []delay
	for range attempts {
		ds := measure()
		if best == nil {
			best = ds
		}
		for i, d := range ds {
			if d.got < d.want {
				t.Errorf("%s after %v, which is before %v", d.what, d.got, d.want)
			}
			best[i].got = min(best[i].got, d.got)
		}
		if !slices.ContainsFunc(best, func(d delay) bool { return d.got > d.want+slack }) {
			break
		}
	}
	for _, d := range best {
		if d.got > d.want+slack {
			t.Errorf("%s after %v, want %v", d.what, d.got, d.want)
		}
		t.Logf("%s: %v + %v", d.what, d.want, d.got-d.want)
	}
}

func TestSkipAndTimes(t *testing.T) {
	o := Start(t, Config{Knobs: []Knob{{Match: Match{Kind: "list", Skip: 1, Times: 2}, Status: 503}}})
	c := o.Client()
	var statuses []int
	for range 5 {
		statuses = append(statuses, get(c, o.URL()+m0+"list").Status)
		get(c, o.URL()+m0+"v1.0.0.info") // does not count
	}
	if diff := cmp.Diff([]int{200, 503, 503, 200, 200}, statuses); diff != "" {
		t.Error(diff)
	}
}

func TestCloseEvery(t *testing.T) {
	for _, p := range protoTests {
		t.Run(p.name, func(t *testing.T) {
			o := Start(t, Config{Knobs: []Knob{{CloseEvery: 3}}})
			c := o.Client(p.alpn)
			for range 9 {
				if g := get(c, o.URL()+m0+"list"); g.Err != "" {
					t.Fatal(g.Err)
				}
			}
			if o.Conns() != 3 || o.Handshakes() != 3 {
				t.Errorf("%d connections, %d handshakes; want 3", o.Conns(), o.Handshakes())
			}
		})
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	for _, p := range protoTests {
		t.Run(p.name, func(t *testing.T) {
			o := Start(t, Config{Idle: 50 * time.Millisecond})
			c := o.Client(p.alpn)
			get(c, o.URL()+m0+"list")
			deadline := time.Now().Add(5 * time.Second)
			for o.Stats().Conns[0].Closed.IsZero() {
				if time.Now().After(deadline) {
					t.Fatal("still open")
				}
				time.Sleep(5 * time.Millisecond) // until the server's timer has run
			}
			if g := get(c, o.URL()+m0+"list"); g.Err != "" || o.Conns() != 2 {
				t.Errorf("%s, %d connections", g.Err, o.Conns())
			}
		})
	}
}

func TestForgetGoesOnCounting(t *testing.T) {
	o := Start(t, Config{})
	c := o.Client()
	get(c, o.URL()+m0+"list")
	o.Forget()
	get(c, o.URL()+m0+"list")
	get(o.Client(), o.URL()+m0+"list")
	var ids [][2]int
	for _, r := range o.Requests() {
		ids = append(ids, [2]int{r.ID, r.Conn})
	}
	if diff := cmp.Diff([][2]int{{2, 1}, {3, 2}}, ids); diff != "" || o.Conns() != 1 {
		t.Errorf("%d connections, requests %s", o.Conns(), diff)
	}
}

func TestCloseCutsWhatIsOpen(t *testing.T) {
	o, err := New(Config{Knobs: []Knob{{Fail: Stall}}, Handshakes: []Handshake{{Host: "slow.*", Fail: HandshakeStall}}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan string, 2)
	go func() { done <- get(o.Client("http/1.1"), o.URL()).Err }()
	go func() { done <- get(o.Client(), o.HostURL("slow.golang.test")).Err }()
	for o.Conns() < 2 || len(o.Requests()) < 1 {
		time.Sleep(time.Millisecond) // until both hang
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-done; err == "" {
			t.Error("no error")
		}
	}
	if _, err := net.Dial("tcp", o.Addr()); err == nil {
		t.Error("still listening")
	}
}
