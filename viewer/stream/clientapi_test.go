package stream

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

// A client that follows in brief asks for what it needs of the rest.
func TestClientAsks(t *testing.T) {
	log := recorder.NewLog()
	x := withHeader(1, "memory")
	x.Request.Body, x.Response.Body = []byte("want"), []byte("have")
	log.Append(recorder.Event{Exchange: x})
	r := &reports{}
	s, addr := start(t, Config{Source: Source{Log: log, History: newPast(2), Report: r.make}})
	ctx := t.Context()
	c, err := DialWith(ctx, s.URL(addr), DialOptions{Brief: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, err := c.Next(ctx)
	if err != nil || len(b.Events) != 1 || b.Events[0].Exchange.Response.Header != nil {
		t.Fatalf("brief: %+v, %v", b, err)
	}
	got, err := c.Exchange(ctx, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := *x
	want.Request.Body, want.Response.Body = nil, nil
	if d := cmp.Diff(&want, got); d != "" {
		t.Error(d)
	}
	if _, err := c.Exchange(ctx, 9); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "request 9 is not in this recording") {
		t.Errorf("unknown: %v", err)
	}
	list, next, err := c.Exchanges(ctx, 2, 5)
	if err != nil || len(list) != 1 || list[0].ID != 2 || next != 0 {
		t.Errorf("exchanges: %v, %d, %v", list, next, err)
	}
	if text, err := c.Report(ctx); err != nil || string(text) != `{"n":1}` {
		t.Errorf("report: %s, %v", text, err)
	}
	for _, request := range []bool{false, true} {
		want := map[bool]string{false: "have", true: "want"}[request]
		if text, err := c.Body(ctx, 1, request); err != nil || string(text) != want {
			t.Errorf("body: %s, %v", text, err)
		}
	}
	if _, err := c.Body(ctx, 2, false); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no body: %v", err)
	}
}

// Zips are listed, connections come page by page, and the server's clock is told.
func TestClientAsksMore(t *testing.T) {
	log := recorder.NewLog()
	log.Append(recorder.Event{Exchange: &recorder.Exchange{ID: 1, Done: true, Response: recorder.Message{Body: zipOf(t, 2), Kept: true}}})
	log.Append(recorder.Event{Exchange: &recorder.Exchange{ID: 2, Done: true, Response: recorder.Message{Body: []byte("PK, but no zip"), Kept: true}}})
	log.Append(recorder.Event{Conn: &recorder.Conn{ID: 3, Target: "memory"}})
	s, addr := start(t, Config{Source: Source{Log: log, History: newPast(1, 2)}})
	ctx := t.Context()
	c, err := DialWith(ctx, s.URL(addr), DialOptions{Brief: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l, err := c.Files(ctx, 1)
	if err != nil || l.Of != 2 || len(l.Files) != 2 || l.Files[1].Name != "example.test/x@v1.0.0/file1.go" || l.Files[1].Size != 20 {
		t.Errorf("files: %+v, %v", l, err)
	}
	if _, err := c.Files(ctx, 2); err == nil || !strings.Contains(err.Error(), "the body is not a zip") {
		t.Errorf("no zip: %v", err)
	}
	if _, err := c.Files(ctx, 9); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such request: %v", err)
	}
	list, next, err := c.Conns(ctx, 1, 2)
	if err != nil || len(list) != 2 || list[1].ID != 2 || list[1].Closed != "server" || next != 3 {
		t.Errorf("connections: %+v, %d, %v", list, next, err)
	}
	list, next, err = c.Conns(ctx, next, 2)
	if err != nil || len(list) != 1 || list[0].Target != "memory" || next != 0 {
		t.Errorf("connections: %+v, %d, %v", list, next, err)
	}
	if c.Skew() == 0 || c.Skew().Abs() > time.Minute { // the same machine, however busy
		t.Errorf("the clock of this machine is %v off itself", c.Skew())
	}
	here := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	if got := skewOf(here.Add(-3*time.Second), here); got != -3*time.Second {
		t.Errorf("a clock that is 3 s behind: %v", got)
	}
	if got := skewOf(time.Time{}, here); got != 0 {
		t.Errorf("no clock: %v", got)
	}
}

// What goes wrong says what to do, and never the token.
func TestClientErrors(t *testing.T) {
	s, addr := start(t, Config{Source: Source{Log: recorder.NewLog()}})
	c, err := Dial(t.Context(), s.URL(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if text, err := c.Report(t.Context()); err != nil || text != nil {
		t.Errorf("no report: %s, %v", text, err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	for _, tt := range []struct{ name, url, want string }{
		{"wrong token", "http://ADDR/?token=open-sesam", "give the whole address that modtap printed"},
		{"nobody there", "http://127.0.0.1:1/?token=open-sesame", "is modtap still running there?"},
		{"somebody else", other.URL + "/?token=open-sesame", "is it modtap that listens there?"},
		{"unknown recording", "http://ADDR/?token=open-sesame&recording=x", "this recording is no longer open here"},
	} {
		u := strings.Replace(tt.url, "ADDR", addr, 1)
		_, err := Dial(t.Context(), u)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "open-sesam") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: dial: %v", tt.name, err)
		}
		a, err := newAPI(u)
		if err != nil {
			t.Fatal(err)
		}
		c.api.client.CloseIdleConnections()
		lost := &Client{api: a}
		_, err = lost.Exchange(t.Context(), 1)
		a.client.CloseIdleConnections()
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "open-sesam") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: exchange: %v", tt.name, err)
		}
	}
}

// The token goes to the viewer alone, wherever something else at its address points.
func TestClientFollowsNobody(t *testing.T) {
	var asked atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer other.Close()
	front := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer front.Close()
	a, err := newAPI(front.URL + "/?token=" + token)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.get(t.Context(), "/api/report", url.Values{}); err == nil || asked.Load() != 0 {
		t.Errorf("%v; asked elsewhere %d times", err, asked.Load())
	}
	a.client.CloseIdleConnections()
}
