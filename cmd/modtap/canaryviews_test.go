package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"modtap/viewer/stream"
)

// canaryViews are what shows a recording; with --no-redact each has secrets.
var canaryViews = func() (all []string) {
	for _, view := range []string{"the live view's", "the dropped recording's", "modtap view's"} {
		for _, what := range []string{"stream", "brief stream", "/api/exchange/", "/api/exchanges", "/api/body/"} {
			all = append(all, view+" "+what)
		}
	}
	return append(all, "the live view's /api/recording.har", "modtap view --format json")
}()

// show fetches everything that the page has, to be searched: both streams, of which the
// first is read until the child is done, and each answer of the API.
func (w *canaryWorld) show(t *testing.T, ctx context.Context, page, where string, done func() bool) {
	t.Helper()
	ids := map[uint64]bool{}
	w.shown[where+" stream"] = streamed(t, ctx, page, stream.DialOptions{}, ids, done)
	w.shown[where+" brief stream"] = streamed(t, ctx, page, stream.DialOptions{Brief: true}, ids, done)
	if len(ids) == 0 {
		t.Fatal(where, "stream has no exchange")
	}
	paths := []string{"/", "/api/recording", "/api/recording.har", "/api/exchanges?n=2000", "/api/conns?n=2000", "/api/report"}
	for id := range ids {
		for _, path := range []string{"/api/exchange/%d", "/api/body/%d", "/api/body/%d?of=request", "/api/body/%d?as=zip"} {
			paths = append(paths, fmt.Sprintf(path, id))
		}
	}
	got := 0
	for _, path := range paths {
		status, text := w.ask(t, ctx, page, http.MethodGet, path, nil)
		if status == http.StatusOK {
			got++
		}
		w.shown[where+" "+path] = text
	}
	if got < 5+len(ids) {
		t.Errorf("%s pages: %d of %d", where, got, len(paths))
	}
}

// streamed is what the stream tells until nothing comes any more: Hello, and the frames.
func streamed(t *testing.T, ctx context.Context, page string, o stream.DialOptions, ids map[uint64]bool, done func() bool) []byte {
	t.Helper()
	client, err := stream.DialWith(ctx, page, o)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	hello, _ := json.Marshal(client.Session())
	frames := bytes.NewBuffer(hello)
	for quiet := 0; quiet < 3 && ctx.Err() == nil; {
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		b, err := client.Next(short)
		cancel()
		if err == io.EOF {
			break
		}
		if err != nil {
			if done() {
				quiet++ // what comes last is sent within 100 ms
			}
			continue
		}
		json.NewEncoder(frames).Encode(b)
		for _, e := range b.Events {
			if e.Exchange != nil {
				ids[e.Exchange.ID] = true
			}
		}
	}
	return frames.Bytes()
}

// ask sends one request to the page's server; text is the answer's headers and body.
func (w *canaryWorld) ask(t *testing.T, ctx context.Context, page, method, path string, body io.Reader) (status int, text []byte) {
	t.Helper()
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	to, err := u.Parse(path)
	if err != nil {
		t.Fatal(err)
	}
	q := to.Query()
	if id := u.Query().Get("recording"); id != "" {
		q.Set("recording", id)
	}
	to.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+u.Query().Get("token"))
	if method == http.MethodPost { // as the page does it
		req.Header.Set("Origin", u.Scheme+"://"+u.Host)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-File-Name", "x.har")
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, append(fmt.Appendf(nil, "%v\n", resp.Header), text...)
}

// dropped drops the recording so far on the page, and fetches all that is shown of it.
func (w *canaryWorld) dropped(t *testing.T, ctx context.Context, page string) {
	t.Helper()
	_, har, _ := bytes.Cut(w.shown["the live view's /api/recording.har"], []byte("\n"))
	status, text := w.ask(t, ctx, page, http.MethodPost, "/api/recordings", bytes.NewReader(har))
	_, answer, _ := bytes.Cut(text, []byte("\n"))
	var got struct{ Recording string }
	if err := json.Unmarshal(answer, &got); err != nil || got.Recording == "" {
		t.Fatalf("the recording was not taken: %d %s", status, answer)
	}
	w.show(t, ctx, page+"&recording="+url.QueryEscape(got.Recording), "the dropped recording's", func() bool { return true })
}

var filePage = regexp.MustCompile(`the page is at (\S+)`)

// viewed looks at the recording when the run is over: its page, and its events as JSON.
func (w *canaryWorld) viewed(t *testing.T, ctx context.Context) {
	t.Helper()
	recording := filepath.Join(w.ours, "out", "x.har")
	printed, err := w.modtap(t, ctx, "view", "--format", "json", recording).Output()
	if err != nil {
		t.Fatal(err)
	}
	w.shown["modtap view --format json"] = printed
	var said lockedBuffer
	c := w.modtap(t, ctx, "view", "--no-open", recording)
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for filePage.FindString(said.String()) == "" && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond) // modtap is another process
	}
	if m := filePage.FindStringSubmatch(said.String()); m != nil {
		w.show(t, ctx, m[1], "modtap view's", func() bool { return true })
	}
	w.shown["what modtap view says"] = []byte(said.String())
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("modtap view: %v\n%s", err, said.String())
	}
}

func (w *canaryWorld) modtap(t *testing.T, ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, "modtap", args...)
	c.Dir, c.Env = w.theirs, w.environ(t)
	return c
}
