package structs

import (
	"slices"
	"strconv"
	"strings"
)

// scope is where a constraint stands.
type scope uint8

const (
	scopeJob scope = iota
	scopeGroup
	scopeTask
	scopeDevice
)

var comparisons = []string{"=", "!=", "<", "<=", ">", ">=", OpRegexp, OpVersion, OpSemver, OpSetContains, OpSetContainsAll, OpSetContainsAny}

// constraintOperators are all a constraint may have, in the order people read them.
func constraintOperators() []string {
	return append(slices.Clone(comparisons), OpIsSet, OpIsNotSet, OpDistinctHosts, OpDistinctProperty)
}

// checkPlacement checks what decides where allocations go.
func (c *checker) checkPlacement(p *place, s scope, cs []*Constraint, as []*Affinity, ss []*Spread) {
	if n := len(cs) + len(as) + len(ss); n > c.limits.MaxConstraints {
		c.fault(p.in("Constraints"), "there are %d constraints, affinities and spreads; at most %d are allowed", n, c.limits.MaxConstraints)
		return
	}
	for i, con := range cs {
		c.checkConstraint(p.item("Constraints", i), s, con)
	}
	system := c.job.Type == JobTypeSystem || c.job.Type == JobTypeSysBatch
	if system && s != scopeDevice && len(as) > 0 {
		c.fault(p.item("Affinities", 0), "a %s job has no affinity: it runs on every node that fits", c.job.Type).Hint = "use a constraint"
		as = nil
	}
	for i, a := range as {
		c.checkAffinity(p.item("Affinities", i), s, a)
	}
	if system && len(ss) > 0 {
		c.fault(p.item("Spreads", 0), "a %s job has no spread: it runs on every node that fits", c.job.Type).Hint = "use a constraint"
		return
	}
	for i, sp := range ss {
		c.checkSpread(p.item("Spreads", i), sp)
	}
}

func (c *checker) checkConstraint(p *place, s scope, con *Constraint) {
	switch con.Operand {
	case OpDistinctHosts:
		if s >= scopeTask {
			c.fault(p.in("Operand"), "distinct_hosts cannot be used in a task").Hint = "move the constraint to the group"
		}
		if _, err := strconv.ParseBool(con.RTarget); err != nil {
			c.fault(p.in("RTarget"), `distinct_hosts is %q; it must be "true" or "false"`, clip(con.RTarget))
		}
		return
	case OpDistinctProperty:
		if s >= scopeTask {
			c.fault(p.in("Operand"), "distinct_property cannot be used in a task").Hint = "move the constraint to the group"
		}
		if n, err := strconv.ParseUint(con.RTarget, 10, 31); con.RTarget != "" && (err != nil || n == 0) {
			c.fault(p.in("RTarget"), "value is %q; for distinct_property it must be a count of 1 or more", clip(con.RTarget))
		}
	case OpIsSet, OpIsNotSet:
		if con.RTarget != "" {
			c.fault(p.in("RTarget"), "%s takes no value", con.Operand)
		}
	default:
		if !slices.Contains(comparisons, con.Operand) {
			c.unknownOperator(p, con.Operand, constraintOperators())
			return
		}
		c.checkComparison(p, con.Operand, con.RTarget)
	}
	c.checkTarget(p.in("LTarget"), s, con.LTarget)
}

func (c *checker) unknownOperator(p *place, op string, known []string) {
	f := c.fault(p.in("Operand"), "operator %q is not known", clip(op))
	f.Hint = didYouMean(op, known)
	if f.Hint == "" {
		f.Hint = "use one of " + strings.Join(known, " ")
	}
}

func (c *checker) checkAffinity(p *place, s scope, a *Affinity) {
	if w := int(val(a.Weight)); w == 0 || w < -100 || w > 100 {
		c.fault(p.in("Weight"), "weight is %d; it must be between -100 and 100, and not 0", w)
	}
	if !slices.Contains(comparisons, a.Operand) {
		if slices.Contains(constraintOperators(), a.Operand) {
			c.fault(p.in("Operand"), "operator %q is for constraints only", a.Operand)
			return
		}
		c.unknownOperator(p, a.Operand, comparisons)
		return
	}
	c.checkComparison(p, a.Operand, a.RTarget)
	c.checkTarget(p.in("LTarget"), s, a.LTarget)
}

