package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"modtap/intercept/origintest"
)

// An action is one thing that a client does. Its entries are counted by id.
type action struct {
	name   string
	weight int // of all actions of its list
	do     func(s *soak, id int) (sent, error)
}

// sent is what a client knows of what it did.
type sent struct {
	entries   int   // that the recording must have
	origin    int   // requests that must have reached the origin
	status    int   // of the answer; 0: there was none
	bytes     int64 // of the answer's body; -1: the client did not get all of it
	failed    bool  // the entry must have an error
	rawTunnel bool
}

// normal is what the go command, git and others do.
var normal = []action{
	{"mod", 300, asks("proxy", "/example.golang.test/m3/@v/v1.0.0.mod")},
	{"info", 200, asks("proxy", "/example.golang.test/m4/@v/v1.1.0.info")},
	{"list", 100, asks("proxy", "/example.golang.test/m5/@v/list")},
	{"tile", 100, asks("proxy", "/sumdb/"+origintest.SumHost+"/tile/8/0/000")},
	{"small zip", 50, asks("proxy", "/example.golang.test/m6/@v/v1.0.0.zip")},
	{"large zip", 10, asks("proxy", "/example.golang.test/m0/@v/v1.0.0.zip")},
	{"404, twice", 50, twice(asks("proxy", "/example.golang.test/nosuch/@v/list"))},
	{"upload", 30, upload},
	{"gzip", 30, asks("gzip", "/example.golang.test/m7/@v/v1.0.0.mod")},
	{"chunked", 30, asks("chunked", "/bytes/20000")},
	{"new connection", 60, fresh(asks("proxy", "/example.golang.test/m8/@v/v1.0.0.mod"))},
	{"plain HTTP", 20, plainHTTP},
	{"raw tunnel", 10, rawTunnel},
}

// faults are every way in which the origin, its certificate, the network or a client fails.
var faults = []action{
	{"reset", 1, broken("fail-reset")},
	{"close", 1, broken("fail-close")},
	{"abort", 1, broken("fail-abort")},
	{"stall", 1, givenUp("fail-stall", "/bytes/5000", 0)},
	{"reset in the body", 1, broken("fail-reset-body")},
	{"close in the body", 1, broken("fail-close-body")},
	{"abort in the body", 1, broken("fail-abort-body")},
	{"stall in the body", 1, givenUp("fail-stall-body", "/bytes/5000", 1000)},
	{"short body", 1, broken("fail-short-body")},
	{"goaway", 1, fresh(asks("goaway", "/bytes/100"))},
	{"403", 1, fresh(asks("status-403", "/x"))},
	{"429", 1, fresh(asks("status-429", "/x"))},
	{"500", 1, fresh(asks("status-500", "/x"))},
	{"503", 1, fresh(asks("status-503", "/x"))},
	{"client leaves before the headers", 1, givenUp("late", "/bytes/10", 0)},
	{"client leaves in the body", 1, givenUp("proxy", "/bytes/50000000", 1000)},
	{"handshake reset", 1, noRequest("hs-reset", (*soak).good)},
	{"handshake closed", 1, noRequest("hs-close", (*soak).good)},
	{"handshake stalls", 1, noRequest("hs-stall", (*soak).good)},
	{"handshake alert", 1, noRequest("hs-alert", (*soak).good)},
	{"handshake in plain text", 1, noRequest("hs-plain", (*soak).good)},
	{"unknown authority", 1, noRequest("cert", func(s *soak) string { return s.unknown.Addr() })},
	{"expired", 1, noRequest("cert", func(s *soak) string { return s.expired.Addr() })},
	{"wrong name", 1, noRequest("cert", func(s *soak) string { return s.wrongName.Addr() })},
	{"client distrusts the CA", 1, noRequest("distrust", (*soak).good)},
	{"dead port", 1, noRequest("dead", func(*soak) string { return "127.0.0.1:1" })},
	{"no such host", 1, noRequest("nosuch", (*soak).good)},
}

