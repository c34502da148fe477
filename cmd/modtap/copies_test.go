package main

import (
	"errors"
	"os"
	"testing"
)

// TestCopiesEnd: modtap leaves no copy behind, also not one that is begun while it ends.
func TestCopiesEnd(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("TMP", t.TempDir())
	var c copies
	var dirs []string
	for range 2 {
		dir, err := c.folder()
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	c.remove(dirs[0])
	c.remove(dirs[0])
	c.end()
	for _, dir := range dirs {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", dir, err)
		}
	}
	if dir, err := c.folder(); !errors.Is(err, errEnding) {
		t.Errorf("there is one more, %s, %v", dir, err)
	}
}
