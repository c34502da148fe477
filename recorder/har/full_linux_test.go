package har

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"modtap/recorder"
)

// TestDiskFull fills a disk of 64 KiB and makes room on it again.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("modtap-test", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a small tmpfs (needs root): %v", err)
	}
	defer syscall.Unmount(dir, 0)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 24<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := Create(filepath.Join(dir, "t.har"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close() // before the disk goes
	written := func() int { return len(at(parse(t, w.Path()), "entries").([]any)) }
	const all = 60
	id := uint64(0)
	for ; w.Missing() == 0 && id < all; id++ {
		give(t, w, recorder.Event{Exchange: reused(id + 1)})
		written()
	}
	if w.Missing() != 1 || !errors.Is(w.Err(), syscall.ENOSPC) {
		t.Fatalf("after %d entries: %d missing, %v", id, w.Missing(), w.Err())
	}
	for range 5 { // the file stays whole
		id++
		give(t, w, recorder.Event{Exchange: reused(id)})
		if n := written(); n+int(w.Missing()) != int(id) {
			t.Fatalf("%d written and %d missing of %d", n, w.Missing(), id)
		}
	}
	os.Remove(ballast)
	missing := w.Missing()
	for range 10 {
		id++
		give(t, w, recorder.Event{Exchange: reused(id)})
	}
	if err := w.Close(); w.Missing() != missing || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("with room again: %d missing, before %d; Close: %v", w.Missing(), missing, err)
	}
	rec, err := Open(w.Path())
	if err != nil || rec.Missing != missing || len(rec.Exchanges)+int(missing) != int(id) || rec.Repaired {
		t.Errorf("%v, missing %d of %d, want %d; %d exchanges, repaired %v", err, rec.Missing, id, missing, len(rec.Exchanges), rec.Repaired)
	}
}

// TestDiskFullAtOnce has no room for a single entry, and hardly any for the header.
func TestDiskFullAtOnce(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("modtap-test", dir, "tmpfs", 0, "size=8k"); err != nil {
		t.Skipf("cannot mount a small tmpfs (needs root): %v", err)
	}
	defer syscall.Unmount(dir, 0)
	w, err := Create(filepath.Join(dir, "t.har"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close() // before the disk goes
	if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	big := with(reused(1), func(x *recorder.Exchange) { x.Response.Body = make([]byte, 20_000) })
	give(t, w, recorder.Event{Session: sampleSession()}, recorder.Event{Exchange: big}, recorder.Event{Exchange: reused(2)}, recorder.Event{Exchange: big})
	log := parse(t, w.Path())
	if n := len(at(log, "entries").([]any)); n+int(w.Missing()) != 3 || w.Missing() < 2 {
		t.Errorf("%d entries, %d missing", n, w.Missing())
	}
	if at(log, "_modtap", "session", "id") != "s1" {
		t.Errorf("header %v", at(log, "_modtap"))
	}
	if err := w.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Close: %v", err)
	}
	parse(t, w.Path())
}
