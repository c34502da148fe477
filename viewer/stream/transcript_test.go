package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"modtap/recorder"
)

// TestTranscripts plays testdata/transcripts on synctest's clock. Lines:
//
//	append EVENT     to the Log
//	fill N           N snapshots of exchange 1, status = the event's sequence number
//	close-log        the session ends
//	dial [?QUERY]    a new client, that the following lines are about
//	< FRAME          the next frame has these values (others are not looked at)
//	> TEXT           the client says TEXT; binary TEXT and oversized likewise
//	wait DURATION    nobody reads
//	quiet DURATION   no frame comes
//	closed CODE      the server closes with CODE
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { playTranscript(t, string(text)) })
		})
	}
}

// A player is a transcript while it is played.
type player struct {
	log    *recorder.Log
	pipes  *pipes
	conn   *websocket.Conn
	frames chan frame
	seq    int
}

type frame struct {
	at   time.Time
	text []byte
	err  error
}

func playTranscript(t *testing.T, text string) {
	p := &player{log: recorder.NewLog(), pipes: newPipes()}
	s := newServer(t, Config{Source: Source{Log: p.log}})
	served := make(chan error, 1)
	go func() { served <- s.Serve(p.pipes) }()
	defer func() {
		p.hangUp()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-served); err != nil {
			t.Error(err)
		}
	}()
	for i, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		verb, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
		if err := p.do(t, verb, arg); err != nil {
			t.Fatalf("line %d: %s: %v", i+1, line, err)
		}
	}
}

func (p *player) do(t *testing.T, verb, arg string) error {
	switch verb {
	case "append":
		var e recorder.Event
		if err := json.Unmarshal([]byte(arg), &e); err != nil {
			return err
		}
		p.append(e)
	case "fill":
		var n int
		if _, err := fmt.Sscan(arg, &n); err != nil {
			return err
		}
		for range n {
			p.append(exchange(1, p.seq+1))
		}
	case "close-log":
		p.log.Close()
	case "dial":
		p.hangUp()
		p.conn = p.pipes.dial(t, arg)
		p.frames = make(chan frame, 100)
		go receive(p.conn, p.frames)
	case ">":
		return p.conn.WriteMessage(websocket.TextMessage, []byte(arg))
	case "binary":
		return p.conn.WriteMessage(websocket.BinaryMessage, []byte(arg))
	case "oversized":
		return p.conn.WriteMessage(websocket.TextMessage, []byte(`{"x":"`+strings.Repeat("x", maxMessage)+`"}`))
	case "wait", "quiet":
		return p.wait(verb, arg)
	case "<":
		return p.expect(arg)
	case "closed":
		synctest.Wait()
		f := p.next()
		var closed *websocket.CloseError
		if !errors.As(f.err, &closed) || fmt.Sprint(closed.Code) != arg {
			return fmt.Errorf("got %q %v", f.text, f.err)
		}
	default:
		return errors.New("unknown verb")
	}
	return nil
}

// append waits until the server has done what it does at once, so that what is sent
// together depends on the clock alone.
func (p *player) append(e recorder.Event) {
	p.seq++
	p.log.Append(e)
	if p.conn != nil {
		synctest.Wait()
	}
}

func receive(conn *websocket.Conn, frames chan<- frame) {
	for {
		_, text, err := conn.ReadMessage()
		frames <- frame{time.Now(), text, err}
		if err != nil {
			return
		}
	}
}

func (p *player) hangUp() {
	if p.conn != nil {
		p.conn.Close()
		synctest.Wait()
	}
}

func (p *player) next() frame {
	select {
	case f := <-p.frames:
		return f
	default:
		return frame{err: errors.New("no frame")}
	}
}

func (p *player) wait(verb, arg string) error {
	d, err := time.ParseDuration(arg)
	if err != nil {
		return err
	}
	time.Sleep(d)
	if verb == "wait" {
		return nil
	}
	synctest.Wait()
	if len(p.frames) > 0 {
		return fmt.Errorf("got %s", p.next().text)
	}
	return nil
}

func (p *player) expect(arg string) error {
	synctest.Wait()
	f := p.next()
	if f.err != nil {
		return f.err
	}
	var got, want any
	if err := json.Unmarshal(f.text, &got); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(arg), &want); err != nil {
		return err
	}
	if !within(got, want) {
		return fmt.Errorf("got %s", f.text)
	}
	return nil
}

// within reports whether got has all that want has; lists must be of one length.
func within(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		for k, v := range want {
			if g, has := got[k]; !has || !within(g, v) {
				return false
			}
		}
		return ok
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for i := range want {
			if !within(got[i], want[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(got, want)
}
