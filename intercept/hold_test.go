package intercept

import (
	"bytes"
	"errors"
	"net"
	"testing"
	"time"
)

// flagged is a frame with flags.
func flagged(f []byte, flags byte) []byte {
	f[4] = flags
	return f
}

// A writes is a connection that hands on each Write.
type writes struct {
	net.Conn
	c   chan []byte
	err error
}

func (w *writes) Write(p []byte) (int, error) {
	w.c <- bytes.Clone(p)
	return len(p), w.err
}

func (w *writes) SetWriteDeadline(time.Time) error { return nil }
func (w *writes) Close() error                     { return nil }

// next returns the next Write, for which it waits; within is far more than any timer here.
func (w *writes) next(t *testing.T) []byte {
	t.Helper()
	select {
	case p := <-w.c:
		return p
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is written")
		return nil
	}
}

// none is the state of nothing being written, though the time to hold is not over.
func (w *writes) none(t *testing.T) {
	t.Helper()
	select {
	case p := <-w.c:
		t.Fatalf("%x is written", p)
	default:
	}
}

var (
	headersOf1 = flagged(frame(frameHeaders, 1, 20, 2), flagEndHeaders)
	dataOf1    = flagged(frame(0, 1, 100, 3), flagEndStream)
	headersOf3 = flagged(frame(frameHeaders, 3, 20, 4), flagEndHeaders|flagEndStream)
	half       = frame(frameHeaders, 5, 20, 5)
	otherHalf  = flagged(frame(frameContinuation, 5, 20, 5), flagEndHeaders)
)

func TestHeadersGoWithTheirBody(t *testing.T) {
	big := frame(0, 1, 40_000, 3)
	for _, test := range []struct {
		name string
		in   [][]byte
		want [][]byte // writes
	}{
		{"headers and body", [][]byte{headersOf1, dataOf1}, [][]byte{append(bytes.Clone(headersOf1), dataOf1...)}},
		{"another stream's between", [][]byte{headersOf1, headersOf3}, [][]byte{append(bytes.Clone(headersOf1), headersOf3...)}},
		{"no body", [][]byte{headersOf3, dataOf1}, [][]byte{headersOf3, dataOf1}},
		{"headers in two frames", [][]byte{half, otherHalf, dataOf1}, [][]byte{half, append(bytes.Clone(otherHalf), dataOf1...)}},
		{"half a frame", [][]byte{headersOf1[:12], headersOf1[12:], dataOf1}, [][]byte{headersOf1[:12], append(bytes.Clone(headersOf1[12:]), dataOf1...)}},
		{"a large body", [][]byte{headersOf1, big}, [][]byte{headersOf1, big}},
		{"nothing comes", [][]byte{headersOf1}, [][]byte{headersOf1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := &writes{c: make(chan []byte, 10)}
			c := &frameConn{Conn: w}
			for _, p := range test.in {
				if n, err := c.Write(p); n != len(p) || err != nil {
					t.Fatal(n, err)
				}
			}
			for i, want := range test.want {
				// a machine that stood still may have let the headers go: they are the beginning
				got := w.next(t)
				for len(got) < len(want) && bytes.HasPrefix(want, got) {
					got = append(got, w.next(t)...)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("write %d is %x, want %x", i, got, want)
				}
			}
			w.none(t)
		})
	}
}

// TestHeadersInAHurry: what is held goes out when somebody asks for it, or ends the
// connection, and what follows is not held.
func TestHeadersInAHurry(t *testing.T) {
	for name, ask := range map[string]func(*frameConn){
		"hurry":  (*frameConn).hurry,
		"close":  func(c *frameConn) { c.Close() },
		"goaway": func(c *frameConn) { c.goAway(1, 0, "") },
	} {
		w := &writes{c: make(chan []byte, 10)}
		c := &frameConn{Conn: w}
		c.write.Lock() // no timer gets in
		c.held = append(c.held, headersOf1...)
		c.timer = time.AfterFunc(time.Hour, c.releaseNow)
		c.write.Unlock()
		ask(c)
		if got := w.next(t); !bytes.Equal(got, headersOf1) {
			t.Errorf("%s: %x", name, got)
		}
		if name == "hurry" {
			c.hurried.Store(int64(time.Since(epoch) + time.Hour))
			c.Write(headersOf1)
			if len(c.held) > 0 {
				t.Error("held although there is a hurry")
			}
		}
	}
}

// A write that failed later is the next one's error.
func TestHeldWriteFails(t *testing.T) {
	w := &writes{c: make(chan []byte, 10), err: errors.New("reset")}
	c := &frameConn{Conn: w}
	c.Write(headersOf1)
	w.next(t) // by the timer
	if _, err := c.Write(dataOf1); err != w.err {
		t.Errorf("the next write says %v", err)
	}
}

// A connection whose client takes nothing can be closed all the same.
func TestCloseWhileWriting(t *testing.T) {
	client, s := net.Pipe()
	defer client.Close()
	c := &frameConn{Conn: s}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Write(dataOf1)
	}()
	for c.write.TryLock() { // until it writes
		c.write.Unlock()
		time.Sleep(time.Millisecond)
	}
	c.Close()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the writer is stuck")
	}
}
