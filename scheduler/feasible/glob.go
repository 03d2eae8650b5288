package feasible

import "strings"

// Glob reports that the pattern covers the text; `*` stands for any run of characters, also none.
func Glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = after
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}

// InDatacenters reports that the datacenter is covered by one of the job's patterns.
func InDatacenters(patterns []string, datacenter string) bool {
	for _, p := range patterns {
		if Glob(p, datacenter) {
			return true
		}
	}
	return false
}
