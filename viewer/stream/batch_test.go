package stream

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"modtap/recorder"
)

// TestFlavourSaysWhatCanBeAskedFor: of a recording that is looked at, the Log has facts,
// without most bodies. The recording has them all the same, and a viewer must know.
func TestFlavourSaysWhatCanBeAskedFor(t *testing.T) {
	x := &recorder.Exchange{ID: 1, Status: 200}
	x.Request.Body, x.Request.Kept = []byte("0000"), true
	x.Response.Body, x.Response.Kept = []byte(`{"Version":"v1.0.0"}`), true
	facts := x.Facts()
	gone := recorder.Exchange{ID: 2, Status: 200, Response: recorder.Message{Body: []byte("cut"), BodySize: 100}}
	nothing := gone.Facts()
	for f := range flavours {
		got := f.of(recorder.Event{Exchange: &facts}).Exchange
		if !got.Request.Kept || !got.Response.Kept {
			t.Errorf("flavour %d: the bodies that the recording has are said not to be kept", f)
		}
		if facts.Response.Kept {
			t.Fatal("the Log's exchange was changed")
		}
		if got := f.of(recorder.Event{Exchange: &nothing}).Exchange; got.Response.Kept {
			t.Errorf("flavour %d: a body that was not kept whole is said to be", f)
		}
	}
}

// Frames are cut by their weight, too, and a brief one has no headers.
func TestWeight(t *testing.T) {
	log := recorder.NewLog()
	for id := range uint64(200) {
		log.Append(recorder.Event{Exchange: &recorder.Exchange{ID: id + 1, Response: recorder.Message{
			Header:  []recorder.Header{{Name: "X", Value: strings.Repeat("h", 10_000)}},
			Trailer: []recorder.Header{{Name: "Y", Value: "t"}},
		}}})
	}
	if n := len(newSnapshot(log, whole).batches); n < 7 || n > 9 {
		t.Errorf("2 MB of headers in %d frames, want about 8", n)
	}
	short := newSnapshot(log, brief)
	if n := len(short.batches); n != 1 {
		t.Errorf("brief: %d frames, want 1", n)
	}
	b := batch{flavour: brief}
	for _, x := range log.Exchanges(0) {
		b.add(recorder.Event{Exchange: x})
	}
	p, err := b.pack(0)
	if err != nil {
		t.Fatal(err)
	}
	if p.size > maxWeight {
		t.Errorf("brief: %d bytes", p.size)
	}
	if x := log.Exchange(1); len(x.Response.Header) != 1 {
		t.Error("the Log's own exchange lost its headers")
	}
}

// weigh is near enough to what an event takes.
func TestWeigh(t *testing.T) {
	x := &recorder.Exchange{
		ID: 1, Start: time.Now(), Method: "GET", URL: "https://proxy.golang.org/golang.org/x/text/@v/v0.43.0.zip", Proto: "HTTP/2.0",
		Remote: "142.250.74.113:443", Status: 200, Done: true, Server: recorder.Marks{WroteHeaders: 1e6, FirstByte: 2e6, LastByte: 3e6, End: 3e6},
		Response: recorder.Message{HeaderSize: 420, BodySize: 123456, Mime: "application/zip", SHA256: strings.Repeat("a", 64)},
	}
	for i := range 12 {
		x.Response.Header = append(x.Response.Header, recorder.Header{Name: "Cache-Control", Value: strings.Repeat("v", 10*i)})
	}
	for _, f := range []flavour{whole, brief} {
		e := recorder.Event{Exchange: x}
		text, err := json.Marshal(f.of(e))
		if err != nil {
			t.Fatal(err)
		}
		if w := f.weigh(e); w < len(text)/2 || w > 2*len(text) {
			t.Errorf("flavour %d weighs %d, has %d bytes", f, w, len(text))
		}
	}
}
