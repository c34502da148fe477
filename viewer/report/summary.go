package report

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

const (
	maxHosts    = 256  // hosts with figures of their own
	maxFailures = 64   // kinds of failures that are told apart
	maxSlowest  = 5    // requests that are named
	maxRecent   = 4096 // finished ids and 4xx answers that are remembered
	others      = "(others)"
)

// A Summary collects what the end of a session is summed up from. It is a
// [recorder.Sink] of bounded size. Make it with NewSummary, give it every event, then
// call WriteText.
type Summary struct {
	// Recording is where the HAR is, for the last line; "" when nothing was kept.
	Recording string
	// Missing is how many requests could not be recorded there, and Failure why, in a few
	// words. Failure without Recording is why there is none.
	Missing uint64
	Failure string
	// More is the command that says more; "" when there is none.
	More string

	session  *recorder.Session
	process  *recorder.Process
	end      *recorder.End
	last     time.Time // the latest instant any event told of
	lost     uint64
	rng      *rand.Rand
	requests int
	bytes    int64
	overhead time.Duration
	busy     busy
	delayed  busy // by rules
	kinds    map[string]*figures
	hosts    map[string]*hostFigures
	slowest  []*recorder.Exchange
	failures map[failureKey]*failure
	notFound failure
	unread   map[string]int // tunnels that were only relayed, by host

	inFlight map[uint64]bool
	open     map[uint64]*recorder.Conn
	done     *recent[struct{}] // exchanges that were counted
	closed   *recent[struct{}] // connections that were counted
	refused  *recent[string]   // URLs of 4xx answers, to tell a repeat
	tunnels  int
	ended    *recent[struct{}] // tunnels that were counted
}

// figures are of one kind of request.
type figures struct {
	name     string
	requests int
	bytes    int64
	time     reservoir // whole requests
}

// hostFigures are of one server.
type hostFigures struct {
	figures
	wait        reservoir
	connections int
	handshakes  int
	unused      int
}

type failureKey struct{ host, text string }

type failure struct {
	failureKey
	count   int
	repeats int    // sent again by the go command after a 4xx
	example string // what the first was about
	broken  bool   // no answer, as opposed to an answer of 4xx or 5xx
}

// NewSummary returns an empty Summary.
func NewSummary() *Summary {
	return &Summary{
		// Seeded alike every time: the same recording gives the same report.
		rng:   rand.New(rand.NewPCG(1, 2)),
		kinds: map[string]*figures{}, hosts: map[string]*hostFigures{}, failures: map[failureKey]*failure{}, unread: map[string]int{},
		inFlight: map[uint64]bool{}, open: map[uint64]*recorder.Conn{},
		done: newRecent[struct{}](maxRecent), closed: newRecent[struct{}](maxRecent),
		refused: newRecent[string](maxRecent), ended: newRecent[struct{}](maxRecent),
	}
}

// Write takes one event. It never fails.
func (s *Summary) Write(e recorder.Event) error {
	switch {
	case e.Exchange != nil:
		s.exchange(e.Exchange)
	case e.Conn != nil:
		s.conn(e.Conn)
	case e.Tunnel != nil:
		s.tunnel(e.Tunnel)
	case e.Session != nil:
		s.session = e.Session
	case e.Process != nil:
		s.process = e.Process
	case e.End != nil:
		s.end = e.End
	}
	return nil
}

// Requests is how many have ended.
func (s *Summary) Requests() int { return s.requests }

// Lost counts events that the summary does not know of.
func (s *Summary) Lost(n uint64) { s.lost += n }

// Close does nothing; the summary stays readable.
func (s *Summary) Close() error { return nil }

func (s *Summary) exchange(x *recorder.Exchange) {
	if !x.Done {
		s.inFlight[x.ID] = true
		return
	}
	delete(s.inFlight, x.ID)
	if !s.done.put(x.ID, struct{}{}) {
		return
	}
	took := exchangeTime(x)
	end := x.Start.Add(took)
	if end.After(s.last) {
		s.last = end
	}
	s.requests++
	s.bytes += x.Response.BodySize
	s.overhead += x.Overhead.Duration()
	s.spent(x, end)
	kind := kindGroup(x.Go.Kind)
	k, ok := s.kinds[kind]
	if !ok {
		k = &figures{name: kind}
		s.kinds[kind] = k
	}
	k.add(x, took, s.rng)
	h := s.host(exchangeHost(x))
	h.add(x, took, s.rng)
	if x.Server.FirstByte > 0 {
		h.wait.add(span(x.Server.Timings().Wait), s.rng)
	}
	s.slow(x)
	s.fail(x)
}

// spent adds the time of x: what a rule made it wait is not the network's.
func (s *Summary) spent(x *recorder.Exchange, end time.Time) {
	if x.Injected <= 0 {
		s.busy.add(x.Start, end)
		return
	}
	asked := x.Start.Add(x.Client.GotConn.Duration())
	sent := asked.Add(x.Injected.Duration())
	s.delayed.add(asked, sent)
	s.busy.add(x.Start, asked)
	if sent.Before(end) {
		s.busy.add(sent, end)
	}
}

func (f *figures) add(x *recorder.Exchange, took time.Duration, rng *rand.Rand) {
	f.requests++
	f.bytes += x.Response.BodySize
	f.time.add(took, rng)
}

