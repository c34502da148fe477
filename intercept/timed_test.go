package intercept_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"modtap/ca"
)

// The delays of a timedOrigin.
const (
	slowDNS    = 60 * time.Millisecond
	slowShake  = 80 * time.Millisecond
	slowAnswer = 200 * time.Millisecond
	pieces     = 15 // of a body
	pieceEvery = 20 * time.Millisecond
	pieceSize  = 1000
)

// A timedOrigin is slow on purpose, and notes at its sockets when bytes had come and when
// they left: on a busy machine its delays end late, and what it did is what is to be
// recorded. It is its own DNS server.
type timedOrigin struct {
	ca   *ca.Authority
	addr string
	dns  net.PacketConn

	mu    sync.Mutex // guards what was noted, here and in the connections
	hosts map[string]*timedHost
}

// A timedHost is what was done for one name. Each name gets one connection.
type timedHost struct {
	asked, told  time.Time // the first question had come, the last answer left
	hello, shook time.Time // the ClientHello had come, the ServerHello left
	requests     []*timedRequest
}

// A timedRequest is when the request had come, and when the first byte of the answer and
// the last left.
type timedRequest struct{ came, first, last time.Time }

func startTimed(t *testing.T, proto string) *timedOrigin {
	t.Helper()
	o := &timedOrigin{hosts: map[string]*timedHost{}}
	var err error
	if o.ca, err = ca.New(); err != nil {
		t.Fatal(err)
	}
	if o.dns, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.addr = l.Addr().String()
	s := &http.Server{
		Handler:     http.HandlerFunc(o.serve),
		TLSConfig:   &tls.Config{NextProtos: []string{proto}, GetCertificate: o.shake},
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, timedKey{}, c) },
	}
	if proto != "h2" {
		s.Protocols = new(http.Protocols)
		s.Protocols.SetHTTP1(true)
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.ServeTLS(timedListener{l, o}, "", "") })
	wg.Go(o.resolve)
	t.Cleanup(func() {
		s.Close()
		o.dns.Close()
		wg.Wait()
	})
	return o
}

type timedKey struct{}

// host is what is noted of name; o.mu is held.
func (o *timedOrigin) host(name string) *timedHost {
	if o.hosts[name] == nil {
		o.hosts[name] = &timedHost{}
	}
	return o.hosts[name]
}

// resolve answers 127.0.0.1 to every question for an address, and nothing to others.
func (o *timedOrigin) resolve() {
	buf := make([]byte, 1500)
	for {
		n, from, err := o.dns.ReadFrom(buf)
		came := time.Now()
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		m.Header.Response, m.Header.Authoritative, m.Additionals = true, true, nil
		if q.Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
		}
		reply, err := m.Pack()
		if err != nil {
			continue
		}
		name := q.Name.String()
		time.AfterFunc(slowDNS, func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			h := o.host(name[:len(name)-1])
			if h.asked.IsZero() {
				h.asked = came
			}
			h.told = time.Now()
			_, _ = o.dns.WriteTo(reply, from) // who does not get it says so
		})
	}
}

// shake is called between the ClientHello and the ServerHello.
func (o *timedOrigin) shake(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	time.Sleep(slowShake) // the server's
	leaf, err := o.ca.Leaf(hello.ServerName, nil)
	o.mu.Lock()
	defer o.mu.Unlock()
	c, h := hello.Conn.(*timedConn), o.host(hello.ServerName)
	h.hello, c.next = c.read, &h.shook
	return leaf, err
}

func (o *timedOrigin) serve(w http.ResponseWriter, r *http.Request) {
	c := r.Context().Value(timedKey{}).(*tls.Conn).NetConn().(*timedConn)
	x := &timedRequest{}
	o.mu.Lock()
	x.came = c.read
	name, _, _ := net.SplitHostPort(r.Host)
	h := o.host(name)
	h.requests = append(h.requests, x)
	o.mu.Unlock()
	time.Sleep(slowAnswer) // the server's
	o.mu.Lock()
	c.next, c.last = &x.first, &x.last
	o.mu.Unlock()
	w.Header().Set("Content-Length", strconv.Itoa(pieces*pieceSize))
	start := time.Now()
	for i := range pieces {
		time.Sleep(time.Until(start.Add(time.Duration(i) * pieceEvery)))
		_, _ = w.Write(make([]byte, pieceSize)) // the client sees what is missing
		_ = http.NewResponseController(w).Flush()
	}
}

type timedListener struct {
	net.Listener
	o *timedOrigin
}

func (l timedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &timedConn{Conn: c, o: l.o}, nil
}

// A timedConn notes when its bytes move.
type timedConn struct {
	net.Conn
	o    *timedOrigin
	read time.Time  // when the last bytes had come
	next *time.Time // when the next bytes leave, once
	last *time.Time // when the last bytes leave
}

func (c *timedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	c.read = time.Now()
	return n, err
}

func (c *timedConn) Write(p []byte) (int, error) {
	c.o.mu.Lock()
	now := time.Now()
	if c.next != nil {
		*c.next, c.next = now, nil
	}
	if c.last != nil {
		*c.last = now
	}
	c.o.mu.Unlock()
	return c.Conn.Write(p)
}
