package query

import "strings"

// nearest is the one of names that word was most likely meant as, the first of equals; ""
// when none is near: one that begins so, or that a few changed letters make of it.
func nearest(word string, names []string) string {
	best, least := "", 1<<20
	length := len([]rune(word))
	for _, n := range names {
		d := far(word, n)
		if length > 1 && strings.HasPrefix(n, word) {
			d = min(d, 1)
		}
		if d <= max(1, length/3) && d < least && length > 1 {
			best, least = n, d
		}
	}
	return best
}

// far is how many letters must be put in, left out, changed or swapped with their neighbour
// to make b of a.
func far(a, b string) int {
	x, y := []rune(a), []rune(b)
	const longest = 64 // what is longer is no slip
	if len(x) > longest || len(y) > longest || len(y) == 0 {
		return 1 << 10
	}
	rows := [3][]int{make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(x); i++ {
		before, last, now := rows[0], rows[1], rows[2]
		now[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, now, before
	}
	return rows[1][len(y)]
}
