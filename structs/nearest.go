package structs

import "strings"

// Nearest finds the candidate a person probably meant, or "" when none is close: one letter off; else contained in the
// word as some of its parts between underscores; else off by up to a third of its letters; else containing the word.
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", len(word)/3+1
	lower := strings.ToLower(word)
	for _, c := range candidates {
		if d := editDistance(lower, strings.ToLower(c), bestDistance); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	if best != "" && bestDistance <= 1 {
		return best
	}
	inside, around := "", ""
	for _, c := range candidates {
		if partOf(c, lower) && len(c) > len(inside) {
			inside = c
		}
		if around == "" && partOf(lower, c) {
			around = c
		}
	}
	switch {
	case inside != "":
		return inside
	case best != "":
		return best
	}
	return around
}

// partOf reports that small is one or more of the parts of big between underscores.
func partOf(small, big string) bool {
	return len(small) > 2 && strings.Contains("_"+big+"_", "_"+small+"_")
}

// editDistance counts inserted, removed, replaced and swapped letters; limit or more is reported as limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit || len(a) > 64 || len(b) > 64 {
		return limit
	}
	var rows [3][65]int
	before, previous, current := &rows[0], &rows[1], &rows[2]
	for i := range len(b) + 1 {
		previous[i] = i
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for k := 1; k <= len(b); k++ {
			cost := 1
			if a[i-1] == b[k-1] {
				cost = 0
			}
			current[k] = min(previous[k]+1, current[k-1]+1, previous[k-1]+cost)
			if i > 1 && k > 1 && a[i-1] == b[k-2] && a[i-2] == b[k-1] {
				current[k] = min(current[k], before[k-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return min(previous[len(b)], limit)
}
