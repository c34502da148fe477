package intercept

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// readHead takes a request's line and headers from the server's end.
func (r *h1Rig) readHead(t *testing.T, br *bufio.Reader) *http.Request {
	t.Helper()
	req, err := http.ReadRequest(br)
	if err != nil {
		t.Error(err)
	}
	return req
}

func (r *h1Rig) endedBy(t *testing.T, want string) {
	t.Helper()
	select {
	case who := <-r.gone:
		if who != want {
			t.Errorf("ended by %s, want %s", who, want)
		}
	case <-time.After(10 * time.Second):
		t.Error("the connection has not ended")
	}
}

// TestH1Continue: a body that waits for 100 Continue is sent when the server says so, or
// answers and keeps the connection; not when it is going to close it.
func TestH1Continue(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	for _, test := range []struct {
		name, first, then string
		sent              bool
	}{
		{"100", "HTTP/1.1 100 Continue\r\n\r\n", ok, true},
		{"102 and 100", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", ok, true},
		{"an answer", ok, "", true},
		{"an answer, and the end", "HTTP/1.1 417 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "", false},
	} {
		r := newH1Rig(t)
		sent := make(chan string, 1)
		start := time.Now()
		go func() {
			br := bufio.NewReader(r.server)
			req := r.readHead(t, br)
			if br.Buffered() > 0 {
				t.Errorf("%s: the body did not wait", test.name)
			}
			io.WriteString(r.server, test.first)
			body, _ := io.ReadAll(req.Body)
			sent <- string(body)
			io.WriteString(r.server, test.then)
		}()
		req, _ := http.NewRequest("POST", "http://h.test/", io.NopCloser(strings.NewReader("body")))
		req.ContentLength = 4
		req.Header.Set("Expect", "100-continue")
		resp, err := r.ask(req)
		if err != nil {
			t.Fatal(test.name, err)
		}
		resp.Body.Close()
		if !test.sent {
			r.endedBy(t, "server")
		}
		if got := <-sent; (got == "body") != test.sent {
			t.Errorf("%s: the server got %q", test.name, got)
		}
		if d := time.Since(start); d > continueAfter*9/10 {
			t.Errorf("%s: took %v", test.name, d)
		}
		if test.sent && r.Available() != 1 {
			t.Errorf("%s: the connection is not free: %v", test.name, r.Err())
		}
	}
}

// TestH1EarlyAnswer: an answer that comes before the end of the request's body is taken,
// and the connection is given up, which is nobody's fault.
func TestH1EarlyAnswer(t *testing.T) {
	r := newH1Rig(t)
	body, client := io.Pipe()
	go func() {
		r.readHead(t, bufio.NewReader(r.server))
		io.WriteString(r.server, "HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nstop")
	}()
	req, _ := http.NewRequest("POST", "http://h.test/", body)
	go io.WriteString(client, "half")
	resp, err := r.ask(req)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(resp.Body); string(got) != "stop" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	r.endedBy(t, "modtap")
	client.Close()
}

// TestH1StalledBody: the failure of a server is told although its client is in no hurry to
// send more.
func TestH1StalledBody(t *testing.T) {
	r := newH1Rig(t)
	body, _ := io.Pipe()
	go func() {
		r.readHead(t, bufio.NewReader(r.server))
		r.server.Close()
	}()
	req, _ := http.NewRequest("POST", "http://h.test/", body)
	if _, err := r.ask(req); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	r.endedBy(t, "server")
}

// TestH1AbortedBody: a client that breaks its request off ends the connection.
func TestH1AbortedBody(t *testing.T) {
	r := newH1Rig(t)
	broken := errors.New("broken off")
	body, client := io.Pipe()
	client.CloseWithError(broken)
	req, _ := http.NewRequest("POST", "http://h.test/", body)
	if _, err := r.ask(req); !errors.Is(err, broken) {
		t.Error(err)
	}
	r.endedBy(t, "client")
}

// TestH1LargeHead: an answer is read while the server takes no more of a large head.
func TestH1LargeHead(t *testing.T) {
	r := newH1Rig(t)
	go func() {
		r.server.Read(make([]byte, 100))
		io.WriteString(r.server, "HTTP/1.1 431 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	}()
	req := get("GET")
	req.Header.Set("X-Large", strings.Repeat("x", 32<<20)) // more than sockets hold
	resp, err := r.ask(req)
	if err != nil || resp.StatusCode != 431 {
		t.Error(resp, err)
	}
	r.endedBy(t, "server")
}

// TestH1Cancel: a client that gives up ends the connection, unless nothing was sent.
func TestH1Cancel(t *testing.T) {
	const begun = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
	for name, answer := range map[string]string{"waiting": "", "reading": begun} {
		r := newH1Rig(t)
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			r.readHead(t, bufio.NewReader(r.server))
			io.WriteString(r.server, answer)
			if answer == "" {
				cancel()
			}
		}()
		resp, err := r.ask(get("GET").WithContext(ctx))
		if err == nil {
			io.ReadFull(resp.Body, make([]byte, 4))
			cancel()
			_, err = io.ReadAll(resp.Body)
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		r.endedBy(t, "client")
	}
	r := newH1Rig(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Reserve(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ask(get("GET").WithContext(ctx)); !errors.Is(err, context.Canceled) || r.Available() != 1 {
		t.Errorf("%v; free: %v", err, r.Available())
	}
}

// TestH1Turns: a request waits for the one before it, or until its client gives up.
func TestH1Turns(t *testing.T) {
	r := newH1Rig(t)
	next := make(chan bool)
	go func() {
		br := bufio.NewReader(r.server)
		for range 2 {
			r.readHead(t, br)
			<-next
			io.WriteString(r.server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}()
	answers := make(chan error)
	ask := func(ctx context.Context) {
		_, err := r.ask(get("GET").WithContext(ctx))
		answers <- err
	}
	go ask(context.Background())
	for r.InFlight() == 0 {
		time.Sleep(time.Millisecond) // until it has begun
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	go ask(ctx)
	if err := <-answers; !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	go ask(context.Background())
	next <- true
	next <- true
	for range 2 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
}

// TestH1Idle: the end of an idle connection is noticed, before its first request and
// after; and what a server sends unasked is no answer.
func TestH1Idle(t *testing.T) {
	for name, used := range map[string]bool{"new": false, "used": true} {
		for what, say := range map[string]string{"closed": "", "408": "HTTP/1.1 408 Request Timeout\r\n\r\n", "unasked": "HTTP/1.1 200 OK\r\n\r\n"} {
			r := newH1Rig(t)
			if used {
				go func() {
					r.readHead(t, bufio.NewReader(r.server))
					io.WriteString(r.server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}()
				if _, err := r.ask(get("GET")); err != nil {
					t.Fatal(err)
				}
			}
			io.WriteString(r.server, say)
			if say == "" {
				r.server.Close()
			}
			r.endedBy(t, "server")
			if _, err := r.ask(get("GET")); err == nil || r.Reserve() == nil {
				t.Errorf("%s, %s: still in use", name, what)
			}
		}
	}
}

// TestH1Looked: a request on a connection that somebody waits on gets its answer.
func TestH1Looked(t *testing.T) {
	r := newH1Rig(t)
	go func() {
		br := bufio.NewReader(r.server)
		for range 3 {
			r.readHead(t, br)
			io.WriteString(r.server, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
		}
	}()
	for range 3 {
		time.Sleep(5 * lookAfter) // somebody waits now
		if got := outcomeOf(r.ask(get("GET"))); !strings.Contains(got, "body") {
			t.Error(got)
		}
	}
	x := exchangeFor(get("GET"))
	r.server.Close()
	if _, err := r.roundTrip(get("GET"), x); err == nil || x.marks[markFirstByte].Load() != 0 {
		t.Errorf("%v; first byte at %v", err, x.marks[markFirstByte].Load())
	}
}

// TestH1Upgrade: an upgraded connection is busy until it is closed, and says by whom.
func TestH1Upgrade(t *testing.T) {
	for _, who := range []string{"client", "server"} {
		r := newH1Rig(t)
		go func() {
			r.readHead(t, bufio.NewReader(r.server))
			io.WriteString(r.server, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nfirst")
		}()
		resp, err := r.ask(get("GET"))
		if err != nil {
			t.Fatal(err)
		}
		rw := resp.Body.(io.ReadWriteCloser)
		got := make([]byte, 5)
		if io.ReadFull(rw, got); string(got) != "first" || r.InFlight() != 1 || r.Reserve() == nil || r.Err() != nil {
			t.Errorf("%q, %d in flight, %v", got, r.InFlight(), r.Err())
		}
		if who == "server" {
			r.server.Close()
			io.ReadAll(rw)
		}
		rw.Close()
		r.endedBy(t, who)
	}
}
