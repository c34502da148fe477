package diagnose

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
	"modtap/recorder/gomod"
	"modtap/recorder/har/hartest"
)

// TestCollector: what is collected of a live session is what a recording of it would give.
func TestCollector(t *testing.T) {
	var c Collector
	var want Input
	for e := range hartest.GoCommand(500) {
		if e.Exchange != nil {
			going := *e.Exchange
			going.Done = false
			c.Write(recorder.Event{Exchange: &going})
			want.Exchanges = append(want.Exchanges, e.Exchange.Facts())
		}
		if e.Conn != nil {
			opening := *e.Conn
			opening.TLS = nil
			c.Write(recorder.Event{Conn: &opening})
			want.Conns = append(want.Conns, *e.Conn)
		}
		if e.Tunnel != nil {
			want.Tunnels = append(want.Tunnels, *e.Tunnel)
		}
		switch {
		case e.Session != nil:
			want.Session = e.Session
		case e.Process != nil:
			want.Process = e.Process
		case e.End != nil:
			want.End = e.End
		}
		if err := c.Write(e); err != nil {
			t.Fatal(err)
		}
	}
	c.Lost(7)
	want.Lost = 7
	slices.SortFunc(want.Exchanges, func(x, y recorder.Exchange) int { return int(x.ID) - int(y.ID) })
	if diff := cmp.Diff(want, c.Input()); diff != "" {
		t.Errorf("(-want +got):\n%.3000s", diff)
	}
}

func TestCollectorIsBounded(t *testing.T) {
	var c Collector
	body := make([]byte, 100<<10, 200<<10)
	for i := range uint64(25_000) {
		x := recorder.Exchange{ID: i + 1, Done: true, Status: 200, Go: gomod.Request{Kind: gomod.Mod}}
		x.Response.Body, x.Response.Kept = body, true
		c.Write(recorder.Event{Exchange: &x})
		c.Write(recorder.Event{Conn: &recorder.Conn{ID: i + 1}})
	}
	in := c.Input()
	bytes := 0
	for i := range in.Exchanges {
		r := &in.Exchanges[i].Response
		bytes += cap(r.Body)
		if r.Body == nil && r.Note == "" {
			t.Fatalf("exchange %d does not say where its body is", i)
		}
	}
	if len(in.Exchanges) != 20_000 || in.LeftOut != 5_000 || len(in.Conns) != 5_000 || in.ConnsLeftOut != 20_000 || bytes > 40<<20 || bytes == 0 {
		t.Errorf("%d exchanges, %d left out, %d connections, %d left out, %d bytes of bodies", len(in.Exchanges), in.LeftOut, len(in.Conns), in.ConnsLeftOut, bytes)
	}
	notes := strings.Join(Run(in).Notes, "\n")
	for _, want := range []string{"5000 later requests were not kept", "20000 connections, tunnels and live findings were not kept"} {
		if !strings.Contains(notes, want) {
			t.Errorf("the notes do not say that %s:\n%s", want, notes)
		}
	}
}
