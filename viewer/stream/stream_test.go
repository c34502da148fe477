package stream

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"

	"modtap/recorder"
)

// bubble runs f on synctest's clock against a server on an in-memory listener, and then
// shuts the server down.
func bubble(t *testing.T, f func(t *testing.T, log *recorder.Log, p *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		log, p := recorder.NewLog(), newPipes()
		s := newServer(t, Config{Log: log})
		served := make(chan error, 1)
		go func() { served <- s.Serve(p) }()
		f(t, log, p)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-served); err != nil {
			t.Error(err)
		}
	})
}

// readBatch reads the next frame of conn.
func readBatch(t *testing.T, conn *websocket.Conn) Batch {
	t.Helper()
	var b Batch
	if err := conn.ReadJSON(&b); err != nil {
		t.Fatal(err)
	}
	return b
}

func readHello(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	var h Hello
	if err := conn.ReadJSON(&h); err != nil || h.Protocol != Protocol {
		t.Fatalf("hello %+v: %v", h, err)
	}
}

// ids lists the exchanges of b.
func ids(b Batch) []uint64 {
	var list []uint64
	for _, e := range b.Events {
		list = append(list, e.Exchange.ID)
	}
	return list
}

func TestSnapshotComesInBatches(t *testing.T) {
	bubble(t, func(t *testing.T, log *recorder.Log, p *pipes) {
		for id := range uint64(600) {
			log.Append(exchange(id+1, 200))
		}
		conn := p.dial(t, "")
		defer conn.Close()
		readHello(t, conn)
		type shape struct {
			Events int
			Seq    uint64
			First  uint64
		}
		var got []shape
		for range 3 {
			b := readBatch(t, conn)
			got = append(got, shape{len(b.Events), b.Seq, ids(b)[0]})
		}
		want := []shape{{256, 0, 1}, {256, 0, 257}, {88, 600, 513}}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	})
}

// A burst is cut into frames of 256 that are sent at once; what is left waits.
func TestBurst(t *testing.T) {
	bubble(t, func(t *testing.T, log *recorder.Log, p *pipes) {
		conn := p.dial(t, "")
		defer conn.Close()
		readHello(t, conn)
		begin := time.Now()
		for id := range uint64(1000) {
			log.Append(exchange(id+1, 200))
		}
		var n int
		var last Batch
		for n < 1000 {
			last = readBatch(t, conn)
			if len(last.Events) > maxBatch {
				t.Fatalf("%d events in a frame", len(last.Events))
			}
			n += len(last.Events)
		}
		if n != 1000 || last.Seq != 1000 {
			t.Errorf("%d events up to %d, want 1000", n, last.Seq)
		}
		if d := time.Since(begin); d > maxDelay {
			t.Errorf("took %v, want at most %v", d, maxDelay)
		}
	})
}

// A client that takes nothing is cut off after the write deadline; meanwhile the other
// one misses nothing and Append does not wait.
func TestStuckClient(t *testing.T) {
	bubble(t, func(t *testing.T, log *recorder.Log, p *pipes) {
		stuck := p.dial(t, "")
		defer stuck.Close()
		good := p.dial(t, "")
		defer good.Close()
		readHello(t, good)
		begin := time.Now()
		for id := range uint64(20) {
			log.Append(exchange(id+1, 200))
			time.Sleep(maxDelay)
			if got := ids(readBatch(t, good)); len(got) != 1 || got[0] != id+1 {
				t.Fatalf("good client got %v, want %d", got, id+1)
			}
		}
		if d := time.Since(begin); d != 20*maxDelay {
			t.Errorf("good client's 20 events took %v, want %v", d, 20*maxDelay)
		}
		time.Sleep(writeWait)
		if _, _, err := stuck.ReadMessage(); err == nil {
			t.Error("stuck client was not cut off")
		}
	})
}

// A client that falls behind by more than the Log holds is told so, and its snapshot
// makes it whole.
func TestOvertaken(t *testing.T) {
	bubble(t, func(t *testing.T, log *recorder.Log, p *pipes) {
		conn := p.dial(t, "")
		defer conn.Close()
		readHello(t, conn)
		const total = 100_000
		for i := range total { // the client reads nothing, for less than the write deadline
			log.Append(exchange(uint64(i%10+1), i+1))
			if i%1000 == 0 {
				synctest.Wait()
			}
		}
		var lost uint64
		var last Batch
		for last.Seq < total {
			last = readBatch(t, conn)
			lost += last.Lost
		}
		if lost == 0 {
			t.Fatal("nothing lost")
		}
		if err := conn.WriteJSON(ClientMessage{Snapshot: true}); err != nil {
			t.Fatal(err)
		}
		b := readBatch(t, conn)
		if !b.Snapshot || b.Seq != total || b.Lost != 0 || len(b.Events) != 10 {
			t.Errorf("snapshot %v, seq %d, lost %d, %d events", b.Snapshot, b.Seq, b.Lost, len(b.Events))
		}
	})
}

// take is asked about chunks that a snapshot overtook.
var takeTests = []struct {
	name   string
	known  uint64 // the client's seq
	first  uint64 // of the chunk
	last   uint64
	lost   uint64
	want   []uint64
	missed uint64
}{
	{"all new", 0, 1, 3, 0, []uint64{1, 2, 3}, 0},
	{"all in the snapshot", 5, 1, 3, 0, nil, 0},
	{"half in the snapshot", 2, 1, 4, 0, []uint64{3, 4}, 0},
	{"lost before the chunk", 0, 11, 12, 10, []uint64{11, 12}, 10},
	{"lost, but in the snapshot", 10, 11, 12, 10, []uint64{11, 12}, 0},
	{"lost, partly in the snapshot", 4, 11, 12, 10, []uint64{11, 12}, 6},
	{"lost and all in the snapshot", 12, 11, 12, 10, nil, 0},
}

