package intercept

import (
	"net/http"
	"sync"
	"time"

	"modtap/recorder"
	"modtap/recorder/gomod"
)

const (
	// sampleRequest bounds the copy of a request to git-upload-pack: 1,200 objects.
	sampleRequest = 64 << 10
	// sampleAnswer bounds the copy of a list of refs or of a go-import page.
	sampleAnswer = 1 << 20
)

// A sample is a bounded copy of the beginning of a body, taken as it passes. The request's
// is written by the transport's goroutine, and read by the exchange's.
type sample struct {
	mu    sync.Mutex
	limit int
	b     []byte
}

func (s *sample) add(p []byte) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b = append(s.b, p[:min(len(p), s.limit-len(s.b))]...)
}

// bytes returns what there is; none of it changes afterwards.
func (s *sample) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b
}

// attribute completes what the request means by what earlier answers told.
func (x *exchange) attribute(r *http.Request) {
	x.p.repos.begin(&x.rec.Go, r.Method, r.URL, x.call.asked)
	if x.rec.Go.Kind == gomod.GitUploadPack {
		x.command = &sample{limit: sampleRequest}
	}
}

// understand reads the request that was sent, when its answer comes: while a pack is on
// its way, viewers know of what. It returns the sample that the answer is to fill; nil
// where nothing is to be learnt from it.
func (x *exchange) understand(resp *http.Response) *sample {
	wants := false
	switch g := &x.rec.Go; g.Kind {
	case gomod.GoGet:
		wants = true
	case gomod.GitInfoRefs:
		wants = resp.StatusCode == http.StatusOK
	case gomod.GitUploadPack:
		wants = x.readCommand() == "ls-refs" && resp.StatusCode == http.StatusOK
	}
	if !wants {
		return nil
	}
	return &sample{limit: sampleAnswer}
}

// readCommand reads the copy of a request to git-upload-pack.
func (x *exchange) readCommand() string {
	began := time.Now()
	b := x.command.bytes()
	c := gomod.ParseGitCommand(gomod.Inflate(b, x.rec.Request.Encoding))
	x.p.repos.command(&x.rec.Go, c)
	x.commandRead = len(b)
	x.after += recorder.Span(time.Since(began))
	return c.Name
}

// learn takes what an answer told.
func (x *exchange) learn(s *sample) {
	if s == nil {
		return
	}
	began := time.Now()
	text := gomod.Inflate(s.bytes(), x.rec.Response.Encoding)
	switch x.rec.Go.Kind {
	case gomod.GoGet:
		x.p.repos.page(x.rec.Go.Module, text)
	case gomod.GitInfoRefs, gomod.GitUploadPack:
		x.p.repos.listed(x.rec.Go.Repo, gomod.ParseRefs(text))
	}
	x.after += recorder.Span(time.Since(began))
}

// conclude completes the meaning when everything of the exchange is known.
func (x *exchange) conclude(failed bool) {
	g := &x.rec.Go
	switch {
	case g.Kind == gomod.GitInfoRefs && (failed || x.rec.Status >= 400):
		x.p.repos.refused(g.Repo, time.Now())
	case g.Kind == gomod.GitUploadPack && x.command != nil && (g.Module == "" || len(x.command.bytes()) > x.commandRead):
		// The answer came before the request's end, or none did, or the page that names the
		// module has been read meanwhile.
		x.readCommand()
	}
}
