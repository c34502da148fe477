package tui

import (
	"cmp"
	"slices"
)

func compare[T cmp.Ordered](a, b T) int { return cmp.Compare(a, b) }

// without is rows without those at these places, which are sorted.
func without(rows []*row, gone []int) []*row {
	if len(gone) == 0 {
		return rows
	}
	to := gone[0]
	for i, at := range gone {
		end := len(rows)
		if i+1 < len(gone) {
			end = gone[i+1]
		}
		to += copy(rows[to:], rows[at+1:end])
	}
	clear(rows[to:])
	return rows[:to]
}

// with is rows and those of add in their order, in which both are. Few that are added to many
// cost few comparisons.
func with(rows, add []*row, order func(a, b *row) int) []*row {
	if len(add) == 0 {
		return rows
	}
	end := len(rows)
	rows = append(rows, add...) // the room
	for i := len(add) - 1; i >= 0; i-- {
		at := end
		if end > 0 && order(rows[end-1], add[i]) > 0 {
			at, _ = slices.BinarySearchFunc(rows[:end], add[i], order)
		}
		copy(rows[at+i+1:], rows[at:end])
		rows[at+i] = add[i]
		end = at
	}
	return rows
}
