package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"modtap/recorder"
)

// openerOf opens a text as a recording with one exchange whose reason is the text. closed
// counts the sources that were closed.
func openerOf(closed *atomic.Int32) Opener {
	return func(_ context.Context, r io.Reader, name string) (Source, error) {
		text, err := io.ReadAll(r)
		if err != nil {
			return Source{}, fmt.Errorf("read %s: %w", name, err)
		}
		if !json.Valid(text) {
			return Source{}, fmt.Errorf("%s is not a HAR", name)
		}
		log := recorder.NewLog()
		log.Append(recorder.Event{Exchange: &recorder.Exchange{ID: 1, Done: true, Reason: string(text)}})
		return Source{Log: log, Title: name, Close: func() { closed.Add(1) }}, nil
	}
}

// post sends text to be opened, as the page would; header pairs replace the page's.
func post(s *Server, text string, header ...string) (int, string) {
	r := httptest.NewRequest("POST", addPath, strings.NewReader(text))
	r.Host = "127.0.0.1:8081"
	r.Header.Set("Origin", "http://127.0.0.1:8081")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-File-Name", "a.har")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			r.Header.Del(header[i])
		}
	}
	status, body, _ := serve(s, r)
	return status, body
}

var postTests = []struct {
	name   string
	text   string
	header []string
	status int
	want   string
}{
	{"the page's own", "{}", nil, 201, `{"recording":"`},
	{"octets", "{}", []string{"Content-Type", "application/octet-stream"}, 201, `{"recording":"`},
	{"with a charset", "{}", []string{"Content-Type", "application/json; charset=utf-8"}, 201, `{"recording":"`},
	{"a form", "{}", []string{"Content-Type", "text/plain"}, 415, `{"error":"send the recording as application/json"}`},
	{"no type", "{}", []string{"Content-Type", ""}, 415, `{"error":`},
	{"another origin", "{}", []string{"Origin", "http://evil.test"}, 403, "forbidden"},
	{"another port", "{}", []string{"Origin", "http://127.0.0.1:3000"}, 403, "forbidden"},
	{"no origin", "{}", []string{"Origin", ""}, 403, "forbidden"},
	{"origin null", "{}", []string{"Origin", "null"}, 403, "forbidden"},
	{"cross-site", "{}", []string{"Sec-Fetch-Site", "cross-site"}, 403, "forbidden"},
	{"no recording", "go.mod", nil, 422, `{"error":"a.har is not a HAR"}`},
	{"a name with folders", "x", []string{"X-File-Name", "..%2F..%5Cetc%2Fb%1b%5B31m.har"}, 422, `{"error":"b[31m.har is not a HAR"}`},
}

func TestPost(t *testing.T) {
	var closed atomic.Int32
	s := newServer(t, Config{Open: openerOf(&closed)})
	for _, tt := range postTests {
		t.Run(tt.name, func(t *testing.T) {
			status, text := post(s, tt.text, tt.header...)
			if status != tt.status || !strings.HasPrefix(text, tt.want) {
				t.Errorf("%d %s, want %d %s", status, text, tt.status, tt.want)
			}
		})
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		if resp := get(s, method, addPath, "Authorization", "Bearer "+token); resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
			t.Errorf("%s: %d", method, resp.StatusCode)
		}
	}
	if resp := get(s, "POST", "/api/exchanges", "Authorization", "Bearer "+token, "Origin", "http://127.0.0.1:8081"); resp.StatusCode != 405 {
		t.Errorf("POST to another path: %d", resp.StatusCode)
	}
}

func TestPostRefused(t *testing.T) {
	s := newServer(t, Config{})
	if status, text := post(s, "{}"); status != 403 || !strings.Contains(text, "modtap view FILE") {
		t.Errorf("%d %s", status, text)
	}
}

// What says how large it is is refused before it is read, the rest when it grew too large.
func TestPostTooLarge(t *testing.T) {
	var asked bool
	s := newServer(t, Config{Open: func(_ context.Context, r io.Reader, _ string) (Source, error) {
		asked = true
		_, err := io.Copy(io.Discard, r)
		return Source{}, err
	}})
	r := httptest.NewRequest("POST", addPath, io.LimitReader(zeros{}, maxRecording+1))
	r.Host, r.ContentLength = "127.0.0.1:8081", maxRecording+1
	r.Header = http.Header{"Origin": {"http://127.0.0.1:8081"}, "Content-Type": {"application/json"}}
	if status, text, _ := serve(s, r); status != 413 || asked || !strings.Contains(text, "1024 MiB") {
		t.Errorf("%d %s, read: %v", status, text, asked)
	}
	r.ContentLength = -1
	if status, text, _ := serve(s, r); status != 413 || !asked {
		t.Errorf("without a length: %d %s", status, text)
	}
}

