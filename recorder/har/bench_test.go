package har

import (
	"testing"

	"modtap/recorder"
)

// BenchmarkWriter is one small entry (8 request and 10 response headers) with its share
// of a batch of 64: encoding and the write.
func BenchmarkWriter(b *testing.B) {
	for _, bb := range []struct {
		name  string
		batch int
	}{{"batch=1", 1}, {"batch=64", 64}} {
		b.Run(bb.name, func(b *testing.B) {
			w := create(b, Options{RotateAt: 1 << 40})
			w.Write(recorder.Event{Session: sampleSession()})
			x := firstOnConn(1)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				w.Write(recorder.Event{Exchange: x})
				if i%bb.batch == 0 {
					w.Flush()
				}
			}
			if w.Missing() > 0 {
				b.Fatal(w.Err())
			}
		})
	}
}

// BenchmarkEntry is the encoding alone.
func BenchmarkEntry(b *testing.B) {
	x := firstOnConn(1)
	buf := appendEntry(nil, x, nil, nil)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = appendEntry(buf[:0], x, nil, nil)
	}
}

func BenchmarkOpen(b *testing.B) {
	const entries = 2000
	w := create(b, Options{})
	for id := range uint64(entries) {
		w.Write(recorder.Event{Exchange: firstOnConn(id + 1)})
	}
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(w.size)
	b.ReportAllocs()
	for b.Loop() {
		if rec, err := Open(w.Path()); err != nil || len(rec.Exchanges) != entries {
			b.Fatal(err)
		}
	}
}
