package stream

import (
	"testing"

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
