package upstream

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/proxy"
)

// A ParentError is a parent proxy's refusal of a CONNECT. Error returns the text after
// the status code, which is all that net/http shows of it.
type ParentError struct {
	Code   int
	Status string // as in "407 Proxy Authentication Required"
	Header http.Header
}

func (e *ParentError) Error() string {
	if _, text, ok := strings.Cut(e.Status, " "); ok && text != "" {
		return text
	}
	return "unknown status code"
}

func (d *Dialer) dialHTTPParent(ctx context.Context, parent *url.URL, scheme, addr string, t *Trace) (Result, error) {
	c, err := d.tcp(ctx, parent, t)
	if err != nil {
		return Result{}, err
	}
	if scheme == "http" {
		return Result{Conn: c, Parent: parent}, nil
	}
	t.mark(&t.marks.ProxyStart)
	c, err = connect(ctx, c, parent, addr)
	t.mark(&t.marks.ProxyDone)
	return Result{Conn: c}, err
}

// connect asks the parent proxy on c for a tunnel to addr. It closes c on failure.
func connect(ctx context.Context, c net.Conn, parent *url.URL, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	req := "CONNECT " + addr + " HTTP/1.1\r\nHost: " + addr + "\r\nUser-Agent: Go-http-client/1.1\r\n"
	if u := parent.User; u != nil {
		pass, _ := u.Password()
		req += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+pass)) + "\r\n"
	}
	br := bufio.NewReader(c)
	_, err := io.WriteString(c, req+"\r\n")
	var resp *http.Response
	if err == nil {
		resp, err = http.ReadResponse(br, &http.Request{Method: http.MethodConnect})
	}
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		c.Close()
		return nil, &ParentError{Code: resp.StatusCode, Status: resp.Status, Header: resp.Header}
	}
	if n := br.Buffered(); n > 0 { // the server spoke first, in the same segment
		early, _ := br.Peek(n)
		return &earlyConn{Conn: c, early: early}, nil
	}
	return c, nil
}

// An earlyConn gives back bytes that were read too early.
type earlyConn struct {
	net.Conn
	early []byte
}

func (c *earlyConn) Read(p []byte) (int, error) {
	if len(c.early) > 0 {
		n := copy(p, c.early)
		c.early = c.early[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

// dialSOCKS reaches addr through a SOCKS 5 proxy, which resolves the name.
func (d *Dialer) dialSOCKS(ctx context.Context, parent *url.URL, addr string, t *Trace) (net.Conn, error) {
	var auth *proxy.Auth
	if u := parent.User; u != nil {
		pass, _ := u.Password()
		auth = &proxy.Auth{User: u.Username(), Password: pass}
	}
	forward := dialFunc(func(ctx context.Context) (net.Conn, error) {
		c, err := d.tcp(ctx, parent, t)
		if err == nil {
			t.mark(&t.marks.ProxyStart)
		}
		return c, err
	})
	sd, err := proxy.SOCKS5("tcp", parent.Host, auth, forward)
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", parent.Redacted(), err)
	}
	c, err := sd.(proxy.ContextDialer).DialContext(ctx, "tcp", addr)
	t.mark(&t.marks.ProxyDone)
	return c, err
}

// A dialFunc opens the connection to the SOCKS proxy, whatever address it is asked for.
type dialFunc func(context.Context) (net.Conn, error)

func (f dialFunc) Dial(_, _ string) (net.Conn, error) { return f(context.Background()) }
func (f dialFunc) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return f(ctx)
}
