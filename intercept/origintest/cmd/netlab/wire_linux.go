package main

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// A link carries packets one way: loss, then the rate limiter, then the delay line.
type link struct {
	out     *os.File
	c       config
	rate    float64
	rng     *rand.Rand
	dropSYN int
	syns    map[uint64]int

	mu    sync.Mutex
	wake  chan struct{}
	line  delayLine
	free  time.Time // when the rate limiter has sent all it holds
	last  time.Time // departure of the previous packet: order is kept
	order int

	passed, lost, overflow, syn atomic.Int64
}

// newLink starts a link that delivers to out.
func newLink(out *os.File, c config, rate float64, seed uint64) *link {
	l := &link{out: out, c: c, rate: rate, rng: rand.New(rand.NewPCG(seed, 77)), syns: map[uint64]int{}, wake: make(chan struct{}, 1)}
	go l.deliver()
	return l
}

func (l *link) counts() string {
	return fmt.Sprintf("passed %d, lost %d, queue drops %d, SYN drops %d", l.passed.Load(), l.lost.Load(), l.overflow.Load(), l.syn.Load())
}

// pump sends what comes from in until it is closed.
func (l *link) pump(in *os.File) {
	buf := make([]byte, 65536)
	for {
		n, err := in.Read(buf)
		if err != nil {
			return
		}
		l.send(append([]byte(nil), buf[:n]...))
	}
}

// send puts a packet on the delay line, or drops it.
func (l *link) send(p []byte) {
	if l.dropsSYN(p) {
		l.syn.Add(1)
		return
	}
	if l.c.loss > 0 && l.rng.Float64()*100 < l.c.loss {
		l.lost.Add(1)
		return
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	depart := now
	if l.rate > 0 {
		if l.free.Before(now) {
			l.free = now
		}
		if l.free.Sub(now) > l.c.queue {
			l.overflow.Add(1)
			return
		}
		l.free = l.free.Add(time.Duration(float64(len(p)) / l.rate * float64(time.Second)))
		depart = l.free
	}
	due := depart.Add(l.c.rtt / 2)
	if l.c.jitter > 0 && l.rng.Float64()*100 < l.c.late {
		due = due.Add(time.Duration(l.rng.Int64N(int64(l.c.jitter))))
	}
	if due.Before(l.last) {
		due = l.last
	}
	l.last = due
	l.order++
	heap.Push(&l.line, parcel{due, l.order, p})
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// dropsSYN reports whether p is among the first dropSYN SYNs of its connection.
func (l *link) dropsSYN(p []byte) bool {
	if l.dropSYN == 0 || len(p) < 40 || p[0]>>4 != 4 || p[9] != 6 {
		return false
	}
	tcp := p[int(p[0]&15)*4:]
	if len(tcp) < 20 || tcp[13]&0x12 != 0x02 {
		return false
	}
	key := uint64(binary.BigEndian.Uint32(tcp)) // source and destination port
	l.syns[key]++
	return l.syns[key] <= l.dropSYN
}

// deliver writes packets when they are due. It spins for the last 0.2 ms, as timers are no finer.
func (l *link) deliver() {
	for {
		l.mu.Lock()
		if len(l.line) == 0 {
			l.mu.Unlock()
			<-l.wake
			continue
		}
		wait := time.Until(l.line[0].due)
		if wait <= 0 {
			p := heap.Pop(&l.line).(parcel)
			l.mu.Unlock()
			if _, err := l.out.Write(p.data); err == nil { // the kernel refuses while a device goes down
				l.passed.Add(1)
			}
			continue
		}
		l.mu.Unlock()
		if wait > 200*time.Microsecond {
			time.Sleep(wait - 100*time.Microsecond)
		} else {
			runtime.Gosched()
		}
	}
}

// A parcel is a packet under way.
type parcel struct {
	due   time.Time
	order int
	data  []byte
}

// delayLine is a heap of parcels, the one that is due first on top.
type delayLine []parcel

func (d delayLine) Len() int { return len(d) }
func (d delayLine) Less(i, j int) bool {
	if d[i].due.Equal(d[j].due) {
		return d[i].order < d[j].order
	}
	return d[i].due.Before(d[j].due)
}
func (d delayLine) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *delayLine) Push(x any)   { *d = append(*d, x.(parcel)) }
func (d *delayLine) Pop() any {
	old := *d
	n := len(old) - 1
	p := old[n]
	old[n] = parcel{}
	*d = old[:n]
	return p
}
