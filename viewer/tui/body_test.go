package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"modtap/recorder"
	"modtap/viewer/stream"
)

// A kept zip is listed, whatever its size, and files beyond what is shown are counted.
func TestZipListing(t *testing.T) {
	s := open(t, 120, 40, Config{}, fixture()...)
	x := *s.m.store.byID[20].x
	x.Response.Kept = true
	s.source.whole[20] = &x
	list := &stream.Listing{Of: mostLines + 3}
	for i := range mostLines + 1 {
		list.Files = append(list.Files, stream.ZipFile{Name: fmt.Sprintf("golang.org/x/text@v0.43.0/file%d.go", i), Size: 4321})
	}
	s.source.files = map[uint64]*stream.Listing{20: list}
	s.keys("/", "type:id:20", "enter", "enter", "tab", "end", "pgup", "pgup")
	page := s.m.page(100)
	text := ""
	for _, l := range page.lines {
		for _, p := range l {
			text += p.text
		}
		text += "\n"
	}
	for _, want := range []string{"\n403 files\n", "\n   4.3 kB  golang.org/x/text@v0.43.0/file399.go\n3 more are not listed\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	list.Files, list.Of = list.Files[:2], 2
	page = s.m.page(100)
	if i := slices.IndexFunc(page.lines, func(l []span) bool { return len(l) > 0 && l[0].text == "2 files, 8.6 kB when unpacked" }); i < 0 {
		t.Errorf("two files are not summed up: %v", page.lines)
	}
}

// A body that is not shown to its end says so, however few lines it has.
func TestBodyIsCut(t *testing.T) {
	for name, tt := range map[string]struct{ body, last string }{
		"short":      {"a\nb\n", "b"},
		"many lines": {strings.Repeat("a\n", mostLines+1), "only the first lines are shown"},
		"long lines": {strings.Repeat("a", maxBody+1), "only the first 262.1 kB are shown"},
		"as long":    {strings.Repeat("a", maxBody), strings.Repeat("a", maxBody)},
		"no text":    {strings.Repeat("\x00", maxBody+1), notShown},
	} {
		p := &page{w: 100}
		new(model).body(p, "Response body", &recorder.Message{Mime: "text/plain"}, []byte(tt.body))
		got := p.lines[len(p.lines)-1]
		if len(got) != 1 || got[0].text != tt.last {
			t.Errorf("%s: ends with %.100q, want %.100q", name, fmt.Sprint(got), tt.last)
		}
	}
}

// Connections that the server's log let go are asked for, page by page; what the stream
// brought is newer, and groups get their names.
func TestOlderConns(t *testing.T) {
	s := open(t, 120, 40, Config{})
	for i := range uint64(5) {
		s.source.conns = append(s.source.conns, &recorder.Conn{ID: i + 1, Target: fmt.Sprintf("old%d.test:443", i+1)})
	}
	events := fixture()
	events = append(events, recorder.Event{Conn: &recorder.Conn{ID: 4, Target: "new4.test:443"}})
	s.keys("g", "g", "g")
	s.send(batchesMsg{{Seq: 2, Events: events, Snapshot: true}})
	want := []string{"conns 1", "conns 3"}
	asked := slices.DeleteFunc(slices.Clone(s.source.asked), func(a string) bool { return !strings.HasPrefix(a, "conns") })
	if !slices.Equal(asked, want) {
		t.Errorf("asked for %q, want %q", asked, want)
	}
	if got := s.m.store.conns[4].Target; got != "new4.test:443" {
		t.Errorf("connection 4 is %q, what the stream brought is newer", got)
	}
	s.has("#2 old2.test:443")
	s.send(batchesMsg{{Seq: 3, Events: events, Snapshot: true}})
	if n := len(s.source.asked); n > len(want)+1 {
		t.Errorf("asked again: %q", s.source.asked)
	}
}

// A server whose clock is another tells its time: what is on its way is measured by it.
func TestSkew(t *testing.T) {
	s := open(t, 100, 30, Config{}, fixture()...)
	s.has("6.2 s")
	s.source.skew = -1200 * time.Millisecond
	s.send(connectedMsg{s.source})
	s.has("5.0 s")
}
