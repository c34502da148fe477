package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// TestMillionRequests sends a million small requests through one modtap serve and prints the
// curve of its memory; the recording's parts must hold every one. MODTAP_MILLION=1, or
// another number of millions.
func TestMillionRequests(t *testing.T) {
	millions := 0.0
	if _, err := fmt.Sscan(os.Getenv("MODTAP_MILLION"), &millions); err != nil || millions <= 0 {
		t.Skip("takes some minutes: set MODTAP_MILLION=1")
	}
	total := int64(millions * 1e6)
	o := origintest.Start(t, origintest.Config{})
	s := startSubject(t, o, filepath.Join(t.TempDir(), "x.har"))
	m := &million{subject: s, url: o.URL() + "/bytes/100?n="}
	curve := map[int64]level{}
	began := time.Now()
	for _, stop := range []int64{1_000, 10_000, 20_000, 50_000, 100_000, 200_000, 400_000, 600_000, 800_000, 1_000_000, 2_000_000, 5_000_000} {
		if stop = min(stop, total); stop <= m.n.Load() {
			continue
		}
		m.until(t, o, stop)
		now := s.level("")
		kept := s.level("collect")
		curve[stop] = kept
		t.Logf("%8d requests, %4.0f s: RSS %.1f MiB; with garbage collected RSS %.1f MiB, heap %.1f MiB, %d goroutines, %d descriptors",
			stop, time.Since(began).Seconds(), mib(now.rss), mib(kept.rss), mib(int64(kept.HeapAlloc)), kept.Goroutines, kept.fds)
	}
	checkCurve(t, curve)
	if file := os.Getenv("MODTAP_HEAP"); file != "" {
		s.level("heap " + file)
	}
	if code := s.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	checkParts(t, s.file, int(total))
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// A million is a number of clients that count together.
type million struct {
	*subject
	url string
	n   atomic.Int64
}

// until sends requests up to the number stop, on three connections.
func (m *million) until(t *testing.T, o *origintest.Origin, stop int64) {
	t.Helper()
	var wg sync.WaitGroup
	var failed atomic.Int64
	for i := range 3 {
		client := m.client([]string{"h2", "h2", "http/1.1"}[i])
		for range 8 {
			wg.Go(func() {
				for {
					n := m.n.Add(1)
					if n > stop {
						m.n.Add(-1)
						return
					}
					if err := fetch(client, fmt.Sprint(m.url, n)); err != nil && failed.Add(1) < 10 {
						t.Errorf("request %d: %v", n, err)
					}
					if n%1000 == 0 {
						o.Forget() // the origin's own records are not what is measured
					}
				}
			})
		}
		defer client.CloseIdleConnections()
	}
	wg.Wait()
}

// checkCurve: what is bounded fills up at first, by at most 512 KiB for ten thousand
// requests; from 100,000 on nothing grows any more.
func checkCurve(t *testing.T, curve map[int64]level) {
	t.Helper()
	const noise = 4 << 20 // what the runtime has not given back yet
	ten, hundred := curve[10_000], curve[100_000]
	if hundred.rss == 0 {
		return // a short run
	}
	if growth, most := hundred.rss-ten.rss, int64(9*perTenThousand+noise); growth > most {
		t.Errorf("from 10,000 to 100,000 requests RSS grew by %.1f MiB, at most %.1f is allowed", mib(growth), mib(most))
	}
	for n, l := range curve {
		if growth := l.rss - hundred.rss; n > 100_000 && growth > noise {
			t.Errorf("from 100,000 to %d requests RSS grew by %.1f MiB: it should be flat", n, mib(growth))
		}
	}
}

// resent is how many of a million requests may be entries twice: on a busy machine net/http
// closes a connection of HTTP/1.1 whose writing goroutine did not run for 50 ms (transport.go,
// maxWriteWaitBeforeConnReuse). Where that is modtap's own, to the server, a request may be
// on its way already; it fails, and the client sends it again on a new connection.
const resent = 200

// checkParts reads each part of a recording as any program would and looks for the requests
// 1 to n in all of them together.
func checkParts(t *testing.T, file string, n int) {
	t.Helper()
	seen := make([]uint8, n+1)
	entries, failed, part := 0, 0, 1
	for ; ; part++ {
		f, err := os.Open(har.PartPath(file, part))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		size, _ := f.Seek(0, io.SeekEnd)
		f.Seek(0, io.SeekStart)
		before := entries
		err = eachEntry(f, func(url string, status int) {
			entries++
			id := idOf(url)
			switch {
			case id < 1 || id > n:
				t.Errorf("an entry that nobody asked for: %s", url)
			case status == 0:
				failed++ // the client sent it again, for all were answered
			case seen[id] < 2:
				seen[id]++
			}
		})
		f.Close()
		if err != nil || size > 400<<20 {
			t.Errorf("part %d: %d bytes, %v", part, size, err)
		}
		t.Logf("part %d: %.1f MiB, %d entries", part, mib(size), entries-before)
	}
	once := 0
	for _, times := range seen[1:] {
		if times == 1 {
			once++
		}
	}
	if once != n || entries != n+failed || failed > n*resent/1_000_000 {
		t.Errorf("%d of %d requests have their one entry; there are %d entries, %d of them failed", once, n, entries, failed)
	}
	t.Logf("%d requests, %d entries, %d of requests that a client sent again", n, entries, failed)
	rec, err := har.Open(har.PartPath(file, part-1))
	if err != nil || len(rec.Exchanges) == 0 || rec.End == nil && part == 2 {
		t.Errorf("the last part by itself: %v, %d entries", err, len(rec.Exchanges))
	}
}

// eachEntry reads a HAR entry by entry, so that its size does not matter.
func eachEntry(r io.Reader, do func(url string, status int)) error {
	d := json.NewDecoder(r)
	for path := []string{"log", "entries"}; len(path) > 0; {
		if _, err := d.Token(); err != nil { // the opening brace
			return err
		}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return err
			}
			if name == path[0] {
				path = path[1:]
				break
			}
			var other json.RawMessage
			if err := d.Decode(&other); err != nil {
				return err
			}
		}
	}
	if _, err := d.Token(); err != nil { // the opening bracket
		return err
	}
	for d.More() {
		var e struct {
			Request  struct{ URL string }
			Response struct{ Status int }
		}
		if err := d.Decode(&e); err != nil {
			return err
		}
		do(e.Request.URL, e.Response.Status)
	}
	for depth := 3; ; { // to the end, which must be that of the document
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && depth > 0:
			return io.ErrUnexpectedEOF
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case token == json.Delim('{') || token == json.Delim('['):
			depth++
		case token == json.Delim('}') || token == json.Delim(']'):
			depth--
		}
	}
}

// TestEachEntry: a reader that takes anything would find nothing.
func TestEachEntry(t *testing.T) {
	var got []string
	text := `{"log":{"version":"1.2","pages":[{"id":"entries"}],"entries":[{"request":{"url":"a"}},{"request":{"url":"b"}}],"_end":{}}}`
	if err := eachEntry(strings.NewReader(text), func(u string, _ int) { got = append(got, u) }); err != nil || !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v, %v", got, err)
	}
	if err := eachEntry(strings.NewReader(text[:len(text)-1]), func(string, int) {}); err == nil {
		t.Error("a document that is cut off is read as whole")
	}
}
