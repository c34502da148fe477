package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"modtap/viewer/stream"
)

// TestServeIsViewed: a viewer of a session that goes on gets its diagnosis so far, and finds
// the requests in the recording that is being written.
func TestServeIsViewed(t *testing.T) {
	t.Setenv("MODTAP_HOME", t.TempDir())
	for _, output := range []string{filepath.Join(t.TempDir(), "x.har"), "none"} {
		origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) }))
		defer origin.Close()
		r := runMain(t, "serve", "--listen", "127.0.0.1:0", "--view=127.0.0.1:0", "-o", output)
		await(t, &r.stderr, "Ctrl-C ends")
		proxy, err := url.Parse(await(t, &r.stderr, `proxy +(\S+)`)[1])
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}}
		for i := range 3 {
			resp, err := client.Get(fmt.Sprint("http://localhost", origin.URL[len("http://127.0.0.1"):], "/", i))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		c, err := stream.Dial(t.Context(), await(t, &r.stderr, `live view +(\S+)`)[1])
		if err != nil {
			t.Fatal(err)
		}
		var report struct {
			Mode     string
			Requests struct{ Count int }
		}
		late := time.Now().Add(20 * time.Second)
		for report.Requests.Count < 3 && time.Now().Before(late) && output != "none" {
			text, err := c.Report(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(text, &report); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			time.Sleep(50 * time.Millisecond) // it is made anew every 2 s
		}
		switch text, err := c.Report(t.Context()); {
		case err != nil:
			t.Error(err)
		case output == "none" && text != nil:
			t.Errorf("without a recording there is a report: %s", text)
		case output != "none" && (report.Requests.Count != 3 || report.Mode != "serve"):
			t.Errorf("the report of %d requests in mode %q, want 3, serve", report.Requests.Count, report.Mode)
		}
		if all, next, err := c.Exchanges(t.Context(), 2, 10); len(all) != 2 || next != 0 || err != nil {
			t.Errorf("exchanges from the second on: %v, then %d, %v", all, next, err)
		}
		if x, err := c.Exchange(t.Context(), 1); err != nil || len(x.Response.Header) == 0 {
			t.Errorf("the first exchange: %+v, %v", x, err)
		}
		c.Close()
		r.stop()
		r.exits(t, 0)
	}
}
