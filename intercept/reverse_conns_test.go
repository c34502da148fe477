package intercept_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"modtap/intercept"
	"modtap/intercept/origintest"
	"modtap/intercept/reverse"
)

// TestReverseConnections gives the go commands one after another connections of their own,
// and those of one command the same.
func TestReverseConnections(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	r := newReverse(t, o, reverse.Settings{GOPROXY: "$URL"}, nil)
	for range 2 {
		r.get(0, list)
		r.c.CloseIdleConnections() // as after an answer that the go command did not read
		r.get(0, list)
	}
	r.exchanges(4)
	if n := o.Conns(); n != 1 {
		t.Errorf("%d connections for one command, want 1", n)
	}
	r.c.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for len(r.conns()) == 0 || r.conns()[0].Closed == "" {
		if ctx.Err() != nil {
			t.Fatal("the upstream connection stays open after the last client")
		}
		time.Sleep(10 * time.Millisecond) // it closes half a second after the client's
	}
	r.get(0, list)
	r.exchanges(5)
	if n := o.Conns(); n != 2 || r.conns()[0].Closed != "client" {
		t.Errorf("%d connections for two commands; the first was closed by %s", n, r.conns()[0].Closed)
	}
}

// TestReverseAsksAtOnce shares one connection of HTTP/2 between many requests.
func TestReverseAsksAtOnce(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Knobs: []origintest.Knob{{FirstByte: 50 * time.Millisecond}}})
	r := newReverse(t, o, reverse.Settings{GOPROXY: "$URL"}, nil)
	done := make(chan int)
	for range 20 {
		go func() {
			resp, err := r.c.Get(fmt.Sprintf("http://%s/%s/0/host%s", r.addr, reverseToken, list))
			if err != nil {
				done <- 0
				return
			}
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			done <- resp.StatusCode
		}()
	}
	for range 20 {
		if status := <-done; status != 200 {
			t.Errorf("status %d", status)
		}
	}
	owners := 0
	for _, x := range r.exchanges(20) {
		if !x.Server.Reused {
			owners++
		}
	}
	if owners != 1 || o.Conns() != 1 {
		t.Errorf("%d requests paid for %d connections, want 1 for 1", owners, o.Conns())
	}
}

// TestReverseSendsOnce: a stream that the server resets is not asked for again, on a
// connection that was used before either (net/http does not).
func TestReverseSendsOnce(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Protos: []string{"h2"}, Knobs: []origintest.Knob{{Match: origintest.Match{Skip: 1}, Fail: origintest.Abort}}})
	r := newReverse(t, o, reverse.Settings{GOPROXY: "$URL"}, nil)
	r.get(0, list)
	if resp, _ := r.get(0, list); resp.StatusCode != 502 {
		t.Errorf("answered %s", resp.Status)
	}
	if x := r.exchanges(2)[1]; x.Resent != 0 || len(o.Requests()) != 2 {
		t.Errorf("sent again %d times; the origin saw %d requests, want 2", x.Resent, len(o.Requests()))
	}
}

// TestReversePooled: with --pool there is one leg for every client, tunnels included.
func TestReversePooled(t *testing.T) {
	o := origintest.Start(t, origintest.Config{})
	r := newReverse(t, o, reverse.Settings{GOPROXY: "$URL"}, func(c *intercept.Config) { c.Pool = true })
	if resp, body := r.get(0, list); resp.StatusCode != 200 {
		t.Error(resp.Status, body)
	}
	if resp, err := r.tapped().Get(o.URL() + list); err != nil || resp.Body.Close() != nil || resp.StatusCode != 200 {
		t.Error(resp, err)
	}
	r.exchanges(2)
	if n := o.Conns(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
}

// TestReverseOfPlainHTTP relays to a GOPROXY on this machine, the usual one over http.
func TestReverseOfPlainHTTP(t *testing.T) {
	s := plainServer(t)
	r := newReverse(t, origintest.Start(t, origintest.Config{}), reverse.Settings{GOPROXY: s.URL + "/x"}, nil)
	if _, body := r.get(0, list); !strings.HasPrefix(body, "GET /x"+list+" host="+strings.TrimPrefix(s.URL, "http://")+" ") {
		t.Errorf("the server got %q", body)
	}
	if x := r.exchanges(1)[0]; x.URL != s.URL+"/x"+list || x.Server.Timings().SSL != -1 {
		t.Errorf("recorded %+v", x)
	}
}

// TestLeavesWithAllOfIt: a client that hangs up as soon as it has the announced bytes, as the
// go command does over HTTP/1.1 with all connections but two, has given nothing up, although
// the server has not yet said that there is nothing more. With a byte less it has.
func TestLeavesWithAllOfIt(t *testing.T) {
	left := make(chan struct{}, 2)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "0123456789"[:10-len(r.URL.Query())])
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		left <- struct{}{}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	r := newReverse(t, origintest.Start(t, origintest.Config{}), reverse.Settings{GOPROXY: s.URL}, func(c *intercept.Config) {
		c.Roots = x509.NewCertPool()
		c.Roots.AddCert(s.Certificate())
	})
	for n, query := range []string{"", "?less"} {
		conn, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /%s/0/host%s%s HTTP/1.1\r\nHost: %s\r\n\r\n", reverseToken, list, query, r.addr)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, make([]byte, 10-n)); err != nil {
			t.Fatal(err)
		}
		conn.Close()
		<-left
		x := r.exchanges(n + 1)[n]
		if gone := opOf(x) == "canceled"; gone != (n == 1) || x.Response.BodySize != int64(10-n) {
			t.Errorf("of %d bytes of 10: %d are recorded, %v", 10-n, x.Response.BodySize, x.Err)
		}
	}
}
