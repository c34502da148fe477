package stream

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"modtap/recorder"
)

const (
	// maxDecoded bounds what a kept gzip body may grow to when it is shown.
	maxDecoded = 8 << 20
	// maxListed is how many files of a zip are listed.
	maxListed = 10_000
	// maxDirectory bounds what is read of a zip to list it. The go command takes no module
	// zip with a directory near that.
	maxDirectory = 16 << 20
	// cutHeader says that a body goes on behind so many bytes.
	cutHeader = "X-Modtap-Cut"
)

// serveBody is GET /api/body/ID: the kept response body of an exchange, ?of=request its
// request's. It is text whatever it was, and a download if someone opens it. ?as=zip lists
// what is in a zip.
func (s *Server) serveBody(w http.ResponseWriter, r *http.Request, src *source) {
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		problem(w, http.StatusNotFound, "not the id of a request")
		return
	}
	q := r.URL.Query()
	m, err := src.message(id, q.Get("of") == "request")
	var b body
	if err == nil {
		b, err = src.open(m)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		problem(w, http.StatusNotFound, "the body was not kept")
		return
	case err != nil:
		s.unreadable(w, err)
		return
	}
	defer b.close()
	if q.Get("as") == "zip" {
		serveListing(w, b)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", "attachment; filename=modtap-body-"+strconv.FormatUint(id, 10)+extension(m))
	h.Set("Content-Length", strconv.FormatInt(b.size, 10))
	if b.cut {
		h.Set(cutHeader, strconv.FormatInt(b.size, 10))
	}
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, io.NewSectionReader(b, 0, b.size)) // the client's loss
	}
}

// extension is that of the file a body is saved as.
func extension(m *recorder.Message) string {
	if m.Mime == "application/zip" {
		return ".zip"
	}
	return ".txt"
}

// message finds one direction of an exchange: the Log's when it holds the body, else the
// recording's. The error is fs.ErrNotExist when nobody has it.
func (src *source) message(id uint64, request bool) (*recorder.Message, error) {
	direction := func(x *recorder.Exchange) *recorder.Message {
		if request {
			return &x.Request
		}
		return &x.Response
	}
	x := src.Log.Exchange(id)
	if x != nil {
		if m := direction(x); m.Body != nil || m.BodyFile != "" || src.History == nil {
			return m, nil
		}
	}
	if src.History == nil {
		return nil, fs.ErrNotExist
	}
	x, err := src.History.Exchange(id)
	if err != nil {
		return nil, err
	}
	if x == nil {
		return nil, fs.ErrNotExist
	}
	return direction(x), nil
}

// A body is one that was kept, in memory or in a file.
type body struct {
	io.ReaderAt
	size  int64
	cut   bool // it goes on, decoded, where this ends
	close func() error
}

// bodyFile is what modtap calls the file of a body: NAME.bodies/SHA256. A recording that
// names another file did not come from modtap.
var bodyFile = regexp.MustCompile(`^[^/\\:]+\.bodies/[0-9a-f]{64}$`)

// open opens a body. The error is fs.ErrNotExist when it was not kept.
func (src *source) open(m *recorder.Message) (body, error) {
	if m.Body != nil {
		text, cut := decoded(m)
		return body{bytes.NewReader(text), int64(len(text)), cut, func() error { return nil }}, nil
	}
	har := src.HAR()
	if src.dropped || har == "" || !bodyFile.MatchString(m.BodyFile) {
		return body{}, fs.ErrNotExist
	}
	f, err := os.OpenInRoot(filepath.Dir(har), filepath.FromSlash(m.BodyFile))
	if err != nil {
		return body{}, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		f.Close()
		return body{}, err
	}
	return body{f, fi.Size(), false, f.Close}, nil
}

// decoded returns the body without its gzip coding, cut when that is over maxDecoded; anything
// else, or what does not decode, as it was on the wire.
func decoded(m *recorder.Message) (text []byte, cut bool) {
	if m.Encoding != "gzip" && m.Encoding != "x-gzip" {
		return m.Body, false
	}
	z, err := gzip.NewReader(bytes.NewReader(m.Body))
	if err != nil {
		return m.Body, false
	}
	text, err = io.ReadAll(io.LimitReader(z, maxDecoded+1))
	if err != nil {
		return m.Body, false
	}
	if len(text) > maxDecoded {
		return text[:maxDecoded], true
	}
	return text, false
}

// A Listing is what is in a zip: at most maxListed files, of Of.
type Listing struct {
	Files []ZipFile `json:"files"`
	Of    int       `json:"of"`
}

// A ZipFile is one file in a zip, as its directory says; nothing was unpacked.
type ZipFile struct {
	Name     string    `json:"name"`
	Size     uint64    `json:"size"`              // bytes
	Packed   uint64    `json:"packed"`            // bytes in the zip
	Modified time.Time `json:"modified,omitzero"` // zero: it does not say, as in module zips
}

func serveListing(w http.ResponseWriter, b body) {
	z, err := zip.NewReader(&scarce{b, maxDirectory}, b.size)
	switch {
	case errors.Is(err, errDirectory):
		problem(w, http.StatusUnprocessableEntity, err.Error())
		return
	case err != nil && !errors.Is(err, zip.ErrInsecurePath): // names are only shown
		problem(w, http.StatusUnprocessableEntity, "the body is not a zip")
		return
	}
	l := Listing{Of: len(z.File), Files: []ZipFile{}}
	for _, f := range z.File[:min(len(z.File), maxListed)] {
		file := ZipFile{Name: f.Name, Size: f.UncompressedSize64, Packed: f.CompressedSize64, Modified: f.Modified}
		if file.Modified.Year() < 1980 { // the format's zero is no date
			file.Modified = time.Time{}
		}
		l.Files = append(l.Files, file)
	}
	answer(w, http.StatusOK, l)
}

var errDirectory = errors.New("the zip has too many files to list")

// A scarce reader gives left bytes and then no more.
type scarce struct {
	io.ReaderAt
	left int64
}

func (s *scarce) ReadAt(p []byte, at int64) (int, error) {
	if s.left -= int64(len(p)); s.left < 0 {
		return 0, errDirectory
	}
	return s.ReaderAt.ReadAt(p, at)
}
