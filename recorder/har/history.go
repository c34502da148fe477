package har

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"modtap/recorder"
)

// A History finds the exchanges of a recording that is on disk by their id. Its methods may
// be called from several goroutines, while the recording is being written too: an entry is
// in it once all of its bytes are on disk, and those are never written again. Of a recording
// that was opened it takes 24 bytes of memory for each exchange, beside the Recording; of
// one that is being written about one, whether anybody asks or not.
type History struct {
	conns   func() []recorder.Conn
	numbers map[string]uint64 // foreign: connection ids of the file; never changes
	places  []place           // of one that was opened: by id, each id once; never changes

	mu     sync.RWMutex
	ledger *ledger // of one that is being written
	parts  []part
	closed bool
}

// A place is where an entry is.
type place struct {
	id     uint64
	offset int64
	length uint32 // maxEntry fits
	part   uint32 // index in parts
}

// A part is one file of the recording.
type part struct {
	path string
	info os.FileInfo // of the file that is meant, should another one get its name
	file *os.File    // nil: not opened yet
}

// OpenHistory reads a recording as [OpenFacts] does, and where its exchanges are. Close the
// History: it holds the files open. Of what is no regular file (a pipe) it has nothing.
func OpenHistory(path string) (*Recording, *History, error) { return OpenBounded(path, 0) }

// OpenBounded is OpenHistory of a recording that somebody else sent: when a file of it has
// more than most entries the error is a *[TooManyError], and that many at most were held
// before it was known. 0: no such bound.
func OpenBounded(path string, most int) (*Recording, *History, error) {
	h := &History{}
	b := &builder{facts: true, history: h, bound: most}
	r, err := open(path, b)
	if err != nil {
		return nil, nil, errors.Join(err, h.Close())
	}
	h.numbers = b.numbers
	h.conns = func() []recorder.Conn { return slices.Clone(r.Conns) }
	if len(h.parts) > 0 {
		h.places = b.places
	}
	return r, h, nil
}

// place notes where the exchange that was read last is; p is without its part.
func (b *builder) place(p place) {
	if b.history != nil {
		p.part = uint32(len(b.history.parts))
		b.places = append(b.places, p)
	}
}

// keep takes over f, which was read, when the history can go back to it.
func (b *builder) keep(f *os.File) bool {
	if b.history == nil {
		return false
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return false
	}
	b.history.parts = append(b.history.parts, part{path: f.Name(), file: f})
	return true
}

// Bounds are the smallest and the largest id, and how many there are; all 0 of none.
func (h *History) Bounds() (first, last uint64, n int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if h.ledger != nil {
		return h.ledger.first, h.ledger.last, h.ledger.count
	}
	if n = len(h.places); n == 0 {
		return 0, 0, 0
	}
	return h.places[0].id, h.places[n-1].id, n
}

// Conns are the connections of the recording as it knows them: of one that is being
// written the 5,000 that came last.
func (h *History) Conns() []recorder.Conn { return h.conns() }

// Exchange reads one, whole, with the bodies that are in the file. The error is
// fs.ErrNotExist when the recording does not have it.
func (h *History) Exchange(id uint64) (*recorder.Exchange, error) {
	p, err := h.find(id)
	if err != nil {
		return nil, fmt.Errorf("exchange %d: %w", id, err)
	}
	raw, err := h.read(p.part, p.offset, int64(p.length))
	if err != nil {
		return nil, fmt.Errorf("exchange %d: %w", id, err)
	}
	e := new(entry)
	if err := json.Unmarshal(trimmed(raw), e); err != nil {
		return nil, fmt.Errorf("exchange %d: %w", id, errChanged)
	}
	return h.exchange(p, e)
}

// errChanged is for a file that somebody else has written to.
var errChanged = errors.New("the recording has changed since it was read")

// exchange is what the entry at p tells.
func (h *History) exchange(p place, e *entry) (*recorder.Exchange, error) {
	x, ok := e.exchange()
	if e.Own == nil {
		x.ID, x.Conn = p.id, h.numbers[e.connection()]
	}
	if !ok || x.ID != p.id {
		return nil, fmt.Errorf("exchange %d: %w", p.id, errChanged)
	}
	return &x, nil
}

