package diagnose

import (
	"cmp"
	"net/url"
	"slices"
	"sync"
	"time"

	"modtap/recorder"
)

const (
	// liveRepeat is how often a stall is told again while it lasts.
	liveRepeat = 30 * time.Second
	// What a Live remembers at most.
	liveFlights  = 4096
	liveSubjects = 64
	liveEvidence = 100
)

// A Live finds while the command runs what the command itself is silent about: that a
// request does not move ("stalled"), that a certificate is not trusted ("untrusted-ca"),
// that a proxy wants a password ("proxy-auth"). It is a recorder.Sink without a clock and
// bounded; feed it all events and call Check about once a second. Write and Check may be
// called from different goroutines.
type Live struct {
	mu      sync.Mutex
	session *recorder.Session
	flights map[uint64]*flight
	quiet   map[string]time.Time // host: when its stall was told of
	told    map[string]bool      // id and subject of what is told of once
	seen    map[string]*recorder.Finding
	due     []recorder.Finding // for the next Check
	conns   map[uint64]string
}

// A flight is a request that is on its way.
type flight struct {
	what    string // as in "zip golang.org/x/text@v0.43.0"
	host    string
	bytes   int64
	status  int
	first   recorder.Span
	changed bool      // something came since the last Check
	since   time.Time // nothing has come since then
}

// NewLive returns a Live that has seen nothing.
func NewLive() *Live {
	return &Live{
		flights: map[uint64]*flight{}, quiet: map[string]time.Time{}, told: map[string]bool{}, seen: map[string]*recorder.Finding{}, conns: map[uint64]string{},
	}
}

// Write takes an event. It returns no error.
func (l *Live) Write(e recorder.Event) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case e.Session != nil:
		l.session = e.Session
	case e.Exchange != nil:
		l.exchange(e.Exchange)
	case e.Conn != nil:
		l.conn(e.Conn)
	case e.Tunnel != nil:
		l.tunnel(e.Tunnel)
	}
	return nil
}

// Lost forgets what is on its way: its end may be among the events that were dropped.
func (l *Live) Lost(uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.flights)
}

// Close does nothing.
func (l *Live) Close() error { return nil }

// Check returns what is to be said at now that was not said before, each a whole finding:
// a later one with the same ID takes the place of the earlier. A stall is told of when
// nothing has come for 10 s, and again every 30 s while it lasts.
func (l *Live) Check(now time.Time) []recorder.Finding {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalls(now)
	due := l.due
	l.due = nil
	return due
}

func (l *Live) exchange(x *recorder.Exchange) {
	l.refused(x)
	f := l.flights[x.ID]
	switch {
	case x.Done, x.Status == 101, x.Response.Mime == "text/event-stream", // who is upgraded may be silent
		len(x.Rules) > 0 && x.Server.WroteHeaders == 0: // a rule may hold it back
		delete(l.flights, x.ID)
		return
	case f == nil && len(l.flights) >= liveFlights:
		return
	case f == nil:
		f = &flight{what: liveWhat(x), host: liveHost(x.URL), since: x.Start}
		l.flights[x.ID] = f
	}
	came := x.Server.FirstByte
	if x.Response.BodySize == f.bytes && x.Status == f.status && came == f.first {
		return
	}
	f.bytes, f.status = x.Response.BodySize, x.Status
	if came != f.first && x.Response.BodySize == 0 {
		f.first, f.since = came, x.Start.Add(came.Duration()) // the headers, whose time is known
		return
	}
	f.first, f.changed = came, true
}

// liveWhat names a request as summaries do.
func liveWhat(x *recorder.Exchange) string {
	if x.Go.Module != "" || x.Go.Repo != "" || x.Go.Extra != "" {
		return x.Go.String()
	}
	path := x.URL
	if u, err := url.Parse(x.URL); err == nil {
		path = u.Path
	}
	return x.Method + " " + path
}

func liveHost(rawURL string) string {
	if u, err := url.Parse(rawURL); err == nil && u.Host != "" {
		return u.Host
	}
	return rawURL
}

// stalls looks for requests that have not moved.
func (l *Live) stalls(now time.Time) {
	worst := map[string]uint64{} // by host
	count := map[string]int{}
	for id, f := range l.flights {
		if f.changed {
			f.changed, f.since = false, now // at the latest: a stall is never said to be longer than it is
		}
		if now.Sub(f.since) < stalled.Duration() {
			continue
		}
		count[f.host]++
		if w := l.flights[worst[f.host]]; w == nil || cmp.Or(f.since.Compare(w.since), cmp.Compare(id, worst[f.host])) < 0 {
			worst[f.host] = id
		}
	}
	hosts := make([]string, 0, len(worst))
	for host := range worst {
		hosts = append(hosts, host)
	}
	slices.Sort(hosts)
	for host, told := range l.quiet {
		if count[host] == 0 && now.Sub(told) >= liveRepeat {
			delete(l.quiet, host)
		}
	}
	for _, host := range hosts {
		told, again := l.quiet[host]
		if again && now.Sub(told) < liveRepeat || !again && len(l.quiet) >= liveSubjects {
			continue
		}
		l.quiet[host] = now
		l.stall(worst[host], count[host], now)
	}
}

// say has Check return f. Its evidence are also the exchanges and connections of what was
// said before, but first the one that its title is about.
func (l *Live) say(f recorder.Finding, exchange, conn uint64) {
	old := l.seen[f.ID]
	if old != nil {
		f.Evidence, f.Conns = old.Evidence, old.Conns
	}
	f.Evidence, f.Conns = evidence(f.Evidence, exchange), evidence(f.Conns, conn)
	l.analysis().finish(&f)
	l.seen[f.ID] = &f
	l.due = append(l.due, f)
}

// evidence is ids, which is not modified, with id first.
func evidence(ids []uint64, id uint64) []uint64 {
	if id == 0 {
		return ids
	}
	out := []uint64{id}
	for _, other := range ids {
		if other != id && len(out) < liveEvidence {
			out = append(out, other)
		}
	}
	return out
}

// once reports whether id was not told of subject yet, and remembers it.
func (l *Live) once(id, subject string) bool {
	key := id + " " + subject
	if l.told[key] || len(l.told) >= liveSubjects {
		return false
	}
	l.told[key] = true
	return true
}
