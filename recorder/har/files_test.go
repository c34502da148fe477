package har

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNewFileListPrune(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "recordings")
	if paths, err := List(dir); err != nil || len(paths) != 0 {
		t.Errorf("List before the folder exists: %v, %v", paths, err)
	}
	now := time.Date(2026, 11, 22, 14, 30, 0, 0, time.UTC)
	var made []string
	for i := range 13 {
		path, err := NewFile(dir, now.Add(time.Duration(i/11)*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, filepath.Base(path))
	}
	if made[0] != "modtap-20261122-143000.har" || made[1] != "modtap-20261122-143000-2.har" || made[12] != "modtap-20261122-143001-2.har" {
		t.Errorf("names: %q", made)
	}
	oldest := filepath.Join(dir, made[0])
	w, err := Create(oldest, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	stem := filepath.Join(dir, "modtap-20261122-143000-2")
	os.WriteFile(stem+".2.har", nil, 0o600)
	os.Mkdir(stem+".bodies", 0o700)
	os.WriteFile(stem+".bodies/x", nil, 0o600)
	os.WriteFile(filepath.Join(dir, "mine.har"), nil, 0o600)
	os.WriteFile(filepath.Join(dir, "modtap-20261122-143000-copy.har"), nil, 0o600)

	if err := Prune(dir, 2); err != nil {
		t.Fatal(err)
	}
	want := []string{"mine.har", "modtap-20261122-143000-copy.har", made[0], made[12], made[11]}
	var got []string
	entries, _ := os.ReadDir(dir) // sorted by name
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	paths, err := List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"modtap-20261122-143001-2.har", "modtap-20261122-143001.har", "modtap-20261122-143000.har"} {
		if filepath.Base(paths[i]) != want {
			t.Errorf("List()[%d] = %s, want %s", i, paths[i], want)
		}
	}
	w.Close()
	if err := Prune(dir, 0); err != nil {
		t.Fatal(err)
	}
	if paths, _ := List(dir); len(paths) != 0 {
		t.Errorf("left after the writer closed: %q", paths)
	}
}

func TestDir(t *testing.T) {
	t.Setenv("MODTAP_HOME", filepath.Join("x", "y"))
	if dir, err := Dir(); err != nil || dir != filepath.Join("x", "y", "recordings") {
		t.Errorf("Dir() = %q, %v", dir, err)
	}
}

func TestPartPath(t *testing.T) {
	for _, tt := range []struct {
		path string
		part int
		want string
	}{
		{"a/b.har", 1, "a/b.har"}, {"a/b.har", 2, "a/b.2.har"}, {"a.b/c", 3, "a.b/c.3"}, {"x.json", 10, "x.10.json"},
	} {
		if got := PartPath(tt.path, tt.part); got != tt.want {
			t.Errorf("PartPath(%q, %d) = %q, want %q", tt.path, tt.part, got, tt.want)
		}
	}
}
