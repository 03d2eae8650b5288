package jobspec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"berth/structs"
)

// variable is an input of a job file.
type variable struct {
	name string
	rng  hcl.Range
	typ  cty.Type // DynamicPseudoType: any
	// optional are the values of attributes that may be left out, nil if there are none.
	optional *typeexpr.Defaults
	broken   bool // its type cannot be read: no value is of it
	deflt    cty.Value
	value    cty.Value // NilVal: none
	given    hcl.Range // where the value came from
	text     *string   // what a flag or the environment gave, unless a file gave another after it
	rules    []rule
}

// rule is a validation block.
type rule struct {
	condition hcl.Expression
	message   hcl.Expression
	rng       hcl.Range
}

// inputs evaluates variables and locals. One without a value stands as unknown from there on, so that what uses it is not
// reported a second time.
func (e *evaluator) inputs(root *node, opts ParseOptions) {
	vars := e.variables(root)
	e.vars = vars
	e.fromEnvironment(vars, opts.Env)
	for _, f := range opts.VarFiles {
		e.fromFile(vars, f, opts.Strict)
	}
	e.fromFlags(vars, opts.Vars, opts.Strict)
	values := map[string]cty.Value{}
	for _, v := range vars {
		switch {
		case v.value != cty.NilVal:
		case v.deflt != cty.NilVal:
			v.value = v.deflt
		default:
			e.rep.error(v.rng, fmt.Sprintf("variable %q has no value", v.name), fmt.Sprintf("give one with -var %s=..., a -var-file or NOMAD_VAR_%s, or write a default", v.name, v.name))
			v.value = cty.UnknownVal(v.typ)
		}
		values[v.name] = v.value
	}
	e.ctx.Variables = map[string]cty.Value{"var": cty.ObjectVal(values)}
	for _, v := range vars {
		e.check(v)
	}
	e.locals(root)
}

// variables reads the declarations, sorted by name.
func (e *evaluator) variables(root *node) []*variable {
	var vars []*variable
	have := map[string]*variable{}
	add := func(v *variable) {
		if old := have[v.name]; old != nil {
			e.rep.error(v.rng, fmt.Sprintf("variable %q is there twice; the first is on line %d", v.name, e.rep.line(old.rng)), "")
			return
		}
		have[v.name] = v
		vars = append(vars, v)
	}
	for _, bn := range root.blocks {
		if bn.name == "variable" {
			if v := e.declare(bn.node); v != nil {
				add(v)
			}
		}
	}
	e.eachOf(root, "variables", func(name string, expr hcl.Expression, rng hcl.Range) {
		if v, ok := e.evaluate(expr, nil); ok {
			add(&variable{name: name, rng: rng, typ: cty.DynamicPseudoType, deflt: v})
		}
	})
	slices.SortFunc(vars, func(a, b *variable) int { return strings.Compare(a.name, b.name) })
	return vars
}

func find(vars []*variable, name string) *variable {
	for _, v := range vars {
		if v.name == name {
			return v
		}
	}
	return nil
}

// declare reads one variable block.
func (e *evaluator) declare(n *node) *variable {
	if len(n.labels) != 1 {
		e.rep.error(n.rng, "a variable has one label: its name", `write variable "name" { ... }`)
		return nil
	}
	v := &variable{name: n.labels[0].text, rng: n.rng, typ: cty.DynamicPseudoType}
	if !hclsyntax.ValidIdentifier(v.name) {
		e.rep.error(n.labels[0].rng, fmt.Sprintf("%q is not a name: letters, digits, - and _, not beginning with a digit", v.name), "")
		return nil
	}
	var deflt hcl.Expression
	for _, a := range n.attrs {
		switch a.name {
		case "type":
			t, optional, diags := typeexpr.TypeConstraintWithDefaults(a.expr)
			if diags.HasErrors() {
				e.rep.hcl(diags)
				v.value, v.broken = cty.DynamicVal, true
				continue
			}
			v.typ, v.optional = t, optional
		case "default":
			deflt = a.expr
		case "description":
			e.evaluate(a.expr, nil)
		default:
			hint := ""
			if near := structs.Nearest(a.name, langVariable.words()); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			e.rep.error(a.nameRng, fmt.Sprintf("variable has no attribute %q", a.name), hint)
		}
	}
	for _, bn := range n.blocks {
		if bn.name != "validation" {
			e.rep.error(bn.node.rng, fmt.Sprintf("variable has no block %q", bn.name), "")
			continue
		}
		r := rule{rng: bn.node.rng}
		for _, a := range bn.node.attrs {
			switch a.name {
			case "condition":
				r.condition = a.expr
			case "error_message":
				r.message = a.expr
			default:
				e.rep.error(a.nameRng, fmt.Sprintf("validation has no attribute %q", a.name), "it has condition and error_message")
			}
		}
		if r.condition == nil || r.message == nil {
			e.rep.error(bn.node.rng, "a validation needs condition and error_message", "")
			continue
		}
		v.rules = append(v.rules, r)
	}
	if deflt == nil {
		return v
	}
	value, ok := e.evaluate(deflt, nil)
	if !ok {
		v.deflt = cty.UnknownVal(v.typ)
		return v
	}
	conv, err := e.convert(v, value)
	if err != nil {
		e.rep.error(deflt.Range(), fmt.Sprintf("the default of variable %q must be of type %s: %s", v.name, v.typ.FriendlyName(), err), "")
		conv = cty.UnknownVal(v.typ)
	}
	v.deflt = conv
	return v
}

// check applies the validation rules.
func (e *evaluator) check(v *variable) {
	for _, r := range v.rules {
		good, ok := e.evaluate(r.condition, nil)
		if !ok {
			continue
		}
		b, err := convert.Convert(good, cty.Bool)
		if err != nil || b.IsNull() || !b.IsKnown() {
			e.rep.error(r.condition.Range(), "the condition must be true or false", "")
			continue
		}
		if b.True() {
			continue
		}
		message, ok := e.evaluate(r.message, nil)
		text, err := toString(message)
		if !ok || err != nil {
			text = "is not valid"
		}
		at := v.given
		if at.Filename == "" {
			at = v.rng
		}
		e.rep.error(at, fmt.Sprintf("variable %q: %s", v.name, strings.TrimSuffix(strings.TrimSpace(text), ".")), "")
	}
}

// convert makes a value of the variable's type, with the optional attributes that are missing in it.
func (e *evaluator) convert(v *variable, value cty.Value) (cty.Value, error) {
	if err := e.meter.spend(convertWork(value, v.typ)); err != nil {
		return cty.DynamicVal, err
	}
	if v.optional != nil && !value.IsNull() {
		value = v.optional.Apply(value)
	}
	return convert.Convert(value, v.typ)
}
