package har

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
)

// PartPath is the file in which a recording at path goes on: NAME.2.har after NAME.har.
// Part 1 is path itself.
func PartPath(path string, part int) string {
	if part <= 1 {
		return path
	}
	ext := filepath.Ext(path)
	return path[:len(path)-len(ext)] + "." + strconv.Itoa(part) + ext
}

// newID names a recording, so that a part which another recording left behind is not
// taken for one of this.
func newID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// rotate goes on in the next part. When that cannot be opened, this one grows on: a large
// recording is better than none.
func (w *Writer) rotate() {
	w.flush()
	path := PartPath(w.path, w.part+1)
	f, err := openForWriting(path)
	if err != nil {
		w.note(fmt.Errorf("go on in %s: %w", path, cause(err)))
		w.limit += 1 << 20 // and try again
		return
	}
	if w.file != w.first { // the first keeps its lock until Close
		w.note(w.file.Close())
	}
	w.file = f
	w.part++
	w.base, w.size, w.count = 0, 0, 0
	w.lateSession = false
	w.historyPart()
	w.pending = w.appendHeader(w.pending[:0])
}
