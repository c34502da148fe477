package har

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"modtap/recorder"
)

// A Recording is what a HAR file holds. One of modtap gives back what was recorded; one of
// another program, what HAR's standard fields say.
type Recording struct {
	Session   *recorder.Session   // never nil; of a foreign file, what can be known of it
	Process   *recorder.Process   // nil when the file has none
	End       *recorder.End       // nil when the recording was cut short, or foreign
	Exchanges []recorder.Exchange // by ID, which is the order of starting
	Conns     []recorder.Conn     // by ID
	Tunnels   []recorder.Tunnel   // by ID
	Findings  []recorder.Finding

	Lost    uint64 // events that the recorder dropped
	Missing uint64 // exchanges that could not be written, as on a full disk
	LeftOut uint64 // older connections, tunnels and findings that the end of the file does not hold
	Skipped int    // entries that are not what an entry must be

	Foreign  bool // another program wrote it: no marks of the client's leg, no tunnels
	Repaired bool // its end is torn; everything complete before the tear is here
	Redacted bool // secrets were removed before recording
	Parts    int  // files it was read from
	Part     int  // number of that file, when it is a later part of a recording, read alone; else 0
}

// Events returns the recording as the events of a live session's recorder.Log.Snapshot,
// in the same order.
func (r *Recording) Events() []recorder.Event {
	events := make([]recorder.Event, 0, len(r.Tunnels)+len(r.Conns)+len(r.Exchanges)+len(r.Findings)+3)
	if r.Session != nil {
		events = append(events, recorder.Event{Session: r.Session})
	}
	for i := range r.Tunnels {
		events = append(events, recorder.Event{Tunnel: &r.Tunnels[i]})
	}
	for i := range r.Conns {
		events = append(events, recorder.Event{Conn: &r.Conns[i]})
	}
	for i := range r.Exchanges {
		events = append(events, recorder.Event{Exchange: &r.Exchanges[i]})
	}
	if r.Process != nil {
		events = append(events, recorder.Event{Process: r.Process})
	}
	for i := range r.Findings {
		events = append(events, recorder.Event{Finding: &r.Findings[i]})
	}
	if r.End != nil {
		events = append(events, recorder.Event{End: r.End})
	}
	return events
}

// Open reads the recording at path with its later parts. It may be one that is being
// written, or one whose end is torn: what is complete is read, and the file is left as
// it is ([Repair] changes it).
func Open(path string) (*Recording, error) { return open(path, &builder{}) }

func open(path string, b *builder) (*Recording, error) {
	for part := 1; ; part++ {
		more, err := b.file(PartPath(path, part), part)
		if part > 1 && errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read recording %s: %w", PartPath(path, part), cause(err))
		}
		if !more {
			break
		}
	}
	return b.finish(), nil
}

// file adds the file at path as the given part and reports whether another part may follow.
func (b *builder) file(path string, part int) (more bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	kept := false
	defer func() {
		if !kept {
			f.Close()
		}
	}()
	fi, err := f.Stat()
	if err == nil && fi.IsDir() {
		if part > 1 {
			return false, nil
		}
		return false, errors.New("it is a directory")
	}
	quick := b.facts && err == nil && fi.Mode().IsRegular() // a pipe cannot be read once more
	err = b.read(f, quick, b.follows(part))
	switch {
	case errors.Is(err, errOtherRecording), part > 1 && errors.Is(err, ErrNotHAR):
		return false, nil // a file that happens to be there
	case err != nil:
		return false, err
	}
	kept = b.keep(f)
	return part < maxParts && b.header.Recording != "" && b.header.Part == part, nil
}

// follows is what a part says of its header: whether it belongs to the parts before it.
func (b *builder) follows(part int) func(header) error {
	if part == 1 {
		return func(header) error { return nil }
	}
	want := b.header.Recording
	return func(h header) error {
		if h.Recording != want || h.Part != part {
			return errOtherRecording
		}
		return nil
	}
}

