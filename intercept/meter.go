package intercept

import (
	"net"
	"sync"
	"time"

	"modtap/intercept/tcpstat"
	"modtap/recorder"
)

const (
	// askEvery is how often the kernel is asked about a connection that is waited for.
	askEvery = time.Second
	// askedJustNow is how long an answer is as good as a new one: requests that follow each
	// other at once, or end as soon as they are answered, cost one question and not three.
	askedJustNow = 10 * time.Millisecond
)

// A meter asks the kernel about one connection to a server or a parent proxy. Asking takes
// half a microsecond; it happens where something is going on anyway, so that no timer and
// no goroutine is the meter's. A nil meter measures nothing.
type meter struct {
	mu     sync.Mutex
	socket *tcpstat.Socket // nil: there is nothing more to ask
	last   reading
	whole  stretch // the connection's life
	note   string
}

// A reading is an answer of the kernel.
type reading struct {
	tcpstat.Stats
	n  int // its number on the connection, from 1; 0: there was none yet
	at time.Time
}

// open starts measuring c, which was just opened and has sent nothing yet.
func (m *meter) open(c net.Conn, toParent bool) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var err error
	if m.socket, err = tcpstat.Find(c); err != nil {
		m.note = err.Error()
		return
	}
	if toParent {
		m.note = "measured to the parent proxy, not to the server"
	}
	m.ask()
}

// read returns what the kernel says now, or its last answer if that was less than fresh
// ago or there is no other.
func (m *meter) read(fresh time.Duration) reading {
	if m == nil {
		return reading{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.socket != nil && time.Since(m.last.at) >= fresh {
		m.ask()
	}
	return m.last
}

// ask asks. Who does not answer once does not later: the connection is closed, or reset,
// or the system does not know the question. m.mu is held.
func (m *meter) ask() {
	s, err := m.socket.Ask()
	if err != nil {
		m.socket = nil
		if m.last.n == 0 {
			m.note = err.Error()
		}
		return
	}
	if was := m.last; was.n > 0 {
		if s.SynRetrans < 0 {
			s.SynRetrans = was.SynRetrans // Linux tells only at first, and it does not change
		}
		if was.MinRTT >= 0 && (s.MinRTT < 0 || was.MinRTT < s.MinRTT) {
			s.MinRTT = was.MinRTT // Linux forgets after five minutes
		}
	}
	m.last = reading{s, m.last.n + 1, time.Now()}
	m.whole.take(m.last)
}

// record is what is known of the connection so far; nil when it was never open.
func (m *meter) record() *recorder.TCP {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last.n == 0 && m.note == "" {
		return nil
	}
	return m.whole.record(m.last, m.note)
}

// since begins a stretch of the connection's life now.
func (m *meter) since() stretch {
	r := m.read(askedJustNow)
	s := stretch{base: r.Stats}
	s.take(r)
	return s
}

// all is the stretch that began with the opening.
func (m *meter) all() stretch {
	if m == nil {
		return stretch{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.whole
}

// A stretch is a part of a connection's life: what an exchange takes of it, or all.
type stretch struct {
	base    tcpstat.Stats // counters at its beginning
	seen    int           // number of the last reading taken
	samples int
	maxRTT  time.Duration
}

// take adds r, once.
func (s *stretch) take(r reading) {
	if r.n == s.seen {
		return
	}
	if s.samples == 0 {
		s.maxRTT = r.RTT
	}
	s.seen, s.samples, s.maxRTT = r.n, s.samples+1, max(s.maxRTT, r.RTT)
}

// record is what is known at r, the last reading taken.
func (s *stretch) record(r reading, note string) *recorder.TCP {
	if r.n == 0 {
		return &recorder.TCP{
			RTT: -1, RTTVar: -1, MinRTT: -1, MaxRTT: -1, Retrans: -1, RetransBytes: -1, SynRetrans: -1, SegsOut: -1,
			BytesOut: -1, Reordered: -1, RwndLimit: -1, SndLimit: -1, Note: note,
		}
	}
	b := &s.base
	return &recorder.TCP{
		Samples: s.samples,
		RTT:     recorder.Span(r.RTT), RTTVar: recorder.Span(r.RTTVar), MinRTT: recorder.Span(r.MinRTT), MaxRTT: recorder.Span(s.maxRTT),
		Retrans: grown(b.Retrans, r.Retrans), RetransBytes: grown(b.RetransBytes, r.RetransBytes),
		SynRetrans: grown(b.SynRetrans, r.SynRetrans), SegsOut: grown(b.SegsOut, r.SegsOut),
		BytesOut: grown(b.BytesOut, r.BytesOut), Reordered: grown(b.Reordered, r.Reordered),
		RwndLimit: recorder.Span(grown(b.RwndLimited, r.RwndLimited)), SndLimit: recorder.Span(grown(b.SndLimited, r.SndLimited)),
		Note: note,
	}
}

// grown is how much a counter has grown; unknown if it is, at either end.
func grown[T int64 | time.Duration](from, to T) T {
	if from < 0 || to < 0 {
		return tcpstat.Unknown
	}
	return max(0, to-from) // one of 32 bits begins again at 0
}

// meterFrom begins measuring u for the exchange.
func (x *exchange) meterFrom(u *upConn) {
	x.meter, x.rec.TCP = u.meter, nil
	if x.bore == u { // the opening is its own
		x.tcp, x.rec.TCP = u.meter.all(), u.meter.record()
		return
	}
	x.tcp = u.meter.since()
}

// measure takes what the kernel says of the exchange's connection now, or said less than
// fresh ago.
func (x *exchange) measure(fresh time.Duration) {
	r := x.meter.read(fresh)
	if r.n == x.tcp.seen {
		return
	}
	x.tcp.take(r)
	x.rec.TCP = x.tcp.record(r, x.meter.note)
}
