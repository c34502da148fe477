package tui

import (
	"testing"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/recorder/query"
)

// What comes while a table is looked at does not move the pointer in it: neither the newest
// request, which the other table follows, nor another order.
func TestTablePointerStays(t *testing.T) {
	s := open(t, 120, 30, Config{}, fixture()...)
	s.keys("m", "j", "j")
	pointed := func() string { return s.m.tables.lines[s.m.at].label }
	want := pointed()
	for id := uint64(25); id < 30; id++ {
		s.clock += 2 * tableEvery
		s.send(batchesMsg{{Seq: id, Events: []recorder.Event{{Exchange: request(id, 6200*ms, gomod.Zip, "example.com/a", "v1.0.0", 1, recorder.Span(id)*100*ms, ms)}}}})
		s.send(tickMsg{})
		s.has("module ")
		if got := pointed(); got != want {
			t.Fatalf("after #%d it points at %s, want %s", id, got, want)
		}
	}
	if got := s.m.tables.lines[1]; got.label != "example.com/a" || len(got.rows) != 5 {
		t.Errorf("the second is %s with %d requests, want the new one with 5", got.label, len(got.rows))
	}
	s.keys("r", "end")
	if s.m.pointed != 29 {
		t.Errorf("the requests are at #%d, want the newest", s.m.pointed)
	}
}

// Of a session that has ended the table is counted again when what passes is not the same
// any more.
func TestTableFollowsFilter(t *testing.T) {
	events := append(fixture(), recorder.Event{End: &recorder.End{At: 6300 * ms}})
	s := open(t, 120, 30, Config{}, events...)
	s.keys("m")
	all := len(s.m.tables.lines)
	s.keys("/", "type:kind:zip", "enter")
	s.has("filter kind:zip")
	if n := len(s.m.tables.lines); n != 4 {
		t.Errorf("%d modules of %d are left, want the 4 with a zip", n, all)
	}
	s.keys("enter")
	s.has("filter kind:zip module:=k8s.io/apimachinery   1 of 24")
}

func TestExactly(t *testing.T) {
	for _, name := range []string{"golang.org/x/net", "a, b", "a b"} {
		q, err := query.Parse("module:" + exactly(name))
		if err != nil {
			t.Fatal(err)
		}
		for _, module := range []string{name, name + "bsd", "x" + name} {
			if got := q.Match(&recorder.Exchange{Go: gomod.Request{Module: module}}); got != (module == name) {
				t.Errorf("%s: %q matches: %v", q, module, got)
			}
		}
	}
	if q, err := query.Parse("module:" + exactly(`a"b`)); err != nil || q.Empty() {
		t.Errorf("a quote: %v, %v", q, err)
	}
}
