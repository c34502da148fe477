package stream

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

// pastRuns is a recording on disk, but in memory.
type pastRuns struct {
	exchanges []*recorder.Exchange // by id
	conns     []recorder.Conn
	err       error
}

func (p *pastRuns) Exchange(id uint64) (*recorder.Exchange, error) {
	for _, x := range p.exchanges {
		if x.ID == id && p.err == nil {
			return x, nil
		}
	}
	return nil, errors.Join(p.err, fs.ErrNotExist)
}

func (p *pastRuns) Exchanges(from uint64, n int) ([]*recorder.Exchange, error) {
	var list []*recorder.Exchange
	for _, x := range p.exchanges {
		if x.ID >= from && len(list) < n {
			list = append(list, x)
		}
	}
	return list, p.err
}

func (p *pastRuns) Bounds() (first, last uint64, n int) { return 0, 0, len(p.exchanges) }
func (p *pastRuns) Conns() []recorder.Conn              { return p.conns }

// ask GETs path with the token and returns the status and what came, as text.
func ask(s *Server, path string) (int, string) {
	resp := get(s, "GET", path, "Authorization", "Bearer "+token)
	b, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b)
}

// withHeader is an exchange with headers, to see where they are left out.
func withHeader(id uint64, note string) *recorder.Exchange {
	h := []recorder.Header{{Name: "X", Value: "1"}}
	return &recorder.Exchange{ID: id, Done: true, Reason: note,
		Request: recorder.Message{Header: h, Trailer: h}, Response: recorder.Message{Header: h, Trailer: h}}
}

func newPast(ids ...uint64) *pastRuns {
	p := &pastRuns{}
	for _, id := range ids {
		p.exchanges = append(p.exchanges, withHeader(id, "disk"))
		p.conns = append(p.conns, recorder.Conn{ID: id, Closed: "server"})
	}
	return p
}

var exchangeTests = []struct {
	path   string
	status int
	want   string // in the answer
}{
	{"/api/exchange/2", 200, `"reason":"disk"`},
	{"/api/exchange/2", 200, `"header":[{"name":"X","value":"1"}]`},
	{"/api/exchange/5", 200, `"reason":"memory"`},
	{"/api/exchange/7", 200, `"reason":"memory"`},
	{"/api/exchange/4", 404, `{"error":"request 4 is not in this recording"}`},
	{"/api/exchange/0", 404, `{"error":`},
	{"/api/exchange/-1", 404, `{"error":"not the id of a request"}`},
	{"/api/exchange/18446744073709551616", 404, `{"error":`},
	{"/api/exchange/", 404, ""},
	{"/api/exchanges?from=-1", 400, `{"error":"from is not an id"}`},
	{"/api/exchanges?n=0", 400, `{"error":"n is not a number from 1 on"}`},
	{"/api/exchanges?n=x", 400, `{"error":`},
	{"/api/exchanges?from=8", 200, `{"exchanges":[],"next":0}`},
	{"/api/conns?from=8", 200, `{"conns":[],"next":0}`},
	{"/api/exchange/2?recording=x", 404, `{"error":"this recording is no longer open here"}`},
	{"/api/exchanges?recording=x", 404, `{"error":`},
	{"/events?recording=x", 404, `{"error":`},
	{"/events?brief=yes", 400, `{"error":"brief is neither 0 nor 1"}`},
}

func TestExchange(t *testing.T) {
	log := recorder.NewLog()
	log.Append(recorder.Event{Exchange: withHeader(5, "memory")})
	log.Append(recorder.Event{Exchange: withHeader(7, "memory")})
	s := newServer(t, Config{Source: Source{Log: log, History: newPast(1, 2, 5)}})
	for _, tt := range exchangeTests {
		status, text := ask(s, tt.path)
		if status != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %d %s, want %d %s", tt.path, status, text, tt.status, tt.want)
		}
	}
}

var pagingTests = []struct {
	name   string
	disk   []uint64
	memory []uint64
	n      int
	want   [][]uint64
}{
	{"nothing", nil, nil, 2, [][]uint64{nil}},
	{"only memory", nil, []uint64{1, 2, 3}, 2, [][]uint64{{1, 2}, {3}}},
	{"only disk", []uint64{1, 2, 3, 4}, nil, 2, [][]uint64{{1, 2}, {3, 4}}},
	{"memory goes on where disk ends", []uint64{1, 2, 3}, []uint64{3, 4, 5}, 2, [][]uint64{{1, 2}, {3, 4}, {5}}},
	{"one old request still in flight", []uint64{2, 3, 4, 5, 6}, []uint64{1, 6, 7}, 3, [][]uint64{{1, 2, 3}, {4, 5, 6}, {7}}},
	{"a hole", []uint64{1, 900}, []uint64{901}, 2, [][]uint64{{1, 900}, {901}}},
}

