package stream

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"modtap/recorder"
)

// A watcher is a viewer as the page is one: it keeps the newest snapshot of each thing, asks
// for a snapshot when events were lost, and comes back when the connection breaks.
type watcher struct {
	dial  func(query string) *websocket.Conn
	query string // of every connection
	state map[key]string
	since uint64

	dials, lost, snapshots int
}

// watch follows until the session has ended. sleep is called after each frame.
func (w *watcher) watch(sleep func()) error {
	w.state = map[key]string{}
	for {
		w.dials++
		q := "?" + w.query
		if w.since > 0 {
			q += "&since=" + strconv.FormatUint(w.since, 10)
		}
		err := w.follow(w.dial(q), sleep)
		if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			return nil
		}
		if w.dials > 50 {
			return err
		}
		time.Sleep(300 * time.Millisecond)
	}
}

func (w *watcher) follow(conn *websocket.Conn, sleep func()) error {
	defer conn.Close()
	var h Hello
	if err := conn.ReadJSON(&h); err != nil {
		return err
	}
	stale := false
	for {
		var b Batch
		if err := conn.ReadJSON(&b); err != nil {
			return err
		}
		for _, e := range b.Events {
			text, err := json.Marshal(e)
			if err != nil {
				return err
			}
			w.state[keyOf(e)] = string(text)
		}
		if b.Lost > 0 {
			w.lost++
			stale = true
			_ = conn.WriteJSON(ClientMessage{Snapshot: true}) // a broken stream shows when it is read
		}
		if b.Snapshot && b.Seq > 0 {
			w.snapshots++
			stale = false
		}
		if w.since = b.Seq; stale {
			w.since = 0
		}
		sleep()
	}
}

// stateOf is what a viewer of log should hold.
func stateOf(t *testing.T, log *recorder.Log, f flavour) map[key]string {
	t.Helper()
	events, _ := log.Snapshot()
	state := map[key]string{}
	for _, e := range events {
		text, err := json.Marshal(f.of(e))
		if err != nil {
			t.Fatal(err)
		}
		state[keyOf(e)] = string(text)
	}
	return state
}

// traffic appends what n requests are made of, over about a minute and a half; in bursts,
// so that viewers fall behind in the middle.
func traffic(log *recorder.Log, n uint64) {
	rnd := rand.New(rand.NewPCG(1, 2))
	log.Append(recorder.Event{Session: &recorder.Session{ID: "a"}})
	x := func(id uint64, status int, done bool) recorder.Event {
		return recorder.Event{Exchange: &recorder.Exchange{
			ID: id, Status: status, Done: done, URL: fmt.Sprintf("https://proxy.test/%d", id),
			Response: recorder.Message{Header: []recorder.Header{{Name: "Server", Value: strings.Repeat("s", 400)}}, BodySize: int64(rnd.IntN(1e6))},
		}}
	}
	for id := range n {
		id++
		log.Append(x(id, 0, false))
		log.Append(recorder.Event{Conn: &recorder.Conn{ID: id/50 + 1, Exchanges: int(id)}})
		for range rnd.IntN(40) {
			log.Append(x(id, 200, false))
		}
		if id > 5 {
			log.Append(x(id-5, 200, true))
		}
		if id%2 == 0 {
			time.Sleep(time.Duration(rnd.IntN(240)) * time.Millisecond)
		}
	}
	log.Append(recorder.Event{Finding: &recorder.Finding{ID: "serial-info"}})
	log.Append(recorder.Event{End: &recorder.End{At: 5}})
	log.Close()
}

// A viewer is one of TestViewersAgree.
type viewer struct {
	name    string
	watcher watcher
	flavour flavour
	after   time.Duration // when it comes
	sleep   func()        // after each frame
}

