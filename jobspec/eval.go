package jobspec

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"berth/structs"
)

// maxReferenced bounds the text all references of one expression stand for together, in bytes: values that are built of
// themselves grow without end otherwise.
const maxReferenced = 8 << 20

// evaluator turns expressions into values. References that only mean something when a task runs (${NOMAD_PORT_http},
// ${attr.cpu.arch}) become the text they were written as.
type evaluator struct {
	rep    *report
	meter  *meter
	given  map[string]cty.Value // values of variables from files
	vars   []*variable
	made   int              // attributes and blocks that dynamic blocks made
	ctx    *hcl.EvalContext // functions, var, local
	source map[string][]byte
}

// evaluate gives the value, with iterators of dynamic blocks in scope; false after it reported why there is none.
func (e *evaluator) evaluate(expr hcl.Expression, scope *hcl.EvalContext) (cty.Value, bool) {
	if text, ok := expr.(*hclsyntax.TemplateExpr); ok && text.IsStringLiteral() {
		if v, diags := text.Value(nil); !diags.HasErrors() {
			return v, true // most of a file is this
		}
	}
	if scope == nil {
		scope = e.ctx
	}
	late, ok := e.lateValues(expr, scope)
	if !ok {
		return cty.DynamicVal, false
	}
	ctx := scope
	if len(late) > 0 {
		ctx = scope.NewChild()
		ctx.Variables = late
	}
	v, diags := expr.Value(ctx)
	if diags.HasErrors() {
		e.rep.hcl(diags)
		return cty.DynamicVal, false
	}
	v, _ = v.UnmarkDeep()
	if !v.IsWhollyKnown() {
		return cty.DynamicVal, false // of something that was reported where it was written
	}
	if v.Type() != cty.String {
		if err := e.meter.take(v); err != nil {
			e.rep.error(expr.Range(), err.Error(), "")
			return cty.DynamicVal, false
		}
	}
	if size := textSize(v, maxReferenced); size > maxReferenced {
		e.rep.error(expr.Range(), fmt.Sprintf("the value is larger than %d bytes", maxReferenced), "")
		return cty.DynamicVal, false
	}
	return v, true
}

// defined reports that a name has a value in a scope or above it.
func defined(scope *hcl.EvalContext, name string) bool {
	for c := scope; c != nil; c = c.Parent() {
		if _, ok := c.Variables[name]; ok {
			return true
		}
	}
	return false
}

// known reports that a var or local exists; if not, it says so.
func (e *evaluator) known(tr hcl.Traversal, scope *hcl.EvalContext) bool {
	kind, what := tr.RootName(), "variable"
	if kind == "local" {
		what = "local"
	}
	values := cty.NilVal
	for c := scope; c != nil && values == cty.NilVal; c = c.Parent() {
		if v, ok := c.Variables[kind]; ok {
			values = v
		}
	}
	if values == cty.NilVal {
		e.rep.error(tr.SourceRange(), fmt.Sprintf("%s cannot be read here: defaults and given values are constants", kind), "use a local")
		return false
	}
	if len(tr) < 2 || !values.Type().IsObjectType() {
		return true
	}
	var name string
	switch step := tr[1].(type) {
	case hcl.TraverseAttr:
		name = step.Name
	case hcl.TraverseIndex:
		if step.Key.Type() != cty.String || !step.Key.IsKnown() || step.Key.IsNull() {
			return true
		}
		name = step.Key.AsString()
	}
	if values.Type().HasAttribute(name) {
		return true
	}
	var names []string
	for n := range values.Type().AttributeTypes() {
		names = append(names, n)
	}
	slices.Sort(names)
	hint := fmt.Sprintf("write %s %q { ... } at the top of the file", "variable", name)
	if what == "local" {
		hint = fmt.Sprintf("write locals { %s = ... } at the top of the file", name)
	}
	if near := structs.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %s.%s?", kind, near)
	}
	e.rep.error(tr.SourceRange(), fmt.Sprintf("there is no %s %q", what, name), hint)
	return false
}

func (e *evaluator) text(rng hcl.Range) string {
	src := e.source[rng.Filename]
	if rng.Start.Byte < 0 || rng.End.Byte > len(src) || rng.Start.Byte > rng.End.Byte {
		return ""
	}
	return string(src[rng.Start.Byte:rng.End.Byte])
}

// textSize adds up the text in a value, and stops soon after the limit.
func textSize(v cty.Value, limit int) int {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return 0
	}
	switch t := v.Type(); {
	case t == cty.String:
		return len(v.AsString())
	case t.IsPrimitiveType():
		return 8
	case v.CanIterateElements():
		n := 0
		for it := v.ElementIterator(); it.Next() && n <= limit; {
			k, x := it.Element()
			n += textSize(x, limit-n) + 8
			if t.IsObjectType() || t.IsMapType() {
				n += len(k.AsString())
			}
		}
		return n
	}
	return 8
}
