package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// TestKillMinusNine kills a modtap serve under traffic with SIGKILL at random moments. Every
// recording opens and holds what clients saw finished more than a second before. MODTAP_KILLS
// is the number of rounds.
func TestKillMinusNine(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second for each round")
	}
	rounds := 10
	if n, err := strconv.Atoi(os.Getenv("MODTAP_KILLS")); err == nil {
		rounds = n
	}
	o := origintest.Start(t, origintest.Config{})
	var mu sync.Mutex
	var all lossReport
	t.Run("rounds", func(t *testing.T) {
		for round := range rounds {
			t.Run(strconv.Itoa(round), func(t *testing.T) {
				t.Parallel()
				l := killRound(t, o, round)
				mu.Lock()
				defer mu.Unlock()
				all.add(l)
			})
		}
	})
	t.Logf("%d rounds, %d requests seen finished; at most %d entries were lost, the oldest %v before the kill; %d recordings were torn",
		rounds, all.seen, all.most, all.oldest.Round(time.Millisecond), all.torn)
	if all.oldest > time.Second {
		t.Errorf("an entry was lost that had finished %v before", all.oldest)
	}
}

// A lossReport is what kills cost.
type lossReport struct {
	seen, most, torn int
	oldest           time.Duration
}

func (l *lossReport) add(o lossReport) {
	l.seen += o.seen
	l.torn += o.torn
	l.most, l.oldest = max(l.most, o.most), max(l.oldest, o.oldest)
}

// killRound kills one modtap and compares its recording with what clients saw.
func killRound(t *testing.T, o *origintest.Origin, round int) (l lossReport) {
	s := startSubject(t, o, filepath.Join(t.TempDir(), "x.har"))
	var mu sync.Mutex
	finished := map[string]time.Time{} // by the request's number
	var stop atomic.Bool
	var n atomic.Int64
	var wg sync.WaitGroup
	for i := range 4 {
		client := s.client([]string{"h2", "http/1.1"}[i%2])
		defer client.CloseIdleConnections()
		wg.Go(func() {
			for !stop.Load() {
				id := fmt.Sprintf("%d-%d", round, n.Add(1))
				if fetch(client, o.URL()+"/example.golang.test/m1/@v/v1.0.0.mod?n="+id) == nil {
					mu.Lock()
					finished[id] = time.Now()
					mu.Unlock()
				}
				time.Sleep(2 * time.Millisecond) // some hundred requests a second are enough
			}
		})
	}
	time.Sleep(time.Duration(100+rand.IntN(2000)) * time.Millisecond)
	mu.Lock()
	killed := time.Now()
	seen := len(finished)
	mu.Unlock()
	s.kill()
	stop.Store(true)
	wg.Wait()

	rec, err := har.Open(s.file)
	if err != nil {
		t.Errorf("round %d: %v", round, err)
		return l
	}
	recorded := map[string]int{}
	for _, x := range rec.Exchanges {
		u, _ := url.Parse(x.URL)
		recorded[u.Query().Get("n")]++
	}
	l.seen = seen
	for id, at := range finished {
		switch age := killed.Sub(at); {
		case recorded[id] == 0 && age >= 0:
			l.most++
			l.oldest = max(l.oldest, age)
		case recorded[id] > 1:
			t.Errorf("round %d: request %s has %d entries", round, id, recorded[id])
		}
	}
	if rec.Repaired {
		l.torn = 1
	}
	checkRepair(t, s.file, len(rec.Exchanges))
	return l
}

// checkRepair repairs a recording: it is JSON afterwards, and as long as before.
func checkRepair(t *testing.T, file string, entries int) {
	if _, err := har.Repair(file); err != nil {
		t.Error(err)
		return
	}
	var h struct {
		Log struct{ Entries []json.RawMessage }
	}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &h)
	}
	if err != nil || len(h.Log.Entries) != entries {
		t.Errorf("%s after the repair: %d entries, before %d; %v", file, len(h.Log.Entries), entries, err)
	}
}

// fetch gets a whole answer of status 200.
func fetch(c *http.Client, url string) error {
	resp, err := c.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", resp.Status)
	}
	return err
}
