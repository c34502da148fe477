package har

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

// checkHistory: what the history of a file finds is what Open reads of it.
func checkHistory(t *testing.T, path string) *History {
	t.Helper()
	want, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	rec, h, err := OpenHistory(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	if diff := cmp.Diff(factsOf(want), rec); diff != "" {
		t.Fatalf("the recording itself (-want +got):\n%.3000s", diff)
	}
	checkFinds(t, h, want.Exchanges)
	return h
}

// checkFinds: h has exactly the exchanges of want, which are by id.
func checkFinds(t *testing.T, h *History, want []recorder.Exchange) {
	t.Helper()
	var first, last, past uint64
	if n := len(want); n > 0 {
		first, last = want[0].ID, want[n-1].ID
	}
	if f, l, n := h.Bounds(); f != first || l != last || n != len(want) {
		t.Fatalf("bounds %d to %d, %d; want %d to %d, %d", f, l, n, first, last, len(want))
	}
	for i := range want {
		got, err := h.Exchange(want[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&want[i], got); diff != "" {
			t.Fatalf("exchange %d (-want +got):\n%.3000s", want[i].ID, diff)
		}
	}
	var pages []*recorder.Exchange
	for {
		page, err := h.Exchanges(past+1, 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		pages, past = append(pages, page...), page[len(page)-1].ID
	}
	if diff := cmp.Diff(briefly(want), pages); diff != "" {
		t.Fatalf("pages of exchanges (-want +got):\n%.3000s", diff)
	}
	for _, id := range []uint64{0, last + 1, 1<<64 - 1} {
		if _, err := h.Exchange(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("exchange %d, which there is not: %v", id, err)
		}
	}
}

// briefly is what Exchanges gives of all.
func briefly(all []recorder.Exchange) (out []*recorder.Exchange) {
	for _, x := range all {
		for _, m := range []*recorder.Message{&x.Request, &x.Response} {
			m.Header, m.Trailer, m.Body = nil, nil, nil
		}
		out = append(out, &x)
	}
	return out
}

func TestHistoryOfFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/foreign/*.har")
	if err != nil || len(files) == 0 {
		t.Fatal("no foreign files", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) { checkHistory(t, path) })
	}
	t.Run("Chrome's, large", func(t *testing.T) { checkHistory(t, chromeFile(t, 400)) })
	t.Run("every kind of exchange", func(t *testing.T) {
		checkHistory(t, record(t, Options{}, exchangeEvents(append(richExchanges(), failures()...)...)...))
	})
	t.Run("in parts", func(t *testing.T) {
		path := quietly(t, Options{RotateAt: 100 << 10}, manyEvents(300))
		if _, err := os.Stat(PartPath(path, 3)); err != nil {
			t.Fatal("the test needs three parts: ", err)
		}
		checkHistory(t, path)
	})
	t.Run("torn, in an order of its own, and with an id twice", func(t *testing.T) {
		path := record(t, Options{}, exchangeEvents(reused(9), reused(3), firstOnConn(4), reused(3), reused(5))...)
		text := mustRead(t, path)
		cut := strings.LastIndex(string(text), "startedDateTime") + 200
		if err := os.WriteFile(path, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, n := checkHistory(t, path).Bounds(); n != 3 {
			t.Errorf("%d exchanges, want 3, 4 and 9", n)
		}
	})
}

// TestHistoryOfOddFiles: files that the scanner reads, whose offsets it gives.
func TestHistoryOfOddFiles(t *testing.T) {
	for i, tt := range readTests {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i, ".har"))
		if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err != nil {
			continue // no HAR
		}
		checkHistory(t, path)
	}
}

// TestBounded: a file with more entries than may be is refused, however it is laid out.
func TestBounded(t *testing.T) {
	usual := record(t, Options{}, exchangeEvents(reused(1), reused(2), reused(3))...)
	odd := filepath.Join(t.TempDir(), "odd.har")
	large := `{"x":{"a":` + strings.Repeat(" ", maxQuick+1) + `1},"log":` // what is left to the scanner
	text := strings.Replace(string(mustRead(t, usual)), `{"log":`, large, 1)
	if err := os.WriteFile(odd, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{usual, odd} {
		for most := range 5 {
			rec, h, err := OpenBounded(path, most)
			var many *TooManyError
			switch {
			case errors.As(err, &many):
				if most == 0 || most > 2 || many.Most != most {
					t.Errorf("%s, at most %d: %v", path, most, err)
				}
			case err != nil:
				t.Fatal(err)
			default:
				h.Close()
				if n := len(rec.Exchanges); n != 3 || most == 1 || most == 2 {
					t.Errorf("%s, at most %d: %d exchanges", path, most, n)
				}
			}
		}
	}
}

// FuzzHistory: whatever the file is, the history finds what Open reads.
func FuzzHistory(f *testing.F) {
	addSeeds(f)
	path := filepath.Join(f.TempDir(), "fuzz.har")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err != nil {
			if _, _, herr := OpenHistory(path); herr == nil {
				t.Fatalf("Open: %v, OpenHistory: nil", err)
			}
			return
		}
		checkHistory(t, path).Close()
	})
}

// TestHistoryGrows: readers find every entry as soon as Flush has returned, whole, while
// the writer rewrites what is behind it and goes on in other files.
func TestHistoryGrows(t *testing.T) {
	const entries, readers = 300, 3
	w := create(t, Options{RotateAt: 100 << 10})
	h := w.History()
	defer h.Close()
	if got, err := h.Exchanges(0, 10); len(got) != 0 || err != nil {
		t.Fatalf("before the first: %v, %v", got, err)
	}
	want := make([]recorder.Exchange, entries)
	for i := range want {
		want[i] = *reused(uint64(i ^ 3 + 1)) // as the first of four ends last
		want[i].Response.Body = []byte(strings.Repeat(fmt.Sprint(i), 20+i%50))
	}
	flushed := make([]chan int, readers)
	var wait sync.WaitGroup
	for r := range flushed {
		flushed[r] = make(chan int, entries)
		wait.Go(func() {
			for n := range flushed[r] {
				for _, i := range []int{n, n / 2} {
					got, err := h.Exchange(want[i].ID)
					if err != nil || !cmp.Equal(got, &want[i]) {
						t.Errorf("exchange %d: %v %+v", want[i].ID, err, got)
					}
				}
				if _, err := h.Exchanges(uint64(n/2), 20); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range want {
		if err := w.Write(recorder.Event{Exchange: &want[i]}); err != nil {
			t.Fatal(err)
		}
		if i%5 == 0 {
			w.Lost(1) // the trailer changes its length
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		for _, r := range flushed {
			r <- i
		}
	}
	for _, r := range flushed {
		close(r)
	}
	wait.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.part < 3 {
		t.Fatalf("%d parts: the test needs more", w.part)
	}
	slices.SortFunc(want, func(x, y recorder.Exchange) int { return int(x.ID) - int(y.ID) })
	checkFinds(t, h, want) // after the writer has closed its files
}

// TestHistoryOfWhatIsNotOnDisk: what is gathered, and what could not be written, is not found.
func TestHistoryOfWhatIsNotOnDisk(t *testing.T) {
	w := create(t, Options{})
	h := w.History()
	defer h.Close()
	give(t, w, exchangeEvents(reused(1))...)
	if err := w.Write(recorder.Event{Exchange: reused(2)}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Exchange(2); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before Flush: %v", err)
	}
	readOnly, err := os.Open(w.path)
	if err != nil {
		t.Fatal(err)
	}
	writable := w.file
	w.file = readOnly // as a disk that fails
	if w.Flush(); w.Missing() != 1 {
		t.Fatalf("%d entries missing, want 1", w.Missing())
	}
	w.file = writable
	readOnly.Close()
	give(t, w, exchangeEvents(reused(3))...)
	checkFinds(t, h, []recorder.Exchange{*reused(1), *reused(3)})
	w.Close()
}

func TestHistoryOfAnotherFile(t *testing.T) {
	w := create(t, Options{})
	h := w.History()
	give(t, w, exchangeEvents(reused(1))...)
	if runtime.GOOS != "windows" { // which lets nobody take the name of an open file
		if err := os.Rename(w.path, w.path+".moved"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.path, mustRead(t, w.path+".moved"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Exchange(1); !errors.Is(err, errChanged) {
			t.Errorf("another file of that name: %v", err)
		}
	}
	w.Close()
	h.Close()
	if _, err := h.Exchange(1); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestHistoryConns(t *testing.T) {
	w := create(t, Options{})
	h := w.History()
	defer h.Close()
	give(t, w, recorder.Event{Conn: sampleConn(7)}, recorder.Event{Tunnel: sampleTunnel(3)}, recorder.Event{Exchange: firstOnConn(1)})
	want := []recorder.Conn{*sampleConn(7)}
	if diff := cmp.Diff(want, h.Conns()); diff != "" {
		t.Errorf("while writing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]recorder.Tunnel{*sampleTunnel(3)}, w.Tunnels()); diff != "" {
		t.Errorf("tunnels (-want +got):\n%s", diff)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, checkHistory(t, w.path).Conns()); diff != "" {
		t.Errorf("of the file (-want +got):\n%s", diff)
	}
}

func BenchmarkHistory(b *testing.B) {
	_, h, err := OpenHistory(quietly(b, Options{}, manyEvents(10_000)))
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	b.Run("Exchange", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if _, err := h.Exchange(uint64(i*7919%10_000 + 1)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Exchanges of 1000", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if got, err := h.Exchanges(uint64(i%9*1000+1), 1000); len(got) != 1000 || err != nil {
				b.Fatal(len(got), err)
			}
		}
	})
}

// What is read at once is bounded, but for one entry that is larger.
func TestTogether(t *testing.T) {
	for _, tt := range []struct {
		name   string
		places []place
		want   int
	}{
		{"side by side", []place{{offset: 0, length: 10}, {offset: 12, length: 10}, {offset: 24, length: 10}}, 3},
		{"a gap that nobody asked for", []place{{offset: 0, length: 10}, {offset: 11 + runGap, length: 10}}, 1},
		{"more than is read at once", []place{{offset: 0, length: runMost / 2}, {offset: runMost / 2, length: runMost / 2}, {offset: runMost, length: 1}}, 2},
		{"one that is larger", []place{{offset: 0, length: 2 * runMost}, {offset: 2 * runMost, length: 1}}, 1},
		{"the end of a part", []place{{offset: 0, length: 10}, {part: 1, offset: 10, length: 10}}, 1},
	} {
		if got := len(together(tt.places)); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
