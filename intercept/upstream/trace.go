package upstream

import (
	"net"
	"net/http/httptrace"
	"net/url"
	"slices"
	"sync"
	"time"

	"modtap/recorder"
)

// A Trace collects what happens while a connection is opened. Its hooks may be called
// concurrently, and some after the dial ended (an address that lost the race), which is
// why it is read by Fill alone.
type Trace struct {
	// Opened is called with the TCP connection as soon as it is open, before anything is
	// sent on it; parent says that it leads to a parent proxy. Nil: nobody is told.
	Opened func(c net.Conn, parent bool)

	start time.Time

	mu     sync.Mutex
	marks  recorder.Marks
	addrs  []string
	dials  []recorder.Dial
	remote string
	local  string
	parent string
}

// NewTrace returns a Trace whose offsets count from start.
func NewTrace(start time.Time) *Trace { return &Trace{start: start} }

// Fill copies what is known into c; c.Marks keeps its TLS marks and End.
func (t *Trace) Fill(c *recorder.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.marks
	m.TLSStart, m.TLSDone, m.End = c.Marks.TLSStart, c.Marks.TLSDone, c.Marks.End
	c.Marks, c.Addrs, c.Dials = m, slices.Clone(t.addrs), slices.Clone(t.dials)
	c.Remote, c.Local, c.Via = t.remote, t.local, t.parent
}

func (t *Trace) now() recorder.Span { return recorder.Span(max(1, time.Since(t.start))) }

func (t *Trace) mark(m *recorder.Span) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	*m = now
}

// first sets m once: Happy Eyeballs starts several attempts.
func (t *Trace) first(m *recorder.Span) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if *m == 0 {
		*m = now
	}
}

func (t *Trace) via(parent *url.URL) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.parent = parent.Scheme + "://" + parent.Host
}

func (t *Trace) parentName() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.parent
}

// opened ends the connect phase at the moment the winning attempt succeeded.
func (t *Trace) opened(c net.Conn) {
	if c == nil {
		return
	}
	if t.Opened != nil {
		t.Opened(c, t.parentName() != "")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remote, t.local = c.RemoteAddr().String(), c.LocalAddr().String()
	for i := range t.dials {
		if d := &t.dials[i]; d.Addr == t.remote && d.Err == "" && d.Done > 0 {
			t.marks.ConnectDone = d.Done
		}
	}
}

func (t *Trace) hooks() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { t.first(&t.marks.DNSStart) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			t.mark(&t.marks.DNSDone)
			t.mu.Lock()
			defer t.mu.Unlock()
			t.addrs = t.addrs[:0]
			for _, a := range i.Addrs {
				t.addrs = append(t.addrs, a.String())
			}
		},
		ConnectStart: func(_, addr string) {
			t.first(&t.marks.ConnectStart)
			now := t.now()
			t.mu.Lock()
			defer t.mu.Unlock()
			t.dials = append(t.dials, recorder.Dial{Addr: addr, Start: now})
		},
		ConnectDone: func(_, addr string, err error) {
			now := t.now()
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.remote == "" { // an address that lost the race may end after the winner
				t.marks.ConnectDone = now
			}
			for i := range t.dials {
				if d := &t.dials[i]; d.Addr == addr && d.Done == 0 {
					d.Done = now
					if err != nil {
						d.Err = err.Error()
					}
					break
				}
			}
		},
	}
}
