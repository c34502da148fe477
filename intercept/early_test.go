package intercept_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"modtap/intercept"
	"modtap/intercept/origintest"
)

// A lockedText is a log that may be read while it is written.
type lockedText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestEarlyAnswer: the answer of a server that has not read all of the request's body
// comes unchanged, and then the client's connection ends. What the client still sent made
// net/http's server panic.
func TestEarlyAnswer(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		rc.EnableFullDuplex()
		w.Header().Set("Content-Length", "2")
		io.WriteString(w, "ok")
		rc.Flush()
		io.Copy(io.Discard, r.Body)
	}))
	defer srv.Close()
	logged := &lockedText{}
	r := newRig(t, origintest.Start(t, origintest.Config{}), func(c *intercept.Config) { c.Logger = zerolog.New(logged) })
	for _, body := range []string{"Content-Length: 8\r\n\r\nhalf|half", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n|4\r\nhalf\r\n0\r\n\r\n"} {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(10 * time.Second))
		first, rest, _ := strings.Cut(body, "|")
		io.WriteString(c, "POST "+srv.URL+"/ HTTP/1.1\r\nHost: h.test\r\n"+first)
		br := bufio.NewReader(c)
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(resp.Body); string(got) != "ok" || err != nil || resp.Close {
			t.Errorf("the answer is %q, %v; Connection: close was added: %v", got, err, resp.Close)
		}
		io.WriteString(c, rest)
		if _, err := br.ReadByte(); err == nil {
			t.Error("bytes after the answer")
		}
		c.Close()
	}
	// A body that was never read, and is all there.
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, "POST http://127.0.0.1:1/ HTTP/1.1\r\nHost: h.test\r\nContent-Length: 4\r\n\r\nbody")
	answer, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 502 ") || !strings.Contains(string(answer), "connection refused") {
		t.Errorf("the answer is %q, %v", answer, err)
	}
	c.Close()
	r.stop()
	if s := logged.String(); strings.Contains(s, "panic") {
		t.Error(s)
	}
}

// TestStalledUpload: a server that hangs up in the middle of an upload is not waited with
// until a client that stalls goes on.
func TestStalledUpload(t *testing.T) {
	o := origintest.Start(t, origintest.Config{Protos: []string{"http/1.1"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.ReadFull(r.Body, make([]byte, 4))
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err) // HTTP/1.1 can
		}
		c.Close()
	})})
	r := newRig(t, o, nil)
	body, w := io.Pipe()
	go io.WriteString(w, "half")
	req, _ := http.NewRequest("POST", o.URL()+"/handler", body)
	go seen(r.tapped("http/1.1"), req)
	if x := r.exchanges(1)[0]; opOf(x) != "read" || x.Request.BodySize != 4 {
		t.Errorf("recorded %v, %d bytes", x.Err, x.Request.BodySize)
	}
	w.Close()
}
