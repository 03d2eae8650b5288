package jobspec

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"berth/structs"
)

// sugar names a decoder of its own.
type sugar uint8

const (
	sugarNone sugar = iota
	sugarJob
	sugarGroup
	sugarConstraint
	sugarAffinity
	sugarPort
	sugarReschedule
	sugarTaskScaling
	sugarWeights
)

// Where the language allows more than one way to write a thing, the functions below bring it into the one the structs have.

// sweet decodes a block by its own decoder.
func (d *decoder) sweet(u *blockUse) {
	switch u.block.sugar {
	case sugarJob:
		d.decodeJob(u)
	case sugarGroup:
		d.decodeGroup(u)
	case sugarConstraint:
		d.decodeConstraint(u)
	case sugarAffinity:
		d.decodeAffinity(u)
	case sugarPort:
		d.decodePort(u)
	case sugarReschedule:
		d.decodeReschedule(u)
	case sugarTaskScaling:
		d.decodeTaskScaling(u)
	case sugarWeights:
		d.decodeWeights(u)
	default:
		d.fields(u)
	}
}

// decodeJob decodes the job; tasks directly in it become groups of their own, before the others, and its vault and secrets those of every task.
func (d *decoder) decodeJob(u *blockUse) {
	var loose, groups, rest []blockNode
	inherited := map[string][]*node{}
	for _, bn := range u.node.blocks {
		switch bn.name {
		case "task":
			loose = append(loose, bn)
		case "group":
			groups = append(groups, bn)
		case "vault", "secret":
			inherited[bn.name] = append(inherited[bn.name], bn.node)
		default:
			rest = append(rest, bn)
		}
	}
	own := *u.node
	own.blocks = rest
	d.fields(&blockUse{block: u.block, node: &own, target: u.target, path: u.path})
	for _, bn := range loose {
		group := &node{rng: bn.node.rng, labels: bn.node.labels, blocks: []blockNode{bn}, scope: bn.node.scope}
		d.decodeInto(u, langGroup, group)
	}
	for _, bn := range groups {
		d.decodeInto(u, langGroup, bn.node)
	}
	for i, g := range u.target.Addr().Interface().(*structs.Job).TaskGroups {
		d.inherit(g, u.sub(fmt.Sprintf("TaskGroups[%d]", i)), inherited)
	}
}

// decodeGroup decodes a group; its vault and secrets are those of its tasks that have none.
func (d *decoder) decodeGroup(u *blockUse) {
	inherited := map[string][]*node{}
	own := *u.node
	own.blocks = nil
	for _, bn := range u.node.blocks {
		if bn.name == "vault" || bn.name == "secret" {
			inherited[bn.name] = append(inherited[bn.name], bn.node)
			continue
		}
		own.blocks = append(own.blocks, bn)
	}
	d.fields(&blockUse{block: u.block, node: &own, target: u.target, path: u.path})
	g := u.target.Addr().Interface().(*structs.TaskGroup)
	d.inherit(g, u.path, inherited)
	if g.Count == nil && g.Scaling != nil && g.Scaling.Min != nil {
		g.Count = new(int(*g.Scaling.Min))
	}
}

// decodeConstraint reads the short forms: `distinct_hosts = true`, `regexp = "..."`, `distinct_property = "..."`.
func (d *decoder) decodeConstraint(u *blockUse) {
	c := u.target.Addr().Interface().(*structs.Constraint)
	d.placement(u, &c.LTarget, &c.Operand, &c.RTarget)
}

// decodeAffinity is the same with a weight.
func (d *decoder) decodeAffinity(u *blockUse) {
	a := u.target.Addr().Interface().(*structs.Affinity)
	d.placement(u, &a.LTarget, &a.Operand, &a.RTarget)
}

