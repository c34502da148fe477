package recorder

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"modtap/recorder/gomod"
)

// A Span is a length of time, or an instant given as its distance from a start. In
// JSON it is a number of milliseconds with up to six decimals, so no nanosecond is lost.
type Span time.Duration

// Milliseconds returns s as fractional milliseconds.
func (s Span) Milliseconds() float64 { return float64(s) / float64(time.Millisecond) }

// Duration returns s as a time.Duration.
func (s Span) Duration() time.Duration { return time.Duration(s) }

// String formats s like time.Duration does.
func (s Span) String() string { return time.Duration(s).String() }

// MarshalJSON writes s as milliseconds, exactly.
func (s Span) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 24)
	n := uint64(s)
	if s < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendUint(b, n/nanosPerMilli, 10)
	if frac := n % nanosPerMilli; frac != 0 {
		b = append(b, '.')
		for unit := uint64(nanosPerMilli / 10); frac > 0; unit /= 10 {
			b = append(b, byte('0'+frac/unit))
			frac %= unit
		}
	}
	return b, nil
}

const nanosPerMilli = 1e6

// UnmarshalJSON reads milliseconds, to the nearest nanosecond; null changes nothing. What
// does not fit into 292 years is an error.
func (s *Span) UnmarshalJSON(b []byte) error {
	text := string(b)
	if text == "null" {
		return nil
	}
	if ns, ok := exactNanos(text); ok {
		*s = ns
		return nil
	}
	ms, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return err
	}
	ns := math.Round(ms * nanosPerMilli)
	if !(math.Abs(ns) < 1<<63) {
		return fmt.Errorf("%s ms is out of range", text)
	}
	*s = Span(ns)
	return nil
}

// exactNanos reads what MarshalJSON writes: a decimal number with up to six decimals. A
// float64 would lose nanoseconds from 104 days on.
func exactNanos(text string) (Span, bool) {
	whole, frac, _ := strings.Cut(text, ".")
	if len(frac) > 6 {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+frac+"000000"[len(frac):], 10, 64)
	return Span(n), err == nil
}

// An Exchange is one request and its answer as modtap saw them on both legs. It is a
// value: copy it freely; never modify one you were given.
type Exchange struct {
	ID     uint64 `json:"id"`               // unique in the session, from 1, in the order of starting
	Conn   uint64 `json:"conn,omitempty"`   // the upstream Conn; 0: none was used
	Tunnel uint64 `json:"tunnel,omitempty"` // the client's Tunnel; 0: plain HTTP proxying
	Parent uint64 `json:"parent,omitempty"` // the exchange this one follows: its redirect led here, or it was sent again (go sends each 4xx twice)

	Start  time.Time     `json:"start"`           // when the client asked, wall clock; everything else is an offset from it
	Method string        `json:"method"`          // as the client sent it; CONNECT for a tunnel that failed before any request
	URL    string        `json:"url"`             // absolute, redacted
	Proto  string        `json:"proto,omitempty"` // protocol of the server leg: HTTP/1.1, HTTP/2.0; the client leg's where there was none
	Remote string        `json:"remote,omitempty"`
	Go     gomod.Request `json:"go,omitzero"` // what it means to the go command; zero: not recognised

	Server   Marks    `json:"server"` // the server leg; its phases are Timings
	Client   Marks    `json:"client"` // the client leg: when the child gave and took bytes
	Status   int      `json:"status"` // 0 until response headers, or when none came
	Reason   string   `json:"reason,omitempty"`
	Err      *Error   `json:"error,omitempty"`
	Request  Message  `json:"request"`
	Response Message  `json:"response"`
	Rules    []string `json:"rules,omitempty"` // names of the rules that changed it
	SentTo   string   `json:"sent_to,omitempty"`
	Resent   int      `json:"resent,omitempty"` // times modtap sent it again on another connection, as the client's own transport would have

	ServerBlocked Span `json:"server_blocked_ms"` // relaying the body: time waiting for the server's bytes
	ClientBlocked Span `json:"client_blocked_ms"` // relaying the body: time the client did not take bytes
	Overhead      Span `json:"overhead_ms"`       // modtap's own time, never the server's
	Injected      Span `json:"injected_ms,omitempty"`
	Done          bool `json:"done,omitempty"` // nothing more will come

	TCP *TCP `json:"tcp,omitempty"` // of its connection while it was on its way; nil: not measured
}

// An Error is a failure of an exchange, a connection or a tunnel.
type Error struct {
	Op  string `json:"op"`  // dns, dial, proxy, tls, write, read, timeout, canceled, client-tls, redirect, rule
	Msg string `json:"msg"` // the text as the go command would print it, redacted
}

func (e *Error) Error() string { return e.Op + ": " + e.Msg }

// A Header is one header line. Order within a name is kept; net/http loses the order
// of names and their case.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// A Message is one direction of an exchange.
type Message struct {
	Header     []Header `json:"header,omitempty"`
	Trailer    []Header `json:"trailer,omitempty"`
	HeaderSize int64    `json:"header_size"` // bytes of start line and headers as HTTP/1.1 would write them; -1: unknown
	BodySize   int64    `json:"body_size"`   // bytes of the body on the wire, so far while in flight
	Mime       string   `json:"mime,omitempty"`
	Encoding   string   `json:"encoding,omitempty"`  // Content-Encoding, when Body is still encoded
	Body       []byte   `json:"-"`                   // kept by the bodies policy, as on the wire; nil: not kept
	Kept       bool     `json:"kept,omitempty"`      // Body is the whole body
	Left       bool     `json:"-"`                   // Facts left the whole body out, or a part of it: who made them has it
	SHA256     string   `json:"sha256,omitempty"`    // hex, of bodies that are hashed instead of kept
	BodyFile   string   `json:"body_file,omitempty"` // the whole body in a file, relative to the recording's folder; Body is nil then
	Note       string   `json:"note,omitempty"`      // why the body was not kept, or is not as it was
	Redacted   bool     `json:"redacted,omitempty"`  // secrets were taken out of Body, and its content coding; BodySize is the wire's
}

// Get returns the first value of the header name (canonical form), or "".
func (m *Message) Get(name string) string {
	for _, h := range m.Header {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}
