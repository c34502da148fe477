package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
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
		s := newServer(t, Config{Source: Source{Log: log}})
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

// A client that falls behind by more than the ring holds is told so, and its snapshot
// makes it whole.
func TestOvertaken(t *testing.T) {
	bubble(t, func(t *testing.T, log *recorder.Log, p *pipes) {
		conn := p.dial(t, "")
		defer conn.Close()
		readHello(t, conn)
		const total = 2 * maxRing * maxBatch
		for i := range total { // the client reads nothing, for less than the write deadline
			log.Append(exchange(uint64(i%maxBatch+1), i+1))
			if i%1000 == 0 {
				synctest.Wait()
			}
			if i%maxBatch == maxBatch-1 {
				time.Sleep(time.Millisecond)
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
		if !b.Snapshot || b.Seq != total || b.Lost != 0 || len(b.Events) != maxBatch {
			t.Errorf("snapshot %v, seq %d, lost %d, %d events", b.Snapshot, b.Seq, b.Lost, len(b.Events))
		}
	})
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
		s := newServer(t, Config{Source: Source{Log: log}})
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
		s := newServer(t, Config{Source: Source{Log: log}})
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

// Nor does it leave somebody behind who takes an answer slowly.
func TestShutdownCutsOffAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes()
		var closed atomic.Bool
		s := newServer(t, Config{Source: Source{Log: recorder.NewLog(), Close: func() { closed.Store(true) }}})
		served := make(chan error, 1)
		go func() { served <- s.Serve(p) }()
		conn, server := net.Pipe()
		defer conn.Close()
		p.conns <- server
		fmt.Fprintf(conn, "GET /api/recording HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n\r\n", token)
		synctest.Wait() // the server is writing its answer, which nobody reads
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown: %v", err)
		}
		if _, err := io.ReadAll(conn); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // at once
			t.Error(err)
		}
		synctest.Wait()
		if !closed.Load() {
			t.Error("the source is not closed: somebody is still being answered")
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

// What one client says wrong closes that one; the others and the Log do not notice.
func TestMalformedClosesOne(t *testing.T) {
	bubble(t, func(t *testing.T, log *recorder.Log, p *pipes) {
		good := p.dial(t, "")
		defer good.Close()
		readHello(t, good)
		for i, text := range []string{"{", "null", `{"x":"` + strings.Repeat("x", maxMessage) + `"}`, strings.Repeat("[", maxMessage/2)} {
			bad := p.dial(t, "?since=1")
			readHello(t, bad)
			if err := bad.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
				t.Fatal(err)
			}
			var closed *websocket.CloseError
			for closed == nil {
				if _, _, err := bad.ReadMessage(); err != nil && !errors.As(err, &closed) {
					t.Fatalf("%.20q: %v, want a close frame", text, err)
				}
			}
			if closed.Code != websocket.CloseUnsupportedData && closed.Code != websocket.CloseMessageTooBig {
				t.Errorf("%.20q: closed with %d", text, closed.Code)
			}
			bad.Close()
			log.Append(exchange(uint64(i+1), 200))
			if got := ids(readBatch(t, good)); len(got) != 1 || got[0] != uint64(i+1) {
				t.Errorf("%.20q: the good client got %v, want %d", text, got, i+1)
			}
		}
	})
}
