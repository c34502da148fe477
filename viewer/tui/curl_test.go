package tui

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modtap/recorder"
)

// The page makes the same commands: its tests read the same file.
func TestCurl(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "web", "testdata", "curl.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Text, Error string
		Exchange          recorder.Exchange
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) < 10 {
		t.Fatalf("%d vectors, %v", len(vectors), err)
	}
	for _, v := range vectors {
		got, err := curlOf(&v.Exchange)
		if err != nil && err.Error() != v.Error || err == nil && v.Error != "" || got != v.Text {
			t.Errorf("%s: got %q, %v\nwant %q, %s", v.Name, got, err, v.Text, v.Error)
		}
	}
}

// c asks for the headers, and copies the command with them.
func TestCopyCurl(t *testing.T) {
	s := open(t, 100, 30, Config{}, fixture()...)
	x := request(1, 0, "mod", "golang.org/x/text", "v0.43.0", 1, ms, ms)
	x.Request.Header = []recorder.Header{{Name: "User-Agent", Value: "Go-http-client/2.0"}, {Name: "Authorization", Value: "Basic REDACTED"}}
	s.source.whole[1] = x
	s.keys("home", "c")
	want := "# left out, because their values are redacted: Authorization\n" +
		"curl --globoff -H 'User-Agent: Go-http-client/2.0' --url https://proxy.golang.org/golang.org/x/text/@v/v0.43.0.mod"
	if got := s.clipboard(); got != want {
		t.Errorf("copied %q, want %q", got, want)
	}
	s.has("copied, if the terminal allows it, the curl command of #1: curl --globoff")
	s.source.err = errors.New("modtap has gone")
	s.keys("j", "c")
	if len(s.sent) != 0 {
		t.Errorf("copied %v", s.sent)
	}
	s.has("no curl command for #2: modtap has gone")
}

// clipboard is what was given to the terminal's clipboard since the last call.
func (s *screen) clipboard() string {
	s.t.Helper()
	if len(s.sent) != 1 {
		s.t.Fatalf("%d messages for the terminal: %v", len(s.sent), s.sent)
	}
	text, err := json.Marshal(s.sent[0])
	var got string
	if err == nil {
		err = json.Unmarshal(text, &got)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.sent = nil
	return got
}

var links = []struct{ url, want string }{
	{"http://127.0.0.1:4711/?token=secret", "http://127.0.0.1:4711/#x=3"},
	{"ws://localhost:4711/events?token=secret&since=4", "http://localhost:4711/#x=3"},
	{"wss://localhost:4711/?token=secret", "https://localhost:4711/#x=3"},
	{"http://127.0.0.1:4711/?token=secret&recording=2", ""},
	{"", ""},
}

// l copies a link, never the token in it.
func TestCopyLink(t *testing.T) {
	for _, tt := range links {
		s := open(t, 120, 30, Config{URL: tt.url}, fixture()...)
		s.keys("home", "j", "j", "l")
		if tt.want == "" {
			if len(s.sent) != 0 || s.m.notice == "" {
				t.Errorf("%s: copied %v, said %q", tt.url, s.sent, s.m.notice)
			}
			continue
		}
		if got := s.clipboard(); got != tt.want {
			t.Errorf("%s: copied %q, want %q", tt.url, got, tt.want)
		}
		if strings.Contains(s.text(), "secret") {
			t.Error("the token is on the screen")
		}
	}
	s := open(t, 120, 30, Config{URL: links[0].url}, fixture()...)
	s.keys("g", "home", "l") // a group
	s.has("no request is pointed at")
	s.keys("c")
	s.has("no request is pointed at")
}
