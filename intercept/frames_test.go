package intercept

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"time"
)

// frame is one HTTP/2 frame with payload bytes of value fill.
func frame(kind byte, stream uint32, size int, fill byte) []byte {
	f := []byte{byte(size >> 16), byte(size >> 8), byte(size), kind, 0}
	f = binary.BigEndian.AppendUint32(f, stream)
	return append(f, bytes.Repeat([]byte{fill}, size)...)
}

// A sink takes what is written.
type sink struct {
	net.Conn
	buf bytes.Buffer
}

func (s *sink) Write(p []byte) (int, error) { return s.buf.Write(p) }

// TestFrameConn writes frames in pieces of every size: what comes out is what went in, but
// for the code of the RST_STREAM that one is known for.
func TestFrameConn(t *testing.T) {
	in := bytes.Join([][]byte{
		frame(4, 0, 36, 1), frame(4, 0, 0, 0), frame(1, 1, 20, 2), frame(0, 1, 16384, frameRST), frame(0, 3, 0, 0),
		frame(frameRST, 5, 4, 0), frame(frameRST, 7, 4, 0), frame(frameRST, 5, 4, 0), frame(0, 1, 70000, 9), frame(8, 0, 4, 3),
	}, nil)
	want := bytes.Clone(in)
	at := bytes.Index(want, frame(frameRST, 5, 4, 0))
	want[at+frameHeader+3] = 7
	rnd := rand.New(rand.NewPCG(1, 2))
	for most := 1; most < 200; most++ {
		s := &sink{}
		c := &frameConn{Conn: s}
		c.resetWith(5, 7)
		given := bytes.Clone(in)
		for rest := given; len(rest) > 0; {
			n := min(1+rnd.IntN(most*most), len(rest))
			if m, err := c.Write(rest[:n]); m != n || err != nil {
				t.Fatal(m, err)
			}
			rest = rest[n:]
		}
		if !bytes.Equal(s.buf.Bytes(), want) {
			t.Fatalf("in pieces of up to %d bytes the frames came out changed", most*most)
		}
		if !bytes.Equal(given, in) {
			t.Fatal("the caller's bytes were changed")
		}
	}
}

// A stream that its client resets at the same time gets no RST_STREAM of ours.
func TestFrameConnForgetsCodes(t *testing.T) {
	c := &frameConn{Conn: &sink{}}
	for stream := range uint32(10_000) {
		c.resetWith(2*stream+1, 8)
	}
	if len(c.codes) > maxCodes {
		t.Errorf("%d codes are kept", len(c.codes))
	}
	if c.codeOf(2*9_999+1) == nil {
		t.Error("the last one is not")
	}
}

// TestFrameConnGoAway: a GOAWAY goes between frames, never into one.
func TestFrameConnGoAway(t *testing.T) {
	s := &sink{}
	c := &frameConn{Conn: s}
	data := frame(0, 1, 100, 1)
	c.Write(data[:50])
	c.goAway(1, 11, "too early")
	c.Write(data[50:])
	c.goAway(1, 11, "calm down")
	want := append(bytes.Clone(data), 0, 0, 17, frameGoAway, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 11)
	if want = append(want, "calm down"...); !bytes.Equal(s.buf.Bytes(), want) {
		t.Errorf("wrote %x", s.buf.Bytes()[100:])
	}
}

// TestFrameConnGoAwayAfterTheHeaders: nothing may stand between HEADERS and CONTINUATION, and
// a stream whose HEADERS end it has ended with the last of them.
func TestFrameConnGoAwayAfterTheHeaders(t *testing.T) {
	s := &sink{}
	c := &frameConn{Conn: s}
	c.took(1)
	headers := frame(frameHeaders, 1, 20, 2)
	headers[4] = flagEndStream
	c.Write(headers)
	c.goAway(1, 0, "")
	if s.buf.Len() > len(headers) {
		t.Fatal("a GOAWAY went into the header block")
	}
	if len(c.open) == 0 {
		t.Error("the stream ended before its headers")
	}
	rest := frame(frameContinuation, 1, 5, 3)
	rest[4] = flagEndHeaders
	c.Write(rest)
	if len(c.open) > 0 {
		t.Error("the stream has not ended with its headers")
	}
	c.goAway(1, 0, "")
	if s.buf.Len() == len(headers)+len(rest) {
		t.Error("there is no GOAWAY after the headers")
	}
}

