package stream

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/gorilla/websocket"

	"modtap/recorder"
)

// Limits of one client's stream.
const (
	writeWait     = 5 * time.Second // a frame must leave within
	pingEvery     = 30 * time.Second
	pongWait      = 75 * time.Second       // two pings may go unanswered
	closeWait     = time.Second            // for the peer's half of a close
	maxMessage    = 4 << 10                // bytes of a client's message
	snapshotEvery = 250 * time.Millisecond // whoever asks more often waits
)

// A session is one websocket client. One goroutine (serve) writes, at the client's pace;
// listen reads the client, and serve waits for it before it returns.
type session struct {
	conn *websocket.Conn
	hub  *hub

	feed  *feed
	seq   uint64 // the client knows everything up to here
	stale bool   // it was told of lost events, and has had no snapshot since
	sent  time.Time
	ask   chan struct{}
}

// serve runs the stream until the session's Log ends, the hub stops, or the client goes
// away. It gives what is in the Log before it obeys the hub.
func (s *session) serve(since uint64) error {
	s.ask = make(chan struct{}, 1)
	gone := make(chan error, 1)
	go func() { gone <- s.listen() }()

	err := s.start(since)
	if err == nil {
		err = s.stream(gone)
	}
	s.hub.leave()
	s.hangUp(err, gone)
	return err
}

// errGone is a client that closed or broke its side; the listener's error is inside.
type errGone struct{ error }

func (e errGone) Unwrap() error { return e.error }

// start joins the hub, and sends the Hello and, unless the client resumes, the snapshot.
func (s *session) start(since uint64) error {
	log := s.hub.log
	s.seq = log.Seq()
	resumes := since > 0 && since <= s.seq // what lies beyond the Log's end was another Log's
	if resumes {
		s.seq = since
	}
	s.feed = s.hub.join(s.seq)
	hello, err := encodeHello(Hello{Protocol: Protocol, Session: log.Session(), Now: time.Now()})
	if err := s.write(hello, err); err != nil {
		return err
	}
	if resumes || s.seq == 0 {
		return nil
	}
	return s.sendSnapshot()
}

// stream sends what the feed has until there will be no more.
func (s *session) stream(gone <-chan error) error {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		ask, rest := s.ask, snapshotEvery-time.Since(s.sent)
		if rest > 0 {
			ask = nil
			again.Reset(rest)
		}
		next := s.feed.after(s.seq)
		var err error
		select {
		case <-next.ready:
			err = s.take(next)
		case <-ask:
			err = s.sendSnapshot()
			s.sent = time.Now()
		case <-again.C:
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

// take does what the feed says is next; nothing when it was only time to ask again.
func (s *session) take(next step) error {
	switch {
	case next.missed > 0:
		return s.catchUp(next.missed)
	case next.packet.message != nil:
		return s.send(next.packet)
	case errors.Is(next.err, io.EOF) && s.stale:
		// It may be asking for a snapshot just now, and there is no other occasion.
		if err := s.sendSnapshot(); err != nil {
			return err
		}
	}
	return next.err
}

// send sends one frame of news.
func (s *session) send(p packet) error {
	s.seq = p.seq
	s.stale = s.stale || p.lost > 0
	return s.write(p.message, nil)
}

// catchUp sends what happened up to the event to, where the feed begins: what the Log
// still has of it, and how much is lost.
func (s *session) catchUp(to uint64) error {
	for _, b := range missed(s.hub.log, s.hub.flavour, s.seq, to) {
		p, err := b.pack(s.seq)
		if err != nil {
			return err
		}
		if err := s.send(p); err != nil {
			return err
		}
	}
	s.seq = max(s.seq, to)
	return nil
}

// missed gathers the events after seq up to the event to, which has happened. The batches are
// to be packed one by one: as JSON all of it may be a hundred times as large.
func missed(log *recorder.Log, f flavour, seq, to uint64) []*batch {
	past, cancel := context.WithCancel(context.Background())
	cancel() // nobody waits for what has happened
	r := log.NewReader(seq)
	defer r.Close()
	b := &batch{flavour: f, seq: seq}
	var batches []*batch
	buf := make([]recorder.Event, maxBatch)
	for b.seq < to {
		n, lost, err := r.Read(past, buf)
		b.miss(min(lost, to-b.seq))
		for _, e := range buf[:n] {
			if e.Seq > to {
				break
			}
			b.add(e)
			if b.full() {
				b.at = nil // nothing is added any more
				batches, b = append(batches, b), &batch{flavour: f, seq: b.seq}
			}
		}
		if err != nil {
			break // it has given all there is
		}
	}
	b.seq = to
	if b.empty() {
		return batches
	}
	return append(batches, b)
}

// sendSnapshot gives the client the whole state.
func (s *session) sendSnapshot() error {
	snap := s.hub.snapshot(s.seq)
	defer s.hub.release(snap)
	for i := range snap.encoded {
		if err := s.write(snap.frame(i)); err != nil {
			return err
		}
	}
	s.seq, s.stale = snap.seq, false
	return nil
}

// write sends one frame, unless it could not be made.
func (s *session) write(m *websocket.PreparedMessage, err error) error {
	if err != nil {
		return err
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeWait)); err != nil {
		return err
	}
	return s.conn.WritePreparedMessage(m)
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
