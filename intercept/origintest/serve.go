package origintest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// storagePath is where zips lie after a redirect, as on storage.googleapis.com.
const storagePath = "/proxy-golang-org-prod/"

// settle is how long what was sent gets to reach the client before a TCP reset, which would
// discard it on its way.
const settle = 20 * time.Millisecond

// exchange is one request while it is answered. It is the ResponseWriter of handlers, so
// that what they write is counted.
type exchange struct {
	http.ResponseWriter
	o    *Origin
	r    *http.Request
	conn *conn
	rec  *Request // fields are guarded by the journal
	k    Knob
}

// An answer is a response before knobs.
type answer struct {
	status int
	header http.Header
	body   io.Reader
	size   int64 // -1: not known
}

func textAnswer(status int, text string) answer {
	h := http.Header{"Content-Type": {textType}}
	return answer{status, h, strings.NewReader(text), int64(len(text))}
}

// ServeHTTP answers one request; it is the origin's http.Handler.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := kindOf(r)
	c := r.Context().Value(connKey{}).(*conn)
	x := &exchange{ResponseWriter: w, o: o, r: r, conn: c, rec: o.begin(r, c.info, kind), k: o.knob(r, kind)}
	defer o.end(x.rec)
	defer func() {
		if r.Context().Err() != nil && x.rec.Fault == NoFailure {
			x.gone()
		}
	}()
	r.Body = countedBody{r.Body, x}
	x.countdown()
	if x.delays() != nil {
		return
	}
	if x.failed(Reset, Close, Abort, Stall, ResetStream, GoAway, GoAwayUnseen) {
		return
	}
	if x.k.EarlyHints {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
	}
	for name, values := range x.k.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if x.k.Status == 0 && o.stream(x) {
		return
	}
	x.send(o.answer(x))
}

// countdown asks for the end of the connection on every Nth of its requests.
func (x *exchange) countdown() {
	var n int
	x.o.journal.update(func() { n = x.conn.info.Requests })
	if x.k.CloseEvery > 0 && n%x.k.CloseEvery == 0 {
		x.Header().Set("Connection", "close") // becomes GOAWAY on HTTP/2
	}
}

// delays waits before the request body and before the headers.
func (x *exchange) delays() error {
	if err := sleep(x.r.Context(), x.k.ReadDelay); err != nil {
		return err
	}
	if x.k.ReadDelay > 0 && !streams(x.r) {
		if _, err := io.Copy(io.Discard, x.r.Body); err != nil {
			return err
		}
	}
	return sleep(x.r.Context(), x.k.FirstByte)
}

// failed makes the knob's failure happen if it is one of those; then nothing is left to do.
func (x *exchange) failed(among ...Failure) bool {
	f := x.k.Fail
	found := false
	for _, a := range among {
		found = found || a == f
	}
	if !found {
		return false
	}
	x.o.journal.update(func() { x.rec.Fault = f })
	switch f {
	case Reset, ResetBody:
		x.conn.reset()
	case Close, CloseBody:
		x.conn.finish()
	case EndBody:
		_ = x.conn.tls.CloseWrite()
		x.conn.finish()
	case ResetStream, ResetStreamBody:
		x.writeFrame(3, nil)
	case GoAway, GoAwayBody:
		x.writeFrame(7, binary.BigEndian.AppendUint32(nil, x.stream()))
		x.conn.finish()
	case GoAwayUnseen:
		x.writeFrame(7, make([]byte, 4))
		x.conn.finish()
	case Stall, StallBody:
		<-x.r.Context().Done()
		x.gone()
	}
	if f != ShortBody {
		panic(http.ErrAbortHandler) // or the server would complete the answer
	}
	return true
}

// gone records that the client did not wait for the end of the answer.
func (x *exchange) gone() {
	if x.o.ctx.Err() == nil { // it is the origin that is closing otherwise
		x.o.journal.update(func() { x.rec.Gone = true })
	}
}

