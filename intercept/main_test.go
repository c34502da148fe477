package intercept_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"modtap/ca"
	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/intercept/upstream"
	"modtap/recorder"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A rig is a proxy in front of an origin, with clients that go through it and past it.
type rig struct {
	t      testing.TB
	origin *origintest.Origin
	dns    *origintest.DNS
	log    *recorder.Log
	ca     *ca.Authority
	proxy  *intercept.Proxy
	addr   string
	served chan error
}

// newRig starts a proxy whose servers are o's; change may alter its configuration.
func newRig(t testing.TB, o *origintest.Origin, change func(*intercept.Config)) *rig {
	t.Helper()
	authority, err := ca.New()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, origin: o, dns: origintest.StartDNS(t, origintest.DNSConfig{}), log: recorder.NewLog(), ca: authority, served: make(chan error, 1)}
	c := intercept.Config{
		Log: r.log, Leaf: authority.Leaf, Roots: o.CertPool(),
		Upstream: upstream.New(upstream.Config{Resolver: r.dns.Addr()}),
	}
	if change != nil {
		change(&c)
	}
	if r.proxy, err = intercept.New(c); err != nil {
		t.Fatal(err)
	}
	r.proxy.Unhurried(time.Second)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.addr = l.Addr().String()
	go func() { r.served <- r.proxy.Serve(l) }()
	t.Cleanup(r.stop)
	return r
}

// stop shuts the proxy down, once.
func (r *rig) stop() {
	if r.proxy == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	r.proxy.Shutdown(ctx)
	r.proxy = nil
	if err := <-r.served; err != nil {
		r.t.Errorf("Serve: %v", err)
	}
}

// tapped is a client that goes through the proxy and trusts its CA and the origin's.
func (r *rig) tapped(protos ...string) *http.Client {
	pool := r.origin.CertPool()
	pool.AddCert(r.ca.Certificate())
	return r.client(&url.URL{Scheme: "http", Host: r.addr}, pool, protos)
}

// direct is the same client without the proxy.
func (r *rig) direct(protos ...string) *http.Client {
	return r.client(nil, r.origin.CertPool(), protos)
}

func (r *rig) client(proxy *url.URL, roots *x509.CertPool, protos []string) *http.Client {
	if len(protos) == 0 {
		protos = []string{"h2", "http/1.1"}
	}
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetHTTP2(protos[0] == "h2")
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, r.dns.Addr())
	}}
	tr := &http.Transport{
		DialContext: (&net.Dialer{Resolver: resolver, Timeout: 30 * time.Second}).DialContext, Protocols: &p, DisableCompression: true,
		TLSClientConfig: &tls.Config{RootCAs: roots}, TLSHandshakeTimeout: 10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
	if proxy != nil {
		tr.Proxy = http.ProxyURL(proxy)
	}
	r.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{
		Transport: tr, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// exchanges returns the last snapshot of each, in the order of starting, after waiting
// until n of them are done.
func (r *rig) exchanges(n int) []*recorder.Exchange {
	r.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		var all []*recorder.Exchange
		done := 0
		events, _ := r.log.Snapshot()
		for _, e := range events {
			if e.Exchange != nil {
				all = append(all, e.Exchange)
				if e.Exchange.Done {
					done++
				}
			}
		}
		if done >= n && done == len(all) {
			return all
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d of %d exchanges are done, want %d", done, len(all), n)
		}
		time.Sleep(time.Millisecond) // the last snapshot comes after the client has its answer
	}
}

// conns returns the last snapshot of each connection.
func (r *rig) conns() []*recorder.Conn {
	var all []*recorder.Conn
	events, _ := r.log.Snapshot()
	for _, e := range events {
		if e.Conn != nil {
			all = append(all, e.Conn)
		}
	}
	return all
}

// seen is what a client makes of an answer, as text to compare.
func seen(c *http.Client, req *http.Request) string {
	var early []string
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		early = append(early, fmt.Sprint(code, h))
		return nil
	}}
	resp, err := c.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return "error: " + err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	resp.Header.Del("Date") // the second may turn between the two
	var h bytes.Buffer
	resp.Header.Write(&h)
	return fmt.Sprintf("%s %s early=%v length=%d\n%sbody=%d %.100q err=%v trailer=%v",
		resp.Proto, resp.Status, early, resp.ContentLength, strings.ReplaceAll(h.String(), "\r", ""), len(body), body, err, resp.Trailer)
}
