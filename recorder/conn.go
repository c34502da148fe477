package recorder

import "time"

// A Conn is one connection to a server (or to a parent proxy on the way to it). Its
// offsets count from Start.
type Conn struct {
	ID     uint64    `json:"id"`
	Tunnel uint64    `json:"tunnel,omitempty"` // the client's tunnel it was opened for; 0: plain HTTP proxying or a shared pool
	Target string    `json:"target"`           // host:port that was asked for
	Scheme string    `json:"scheme"`           // https, http, or raw where modtap only relays bytes
	Start  time.Time `json:"start"`            // when the dial began

	Marks     Marks    `json:"marks"`           // DNS, connect, proxy and TLS marks; End when it was closed
	Addrs     []string `json:"addrs,omitempty"` // the resolver's answer
	Dials     []Dial   `json:"dials,omitempty"` // every attempt, in order of starting
	Remote    string   `json:"remote,omitempty"`
	Local     string   `json:"local,omitempty"`
	Via       string   `json:"via,omitempty"` // the parent proxy, redacted; "" when direct
	TLS       *TLS     `json:"tls,omitempty"`
	TCP       *TCP     `json:"tcp,omitempty"` // nil: not measured
	Exchanges int      `json:"exchanges"`     // requests sent on it
	BytesIn   int64    `json:"bytes_in"`      // wire bytes read, TLS included
	BytesOut  int64    `json:"bytes_out"`     // wire bytes written
	Err       *Error   `json:"error,omitempty"`
	Closed    string   `json:"closed,omitempty"` // who ended it: client, server, modtap; "" while open
}

// Unused reports whether the connection was opened and closed without a request, as the
// go command's speculative connections are.
func (c *Conn) Unused() bool { return c.Exchanges == 0 && c.Scheme != "raw" }

// Opened reports whether the connection came to be: what failed before a request could be
// sent on it did not.
func (c *Conn) Opened() bool { return c.Err == nil || c.Exchanges > 0 }

// A Dial is one attempt to connect to one address.
type Dial struct {
	Addr  string `json:"addr"`
	Start Span   `json:"start_ms"`
	Done  Span   `json:"done_ms,omitempty"` // 0: still going on, or abandoned without a word
	Err   string `json:"error,omitempty"`
}

// TLS is what a handshake agreed on.
type TLS struct {
	Version string    `json:"version"` // as in "TLS 1.3"
	Suite   string    `json:"suite"`
	Curve   string    `json:"curve,omitempty"`
	ALPN    string    `json:"alpn,omitempty"` // "" when none was agreed
	Resumed bool      `json:"resumed,omitempty"`
	Subject string    `json:"subject,omitempty"`
	Issuer  string    `json:"issuer,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	Verdict string    `json:"verdict,omitempty"` // why the certificate does not verify; "" when it does
}

// A Tunnel is one CONNECT of the child. Its offsets count from Start.
type Tunnel struct {
	ID     uint64    `json:"id"`
	Conn   uint64    `json:"conn,omitempty"` // its first upstream Conn
	Target string    `json:"target"`
	Agent  string    `json:"agent,omitempty"` // User-Agent of the CONNECT: tells go from git before TLS
	Kind   string    `json:"kind"`            // mitm, bypass (--bypass), raw (neither TLS nor HTTP), plain (HTTP without TLS)
	Start  time.Time `json:"start"`           // when the CONNECT was read

	Answered  Span   `json:"answered_ms,omitempty"` // when it was answered
	Hello     Span   `json:"hello_ms,omitempty"`    // when the client's first bytes came
	TLSDone   Span   `json:"tls_done_ms,omitempty"` // when the client's handshake ended
	Mint      Span   `json:"mint_ms,omitempty"`     // how long making its certificate took, modtap's own time
	End       Span   `json:"end_ms,omitempty"`
	TLS       *TLS   `json:"tls,omitempty"` // what the client's leg agreed on
	Status    int    `json:"status"`        // what the CONNECT was answered with
	Exchanges int    `json:"exchanges"`
	BytesIn   int64  `json:"bytes_in"`  // raw and bypass: from the server to the client
	BytesOut  int64  `json:"bytes_out"` // raw and bypass: from the client to the server
	Err       *Error `json:"error,omitempty"`
}