// read adds one file, in the quick way if that is possible; onHeader may refuse it.
func (b *builder) read(f *os.File, quick bool, onHeader func(header) error) error {
	if quick {
		if err := b.quickly(f, sizeOf(f), onHeader); !errors.Is(err, errUnusual) {
			return err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
	}
	s := newScanner(f)
	s.onHeader, s.most = onHeader, b.most()
	return b.scan(s)
}

// Read reads one HAR. A torn end, trailing garbage, a byte order mark and entries that
// make no sense do not stop it; what is not a HAR at all is ErrNotHAR.
func Read(r io.Reader) (*Recording, error) {
	var b builder
	if err := b.scan(newScanner(r)); err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	return b.finish(), nil
}

// A builder puts a Recording together from the parts of its files.
type builder struct {
	facts   bool     // keep the facts of exchanges alone
	bound   int      // of the entries of a file, below maxEntries; 0: there is none
	history *History // gets the files and where their entries are; nil: nobody wants to know
	places  []place  // with a history: of each of rec.Exchanges
	rec     Recording
	header  header // of the part read last
	creator creator
	conns   map[uint64]*recorder.Conn
	tunnels map[uint64]*recorder.Tunnel
	numbers map[string]uint64 // foreign: connection ids in the order of their appearance
	texts   map[string]string // each header's name and value once: they are most of a recording
}

// most is how many entries a file may have.
func (b *builder) most() int {
	if b.bound > 0 {
		return min(b.bound, maxEntries)
	}
	return maxEntries
}

func (b *builder) scan(s *scanner) error {
	b.init()
	s.onEntry = func(e *entry) bool {
		ok := b.entry(e)
		if ok {
			b.place(place{offset: s.began, length: uint32(s.offset() - s.began)})
		}
		return ok
	}
	if err := s.scan(); err != nil {
		return err
	}
	b.part(&s.outline)
	return nil
}

func (b *builder) init() {
	if b.conns == nil {
		b.conns, b.tunnels = map[uint64]*recorder.Conn{}, map[uint64]*recorder.Tunnel{}
		b.numbers, b.texts = map[string]uint64{}, map[string]string{}
	}
}

// part takes what a file says beside its entries.
func (b *builder) part(s *outline) {
	r, t := &b.rec, &s.trailer
	b.header, b.creator = s.header, s.creator
	if r.Parts++; r.Parts == 1 && s.header.Part > 1 {
		r.Part = s.header.Part
	}
	r.Repaired = r.Repaired || s.torn || t.Repaired
	r.Skipped += s.skipped
	r.Redacted = s.header.Redacted
	r.Lost, r.Missing = max(r.Lost, t.Lost), max(r.Missing, t.Missing) // each part counts from the first
	r.LeftOut = max(r.LeftOut, t.ConnsLeftOut+t.TunnelsLeftOut+t.FindingsLeftOut)
	r.Session = cmp.Or(t.Session, s.header.Session, r.Session)
	r.Process = cmp.Or(t.Process, r.Process)
	r.End = cmp.Or(t.End, r.End)
	r.Findings = append(r.Findings, t.Findings...)
	for i := range t.Conns {
		b.conns[t.Conns[i].ID] = &t.Conns[i]
	}
	for i := range t.Tunnels {
		b.tunnels[t.Tunnels[i].ID] = &t.Tunnels[i]
	}
}

// entry takes one entry of the file; false: it is not usable.
func (b *builder) entry(e *entry) bool {
	x, ok := e.exchange()
	if !ok {
		return false
	}
	if e.Own == nil {
		x.Conn = b.connNumber(e.connection())
	} else {
		b.snapshots(e.Own.ConnSnapshot, e.Own.TunnelSnapshot)
	}
	if b.facts {
		x = x.Facts()
	}
	b.share(x.Request.Header)
	b.share(x.Response.Header)
	b.rec.Exchanges = append(b.rec.Exchanges, x)
	return true
}

// snapshots takes those of an entry; either may be nil.
func (b *builder) snapshots(c *recorder.Conn, t *recorder.Tunnel) {
	if c != nil {
		b.conns[c.ID] = c
	}
	if t != nil {
		b.tunnels[t.ID] = t
	}
}

// share replaces the texts of headers by equal ones that were read before.
func (b *builder) share(headers []recorder.Header) {
	const most = 1 << 16 // distinct texts; dates and etags would fill any map
	for i := range headers {
		for _, s := range []*string{&headers[i].Name, &headers[i].Value} {
			if known, ok := b.texts[*s]; ok {
				*s = known
			} else if len(b.texts) < most {
				b.texts[*s] = *s
			}
		}
	}
}

// finish sorts and numbers, and makes up what a foreign file does not say.
func (b *builder) finish() *Recording {
	r := &b.rec
	r.Foreign = b.header.Schema == ""
	b.number()
	b.texts = nil
	r.Conns = sorted(b.conns)
	r.Tunnels = sorted(b.tunnels)
	if r.Session == nil {
		r.Session = b.session()
	}
	return r
}

// number gives ids to exchanges that have none, in the order of their start, behind those
// that have one. Then all are in the order of their ids, and each id is there once.
func (b *builder) number() {
	all, places := b.rec.Exchanges, b.places
	order := orderOf(all, func(p, q *recorder.Exchange) int {
		if p.ID != 0 || q.ID != 0 {
			return cmp.Compare(p.ID-1, q.ID-1) // 0 comes last
		}
		return p.Start.Compare(q.Start)
	})
	if places != nil {
		arrange(places, slices.Clone(order))
	}
	arrange(all, order)
	n := 0
	for i := range all {
		x := &all[i]
		switch {
		case x.ID == 0:
			x.ID = 1
			if n > 0 {
				x.ID = all[n-1].ID + 1
			}
			b.foreignConn(x)
		case n > 0 && all[n-1].ID == x.ID:
			n-- // the last snapshot with an id wins
		}
		if n < i {
			all[n] = *x
		}
		if places != nil {
			places[n] = places[i]
			places[n].id = x.ID
		}
		n++
	}
	clear(all[n:])
	b.rec.Exchanges = all[:n]
	if places != nil {
		b.places = places[:n]
	}
}

// orderOf is where the elements of all are to come from for them to be sorted, equals in
// their order. They are large, so each is moved once, by arrange.
func orderOf[T any](all []T, compare func(p, q *T) int) []int32 {
	from := make([]int32, len(all)) // maxEntries fit
	for i := range from {
		from[i] = int32(i)
	}
	slices.SortStableFunc(from, func(p, q int32) int { return compare(&all[p], &all[q]) })
	return from
}

// arrange puts at each i what is at from[i]. from is used up.
func arrange[T any](all []T, from []int32) {
	for start := range from {
		if int(from[start]) == start {
			continue
		}
		first, to := all[start], start
		for int(from[to]) != start {
			next := int(from[to])
			all[to], from[to] = all[next], int32(to)
			to = next
		}
		all[to], from[to] = first, int32(to)
	}
}

func sorted[T any](byID map[uint64]*T) []T {
	ids := make([]uint64, 0, len(byID))
	for id := range byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	out := make([]T, len(ids))
	for i, id := range ids {
		out[i] = *byID[id]
	}
	return out
}

// bom is what Windows editors put before UTF-8.
var bom = []byte("\xef\xbb\xbf")
