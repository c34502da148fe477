package har

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modtap/recorder"
)

const (
	// defaultRotateAt stays well under the largest file that DevTools opens: V8 has no
	// string of more than 536,870,888 characters.
	defaultRotateAt = 400 << 20
	// maxPending bounds what Write gathers when nobody calls Flush.
	maxPending = 1 << 20
	// maxSpare bounds the buffers kept from one batch to the next.
	maxSpare = 4 << 20
)

// Options are what a Writer may be told; the zero value is useful.
type Options struct {
	Redacted bool   // secrets were removed before recording; the file says so
	RotateAt int64  // a file that would grow over it is followed by NAME.2.har; 0: 400 MB
	Tool     string // modtap's version, for creator.version; "": the session's
}

// A Writer is a recorder.Sink that writes a HAR file. Its methods may be called from
// several goroutines.
//
// Write gathers entries and Flush puts them on disk in one system call; recorder.Pump
// calls it after each batch of events, so a single finished exchange is on disk at once.
// A full disk does not end the recording: the file stays a whole HAR, what could not be
// written is counted ([Writer.Missing], and missing in the file), and later entries are
// tried again.
type Writer struct {
	mu     sync.Mutex
	path   string
	opts   Options
	limit  int64    // size at which to rotate
	first  *os.File // part 1: it holds the lock as long as we write
	file   *os.File // the part being written
	id     string   // of the recording
	part   int
	opened time.Time

	base    int64    // offset at which pending goes: where the trailer starts, or 0 with the header
	size    int64    // of the file
	count   int      // entries in this part that are on disk
	pending []byte   // the header when it is to be written, and entries, each with the separator before it
	batch   uint64   // entries in pending
	history *History // of what is on disk; nil: nobody asked for it
	marks   []place  // with a history: of the entries in pending, in it
	dirty   bool     // the trailer on disk is not current
	scratch []byte

	lost, missing uint64
	err           error
	closed        bool

	session     *recorder.Session
	lateSession bool   // the header does not have it
	process     []byte // JSON
	end         []byte
	conns       newest[uint64, recorder.Conn]
	tunnels     newest[uint64, recorder.Tunnel]
	findings    newest[string, recorder.Finding]
}

// Create starts a recording at path; from then on the file is a valid HAR. A HAR that
// is already there is overwritten, another kind of file is not unless path ends in .har.
// The file is for its owner only (mode 0600). The error is one line about path.
func Create(path string, o Options) (*Writer, error) {
	f, err := openForWriting(path)
	if err == nil {
		path, err = filepath.Abs(path) // the directory may change until Close looks again
	}
	if err != nil {
		return nil, fmt.Errorf("record to %s: %w", path, cause(err))
	}
	w := &Writer{path: path, opts: o, limit: o.RotateAt, first: f, file: f, id: newID(), part: 1, opened: time.Now()}
	if w.limit <= 0 {
		w.limit = defaultRotateAt
	}
	w.pending = w.appendHeader(nil)
	if w.flush(); w.err != nil {
		f.Close()
		return nil, fmt.Errorf("record to %s: %w", path, cause(w.err))
	}
	return w, nil
}

