package stream

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/gorilla/websocket"

	"modtap/recorder"
)

// Limits of one client's stream; the first two are part of the protocol.
const (
	maxBatch   = 256                    // events in a frame
	maxDelay   = 100 * time.Millisecond // an event waits for company
	writeWait  = 5 * time.Second        // a frame must leave within
	pingEvery  = 30 * time.Second
	pongWait   = 75 * time.Second // two pings may go unanswered
	closeWait  = time.Second      // for the peer's half of a close
	maxMessage = 4 << 10          // bytes of a client's message
)

// A session is one websocket client. One goroutine (serve) writes; feed reads the Log,
// listen reads the client, and serve waits for both before it returns.
type session struct {
	conn *websocket.Conn
	log  *recorder.Log

	seq   uint64 // the client knows everything up to here
	batch batch
	last  time.Time // when the last live frame was sent
	ask   chan struct{}
}

// A chunk is what one Read of the Log gave.
type chunk struct {
	events []recorder.Event
	lost   uint64
	err    error // the last chunk: io.EOF when the session ended, or the stopping context's
}

// serve runs the stream until the session's Log ends, ctx stops it, or the client goes
// away. It gives what is in the Log before it obeys ctx.
func (s *session) serve(ctx context.Context, since uint64) error {
	s.ask = make(chan struct{}, 1)
	gone := make(chan error, 1)
	go func() { gone <- s.listen() }()

	err := s.start(since)
	if err == nil {
		err = s.stream(ctx, gone)
	}
	s.hangUp(err, gone)
	return err
}

// errGone is a client that closed or broke its side; the listener's error is inside.
type errGone struct{ error }

func (e errGone) Unwrap() error { return e.error }

// start sends the Hello and, unless the client resumes, the snapshot.
func (s *session) start(since uint64) error {
	events, seq := s.log.Snapshot()
	hello := Hello{Protocol: Protocol, Now: time.Now()}
	for _, e := range events {
		if e.Session != nil {
			hello.Session = e.Session
		}
	}
	if err := s.write(hello); err != nil {
		return err
	}
	if since > 0 && since <= seq { // what lies beyond the Log's end was another Log's
		s.seq = since
		return nil
	}
	s.seq = seq
	if len(events) == 0 {
		return nil
	}
	return s.writeSnapshot(events, seq)
}

// stream sends live events until there will be no more.
func (s *session) stream(ctx context.Context, gone <-chan error) error {
	ctx, stop := context.WithCancel(ctx)
	chunks := make(chan chunk)
	fed := make(chan struct{})
	go func() { defer close(fed); s.feed(ctx, chunks, s.log.NewReader(s.seq)) }()
	defer func() {
		stop()
		go func() { // the feeder may be handing over its last chunk
			for range chunks {
			}
		}()
		<-fed
	}()

	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	flush := time.NewTimer(maxDelay)
	flush.Stop()
	defer flush.Stop()
	for {
		var err error
		select {
		case c := <-chunks:
			err = s.take(c, flush)
		case <-flush.C:
			err = s.flush()
		case <-s.ask:
			err = s.resend()
		case <-ping.C:
			err = s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait))
		case e := <-gone:
			return errGone{e}
		}
		if err != nil {
			return err
		}
	}
}

// feed hands over what the Log gives until it ends; a stopped ctx still gets what is there.
func (s *session) feed(ctx context.Context, out chan<- chunk, r *recorder.Reader) {
	defer close(out)
	defer r.Close()
	buf := make([]recorder.Event, maxBatch)
	for {
		n, lost, err := r.Read(ctx, buf)
		out <- chunk{events: slices.Clone(buf[:n]), lost: lost, err: err}
		if err != nil {
			return
		}
		clear(buf[:n])
	}
}

