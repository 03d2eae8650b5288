package feasible_test

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"berth/scheduler/feasible"
)

func TestOperators(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		l, op, r string
		want     bool
	}{
		{"a", "=", "a", true}, {"a", "==", "b", false}, {"a", "is", "a", true}, {"a", "", "a", true},
		{"a", "!=", "a", false}, {"a", "not", "b", true},
		{"9", "<", "10", true}, {"9", "<=", "9", true}, {"1.5", "<", "1.25", false}, {"10", ">", "9", true}, {"b", ">=", "a", true},
		{"9", "<", "abc", true}, // texts, when one of them is no number
		{"web-1", "regexp", "^web", true}, {"web-1", "regexp", "^db", false}, {"x", "regexp", "(", false},
		{"1.2.3", "version", ">= 1.0, < 2.0", true}, {"1.2.3", "version", "~> 1.3", false}, {"1.2.3-beta", "version", ">= 1.0", false},
		{"nonsense", "version", ">= 1.0", false}, {"1.0", "version", "nonsense", false},
		{"1.2.3-beta", "semver", ">= 1.0.0", true}, {"1.2", "semver", ">= 1.0.0", false}, {"v1.2.3", "semver", "1.2.3", true},
		{"a, b,c", "set_contains", "c,a", true}, {"a,b", "set_contains_all", "a,d", false}, {"a,b", "set_contains_any", "d,b", true},
		{"a", "unheard of", "a", false},
	} {
		if got := feasible.Holds(c.l, c.op, c.r); got != c.want {
			t.Errorf("%q %s %q is %v", c.l, c.op, c.r, got)
		}
	}
}

// Patterns without a slash mean what they mean for file names.
func TestGlobIsThatOfPaths(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "*", "dc"}), 0, 6)
		pattern := strings.Join(letters.Draw(t, "pattern"), "")
		text := strings.ReplaceAll(strings.Join(letters.Draw(t, "text"), ""), "*", "")
		want, err := path.Match(pattern, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := feasible.Glob(pattern, text); got != want {
			t.Fatalf("%q covers %q: %v", pattern, text, got)
		}
	})
}

func FuzzHolds(f *testing.F) {
	f.Add("1.2.3", "version", ">= 1.0")
	f.Add("a,b", "set_contains", "b")
	f.Add("x", "regexp", "x+")
	f.Fuzz(func(t *testing.T, l, op, r string) {
		if feasible.Holds(l, op, r) != feasible.Holds(l, op, r) {
			t.Fatal("two answers")
		}
	})
}
