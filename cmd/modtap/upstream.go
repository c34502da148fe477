package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// A parent is how modtap itself reaches servers: by the environment it was started with,
// not by the one it gives to the child.
type parent struct {
	choose func(*url.URL) (*url.URL, error)
	urls   []*url.URL // the proxies it may choose
}

// parentProxy reads --upstream-proxy. NO_PROXY holds for a URL given there too, as it
// does for curl's -x.
func (a *app) parentProxy(flag string) (parent, error) {
	// The order is the go command's: upper case first.
	env := func(name string) string {
		if v := a.getenv(name); v != "" {
			return v
		}
		return a.getenv(strings.ToLower(name))
	}
	config := httpproxy.Config{HTTPProxy: env("HTTP_PROXY"), HTTPSProxy: env("HTTPS_PROXY"), NoProxy: env("NO_PROXY")}
	switch flag {
	case "", "auto":
	case "direct":
		return parent{}, nil
	default:
		if _, err := parseProxy(flag); err != nil {
			return parent{}, fmt.Errorf("--upstream-proxy %s: %w", flag, err)
		}
		config.HTTPProxy, config.HTTPSProxy = flag, flag
	}
	p := parent{choose: config.ProxyFunc()}
	for _, s := range []string{config.HTTPProxy, config.HTTPSProxy} {
		if u, err := parseProxy(s); err == nil {
			p.urls = append(p.urls, u)
		}
	}
	return p, nil
}

// parseProxy reads a proxy's URL as httpproxy does: without a scheme it is http.
func parseProxy(s string) (*url.URL, error) {
	schemes := []string{"http", "https", "socks5", "socks5h"}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || !slices.Contains(schemes, u.Scheme) {
		if strings.Contains(s, "://") {
			return nil, errors.New("must be auto, direct, or a URL with http, https, socks5 or socks5h")
		}
		u, err = url.Parse("http://" + s)
	}
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("must be auto, direct, or a URL such as http://proxy.example:3128")
	}
	return u, nil
}

// leadsTo reports whether one of p's proxies is the one that listens on own.
func (p parent) leadsTo(own netip.AddrPort) bool {
	return slices.ContainsFunc(p.urls, func(u *url.URL) bool {
		if u.Port() != fmt.Sprint(own.Port()) {
			return false
		}
		ip, err := netip.ParseAddr(u.Hostname())
		return u.Hostname() == "localhost" || err == nil && sameHost(ip, own.Addr())
	})
}

// sameHost reports whether dialling to reaches what listens on own.
func sameHost(to, own netip.Addr) bool {
	return to.Unmap() == own.Unmap() || to.IsUnspecified()
}

// refuse is for [upstream.Config]: modtap must not be made to talk to its own ports.
func refuse(listeners ...net.Listener) func(netip.AddrPort) bool {
	var own []netip.AddrPort
	for _, l := range listeners {
		if l != nil {
			own = append(own, addrPort(l))
		}
	}
	return func(to netip.AddrPort) bool {
		return slices.ContainsFunc(own, func(o netip.AddrPort) bool {
			return to.Port() == o.Port() && sameHost(to.Addr(), o.Addr())
		})
	}
}

func addrPort(l net.Listener) netip.AddrPort {
	tcp, _ := l.Addr().(*net.TCPAddr)
	if tcp == nil {
		return netip.AddrPort{}
	}
	return tcp.AddrPort()
}

// listen opens a loopback port. On any other address strangers could use the proxy, and
// modtap does not ask them for credentials.
func listen(addr string) (net.Listener, error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, withCode(withHint(fmt.Errorf("listen on %s: %w", addr, cause(err)), "it must be like 127.0.0.1:8080"), exitUsage)
	}
	if !tcp.IP.IsLoopback() {
		return nil, withCode(withHint(fmt.Errorf("listen on %s: only loopback addresses are possible", addr), "it must be like 127.0.0.1:8080"), exitUsage)
	}
	l, err := net.ListenTCP("tcp", tcp)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, cause(err))
	}
	return l, nil
}
