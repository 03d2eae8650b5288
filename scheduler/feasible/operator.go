package feasible

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/hashicorp/go-version"

	"berth/scheduler/fleet"
	"berth/structs"
)

// Constraint makes the test of a constraint. A constraint whose right side does not parse holds for no node.
func Constraint(c *structs.Constraint) func(*structs.Node) bool {
	return compare(c.LTarget, c.Operand, c.RTarget)
}

// Affinity makes the test of an affinity.
func Affinity(a *structs.Affinity) func(*structs.Node) bool {
	return compare(a.LTarget, a.Operand, a.RTarget)
}

// compare tests nodes. Nodes alike give the same two values, so answers are remembered by value.
func compare(left, operand, right string) func(*structs.Node) bool {
	type pair struct{ l, r string }
	known := map[pair]bool{}
	op := operator(operand)
	switch operand {
	case structs.OpIsSet, structs.OpIsNotSet:
		want := operand == structs.OpIsSet
		return func(n *structs.Node) bool {
			_, ok := fleet.Resolve(left, n)
			return ok == want
		}
	case "!=", "not":
		return func(n *structs.Node) bool {
			l, _ := fleet.Resolve(left, n)
			r, _ := fleet.Resolve(right, n)
			return l != r
		}
	}
	if op == nil {
		return func(*structs.Node) bool { return false }
	}
	return func(n *structs.Node) bool {
		l, lok := fleet.Resolve(left, n)
		r, rok := fleet.Resolve(right, n)
		if !lok || !rok {
			return false
		}
		answer, ok := known[pair{l, r}]
		if !ok {
			answer = op(l, r)
			known[pair{l, r}] = answer
		}
		return answer
	}
}

// Holds compares two values with an operator of the contract; false for an operator that is none.
func Holds(l, operand, r string) bool {
	if operand == "!=" || operand == "not" {
		return l != r
	}
	op := operator(operand)
	return op != nil && op(l, r)
}

func operator(operand string) func(l, r string) bool {
	switch operand {
	case "", "=", "==", "is":
		return func(l, r string) bool { return l == r }
	case "<":
		return func(l, r string) bool { return order(l, r) < 0 }
	case "<=":
		return func(l, r string) bool { return order(l, r) <= 0 }
	case ">":
		return func(l, r string) bool { return order(l, r) > 0 }
	case ">=":
		return func(l, r string) bool { return order(l, r) >= 0 }
	case structs.OpRegexp:
		return matchesRegexp
	case structs.OpVersion:
		return matchesVersion
	case structs.OpSemver:
		return matchesSemver
	case structs.OpSetContains, structs.OpSetContainsAll:
		return containsAll
	case structs.OpSetContainsAny:
		return containsAny
	}
	return nil
}

// order compares as integers if both are, else as floats if both are, else as text.
func order(l, r string) int {
	li, lerr := strconv.ParseInt(l, 10, 64)
	ri, rerr := strconv.ParseInt(r, 10, 64)
	if lerr == nil && rerr == nil {
		return cmp.Compare(li, ri)
	}
	lf, lerr := strconv.ParseFloat(l, 64)
	rf, rerr := strconv.ParseFloat(r, 64)
	if lerr == nil && rerr == nil {
		return cmp.Compare(lf, rf)
	}
	return cmp.Compare(l, r)
}

func matchesRegexp(l, r string) bool {
	re, err := regexp.Compile(r)
	return err == nil && re.MatchString(l)
}

func matchesVersion(l, r string) bool {
	v, err := version.NewVersion(l)
	if err != nil {
		return false
	}
	c, err := version.NewConstraint(r)
	return err == nil && c.Check(v)
}

// matchesSemver is strict about the form of versions; a pre-release is a version like others.
func matchesSemver(l, r string) bool {
	v, err := semver.StrictNewVersion(strings.TrimPrefix(l, "v"))
	if err != nil {
		return false
	}
	c, err := semver.NewConstraint(r)
	if err != nil {
		return false
	}
	c.IncludePrerelease = true
	return c.Check(v)
}

func members(list string) []string {
	parts := strings.Split(list, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func containsAll(l, r string) bool {
	have := members(l)
	for _, want := range members(r) {
		if !slices.Contains(have, want) {
			return false
		}
	}
	return true
}

func containsAny(l, r string) bool {
	have := members(l)
	return slices.ContainsFunc(members(r), func(want string) bool { return slices.Contains(have, want) })
}
