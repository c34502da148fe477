package intercept

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"modtap/ca"
)

// TestGather: whatever is written through TLS arrives whole and soon, exact multiples of a
// record included, which nothing follows.
func TestGather(t *testing.T) {
	authority, err := ca.New()
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := authority.Leaf("gather.test", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		sizes := []int{1, 16383, 16384, 16393, 32768, 65536, 16384, 5, 49152}
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			pc := &peekConn{Conn: c}
			pc.gather = &gather{conn: c}
			tc := tls.Server(pc, &tls.Config{Certificates: []tls.Certificate{*leaf}, DynamicRecordSizingDisabled: true, MaxVersion: version})
			for _, n := range sizes {
				tc.Write(bytes.Repeat([]byte{byte(n)}, n))
				io.ReadFull(tc, make([]byte, 1)) // the client has it: nothing else pushes it out
			}
			tc.Close()
		}()
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		for _, n := range sizes {
			got := make([]byte, n)
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(n)}, n)) {
				t.Fatalf("TLS %x: %d bytes: %v", version, n, err)
			}
			c.Write([]byte{1})
		}
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("TLS %x: at the end: %v", version, err)
		}
		c.Close()
	}
}

// What is held goes out before the end does.
func TestGatherEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	c := &peekConn{Conn: server, gather: &gather{conn: server}}
	if _, err := c.Write(make([]byte, fullRecord13)); err != nil {
		t.Fatal(err)
	}
	c.CloseWrite()
	if got, err := io.ReadAll(client); len(got) != fullRecord13 || err != nil {
		t.Errorf("%d bytes arrived, %v", len(got), err)
	}
}