// checkComparison checks the right side.
func (c *checker) checkComparison(p *place, op, value string) {
	at := p.in("RTarget")
	if value == "" {
		c.fault(at, "operator %q needs a value", op)
		return
	}
	if strings.Contains(value, "${") {
		return
	}
	var err error
	switch op {
	case OpRegexp:
		err = CheckRegexp(value)
	case OpVersion, OpSemver:
		err = CheckVersionConstraint(value, op == OpSemver)
	}
	if err != nil {
		c.fault(at, "%s %q: %v", op, clip(value), err)
	}
}

// checkTarget checks the left side: a reference to something of the node.
func (c *checker) checkTarget(at *place, s scope, target string) {
	switch {
	case target == "":
		c.fault(at, "the attribute is missing").Hint = `write attribute = "${attr.kernel.name}"`
	case s == scopeDevice:
		if strings.HasPrefix(target, "${") && !strings.HasPrefix(target, "${device.") && !strings.HasPrefix(target, "${attr.") {
			c.fault(at, "%q is not something of a device", clip(target)).Hint = "use ${device.model}, ${device.vendor}, ${device.type}, ${device.ids} or ${device.attr.<name>}"
		}
	case !strings.HasPrefix(target, "${") || !strings.HasSuffix(target, "}"):
		f := c.warn(at, "attribute %q is plain text, the same on every node", clip(target))
		if guess := target; strings.HasPrefix(guess, "attr.") || strings.HasPrefix(guess, "node.") || strings.HasPrefix(guess, "meta.") {
			f.Hint = "did you mean \"${" + clip(guess) + "}\"?"
		} else {
			f.Hint = "write \"${attr." + clip(target) + "}\" for what the node reports"
		}
	default:
		c.checkReference(at, target[2:len(target)-1])
	}
}

// nodeReferences are the references the scheduler resolves that are not attributes or meta.
var nodeReferences = []string{"node.unique.id", "node.unique.name", "node.datacenter", "node.class", "node.pool"}

func (c *checker) checkReference(p *place, ref string) {
	root, rest, _ := strings.Cut(ref, ".")
	switch root {
	case "attr", "meta":
		if rest == "" {
			c.fault(p, "${%s} names nothing", clip(ref)).Hint = "add the name: ${" + root + ".<name>}"
		}
	case "node":
		if ref == "node.region" {
			c.fault(p, "${node.region} cannot be used for placement: all nodes of a cluster have one region")
		} else if !slices.Contains(nodeReferences, ref) {
			f := c.fault(p, "${%s} is not known", clip(ref))
			f.Hint = didYouMean(ref, nodeReferences)
			if f.Hint == "" {
				f.Hint = "use one of ${" + strings.Join(nodeReferences, "}, ${") + "}"
			}
		}
	default:
		f := c.fault(p, "${%s} is not known to the scheduler", clip(ref))
		f.Hint = "use ${attr.<name>}, ${meta.<key>} or ${node.<property>}"
		if near := Nearest(root, []string{"attr", "attribute", "meta", "node"}); near != "" && rest != "" {
			f.Hint = "did you mean \"${" + strings.TrimSuffix(near, "ibute") + "." + clip(rest) + "}\"?"
		}
	}
}

func (c *checker) checkSpread(p *place, s *Spread) {
	c.checkTarget(p.in("Attribute"), scopeGroup, s.Attribute)
	if w := int(val(s.Weight)); w < 1 || w > 100 {
		c.fault(p.in("Weight"), "weight is %d; it must be between 1 and 100", w)
	}
	if s.MaxSkew != nil && *s.MaxSkew < 1 {
		c.fault(p.in("MaxSkew"), "max_skew is %d; it must be at least 1", *s.MaxSkew)
	}
	seen, sum := map[string]bool{}, 0
	for i, t := range s.SpreadTarget {
		at := p.item("SpreadTarget", i)
		if seen[t.Value] {
			c.fault(at.in("Value"), "target %q is there twice", clip(t.Value))
		}
		seen[t.Value] = true
		if t.Percent > 100 {
			c.fault(at.in("Percent"), "percent is %d; it must be between 0 and 100", t.Percent)
		}
		sum += int(t.Percent)
	}
	if sum > 100 {
		c.fault(p.in("SpreadTarget"), "the targets add up to %d percent; at most 100 are there to share", sum)
	}
}