func (d *decoder) placement(u *blockUse, left, op, right *string) {
	short := ""
	for _, use := range u.node.attrs {
		a := u.block.attrNamed(use.name)
		if a == nil {
			d.bad[u.path] = true
			d.unknown(u.block, use.name, use.nameRng, true)
			continue
		}
		if a.name == "weight" {
			d.attribute(u, use)
			continue
		}
		d.places[u.sub(a.field)] = use.expr.Range()
		v, ok := d.evaluate(use.expr, u.node.scope)
		if !ok {
			d.bad[u.path], d.bad[u.sub(a.field)] = true, true
			continue
		}
		var text string
		if a.kind == kindBool {
			var on bool
			if err := assign(reflect.ValueOf(&on).Elem(), a, v); err != nil {
				d.bad[u.path] = true
				d.rep.error(use.expr.Range(), err.text, err.hint)
				continue
			}
			text = strconv.FormatBool(on)
		} else if err := assign(reflect.ValueOf(&text).Elem(), a, v); err != nil {
			d.rep.error(use.expr.Range(), err.text, err.hint)
			continue
		}
		set := func(operator string) bool {
			if short != "" {
				d.rep.error(use.nameRng, fmt.Sprintf("%s and %s both set the operator", short, a.name), "keep one of them")
				return false
			}
			short, *op = a.name, operator
			return true
		}
		switch {
		case a.name == "attribute":
			*left = text
		case a.name == "value":
			*right = text
		case a.name == "operator":
			if short == "" {
				*op = text
			}
		case a.name == structs.OpDistinctHosts:
			if set(structs.OpDistinctHosts) {
				*right = text // "false" is no rule
			}
		case a.name == structs.OpDistinctProperty:
			if set(structs.OpDistinctProperty) {
				*left = text
			}
		case slices.Contains(constraintSugar, a.name):
			if set(a.name) {
				*right = text
			}
		}
	}
	for _, bn := range u.node.blocks {
		d.unknown(u.block, bn.name, bn.node.rng, false)
	}
	if *op == "" {
		*op = "="
	}
}

// decodePort adds a port: with a static number to the reserved ones, else to the dynamic ones.
func (d *decoder) decodePort(u *blockUse) {
	d.labels(u)
	nw := u.target.Addr().Interface().(*structs.NetworkResource)
	var p structs.Port
	if len(u.node.labels) > 0 {
		p.Label = u.node.labels[0].text
	}
	list, field := &nw.DynamicPorts, "DynamicPorts"
	for _, a := range u.node.attrs {
		if a.name == "static" && !d.isZero(a.expr, u.node.scope) {
			list, field = &nw.ReservedPorts, "ReservedPorts"
		}
	}
	path := u.sub(fmt.Sprintf("%s[%d]", field, len(*list)))
	d.places[path] = u.node.rng
	for i, l := range u.node.labels {
		if i == 0 {
			d.places[path+".Label"] = l.rng
		}
	}
	d.fields(&blockUse{block: u.block, node: u.node, target: reflect.ValueOf(&p).Elem(), path: path})
	*list = append(*list, p)
}

// isZero reports an expression whose value is the number 0.
func (d *decoder) isZero(expr hcl.Expression, scope *hcl.EvalContext) bool {
	v, ok := d.evaluate(expr, scope)
	return ok && !v.IsNull() && v.Type() == cty.Number && v.AsBigFloat().Sign() == 0
}

// decodeReschedule switches unlimited off when attempts are given without it.
func (d *decoder) decodeReschedule(u *blockUse) {
	d.fields(u)
	p := u.target.Addr().Interface().(*structs.ReschedulePolicy)
	if p.Attempts != nil && *p.Attempts > 0 && p.Unlimited == nil {
		p.Unlimited = new(false)
	}
}

// decodeTaskScaling reads the policy of the task's cpu or memory.
func (d *decoder) decodeTaskScaling(u *blockUse) {
	d.labels(&blockUse{block: u.block, node: u.node, target: u.target, path: u.path})
	d.fields(u)
	p := u.target.Addr().Interface().(*structs.ScalingPolicy)
	if len(u.node.labels) == 0 {
		return
	}
	switch l := u.node.labels[0]; l.text {
	case "cpu":
		p.Type = "vertical_cpu"
	case "mem":
		p.Type = "vertical_mem"
	default:
		d.rep.error(l.rng, fmt.Sprintf("a task's scaling is for cpu or mem, not %q", l.text), "")
	}
}

// decodeWeights gives a weight that is not written its default: in the structs 0 is a weight like any other.
func (d *decoder) decodeWeights(u *blockUse) {
	*u.target.Addr().Interface().(*structs.ServiceWeights) = structs.ServiceWeights{Passing: 1, Warning: 1}
	d.fields(u)
}
