package stream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"

	"modtap/recorder"
)

// Config is what a Server needs. Only Log is required.
type Config struct {
	// Log is what the stream shows.
	Log *recorder.Log
	// Token is the secret every client must know; "" makes a random one of 128 bits.
	Token string
	// Page serves the viewer page and its files, which hold no data; nil: none.
	Page http.Handler
	// HAR names the recording that is being written, "" when there is none; nil: none.
	HAR func() string
	// Logger gets what goes wrong with the server itself; the zero value is silent.
	Logger zerolog.Logger
}

// A Server shows one Log to browsers and programs. It trusts whoever knows its token,
// so give it a loopback listener.
type Server struct {
	log    *recorder.Log
	token  string
	page   http.Handler
	har    func() string
	logger zerolog.Logger

	http *http.Server
	live context.Context // ends when Shutdown begins
	stop context.CancelFunc

	mu      sync.Mutex
	clients map[*websocket.Conn]struct{}
	closing bool
	active  sync.WaitGroup
}

// New checks c and makes a Server; nothing runs until Serve.
func New(c Config) (*Server, error) {
	if c.Log == nil {
		return nil, errors.New("viewer: no log")
	}
	s := &Server{
		log: c.Log, token: c.Token, page: c.Page, har: c.HAR,
		logger:  c.Logger,
		clients: map[*websocket.Conn]struct{}{},
	}
	if s.token == "" {
		s.token = rand.Text()
	}
	if s.page == nil {
		s.page = http.NotFoundHandler()
	}
	if s.har == nil {
		s.har = func() string { return "" }
	}
	s.live, s.stop = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          newErrorLog(s.logger),
	}
	return s, nil
}

// Token returns the secret.
func (s *Server) Token() string { return s.token }

// URL returns the address of the page for a server that listens on addr (host:port),
// token included: what to print and to open. An unspecified host becomes 127.0.0.1.
func (s *Server) URL(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		addr = net.JoinHostPort(host, port)
	}
	u := url.URL{Scheme: "http", Host: addr, Path: "/", RawQuery: url.Values{"token": {s.token}}.Encode()}
	return u.String()
}

// Serve answers on l until Shutdown, and then returns nil.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("viewer: %w", err)
	}
	return nil
}

// Shutdown closes the listener, gives every client what is in the Log, and closes the
// streams. Clients that have not taken it when ctx ends are cut off. Close the Log
// first if the session is over: the streams then end as complete.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.stop()
	err := s.http.Shutdown(ctx)
	done := make(chan struct{})
	go func() { s.active.Wait(); close(done) }()
	select {
	case <-done:
		return err
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := range s.clients {
		c.Close()
	}
	s.mu.Unlock()
	<-done
	return errors.Join(err, s.http.Close())
}

// enter registers a client's connection; false when the server is closing.
func (s *Server) enter(c *websocket.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.clients[c] = struct{}{}
	s.active.Add(1)
	return true
}

func (s *Server) leave(c *websocket.Conn) {
	s.mu.Lock()
	delete(s.clients, c)
	s.mu.Unlock()
	s.active.Done()
}

// upgrader leaves the Origin to guard, which has refused a wrong one before.
var upgrader = websocket.Upgrader{
	HandshakeTimeout: writeWait,
	CheckOrigin:      func(*http.Request) bool { return true },
}

// serveEvents is GET /events.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	var since uint64
	if v := r.URL.Query().Get("since"); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			http.Error(w, "since is not a sequence number", http.StatusBadRequest)
			return
		}
		since = n
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	if !s.enter(conn) {
		conn.Close()
		return
	}
	defer s.leave(conn)
	c := session{conn: conn, log: s.log}
	err = c.serve(s.live, since)
	s.logger.Debug().Str("client", r.RemoteAddr).AnErr("reason", err).Msg("stream ended")
}
