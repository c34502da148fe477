package upstream

import (
	"net/netip"
	"net/url"
)

// Config says how to reach servers. The zero value dials directly with the system's resolver.
type Config struct {
	// Proxy chooses the parent proxy for a URL; nil, or a nil result: direct.
	Proxy func(*url.URL) (*url.URL, error)
	// Resolver is the host:port of a DNS server to ask instead of the system's.
	Resolver string
	// Refuse reports addresses that must not be dialled (modtap's own ports).
	Refuse func(netip.AddrPort) bool
}

// A Dialer opens connections to servers.
type Dialer struct{}

// New returns a Dialer.
func New(c Config) *Dialer { return &Dialer{} }
