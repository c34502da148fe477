package stream

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// ticketTime is how long a ticket lets somebody in: a browser that is not running yet takes
// some seconds, and one that never comes leaves the ticket for others to find.
const ticketTime = 2 * time.Minute

// tickets are those that were not shown yet.
type tickets struct {
	mu   sync.Mutex
	open map[string]time.Time // when they were made
}

// issue makes one.
func (t *tickets) issue() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[string]time.Time{}
	}
	for ticket, made := range t.open {
		if time.Since(made) >= ticketTime {
			delete(t.open, ticket)
		}
	}
	ticket := rand.Text()
	t.open[ticket] = time.Now()
	return ticket
}

// take reports whether a ticket is good. It is not afterwards. What a map tells by its time
// is of no use: a ticket has 128 random bits and is gone when it is found.
func (t *tickets) take(ticket string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	made, ok := t.open[ticket]
	delete(t.open, ticket)
	return ok && time.Since(made) < ticketTime
}

// PageURL is URL to be given to a program that opens a browser. Everybody on the machine may
// read the command line of that, so it has a ticket instead of the token: it lets in the
// first one who comes with it, within two minutes. When that was somebody else, the user sees
// that it was.
func (s *Server) PageURL(addr string) string {
	return s.pageURL(addr, url.Values{"ticket": {s.tickets.issue()}})
}

// serveTicket is GET /api/ticket, for a program that has the token and opens a browser.
func (s *Server) serveTicket(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"ticket": s.tickets.issue()})
}

// servePage moves the token or the ticket from the address, where it would stay in the
// history and in screenshots, to a cookie that no script and no other site can read.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if !s.knowsToken(r) && !(r.Method == http.MethodGet && s.tickets.take(q.Get("ticket"))) {
		forbid(w)
		return
	}
	if !q.Has("token") && !q.Has("ticket") {
		s.page.ServeHTTP(w, r)
		return
	}
	q.Del("token")
	q.Del("ticket")
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r.Host), Value: s.cookie(), Path: "/",
		HttpOnly: true, SameSite: http.SameSiteStrictMode,
	})
	to := url.URL{Path: "/", RawQuery: q.Encode()}
	w.Header().Set("Location", to.String())
	w.WriteHeader(http.StatusSeeOther)
}
