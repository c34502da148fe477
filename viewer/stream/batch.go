package stream

import "modtap/recorder"

// Limits of a frame, all part of the protocol but maxWeight. That one lets a client behind
// a slow line take a frame within writeWait, and a browser parse it at once.
const (
	maxBatch  = 256       // events in a frame
	maxWeight = 256 << 10 // bytes of a frame's JSON, about, unless one event alone has more
)

// A flavour is how much of an exchange a stream has.
type flavour int

const (
	whole    flavour = iota
	brief            // exchanges without headers and trailers
	flavours         // how many there are
)

// of is e in the flavour.
func (f flavour) of(e recorder.Event) recorder.Event {
	x := e.Exchange
	switch {
	case x == nil:
	case f == brief:
		e.Exchange = briefly(x)
	case x.Request.Left || x.Response.Left:
		all := *x
		all.Request.Kept, all.Response.Kept = held(&x.Request), held(&x.Response)
		e.Exchange = &all
	}
	return e
}

// briefly is x without headers and trailers.
func briefly(x *recorder.Exchange) *recorder.Exchange {
	b := *x
	b.Request.Header, b.Request.Trailer = nil, nil
	b.Response.Header, b.Response.Trailer = nil, nil
	b.Request.Kept, b.Response.Kept = held(&x.Request), held(&x.Response)
	return &b
}

// held reports whether the whole body can be asked for, here or in the recording.
func held(m *recorder.Message) bool { return m.Kept || m.Left }

// weigh says about how many bytes of JSON e is. It need not be right: what it is for is a
// limit of convenience.
func (f flavour) weigh(e recorder.Event) int {
	switch {
	case e.Exchange != nil:
		n := 900 + 2*len(e.Exchange.URL) // the module's path is in it once more
		if f == brief {
			return n
		}
		for _, list := range [][]recorder.Header{
			e.Exchange.Request.Header, e.Exchange.Request.Trailer, e.Exchange.Response.Header, e.Exchange.Response.Trailer,
		} {
			for _, h := range list {
				n += 24 + len(h.Name) + len(h.Value)
			}
		}
		return n
	case e.Process != nil:
		return 200 + 150*len(e.Process.Samples) + 120*len(e.Process.Spans)
	case e.Finding != nil:
		return 1000 + 8*len(e.Finding.Evidence)
	}
	return 700
}

// A batch gathers events until it is sent, only the last of each key.
type batch struct {
	flavour flavour
	events  []recorder.Event
	at      map[key]int // index in events
	weight  int
	seq     uint64 // of the newest event that was added, kept or replaced
	lost    uint64
	spare   []byte // memory to encode in
}

// add takes e in the place of an older snapshot of the same thing, or at the end.
func (b *batch) add(e recorder.Event) {
	b.seq = e.Seq
	k := keyOf(e)
	if i, ok := b.at[k]; ok {
		b.weight += b.flavour.weigh(e) - b.flavour.weigh(b.events[i])
		b.events[i] = e
		return
	}
	if b.at == nil {
		b.at = make(map[key]int, maxBatch)
	}
	b.at[k] = len(b.events)
	b.events = append(b.events, e)
	b.weight += b.flavour.weigh(e)
}

// miss counts n events after the newest as lost.
func (b *batch) miss(n uint64) {
	b.lost += n
	b.seq += n
}

// empty reports whether there is nothing worth a frame.
func (b *batch) empty() bool { return len(b.events) == 0 && b.lost == 0 }

// full reports whether the next event might not fit.
func (b *batch) full() bool { return len(b.events) >= maxBatch || b.weight >= maxWeight }

// pack makes a packet of the batch, which follows the event prev, and empties it.
func (b *batch) pack(prev uint64) (packet, error) {
	for i, e := range b.events {
		b.events[i] = b.flavour.of(e)
	}
	p := packet{prev: prev, seq: max(prev, b.seq), lost: b.lost}
	var err error
	p.message, p.size, b.spare, err = encode(&Batch{Seq: p.seq, Events: b.events, Lost: p.lost}, b.spare)
	if cap(b.spare) > 2*maxWeight {
		b.spare = nil
	}
	b.reset()
	b.seq = p.seq
	return p, err
}

// reset forgets everything but the room and the position.
func (b *batch) reset() {
	clear(b.events)
	clear(b.at)
	b.events, b.weight, b.lost = b.events[:0], 0, 0
}
