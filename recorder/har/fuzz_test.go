package har

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// addSeeds gives f whole, torn and foreign files.
func addSeeds(f *testing.F) {
	for _, tt := range readTests {
		f.Add([]byte(tt.file))
	}
	foreign, err := filepath.Glob("testdata/foreign/*.har")
	if err != nil || len(foreign) == 0 {
		f.Fatal("no foreign files", err)
	}
	for _, path := range foreign {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(data[:len(data)*2/3])
	}
	data, err := os.ReadFile(record(f, Options{}, exchangeEvents(firstOnConn(1), reused(2))...))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)-100])
	f.Add(data[:len(data)/2])
}

func FuzzRead(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := Read(bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, ErrNotHAR) {
				t.Errorf("error %v", err)
			}
			return
		}
		for i := range rec.Exchanges {
			x := &rec.Exchanges[i]
			if x.ID == 0 || !x.Done || i > 0 && rec.Exchanges[i-1].ID >= x.ID {
				t.Errorf("exchange %d: %+v", i, x)
			}
		}
		if events := rec.Events(); len(events) == 0 || events[0].Session == nil {
			t.Error("no session")
		}
	})
}

// FuzzRepair: a repaired file is JSON, has every entry that could be read before, and
// needs no further repair.
func FuzzRepair(f *testing.F) {
	addSeeds(f)
	path := filepath.Join(f.TempDir(), "fuzz.har")
	f.Fuzz(func(t *testing.T, data []byte) {
		before, err := Read(bytes.NewReader(data))
		if werr := os.WriteFile(path, data, 0o600); werr != nil {
			t.Fatal(werr)
		}
		lost, rerr := Repair(path)
		if (err == nil) != (rerr == nil) {
			t.Fatalf("read: %v, repair: %v", err, rerr)
		}
		fixed, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if rerr != nil || lost == 0 && !before.Repaired {
			if !bytes.Equal(fixed, data) {
				t.Fatal("a file that needs no repair was changed")
			}
			return
		}
		if !json.Valid(bytes.TrimPrefix(fixed, bom)) {
			t.Fatalf("not JSON: %q", fixed)
		}
		after, err := Read(bytes.NewReader(fixed))
		if err != nil || len(after.Exchanges) != len(before.Exchanges) || after.Skipped > before.Skipped {
			t.Fatalf("after the repair: %v, %+v\nbefore: %+v\n%q", err, after, before, fixed)
		}
		if diff := cmp.Diff(before.Exchanges, after.Exchanges); diff != "" {
			t.Fatalf("before the repair (-) and after (+):\n%s\n%q", diff, fixed)
		}
		if lost, err := Repair(path); lost != 0 || err != nil {
			t.Fatalf("the second repair lost %d, %v", lost, err)
		}
		if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, fixed) {
			t.Fatalf("the second repair changed the file: %v", err)
		}
	})
}
