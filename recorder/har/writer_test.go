package har

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

// TestWholeAfterEveryFlush reads the file as others would after every single event.
func TestWholeAfterEveryFlush(t *testing.T) {
	w := create(t, Options{})
	done := 0
	if n := len(at(parse(t, w.Path()), "entries").([]any)); n != 0 {
		t.Fatalf("%d entries after Create", n)
	}
	long := sampleSession()
	long.Argv = append(long.Argv, strings.Repeat("x", 9000))
	events := []recorder.Event{
		{Session: sampleSession()}, {Session: long}, {Session: sampleSession()}, // the header grows and shrinks
		{Conn: sampleConn(7)}, {Tunnel: sampleTunnel(3)},
	}
	events = append(events, exchangeEvents(richExchanges()...)...)
	events = append(events,
		recorder.Event{End: &recorder.End{At: ms(1), BlindSpots: []string{strings.Repeat("y", 9000)}}},
		recorder.Event{End: &recorder.End{At: ms(2)}}) // the trailer grows and shrinks
	events = append(events, exchangeEvents(failures()...)...)
	events = append(events, recorder.Event{Process: &recorder.Process{ExitCode: 2}}, recorder.Event{Finding: &recorder.Finding{ID: "x"}})
	for i, e := range events {
		give(t, w, e)
		if e.Exchange != nil {
			done++
		}
		log := parse(t, w.Path())
		if n := len(at(log, "entries").([]any)); n != done {
			t.Fatalf("after event %d: %d entries, want %d", i, n, done)
		}
		if at(log, "pages", 0, "id") != "page_1" {
			t.Fatalf("after event %d: no page", i)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	log := parse(t, w.Path())
	for path, want := range map[string]any{"process": map[string]any{"start_ms": 0.0, "exit_code": 2.0}, "end": map[string]any{"at_ms": 2.0, "exit_code": 0.0}} {
		if diff := cmp.Diff(want, at(log, "_modtap_end", path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	if title := at(log, "pages", 0, "title"); title != `go mod download "a b"` {
		t.Errorf("title %v", title)
	}
	if v := at(log, "creator", "version"); v != "v1.2.3" {
		t.Errorf("creator version %v", v)
	}
}

// TestOneLinePerEntry is what repair by other tools (head, grep) relies on.
func TestOneLinePerEntry(t *testing.T) {
	data, err := os.ReadFile(record(t, Options{}, exchangeEvents(richExchanges()...)...))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if want := len(richExchanges()) + 2; len(lines) != want {
		t.Fatalf("%d lines, want %d", len(lines), want)
	}
	for _, l := range lines[1 : len(lines)-1] {
		if !json.Valid([]byte(strings.TrimSuffix(l, ","))) {
			t.Errorf("not an entry: %s", l)
		}
	}
}

func TestLateSession(t *testing.T) {
	s := sampleSession()
	rec, err := Open(record(t, Options{}, recorder.Event{Exchange: reused(1)}, recorder.Event{Session: s}, recorder.Event{Exchange: reused(2)}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, rec.Session); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
}

func TestConnSnapshotIsInTheFirstEntryOfItsConnection(t *testing.T) {
	w := create(t, Options{})
	give(t, w, recorder.Event{Exchange: reused(1)}, recorder.Event{Conn: sampleConn(7)}, recorder.Event{Tunnel: sampleTunnel(3)},
		recorder.Event{Exchange: reused(2)}, recorder.Event{Exchange: reused(3)})
	log := parse(t, w.Path()) // not closed, as after a kill
	for i, want := range []bool{false, true, false} {
		conn, tunnel := at(log, "entries", i, "_modtap", "conn_snapshot"), at(log, "entries", i, "_modtap", "tunnel_snapshot")
		if (conn != nil) != want || (tunnel != nil) != want {
			t.Errorf("entry %d: conn %v, tunnel %v", i, conn, tunnel)
		}
	}
	rec, err := Open(w.Path())
	if err != nil || len(rec.Conns) != 1 || len(rec.Tunnels) != 1 {
		t.Errorf("read while recording: %v, %+v", err, rec)
	}
}

func TestOnlyTheNewestConnsAreHeld(t *testing.T) {
	w := create(t, Options{})
	for id := uint64(1); id <= maxNewest+10; id++ {
		for range 2 {
			w.Write(recorder.Event{Conn: &recorder.Conn{ID: id}})
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rec, err := Open(w.Path())
	if err != nil {
		t.Fatal(err)
	}
	if len(rec.Conns) != maxNewest || rec.Conns[0].ID != 11 || rec.LeftOut != 10 {
		t.Errorf("%d conns from %d, %d left out", len(rec.Conns), rec.Conns[0].ID, rec.LeftOut)
	}
}

func TestLost(t *testing.T) {
	w := create(t, Options{})
	w.Lost(3)
	w.Lost(4)
	w.Flush()
	for _, when := range []string{"recording", "closed"} {
		rec, err := Open(w.Path())
		if err != nil || rec.Lost != 7 {
			t.Errorf("%s: lost %+v, %v", when, rec, err)
		}
		w.Close()
	}
}

func TestClosed(t *testing.T) {
	w := create(t, Options{})
	for range 2 {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := w.Write(recorder.Event{Exchange: reused(1)}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	if err := w.Flush(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Flush: %v", err)
	}
}

func TestUnflushedBatchIsBounded(t *testing.T) {
	w := create(t, Options{})
	for id := range uint64(2000) {
		w.Write(recorder.Event{Exchange: reused(id + 1)})
	}
	if len(w.pending) > maxPending || w.count == 0 {
		t.Errorf("%d bytes pending, %d entries on disk", len(w.pending), w.count)
	}
}

func TestRotation(t *testing.T) {
	w := create(t, Options{RotateAt: 20_000})
	// What another recording left behind is written over, and what lies behind our last
	// part is not taken for ours.
	for part := 2; part < 30; part++ {
		os.WriteFile(PartPath(w.Path(), part), []byte(`{"log":{"version":"1.2","_modtap":{"schema":"modtap.har/1","recording":"x","part":2},"entries":[]}}`), 0o600)
	}
	give(t, w, recorder.Event{Session: sampleSession()}, recorder.Event{Conn: sampleConn(7)})
	var want []recorder.Exchange
	for id := uint64(1); id <= 60; id++ {
		want = append(want, *firstOnConn(id))
		w.Write(recorder.Event{Exchange: firstOnConn(id)})
		if id%7 == 0 {
			w.Flush()
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	rec, err := Open(w.Path())
	if err != nil {
		t.Fatal(err)
	}
	if rec.Parts < 3 || rec.Parts > 20 || rec.Repaired || len(rec.Conns) != 1 {
		t.Errorf("%d parts, repaired %v, %d conns", rec.Parts, rec.Repaired, len(rec.Conns))
	}
	if diff := cmp.Diff(want, rec.Exchanges); diff != "" {
		t.Errorf("exchanges (-want +got):\n%s", diff)
	}
	for part := 1; part <= rec.Parts; part++ {
		log := parse(t, PartPath(w.Path(), part))
		if at(log, "_modtap", "part") != float64(part) || at(log, "pages", 0, "id") == nil || at(log, "_modtap", "session", "id") != "s1" {
			t.Errorf("part %d: %v", part, at(log, "_modtap"))
		}
		if fi, _ := os.Stat(PartPath(w.Path(), part)); fi.Size() > 25_000 {
			t.Errorf("part %d has %d bytes", part, fi.Size())
		}
	}
}

func TestRotationBlocked(t *testing.T) {
	w := create(t, Options{RotateAt: 10_000})
	if err := os.Mkdir(PartPath(w.Path(), 2), 0o700); err != nil {
		t.Fatal(err)
	}
	for id := uint64(1); id <= 20; id++ {
		give(t, w, recorder.Event{Exchange: reused(id)})
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "it is a directory") {
		t.Errorf("Close: %v", err)
	}
	if rec, err := Open(w.Path()); err != nil || len(rec.Exchanges) != 20 {
		t.Errorf("%v, %+v", err, rec)
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, tt := range []struct{ name, path, want string }{
		{"new", filepath.Join(dir, "new.har"), ""},
		{"garbage named .har", file("old.har", "garbage"), ""},
		{"a HAR under another name", file("old.json", " \n{\"log\": {}}"), ""},
		{"empty under another name", file("empty", ""), ""},
		{"go.mod", file("go.mod", "module x\n"), "record to " + dir + "/go.mod: it exists and is not a HAR: remove it first, or choose a name ending in .har"},
		{"directory", dir, "record to " + dir + ": it is a directory"},
		{"no such directory", filepath.Join(dir, "no", "x.har"), "record to " + dir + "/no/x.har: no such file or directory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := Create(tt.path, Options{})
			if err == nil {
				defer w.Close()
			}
			if got := fmt.Sprint(err); tt.want != "" && runtime.GOOS != "windows" && got != tt.want || (tt.want == "") != (err == nil) {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			if err != nil {
				return
			}
			parse(t, tt.path)
			if fi, _ := os.Stat(tt.path); runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
				t.Errorf("mode %v", fi.Mode())
			}
		})
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "go.mod")); string(got) != "module x\n" {
		t.Errorf("go.mod is now %q", got)
	}
}

func TestCreateTwice(t *testing.T) {
	w := create(t, Options{})
	give(t, w, recorder.Event{Exchange: reused(1)})
	if _, err := Create(w.Path(), Options{}); !errors.Is(err, errInUse) {
		t.Errorf("second Create: %v", err)
	}
	if _, err := Repair(w.Path()); !errors.Is(err, errInUse) {
		t.Errorf("Repair: %v", err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	w2, err := Create(w.Path(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w2.Close()
	if n := len(at(parse(t, w.Path()), "entries").([]any)); n != 0 {
		t.Errorf("%d entries of the old recording", n)
	}
}

func TestRemovedWhileWriting(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("windows does not remove a file that is being written")
	}
	w := create(t, Options{})
	os.Remove(w.Path())
	if err := w.Close(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Close: %v", err)
	}
}

// TestFailedWrite has the file closed under the Writer: every write fails.
func TestFailedWrite(t *testing.T) {
	w := create(t, Options{})
	give(t, w, recorder.Event{Exchange: reused(1)})
	w.file.Close()
	give(t, w, recorder.Event{Exchange: reused(2)}, recorder.Event{Exchange: reused(3)})
	if w.Missing() != 2 || w.Err() == nil {
		t.Errorf("missing %d, error %v", w.Missing(), w.Err())
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "2 entries missing") {
		t.Errorf("Close: %v", err)
	}
}

// TestPump: a finished exchange is on disk at once, without waiting for the next event.
func TestPump(t *testing.T) {
	w := create(t, Options{})
	log := recorder.NewLog()
	done := recorder.StartPump(t.Context(), log, w)
	for id := uint64(1); id <= 3; id++ {
		log.Append(recorder.Event{Exchange: reused(id)})
		deadline := time.Now().Add(5 * time.Second)
		for n := 0; n != int(id); {
			if time.Now().After(deadline) {
				t.Fatalf("exchange %d is not on disk", id)
			}
			time.Sleep(time.Millisecond) // another goroutine writes the file; nothing tells when
			if b, err := os.ReadFile(w.Path()); err != nil || !json.Valid(b) {
				continue // a reader may see half of a write
			}
			n = len(at(parse(t, w.Path()), "entries").([]any))
		}
	}
	log.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if rec, err := Open(w.Path()); err != nil || rec.Repaired || len(rec.Exchanges) != 3 {
		t.Errorf("%v, %+v", err, rec)
	}
}
