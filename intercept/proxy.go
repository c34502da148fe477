package intercept

import (
	"bytes"
	"context"
	"errors"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"modtap/recorder/gomod"
)

// A Proxy is the intercepting proxy.
type Proxy struct {
	c         Config
	transport *http.Transport
	forward   http.Handler
	outer     *http.Server // clients
	inner     *inner       // HTTP/2 inside their tunnels
	pool      *leg         // --pool; nil otherwise
	reversal  *reversal    // reverse mode; nil otherwise
	history   history
	verdicts  verdicts
	// claimWithin is the constant, but for tests on busy machines.
	claimWithin time.Duration
	repos       repos

	ctx    context.Context // ends when Shutdown has waited long enough
	cancel context.CancelFunc

	exchangeID, connID, tunnelID atomic.Uint64
	inflight                     gauge // exchanges
	opening                      gauge // tunnels that dial or shake hands

	stopping  atomic.Bool
	mu        sync.Mutex
	listeners []net.Listener
	tunnels   map[*tunnel]struct{}
	plain     map[*leg]struct{} // of clients that are not in a tunnel
	serving   sync.WaitGroup
}

// New checks c and returns a Proxy that is not yet serving.
func New(c Config) (*Proxy, error) {
	switch {
	case c.Log == nil:
		return nil, errors.New("intercept: Config.Log is missing")
	case c.Leaf == nil:
		return nil, errors.New("intercept: Config.Leaf is missing")
	case c.Upstream == nil:
		return nil, errors.New("intercept: Config.Upstream is missing")
	}
	if c.Classifier == nil {
		c.Classifier = gomod.NewClassifier("", "")
	}
	p := &Proxy{c: c, claimWithin: claimWithin, transport: newTransport(), tunnels: map[*tunnel]struct{}{}, plain: map[*leg]struct{}{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if c.Pool {
		p.pool = newLeg(p, 0)
	}
	if c.Reverse != nil {
		p.reversal = newReversal(p, c.Reverse)
	}
	p.forward = newForward(p)
	quiet := log.New(logWriter{p}, "", 0)
	p.outer = &http.Server{
		Handler: http.HandlerFunc(p.serveClient), ErrorLog: quiet,
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context {
			return context.WithValue(context.WithValue(ctx, connKey{}, nc), legKey{}, p.plainLeg(nc))
		},
		ConnState: func(nc net.Conn, s http.ConnState) {
			if s == http.StateClosed {
				p.plainClosed(nc)
			}
		},
	}
	p.inner = newInner(p, quiet)
	return p, nil
}

// logWriter gives net/http's complaints about clients to our logger.
type logWriter struct{ p *Proxy }

func (w logWriter) Write(b []byte) (int, error) {
	e := w.p.c.Logger.Debug()
	if bytes.Contains(b, []byte("panic serving")) {
		e = w.p.c.Logger.Error() // ours, not a client's
	}
	e.Msg(w.p.c.Redactor.Text(string(bytes.TrimSpace(b))))
	return len(b), nil
}

// plainLeg is the leg of a client connection that sends plain-HTTP requests.
func (p *Proxy) plainLeg(nc net.Conn) *leg {
	if p.pool != nil {
		return p.pool
	}
	l := newLeg(p, 0)
	nc.(*peekConn).plain = l
	p.mu.Lock()
	p.plain[l] = struct{}{}
	p.mu.Unlock()
	return l
}

func (p *Proxy) plainLegs() []*leg {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.plain))
}

func (p *Proxy) plainClosed(nc net.Conn) {
	p.reversal.left(nc.(*peekConn))
	if l := nc.(*peekConn).plain; l != nil {
		p.mu.Lock()
		delete(p.plain, l)
		p.mu.Unlock()
		l.close("client")
	}
}

// Serve accepts clients on l until Shutdown; then it returns nil.
func (p *Proxy) Serve(l net.Listener) error {
	if !p.start(l) {
		return nil
	}
	err := p.outer.Serve(peeking{l, p.noticeLimit})
	if p.stopping.Load() {
		return nil
	}
	return err
}

// start begins to serve l, unless the proxy was shut down before it came to that: a
// command may end sooner than a goroutine begins.
func (p *Proxy) start(l net.Listener) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping.Load() {
		l.Close()
		return false
	}
	p.serving.Go(p.inner.serve)
	p.listeners = append(p.listeners, l)
	return true
}

// Shutdown stops accepting, lets what is in flight finish until ctx ends, cuts the rest
// and appends the last snapshot of every exchange, connection and tunnel to the Log.
func (p *Proxy) Shutdown(ctx context.Context) error {
	p.mu.Lock()
	p.stopping.Store(true)
	for _, l := range p.listeners {
		l.Close()
	}
	p.mu.Unlock()
	err := p.inflight.wait(ctx)
	// A client that has gone ends the opening of its tunnel by itself, and what it was
	// waiting for is worth a record.
	p.settleOpening(ctx, openingGrace)
	p.cancel()
	p.settleOpening(context.Background(), openingGrace)
	p.outer.Close()
	p.inner.close()
	for _, t := range p.open() {
		t.cut()
	}
	if p.pool != nil {
		p.pool.close("modtap")
	}
	for _, l := range p.plainLegs() {
		l.close("modtap")
	}
	p.reversal.close()
	// what was cut now has to run its last snapshot
	cut, stop := context.WithTimeout(context.Background(), 2*time.Second)
	defer stop()
	p.inflight.wait(cut)
	p.serving.Wait()
	return err
}

// openingGrace is how long Shutdown waits for tunnels that are being opened, before and
// after it cancels them.
const openingGrace = 300 * time.Millisecond

func (p *Proxy) settleOpening(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	p.opening.wait(ctx)
}

func (p *Proxy) track(t *tunnel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tunnels[t] = struct{}{}
}

func (p *Proxy) untrack(t *tunnel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tunnels, t)
}

func (p *Proxy) open() []*tunnel {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []*tunnel
	for t := range p.tunnels {
		all = append(all, t)
	}
	return all
}

// A gauge counts what is in flight and can be waited on to reach zero.
type gauge struct {
	mu   sync.Mutex
	n    int
	zero chan struct{} // closed when n reaches zero; nil while nobody waits
}

func (g *gauge) add(d int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n += d; g.n == 0 && g.zero != nil {
		close(g.zero)
		g.zero = nil
	}
}

func (g *gauge) wait(ctx context.Context) error {
	g.mu.Lock()
	if g.n == 0 {
		g.mu.Unlock()
		return nil
	}
	if g.zero == nil {
		g.zero = make(chan struct{})
	}
	zero := g.zero
	g.mu.Unlock()
	select {
	case <-zero:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