// knobs makes the hosts above behave.
func knobs() []origintest.Knob {
	host := func(name string) origintest.Match { return origintest.Match{Host: name + ".golang.test"} }
	all := []origintest.Knob{
		{Match: host("gzip"), Gzip: true}, {Match: host("chunked"), Chunked: true}, {Match: host("goaway"), CloseEvery: 1},
		{Match: host("late"), FirstByte: time.Hour},
	}
	for _, f := range []origintest.Failure{origintest.Reset, origintest.Close, origintest.Abort, origintest.Stall, origintest.ResetBody,
		origintest.CloseBody, origintest.AbortBody, origintest.StallBody, origintest.ShortBody} {
		all = append(all, origintest.Knob{Match: host("fail-" + string(f)), Fail: f, FailAfter: 2000})
	}
	for _, status := range []int{403, 429, 500, 503} {
		all = append(all, origintest.Knob{Match: host(fmt.Sprint("status-", status)), Status: status})
	}
	return all
}

func handshakes() []origintest.Handshake {
	var all []origintest.Handshake
	for _, f := range []origintest.HandshakeFailure{origintest.HandshakeReset, origintest.HandshakeClose, origintest.HandshakeStall,
		origintest.HandshakeAlert, origintest.HandshakePlain} {
		all = append(all, origintest.Handshake{Host: "hs-" + string(f) + "-*", Fail: f})
	}
	return all
}

// A soak is the world around the subject.
type soak struct {
	*subject
	o                           *origintest.Origin
	unknown, expired, wrongName *origintest.Origin
	plain                       *httptest.Server
	plainSeen                   atomic.Int64
	banner                      *origintest.Banner
	clients                     []*http.Client // with connections that last
	trusting                    *x509.CertPool // nothing that modtap shows
	mu                          sync.Mutex
	expected                    map[int]sent
	names                       map[int]string
}

func (s *soak) good() string { return s.o.Addr() }

func newSoak(t *testing.T, file string) *soak {
	ca, err := origintest.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	tree, err := origintest.NewTree(origintest.Shape{Big: 1, BigSize: 3_000_000}.Generate())
	if err != nil {
		t.Fatal(err)
	}
	s := &soak{expected: map[int]sent{}, names: map[int]string{}, trusting: x509.NewCertPool()}
	s.o = origintest.Start(t, origintest.Config{CA: ca, Tree: tree, Knobs: knobs(), Handshakes: handshakes()})
	s.unknown = origintest.Start(t, origintest.Config{CA: ca, Cert: origintest.UnknownCA})
	s.expired = origintest.Start(t, origintest.Config{CA: ca, Cert: origintest.Expired})
	s.wrongName = origintest.Start(t, origintest.Config{CA: ca, Cert: origintest.WrongName})
	s.banner = origintest.StartBanner(t, origintest.BannerConfig{Text: "220 ready\r\n"})
	s.plain = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.plainSeen.Add(1)
		fmt.Fprintln(w, "plain")
	}))
	t.Cleanup(s.plain.Close)
	s.subject = startSubject(t, s.o, file)
	for i := range 8 {
		s.clients = append(s.clients, s.client([]string{"h2", "http/1.1"}[i%2]))
	}
	return s
}

// lasting is a client whose connections are used again.
func (s *soak) lasting(id int) *http.Client { return s.clients[id%len(s.clients)] }

// once is a client for one request, and its end.
func (s *soak) once(id int) (c *http.Client, end func()) {
	c = s.client([]string{"h2", "http/1.1"}[id%2])
	return c, c.CloseIdleConnections
}

// url is that of a request at a host of the origin.
func (s *soak) url(host, path string, id int) string {
	return fmt.Sprintf("%s%s?n=%d", s.o.HostURL(host+".golang.test"), path, id)
}

// read sends r and reads the answer.
func read(c *http.Client, r *http.Request) (sent, error) {
	r.Header.Set("Accept-Encoding", "gzip")
	resp, err := c.Do(r)
	if err != nil {
		return sent{entries: 1, origin: 1, bytes: -1}, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		n = -1
	}
	return sent{entries: 1, origin: 1, status: resp.StatusCode, bytes: n}, err
}

func asks(host, path string) func(*soak, int) (sent, error) {
	return func(s *soak, id int) (sent, error) {
		r, err := http.NewRequest("GET", s.url(host, path, id), nil)
		if err != nil {
			return sent{}, err
		}
		return read(s.lasting(id), r)
	}
}

// twice does the same again, as the go command does after a 404.
func twice(do func(*soak, int) (sent, error)) func(*soak, int) (sent, error) {
	return func(s *soak, id int) (sent, error) {
		first, err := do(s, id)
		if err != nil {
			return first, err
		}
		again, err := do(s, id)
		again.entries, again.origin = 2, 2
		return again, err
	}
}

