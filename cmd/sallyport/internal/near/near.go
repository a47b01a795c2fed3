// Package near finds the word that someone who mistyped may have meant.
package near

import "strings"

// Word returns the candidate nearest to typed, and whether one is near enough to be worth proposing:
// at most two letters off, and at most a third of the word. Of equally near ones the first wins.
func Word(typed string, candidates []string) (meant string, ok bool) {
	best := min(2, (len(typed)+2)/3) + 1
	for _, c := range candidates {
		if d := distance(strings.ToLower(typed), c); d < best {
			best, meant, ok = d, c, true
		}
	}
	return meant, ok
}

// distance counts the letters to insert, delete, replace, or swap with their neighbour to get from a
// to b (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := last[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
