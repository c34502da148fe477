package upstream

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
)

// resolver asks the DNS server of the configuration, or the system's. Dial is used by Go's
// own resolver only; where the system's is preferred it still is.
func (d *Dialer) resolver() *net.Resolver {
	own := d.c.Resolver
	return &net.Resolver{PreferGo: own != "", Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if own != "" {
			addr = own
		}
		c, err := new(net.Dialer).DialContext(ctx, network, addr) // ctx ends with the query
		if OutOfFiles(err) {
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

// OutOfFiles reports whether err says that this process, or the machine, can open no more
// files. A net.DNSError has only the text of what was under it.
func OutOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		err != nil && strings.Contains(err.Error(), syscall.EMFILE.Error())
}