// Following next gives every request once, in order, and memory's where both have it.
func TestPaging(t *testing.T) {
	for _, tt := range pagingTests {
		t.Run(tt.name, func(t *testing.T) {
			log := recorder.NewLog()
			for _, id := range tt.memory {
				log.Append(recorder.Event{Exchange: withHeader(id, "memory")})
			}
			_, addr := start(t, Config{Source: Source{Log: log, History: newPast(tt.disk...)}})
			c, err := Dial(t.Context(), "http://"+addr+"/?token="+token)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var got [][]uint64
			for from := uint64(0); len(got) < 10; {
				list, next, err := c.Exchanges(t.Context(), from, tt.n)
				if err != nil {
					t.Fatal(err)
				}
				var ids []uint64
				for _, x := range list {
					ids = append(ids, x.ID)
					if x.Request.Header != nil || x.Request.Trailer != nil || x.Response.Header != nil || x.Response.Trailer != nil {
						t.Errorf("%d has headers", x.ID)
					}
					if slices.Contains(tt.memory, x.ID) != (x.Reason == "memory") {
						t.Errorf("%d is from %s", x.ID, x.Reason)
					}
				}
				got = append(got, ids)
				if from = next; next == 0 {
					break
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// However many are asked for, a page has its bound.
func TestPageIsBounded(t *testing.T) {
	var ids []uint64
	for id := range uint64(maxPage + 10) {
		ids = append(ids, id+1)
	}
	s := newServer(t, Config{Source: Source{History: newPast(ids...), Log: recorder.NewLog()}})
	_, text := ask(s, "/api/exchanges?n=1000000")
	var p Page
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Exchanges) != maxPage || p.Next != maxPage+1 {
		t.Errorf("%d exchanges, next %d", len(p.Exchanges), p.Next)
	}
}

func TestConns(t *testing.T) {
	log := recorder.NewLog()
	log.Append(recorder.Event{Conn: &recorder.Conn{ID: 3, Closed: "client"}})
	s := newServer(t, Config{Source: Source{Log: log, History: newPast(1, 3)}})
	_, text := ask(s, "/api/conns?n=1")
	if !strings.Contains(text, `"id":1,`) || !strings.HasSuffix(text, `"next":3}`+"\n") {
		t.Errorf("got %s", text)
	}
	if _, text = ask(s, "/api/conns?from=3&n=1"); !strings.Contains(text, `"closed":"client"`) || !strings.HasSuffix(text, `"next":0}`+"\n") {
		t.Errorf("got %s", text)
	}
}

// A recording that cannot be read says so, as JSON.
func TestUnreadable(t *testing.T) {
	past := newPast(1)
	past.err = errors.New("read x.har: input/output error")
	s := newServer(t, Config{Source: Source{Log: recorder.NewLog(), History: past}})
	for _, path := range []string{"/api/exchanges"} {
		if status, text := ask(s, path); status != 500 || !strings.Contains(text, "input/output error") {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

// Without the token, with a wrong one and with what looks like one, all that holds data
// answers alike, whether it exists or not.
func TestNoHints(t *testing.T) {
	log := recorder.NewLog()
	log.Append(exchange(1, 200))
	s := newServer(t, Config{Source: Source{Log: log}})
	for _, path := range []string{
		"/", "/events", "/events?recording=x", "/api/exchange/1", "/api/exchange/2", "/api/exchanges", "/api/conns", "/api/body/1",
		"/api/report", "/api/recording", "/api/recording.har", "/api/recordings", "/api/nothing", "/api/exchange/1?recording=x",
	} {
		method := "GET"
		if path == addPath {
			method = "POST"
		}
		for _, header := range [][]string{nil, {"Authorization", "Bearer x"}, {"Cookie", "modtap_8081=" + strings.Repeat("0", 64)}} {
			header = append(header, "Origin", "http://127.0.0.1:8081")
			resp := get(s, method, path, header...)
			b, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != http.StatusForbidden || string(b) != "forbidden\n" {
				t.Errorf("%s %v: %d %q", path, header, resp.StatusCode, b)
			}
		}
	}
}

// Whatever a query is, the API answers with JSON or with one of a few statuses, and a
// number in an answer is one that was asked for.
func FuzzAPI(f *testing.F) {
	for _, tt := range exchangeTests {
		path, q, _ := strings.Cut(tt.path, "?")
		f.Add(path, q)
	}
	f.Add("/api/body/1", "as=zip&of=request")
	f.Add("/api/recording.har", "part=2")
	f.Add("/api/report", "")
	f.Add("/events", "since=1&brief=1")
	log := recorder.NewLog()
	log.Append(recorder.Event{Exchange: withHeader(5, "memory")})
	s, err := New(Config{Source: Source{Log: log, History: newPast(1, 2, 5)}, Token: token})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, q string) {
		r, err := http.NewRequest("GET", "http://127.0.0.1:8081/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path, r.URL.RawQuery = path, q
		status, text, kind := serve(s, r)
		switch status {
		case 200, 204, 301, 303, 307, 400, 403, 404, 422:
		default:
			t.Errorf("%q %q: status %d: %s", path, q, status, text)
		}
		if kind == "application/json" && !json.Valid([]byte(text)) {
			t.Errorf("%q %q: not JSON: %s", path, q, text)
		}
	})
}