// answer decides what a request gets, failures of the transport aside.
func (o *Origin) answer(x *exchange) answer {
	p := x.r.URL.Path
	switch {
	case x.k.Status != 0:
		text := x.k.Body
		if text == "" {
			text = http.StatusText(x.k.Status)
		}
		return textAnswer(x.k.Status, text)
	case x.k.Redirect != "":
		return o.redirect(x)
	case x.r.URL.Query().Get("go-get") == "1":
		return o.goImport(x.r)
	case strings.HasPrefix(p, storagePath):
		return o.file(o.c.Tree.zips[strings.TrimPrefix(p, storagePath)])
	case strings.HasPrefix(p, "/bytes/"):
		n, err := strconv.ParseInt(strings.TrimPrefix(p, "/bytes/"), 10, 64)
		if err != nil || n < 0 {
			return textAnswer(http.StatusBadRequest, "bad size\n")
		}
		h := http.Header{"Content-Type": {"application/octet-stream"}}
		return answer{http.StatusOK, h, io.LimitReader(randomBytes(), n), n}
	}
	rel, ok := strings.CutPrefix(p, o.c.Prefix+"/")
	if !ok {
		return notFound(p)
	}
	return o.file(rel)
}

// file answers a file of the tree.
func (o *Origin) file(name string) answer {
	f, ok := o.c.Tree.files[name]
	if !ok {
		return notFound(name)
	}
	h := http.Header{"Content-Type": {f.kind}, "Cache-Control": {"public, max-age=10800"}}
	return answer{http.StatusOK, h, bytes.NewReader(f.data), int64(len(f.data))}
}

func notFound(name string) answer {
	mod, _, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/@")
	return textAnswer(http.StatusNotFound, "not found: module "+mod+": no matching versions\n")
}

// redirect sends a zip to object storage, other paths to the same path there.
func (o *Origin) redirect(x *exchange) answer {
	base := x.k.Redirect
	if !strings.Contains(base, "://") {
		base = o.HostURL(base)
	}
	target := base + x.r.URL.RequestURI()
	rel := strings.TrimPrefix(strings.TrimPrefix(x.r.URL.Path, o.c.Prefix), "/")
	for object, name := range o.c.Tree.zips {
		if name == rel {
			q := url.Values{"Expires": {"1893456000"}, "Signature": {"0123456789abcdef"}}
			target = base + storagePath + url.PathEscape(object) + "?" + q.Encode()
		}
	}
	a := textAnswer(http.StatusFound, "Found\n")
	a.header.Set("Location", target)
	return a
}

// goImport answers ?go-get=1 with this origin as the module's proxy.
func (o *Origin) goImport(r *http.Request) answer {
	if a, ok := o.goImportGit(r); ok {
		return a
	}
	mod := hostname(r) + strings.TrimSuffix(r.URL.Path, "/")
	a := textAnswer(http.StatusOK, fmt.Sprintf("<!DOCTYPE html>\n<meta name=\"go-import\" content=\"%s mod %s\">\n", mod, o.URL()))
	a.header.Set("Content-Type", "text/html; charset=utf-8")
	return a
}

// send writes the answer as the knob wants it.
func (x *exchange) send(a answer) {
	h := x.Header()
	for name, values := range a.header {
		if h[name] == nil { // the knob's headers win
			h[name] = values
		}
	}
	if x.k.Gzip && strings.Contains(x.r.Header.Get("Accept-Encoding"), "gzip") {
		a = compressed(a)
		h.Set("Content-Encoding", "gzip")
	}
	if x.k.Trailer {
		h.Set("Trailer", "X-Origin-Trailer")
	}
	bodyless := a.status == http.StatusNoContent || a.status == http.StatusNotModified
	if a.size >= 0 && !bodyless && !x.k.Chunked && !x.k.Trailer {
		h.Set("Content-Length", strconv.FormatInt(a.size, 10))
	}
	x.WriteHeader(a.status)
	if bodyless || x.r.Method == http.MethodHead {
		return
	}
	x.writeBody(a)
	if x.k.Trailer {
		h.Set("X-Origin-Trailer", "end")
	}
}

func compressed(a answer) answer {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := io.Copy(z, a.body); err != nil {
		panic(err) // both ends are in memory
	}
	_ = z.Close()
	a.body, a.size = &buf, int64(buf.Len())
	return a
}
