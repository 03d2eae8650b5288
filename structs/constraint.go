package structs

// Constraint operators beyond the comparisons.
const (
	OpDistinctHosts    = "distinct_hosts"
	OpDistinctProperty = "distinct_property"
	OpRegexp           = "regexp"
	OpVersion          = "version"
	OpSemver           = "semver"
	OpSetContains      = "set_contains"
	OpSetContainsAll   = "set_contains_all"
	OpSetContainsAny   = "set_contains_any"
	OpIsSet            = "is_set"
	OpIsNotSet         = "is_not_set"
)

// Constraint must hold for a node to be feasible.
type Constraint struct {
	LTarget string
	RTarget string
	Operand string
}

// String is the constraint as people write it.
func (c *Constraint) String() string {
	switch c.Operand {
	case OpIsSet, OpIsNotSet:
		return c.LTarget + " " + c.Operand
	case OpDistinctHosts:
		return OpDistinctHosts + " " + c.RTarget
	}
	return c.LTarget + " " + c.Operand + " " + c.RTarget
}

// Affinity prefers nodes for which it holds; a negative weight avoids them.
type Affinity struct {
	LTarget string
	RTarget string
	Operand string
	Weight  *int8 // -100..100, not 0
}

// Spread distributes allocations over the values of an attribute.
type Spread struct {
	Attribute    string
	Weight       *int8 // 1..100
	SpreadTarget []*SpreadTarget
	// MaxSkew makes it a rule: no value gets that many more allocations than the value with the fewest. nil is a wish. Beside the
	// contract.
	MaxSkew *int `json:",omitempty"`
}

// SpreadTarget is the wanted share of one value.
type SpreadTarget struct {
	Value   string
	Percent uint8
}
