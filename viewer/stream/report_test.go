package stream

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"modtap/recorder"
)

// reports is a Report func that takes a while and counts its calls.
type reports struct {
	calls int
	takes time.Duration
	err   error
}

func (r *reports) make(context.Context) ([]byte, error) {
	r.calls++
	time.Sleep(r.takes)
	return fmt.Appendf(nil, `{"n":%d}`, r.calls), r.err
}

// A report is made when somebody asks, by one at a time, and not again too soon; but at the
// end of the session it is.
func TestReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, r := recorder.NewLog(), &reports{takes: 300 * time.Millisecond}
		s := newServer(t, Config{Source: Source{Log: log, Report: r.make}})
		want := func(when, text string) {
			t.Helper()
			if status, got := ask(s, "/api/report"); status != 200 || got != text {
				t.Errorf("%s: %d %s, want %s", when, status, got, text)
			}
		}
		for range 2 { // while it is made
			go want("two at once", `{"n":1}`)
		}
		synctest.Wait()
		want("a third", `{"n":1}`)
		synctest.Wait()
		time.Sleep(5999 * time.Millisecond)
		want("within 20 times its cost", `{"n":1}`)
		time.Sleep(time.Millisecond)
		want("after that", `{"n":2}`)
		log.Close()
		want("the session ended", `{"n":3}`)
		time.Sleep(time.Hour)
		want("nothing more can come", `{"n":3}`)
	})
}

// Cheap reports are made every two seconds at most.
func TestReportOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reports{}
		s := newServer(t, Config{Source: Source{Log: recorder.NewLog(), Report: r.make}})
		for range 100 {
			ask(s, "/api/report")
			time.Sleep(100 * time.Millisecond)
		}
		if r.calls != 5 {
			t.Errorf("%d reports in 10 s, want 5", r.calls)
		}
	})
}

// The report of a session that ended while it was being made is made once more.
func TestReportOverTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, r := recorder.NewLog(), &reports{takes: time.Second}
		s := newServer(t, Config{Source: Source{Log: log, Report: r.make}})
		done := make(chan string)
		go func() { _, text := ask(s, "/api/report"); done <- text }()
		synctest.Wait()
		log.Close()
		if got := <-done; got != `{"n":2}` {
			t.Errorf("got %s, want the second", got)
		}
	})
}

func TestNoReport(t *testing.T) {
	none := func(context.Context) ([]byte, error) { return nil, nil }
	fails := func(context.Context) ([]byte, error) { return nil, errNoReport }
	for _, tt := range []struct {
		name   string
		report func(context.Context) ([]byte, error)
		status int
		want   string
	}{
		{"no source of them", nil, 204, ""},
		{"none yet", none, 204, ""},
		{"it fails", fails, 503, `{"error":"no report: nothing was recorded"}` + "\n"},
	} {
		s := newServer(t, Config{Source: Source{Log: recorder.NewLog(), Report: tt.report}})
		if status, text := ask(s, "/api/report"); status != tt.status || text != tt.want {
			t.Errorf("%s: %d %q, want %d %q", tt.name, status, text, tt.status, tt.want)
		}
	}
}

// Whoever stops waiting does not stop the report, and a stopping server does.
func TestReportAndContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stopped bool
		s := newServer(t, Config{Source: Source{Log: recorder.NewLog(), Report: func(ctx context.Context) ([]byte, error) {
			<-ctx.Done()
			stopped = true
			return nil, ctx.Err()
		}}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, "GET", "http://127.0.0.1:8081/api/report", nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, text, _ := serve(s, r); text != "" || stopped {
			t.Errorf("%q, stopped %v", text, stopped)
		}
		if err := s.Shutdown(t.Context()); err != nil || !stopped {
			t.Errorf("shutdown: %v, stopped %v", err, stopped)
		}
		if status, _ := ask(s, "/api/report"); status != 404 { // its source is closed
			t.Errorf("after the shutdown: %d", status)
		}
	})
}

// What is no JSON of ours is not interpreted by anybody: it is passed on as it is.
func TestReportType(t *testing.T) {
	s := newServer(t, Config{Source: Source{Log: recorder.NewLog(), Report: (&reports{}).make}})
	resp := get(s, "GET", "/api/report", "Authorization", "Bearer "+token)
	if b, _ := io.ReadAll(resp.Body); resp.Header.Get("Content-Type") != "application/json" || string(b) != `{"n":1}` {
		t.Errorf("%v %s", resp.Header, b)
	}
}

// A report that pays no heed to its context keeps nobody longer than the shutdown may take,
// and its source is closed when it is there.
func TestShutdownWaitsForNoReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var closed atomic.Bool
		s := newServer(t, Config{Source: Source{
			Log:    recorder.NewLog(),
			Report: func(context.Context) ([]byte, error) { time.Sleep(time.Minute); return nil, nil },
			Close:  func() { closed.Store(true) },
		}})
		asking, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(asking, "GET", "http://127.0.0.1:8081/api/report", nil)
		if err != nil {
			t.Fatal(err)
		}
		serve(s, r)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if err := s.Shutdown(ctx); err != nil || time.Since(begin) != time.Second || closed.Load() {
			t.Errorf("after %v: %v; closed %v", time.Since(begin), err, closed.Load())
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if !closed.Load() {
			t.Error("the source is not closed")
		}
	})
}