// TestFrameConnReads finds the RST_STREAM in what a client sends, however it is cut.
func TestFrameConnReads(t *testing.T) {
	in := bytes.Join([][]byte{
		bytes.Repeat([]byte{frameRST}, clientPreface), frame(4, 0, 12, frameRST), frame(frameHeaders, 1, 20, frameRST),
		frame(4, 0, 0, 0), frame(frameRST, 1, 4, 8), frame(0, 3, 70, frameRST),
	}, nil)
	for size := 1; size < len(in); size++ {
		client, s := net.Pipe()
		c := &frameConn{Conn: &peekConn{Conn: s}, skip: clientPreface}
		c.took(1)
		c.took(3)
		go func() {
			client.Write(in)
			client.Close()
		}()
		for buf := make([]byte, size); ; {
			if _, err := c.Read(buf); err != nil {
				break
			}
		}
		open := func() []uint32 {
			c.mu.Lock()
			defer c.mu.Unlock()
			return slices.Collect(maps.Keys(c.open))
		}
		for deadline := time.Now().Add(5 * time.Second); !slices.Equal(open(), []uint32{3}); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("in pieces of %d bytes: open are %v", size, open())
			}
		}
	}
}

func TestFrameConnAllocatesNothing(t *testing.T) {
	c := &frameConn{Conn: discard{}}
	data := frame(0, 1, 16384, 1)
	if n := testing.AllocsPerRun(100, func() { c.Write(data) }); n > 0 {
		t.Errorf("%v allocations for a DATA frame", n)
	}
}

type discard struct{ net.Conn }

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkFrameConn(b *testing.B) {
	c := &frameConn{Conn: discard{}}
	data := frame(0, 1, 16384, 1)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		c.Write(data)
	}
}

// TestFrameConnLeaves: the client is told to leave when the answers that are under way are
// written, not when http.Server says that they are; what it asks after that was not read.
func TestFrameConnLeaves(t *testing.T) {
	client, s := net.Pipe()
	defer client.Close()
	wrote := make(chan []byte, 16)
	go func() {
		for {
			b := make([]byte, 1024)
			n, err := client.Read(b)
			if err != nil {
				close(wrote)
				return
			}
			wrote <- b[:n]
		}
	}()
	c := &frameConn{Conn: &peekConn{Conn: s}}
	c.took(1)
	c.took(3)
	c.leave()
	headersEnd := []byte{0, 0, 1, frameHeaders, flagEndStream | flagEndHeaders, 0, 0, 0, 1, 'x'}
	data := []byte{0, 0, 2, 0, flagEndStream, 0, 0, 0, 3, 'a', 'b'}
	for _, p := range [][]byte{headersEnd, data[:10]} {
		c.Write(p)
		<-wrote
	}
	if !c.took(5) {
		t.Fatal("it left while an answer was half written")
	}
	c.Write(data[10:])
	<-wrote
	c.Write([]byte{0, 0, 4, frameRST, 0, 0, 0, 0, 5, 0, 0, 0, 8})
	<-wrote
	select {
	case got := <-wrote:
		want := []byte{0, 0, 8, frameGoAway, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0}
		if !bytes.Equal(got, want) {
			t.Errorf("wrote % x, want GOAWAY % x", got, want)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("no GOAWAY")
	}
	if c.took(7) {
		t.Error("a request was taken after the GOAWAY")
	}
	s.Close()
}

// TestFrameConnLeavesWithoutTheAbandoned: of a stream that the client has reset no last
// frame is ever written.
func TestFrameConnLeavesWithoutTheAbandoned(t *testing.T) {
	s := &sink{}
	c := &frameConn{Conn: s}
	c.took(1)
	c.took(3)
	if c.ended([]uint32{1}) {
		t.Error("it was to go before it was told")
	}
	c.leaving = true
	if !c.ended([]uint32{3}) {
		t.Error("it stays for a stream that nobody wants")
	}
	if c.took(5) {
		t.Error("a request was taken after that")
	}
}