// One from the beginning, one that joins late, one that sleeps for a minute, one behind a
// slow line, brief ones, and one that never reads: when the session is over, all but the
// last hold what the Log holds.
func TestViewersAgree(t *testing.T) {
	bubble(t, func(t *testing.T, log *recorder.Log, p *pipes) {
		never := p.dial(t, "")
		defer never.Close()
		dial := func(q string) *websocket.Conn { return p.dial(t, q) }
		var slept bool
		nap := func() {
			if !slept && log.Seq() > 3000 {
				slept = true
				time.Sleep(time.Minute)
			}
		}
		slow := func() { time.Sleep(writeWait - time.Second) }
		awake := func() {}
		viewers := []viewer{
			{"from the beginning", watcher{query: ""}, whole, 0, awake},
			{"brief", watcher{query: "brief=1"}, brief, 0, awake},
			{"late", watcher{query: "brief=1"}, brief, 30 * time.Second, awake},
			{"sleeps", watcher{query: ""}, whole, 0, nap},
			{"slow", watcher{query: "brief=0"}, whole, time.Second, slow},
		}
		done := make(chan error)
		for i := range viewers {
			v := &viewers[i]
			v.watcher.dial = dial
			go func() {
				time.Sleep(v.after)
				done <- v.watcher.watch(v.sleep)
			}()
		}
		time.Sleep(time.Second)
		begin := time.Now()
		traffic(log, 1500)
		if d := time.Since(begin); d < 80*time.Second {
			t.Fatalf("the session took %v: too short for a viewer to sleep a minute in it", d)
		}
		for range viewers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		for i := range viewers {
			v := &viewers[i]
			t.Logf("%s: %d connections, %d times lost, %d snapshots", v.name, v.watcher.dials, v.watcher.lost, v.watcher.snapshots)
			if d := cmp.Diff(stateOf(t, log, v.flavour), v.watcher.state); d != "" {
				t.Errorf("%s: %.2000s", v.name, d)
			}
		}
		if s := viewers[3].watcher; !slept || s.dials < 2 {
			t.Errorf("the sleeper was not cut off: %d connections", s.dials)
		}
		if s := viewers[4].watcher; s.lost == 0 {
			t.Error("the slow one lost nothing")
		}
		time.Sleep(writeWait)
		if _, _, err := never.ReadMessage(); err == nil {
			t.Error("the one that never reads was not cut off")
		}
	})
}

// A hub works only while it has clients.
func TestHubRests(t *testing.T) {
	log := recorder.NewLog()
	h := &hub{log: log, live: t.Context()}
	a := h.join(0)
	if b := h.join(0); a != b {
		t.Error("the second client has a feed of its own")
	}
	h.leave()
	if isClosed(a.done) {
		t.Error("the feed ended before its last client left")
	}
	h.leave()
	if !isClosed(a.done) || h.feed != nil {
		t.Error("the feed goes on without clients")
	}
	log.Append(exchange(1, 200))
	c := h.join(0)
	defer h.leave()
	if c == a {
		t.Fatal("an ended feed was joined")
	}
	next := c.after(0)
	<-next.ready
	if got := c.after(0).packet.seq; got != 1 {
		t.Errorf("a new feed has %d, want 1", got)
	}
}

// A feed that is not wanted ends although events never stop.
func TestFeedStopsInAFlood(t *testing.T) {
	log := recorder.NewLog()
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for i := 1; !isClosed(quit); i++ {
			log.Append(exchange(uint64(i), 200))
		}
	}()
	f := startFeed(t.Context(), log, brief, 0)
	<-f.after(0).ready
	f.stop()
	close(quit)
	<-ended
}

var afterTests = []struct {
	name   string
	known  uint64
	seq    uint64 // of the packet that is next; 0: none
	missed uint64
}{
	{"before the ring", 9, 0, 10},
	{"at its beginning", 10, 20, 0},
	{"inside its first packet", 15, 20, 0},
	{"between two", 20, 21, 0},
	{"inside the last", 25, 30, 0},
	{"all known", 30, 0, 0},
	{"more than it has, from a snapshot", 35, 0, 0},
}

func TestFeedAfter(t *testing.T) {
	f := &feed{from: 10, seq: 30, news: make(chan struct{}), ring: []packet{{prev: 10, seq: 20}, {prev: 20, seq: 21}, {prev: 21, seq: 30}}}
	for _, tt := range afterTests {
		t.Run(tt.name, func(t *testing.T) {
			next := f.after(tt.known)
			if next.packet.seq != tt.seq || next.missed != tt.missed || next.err != nil {
				t.Errorf("got packet %d, missed %d, %v; want %d, %d", next.packet.seq, next.missed, next.err, tt.seq, tt.missed)
			}
		})
	}
}

// What a client missed comes from the Log as far as that still has it; never is anything
// said to be lost that the feed has.
var missedTests = []struct {
	name    string
	seq, to uint64
	lost    uint64
}{
	{"the Log has all", 4000, 4500, 0},
	{"some is lost", 3000, 4500, 976},
	{"all is lost", 100, 300, 200},
	{"one event", 4999, 5000, 0},
}

func TestMissed(t *testing.T) {
	log := recorder.NewLog()
	for id := range uint64(5000) { // the Log keeps the last 1,024 for those who come back
		log.Append(exchange(id+1, 200))
	}
	for _, tt := range missedTests {
		t.Run(tt.name, func(t *testing.T) {
			prev, lost := tt.seq, uint64(0)
			for _, b := range missed(log, whole, tt.seq, tt.to) {
				p, err := b.pack(prev)
				if err != nil {
					t.Fatal(err)
				}
				prev = p.seq
				lost += p.lost
			}
			if prev != tt.to || lost != tt.lost {
				t.Errorf("up to %d with %d lost, want %d with %d", prev, lost, tt.to, tt.lost)
			}
		})
	}
}

