package stream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode"
)

// addPath takes what is dropped on the page. It is the only path that takes anything.
const addPath = "/api/recordings"

const (
	// maxRecording bounds a recording that is dropped on the page, in bytes.
	maxRecording = 1 << 30
	// keepDropped is how many of them can be looked at; for one more the oldest goes.
	keepDropped = 8
	// keepEntries bounds the requests of all of them together; the newest stays whatever it has.
	// Each takes 1.8 KB, however small the file is.
	keepEntries = 500_000
	// maxFileName bounds the name of such a file, in bytes.
	maxFileName = 255
)

// A source is a Source with what the server makes of it.
type source struct {
	Source
	dropped bool // it came from a browser: nothing in it names a file of this machine
	entries int  // of one that was dropped: what it takes
	hubs    [flavours]*hub
	report  reporter
	stop    context.CancelFunc // ends its streams

	// Guarded by the Server's mutex.
	users   int // requests, streams and reports that are going on
	retired bool
}

func (s *Server) newSource(from Source, dropped bool) *source {
	if from.HAR == nil {
		from.HAR = func() string { return "" }
	}
	src := &source{Source: from, dropped: dropped}
	var live context.Context
	live, src.stop = context.WithCancel(s.live)
	for f := range src.hubs {
		src.hubs[f] = &hub{log: from.Log, flavour: flavour(f), live: live}
		if from.Facts && flavour(f) == whole {
			src.hubs[f].history = from.History
		}
	}
	return src
}

// withSource gives next the recording that the request names. It stays open meanwhile.
func (s *Server) withSource(next func(http.ResponseWriter, *http.Request, *source)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		src := s.acquire(r.URL.Query().Get("recording"))
		if src == nil {
			problem(w, http.StatusNotFound, "this recording is no longer open here")
			return
		}
		defer s.release(src)
		next(w, r, src)
	}
}

// acquire returns a source that is then not closed before release, or nil.
func (s *Server) acquire(id string) *source {
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.sources[id]
	if src != nil {
		src.users++
	}
	return src
}

func (s *Server) release(src *source) {
	s.mu.Lock()
	src.users--
	over := src.retired && src.users == 0
	s.mu.Unlock()
	if over {
		src.close()
	}
}

// retire ends the source id: its streams end, and the last one who uses it closes it.
func (s *Server) retire(id string) {
	s.mu.Lock()
	src := s.sources[id]
	if src == nil {
		s.mu.Unlock()
		return
	}
	delete(s.sources, id)
	src.retired = true
	over := src.users == 0
	s.mu.Unlock()
	src.stop()
	if over {
		src.close()
	}
}

func (s *Server) retireAll() {
	s.mu.Lock()
	ids := append([]string{""}, s.order...)
	s.order = nil
	s.mu.Unlock()
	for _, id := range ids {
		s.retire(id)
	}
}

func (src *source) close() {
	if src.Close != nil {
		src.Close()
	}
}

// serveAdd is POST /api/recordings: it opens the recording in the body and answers with
// the id that the other paths take as ?recording=.
func (s *Server) serveAdd(w http.ResponseWriter, r *http.Request) {
	if s.opener == nil {
		problem(w, http.StatusForbidden, "this viewer opens no other recordings: modtap view FILE does")
		return
	}
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/json", "application/octet-stream":
	default: // a form can send other types without asking first
		problem(w, http.StatusUnsupportedMediaType, "send the recording as application/json")
		return
	}
	if r.ContentLength > maxRecording {
		problem(w, http.StatusRequestEntityTooLarge, tooLarge)
		return
	}
	select {
	case s.opening <- struct{}{}: // each takes memory: one after the other
		defer func() { <-s.opening }()
	case <-r.Context().Done():
		return
	}
	name := fileName(r.Header.Get("X-File-Name"))
	from, err := s.opener(r.Context(), http.MaxBytesReader(w, r.Body, maxRecording), name)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		problem(w, http.StatusRequestEntityTooLarge, tooLarge)
	case err != nil:
		problem(w, http.StatusUnprocessableEntity, err.Error())
	case from.Log == nil:
		problem(w, http.StatusInternalServerError, fmt.Sprintf("open %s: nothing came of it", name))
	default:
		s.adopt(w, from)
	}
}

var tooLarge = fmt.Sprintf("the recording is larger than %d MiB: open it with modtap view FILE", maxRecording>>20)

// adopt keeps a recording that was opened, and answers with its id.
func (s *Server) adopt(w http.ResponseWriter, from Source) {
	id := rand.Text()
	src := s.newSource(from, true)
	if from.History != nil {
		_, _, src.entries = from.History.Bounds()
	}
	s.mu.Lock()
	closing := s.closing
	var old []string
	if !closing {
		s.sources[id] = src
		s.order = append(s.order, id)
		old = s.outgrown()
	}
	s.mu.Unlock()
	if closing {
		src.stop()
		src.close()
		problem(w, http.StatusServiceUnavailable, "the viewer is stopping")
		return
	}
	for _, id := range old {
		s.retire(id)
	}
	answer(w, http.StatusCreated, map[string]string{"recording": id})
}

// outgrown takes the oldest ones that have no place any more out of the order, and returns
// them; s.mu is held.
func (s *Server) outgrown() (old []string) {
	entries := 0
	for _, id := range s.order {
		entries += s.sources[id].entries
	}
	for len(s.order) > 1 && (len(s.order) > keepDropped || entries > keepEntries) {
		entries -= s.sources[s.order[0]].entries
		old, s.order = append(old, s.order[0]), s.order[1:]
	}
	return old
}

// fileName is what a browser calls a file, percent-encoded because a header takes no more;
// without folders and without what a terminal would obey.
func fileName(header string) string {
	name, err := url.PathUnescape(header)
	if err != nil {
		name = header
	}
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, name)
	for len(name) > maxFileName {
		name = name[:len(name)-1]
	}
	name = strings.ToValidUTF8(name, "")
	if name == "" || name == "." || name == ".." || name == "/" {
		return "recording.har"
	}
	return name
}
