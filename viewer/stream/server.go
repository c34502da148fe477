package stream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"
)

// Config is what a Server needs. Only the Source is required.
type Config struct {
	// Source is what is shown.
	Source Source
	// Open takes recordings that are dropped on the page; nil: they are refused.
	Open Opener
	// Token is the secret every client must know; "" makes a random one of 128 bits.
	Token string
	// Page serves the viewer page and its files, which hold no data; nil: none.
	Page http.Handler
	// Logger gets what goes wrong with the server itself; the zero value is silent.
	Logger zerolog.Logger
}

// A Server shows one Log, and recordings that are dropped on its page, to browsers and
// programs. It trusts whoever knows its token, so give it a loopback listener.
type Server struct {
	token  string
	page   http.Handler
	opener Opener
	logger zerolog.Logger

	http *http.Server
	live context.Context // ends when Shutdown begins
	stop context.CancelFunc

	opening chan struct{} // a place for one recording that is being opened

	mu      sync.Mutex
	sources map[string]*source // by id; "" is Config.Source
	order   []string           // ids of those that were dropped on the page, the oldest first
	clients map[*websocket.Conn]struct{}
	closing bool
	active  sync.WaitGroup // clients
	making  sync.WaitGroup // reports

	presence presence
	tickets  tickets
}

// New checks c and makes a Server; nothing runs until Serve.
func New(c Config) (*Server, error) {
	if c.Source.Log == nil {
		return nil, errors.New("viewer: no log")
	}
	s := &Server{
		token: c.Token, page: c.Page, opener: c.Open, logger: c.Logger,
		opening: make(chan struct{}, 1),
		sources: map[string]*source{},
		clients: map[*websocket.Conn]struct{}{},
	}
	if s.token == "" {
		s.token = rand.Text()
	}
	if s.page == nil {
		s.page = http.NotFoundHandler()
	}
	s.live, s.stop = context.WithCancel(context.Background())
	s.sources[""] = s.newSource(c.Source, false)
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
// token included: what to print. An unspecified host becomes 127.0.0.1.
func (s *Server) URL(addr string) string {
	return s.pageURL(addr, url.Values{"token": {s.token}})
}

func (s *Server) pageURL(addr string, q url.Values) string {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		addr = net.JoinHostPort(host, port)
	}
	u := url.URL{Scheme: "http", Host: addr, Path: "/", RawQuery: q.Encode()}
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
// first if the session is over: the streams then end as complete. Sources are closed when
// nobody is being answered from them, which may be later: a report that pays no heed to its
// context is not waited for.
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.retireAll()
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.stop()
	err := s.http.Shutdown(ctx)
	done := make(chan struct{})
	go func() { s.active.Wait(); s.making.Wait(); close(done) }()
	select {
	case <-done:
		if err == nil {
			return nil
		}
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := range s.clients {
		c.Close()
	}
	s.mu.Unlock()
	s.active.Wait()
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
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request, src *source) {
	q := r.URL.Query()
	since, err := number(q.Get("since"), 0)
	if err != nil {
		problem(w, http.StatusBadRequest, "since is not a sequence number")
		return
	}
	f := whole
	switch q.Get("brief") {
	case "", "0":
	case "1":
		f = brief
	default:
		problem(w, http.StatusBadRequest, "brief is neither 0 nor 1")
		return
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
	c := session{conn: conn, hub: src.hubs[f]}
	err = c.serve(since)
	s.logger.Debug().Str("client", r.RemoteAddr).AnErr("reason", err).Msg("stream ended")
}
