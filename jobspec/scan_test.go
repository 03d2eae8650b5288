package jobspec

import (
	"strings"
	"testing"
)

// TestBoundsOfAText: what is counted before a text is parsed may be as much as allowed, and no more.
func TestBoundsOfAText(t *testing.T) {
	rep := strings.Repeat
	line := rep("x", 99) + "\n" // a text of n lines and 100 n bytes
	for name, c := range map[string]struct {
		file, want string
		text       func(n int) string
		most, over int
	}{
		"blocks":           {"j.hcl", "more than 10000 blocks", func(n int) string { return rep("a \"b\" {\n}\n", n) }, maxBlocks, 1 + maxBlocks},
		"elements":         {"j.hcl", "more than 10000 elements", func(n int) string { return "a = [" + rep("-1,", n) + "]" }, maxElements, 1 + maxElements},
		"names of a block": {"j.hcl", "more than 10000 elements", func(n int) string { return rep("a = -1\n", n) }, maxElements, 1 + maxElements},
		"names of a map":   {"j.hcl", "more than 10000 elements", func(n int) string { return "a = {\n" + rep("a : 1\n", n) + "}" }, maxElements, 1 + maxElements},
		"references":       {"j.hcl", "more than 10000 elements", func(n int) string { return `a = "` + rep("${1}", n) + `"` }, maxElements, 1 + maxElements},
		"words":            {"j.hcl", "more than 450000 words", func(n int) string { return rep("\n", n) }, maxTokens - 1, maxTokens},
		"signs":            {"j.hcl", "more than 900000 signs", func(n int) string { return "/*" + rep("-", n-4) + "*/" }, maxSigns, 1 + maxSigns},
		"lines":            {"j.hcl", "too many lines", func(n int) string { return "a = <<EOF\n" + rep(line, n) + "EOF\n" }, 4634, 1 + 4634},
		"lines of two":     {"j.hcl", "too many lines", func(n int) string { return rep("a = <<EOF\n"+rep(line, n/2)+"EOF\n", 2) }, 6552, 6554},
		"JSON elements":    {"j.json", "more than 10000 elements", func(n int) string { return "[" + rep(`1,`, n-1) + "1]" }, maxElements, 1 + maxElements},
		"JSON objects":     {"j.json", "more than 30000 objects", func(n int) string { return "[" + rep("["+rep("{},", 5999)+"{}],", n/6000) + rep("{},", n%6000) + "1]" }, maxObjects, 1 + maxObjects},
		"JSON values": {"j.json", "the file has more than 150000 values", func(n int) string {
			return "[" + rep("["+rep("1,", 9_999)+"1],", n/10_000) + rep("1,", n%10_000) + "1]"
		}, maxCommas, 1 + maxCommas},
		"JSON words": {"j.json", "more than 450000 words", func(n int) string { return "[" + rep(`"`+rep("${1}", 100)+`",`, n) + "1]" }, 1400, 1600},
	} {
		if racing && len(c.text(c.over)) > 200<<10 {
			continue // scripts/test-json runs them without the race detector
		}
		t.Run(name, func(t *testing.T) {
			if diags := Scan(c.file, []byte(c.text(c.most))); len(diags) > 0 {
				t.Errorf("%d: %s", c.most, diags[0].Error())
			}
			diags := Scan(c.file, []byte(c.text(c.over)))
			if len(diags) != 1 || !strings.Contains(diags[0].Summary, c.want) {
				t.Errorf("%d: %.300v", c.over, diags)
			}
		})
	}
}