// cause is err without the operation and path that the caller says better.
func cause(err error) error {
	if pe := (*os.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// Write takes an event. Exchanges that are not Done are passed over. It returns an error
// only when the recording cannot go on: after Close.
func (w *Writer) Write(e recorder.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return fmt.Errorf("record to %s: %w", w.path, os.ErrClosed)
	}
	switch {
	case e.Exchange != nil:
		if e.Exchange.Done {
			w.add(e.Exchange)
		}
	case e.Conn != nil:
		w.conns.put(e.Conn.ID, e.Conn)
	case e.Tunnel != nil:
		w.tunnels.put(e.Tunnel.ID, e.Tunnel)
	case e.Session != nil:
		w.setSession(e.Session)
	case e.Process != nil:
		w.process, w.dirty = appendJSON(w.process[:0], e.Process), true
	case e.End != nil:
		w.end, w.dirty = appendJSON(w.end[:0], e.End), true
	case e.Finding != nil:
		w.findings.put(e.Finding.ID, e.Finding)
	}
	return nil
}

func (w *Writer) setSession(s *recorder.Session) {
	w.session = s
	if w.count > 0 || w.batch > 0 {
		w.lateSession, w.dirty = true, true // the header is behind us: the trailer tells
		return
	}
	w.base = 0
	w.pending = w.appendHeader(w.pending[:0])
}

// add puts x into pending, in a new part when this one would grow too large.
func (w *Writer) add(x *recorder.Exchange) {
	w.scratch = appendEntry(w.scratch[:0], x, w.conns.first(x.Conn), w.tunnels.first(x.Tunnel))
	if w.base+int64(len(w.pending)+len(w.scratch)) > w.limit && w.count+int(w.batch) > 0 {
		w.rotate()
	}
	if w.count+int(w.batch) > 0 {
		w.pending = append(w.pending, ',')
	}
	w.pending = append(w.pending, '\n')
	w.mark(x.ID)
	w.pending = append(w.pending, w.scratch...)
	w.batch++
	if len(w.pending) > maxPending {
		w.flush()
	}
	if cap(w.scratch) > maxSpare {
		w.scratch = nil
	}
}

// Lost notes that the recorder dropped n events; the file says so.
func (w *Writer) Lost(n uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost += n
	w.dirty = w.dirty || n > 0
}

// Flush gives the file what Write gathered: from then on the death of the process costs
// nothing. It does not fsync, which a power failure would ask for: on ext4 that first
// writes out what the go command has just unpacked, and the command may have to wait for
// it. Its error is like Write's: a full disk is told by Err and by Close.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return fmt.Errorf("record to %s: %w", w.path, os.ErrClosed)
	}
	w.flush()
	return nil
}

// flush writes pending and the trailer over the old trailer, all in one system call.
func (w *Writer) flush() {
	if len(w.pending) > 0 || w.dirty {
		w.put(w.appendTrailer(w.pending))
	}
}

// put writes out, which is pending with a trailer behind it, at base. The file never
// shrinks: spaces fill what a shorter tail would leave of a longer one.
func (w *Writer) put(out []byte) {
	body := int64(len(w.pending))
	for w.base+int64(len(out)) < w.size {
		out = append(out, ' ')
	}
	_, err := w.file.WriteAt(out, w.base)
	w.pending = out[:0]
	if cap(out) > maxSpare {
		w.pending = nil
	}
	if err != nil {
		w.note(err)
		w.missing += w.batch
		w.batch, w.marks = 0, w.marks[:0]
		w.restore()
		return
	}
	w.size = max(w.size, w.base+int64(len(out)))
	w.written()
	w.base += body
	w.count += int(w.batch)
	w.batch, w.dirty = 0, false
}

// restore makes the file whole again after a failed write, without what was pending. It
// overwrites before it truncates: blocks that the file already has cannot be refused.
func (w *Writer) restore() {
	w.dirty = true // until the count of missing entries is on disk
	w.pending = w.pending[:0]
	if w.count == 0 {
		w.base = 0
		w.pending = w.appendHeader(w.pending)
	}
	head := int64(len(w.pending))
	tail := append(w.pending, "\n]}}\n"...) // the shortest trailer: it fits where the old one was
	_, err := w.file.WriteAt(tail, w.base)
	w.note(err)
	w.size = w.base + int64(len(tail))
	w.note(w.file.Truncate(w.size))
	if err == nil {
		w.base += head
		w.pending = w.pending[:0]
	}
}

// note remembers the first error.
func (w *Writer) note(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Err returns the first error of writing, nil while all is well.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Missing is how many entries could not be written.
func (w *Writer) Missing() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.missing
}

// Path is the file that was given to Create; the recording may go on in NAME.2.har.
func (w *Writer) Path() string { return w.path }

// Close writes connections, tunnels and findings behind the entries and gives up the
// file. Its error says what is missing from the recording. Only the first call counts.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.flush()
	w.closed = true
	w.put(w.appendLastTrailer(w.pending))
	if now, err := os.Stat(w.path); err != nil {
		w.note(cause(err))
	} else if ours, err := w.first.Stat(); err == nil && !os.SameFile(now, ours) {
		w.note(errors.New("the file was replaced while it was being written"))
	}
	if w.file != w.first {
		w.note(w.file.Close())
	}
	w.note(w.first.Close())
	switch {
	case w.err == nil:
		return nil
	case w.missing > 0:
		return fmt.Errorf("record to %s: %d entries missing: %w", w.path, w.missing, cause(w.err))
	}
	return fmt.Errorf("record to %s: %w", w.path, cause(w.err))
}
