package stream

import (
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// A report is asked for again at the earliest after reportEvery, and after reportShare
	// times what the last one took, so that it takes a twentieth of a processor at
	// most: the command that is looked at needs them.
	reportEvery = 2 * time.Second
	reportShare = 20
)

// A reporter keeps the newest report of a source, and makes one at a time.
type reporter struct {
	mu     sync.Mutex
	making chan struct{} // closed when the one that is being made is there; nil: none is
	text   []byte
	err    error
	made   time.Time // when the last one was there; zero: never
	took   time.Duration
	final  bool // it was made of an ended session, and will not change
}

// serveReport is GET /api/report: the diagnosis of what there is, as modtap.report/1; 204
// when there is none (yet).
func (s *Server) serveReport(w http.ResponseWriter, r *http.Request, src *source) {
	if src.Report == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	text, err := s.reportOf(r.Context(), src)
	switch {
	case r.Context().Err() != nil: // nobody waits
	case err != nil:
		problem(w, http.StatusServiceUnavailable, "no report: "+err.Error())
	case len(text) == 0:
		w.WriteHeader(http.StatusNoContent)
	default:
		answerText(w, http.StatusOK, text)
	}
}

// reportOf returns a report that is new enough. Giving up waiting for it does not stop it:
// the next one who asks gets it.
func (s *Server) reportOf(ctx context.Context, src *source) ([]byte, error) {
	p := &src.report
	for {
		p.mu.Lock()
		ended := isClosed(src.Log.Ended())
		if p.making == nil && !p.due(ended) {
			defer p.mu.Unlock()
			return p.text, p.err
		}
		if p.making == nil && !s.makeReport(src, ended) {
			p.mu.Unlock()
			return nil, context.Canceled
		}
		making := p.making
		p.mu.Unlock()
		select {
		case <-making:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// due reports whether the report should be made anew.
func (p *reporter) due(ended bool) bool {
	switch {
	case p.made.IsZero(), ended && !p.final:
		return true
	case p.final && p.err == nil:
		return false
	}
	return time.Since(p.made) >= max(reportEvery, reportShare*p.took)
}

// makeReport begins to make one; false when the server is stopping. The reporter's mutex
// is held.
func (s *Server) makeReport(src *source, ended bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	src.users++
	s.making.Add(1)
	p := &src.report
	making := make(chan struct{})
	p.making = making
	go func() {
		defer s.making.Done()
		defer s.release(src)
		begin := time.Now()
		text, err := src.Report(s.live)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.text, p.err, p.final = text, err, ended
		p.made, p.took = time.Now(), time.Since(begin)
		p.making = nil
		close(making)
	}()
	return true
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
