package stream

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"modtap/recorder"
)

const (
	// maxDecoded bounds what a kept gzip body may grow to when it is shown.
	maxDecoded = 8 << 20
	// harTail is longer than what closes a HAR file; only that part of it is ever rewritten.
	harTail = 4 << 10
	// harTries bounds the wait for a whole tail to about as many milliseconds.
	harTries = 50
)

// serveBody is GET /api/body/ID: the kept response body of an exchange, ?of=request its
// request's. It is text whatever it was, and a download if someone opens it.
func (s *Server) serveBody(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	m := s.message(id, r.URL.Query().Get("of") == "request")
	if m == nil || m.Body == nil {
		http.NotFound(w, r)
		return
	}
	body := decoded(m)
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", "attachment; filename=modtap-body-"+strconv.FormatUint(id, 10)+".txt")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client's loss
}

// message finds one direction of an exchange in the Log; nil when it is not there.
func (s *Server) message(id uint64, request bool) *recorder.Message {
	events, _ := s.log.Snapshot()
	for _, e := range events {
		if e.Exchange == nil || e.Exchange.ID != id {
			continue
		}
		if request {
			return &e.Exchange.Request
		}
		return &e.Exchange.Response
	}
	return nil
}

// decoded returns the body without its gzip coding; anything else, or what does not
// decode, as it was on the wire.
func decoded(m *recorder.Message) []byte {
	if m.Encoding != "gzip" && m.Encoding != "x-gzip" {
		return m.Body
	}
	z, err := gzip.NewReader(bytes.NewReader(m.Body))
	if err != nil {
		return m.Body
	}
	text, err := io.ReadAll(io.LimitReader(z, maxDecoded))
	if err != nil {
		return m.Body
	}
	return text
}

// serveRecording is GET /api/recording: {"har":"NAME"}, the name that recording.har will
// have; "" when nothing is kept on disk.
func (s *Server) serveRecording(w http.ResponseWriter, _ *http.Request) {
	var answer struct {
		HAR string `json:"har"`
	}
	if name := s.har(); name != "" {
		answer.HAR = filepath.Base(name)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the client's loss
}

// serveHAR is GET /api/recording.har: the recording as it is now, complete and valid
// although it is being written.
func (s *Server) serveHAR(w http.ResponseWriter, r *http.Request) {
	name := s.har()
	if name == "" {
		http.NotFound(w, r)
		return
	}
	f, err := os.Open(name)
	if err != nil {
		s.logger.Debug().Err(err).Msg("open recording")
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	body, size, err := harNow(f)
	if err != nil {
		s.logger.Debug().Err(err).Msg("read recording")
		http.Error(w, "cannot read the recording", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": filepath.Base(name)}))
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, body) // the client's loss
	}
}

// harNow returns f as it is at this moment. The writer replaces the closing brackets by
// the next entry and new brackets, so all but the file's tail is final. A write shows
// page by page, so the tail is taken again until it closes what a HAR opens; a file that
// never does (its writer was killed) is given as it is.
func harNow(f *os.File) (io.Reader, int64, error) {
	for try := 1; ; try++ {
		before, err := f.Stat()
		if err != nil {
			return nil, 0, err
		}
		size := before.Size()
		final := max(0, size-harTail)
		tail := make([]byte, size-final)
		if _, err := f.ReadAt(tail, final); err != nil && err != io.EOF {
			return nil, 0, err
		}
		after, err := f.Stat()
		if err != nil {
			return nil, 0, err
		}
		if whole := after.Size() == size && closed(tail); whole || try == harTries {
			return io.MultiReader(io.NewSectionReader(f, 0, final), bytes.NewReader(tail)), size, nil
		}
		time.Sleep(time.Millisecond)
	}
}

// closed reports whether tail ends with the brackets of a log and of the file.
func closed(tail []byte) bool {
	tail = bytes.TrimSpace(tail)
	log, ok := bytes.CutSuffix(tail, []byte("}"))
	return ok && bytes.HasSuffix(bytes.TrimSpace(log), []byte("}"))
}
