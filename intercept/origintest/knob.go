package origintest

import (
	"net"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// A Failure is a way in which an answer goes wrong.
type Failure string

// The failures. Those named …Body happen after [Knob.FailAfter] bytes of the body.
// Abort is what a Go server does when its handler panics: HTTP/2 resets the stream with
// INTERNAL_ERROR and keeps the connection, HTTP/1.1 closes the connection.
const (
	NoFailure Failure = ""
	Reset     Failure = "reset"      // TCP reset instead of headers
	Close     Failure = "close"      // TCP closed instead of headers
	Abort     Failure = "abort"      // see above, instead of headers
	Stall     Failure = "stall"      // no headers until the client has gone
	ResetBody Failure = "reset-body" // TCP reset in the body
	CloseBody Failure = "close-body" // TCP closed in the body, without a TLS close_notify
	EndBody   Failure = "end-body"   // the connection ended in the body, in the order of TLS
	AbortBody Failure = "abort-body" // see above, in the body
	StallBody Failure = "stall-body" // silence in the body until the client has gone
	ShortBody Failure = "short-body" // ends cleanly, with fewer bytes than Content-Length

	// HTTP/2 alone; the code is [Knob.Code].
	ResetStream     Failure = "rst-stream"      // RST_STREAM instead of headers
	ResetStreamBody Failure = "rst-stream-body" // RST_STREAM in the body
	GoAway          Failure = "goaway"          // GOAWAY instead of headers, then TCP closed
	GoAwayBody      Failure = "goaway-body"     // GOAWAY in the body, then TCP closed
	GoAwayUnseen    Failure = "goaway-unseen"   // GOAWAY that says no request was processed, then TCP closed
)

// A Match chooses requests. Every field that is set must match; the zero value matches all.
// Host and Suffix are [path.Match] patterns and plain suffixes respectively.
type Match struct {
	Host   string // host of the request without port, such as "slow.golang.test" or "sum.*"
	Suffix string // of the URL path, such as ".zip" or "/m3/@v/list"
	Kind   string // list info mod zip latest supported lookup tile sumdb storage info-refs upload-pack other
	Skip   int    // the first Skip requests that match are left alone
	Times  int    // then this many are chosen; 0: all
	// When, if set, must agree too. It is called while the origin's knobs are locked.
	When func(*http.Request) bool
}

// A Knob changes the answers of an [Origin] to the requests it matches. Of several knobs
// the first that matches is used alone. Delays end early when the client goes away.
type Knob struct {
	Match
	ReadDelay time.Duration // before the request body is read
	FirstByte time.Duration // before the headers
	BodyDelay time.Duration // between the first byte of the body and the second
	Rate      int64         // bytes of the body per second; 0: as fast as it goes

	Status int         // answers this instead
	Body   string      // of the answer with Status; "": the name of the status
	Header http.Header // set on the answer, such as Retry-After

	Fail      Failure
	FailAfter int64 // bytes of the body before a …Body failure; 0: half of them
	Code      int   // of RST_STREAM or GOAWAY, RFC 9113 §7; a GOAWAY says "as the test wants"

	EarlyHints bool   // sends a 103 before the answer
	Trailer    bool   // sends the trailer X-Origin-Trailer: end
	Chunked    bool   // does not say how long the body is
	Gzip       bool   // compresses where the request accepts it
	Redirect   string // 302 to object storage: a host name (same port) or a base URL
	CloseEvery int    // each Nth request of a connection ends it: h1 Connection: close, h2 GOAWAY
}

// A Handshake changes the TLS handshakes of an [Origin]. Of several the first whose Host
// matches the SNI is used. The delay lies between ClientHello and ServerHello.
type Handshake struct {
	Host  string // as in [Match]; "" matches every name and its absence
	Skip  int    // as in [Match]
	Times int    // as in [Match]
	Delay time.Duration
	Fail  HandshakeFailure
}

// A HandshakeFailure is what a client gets instead of a ServerHello.
type HandshakeFailure string

// The handshake failures.
const (
	HandshakeOK    HandshakeFailure = ""
	HandshakeReset HandshakeFailure = "reset" // TCP reset
	HandshakeClose HandshakeFailure = "close" // TCP closed
	HandshakeStall HandshakeFailure = "stall" // silence until the client has gone
	HandshakeAlert HandshakeFailure = "alert" // TLS alert handshake_failure or internal_error
	HandshakePlain HandshakeFailure = "plain" // an HTTP/1.0 400 in plain text
)

// counter counts what a rule has matched, for Skip and Times.
type counter struct{ seen int }

func (c *counter) take(skip, times int) bool {
	c.seen++
	return c.seen > skip && (times == 0 || c.seen <= skip+times)
}

// settings are the knobs of a running origin.
type settings struct {
	mu         sync.Mutex
	knobs      []Knob
	counts     []counter
	handshakes []Handshake
	hsCounts   []counter
}

func (s *settings) setKnobs(knobs []Knob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.knobs, s.counts = knobs, make([]counter, len(knobs))
}

func (s *settings) setHandshakes(hs []Handshake) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handshakes, s.hsCounts = hs, make([]counter, len(hs))
}

// knob returns the knob for a request, or the zero Knob.
func (s *settings) knob(r *http.Request, kind string) Knob {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, k := range s.knobs {
		if k.matches(r, kind) && s.counts[i].take(k.Skip, k.Times) {
			return k
		}
	}
	return Knob{}
}

// handshake returns what is to happen in a handshake for the name sni.
func (s *settings) handshake(sni string) Handshake {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, h := range s.handshakes {
		if hostMatches(h.Host, sni) && s.hsCounts[i].take(h.Skip, h.Times) {
			return h
		}
	}
	return Handshake{}
}

func (m Match) matches(r *http.Request, kind string) bool {
	return hostMatches(m.Host, hostname(r)) &&
		strings.HasSuffix(r.URL.Path, m.Suffix) &&
		(m.Kind == "" || m.Kind == kind) &&
		(m.When == nil || m.When(r))
}

func hostMatches(pattern, host string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, host)
	return ok && err == nil
}

// hostname is the host that the request is for, lower case and without port.
func hostname(r *http.Request) string {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(host)
}

// kindOf names what a request asks for. It is written apart from recorder/gomod on purpose.
func kindOf(r *http.Request) string {
	p := r.URL.Path
	switch {
	case strings.HasPrefix(p, storagePath):
		return "storage"
	case strings.HasSuffix(p, "/info/refs"):
		return "info-refs"
	case strings.HasSuffix(p, "/git-upload-pack"):
		return "upload-pack"
	case strings.HasSuffix(p, "/supported"):
		return "supported"
	case strings.Contains(p, "/lookup/"):
		return "lookup"
	case strings.Contains(p, "/tile/"):
		return "tile"
	case hostname(r) == SumHost, strings.Contains(p, "/sumdb/"):
		return "sumdb"
	case strings.HasSuffix(p, "/@v/list"):
		return "list"
	case strings.HasSuffix(p, "/@latest"):
		return "latest"
	case strings.Contains(p, "/@v/"):
		if ext := strings.TrimPrefix(path.Ext(p), "."); ext == "info" || ext == "mod" || ext == "zip" {
			return ext
		}
	}
	return "other"
}
