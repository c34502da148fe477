package main

import (
	"cmp"
	"slices"
	"strings"
)

// nearest are at most three of names that word may have been meant as, the nearest first:
// those that contain it, and those that a few changed letters make of it.
func nearest(word string, names []string) []string {
	word = strings.ToLower(strings.TrimSpace(word))
	type candidate struct {
		name string
		far  int
	}
	var near []candidate
	for _, n := range names {
		far := distance(word, n)
		switch {
		case len(word) > 2 && strings.HasPrefix(n, word):
			far = 0
		case len(word) > 2 && (strings.Contains(n, word) || strings.Contains(word, n)):
			far = min(far, 1)
		}
		if far <= max(1, len(word)/3) {
			near = append(near, candidate{n, far})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.far, b.far) })
	var out []string
	for _, c := range near[:min(len(near), 3)] {
		out = append(out, c.name)
	}
	return out
}

// distance is how many letters must be put in, left out or changed to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
