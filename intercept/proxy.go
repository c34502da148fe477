package intercept

import (
	"context"
	"net"
)

// A Proxy is the intercepting proxy.
type Proxy struct{}

// New checks c and returns a Proxy that is not yet serving.
func New(c Config) (*Proxy, error) { return &Proxy{}, nil }

// Serve accepts clients on l until Shutdown; then it returns nil.
func (p *Proxy) Serve(l net.Listener) error { return nil }

// Shutdown stops accepting, lets what is in flight finish until ctx ends, cuts the rest
// and appends the last snapshot of every exchange, connection and tunnel to the Log.
func (p *Proxy) Shutdown(ctx context.Context) error { return nil }
