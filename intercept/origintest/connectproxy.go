package origintest

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"sync"
	"testing"
	"time"
)

// ProxyConfig is what a [ConnectProxy] is made of.
type ProxyConfig struct {
	Addr string // listen address, default 127.0.0.1:0
	// Route maps what CONNECT asked for (HOST:PORT) to the address to dial. nil leaves it
	// as it is. See [RouteTo].
	Route func(hostport string) string
	// User, if set, is "name:password" that a client must send (Basic); others get 407.
	User string
}

// A ConnectProxy is a plain CONNECT tunnel that looks into nothing: the direct baseline of a
// measurement, or the corporate proxy that modtap chains to.
type ConnectProxy struct {
	c      ProxyConfig
	ln     net.Listener
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	connects []string
}

// RouteTo routes every name under golang.test to one address and leaves the others.
func RouteTo(addr string) func(hostport string) string {
	return func(hostport string) string {
		if host, _, err := net.SplitHostPort(hostport); err == nil {
			if ok, _ := path.Match("*golang.test", host); ok {
				return addr
			}
		}
		return hostport
	}
}

// StartConnectProxy runs a tunnel to the origin for a test and stops it with the test.
func StartConnectProxy(t testing.TB, o *Origin) *ConnectProxy {
	t.Helper()
	p, err := NewConnectProxy(ProxyConfig{Route: RouteTo(o.Addr())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// NewConnectProxy starts a tunnel; Close stops it.
func NewConnectProxy(c ProxyConfig) (*ConnectProxy, error) {
	if c.Addr == "" {
		c.Addr = "127.0.0.1:0"
	}
	if c.Route == nil {
		c.Route = func(hostport string) string { return hostport }
	}
	ln, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("start the CONNECT proxy: %w", err)
	}
	p := &ConnectProxy{c: c, ln: ln}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.wg.Go(func() {
		for {
			client, err := ln.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(client) })
		}
	})
	return p, nil
}

// URL returns http://HOST:PORT, a value for HTTPS_PROXY.
func (p *ConnectProxy) URL() string { return "http://" + p.ln.Addr().String() }

// Env returns the proxy variables, in both cases and with NO_PROXY emptied.
func (p *ConnectProxy) Env() []string {
	var env []string
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"} {
		env = append(env, name+"="+p.URL())
	}
	return append(env, "NO_PROXY=", "no_proxy=")
}

// Connects returns what the CONNECT requests asked for, in order.
func (p *ConnectProxy) Connects() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.connects...)
}

// Close cuts every tunnel and stops.
func (p *ConnectProxy) Close() {
	p.cancel()
	_ = p.ln.Close()
	p.wg.Wait()
}

func (p *ConnectProxy) serve(client net.Conn) {
	defer context.AfterFunc(p.ctx, func() { _ = client.Close() })()
	defer client.Close()
	br := bufio.NewReader(client)
	r, err := http.ReadRequest(br)
	if err != nil {
		return
	}
	if r.Method != http.MethodConnect {
		refuse(client, "405 Method Not Allowed", "")
		return
	}
	p.mu.Lock()
	p.connects = append(p.connects, r.Host)
	p.mu.Unlock()
	want := "Basic " + base64.StdEncoding.EncodeToString([]byte(p.c.User))
	if p.c.User != "" && r.Header.Get("Proxy-Authorization") != want {
		refuse(client, "407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=\"origintest\"\r\n")
		return
	}
	d := net.Dialer{Timeout: 30 * time.Second}
	server, err := d.DialContext(p.ctx, "tcp", p.c.Route(r.Host))
	if err != nil {
		refuse(client, "502 "+err.Error(), "")
		return
	}
	defer context.AfterFunc(p.ctx, func() { _ = server.Close() })()
	defer server.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	relay(client, br, server)
}

func refuse(client net.Conn, status, header string) {
	_, _ = fmt.Fprintf(client, "HTTP/1.1 %s\r\n%sContent-Length: 0\r\nConnection: close\r\n\r\n", status, header)
}

// relay copies both ways until both sides have ended or one has failed. A reset of the server
// is passed on as one, because the go command words it differently from an end.
func relay(client net.Conn, br *bufio.Reader, server net.Conn) {
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.CopyN(server, br, int64(br.Buffered())) // what came with the CONNECT
		_, err := io.Copy(server, client)
		finish(server, err)
	})
	_, err := io.Copy(client, server)
	finish(client, err)
	if err != nil {
		_ = client.Close()
	}
	wg.Wait()
}

// finish ends the sending half, or the connection as a failed one.
func finish(dst net.Conn, err error) {
	t, ok := dst.(*net.TCPConn)
	if !ok {
		return
	}
	if err != nil {
		_ = t.SetLinger(0)
		_ = t.Close()
		return
	}
	_ = t.CloseWrite()
}
