package intercept_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/intercept/upstream"
)

// plainServer is an HTTP server without TLS that names the request it got.
func plainServer(t *testing.T) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s host=%s ua=%q conn=%q auth=%q", r.Method, r.RequestURI, r.Host, r.UserAgent(), r.Header["Proxy-Connection"], r.Header["Proxy-Authorization"])
	}))
	t.Cleanup(s.Close)
	return s
}

func TestPlainHTTP(t *testing.T) {
	s := plainServer(t)
	r := newRig(t, origintest.Start(t, origintest.Config{}), nil)
	c := r.tapped("http/1.1")
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	target := "http://plain.golang.test:" + port + "/x%2Fy?q=1"
	for range 2 {
		req, _ := http.NewRequest("GET", target, nil)
		req.Header.Set("Proxy-Connection", "keep-alive")
		want := `GET /x%2Fy?q=1 host=plain.golang.test:` + port + ` ua="Go-http-client/1.1" conn=[] auth=[]`
		if got := seen(c, req); !strings.Contains(got, fmt.Sprintf("%q", want)) {
			t.Errorf("the client saw %s, want body %s", got, want)
		}
	}
	xs := r.exchanges(2)
	if xs[0].URL != target || xs[0].Tunnel != 0 || xs[0].Server.Reused || !xs[1].Server.Reused {
		t.Errorf("recorded %+v", xs[0])
	}
	if p := xs[0].Server.Timings(); p.DNS < 0 || p.Connect < 0 || p.SSL != -1 {
		t.Errorf("phases %+v", p)
	}
}

// TestPlainHTTPFails: there is no connection whose end could be passed on, so the client
// gets a page that says what happened.
func TestPlainHTTPFails(t *testing.T) {
	r := newRig(t, origintest.Start(t, origintest.Config{}), nil)
	req, _ := http.NewRequest("GET", "http://plain.golang.test:1/", nil)
	if got := seen(r.tapped(), req); !strings.Contains(got, "502 Bad Gateway") || !strings.Contains(got, "connection refused") {
		t.Errorf("the client saw %s", got)
	}
	if x := r.exchanges(1)[0]; opOf(x) != "dial" || x.Status != 0 {
		t.Errorf("recorded status %d, %v", x.Status, x.Err)
	}
}

// answering serves connections, one after another, and returns the address.
func answering(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
		}
	}()
	return l.Addr().String()
}

// TestPlainHTTPSentAgain: a request that its server met with the end of an idle connection
// goes out again on another, as net/http would send it.
func TestPlainHTTPSentAgain(t *testing.T) {
	addr := answering(t, func(c net.Conn) {
		br := bufio.NewReader(c)
		http.ReadRequest(br)
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
		http.ReadRequest(br)
		c.Close()
	})
	r := newRig(t, origintest.Start(t, origintest.Config{}), nil)
	c := r.tapped("http/1.1")
	for range 3 {
		req, _ := http.NewRequest("GET", "http://"+addr+"/", nil)
		if got := seen(c, req); !strings.Contains(got, "200 OK") {
			t.Error(got)
		}
	}
	for i, x := range r.exchanges(3) {
		if x.Resent != min(i, 1) || x.Err != nil {
			t.Errorf("request %d was sent again %d times, %v", i, x.Resent, x.Err)
		}
	}
}

// TestPlainHTTPSentAgainInVain: as above, but the server is gone meanwhile.
func TestPlainHTTPSentAgainInVain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		br := bufio.NewReader(c)
		http.ReadRequest(br)
		l.Close() // before the answer: the next request comes after it
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
		http.ReadRequest(br)
	}()
	r := newRig(t, origintest.Start(t, origintest.Config{}), nil)
	c := r.tapped("http/1.1")
	for _, want := range []string{"200 OK", "502 Bad Gateway"} {
		req, _ := http.NewRequest("GET", "http://"+l.Addr().String()+"/", nil)
		if got := seen(c, req); !strings.Contains(got, want) {
			t.Errorf("the client saw %s, want %s", got, want)
		}
	}
	checkInVain(t, r, r.exchanges(2)[1], "dial")
}

func TestPlainHTTPInsideConnect(t *testing.T) {
	s := plainServer(t)
	r := newRig(t, origintest.Start(t, origintest.Config{}), nil)
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	addr := s.Listener.Addr().String()
	// everything at once: what comes with the CONNECT must not be lost
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\nGET /inside HTTP/1.1\r\nHost: %s\r\n\r\n", addr, addr, addr)
	br := bufio.NewReader(c)
	if resp, err := http.ReadResponse(br, &http.Request{Method: "CONNECT"}); err != nil || resp.StatusCode != 200 {
		t.Fatal(resp, err)
	}
	resp, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if want := `GET /inside host=` + addr + ` ua=""`; !strings.HasPrefix(string(body), want) {
		t.Errorf("the server got %q, want %q", body, want)
	}
	if x := r.exchanges(1)[0]; x.URL != "http://"+addr+"/inside" {
		t.Errorf("recorded %s", x.URL)
	}
}

