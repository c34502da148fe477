package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"modtap/recorder/har"
	"modtap/viewer/stream"
)

const (
	soakRate   = 200 // actions a second
	raceRate   = 40  // the race detector makes everything ten times as slow
	soakFaults = 100 // one in so many is a fault
	// perTenThousand is how much memory ten thousand requests may leave behind.
	perTenThousand = 512 << 10
	// filling is for what is bounded and fills up once: the last 2,000 exchanges of the log,
	// the last 5,000 connections and tunnels of the recording, at 0.5 to 2 KB each.
	filling = 8 << 20
)

// TestSoak runs modtap serve under mixed traffic with faults, and with viewers that come and
// go. MODTAP_SOAK is for how long.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	length, err := time.ParseDuration(cmp.Or(os.Getenv("MODTAP_SOAK"), "20s"))
	if err != nil {
		t.Fatalf("MODTAP_SOAK: %v", err)
	}
	s := newSoak(t, filepath.Join(t.TempDir(), "x.har"))
	s.traffic(t, 2*time.Second, 0) // everything has been made once that is made once
	base := s.quiet(stable())
	t.Logf("start: %v", base)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var viewers sync.WaitGroup
	viewers.Go(func() { s.watch(ctx) })
	viewers.Go(func() { s.neverRead(ctx) })
	var half level
	next := 1 << 20
	for quarter := range 4 {
		next += s.traffic(t, length/4, next)
		now := s.level("")
		t.Logf("quarter %d, %d actions: %v", quarter+1, len(s.expected), now)
		if quarter == 1 {
			half = s.quiet(stable())
			t.Logf("half, without traffic: %v", half)
		}
	}
	cancel()
	viewers.Wait()
	after := s.requests() // since half
	if _, err := os.Stat(har.PartPath(s.file, 2)); err == nil {
		base.fds++ // the first part of a recording stays open beside the one that is written
	}
	end := s.quiet(func(l level) bool { return l.fds <= base.fds && l.Goroutines <= base.Goroutines })
	t.Logf("end, without traffic: %v", end)
	checkLevels(t, base, half, end, after/2)
	if t.Failed() {
		t.Logf("what runs:\n%s\n%s", s.level("stacks").Stacks, s.openFiles())
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.account(t)
}

// traffic acts at soakRate for d, with ids from first on, and returns how many it used. When it
// returns everything has ended.
func (s *soak) traffic(t *testing.T, d time.Duration, first int) int {
	t.Helper()
	rng := rand.New(rand.NewPCG(uint64(first), 1))
	atOnce := make(chan struct{}, 400) // a machine that cannot keep up does not heap up clients
	var wg sync.WaitGroup
	began, n, rate := time.Now(), 0, float64(soakRate)
	if isRace() {
		rate = raceRate
	}
	for elapsed := time.Duration(0); elapsed < d; elapsed = time.Since(began) {
		for ; n < int(elapsed.Seconds()*rate); n++ {
			id := first + n
			a := pick(normal, rng)
			if id%soakFaults == soakFaults-1 {
				a = faults[id/soakFaults%len(faults)] // each in its turn
			}
			atOnce <- struct{}{}
			wg.Go(func() {
				defer func() { <-atOnce }()
				out, err := a.do(s, id)
				if err != nil {
					t.Errorf("%s (n=%d): %v", a.name, id, err)
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				s.expected[id] = out
				s.names[id] = a.name
			})
		}
		time.Sleep(5 * time.Millisecond) // the pace
	}
	wg.Wait()
	return n
}

func pick(list []action, rng *rand.Rand) action {
	total := 0
	for _, a := range list {
		total += a.weight
	}
	at := rng.IntN(total)
	for _, a := range list {
		if at -= a.weight; at < 0 {
			return a
		}
	}
	return list[0]
}

// requests is how many entries are expected so far.
func (s *soak) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.expected {
		n += e.entries
	}
	return n
}

// quiet is the level when no client is connected, viewers apart, and ok holds.
func (s *soak) quiet(ok func(level) bool) level {
	return s.settled(10*time.Second, func(l level) bool {
		for _, c := range s.clients {
			c.CloseIdleConnections() // again: one that was opened for a request in vain becomes idle later
		}
		return ok(l)
	})
}

// stable holds when nothing has changed since the last call.
func stable() func(level) bool {
	var last level
	return func(l level) bool {
		same := l.fds == last.fds && l.Goroutines == last.Goroutines
		last = l
		return same
	}
}

// checkLevels compares what modtap holds without traffic: after a few requests, after half
// of them (with viewers) and at the end. requests came between the last two.
func checkLevels(t *testing.T, base, half, end level, requests int) {
	t.Helper()
	if end.fds > base.fds {
		t.Errorf("%d descriptors at the end, %d at the start", end.fds, base.fds)
	}
	if end.Goroutines > base.Goroutines {
		t.Errorf("%d goroutines at the end, %d at the start", end.Goroutines, base.Goroutines)
	}
	if isRace() {
		return // the race detector's own memory grows
	}
	allowed := uint64(perTenThousand*requests/10_000 + filling)
	if end.HeapAlloc > half.HeapAlloc+allowed {
		t.Errorf("the heap grew from %d to %d bytes with %d requests, %d are allowed", half.HeapAlloc, end.HeapAlloc, requests, allowed)
	}
	// How much of its heap the runtime gives back differs: half as much again is no growth.
	if most := half.rss + half.rss/2 + int64(allowed); end.rss > most {
		t.Errorf("RSS grew from %d to %d bytes, at most %d is allowed", half.rss, end.rss, most)
	}
}

// isRace reports whether this is a build with the race detector.
func isRace() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// watch is a viewer that comes and goes.
func (s *soak) watch(ctx context.Context) {
	for ctx.Err() == nil {
		some, cancel := context.WithTimeout(ctx, 2*time.Second)
		if c, err := stream.Dial(some, s.viewer); err == nil {
			for err == nil {
				_, err = c.Next(some)
			}
			c.Close()
		} else if some.Err() == nil && ctx.Err() == nil {
			s.t.Errorf("the viewer cannot connect: %v", err)
		}
		cancel()
	}
}

// neverRead is a viewer that is stuck; when modtap has given it up, another comes.
func (s *soak) neverRead(ctx context.Context) {
	u, err := url.Parse(s.viewer)
	if err != nil {
		s.t.Error(err)
		return
	}
	for ctx.Err() == nil {
		c, err := net.Dial("tcp", u.Host)
		if err != nil {
			s.t.Error(err)
			return
		}
		c.(*net.TCPConn).SetReadBuffer(4096)
		fmt.Fprintf(c, "GET /events?%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", u.RawQuery, u.Host)
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Second): // longer than modtap waits for it
		}
		c.Close()
	}
}

// faultList says how many of each fault there were.
func (s *soak) faultList() string {
	count := map[string]int{}
	for _, name := range s.names {
		count[name]++
	}
	var out []string
	for _, list := range [][]action{normal, faults} {
		for _, a := range list {
			out = append(out, fmt.Sprintf("%s %d", a.name, count[a.name]))
			delete(count, a.name)
		}
	}
	return strings.Join(append(out, slices.Collect(maps.Keys(count))...), ", ")
}
