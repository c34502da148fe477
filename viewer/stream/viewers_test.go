package stream

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
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
