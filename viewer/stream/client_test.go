package stream

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

func TestClient(t *testing.T) {
	log := recorder.NewLog()
	log.Append(recorder.Event{Session: &recorder.Session{ID: "a", Argv: []string{"go", "mod", "download"}}})
	x := &recorder.Exchange{
		ID: 1, Start: time.Date(2026, 11, 22, 1, 2, 3, 456789, time.UTC), Method: "GET", Status: 200, Done: true,
		Server:  recorder.Marks{WroteHeaders: 1, FirstByte: 1234567, End: 2345678},
		Request: recorder.Message{Header: []recorder.Header{{Name: "Accept-Encoding", Value: "gzip"}}},
	}
	log.Append(recorder.Event{Exchange: x})
	s, addr := start(t, Config{Source: Source{Log: log}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c, err := Dial(ctx, s.URL(addr)+"#x=1")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.Session(); got == nil || got.ID != "a" {
		t.Errorf("session %+v", got)
	}
	next := func() Batch {
		t.Helper()
		b, err := c.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := next()
	if !b.Snapshot || b.Seq != 2 || len(b.Events) != 2 {
		t.Fatalf("snapshot %+v", b)
	}
	if d := cmp.Diff(x, b.Events[1].Exchange); d != "" {
		t.Errorf("an exchange does not survive the wire: %s", d)
	}
	short, done := context.WithTimeout(ctx, time.Millisecond)
	if _, err := c.Next(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Next: %v, want the context's error", err)
	}
	done()
	if err := c.RequestSnapshot(); err != nil {
		t.Fatal(err)
	}
	if b := next(); !b.Snapshot || len(b.Events) != 2 {
		t.Errorf("asked for a snapshot, got %+v", b)
	}
	log.Append(recorder.Event{End: &recorder.End{At: 5, ExitCode: 1}})
	log.Close()
	if b := next(); b.Seq != 3 || b.Events[0].End == nil {
		t.Errorf("end: %+v", b)
	}
	for range 2 {
		if _, err := c.Next(ctx); err != io.EOF {
			t.Errorf("after the end: %v, want io.EOF", err)
		}
	}
}

var dialTests = []struct{ name, url, want string }{
	{"wrong token", "http://ADDR/?token=x", "refused the token"},
	{"no token", "http://ADDR/", "refused the token"},
	{"not HTTP", "ftp://ADDR/", "not an http or ws URL"},
	{"no URL", "http://[", "viewer address"},
	{"nobody there", "http://127.0.0.1:1/?token=open-sesame", "127.0.0.1:1: dial"},
}

func TestDialFails(t *testing.T) {
	_, addr := start(t, Config{Source: Source{Log: recorder.NewLog()}})
	for _, tt := range dialTests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Dial(t.Context(), strings.Replace(tt.url, "ADDR", addr, 1))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), token) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestDialOtherProtocol(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		_ = c.WriteJSON(Hello{Protocol: "modtap/2"})
	}))
	defer srv.Close()
	_, err := Dial(t.Context(), srv.URL)
	if err == nil || !strings.Contains(err.Error(), `speaks "modtap/2", not modtap/1`) {
		t.Errorf("got %v", err)
	}
}

// Whoever accepts and then says nothing does not hold Dial longer than its context.
func TestDialSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if c, err := Dial(ctx, "http://"+l.Addr().String()); err == nil {
		c.Close()
		t.Error("no error")
	}
}

// A connection that breaks is not the end, and the last Seq resumes it.
func TestClientResumes(t *testing.T) {
	log := recorder.NewLog()
	log.Append(exchange(1, 200))
	log.Append(exchange(2, 200))
	s, addr := start(t, Config{Source: Source{Log: log}})
	c, err := Dial(t.Context(), s.URL(addr))
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.conn.NetConn().Close()
	if _, err := c.Next(t.Context()); err == nil || err == io.EOF {
		t.Errorf("broken stream: %v", err)
	}
	c.Close()
	log.Append(exchange(3, 200))
	c, err = Dial(t.Context(), s.URL(addr)+"&since="+strconv.FormatUint(b.Seq, 10))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if b, err = c.Next(t.Context()); err != nil || b.Snapshot || b.Seq != 3 || len(ids(b)) != 1 {
		t.Errorf("resumed with %+v, %v", b, err)
	}
}

// Over real TCP a frame is never compressed and the page's origin may connect.
func TestBrowserHandshake(t *testing.T) {
	s, addr := start(t, Config{Source: Source{Log: recorder.NewLog()}})
	r, err := http.NewRequest(http.MethodGet, "http://"+addr+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
		"Sec-Websocket-Key":        {"dGhlIHNhbXBsZSBub25jZQ=="},
		"Sec-Websocket-Extensions": {"permessage-deflate; client_max_window_bits"},
		"Origin":                   {"http://" + addr}, "Sec-Fetch-Site": {"same-origin"},
		"Cookie": {cookieName(addr) + "=" + s.cookie()},
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 101 || resp.Header.Get("Sec-Websocket-Extensions") != "" {
		t.Errorf("status %d, extensions %q", resp.StatusCode, resp.Header.Get("Sec-Websocket-Extensions"))
	}
}
