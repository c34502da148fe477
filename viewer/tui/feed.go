package tui

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strconv"
	"time"

	tea "charm.land/bubbletea/v2"

	"modtap/recorder"
	"modtap/viewer/stream"
)

const (
	frame     = 50 * time.Millisecond // what comes within it is drawn at once: 20 frames a second
	firstWait = 250 * time.Millisecond
	maxWait   = 5 * time.Second
)

// A source is the stream that is followed; a stream.Client is one. Its requests may be
// made after the stream has ended.
type source interface {
	Session() *recorder.Session
	Skew() time.Duration // of the server's clock
	Next(context.Context) (stream.Batch, error)
	RequestSnapshot() error
	Close() error
	Exchange(ctx context.Context, id uint64) (*recorder.Exchange, error)
	Exchanges(ctx context.Context, from uint64, n int) ([]*recorder.Exchange, uint64, error)
	Conns(ctx context.Context, from uint64, n int) ([]*recorder.Conn, uint64, error)
	Report(context.Context) ([]byte, error)
	Body(ctx context.Context, id uint64, request bool) ([]byte, error)
	Files(ctx context.Context, id uint64) (*stream.Listing, error)
}

// What a feed tells the model.
type (
	connectedMsg struct{ source source }
	batchesMsg   []stream.Batch
	brokenMsg    struct{ err error } // it is tried again
	completeMsg  struct{}            // the session ended and everything is here
)

// A feed follows the stream, and goes on where it was when the connection breaks.
type feed struct {
	url  string
	dial func(ctx context.Context, url string) (source, error)
	send func(tea.Msg)

	seq     uint64 // to go on from
	session string // that seq belongs to
}

func dialStream(ctx context.Context, url string) (source, error) {
	c, err := stream.DialWith(ctx, url, stream.DialOptions{Brief: true})
	if err != nil {
		return nil, err // not a source that holds nil
	}
	return c, nil
}

// run follows until the session is complete or ctx ends.
func (f *feed) run(ctx context.Context) {
	pause := firstWait
	for ctx.Err() == nil {
		src, err := f.connect(ctx)
		if err == nil {
			pause = firstWait
			f.send(connectedMsg{src})
			err = f.follow(ctx, src)
			src.Close()
		}
		if errors.Is(err, io.EOF) {
			f.send(completeMsg{})
			return
		}
		if ctx.Err() != nil {
			return
		}
		f.send(brokenMsg{err})
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, maxWait)
	}
}

// connect opens the stream where it broke off, or anew when it is another session's.
func (f *feed) connect(ctx context.Context) (source, error) {
	src, err := f.dial(ctx, f.from(f.seq))
	if err != nil {
		return nil, err
	}
	s := src.Session()
	if s == nil || s.ID == f.session {
		return src, nil
	}
	again := f.seq > 0
	f.session, f.seq = s.ID, 0
	if !again {
		return src, nil
	}
	src.Close()
	return f.dial(ctx, f.from(0))
}

// from is the address to go on from seq.
func (f *feed) from(seq uint64) string {
	u, err := url.Parse(f.url)
	if err != nil || seq == 0 {
		return f.url
	}
	q := u.Query()
	q.Set("since", strconv.FormatUint(seq, 10))
	u.RawQuery = q.Encode()
	return u.String()
}

// follow hands over what comes, all of a frame together.
func (f *feed) follow(ctx context.Context, src source) error {
	asked := false // for a snapshot, which is not yet complete
	take := func(list batchesMsg, b stream.Batch) (batchesMsg, error) {
		if b.Seq > 0 {
			f.seq = b.Seq
			asked = asked && !b.Snapshot
		}
		for _, e := range b.Events {
			if e.Session != nil {
				f.session = e.Session.ID
			}
		}
		if b.Lost > 0 && !asked {
			asked = true
			return append(list, b), src.RequestSnapshot()
		}
		return append(list, b), nil
	}
	for {
		b, err := src.Next(ctx)
		if err != nil {
			return err
		}
		list, err := take(nil, b)
		short, cancel := context.WithTimeout(ctx, frame)
		for err == nil {
			if b, err = src.Next(short); err == nil {
				list, err = take(list, b)
			}
		}
		over := short.Err() != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded)
		cancel()
		f.send(list)
		if !over {
			return err
		}
	}
}
