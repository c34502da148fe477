package diagnose

import (
	"slices"
	"testing"
)

// A later part of a recording is not taken for all of it.
func TestPartNote(t *testing.T) {
	note := "this is part 2 alone of a recording: its first file gives all of it"
	for part, want := range map[int]bool{0: false, 2: true} {
		a := &Analysis{In: &Input{Part: part}}
		if got := slices.Contains(a.notes(), note); got != want {
			t.Errorf("part %d: noted %v, want %v", part, got, want)
		}
	}
}
