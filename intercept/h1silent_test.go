package intercept

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// TestH1SilentEnd: a connection that the server has closed, without a word of it in the
// answer, takes no further request, however soon that comes.
func TestH1SilentEnd(t *testing.T) {
	if !canAsk {
		t.Skip("a socket cannot be asked here")
	}
	for i := range 20 {
		r := newH1Rig(t)
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			r.readHead(t, bufio.NewReader(r.server))
			io.WriteString(r.server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			r.server.Close()
		}()
		r.Reserve()
		resp, err := r.ask(get("GET"))
		if err != nil {
			t.Fatal(err)
		}
		io.ReadAll(resp.Body)
		<-closed
		for end := time.Now().Add(10 * time.Second); r.Err() == nil && !readable(r.raw) && time.Now().Before(end); {
		}
		if i%2 == 0 {
			r.hear()
		}
		if err := r.Reserve(); err == nil || !errors.Is(r.Err(), errIdleClosed) {
			t.Fatalf("reserved: %v, %v", err, r.Err())
		}
		r.endedBy(t, "server")
	}
}

// TestH1BodyIsUnlimited: what bounds headers does not run out in a body of 2 GiB where an
// int has 32 bits.
func TestH1BodyIsUnlimited(t *testing.T) {
	r := newH1Rig(t)
	go func() {
		r.readHead(t, bufio.NewReader(r.server))
		io.WriteString(r.server, "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"+strings.Repeat("x", 20000))
	}()
	resp, err := r.ask(get("GET"))
	if err != nil {
		t.Fatal(err)
	}
	io.CopyN(io.Discard, resp.Body, 19000)
	if r.room != unlimited {
		t.Errorf("%d left", unlimited-r.room)
	}
	resp.Body.Close()
}
