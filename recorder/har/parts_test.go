package har

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modtap/recorder"
)

// Only files of the same recording count, and of a HAR that is not ours only the one.
func TestParts(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, entries int) string {
		t.Helper()
		path := filepath.Join(dir, name)
		w, err := Create(path, Options{RotateAt: 32 << 10})
		if err != nil {
			t.Fatal(err)
		}
		for id := range uint64(entries) {
			x := &recorder.Exchange{ID: id + 1, Done: true, URL: "https://proxy.test/" + strings.Repeat("x", 900)}
			if err := w.Write(recorder.Event{Exchange: x}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	long := write("long.har", 100)
	n := Parts(long)
	if _, err := os.Stat(PartPath(long, n)); n < 3 || err != nil {
		t.Errorf("%d parts: %v", n, err)
	}
	if _, err := os.Stat(PartPath(long, n+1)); err == nil {
		t.Errorf("%d parts, and there is one more", n)
	}
	for part, want := range map[int]int{1: 0, 2: 2} {
		if rec, err := Open(PartPath(long, part)); err != nil || rec.Part != want {
			t.Errorf("part %d opened alone: it says %d, want %d, %v", part, rec.Part, want, err)
		}
	}
	short := write("short.har", 1)
	if got := Parts(short); got != 1 {
		t.Errorf("one file: %d parts", got)
	}
	if err := os.Rename(PartPath(long, 2), PartPath(short, 2)); err != nil {
		t.Fatal(err)
	}
	if got := Parts(short); got != 1 {
		t.Errorf("another recording's part beside it: %d parts", got)
	}
	if got := Parts(long); got != 1 {
		t.Errorf("its second part is gone: %d parts", got)
	}
	if err := os.Rename(PartPath(long, 3), PartPath(long, 2)); err != nil {
		t.Fatal(err)
	}
	if got := Parts(long); got != 1 {
		t.Errorf("its third part is in the place of the second: %d parts", got)
	}
	for name, want := range map[string]int{"none.har": 0, "foreign.har": 1, "broken.har": 1} {
		path := filepath.Join(dir, name)
		if want > 0 {
			text := map[string]string{"foreign.har": `{"log":{"version":"1.2","entries":[{}]}}`, "broken.har": `{"log":{`}[name]
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := Parts(path); got != want {
			t.Errorf("%s: %d parts, want %d", name, got, want)
		}
	}
}
