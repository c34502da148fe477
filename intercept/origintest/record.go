package origintest

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// A Request is what an [Origin] knows of one request it was sent.
type Request struct {
	ID       int         `json:"id"`   // 1, 2, … in order of arrival
	Conn     int         `json:"conn"` // [Conn.ID] of its connection
	Method   string      `json:"method"`
	URL      string      `json:"url"`
	Proto    string      `json:"proto"` // HTTP/2.0 or HTTP/1.1
	Kind     string      `json:"kind"`  // as in [Match]
	Header   http.Header `json:"header"`
	Status   int         `json:"status"`          // 0: no headers were sent
	Received int64       `json:"received"`        // bytes of the request body that were read
	Sent     int64       `json:"sent"`            // bytes of the answer's body that were written
	Gone     bool        `json:"gone,omitempty"`  // the client went away before the answer was complete
	Fault    Failure     `json:"fault,omitempty"` // the failure that the origin made on purpose
	Arrived  time.Time   `json:"arrived"`         // headers of the request were read
	Answered time.Time   `json:"answered"`        // headers of the answer were written; zero: never
	Done     time.Time   `json:"done"`            // zero: still being answered
}

// A Conn is what an [Origin] knows of one connection.
type Conn struct {
	ID         int       `json:"id"` // 1, 2, … in order of arrival
	Remote     string    `json:"remote"`
	ServerName string    `json:"server_name"`     // SNI
	Offered    []string  `json:"offered"`         // ALPN of the client
	Protocol   string    `json:"protocol"`        // ALPN that was agreed
	Error      string    `json:"error,omitempty"` // why the handshake failed, the client's alert included
	Requests   int       `json:"requests"`
	Accepted   time.Time `json:"accepted"`
	Hello      time.Time `json:"hello"`   // ClientHello was read
	Secured    time.Time `json:"secured"` // handshake was complete
	Closed     time.Time `json:"closed"`
}

// Stats is everything that an [Origin] counted.
type Stats struct {
	Handshakes int       `json:"handshakes"` // completed ones
	Conns      []Conn    `json:"conns"`
	Requests   []Request `json:"requests"`
}

// journal holds the records of an origin.
type journal struct {
	mu       sync.Mutex
	requests []*Request
	conns    []*Conn
	lastReq  int
	lastConn int
	inFlight int
	idle     chan struct{} // closed when inFlight falls to 0; nil if nobody waits
}

func (j *journal) stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	var s Stats
	for _, c := range j.conns {
		s.Conns = append(s.Conns, *c)
		if !c.Secured.IsZero() {
			s.Handshakes++
		}
	}
	for _, r := range j.requests {
		s.Requests = append(s.Requests, *r)
	}
	return s
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.requests, j.conns = nil, nil
}

func (j *journal) addConn(remote string) *Conn {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lastConn++
	c := &Conn{ID: j.lastConn, Remote: remote, Accepted: time.Now()}
	j.conns = append(j.conns, c)
	return c
}

func (j *journal) begin(r *http.Request, c *Conn, kind string) *Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	c.Requests++
	j.inFlight++
	j.lastReq++
	rec := &Request{
		ID:      j.lastReq,
		Conn:    c.ID,
		Method:  r.Method,
		URL:     "https://" + r.Host + r.RequestURI,
		Proto:   r.Proto,
		Kind:    kind,
		Header:  r.Header.Clone(),
		Arrived: time.Now(),
	}
	j.requests = append(j.requests, rec)
	return rec
}

func (j *journal) end(rec *Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	rec.Done = time.Now()
	j.inFlight--
	if j.inFlight == 0 && j.idle != nil {
		close(j.idle)
		j.idle = nil
	}
}

// wait returns when no request is being answered.
func (j *journal) wait(ctx context.Context) error {
	for {
		j.mu.Lock()
		if j.inFlight == 0 {
			j.mu.Unlock()
			return nil
		}
		if j.idle == nil {
			j.idle = make(chan struct{})
		}
		idle := j.idle
		j.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (j *journal) update(f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f()
}