// trimmed is raw without what the scanner leaves before a value.
func trimmed(raw []byte) []byte {
	for len(raw) > 0 && (raw[0] == ',' || raw[0] == ' ' || raw[0] == '\n' || raw[0] == '\t' || raw[0] == '\r') {
		raw = raw[1:]
	}
	return raw
}

// Bounds of what Exchanges reads at once, in bytes.
const (
	runGap  = 64 << 10 // that nobody asked for, between two entries
	runMost = 4 << 20  // but for one entry that is larger
)

// Exchanges reads up to n of those whose id is at least from, in the order of ids, in brief:
// without headers, trailers and bodies. What lies together in the file is read together.
func (h *History) Exchanges(from uint64, n int) ([]*recorder.Exchange, error) {
	places, err := h.page(from, n)
	if err != nil {
		return nil, fmt.Errorf("exchanges from %d: %w", from, err)
	}
	slices.SortFunc(places, func(p, q place) int { return cmp.Or(cmp.Compare(p.part, q.part), cmp.Compare(p.offset, q.offset)) })
	out := make([]*recorder.Exchange, 0, len(places))
	q := newQuick()
	for len(places) > 0 {
		run := together(places)
		first, last := run[0], run[len(run)-1]
		raw, err := h.read(first.part, first.offset, last.offset+int64(last.length)-first.offset)
		if err != nil {
			return nil, fmt.Errorf("exchange %d: %w", first.id, err)
		}
		for _, p := range run {
			x, err := h.brief(q, p, raw[p.offset-first.offset:][:p.length])
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
		places = places[len(run):]
	}
	slices.SortFunc(out, func(x, y *recorder.Exchange) int { return cmp.Compare(x.ID, y.ID) })
	return out, nil
}

// together are the first of places, which are in the order of the file, that are read at once.
func together(places []place) []place {
	n := 1
	for ; n < len(places); n++ {
		p, last := places[n], places[n-1]
		if p.part != last.part || p.offset-last.offset-int64(last.length) > runGap ||
			p.offset+int64(p.length)-places[0].offset > runMost {
			break
		}
	}
	return places[:n]
}

func (h *History) brief(q *quick, p place, raw []byte) (*recorder.Exchange, error) {
	e, err := q.any(trimmed(raw))
	if err != nil {
		return nil, fmt.Errorf("exchange %d: %w", p.id, errChanged)
	}
	x, err := h.exchange(p, e)
	if err != nil {
		return nil, err
	}
	for _, m := range []*recorder.Message{&x.Request, &x.Response} {
		m.Header, m.Trailer, m.Body = nil, nil, nil
	}
	return x, nil
}

// read reads n bytes of a part.
func (h *History) read(part uint32, offset, n int64) ([]byte, error) {
	f, err := h.open(part)
	if err != nil {
		return nil, err
	}
	raw := make([]byte, n)
	if _, err := f.ReadAt(raw, offset); err != nil {
		return nil, fmt.Errorf("read the recording: %w", cause(err))
	}
	return raw, nil
}

// open is the file of a part, opened when it is asked for first.
func (h *History) open(i uint32) (*os.File, error) {
	h.mu.RLock()
	f, closed := h.parts[i].file, h.closed
	h.mu.RUnlock()
	if closed {
		return nil, fs.ErrClosed
	}
	if f != nil {
		return f, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := &h.parts[i]
	switch {
	case h.closed:
		return nil, fs.ErrClosed
	case p.file != nil:
		return p.file, nil
	}
	f, err := os.Open(p.path)
	if err != nil {
		return nil, fmt.Errorf("read the recording: %w", err)
	}
	if info, err := f.Stat(); err != nil || !os.SameFile(info, p.info) {
		return nil, errors.Join(errChanged, f.Close())
	}
	p.file = f
	return f, nil
}

// Close closes the files. Who asks afterwards is told fs.ErrClosed.
func (h *History) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	var failed error
	for i := range h.parts {
		if f := h.parts[i].file; f != nil {
			failed = errors.Join(failed, f.Close())
			h.parts[i].file = nil
		}
	}
	return failed
}