// Clients that ask at the same moment are given one snapshot, encoded once.
func TestSnapshotIsShared(t *testing.T) {
	log := recorder.NewLog()
	log.Append(exchange(1, 200))
	h := &hub{log: log, live: t.Context()}
	a, b := h.snapshot(0), h.snapshot(1)
	if a != b {
		t.Error("two snapshots of one moment")
	}
	first, err := a.frame(0)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := b.frame(0); again != first {
		t.Error("encoded twice")
	}
	log.Append(exchange(1, 404))
	c := h.snapshot(2) // this client knows more than the first snapshot
	if c == a || c.seq != 2 {
		t.Errorf("got a snapshot of %d, want 2", c.seq)
	}
	c.taken = c.taken.Add(-time.Hour)
	d := h.snapshot(2) // nothing has happened for an hour, as in a recording
	if d != c {
		t.Error("two snapshots of one state")
	}
	for _, s := range []*snapshot{a, b, c, d} {
		h.release(s)
	}
	if h.shared != nil {
		t.Error("a snapshot is kept that nobody wants")
	}
}

// A client that was told of lost events gets the state when the session ends, for it may not
// have come to ask; and it then knows everything up to there.
func TestSnapshotAtTheEnd(t *testing.T) {
	log := recorder.NewLog()
	log.Append(exchange(1, 200))
	log.Close()
	done := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			done <- err
			return
		}
		defer conn.Close()
		c := session{conn: conn, hub: &hub{log: log, live: t.Context()}, stale: true}
		err = c.take(step{err: io.EOF})
		if c.seq != 1 || c.stale {
			t.Errorf("it knows what happened up to %d, stale %v", c.seq, c.stale)
		}
		done <- err
	}))
	defer server.Close()
	conn, _, err := websocket.DefaultDialer.Dial(strings.Replace(server.URL, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var b Batch
	if err := conn.ReadJSON(&b); err != nil || !b.Snapshot || b.Seq != 1 || len(b.Events) != 1 {
		t.Errorf("got %+v, %v", b, err)
	}
	if err := <-done; err != io.EOF {
		t.Errorf("the stream goes on: %v", err)
	}
}

// Frames are cut by their weight, too, and a brief one has no headers.
func TestWeight(t *testing.T) {
	log := recorder.NewLog()
	for id := range uint64(200) {
		log.Append(recorder.Event{Exchange: &recorder.Exchange{ID: id + 1, Response: recorder.Message{
			Header:  []recorder.Header{{Name: "X", Value: strings.Repeat("h", 10_000)}},
			Trailer: []recorder.Header{{Name: "Y", Value: "t"}},
		}}})
	}
	if n := len(newSnapshot(log, whole).batches); n < 7 || n > 9 {
		t.Errorf("2 MB of headers in %d frames, want about 8", n)
	}
	short := newSnapshot(log, brief)
	if n := len(short.batches); n != 1 {
		t.Errorf("brief: %d frames, want 1", n)
	}
	b := batch{flavour: brief}
	for _, x := range log.Exchanges(0) {
		b.add(recorder.Event{Exchange: x})
	}
	p, err := b.pack(0)
	if err != nil {
		t.Fatal(err)
	}
	if p.size > maxWeight {
		t.Errorf("brief: %d bytes", p.size)
	}
	if x := log.Exchange(1); len(x.Response.Header) != 1 {
		t.Error("the Log's own exchange lost its headers")
	}
}

// weigh is near enough to what an event takes.
func TestWeigh(t *testing.T) {
	x := &recorder.Exchange{
		ID: 1, Start: time.Now(), Method: "GET", URL: "https://proxy.golang.org/golang.org/x/text/@v/v0.43.0.zip", Proto: "HTTP/2.0",
		Remote: "142.250.74.113:443", Status: 200, Done: true, Server: recorder.Marks{WroteHeaders: 1e6, FirstByte: 2e6, LastByte: 3e6, End: 3e6},
		Response: recorder.Message{HeaderSize: 420, BodySize: 123456, Mime: "application/zip", SHA256: strings.Repeat("a", 64)},
	}
	for i := range 12 {
		x.Response.Header = append(x.Response.Header, recorder.Header{Name: "Cache-Control", Value: strings.Repeat("v", 10*i)})
	}
	for _, f := range []flavour{whole, brief} {
		e := recorder.Event{Exchange: x}
		text, err := json.Marshal(f.of(e))
		if err != nil {
			t.Fatal(err)
		}
		if w := f.weigh(e); w < len(text)/2 || w > 2*len(text) {
			t.Errorf("flavour %d weighs %d, has %d bytes", f, w, len(text))
		}
	}
}
