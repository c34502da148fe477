package recorder

import (
	"context"
	"errors"
	"io"
	"time"
)

// Pump gives sink every event of l from the beginning until l is closed, then closes
// the sink. It returns the sink's first error; after one the log's events are no longer
// given to it, but l is read on so that memory stays bounded.
//
// A sink that also has a method Flush() error may buffer in Write: Flush is called when
// Pump has given it all events there were, before Pump waits for more. An error of Flush
// is taken like one of Write.
func Pump(ctx context.Context, l *Log, sink Sink) error {
	r := l.NewReader(0)
	defer r.Close()
	return r.pump(ctx, sink)
}

// StartPump is Pump in a goroutine of its own, with the cursor placed before it
// returns: nothing appended afterwards is missed. The channel yields Pump's error.
func StartPump(ctx context.Context, l *Log, sink Sink) <-chan error {
	r := l.NewReader(0)
	done := make(chan error, 1)
	go func() {
		err := r.pump(ctx, sink)
		r.Close()
		done <- err
	}()
	return done
}

func (r *Reader) pump(ctx context.Context, sink Sink) error {
	var failed error
	buf := make([]Event, 256)
	for {
		n, lost, err := r.Read(ctx, buf)
		if failed == nil && lost > 0 {
			sink.Lost(lost)
		}
		for _, e := range buf[:n] {
			if failed == nil {
				failed = sink.Write(e)
			}
		}
		clear(buf[:n])
		if f, ok := sink.(interface{ Flush() error }); ok && failed == nil && n > 0 {
			failed = f.Flush()
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return errors.Join(failed, sink.Close(), err)
		}
		if n < len(buf) && failed == nil {
			r.rest(ctx)
		}
	}
}

// pumpRest is how long a pump rests when it has caught up. Waking it for each event costs
// the requests that come one after another: the relay shares its processors with it.
const pumpRest = 5 * time.Millisecond

func (r *Reader) rest(ctx context.Context) {
	t := time.NewTimer(pumpRest)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-r.log.ending:
	}
}
