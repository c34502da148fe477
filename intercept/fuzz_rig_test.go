package intercept

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"modtap/ca"
	"modtap/intercept/rules"
	"modtap/intercept/upstream"
	"modtap/recorder"
)

// answersWithin bounds how long an input may take: after that it hangs.
const answersWithin = 20 * time.Second

// A fuzzRig is a proxy whose every server is a stub in this process, and what it records.
type fuzzRig struct {
	proxy  *Proxy
	addr   string
	reader *recorder.Reader
	panics *panicWatch
	open   map[string]string // exchanges, connections and tunnels that have not ended, as last seen
}

// newFuzzRig starts one. Hosts that begin with "refused." cannot be dialled, those with
// "bypass." are relayed unread, and "mirrored.test" is a rule's, so that nothing is dialled
// for its tunnels.
func newFuzzRig(f testing.TB) *fuzzRig {
	f.Helper()
	authority, err := ca.New()
	if err != nil {
		f.Fatal(err)
	}
	s := startStub(f)
	parent := &url.URL{Scheme: "http", Host: s.l.Addr().String()}
	set, err := rules.Parse([]string{"mirrored.test=https://mirror.test/base"}, nil)
	if err != nil {
		f.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.ca.Certificate())
	r := &fuzzRig{panics: &panicWatch{}, open: map[string]string{}}
	l := recorder.NewLog()
	r.reader = l.NewReader(0)
	r.proxy, err = New(Config{
		Log: l, Leaf: authority.Leaf, Roots: roots, Rules: set, Bypass: []string{"bypass.*"},
		Redactor: recorder.NewRedactor(), Bodies: Bodies{Policy: BodiesAll, Limit: 1 << 10},
		Logger: zerolog.New(r.panics),
		Upstream: upstream.New(upstream.Config{Proxy: func(u *url.URL) (*url.URL, error) {
			if strings.HasPrefix(u.Host, "refused.") {
				return nil, errors.New("the fuzz test refuses")
			}
			return parent, nil
		}}),
	})
	if err != nil {
		f.Fatal(err)
	}
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	r.addr = nl.Addr().String()
	served := make(chan error, 1)
	go func() { served <- r.proxy.Serve(nl) }()
	f.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		r.proxy.Shutdown(ctx)
		<-served
		s.stop()
	})
	return r
}

// panicWatch finds out that a handler panicked, which net/http only logs.
type panicWatch struct {
	mu   sync.Mutex
	text string
}

func (w *panicWatch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.Contains(p, []byte("panic")) {
		w.text = string(p)
	}
	return len(p), nil
}

func (w *panicWatch) check(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.text != "" {
		t.Fatal(w.text)
	}
}

// dial is a client's connection, on which nothing may hang.
func (r *fuzzRig) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(answersWithin))
	return c
}

// send writes raw in two pieces, says that nothing follows, and reads until the proxy has
// hung up: it must, for a client that went away is not waited for.
func send(t *testing.T, c net.Conn, raw []byte, cut uint16) {
	t.Helper()
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, c)
		read <- err
	}()
	at := int(cut) % (len(raw) + 1)
	c.Write(raw[:at]) // the proxy may hang up at any time
	if at > 0 && at < len(raw) {
		time.Sleep(200 * time.Microsecond) // or both pieces arrive as one
	}
	c.Write(raw[at:])
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		h.CloseWrite()
	}
	if err := <-read; errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the proxy does not hang up on a client that has ended: %q", raw)
	}
	c.Close()
}

// settled waits until nothing of the proxy is busy with clients any more, and everything
// that was recorded has come to its end.
func (r *fuzzRig) settled(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(answersWithin); ; {
		r.drain(t)
		if len(r.open) == 0 && r.proxy.idle() {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("still open: %v; in flight: %d", r.open, r.proxy.inflight.n)
		}
	}
	r.panics.check(t)
}

// idle reports whether no client is being served.
func (p *Proxy) idle() bool {
	count := func(g *gauge) int { g.mu.Lock(); defer g.mu.Unlock(); return g.n }
	return count(&p.inflight) == 0 && count(&p.opening) == 0 && len(p.open()) == 0 && len(p.plainLegs()) == 0
}

// drain takes what the Log has.
func (r *fuzzRig) drain(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	var events [64]recorder.Event
	for {
		n, _, err := r.reader.Read(ctx, events[:])
		if err != nil {
			return
		}
		for _, e := range events[:n] {
			r.note(t, e)
		}
	}
}

