package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"modtap/intercept/origintest"
	"modtap/recorder/har"
)

// TestSlowReaderOfAGiB reads a body of 1 GiB slowly, then not at all, and leaves: what modtap
// holds meanwhile is bounded by buffers and HTTP/2 windows, whatever is kept of the body, and
// the time is the client's.
func TestSlowReaderOfAGiB(t *testing.T) {
	if testing.Short() {
		t.Skip("reads slowly")
	}
	// 4 MiB is net/http's window for a stream, and as much waits in frames that were read;
	// the rest is the runtime's: it lets a heap of 4 MiB double before it collects.
	const most = 20 << 20
	for _, proto := range []string{"h2", "http/1.1"} {
		for _, bodies := range []string{"text", "all"} {
			t.Run(proto+" bodies "+bodies, func(t *testing.T) {
				t.Parallel() // most of it is waiting, in processes of their own
				o := origintest.Start(t, origintest.Config{})
				dir := t.TempDir()
				s := startSubject(t, o, filepath.Join(dir, "x.har"), "--bodies", bodies)
				client := s.client(proto)
				if err := fetch(client, o.URL()+"/bytes/1000000"); err != nil {
					t.Fatal(err)
				}
				base := s.level("collect")
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				r, _ := http.NewRequestWithContext(ctx, "GET", o.URL()+"/bytes/1073741824", nil)
				resp, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				peak := base
				for i := range 30 { // 20 MB at 10 MB/s, then nothing for a second
					if i < 20 {
						if _, err := io.CopyN(io.Discard, resp.Body, 1_000_000); err != nil {
							t.Fatal(err)
						}
					}
					time.Sleep(100 * time.Millisecond) // that is what is slow
					if l := s.level(""); l.rss > peak.rss {
						peak = l
					}
				}
				cancel()
				resp.Body.Close()
				t.Logf("before: %v; most: %v", base, peak)
				if peak.rss > base.rss+most && !isRace() {
					t.Errorf("RSS grew by %d bytes, at most %d are bounded", peak.rss-base.rss, most)
				}
				s.settled(5*time.Second, func(l level) bool {
					client.CloseIdleConnections() // of HTTP/2 only when the stream is gone
					return l.fds < base.fds
				})
				if code := s.stop(); code != 0 {
					t.Errorf("exit code %d", code)
				}
				checkSlowRead(t, s.file, dir)
			})
		}
	}
}

// checkSlowRead looks whom the time was charged to.
func checkSlowRead(t *testing.T, file, dir string) {
	t.Helper()
	rec, err := har.Open(file)
	if err != nil || len(rec.Exchanges) != 2 {
		t.Fatalf("%d entries, %v", len(rec.Exchanges), err)
	}
	x := rec.Exchanges[1]
	if x.Err == nil || x.Err.Op != "canceled" || x.Response.BodySize < 20_000_000 || x.Response.BodySize > 64<<20 {
		t.Errorf("error %v, %d bytes; the client read 20 MB and left", x.Err, x.Response.BodySize)
	}
	if took := x.Client.End; x.ClientBlocked < took/2 || x.ServerBlocked > took/4 {
		t.Errorf("of %v the client blocked %v and the server %v", took, x.ClientBlocked, x.ServerBlocked)
	}
	t.Logf("%d bytes in %v: blocked by the client %v, by the server %v, overhead %v",
		x.Response.BodySize, x.Client.End, x.ClientBlocked, x.ServerBlocked, x.Overhead)
	parts, _ := filepath.Glob(filepath.Join(dir, "x.bodies", "partial-*"))
	if len(parts) > 0 {
		t.Errorf("%v was left behind", parts)
	}
	_ = os.RemoveAll(filepath.Join(dir, "x.bodies"))
}