// Opening takes memory: two that come together are opened one after the other, and who does
// not wait for his turn takes it from nobody.
func TestPostOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opening, most, opened atomic.Int32
		s := newServer(t, Config{Open: func(context.Context, io.Reader, string) (Source, error) {
			most.Store(max(most.Load(), opening.Add(1)))
			time.Sleep(time.Second)
			opening.Add(-1)
			opened.Add(1)
			return Source{Log: recorder.NewLog()}, nil
		}})
		for range 3 {
			go post(s, "{}")
		}
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		r := httptest.NewRequestWithContext(impatient, "POST", addPath, strings.NewReader("{}"))
		r.Host = "127.0.0.1:8081"
		r.Header = http.Header{"Origin": {"http://127.0.0.1:8081"}, "Content-Type": {"application/json"}}
		serve(s, r)
		time.Sleep(4 * time.Second)
		if most.Load() != 1 || opened.Load() != 3 {
			t.Errorf("%d were opened, %d of them at once", opened.Load(), most.Load())
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// dropOne posts text and returns the id.
func dropOne(t *testing.T, s *Server, text string) string {
	t.Helper()
	status, answer := post(s, text)
	var a struct{ Recording string }
	if err := json.Unmarshal([]byte(answer), &a); err != nil || status != 201 || a.Recording == "" {
		t.Fatalf("%d %s", status, answer)
	}
	return a.Recording
}

// Each dropped recording is shown beside the main one; of more than eight the oldest goes,
// its streams end, and it is closed once nobody uses it.
func TestDropped(t *testing.T) {
	var closed atomic.Int32
	s, addr := start(t, Config{Source: Source{Log: recorder.NewLog()}, Open: openerOf(&closed)})
	first := dropOne(t, s, `"first"`)
	c, err := Dial(t.Context(), s.URL(addr)+"&recording="+first)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, err := c.Next(t.Context())
	if err != nil || b.Events[0].Exchange.Reason != `"first"` {
		t.Fatalf("%+v, %v", b, err)
	}
	if x, err := c.Exchange(t.Context(), 1); err != nil || x.Reason != `"first"` {
		t.Errorf("%+v, %v", x, err)
	}
	if _, text := ask(s, "/api/recording?recording="+first); text != `{"har":"","title":"a.har"}`+"\n" {
		t.Errorf("got %s", text)
	}
	var last string
	for i := range keepDropped {
		if closed.Load() != 0 {
			t.Fatalf("one was closed after %d more", i)
		}
		last = dropOne(t, s, fmt.Sprint(i))
	}
	var gone *websocket.CloseError
	if _, err := c.Next(t.Context()); !errors.As(err, &gone) || gone.Code != websocket.CloseGoingAway {
		t.Errorf("the oldest's stream: %v, want close 1001", err)
	}
	if _, err := c.Exchange(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "no longer open") {
		t.Errorf("the oldest: %v", err)
	}
	if status, text := ask(s, "/api/exchange/1?recording="+last); status != 200 || !strings.Contains(text, `"reason":"7"`) {
		t.Errorf("the newest: %d %s", status, text)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if got := closed.Load(); got != keepDropped+1 {
		t.Errorf("%d sources were closed, want %d", got, keepDropped+1)
	}
}

// Together they have a bound of requests: for a new one as many old ones go as it takes.
func TestDroppedTogether(t *testing.T) {
	var closed atomic.Int32
	s := newServer(t, Config{Open: func(_ context.Context, r io.Reader, _ string) (Source, error) {
		var n int
		_, err := fmt.Fscan(r, &n)
		return Source{Log: recorder.NewLog(), History: counted(n), Close: func() { closed.Add(1) }}, err
	}})
	for _, tt := range []struct {
		entries int
		closed  int32
	}{
		{keepEntries / 2, 0}, {keepEntries / 4, 0}, {keepEntries / 4, 0}, {1, 1}, {keepEntries, 4}, {2 * keepEntries, 5}, {1, 6},
	} {
		if dropOne(t, s, fmt.Sprint(tt.entries)); closed.Load() != tt.closed {
			t.Errorf("after one of %d requests %d were closed, want %d", tt.entries, closed.Load(), tt.closed)
		}
	}
}

// counted is a history of so many exchanges that nobody reads.
type counted int

func (counted) Exchange(uint64) (*recorder.Exchange, error)         { return nil, errNoReport }
func (counted) Exchanges(uint64, int) ([]*recorder.Exchange, error) { return nil, errNoReport }
func (n counted) Bounds() (first, last uint64, count int)           { return 1, uint64(n), int(n) }

// The main source is closed by Shutdown, and what is opened too late at once.
func TestSourceIsClosed(t *testing.T) {
	var closed atomic.Int32
	s := newServer(t, Config{
		Source: Source{Log: recorder.NewLog(), Close: func() { closed.Add(1) }},
		Open:   openerOf(&closed),
	})
	src := s.acquire("")
	if err := s.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if closed.Load() != 0 {
		t.Error("closed although somebody uses it")
	}
	s.release(src)
	if closed.Load() != 1 {
		t.Error("not closed")
	}
	if status, _ := post(s, "{}"); status != 503 || closed.Load() != 2 {
		t.Errorf("opened too late: %d, %d closed", status, closed.Load())
	}
}

var fileNameTests = []struct{ header, want string }{
	{"a.har", "a.har"},
	{"%C3%BC%20b.har", "ü b.har"},
	{"100%.har", "100%.har"},
	{"/etc/passwd", "passwd"},
	{`C:\Users\x.har`, "x.har"},
	{"", "recording.har"},
	{"..", "recording.har"},
	{"%2F", "recording.har"},
	{"a%0Ab%1B.har", "ab.har"},
	{"a%FF.har", "a.har"},
	{strings.Repeat("x", 300), strings.Repeat("x", 255)},
	{strings.Repeat("ü", 200), strings.Repeat("ü", 127)},
}

func TestFileName(t *testing.T) {
	for _, tt := range fileNameTests {
		if got := fileName(tt.header); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.header, got, tt.want)
		}
	}
}

var errNoReport = errors.New("nothing was recorded")