// TestEagerClientHello sends the ClientHello together with the CONNECT.
func TestEagerClientHello(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	r := newRig(t, o, nil)
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(5 * time.Second))
	pool := o.CertPool()
	pool.AddCert(r.ca.Certificate())
	e := &eager{Conn: c, first: "CONNECT " + strings.TrimPrefix(o.URL(), "https://") + " HTTP/1.1\r\n\r\n"}
	tc := tls.Client(e, &tls.Config{ServerName: origintest.ProxyHost, RootCAs: pool})
	if err := tc.Handshake(); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(tc, "GET /bytes/1 HTTP/1.1\r\nHost: %s\r\n\r\n", origintest.ProxyHost)
	if resp, err := http.ReadResponse(bufio.NewReader(tc), nil); err != nil || resp.StatusCode != 200 {
		t.Error(resp, err)
	}
}

// An eager connection writes the CONNECT and the first write in one segment, and skips
// the answer to the CONNECT when it reads.
type eager struct {
	net.Conn
	first string
	once  sync.Once
	br    *bufio.Reader
}

func (e *eager) Write(p []byte) (int, error) {
	n := len(e.first)
	p = append([]byte(e.first), p...)
	e.first = ""
	m, err := e.Conn.Write(p)
	return m - n, err
}

func (e *eager) Read(p []byte) (int, error) {
	e.once.Do(func() {
		e.br = bufio.NewReader(e.Conn)
		http.ReadResponse(e.br, &http.Request{Method: "CONNECT"})
	})
	return e.br.Read(p)
}

// TestParentRefuses passes on a parent proxy's 407 as it came.
func TestParentRefuses(t *testing.T) {
	addr := answering(t, func(c net.Conn) {
		http.ReadRequest(bufio.NewReader(c))
		io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n")
		c.Close()
	})
	o := origintest.Start(t, origintest.Config{})
	parent := &url.URL{Scheme: "http", Host: addr}
	r := newRig(t, o, func(c *intercept.Config) {
		c.Upstream = upstream.New(upstream.Config{Proxy: func(*url.URL) (*url.URL, error) { return parent, nil }})
	})
	req, _ := http.NewRequest("GET", o.URL()+"/bytes/1", nil)
	want := seen(r.client(parent, o.CertPool(), nil), req)
	if got := seen(r.tapped(), req); got != want || !strings.HasSuffix(got, "Proxy Authentication Required") {
		t.Errorf("through modtap: %s\nat the parent:  %s", got, want)
	}
	x := r.exchanges(1)[0]
	if got := x.Response.Get("Proxy-Authenticate"); got != "Negotiate" {
		t.Errorf("recorded that the parent takes %q", got)
	}
	if opOf(x) != "proxy" || x.Status != 407 {
		t.Errorf("recorded status %d, %v", x.Status, x.Err)
	}
}

// TestParentOfPlainHTTP sends plain-HTTP requests to the parent in absolute form.
func TestParentOfPlainHTTP(t *testing.T) {
	s := plainServer(t)
	parent, _ := url.Parse(s.URL)
	parent.User = url.UserPassword("me", "secret")
	r := newRig(t, origintest.Start(t, origintest.Config{}), func(c *intercept.Config) {
		c.Upstream = upstream.New(upstream.Config{Proxy: func(*url.URL) (*url.URL, error) { return parent, nil }})
	})
	req, _ := http.NewRequest("GET", "http://far.golang.test/x", nil)
	if got := seen(r.tapped(), req); !strings.Contains(got, `GET http://far.golang.test/x host=far.golang.test`) || !strings.Contains(got, "Basic") {
		t.Errorf("the parent got %s", got)
	}
	r.exchanges(1)
	for _, c := range r.conns() {
		if strings.Contains(c.Via, "secret") || c.Via == "" {
			t.Errorf("the parent was recorded as %q", c.Via)
		}
	}
}

// TestSOCKSParent reaches the origin through a SOCKS 5 proxy that resolves the name.
func TestSOCKSParent(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go serveSOCKS(l, o.Addr())
	parent := &url.URL{Scheme: "socks5", Host: l.Addr().String()}
	r := newRig(t, o, func(c *intercept.Config) {
		c.Upstream = upstream.New(upstream.Config{Proxy: func(*url.URL) (*url.URL, error) { return parent, nil }})
	})
	req, _ := http.NewRequest("GET", o.URL()+"/bytes/1", nil)
	if got := seen(r.tapped(), req); !strings.Contains(got, "200 OK") {
		t.Error(got)
	}
}

// serveSOCKS answers each client as a SOCKS 5 proxy (RFC 1928) whose every name is to.
func serveSOCKS(l net.Listener, to string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			buf := make([]byte, 300)
			io.ReadFull(c, buf[:2])
			io.ReadFull(c, buf[:buf[1]])
			c.Write([]byte{5, 0})
			io.ReadFull(c, buf[:5])
			io.ReadFull(c, buf[:int(buf[4])+2])
			s, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			defer s.Close()
			c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
			go io.Copy(s, c)
			io.Copy(c, s)
		}()
	}
}
