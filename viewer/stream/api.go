package stream

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strconv"

	"modtap/recorder"
)

// Sizes of a page of /api/exchanges and /api/conns.
const (
	pageSize = 500
	maxPage  = 2000
)

// answer sends v as JSON.
func answer(w http.ResponseWriter, status int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		text, status = []byte(`{"error":"the answer cannot be written as JSON"}`), http.StatusInternalServerError
	}
	answerText(w, status, append(text, '\n'))
}

// answerText sends text, which is JSON.
func answerText(w http.ResponseWriter, status int, text []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client's loss
}

// problem says in one line why there is nothing else: {"error":TEXT}.
func problem(w http.ResponseWriter, status int, text string) {
	answer(w, status, map[string]string{"error": text})
}

// number reads a number of the query; "" is missing.
func number(text string, missing uint64) (uint64, error) {
	if text == "" {
		return missing, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

// page reads from=ID and n=COUNT of a list; ok is false when it has answered that they are
// none.
func page(w http.ResponseWriter, r *http.Request) (from uint64, n int, ok bool) {
	q := r.URL.Query()
	from, err := number(q.Get("from"), 0)
	if err != nil {
		problem(w, http.StatusBadRequest, "from is not an id")
		return 0, 0, false
	}
	count, err := number(q.Get("n"), pageSize)
	if err != nil || count == 0 {
		problem(w, http.StatusBadRequest, "n is not a number from 1 on")
		return 0, 0, false
	}
	return from, int(min(count, maxPage)), true
}

// find returns the exchange id from the Log or else from the recording; the error is
// fs.ErrNotExist when neither has it.
func (src *source) find(id uint64) (*recorder.Exchange, error) {
	if x := src.Log.Exchange(id); x != nil {
		return x, nil
	}
	if src.History == nil {
		return nil, fs.ErrNotExist
	}
	x, err := src.History.Exchange(id)
	if err == nil && x == nil {
		err = fs.ErrNotExist
	}
	return x, err
}

// serveExchange is GET /api/exchange/ID: all that is known of it, but for the bodies.
func (s *Server) serveExchange(w http.ResponseWriter, r *http.Request, src *source) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		problem(w, http.StatusNotFound, "not the id of a request")
		return
	}
	x, err := src.find(id)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		problem(w, http.StatusNotFound, "request "+strconv.FormatUint(id, 10)+" is not in this recording")
	case err != nil:
		s.unreadable(w, err)
	default:
		answer(w, http.StatusOK, x)
	}
}

// unreadable answers that the recording cannot be read.
func (s *Server) unreadable(w http.ResponseWriter, err error) {
	s.logger.Debug().Err(err).Msg("read recording")
	problem(w, http.StatusInternalServerError, "cannot read the recording: "+err.Error())
}

// A Page is an answer of /api/exchanges or /api/conns.
type Page struct {
	Exchanges []*recorder.Exchange `json:"exchanges,omitzero"`
	Conns     []*recorder.Conn     `json:"conns,omitzero"`
	Next      uint64               `json:"next"` // the id to go on from; 0: there are no more
}

// serveExchanges is GET /api/exchanges?from=ID&n=COUNT: those with the next ids, brief,
// whether the Log or only the recording has them.
func (s *Server) serveExchanges(w http.ResponseWriter, r *http.Request, src *source) {
	from, n, ok := page(w, r)
	if !ok {
		return
	}
	var old []*recorder.Exchange
	if src.History != nil {
		var err error
		if old, err = src.History.Exchanges(from, n+1); err != nil {
			s.unreadable(w, err)
			return
		}
	}
	// What the Log has is never older.
	list, next := merge(src.Log.Exchanges(from), old, n, func(x *recorder.Exchange) uint64 { return x.ID })
	for i, x := range list {
		list[i] = briefly(x)
	}
	answer(w, http.StatusOK, Page{Exchanges: list, Next: next})
}

// serveConns is GET /api/conns?from=ID&n=COUNT: the connections with the next ids.
func (s *Server) serveConns(w http.ResponseWriter, r *http.Request, src *source) {
	from, n, ok := page(w, r)
	if !ok {
		return
	}
	var old []*recorder.Conn
	if h, ok := src.History.(connHistory); ok {
		for _, c := range h.Conns() {
			if c.ID >= from {
				old = append(old, &c)
			}
		}
	}
	list, next := merge(src.Log.Conns(from), old, n, func(c *recorder.Conn) uint64 { return c.ID })
	answer(w, http.StatusOK, Page{Conns: list, Next: next})
}

// merge returns the first n of two lists in the order of ids, a's where both have one, and
// the id of the one after them, 0 when there is none.
func merge[T any](a, b []T, n int, id func(T) uint64) (list []T, next uint64) {
	all := slices.Concat(a, b)
	slices.SortStableFunc(all, func(x, y T) int { return cmp.Compare(id(x), id(y)) })
	all = slices.CompactFunc(all, func(x, y T) bool { return id(x) == id(y) })
	if all == nil {
		all = []T{} // never null: clients loop over it
	}
	if len(all) <= n {
		return all, 0
	}
	return all[:n:n], id(all[n])
}
