package tcpstat

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answers reports whether this system must say something. Windows may be an old one, or
// Wine, which does not.
var answers = runtime.GOOS == "linux" || runtime.GOOS == "darwin"

// pair returns both ends of a connection over loopback.
func pair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// find is Find of what must have a socket, on a system that answers; it skips on others.
func find(t testing.TB, c net.Conn) *Socket {
	t.Helper()
	s, err := Find(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ask(); errors.Is(err, ErrUnsupported) && !answers {
		t.Skip(err)
	}
	return s
}

func (s *Socket) must(t testing.TB) Stats {
	t.Helper()
	st, err := s.Ask()
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// A wrapped connection hides what is under it but for NetConn.
type wrapped struct{ net.Conn }

func (w wrapped) NetConn() net.Conn { return w.Conn }

func TestLoopback(t *testing.T) {
	client, server := pair(t)
	socket := find(t, client)
	before := socket.must(t)
	const size = 100_000
	go func() { _, _ = client.Write(make([]byte, size)) }()
	if _, err := io.ReadFull(bufio.NewReader(server), make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	after := socket.must(t)
	if before.RTT > time.Second || after.RTT > time.Second || after.RTT == 0 || after.MinRTT > time.Second || after.MinRTT == 0 {
		t.Errorf("round-trip time %v, then %v, at least %v; over loopback", before.RTT, after.RTT, after.MinRTT)
	}
	if before.BytesOut != 0 || after.BytesOut-before.BytesOut != size {
		t.Errorf("%d bytes are out before, %d after sending %d", before.BytesOut, after.BytesOut, size)
	}
	if before.SynRetrans > 0 || after.Retrans > 0 || after.RetransBytes > 0 || after.Reordered > 0 {
		t.Errorf("loopback loses nothing: before %+v, after %+v", before, after)
	}
	if runtime.GOOS != "windows" && after.SegsOut <= before.SegsOut {
		t.Errorf("%d segments are out before, %d after", before.SegsOut, after.SegsOut)
	}
}

func TestWrappers(t *testing.T) {
	client, _ := pair(t)
	want := find(t, client).must(t)
	for name, c := range map[string]net.Conn{
		"NetConn": wrapped{client}, "twice": wrapped{wrapped{client}}, "TLS": tls.Client(wrapped{client}, &tls.Config{}),
	} {
		if got := find(t, c).must(t); got.SegsOut != want.SegsOut {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// A ring is its own inner connection.
type ring struct{ net.Conn }

func (r ring) NetConn() net.Conn { return r }

func TestNotTCP(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	for name, c := range map[string]net.Conn{"pipe": a, "TLS over a pipe": tls.Client(a, &tls.Config{}), "ring": ring{}, "nothing": nil} {
		if s, err := Find(c); err != ErrNotTCP || s != nil {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestClosed(t *testing.T) {
	client, _ := pair(t)
	s := find(t, client)
	client.Close()
	if st, err := s.Ask(); !errors.Is(err, net.ErrClosed) || st != unknown() {
		t.Errorf("%+v, %v", st, err)
	}
}

// TestUnsupported is for systems that do not answer.
func TestUnsupported(t *testing.T) {
	client, _ := pair(t)
	s, err := Find(client)
	if err != nil {
		t.Fatal(err)
	}
	st, err := s.Ask()
	if err == nil {
		return
	}
	if answers || !errors.Is(err, ErrUnsupported) || !errors.Is(err, errors.ErrUnsupported) || st != unknown() {
		t.Errorf("%+v, %v", st, err)
	}
}

// TestWhileInUse asks while others read, write and close: the race detector's business.
func TestWhileInUse(t *testing.T) {
	client, server := pair(t)
	socket := find(t, client)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if _, err := socket.Ask(); err != nil && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
				return
			}
		}
	}()
	go func() { _, _ = client.Write(make([]byte, 1<<20)); client.Close() }()
	if n, err := io.Copy(io.Discard, server); n != 1<<20 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	cancel()
	<-done
}

func BenchmarkAsk(b *testing.B) {
	client, _ := pair(b)
	socket := find(b, client)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := socket.Ask(); err != nil {
			b.Fatal(err)
		}
	}
}