// exchangeTime is how long x lasted: on the server leg, or on the client's where there
// was no server.
func exchangeTime(x *recorder.Exchange) time.Duration {
	if x.Server.End > 0 {
		return x.Server.End.Duration()
	}
	return x.Client.End.Duration()
}

func (s *Summary) host(name string) *hostFigures {
	h, ok := s.hosts[name]
	if !ok {
		if len(s.hosts) >= maxHosts && name != others {
			return s.host(others)
		}
		h = &hostFigures{figures: figures{name: name}}
		s.hosts[name] = h
	}
	return h
}

// exchangeHost is the server that answered: a rule may have sent the request elsewhere.
func exchangeHost(x *recorder.Exchange) string {
	target := x.URL
	if x.SentTo != "" {
		target = x.SentTo
	}
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		return hostName(target)
	}
	return hostName(u.Host)
}

// hostName leaves the default port out.
func hostName(hostport string) string {
	if host, port, err := net.SplitHostPort(hostport); err == nil && port == "443" {
		return host
	}
	return cmp.Or(hostport, "?")
}

func (s *Summary) slow(x *recorder.Exchange) {
	i, _ := slices.BinarySearchFunc(s.slowest, x, func(a, b *recorder.Exchange) int {
		return cmp.Or(cmp.Compare(exchangeTime(b), exchangeTime(a)), cmp.Compare(a.ID, b.ID))
	})
	if i < maxSlowest {
		s.slowest = slices.Insert(s.slowest, i, x)
		s.slowest = s.slowest[:min(len(s.slowest), maxSlowest)]
	}
}

// tell counts x as a failure if it is one.
func (s *Summary) tell(x *recorder.Exchange) {
	if !x.Done {
		s.inFlight[x.ID] = true
		return
	}
	s.fail(x)
}

func (s *Summary) fail(x *recorder.Exchange) {
	if x.Err == nil && x.Status < 400 {
		return
	}
	again := false
	if x.Status >= 400 && x.Status < 500 {
		url, known := s.refused.byID[x.Parent]
		again = known && url == x.URL
		s.refused.put(x.ID, x.URL)
	}
	// The go command gives up the body of a 4xx, which it asks for once more.
	answered := x.Err == nil || x.Err.Op == "canceled" && x.Status >= 400
	if answered && (x.Status == 404 || x.Status == 410) {
		s.notFound.add(x, again)
		return
	}
	key := failureKey{host: exchangeHost(x)}
	if answered {
		key.text = strings.TrimSpace(fmt.Sprintf("%d %s", x.Status, x.Reason))
	} else {
		key.text = s.failureText(x.Err)
	}
	s.failure(key, !answered).add(x, again)
}

func (s *Summary) failure(key failureKey, broken bool) *failure {
	f, ok := s.failures[key]
	if !ok {
		if len(s.failures) >= maxFailures {
			key = failureKey{others, "other failures"}
			if f, ok = s.failures[key]; ok {
				return f
			}
		}
		f = &failure{failureKey: key, broken: broken}
		s.failures[key] = f
	}
	return f
}

func (f *failure) add(x *recorder.Exchange, again bool) {
	f.count++
	if again {
		f.repeats++
	}
	if f.example == "" && x.Go.Kind != gomod.Connect {
		f.example = Label(x)
	}
}

// failureText is e's text for a line that names the host already.
func (s *Summary) failureText(e *recorder.Error) string {
	switch {
	case e.Op == "canceled":
		return "given up by the command"
	case e.Op != "client-tls":
		return e.Msg
	case !strings.Contains(e.Msg, "does not trust"):
		text, _, _ := strings.Cut(e.Msg, " for ")
		return text
	case s.ignoresCA():
		return "go distrusts modtap's CA here (try --mode reverse)"
	}
	return "client distrusts modtap's CA (--bypass relays unread)"
}

// ignoresCA reports whether a go command up to 1.26 ignores SSL_CERT_FILE where it ran.
func (s *Summary) ignoresCA() bool {
	return s.session != nil && s.session.Forward() &&
		(strings.HasPrefix(s.session.OS, "windows/") || strings.HasPrefix(s.session.OS, "darwin/"))
}

func (s *Summary) conn(c *recorder.Conn) {
	if c.Closed == "" && c.Err == nil {
		s.open[c.ID] = c
		return
	}
	delete(s.open, c.ID)
	if s.closed.put(c.ID, struct{}{}) {
		s.countConn(c)
	}
}

func (s *Summary) countConn(c *recorder.Conn) {
	if c.Marks.ConnectDone <= 0 || c.Err != nil && c.Remote == "" {
		return // it was never a connection
	}
	h := s.host(hostName(c.Target))
	h.connections++
	if c.TLS != nil {
		h.handshakes++
	}
	if c.Unused() {
		h.unused++
	}
}

func (s *Summary) tunnel(t *recorder.Tunnel) {
	if t.End <= 0 || !s.ended.put(t.ID, struct{}{}) {
		return
	}
	s.tunnels++
	if t.Kind == "raw" || t.Kind == "bypass" {
		host := hostName(t.Target)
		if _, ok := s.unread[host]; !ok && len(s.unread) >= maxHosts {
			host = others
		}
		s.unread[host]++
	}
	// What fails in a tunnel is an exchange too, and is counted there.
}

// kindGroup is the row of the table that requests of kind are counted in.
func kindGroup(kind gomod.Kind) string {
	if step := kind.Step(); step != "sumdb" {
		return step
	}
	return "checksum database"
}
