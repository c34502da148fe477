package diagnose

import (
	"testing"

	"modtap/recorder"
)

func TestVerb(t *testing.T) {
	for _, c := range []struct {
		argv    []string
		verb    string
		version bool
	}{
		{nil, "", false},
		{[]string{"go"}, "", false},
		{[]string{"go", "get", "./..."}, "get", false},
		{[]string{"go", "-C", "sub", "get", "rsc.io/quote@v1.5.2"}, "get", true},
		{[]string{"go", "-C=sub", "mod", "tidy"}, "mod tidy", false},
		{[]string{"go", "mod", "download", "-x", "rsc.io/quote@latest"}, "mod download", true},
		{[]string{`C:\Go\bin\GO.EXE`, "work", "sync"}, "work sync", false},
		{[]string{"go1.25.3", "mod", "download"}, "mod download", false},
		{[]string{`C:\Users\x\go\bin\Go1.26rc1.exe`, "--C=sub", "build"}, "build", false},
		{[]string{"gofmt", "-l", "."}, "", false},
		{[]string{"sh", "-c", "go get rsc.io/quote@latest"}, "", false},
		{[]string{"git", "clone", "git@host.test:x"}, "", false},
	} {
		w := newWorld()
		w.Session.Argv = c.argv
		a := analyse(&w.Input)
		if got := a.verb(); got != c.verb || a.namesVersion() != c.version {
			t.Errorf("%q: %q, a version is named: %v; want %q, %v", c.argv, got, a.namesVersion(), c.verb, c.version)
		}
	}
}

// TestDeadEntry: a list with a password is not printed: as it stands it is no secret that anybody may
// read, and redacted it would not work.
func TestDeadEntry(t *testing.T) {
	for list, want := range map[string]string{
		"https://goproxy.io|https://b.test,direct":                    "https://b.test,direct",
		"https://goproxy.io|https://bob:s3cret@b.test,direct":         "",
		"https://goproxy.io|https://REDACTED@b.test,direct":           "",
		"https://bob:s3cret@goproxy.io|https://b.test|https://c.test": "https://b.test|https://c.test",
		"https://go.corp.test|https://b.test,direct":                  "", // private modules may come from it at other times
	} {
		w := newWorld().set("GOPROXY", list)
		first := parseEntries(list)[0]
		w.cannot(1, 10, first.host(), "dial", "connection refused", phases{connect: 3})
		w.ok(20, fileAt("b.test", quote, "mod"), 10, phases{wait: 30})
		w.ends(100, 0)
		if i, got := analyse(&w.Input).deadEntry(); i != 0 || got != want {
			t.Errorf("%s: entry %d, the list is then %q; want 0, %q", list, i, got, want)
		}
	}
}

// TestRepeats are the second copy of a 4xx with the redirects that it led to.
func TestRepeats(t *testing.T) {
	x := func(id uint64, url string, status int) *recorder.Exchange {
		return &recorder.Exchange{ID: id, Method: "GET", URL: url, Status: status}
	}
	zip, at := "https://a.test/m.zip", "https://store.test/m"
	c := &Call{Exchanges: []*recorder.Exchange{x(1, zip, 302), x(2, at, 403), x(3, zip, 302), x(4, at, 403)}}
	if got := c.repeats(); len(got) != 2 || got[0].ID != 3 || got[1].ID != 4 {
		t.Errorf("got %v", got)
	}
	c.Exchanges = c.Exchanges[:2]
	if got := c.repeats(); got != nil {
		t.Errorf("of one copy: %v", got)
	}
}
