package main

import (
	"errors"
	"testing"

	"modtap/recorder"
	"modtap/recorder/diagnose"
)

// failing is a sink on a disk that is gone.
type failing struct{ diagnose.Collector }

func (*failing) Write(recorder.Event) error { return errors.New("no disk") }

// TestKeeperEnds: who waits for the command's end is let go when it is on disk, when it is
// lost, and when there is no disk; not by what is lost before.
func TestKeeperEnds(t *testing.T) {
	end := recorder.Event{Process: &recorder.Process{Start: 1, End: 2}}
	for _, test := range []struct {
		name string
		sink recorder.Sink
		do   func(*keeper) error
		want bool
	}{
		{"it has not ended", &diagnose.Collector{}, func(k *keeper) error { return k.Write(recorder.Event{Process: &recorder.Process{Start: 1}}) }, false},
		{"it has ended", &diagnose.Collector{}, func(k *keeper) error { return k.Write(end) }, true},
		{"events are lost while it runs", &diagnose.Collector{}, func(k *keeper) error { k.Lost(1); return nil }, false},
		{"events are lost after its end", &diagnose.Collector{}, func(k *keeper) error { k.over.Store(true); k.Lost(1); return nil }, true},
		{"nothing can be written", &failing{}, func(k *keeper) error {
			if k.Write(end) == nil {
				return errors.New("it was written")
			}
			return nil
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := newKeeper(test.sink)
			if err := errors.Join(test.do(k), k.Flush()); err != nil {
				t.Fatal(err)
			}
			select {
			case <-k.ended:
				if !test.want {
					t.Error("it does not wait for the end")
				}
			default:
				if test.want {
					t.Error("it waits for ever")
				}
			}
		})
	}
}