func TestTake(t *testing.T) {
	for _, tt := range takeTests {
		t.Run(tt.name, func(t *testing.T) {
			s := &session{seq: tt.known, last: time.Now()}
			c := chunk{lost: tt.lost}
			for id := tt.first; id <= tt.last; id++ {
				e := exchange(id, 200)
				e.Seq = id
				c.events = append(c.events, e)
			}
			due := time.NewTimer(time.Hour)
			defer due.Stop()
			if err := s.take(c, due); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, ids(Batch{Events: s.batch.events})); d != "" {
				t.Error(d)
			}
			if s.batch.lost != tt.missed {
				t.Errorf("lost %d, want %d", s.batch.lost, tt.missed)
			}
		})
	}
}

// Pings keep an idle client; one that does not answer goes.
func TestKeepalive(t *testing.T) {
	bubble(t, func(t *testing.T, _ *recorder.Log, p *pipes) {
		conn, silent := p.dial(t, ""), p.dial(t, "")
		defer conn.Close()
		defer silent.Close()
		readHello(t, conn)
		readHello(t, silent)
		var pings []time.Duration
		begin := time.Now()
		pong := conn.PingHandler()
		conn.SetPingHandler(func(data string) error {
			pings = append(pings, time.Since(begin))
			return pong(data)
		})
		silent.SetPingHandler(func(string) error { return nil })
		gone := make(chan time.Duration, 1)
		go func() {
			_, _, _ = silent.ReadMessage()
			gone <- time.Since(begin)
		}()
		read := make(chan error, 1)
		go func() { _, _, err := conn.ReadMessage(); read <- err }()
		time.Sleep(3*pingEvery + time.Second)
		if got := <-gone; got < pongWait || got > pongWait+closeWait {
			t.Errorf("silent client went after %v, want %v", got, pongWait)
		}
		conn.Close()
		<-read
		if d := cmp.Diff([]time.Duration{pingEvery, 2 * pingEvery, 3 * pingEvery}, pings); d != "" {
			t.Error(d)
		}
	})
}

// Shutdown before the end closes with 1001, but gives what is there first.
func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, p := recorder.NewLog(), newPipes()
		s := newServer(t, Config{Log: log})
		served := make(chan error, 1)
		go func() { served <- s.Serve(p) }()
		conn := p.dial(t, "")
		readHello(t, conn)
		log.Append(exchange(1, 200))
		readBatch(t, conn)
		log.Append(exchange(2, 200)) // would wait for 100 ms
		synctest.Wait()
		down := make(chan error, 1)
		go func() { down <- s.Shutdown(t.Context()) }()
		if got := ids(readBatch(t, conn)); len(got) != 1 || got[0] != 2 {
			t.Errorf("got %v, want 2", got)
		}
		if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
			t.Errorf("read: %v, want close 1001", err)
		}
		conn.Close()
		if err := errors.Join(<-down, <-served); err != nil {
			t.Error(err)
		}
	})
}

// Shutdown does not wait for a stuck client longer than its context.
func TestShutdownCutsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, p := recorder.NewLog(), newPipes()
		s := newServer(t, Config{Log: log})
		served := make(chan error, 1)
		go func() { served <- s.Serve(p) }()
		conn := p.dial(t, "")
		defer conn.Close()
		synctest.Wait() // the server is writing its hello, which nobody reads
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		_ = s.Shutdown(ctx)
		if d := time.Since(begin); d != time.Second {
			t.Errorf("took %v, want 1s", d)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

var messageTests = []struct {
	text string
	want bool // a snapshot is asked for
	ok   bool
}{
	{`{"snapshot":true}`, true, true},
	{` {"snapshot" : true} ` + "\n", true, true},
	{`{"snapshot":false}`, false, true},
	{`{}`, false, true},
	{`{"later":[1,2]}`, false, true},
	{``, false, false},
	{`null`, false, false},
	{`true`, false, false},
	{`[]`, false, false},
	{`"snapshot"`, false, false},
	{`{"snapshot":"yes"}`, false, false},
	{`{"snapshot":true`, false, false},
	{`{"snapshot":true}{}`, false, false},
	{`{"snapshot":true},`, false, false},
	{"{\"snapshot\":true}\x00", false, false},
	{"\f{}", false, false},
	{"{}\u00a0", false, false},
}

func TestClientMessage(t *testing.T) {
	for _, tt := range messageTests {
		m, err := parseClientMessage([]byte(tt.text))
		if (err == nil) != tt.ok || m.Snapshot != tt.want {
			t.Errorf("%q: %+v, %v", tt.text, m, err)
		}
	}
}

// What is accepted is one JSON object, and means the same when it is written again.
func FuzzClientMessage(f *testing.F) {
	for _, tt := range messageTests {
		f.Add([]byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseClientMessage(text)
		if err != nil {
			if m != (ClientMessage{}) {
				t.Errorf("%+v beside an error", m)
			}
			return
		}
		var any map[string]any
		if err := json.Unmarshal(text, &any); err != nil || any == nil {
			t.Fatalf("accepted what is no object: %v", err)
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if m2, err := parseClientMessage(again); err != nil || m2 != m {
			t.Errorf("%s: %+v, %v", again, m2, err)
		}
	})
}
