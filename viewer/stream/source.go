package stream

import (
	"context"
	"io"

	"modtap/recorder"
)

// A Source is one recording that a Server shows: live, or from a file. Only Log is required.
type Source struct {
	// Log is what /events shows.
	Log *recorder.Log
	// History has what the Log no longer holds; nil: nothing has.
	History History
	// Facts says that Log holds no more of an exchange than recorder.Exchange.Facts does, so
	// that History has to be asked for a whole one.
	Facts bool
	// HAR names the file of the recording, "" when there is none; nil: none.
	HAR func() string
	// Report is the diagnosis of what there is so far, as modtap.report/1; nil: none. It is
	// called from one goroutine at a time.
	Report func(context.Context) ([]byte, error)
	// Title is what the page may call it: the name of the file, the command; "": nothing.
	Title string
	// Close is called when nobody can ask for the source any more; nil: nothing to do.
	Close func()
}

// A History finds exchanges of a recording that is on disk; har.History is one. Its methods
// are called from several goroutines.
type History interface {
	// Exchange reads one, whole; the error is fs.ErrNotExist when there is none.
	Exchange(id uint64) (*recorder.Exchange, error)
	// Exchanges reads up to n of those whose id is at least from, in the order of ids.
	Exchanges(from uint64, n int) ([]*recorder.Exchange, error)
	// Bounds are the smallest and the largest id, and how many there are; all 0 of none.
	Bounds() (first, last uint64, n int)
}

// A History may also have a method Conns() []recorder.Conn: the connections of the
// recording, in the order of their ids.
type connHistory interface {
	Conns() []recorder.Conn
}

// An Opener makes a Source of a recording that a browser sent (dropped on the page). name
// is what the file was called there. Its error is told to the user, in one line.
type Opener func(ctx context.Context, r io.Reader, name string) (Source, error)
