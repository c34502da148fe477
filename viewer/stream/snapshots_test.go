package stream

import (
	"testing"
	"time"

	"modtap/recorder"
)

// Whoever asks for a snapshot again and again gets four of them a second, and no fewer.
func TestSnapshotsAreRare(t *testing.T) {
	bubble(t, func(t *testing.T, log *recorder.Log, p *pipes) {
		log.Append(exchange(1, 200))
		conn := p.dial(t, "")
		defer conn.Close()
		readHello(t, conn)
		readBatch(t, conn) // the first one
		begin := time.Now()
		const asked = 9
		for range asked {
			if err := conn.WriteJSON(ClientMessage{Snapshot: true}); err != nil {
				t.Fatal(err)
			}
			if b := readBatch(t, conn); !b.Snapshot || b.Seq != 1 {
				t.Fatalf("got %+v, want a snapshot", b)
			}
		}
		// The first that is asked for need not wait.
		if took, want := time.Since(begin), (asked-1)*snapshotEvery; took < want || took > want+snapshotEvery {
			t.Errorf("%d snapshots took %v, want %v", asked, took, want)
		}
	})
}
