package upstream

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"time"
)

// resolver asks the DNS server of the configuration, or the system's. Dial is used by Go's
// own resolver only; where the system's is preferred it still is.
func (d *Dialer) resolver() *net.Resolver {
	own := d.c.Resolver
	dialer := net.Dialer{}
	if own != "" {
		dialer.Timeout = 5 * time.Second
	}
	return &net.Resolver{PreferGo: own != "", Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if own != "" {
			addr = own
		}
		c, err := dialer.DialContext(ctx, network, addr)
		if outOfFiles(err) {
			d.unasked.Add(1)
		}
		return c, err
	}}
}

// open dials addr directly. Go's resolver asks for A and AAAA at once and reports what the
// later of them came to (net/dnsclient_unix.go): when there was no socket for the first and
// the host has no IPv6 address, that is "no such host", which is not so.
func (d *Dialer) open(ctx context.Context, addr string) (net.Conn, error) {
	unasked := d.unasked.Load()
	c, err := d.d.DialContext(ctx, "tcp", addr)
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound && d.unasked.Load() != unasked {
		full := os.NewSyscallError("socket", syscall.EMFILE)
		err = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{
			UnwrapErr: full, Err: full.Error(), Name: dns.Name, Server: dns.Server, IsTemporary: true,
		}}
	}
	return c, err
}

func outOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
