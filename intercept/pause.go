package intercept

import (
	"sync"
	"time"
)

const (
	// flushAfter is how long written bytes may wait for the server's next ones before they
	// are flushed to the client. Large enough to cost nothing at full speed.
	flushAfter = time.Millisecond
	// showFirst is how long a request goes on before viewers are told of it. Most are over
	// sooner, and a record of the end is all they need; consumers of the Log look every
	// 5 ms.
	showFirst = 5 * time.Millisecond
	// showAfter is how long a request without an answer goes on before a snapshot tells
	// that it was sent and is waiting.
	showAfter = 250 * time.Millisecond
)

// A pause is a wait of a relay's goroutine, for an answer or for the next bytes of a body.
// When it takes long, the client is given what was written so far, and viewers are told
// how the exchange stands, and again every second; the goroutine touches neither until end
// has returned.
//
// Pauses are pooled, with their timers (an AfterFunc for each exchange and each answer is
// six allocations, and as many entries in the runtime's heap of timers). A timer that
// fires too late finds the pause over, or another exchange's, for which it comes early.
type pause struct {
	timer *time.Timer

	mu sync.Mutex
	on bool
	x  *exchange
	w  *relayWriter // nil: nobody is to be flushed to
}

var pauses sync.Pool

func takePause(x *exchange) *pause {
	d, _ := pauses.Get().(*pause)
	if d == nil {
		d = &pause{}
		d.timer = time.AfterFunc(time.Hour, d.long)
	}
	d.mu.Lock()
	d.x, d.w = x, x.call.w
	d.mu.Unlock()
	return d
}

// give returns d to the pool.
func (d *pause) give() {
	d.end()
	d.x, d.w = nil, nil
	pauses.Put(d)
}

// begin starts a wait that is long after so much time.
func (d *pause) begin(after time.Duration) {
	d.mu.Lock()
	d.on = true
	d.mu.Unlock()
	d.timer.Reset(after)
}

// end is the end of it. It waits where the client is stuck in taking what it was given.
func (d *pause) end() {
	d.timer.Stop()
	d.mu.Lock()
	d.on = false
	d.mu.Unlock()
}

// long is what happens in a wait that is.
func (d *pause) long() {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := askEvery
	switch {
	case !d.on:
		return
	case d.w != nil && d.w.flushDirty():
		if !d.x.shown {
			next = showFirst
		}
	case !d.x.shown:
		d.x.snapshot()
		next = showAfter
	case d.x.rec.Status == 0 || time.Since(d.x.lastSnap) >= askEvery:
		d.x.snapshot() // asks the kernel
	}
	d.timer.Reset(next)
}