// take adds a chunk to the batch and sends it when it is full or due.
func (s *session) take(c chunk, due *time.Timer) error {
	if len(c.events) > 0 {
		// What a snapshot already covered is neither news nor lost.
		c.lost = min(c.lost, c.events[0].Seq-1-min(s.seq, c.events[0].Seq-1))
	}
	s.batch.lost += c.lost
	for _, e := range c.events {
		if e.Seq <= s.seq {
			continue
		}
		s.batch.add(e)
		if s.batch.full() {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	if c.err != nil {
		if err := s.flush(); err != nil {
			return err
		}
		return c.err
	}
	if s.batch.empty() {
		return nil
	}
	wait := maxDelay - time.Since(s.last)
	if wait <= 0 {
		return s.flush()
	}
	due.Reset(wait)
	return nil
}

// flush sends the batch.
func (s *session) flush() error {
	if s.batch.empty() {
		return nil
	}
	s.seq = max(s.seq, s.batch.seq)
	err := s.write(Batch{Seq: s.seq, Events: s.batch.events, Lost: s.batch.lost})
	s.batch.reset()
	s.last = time.Now()
	return err
}

// resend answers a client's request for a snapshot.
func (s *session) resend() error {
	events, seq := s.log.Snapshot()
	s.batch.reset() // all of it is in the snapshot
	s.seq = seq
	return s.writeSnapshot(events, seq)
}

// writeSnapshot sends events in frames of which only the last has the seq to resume from.
func (s *session) writeSnapshot(events []recorder.Event, seq uint64) error {
	for {
		n := min(len(events), maxBatch)
		b := Batch{Events: events[:n:n], Snapshot: true}
		events = events[n:]
		if len(events) == 0 {
			b.Seq = seq
		}
		if err := s.write(b); err != nil || len(events) == 0 {
			return err
		}
	}
}

// write sends one frame.
func (s *session) write(v any) error {
	if b, ok := v.(Batch); ok && b.Events == nil {
		b.Events = []recorder.Event{} // never null: clients loop over it
		v = b
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return err
	}
	return s.conn.WriteMessage(websocket.TextMessage, text)
}

var errMalformed = errors.New("malformed message")

// listen reads the client until it closes, breaks, goes silent, or says something
// malformed.
func (s *session) listen() error {
	alive := func(string) error { return s.conn.SetReadDeadline(time.Now().Add(pongWait)) }
	s.conn.SetReadLimit(maxMessage)
	s.conn.SetPongHandler(alive)
	_ = alive("") // fails only on a closed conn, which the read below reports
	for {
		kind, text, err := s.conn.ReadMessage()
		if err != nil {
			return err
		}
		m, err := parseClientMessage(text)
		if err != nil || kind != websocket.TextMessage {
			return errMalformed
		}
		if m.Snapshot {
			select {
			case s.ask <- struct{}{}:
			default: // one is due already
			}
		}
	}
}

// hangUp closes the connection with a reason and waits for the listener to end. gone
// still yields its error unless reason is an errGone.
func (s *session) hangUp(reason error, gone <-chan error) {
	defer s.conn.Close()
	var left errGone
	switch {
	case errors.As(reason, &left):
		if errors.Is(reason, errMalformed) {
			s.sayClose(websocket.CloseUnsupportedData, "malformed message")
		}
		// Closing with unread input resets the connection, and the reason is lost on its way.
		_ = s.conn.SetReadDeadline(time.Now().Add(closeWait))
		_, _ = io.Copy(io.Discard, s.conn.NetConn())
		return
	case errors.Is(reason, io.EOF):
		s.sayClose(websocket.CloseNormalClosure, "the session ended")
	case errors.Is(reason, context.Canceled):
		s.sayClose(websocket.CloseGoingAway, "the viewer stopped")
	default: // a failed write: nothing more can be said
		s.conn.Close()
	}
	// The listener ends with the client's half of the close, or with the connection.
	cut := time.AfterFunc(closeWait, func() { s.conn.Close() })
	defer cut.Stop()
	<-gone
}

// sayClose sends a close frame; a client that cannot take it any more does not need it.
func (s *session) sayClose(code int, text string) {
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, text), time.Now().Add(closeWait))
}
