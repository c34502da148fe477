package har

import "modtap/recorder"

// History returns that of the recording being written. It grows with it, and has what is
// written from now on: ask for it before the first Write. Close it, also after the Writer.
func (w *Writer) History() *History {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.history == nil {
		w.history = &History{conns: w.Conns, ledger: new(ledger)}
		w.historyPart()
	}
	return w.history
}

// Conns are the newest snapshots of the connections that the end of the file will hold: at
// most 5,000, the last that came.
func (w *Writer) Conns() []recorder.Conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return pointed(w.conns.all())
}

// Tunnels are like Conns.
func (w *Writer) Tunnels() []recorder.Tunnel {
	w.mu.Lock()
	defer w.mu.Unlock()
	return pointed(w.tunnels.all())
}

// LeftOut is how many older connections, tunnels and findings the end of the file will not
// hold.
func (w *Writer) LeftOut() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.conns.leftOut + w.tunnels.leftOut + w.findings.leftOut
}

func pointed[T any](all []*T) []T {
	out := make([]T, len(all))
	for i, v := range all {
		out[i] = *v
	}
	return out
}

// historyPart tells the history, if there is one, of the file that is written from now on.
func (w *Writer) historyPart() {
	if w.history == nil {
		return
	}
	info, err := w.file.Stat()
	w.note(err)
	w.history.mu.Lock()
	defer w.history.mu.Unlock()
	w.history.parts = append(w.history.parts, part{path: PartPath(w.path, w.part), info: info})
}

// mark notes where the entry that was put into pending last is; what follows is its size.
func (w *Writer) mark(id uint64) {
	if w.history != nil && id != 0 && id <= maxID { // no reader takes another one
		w.marks = append(w.marks, place{id: id, offset: int64(len(w.pending)), length: uint32(len(w.scratch))})
	}
}

// written has the history know of the entries that went to disk at base.
func (w *Writer) written() {
	if w.history == nil {
		return
	}
	w.history.mu.Lock()
	defer w.history.mu.Unlock()
	for _, m := range w.marks {
		m.offset += w.base
		m.part = uint32(len(w.history.parts) - 1)
		w.history.ledger.put(m)
	}
	w.marks = w.marks[:0]
}
