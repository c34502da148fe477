package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// dialTimeout and keepAlive are http.DefaultTransport's, which is what the go
	// command dials with (net/http/transport.go).
	dialTimeout = 30 * time.Second
	keepAlive   = 30 * time.Second
	// connectTimeout is net/http's budget for a parent proxy's answer to CONNECT.
	connectTimeout = time.Minute
)

// Config says how to reach servers. The zero value dials directly with the system's resolver.
type Config struct {
	// Proxy chooses the parent proxy for a URL; nil, or a nil result: direct. The
	// schemes are http, https, socks5 and socks5h.
	Proxy func(*url.URL) (*url.URL, error)
	// Resolver is the host:port of a DNS server to ask instead of the system's.
	Resolver string
	// Refuse reports addresses that must not be dialled (modtap's own ports).
	Refuse func(netip.AddrPort) bool
	// Roots verify a parent proxy that is reached over TLS; nil: the system's.
	Roots *x509.CertPool
}

// A Dialer opens connections to servers. It is safe for concurrent use.
type Dialer struct {
	c Config
	d net.Dialer
	// unasked counts the DNS queries that could not be sent for want of a socket.
	unasked atomic.Int64
}

// ErrOwnPort is the error of a dial that would have reached modtap itself.
var ErrOwnPort = errors.New("modtap does not connect to its own port (is the proxy chained to itself?)")

// New returns a Dialer.
func New(c Config) *Dialer {
	d := &Dialer{c: c, d: net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}}
	d.d.Resolver = d.resolver()
	if c.Refuse != nil {
		d.d.ControlContext = func(_ context.Context, _, addr string, _ syscall.RawConn) error {
			if ap, err := netip.ParseAddrPort(addr); err == nil && c.Refuse(netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())) {
				return ErrOwnPort
			}
			return nil
		}
	}
	return d
}

// A Result is an open connection.
type Result struct {
	Conn net.Conn
	// Parent is the HTTP parent proxy that plain-http requests on Conn must be sent to
	// in absolute form; nil when Conn speaks to the server itself.
	Parent *url.URL
}

// Dial connects to addr (host:port) for requests of scheme (http or https; any other is
// taken as https is, through a parent proxy's CONNECT). What happens is recorded in t,
// also when it fails. The error reads as the go command's own would.
func (d *Dialer) Dial(ctx context.Context, scheme, addr string, t *Trace) (Result, error) {
	var parent *url.URL
	if d.c.Proxy != nil {
		ask := &url.URL{Scheme: "https", Host: addr} // httpproxy knows no other tunnels
		if scheme == "http" {
			ask.Scheme = scheme
		}
		var err error
		if parent, err = d.c.Proxy(ask); err != nil {
			return Result{}, fmt.Errorf("choose a proxy for %s: %w", addr, err)
		}
	}
	ctx = httptrace.WithClientTrace(ctx, t.hooks())
	if parent == nil {
		c, err := d.open(ctx, addr)
		t.opened(c)
		return Result{Conn: c}, err
	}
	t.via(parent)
	switch parent.Scheme {
	case "http", "https":
		return d.dialHTTPParent(ctx, parent, scheme, addr, t)
	case "socks5", "socks5h":
		c, err := d.dialSOCKS(ctx, parent, addr, t)
		return Result{Conn: c}, err
	}
	return Result{}, fmt.Errorf("proxy %s: scheme %q is not one of http, https, socks5, socks5h", parent.Redacted(), parent.Scheme)
}

// tcp opens the connection to a parent proxy.
func (d *Dialer) tcp(ctx context.Context, parent *url.URL, t *Trace) (net.Conn, error) {
	port := parent.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[parent.Scheme]
	}
	c, err := d.open(ctx, net.JoinHostPort(parent.Hostname(), port))
	if err != nil {
		// net/http wraps it so (transport.go, issue 16997)
		return nil, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err}
	}
	t.opened(c)
	if parent.Scheme != "https" {
		return c, nil
	}
	tc := tls.Client(c, &tls.Config{ServerName: parent.Hostname(), RootCAs: d.c.Roots})
	if err := tc.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, &net.OpError{Op: "proxyconnect", Net: "tcp", Err: err}
	}
	return tc, nil
}
