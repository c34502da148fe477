package har

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"

	"modtap/recorder"
)

// OpenFacts reads the recording at path like Open, for a diagnosis: of each exchange it
// keeps what recorder.Exchange.Facts does, so that a recording of 100,000 exchanges takes
// some 150 MB instead of many times that, and it is several times faster.
func OpenFacts(path string) (*Recording, error) { return open(path, &builder{facts: true}) }

// errUnusual says that a file is for the scanner, which takes everything.
var errUnusual = errors.New("it is not laid out as usual")

const (
	batchSize = 256 << 10 // bytes of entries that are decoded together
	batches   = 6         // how many may be on their way
)

// A batch is some entries, one behind the other.
type batch struct {
	data   []byte
	ends   []int   // of each entry in data
	starts []int64 // of each entry in the file

	found   []factual
	skipped int
	unusual bool
	done    chan struct{} // one value for each use: found is there
}

// A factual is what one entry tells.
type factual struct {
	x      recorder.Exchange
	conn   string // foreign: the file's name of its connection
	opened *recorder.Conn
	tunnel *recorder.Tunnel
	at     place // in the file; without the id
}

// quickly reads a file whose entries are laid out as modtap and browsers do it. It splits
// the text into entries, which takes little, and has them decoded on all processors; what
// they tell comes back in their order. With errUnusual b is as it was.
// size is that of the file, about.
func (b *builder) quickly(r io.Reader, size int64, onHeader func(header) error) error {
	b.init()
	p := newPipeline()
	d := newDocument(r)
	d.onHeader, d.most = onHeader, b.most()
	var readErr error
	go func() {
		readErr = d.read(p.get, p.put)
		close(p.work)
		close(p.order)
	}()
	g := &gathered{b: b, before: len(b.rec.Exchanges), size: size}
	unusual := p.gather(g.add)
	if unusual {
		readErr = errUnusual
	}
	if readErr != nil {
		g.undo()
		return readErr
	}
	g.commit()
	d.skipped += g.skipped
	b.part(&d.outline)
	return nil
}

// A pipeline takes batches from the reader of a file past decoders to whoever gathers what
// they found.
type pipeline struct {
	free  chan *batch
	work  chan *batch // to the decoders
	order chan *batch // the same ones, to whoever gathers
	stop  chan struct{}
}

// newPipeline starts the decoders, which end when work is closed.
func newPipeline() *pipeline {
	p := &pipeline{
		free: make(chan *batch, batches), work: make(chan *batch, batches), order: make(chan *batch, batches), stop: make(chan struct{}),
	}
	for range batches {
		p.free <- &batch{done: make(chan struct{}, 1)}
	}
	for range min(runtime.GOMAXPROCS(0), batches) {
		go func() {
			q := newQuick()
			for b := range p.work {
				q.decode(b)
				b.done <- struct{}{}
			}
		}()
	}
	return p
}

// get returns an empty batch, or nil when nobody wants more.
func (p *pipeline) get() *batch {
	select {
	case <-p.stop:
		return nil
	case b := <-p.free:
		return b
	}
}

// put sends off a batch. It does not wait: there are no more of them than have room.
func (p *pipeline) put(b *batch) {
	p.work <- b
	p.order <- b
}

// gather has add take each batch, in the order of put, up to the first unusual one, of
// which it reports that there was one.
func (p *pipeline) gather(add func(*batch)) (unusual bool) {
	for b := range p.order {
		<-b.done
		if b.unusual && !unusual {
			unusual = true
			close(p.stop)
		}
		if !unusual {
			add(b)
		}
		b.reset()
		p.free <- b
	}
	return unusual
}

func sizeOf(f *os.File) int64 {
	if fi, err := f.Stat(); err == nil {
		return fi.Size()
	}
	return 0
}

// reset makes b empty.
func (b *batch) reset() {
	b.data, b.ends, b.starts, b.skipped, b.unusual = b.data[:0], b.ends[:0], b.starts[:0], 0, false
	clear(b.found)
	b.found = b.found[:0]
	if cap(b.data) > 4*batchSize {
		b.data = nil
	}
}

// decode fills in what the entries of b tell.
func (q *quick) decode(b *batch) {
	from := 0
	for i, end := range b.ends {
		e, err := q.any(b.data[from:end])
		at := place{offset: b.starts[i], length: uint32(end - from)}
		from = end
		switch {
		case err != nil && isTorn(err):
			b.unusual = true
			return
		case err != nil:
			b.skipped++
			continue
		}
		if f, ok := q.factual(e); ok {
			f.at = at
			b.found = append(b.found, f)
		} else {
			b.skipped++
		}
	}
}

// any decodes an entry, however it is laid out.
func (q *quick) any(raw []byte) (*entry, error) {
	if e, ok := q.entry(raw); ok {
		return e, nil
	}
	e := new(entry)
	return e, json.Unmarshal(raw, e)
}

// factual is what e tells, in memory of its own.
func (q *quick) factual(e *entry) (f factual, ok bool) {
	x, ok := e.exchange()
	if !ok {
		return f, false
	}
	if e.Own == nil {
		f.conn = q.texts.of([]byte(e.connection()))
	} else {
		f.opened, f.tunnel = e.Own.ConnSnapshot, e.Own.TunnelSnapshot
	}
	f.x = x.Facts()
	f.x.Response.Body = bytes.Clone(f.x.Response.Body)
	if e.Own == nil {
		g := &f.x.Go
		for _, s := range []*string{&f.x.Remote, &g.Module, &g.Version} { // made for this exchange
			*s = q.texts.of([]byte(*s))
		}
	}
	return f, true
}

// gathered is what the batches of one file told, and how to undo that.
type gathered struct {
	b       *builder
	before  int // exchanges that were there before
	size    int64
	read    int64
	skipped int
	conns   []string
	opened  []*recorder.Conn
	tunnels []*recorder.Tunnel
}

func (g *gathered) add(b *batch) {
	r := &g.b.rec
	g.skipped += b.skipped
	g.read += int64(len(b.data))
	if len(b.found) > cap(r.Exchanges)-len(r.Exchanges) {
		// As many as the rest of the file has if it goes on like this: growing by and by would
		// take twice the memory.
		n := float64(len(r.Exchanges)-g.before+len(b.found)) / float64(max(g.read, 1))
		more := int(n*float64(max(g.size-g.read, 0))*1.02) + len(b.found) + 64
		r.Exchanges = slices.Grow(r.Exchanges, min(more, g.b.most()))
	}
	for i := range b.found {
		f := &b.found[i]
		r.Exchanges = append(r.Exchanges, f.x)
		g.b.place(f.at)
		g.conns = append(g.conns, f.conn)
		if f.opened != nil {
			g.opened = append(g.opened, f.opened)
		}
		if f.tunnel != nil {
			g.tunnels = append(g.tunnels, f.tunnel)
		}
	}
}

func (g *gathered) undo() {
	all := g.b.rec.Exchanges
	clear(all[g.before:])
	g.b.rec.Exchanges = all[:g.before]
	g.b.places = g.b.places[:min(len(g.b.places), g.before)]
}

func (g *gathered) commit() {
	all := g.b.rec.Exchanges[g.before:]
	for i, name := range g.conns {
		if name != "" {
			all[i].Conn = g.b.connNumber(name)
		}
	}
	for _, c := range g.opened {
		g.b.snapshots(c, nil)
	}
	for _, t := range g.tunnels {
		g.b.snapshots(nil, t)
	}
}