// fresh does it on a connection of its own.
func fresh(do func(*soak, int) (sent, error)) func(*soak, int) (sent, error) {
	return func(s *soak, id int) (sent, error) {
		c, end := s.once(id)
		defer end()
		return do(&soak{subject: s.subject, o: s.o, clients: []*http.Client{c}}, id)
	}
}

func upload(s *soak, id int) (sent, error) {
	r, err := http.NewRequest("POST", s.url("proxy", "/upload", id), bytes.NewReader(make([]byte, 64<<10)))
	if err != nil {
		return sent{}, err
	}
	return read(s.lasting(id), r)
}

func plainHTTP(s *soak, id int) (sent, error) {
	r, err := http.NewRequest("GET", fmt.Sprintf("%s/plain?n=%d", s.plain.URL, id), nil)
	if err != nil {
		return sent{}, err
	}
	// Go sends nothing on loopback through a proxy by itself; ProxyURL does.
	out, err := read(s.lasting(id), r)
	out.origin = 0 // it has a count of its own
	return out, err
}

// rawTunnel speaks a protocol in which the server speaks first.
func rawTunnel(s *soak, id int) (sent, error) {
	c, err := net.Dial("tcp", s.proxy.Host)
	if err != nil {
		return sent{}, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n", s.banner.Addr())
	br := bufio.NewReader(c)
	for _, want := range []string{"HTTP/1.1 200", "", "220 ready"} {
		if line, err := br.ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
			return sent{}, fmt.Errorf("raw tunnel: %q, want %q: %w", line, want, err)
		}
	}
	fmt.Fprintln(c, "hello")
	if line, err := br.ReadString('\n'); err != nil || line != "hello\n" {
		return sent{}, fmt.Errorf("raw tunnel: echo %q: %w", line, err)
	}
	return sent{rawTunnel: true}, nil
}

// broken gets an answer that fails.
func broken(host string) func(*soak, int) (sent, error) {
	return func(s *soak, id int) (sent, error) {
		out, err := fresh(asks(host, "/bytes/5000"))(s, id)
		if err == nil {
			return out, fmt.Errorf("%s: the answer is whole", host)
		}
		out.failed = true
		return out, nil
	}
}

// givenUp gets an answer that the client leaves after some bytes of its body.
func givenUp(host, path string, after int64) func(*soak, int) (sent, error) {
	return func(s *soak, id int) (sent, error) {
		c, end := s.once(id)
		defer end()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "GET", s.url(host, path, id), nil)
		if err != nil {
			return sent{}, err
		}
		out := sent{entries: 1, origin: 1, bytes: -1, failed: true}
		if after == 0 {
			r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) {
				// time for it to get to the origin on a busy machine
				time.AfterFunc(time.Second+rand.N(500*time.Millisecond), cancel)
			}}))
		}
		resp, err := c.Do(r)
		if err != nil {
			if errors.Is(err, context.Canceled) && after == 0 {
				err = nil
			}
			return out, err
		}
		defer resp.Body.Close()
		out.status = resp.StatusCode
		_, err = io.CopyN(io.Discard, resp.Body, after)
		cancel()
		return out, err
	}
}

// noRequest opens a tunnel to addr, under a name of its own, whose end is before a request.
func noRequest(host string, addr func(*soak) string) func(*soak, int) (sent, error) {
	return func(s *soak, id int) (sent, error) {
		_, port, err := net.SplitHostPort(addr(s))
		if err != nil {
			return sent{}, err
		}
		domain := "golang.test"
		if host == "nosuch" {
			domain = "example.test"
		}
		c, end := s.once(id)
		defer end()
		c.Timeout = time.Minute
		if host == "hs-stall" {
			c.Timeout = 4 * time.Second // longer than the proxy takes for a client that never wanted it
		}
		if host == "distrust" {
			c.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: s.trusting}
		}
		resp, err := c.Get(fmt.Sprintf("https://%s-%d.%s:%s/", host, id, domain, port))
		if err == nil {
			resp.Body.Close()
			return sent{}, fmt.Errorf("%s: answered %s", host, resp.Status)
		}
		return sent{entries: 1, bytes: -1, failed: true}, nil
	}
}
