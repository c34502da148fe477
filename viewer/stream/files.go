package stream

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"modtap/recorder/har"
)

const (
	// harTail is longer than what closes a HAR file; only that part of it is ever rewritten.
	harTail = 4 << 10
	// harTries bounds the wait for a whole tail to about as many milliseconds.
	harTries = 50
)

// serveRecording is GET /api/recording: the name that recording.har will have, "" when
// nothing is kept on disk; how many parts it has; and what to call the whole.
func (s *Server) serveRecording(w http.ResponseWriter, _ *http.Request, src *source) {
	var a struct {
		HAR   string `json:"har"`
		Parts int    `json:"parts,omitempty"`
		Title string `json:"title,omitempty"`
	}
	a.Title = src.Title
	if name := src.HAR(); name != "" {
		a.HAR, a.Parts = filepath.Base(name), har.Parts(name)
	}
	answer(w, http.StatusOK, a)
}

// serveHAR is GET /api/recording.har: the recording as it is now, complete and valid
// although it is being written. ?part=N is a later part of one that was cut into parts.
func (s *Server) serveHAR(w http.ResponseWriter, r *http.Request, src *source) {
	name := src.HAR()
	part, err := number(r.URL.Query().Get("part"), 1)
	if name == "" || err != nil || part == 0 || part > 1 && part > uint64(har.Parts(name)) {
		http.NotFound(w, r)
		return
	}
	name = har.PartPath(name, int(part))
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
