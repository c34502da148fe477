//go:build unix

package har

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"modtap/recorder"
)

// pipes are ways to read what a program writes as if it were a file. The writer may be
// left in the middle, by who has seen enough.
var pipes = map[string]func(t *testing.T, text []byte) string{
	"FIFO": func(t *testing.T, text []byte) string {
		path := filepath.Join(t.TempDir(), "x.har")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Skip("no FIFO can be made here: ", err)
		}
		go func() {
			if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
				defer f.Close()
				_, _ = f.Write(text)
			}
		}()
		return path
	},
	"/dev/fd": func(t *testing.T, text []byte) string { // what /dev/stdin leads to
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		go func() {
			defer w.Close()
			_, _ = w.Write(text)
		}()
		path := fmt.Sprintf("/dev/fd/%d", r.Fd())
		if _, err := os.Stat(path); err != nil {
			t.Skip("this system has none")
		}
		return path
	},
}

// TestPipes: modtap report /dev/stdin reads what a file of the same bytes has. A pipe
// cannot be read once more, which the quick way of reading may want.
func TestPipes(t *testing.T) {
	events := append([]recorder.Event{{Session: sampleSession()}}, exchangeEvents(richExchanges()...)...)
	whole, err := os.ReadFile(record(t, Options{}, events...))
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := os.ReadFile("testdata/foreign/chrome.har")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string][]byte{
		"a recording": whole, "of another program": foreign, "torn": whole[:len(whole)*2/3], "with garbage behind it": append(whole[:len(whole):len(whole)], "}}"...),
		"nothing": nil, "no HAR": []byte("<html>not found</html>"), "other JSON": []byte(`{"log":1}`),
	}
	opens := map[string]func(string) (*Recording, error){"Open": Open, "OpenFacts": OpenFacts}
	for way, pipe := range pipes {
		for name, text := range texts {
			for what, open := range opens {
				t.Run(way+", "+name+", "+what, func(t *testing.T) {
					file := filepath.Join(t.TempDir(), "x.har")
					if err := os.WriteFile(file, text, 0o600); err != nil {
						t.Fatal(err)
					}
					want, wantErr := open(file)
					got, err := open(pipe(t, text))
					if (err == nil) != (wantErr == nil) || errors.Is(err, ErrNotHAR) != errors.Is(wantErr, ErrNotHAR) {
						t.Fatalf("%v; of a file: %v", err, wantErr)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("(-file +pipe):\n%s", diff)
					}
					if readable := name != "nothing" && name != "no HAR" && name != "other JSON"; readable != (err == nil) || !readable && !errors.Is(err, ErrNotHAR) {
						t.Errorf("got %v", err)
					}
				})
			}
		}
	}
}