// note checks an event and remembers what has not ended.
func (r *fuzzRig) note(t *testing.T, e recorder.Event) {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatalf("%v: %+v", err, e)
	}
	set := func(what string, id uint64, ended bool) {
		if id == 0 {
			t.Fatalf("no id: %s", text)
		}
		r.open[fmt.Sprint(what, id)] = string(text)
		if ended {
			delete(r.open, fmt.Sprint(what, id))
		}
	}
	switch {
	case e.Exchange != nil:
		x := e.Exchange
		if x.Method == "" || x.URL == "" || x.Request.BodySize < 0 || x.Response.BodySize < 0 || x.Done && x.Server.End <= 0 || x.Err != nil && (x.Err.Op == "" || x.Err.Msg == "") {
			t.Fatalf("not well-formed: %s", text)
		}
		if tm := x.Server.Timings(); x.Done && tm.Total() != x.Server.End {
			t.Fatalf("the phases sum to %v of %v: %s", tm.Total(), x.Server.End, text)
		}
		set("exchange", x.ID, x.Done)
	case e.Conn != nil:
		set("conn", e.Conn.ID, e.Conn.Closed != "" || e.Conn.Err != nil)
	case e.Tunnel != nil:
		set("tunnel", e.Tunnel.ID, e.Tunnel.End > 0)
	}
}

// A stub is every server, and the parent proxy that leads to them.
type stub struct {
	l     net.Listener
	ca    *ca.Authority
	outer *http.Server
	inner *http.Server
	given *handoff
	wg    sync.WaitGroup
}

func startStub(f testing.TB) *stub {
	f.Helper()
	authority, err := ca.New()
	if err != nil {
		f.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	s := &stub{l: l, ca: authority, given: newHandoff()}
	quiet := log.New(io.Discard, "", 0)
	s.outer = &http.Server{ErrorLog: quiet, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			s.connect(w, r.Host)
			return
		}
		s.answer(w, r)
	})}
	s.inner = &http.Server{ErrorLog: quiet, Handler: http.HandlerFunc(s.answer)}
	s.wg.Go(func() { s.outer.Serve(peeking{l, func(error) {}}) })
	s.wg.Go(func() { s.inner.Serve(s.given) })
	return s
}

func (s *stub) stop() {
	s.outer.Close()
	s.given.Close()
	s.inner.Close()
	s.wg.Wait()
}

// connect tunnels to itself.
func (s *stub) connect(w http.ResponseWriter, host string) {
	if strings.HasPrefix(host, "forbidden.") {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	nc, _, err := hijackable{w}.Hijack()
	if err != nil {
		return
	}
	c := nc.(*peekConn)
	io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	if strings.HasPrefix(host, "first.") {
		io.WriteString(c, "220 I speak first\r\n")
		io.Copy(c, c)
		c.Close()
		return
	}
	read := c.watch()
	<-read.done
	var served net.Conn = c
	if read.err == nil && c.ahead[0] == recordHandshake {
		tc := tls.Server(c, &tls.Config{NextProtos: []string{"h2", "http/1.1"}, GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if h.ServerName == "" {
				return s.ca.Leaf("nameless.test", nil)
			}
			return s.ca.Leaf(h.ServerName, nil)
		}})
		read.err = tc.Handshake()
		served = tc
	}
	if read.err != nil || !s.given.give(served) {
		c.Close()
	}
}

// answer has one of each kind.
func (s *stub) answer(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20))
	switch h := w.Header(); r.URL.Path {
	case "/early":
		h.Set("Link", "</x>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "late")
	case "/trailer":
		h.Set("Trailer", "X-End")
		io.WriteString(w, "body")
		h.Set("X-End", "yes")
	case "/cut":
		h.Set("Content-Length", "100")
		io.WriteString(w, "short")
		panic(http.ErrAbortHandler)
	case "/moved":
		http.Redirect(w, r, "https://storage.test/x?Signature=secret", http.StatusFound)
	case "/upgrade":
		c, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return // HTTP/2 has none
		}
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		io.Copy(c, buf)
		c.Close()
	case "/large":
		w.Write(make([]byte, 100<<10))
	default:
		io.WriteString(w, "hello "+r.URL.Path)
	}
}
