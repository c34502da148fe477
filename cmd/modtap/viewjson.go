package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"syscall"
	"time"

	"modtap/recorder"
	"modtap/recorder/query"
	"modtap/viewer/stream"
)

// An eventPrinter writes events as lines of JSON, whole lines at a time.
type eventPrinter struct {
	to   io.Writer
	only *query.Query                  // exchanges
	seen map[uint64]*recorder.Exchange // what is:doubled compares with; nil: only does not ask
	buf  bytes.Buffer
}

// newEventPrinter prints the exchanges that pass only, and all other events.
func newEventPrinter(to io.Writer, only *query.Query) *eventPrinter {
	p := &eventPrinter{to: to, only: only}
	if only.Asks("is", "doubled") {
		p.seen = map[uint64]*recorder.Exchange{}
		p.only = only.WithParents(func(id uint64) *recorder.Exchange { return p.seen[id] })
	}
	return p
}

// add puts a line for e into the buffer.
func (p *eventPrinter) add(e recorder.Event) error {
	if x := e.Exchange; x != nil {
		if p.seen != nil {
			p.seen[x.ID] = &recorder.Exchange{Method: x.Method, URL: x.URL, Status: x.Status}
		}
		if !p.only.Match(x) {
			return nil
		}
	}
	return p.line(e)
}

func (p *eventPrinter) line(v any) error {
	enc := json.NewEncoder(&p.buf)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// errReaderLeft says that nobody reads what is printed.
var errReaderLeft = errors.New("the reader left")

// flush writes what is in the buffer.
func (p *eventPrinter) flush() error {
	_, err := p.to.Write(p.buf.Bytes())
	p.buf.Reset()
	switch {
	case errors.Is(err, syscall.EPIPE), errors.Is(err, io.ErrClosedPipe):
		return errReaderLeft
	case err != nil:
		return fmt.Errorf("print the events: %w", cause(err))
	}
	return nil
}

// printBuffer is how much is gathered of a recording before it is written.
const printBuffer = 64 << 10

// printEvents prints a recording. Exchanges are whole, but for their bodies.
func (a *app) printEvents(v *viewed, only *query.Query) error {
	p := newEventPrinter(a.stdout, only)
	for _, e := range v.rec.Events() {
		if e.Exchange != nil {
			x, err := v.history.Exchange(e.Exchange.ID)
			if err != nil {
				return fmt.Errorf("read recording %s: %w", v.name, err)
			}
			e.Exchange = x
		}
		if err := p.add(e); err != nil {
			return err
		}
		if p.buf.Len() >= printBuffer {
			if err := p.flush(); err != nil {
				return quietly(err)
			}
		}
	}
	return quietly(p.flush())
}

// quietly is err, unless it only says that the reader has enough.
func quietly(err error) error {
	if errors.Is(err, errReaderLeft) {
		return nil
	}
	return err
}

// followTries is how often a broken stream is taken up again, and followPause the wait
// before that, which grows.
const (
	followTries = 5
	followPause = 200 * time.Millisecond
)

// followEvents prints the stream of the page at address to its end, and takes it up again
// where it broke.
func (a *app) followEvents(ctx context.Context, address string, only *query.Query) error {
	p := newEventPrinter(a.stdout, only)
	f := follower{printer: p, address: address}
	for broken := 0; ; {
		again, err := f.follow(ctx)
		switch {
		case ctx.Err() != nil, errors.Is(err, io.EOF):
			return nil
		case !again:
			return quietly(err)
		case f.got:
			broken = 0
		}
		if broken++; broken > followTries {
			return fmt.Errorf("the session was lost: %w", err)
		}
		select {
		case <-time.After(time.Duration(broken) * followPause):
		case <-ctx.Done():
			return nil
		}
	}
}

// A follower reads one session over as many connections as it takes.
type follower struct {
	printer *eventPrinter
	address string
	session string // its id; "": not known
	since   uint64 // everything up to here is printed
	ever    bool   // it was connected
	got     bool   // something came over the last connection
}

// follow prints what comes over one connection. Its error is io.EOF at the end of the
// session; again: it may be tried once more.
func (f *follower) follow(ctx context.Context) (again bool, err error) {
	f.got = false
	c, err := stream.DialWith(ctx, resumeAt(f.address, f.since), stream.DialOptions{})
	if err != nil {
		return f.ever, err
	}
	defer c.Close()
	f.ever = true
	if s := c.Session(); s != nil {
		if f.session != "" && s.ID != f.session {
			return false, errors.New("the session was lost: another one answers at its address")
		}
		f.session = s.ID
	}
	for {
		b, err := c.Next(ctx)
		if err != nil {
			return true, err
		}
		f.got = true
		if b.Lost > 0 {
			err = errors.Join(f.printer.line(map[string]uint64{"lost": b.Lost}), c.RequestSnapshot())
		}
		for i := 0; err == nil && i < len(b.Events); i++ {
			if e := b.Events[i]; e.Session != nil {
				f.session = e.Session.ID
			}
			err = f.printer.add(b.Events[i])
		}
		if err != nil {
			return true, err
		}
		if err := f.printer.flush(); err != nil {
			return false, err
		}
		f.since = max(f.since, b.Seq)
	}
}

// resumeAt is the address of a page with what the stream is to go on after.
func resumeAt(address string, since uint64) string {
	u, err := url.Parse(address)
	if err != nil || since == 0 {
		return address // who dials says what is wrong with it
	}
	q := u.Query()
	q.Set("since", strconv.FormatUint(since, 10))
	u.RawQuery = q.Encode()
	return u.String()
}
