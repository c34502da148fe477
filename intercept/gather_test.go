package intercept

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"modtap/ca"
)

// gatheredPair returns both ends of a TLS connection: the client's, and ours.
func gatheredPair(t *testing.T, ctx context.Context, version uint16) (*tls.Conn, *gathered) {
	t.Helper()
	authority, err := ca.New()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := authority.Leaf("gather.test", nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	pc := &peekConn{Conn: accepted, records: &gather{conn: accepted}}
	server := tls.Server(pc, &tls.Config{Certificates: []tls.Certificate{*leaf}, MaxVersion: version})
	client := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	t.Cleanup(func() { raw.Close(); accepted.Close() })
	go server.Handshake()
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	client.SetDeadline(time.Now().Add(20 * time.Second))
	return client, newGathered(ctx, server, pc.records)
}

// TestGather: whatever is written arrives whole, in order, and without more being written.
func TestGather(t *testing.T) {
	sizes := []int{1, 16383, 16384, 16393, 32768, 65536, 16384, 5, 49152, 1_000_000, 3}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client, g := gatheredPair(t, t.Context(), version)
		go func() {
			for _, together := range []bool{false, true} {
				for _, n := range sizes {
					g.Write(bytes.Repeat([]byte{byte(n)}, n))
					if !together {
						io.ReadFull(g, make([]byte, 1)) // the client has it: nothing else pushes it out
					}
				}
			}
			g.Close()
		}()
		for _, together := range []bool{false, true} {
			for _, n := range sizes {
				got := make([]byte, n)
				if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(n)}, n)) {
					t.Fatalf("TLS %x: %d bytes: %v", version, n, err)
				}
				if !together {
					client.Write([]byte{1})
				}
			}
		}
		if _, err := client.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("TLS %x: at the end: %v", version, err)
		}
	}
}

// fillUp writes until the client, which reads nothing, keeps it from going on. What is
// returned yields the error of the Write that waits.
func fillUp(g *gathered) <-chan error {
	failed := make(chan error, 1)
	go func() {
		for {
			if _, err := g.Write(make([]byte, gatherMost)); err != nil {
				failed <- err
				return
			}
		}
	}()
	for {
		g.mu.Lock()
		blocked := g.blocked
		g.mu.Unlock()
		if blocked > 0 {
			return failed
		}
		time.Sleep(time.Millisecond)
	}
}

func took(t *testing.T, what string, most time.Duration, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
	case <-time.After(most):
		t.Fatalf("%s takes more than %v", what, most)
	}
}

// A Write that waits for a client which reads nothing is broken by Close, and fails when
// the client leaves.
func TestGatherBlocked(t *testing.T) {
	for _, who := range []string{"we", "the client"} {
		client, g := gatheredPair(t, t.Context(), tls.VersionTLS13)
		failed := fillUp(g)
		took(t, who+" closing", closeWithin/2, func() {
			if who == "we" {
				g.Close()
			} else {
				client.NetConn().Close()
			}
			<-failed
			if g.written() == nil {
				t.Error(who + " closed: written tells of no error")
			}
			g.Close()
		})
	}
}

// What a client that reads nothing has not taken holds Close up for a while only.
func TestGatherCloseEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	_, g := gatheredPair(t, ctx, tls.VersionTLS13)
	g.NetConn().(*peekConn).Conn.(*net.TCPConn).SetWriteBuffer(4 << 10)
	for { // as long as Write does not wait
		g.mu.Lock()
		full := g.busy && g.next != nil
		g.mu.Unlock()
		if full {
			break
		}
		g.Write(make([]byte, gatherMost/2))
	}
	stop() // Shutdown
	took(t, "Close", closeWithin/2, func() { g.Close() })
}
