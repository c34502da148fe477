package stream

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"modtap/recorder"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const token = "open-sesame"

// start serves c on loopback until the test ends and returns the server and its host:port.
func start(t *testing.T, c Config) (*Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return startOn(t, c, l), l.Addr().String()
}

func startOn(t *testing.T, c Config, l net.Listener) *Server {
	t.Helper()
	if c.Token == "" {
		c.Token = token
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown: %v", err)
		}
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return s
}

// get asks path of the handler as a client on loopback would; header pairs follow.
func get(s *Server, method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "127.0.0.1:8081"
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Add(header[i], header[i+1])
	}
	local := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 8081}
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(local)))
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	return w.Result()
}

// serve has the handler answer r, with the token, and returns the status, the body and its
// type.
func serve(s *Server, r *http.Request) (int, string, string) {
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	return w.Code, w.Body.String(), w.Header().Get("Content-Type")
}

// pipes is a listener in memory, for tests that run on synctest's clock.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.done); return nil }
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "127.0.0.1:8081" }

// dial opens a websocket through the pipe.
func (p *pipes) dial(t *testing.T, query string) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{NetDialContext: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		p.conns <- server
		return client, nil
	}}
	conn, _, err := d.Dial("ws://127.0.0.1:8081/events"+query, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// exchange is the smallest snapshot that can be told apart.
func exchange(id uint64, status int) recorder.Event {
	return recorder.Event{Exchange: &recorder.Exchange{ID: id, Method: "GET", Status: status, Done: status != 0}}
}

func newServer(t *testing.T, c Config) *Server {
	t.Helper()
	if c.Source.Log == nil {
		c.Source.Log = recorder.NewLog()
	}
	if c.Token == "" {
		c.Token = token
	}
	if c.Page == nil {
		c.Page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" && !strings.HasSuffix(r.URL.Path, ".js") {
				http.NotFound(w, r)
			}
		})
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
