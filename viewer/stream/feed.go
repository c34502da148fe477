package stream

import (
	"context"
	"slices"
	"sync"
	"time"

	"modtap/recorder"
)

// Limits of a feed. maxDelay is part of the protocol.
const (
	maxDelay = 100 * time.Millisecond // an event waits for company
	// pollEvery is how often the Log is looked at meanwhile. A reader that waits would be
	// woken by every Append, which costs the relay.
	pollEvery = 20 * time.Millisecond
	// feedShare is how many times what a frame took to encode is left to the relay before
	// the next one, though no more than maxDelay.
	feedShare = 3
	// A client that is further behind than the ring has lost events.
	maxRing      = 512
	maxRingBytes = 16 << 20
)

// A feed reads a Log and encodes each frame once; the newest ones are in its ring, from
// which every client takes them at its own pace. It never waits for a client.
type feed struct {
	log     *recorder.Log
	flavour flavour
	cancel  context.CancelFunc
	quit    chan struct{} // closed: nobody wants it any more
	done    chan struct{} // closed when run has returned
	ready   chan struct{} // closed from the beginning

	mu    sync.Mutex
	ring  []packet // the oldest first, without a gap between them
	bytes int      // of all in ring
	from  uint64   // the ring has, or will have, what happened after this event
	seq   uint64   // what happened up to here was in it
	news  chan struct{}
	err   error // why there will be no more: io.EOF at the session's end, or a context's
}

// startFeed begins a feed of what happens after the event at.
func startFeed(ctx context.Context, log *recorder.Log, fl flavour, at uint64) *feed {
	ctx, cancel := context.WithCancel(ctx)
	f := &feed{
		log: log, flavour: fl, from: at, seq: at, cancel: cancel,
		quit: make(chan struct{}), done: make(chan struct{}), ready: make(chan struct{}), news: make(chan struct{}),
	}
	close(f.ready)
	r := log.NewReader(at)
	go f.run(ctx, r)
	return f
}

// stop ends the feed and waits for it.
func (f *feed) stop() {
	close(f.quit)
	f.cancel() // it may be waiting for news
	<-f.done
}

// run feeds until the Log is closed, the feed is stopped, or ctx ends; ctx's end leaves
// nothing behind that is in the Log.
func (f *feed) run(ctx context.Context, r *recorder.Reader) {
	defer close(f.done)
	defer f.cancel()
	defer r.Close()
	err := f.read(ctx, r)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	f.wake()
}

// read makes frames of what r gives. An event that comes alone is sent at once; those that
// come within maxDelay of a frame wait for each other, unless they fill one.
func (f *feed) read(ctx context.Context, r *recorder.Reader) error {
	b := batch{flavour: f.flavour, seq: f.seq}
	buf := make([]recorder.Event, maxBatch)
	var last time.Time     // when a frame was sent that was not full
	var took time.Duration // to encode, since the last rest
	put := func() error {
		begin := time.Now()
		err := f.put(&b)
		took += time.Since(begin)
		return err
	}
	past, cancel := context.WithCancel(context.Background())
	cancel() // a Read with a context that has ended does not wait
	for {
		wait := ctx
		if !b.empty() {
			wait = past
		}
		n, lost, err := r.Read(wait, buf)
		if wait == past && err == past.Err() {
			err = ctx.Err()
		}
		b.miss(lost)
		for _, e := range buf[:n] {
			b.add(e)
			if b.full() {
				if err := put(); err != nil {
					return err
				}
			}
		}
		clear(buf[:n])
		due := maxDelay - time.Since(last)
		if !b.empty() && (due <= 0 || err != nil) {
			if err := put(); err != nil {
				return err
			}
			last = time.Now()
		}
		switch {
		case err != nil:
			return err
		case f.unwanted():
			return context.Canceled
		case took > 0:
			f.rest(ctx, min(feedShare*took, maxDelay))
			took = 0
		case !b.empty() && n < len(buf):
			f.rest(ctx, min(due, pollEvery))
		}
	}
}

// unwanted reports whether stop was called.
func (f *feed) unwanted() bool {
	select {
	case <-f.quit:
		return true
	default:
		return false
	}
}

// rest waits for d, but not past the end.
func (f *feed) rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-f.log.Ended():
	}
}

// put sends what is in b, and lets go of the oldest frames that have no room any more.
func (f *feed) put(b *batch) error {
	p, err := b.pack(f.seq) // only run changes seq
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ring = append(f.ring, p)
	f.bytes += p.size
	f.seq = p.seq
	for len(f.ring) > 1 && (len(f.ring) > maxRing || f.bytes > maxRingBytes) {
		f.from = f.ring[0].seq
		f.bytes -= f.ring[0].size
		f.ring[0] = packet{}
		f.ring = f.ring[1:]
	}
	f.wake()
	return nil
}

// wake tells all who wait; f.mu is held.
func (f *feed) wake() {
	close(f.news)
	f.news = make(chan struct{})
}

// A step is what a client does next.
type step struct {
	ready  <-chan struct{} // closed when there is something, or when it is worth to ask again
	packet packet          // without a message: there is none
	missed uint64          // not 0: the ring begins after this event
	err    error           // there will be no more
}

// after returns the step of a client that knows what happened up to seq.
func (f *feed) after(seq uint64) step {
	f.mu.Lock()
	defer f.mu.Unlock()
	if seq < f.from {
		return step{ready: f.ready, missed: f.from}
	}
	i, _ := slices.BinarySearchFunc(f.ring, seq, func(p packet, seq uint64) int {
		if p.seq <= seq {
			return -1
		}
		return 1
	})
	switch {
	case i < len(f.ring):
		return step{ready: f.ready, packet: f.ring[i]}
	case f.err != nil:
		return step{ready: f.ready, err: f.err}
	}
	return step{ready: f.news}
}
