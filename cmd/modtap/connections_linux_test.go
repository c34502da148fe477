package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// dropped is how many connections net/http may give up, in clients and in modtap: it does not
// use one again whose writing goroutine did not run for 50 ms (transport.go,
// maxWriteWaitBeforeConnReuse), which happens on a busy machine. modtap says so of its own.
const dropped = 40

// TestManyConnections has 4,000 connections that do nothing and 500 with a request in flight,
// each with its mirror: all are served, and nothing is left when they have gone.
func TestManyConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("shakes hands ten thousand times")
	}
	idleClients, activeClients := 4000, 500
	if isRace() {
		idleClients, activeClients = 700, 100 // the race detector ends at 8128 goroutines
	}
	limit, _ := fileLimit()
	need(t, limit >= 12_000, fmt.Sprintf("12,000 file descriptors (ulimit -n is %d)", limit))
	slow := origintest.Knob{Match: origintest.Match{Host: "slow.golang.test"}, FirstByte: 2 * time.Second}
	o := origintest.Start(t, origintest.Config{Knobs: []origintest.Knob{slow}})
	s := startSubject(t, o, filepath.Join(t.TempDir(), "x.har"))
	closeClients(connect(t, s, 10, o.URL()+"/bytes/10"))
	base := s.settled(5*time.Second, stable())

	idle := connect(t, s, idleClients, o.URL()+"/bytes/10")
	with := s.level("")
	t.Logf("%d idle connections: %v; %.1f KiB of RSS each", idleClients, with, float64(with.rss-base.rss)/float64(idleClients)/1024)
	if with.fds < base.fds+2*int64(idleClients-dropped) {
		t.Errorf("%d descriptors, want two for each connection", with.fds)
	}
	active := allAtOnce(t, s, activeClients, o.HostURL("slow.golang.test")+"/bytes/5000")
	stillThere(t, idle[:400], o.URL()+"/bytes/20")
	left := time.Now()
	closeClients(idle)
	closeClients(active)
	end := s.settled(20*time.Second, func(l level) bool { return l.fds <= base.fds && l.Goroutines <= base.Goroutines })
	t.Logf("start %v; when all have gone: %v", base, end)
	if end.fds > base.fds || end.Goroutines > base.Goroutines {
		t.Errorf("%d descriptors and %d goroutines are left, there were %d and %d", end.fds, end.Goroutines, base.fds, base.Goroutines)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	rec, err := har.Open(s.file)
	if want := 10 + idleClients + 2*activeClients + 400; err != nil || len(rec.Exchanges) != want {
		t.Errorf("%d entries, want %d (%v)", len(rec.Exchanges), want, err)
	}
	noneEndedBefore(t, rec, left)
}

// allAtOnce makes n clients with a request in flight at the same time, twice.
func allAtOnce(t *testing.T, s *subject, n int, url string) []*http.Client {
	t.Helper()
	active := make([]*http.Client, n)
	for i := range active {
		active[i] = s.client([]string{"h2", "http/1.1"}[i%2])
	}
	each(active, 0, func(i int, c *http.Client) {
		for range 2 {
			if err := fetch(c, url); err != nil {
				t.Errorf("active client %d: %v", i, err)
			}
		}
	})
	t.Logf("and %d active ones: %v", n, s.level(""))
	return active
}

// stillThere sends a request on connections that were idle.
func stillThere(t *testing.T, clients []*http.Client, url string) {
	t.Helper()
	var reused atomic.Int64
	each(clients, 50, func(i int, c *http.Client) {
		r, _ := http.NewRequest("GET", url, nil)
		trace := &httptrace.ClientTrace{GotConn: func(g httptrace.GotConnInfo) {
			if g.Reused {
				reused.Add(1)
			}
		}}
		resp, err := c.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
		if err != nil {
			t.Errorf("idle client %d: %v", i, err)
			return
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	})
	if n := reused.Load(); n < int64(len(clients)-dropped) {
		t.Errorf("%d of %d idle connections were still there", n, len(clients))
	}
}

// noneEndedBefore looks for connections, after the first ten, that did not last until left
// although their clients wanted them.
func noneEndedBefore(t *testing.T, rec *har.Recording, left time.Time) {
	t.Helper()
	early := 0
	for _, c := range rec.Conns {
		if c.ID <= 10 || !c.Start.Add(c.Marks.End.Duration()).Before(left) {
			continue
		}
		if early++; c.Closed != "client" && c.Closed != "modtap" || early > dropped {
			t.Errorf("a connection ended before its client left, closed by %q, %v: %+v", c.Closed, c.Err, c)
		}
	}
	for _, tn := range rec.Tunnels {
		if tn.Err != nil {
			t.Errorf("a tunnel failed: %+v, %v", tn, tn.Err)
		}
	}
}

// connect makes n clients, each with a connection that has had a request.
func connect(t *testing.T, s *subject, n int, url string) []*http.Client {
	t.Helper()
	clients := make([]*http.Client, n)
	for i := range clients {
		clients[i] = s.client([]string{"h2", "http/1.1"}[i%2])
	}
	each(clients, 50, func(i int, c *http.Client) {
		if err := fetch(c, url); err != nil {
			t.Errorf("client %d: %v", i, err)
		}
	})
	return clients
}

// each calls do for all clients, atOnce at the same time (0: all).
func each(clients []*http.Client, atOnce int, do func(int, *http.Client)) {
	if atOnce == 0 {
		atOnce = len(clients)
	}
	free := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for i, c := range clients {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			do(i, c)
		})
	}
	wg.Wait()
}

func closeClients(clients []*http.Client) {
	for _, c := range clients {
		c.CloseIdleConnections()
	}
}
