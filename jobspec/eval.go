package jobspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"berth/structs"
)

// maxReferenced bounds the text all references of one expression stand for together, in bytes: values that are built of
// themselves grow without end otherwise.
const maxReferenced = 8 << 20

// maxHints bounds the errors for which all names of a file are compared with the one that is not known.
const maxHints = 20

// evaluator turns expressions into values. References that only mean something when a task runs (${NOMAD_PORT_http},
// ${attr.cpu.arch}) become the text they were written as.
type evaluator struct {
	rep   *report
	meter *meter
	given map[string]cty.Value // values of variables from files
	vars  []*variable
	made  int // attributes and blocks that dynamic blocks made
	// stopped: it was told that the work is used up.
	stopped bool
	// unread are all locals, while not all have a value yet.
	unread map[string]*local
	ctx    *hcl.EvalContext // functions, var, local
	source map[string][]byte
}

// evaluate gives the value, with iterators of dynamic blocks in scope; false after it reported why there is none.
func (e *evaluator) evaluate(expr hcl.Expression, scope *hcl.EvalContext) (cty.Value, bool) {
	native, isNative := expr.(hclsyntax.Expression)
	if isNative {
		if v, ok := e.constant(native, scope); ok {
			return v, true // most of a file is this
		}
	}
	if e.rep.full() {
		return cty.DynamicVal, false // nobody reads what else is wrong
	}
	if e.meter.exhausted() {
		return cty.DynamicVal, e.tooMuch(expr)
	}
	switch {
	case scope != nil: // of a dynamic block, for each of its elements
		if isNative && e.meter.spend(nodeWork*nodesOf(native)) != nil {
			return cty.DynamicVal, e.tooMuch(expr)
		}
	case isNative:
		e.meter.install(native)
		fallthrough
	default:
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
	v, diags := e.value(expr, ctx)
	if diags.HasErrors() {
		e.rep.hcl(diags)
		return cty.DynamicVal, false
	}
	if e.meter.exhausted() { // can() and try() hide it
		return cty.DynamicVal, e.tooMuch(expr)
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
	if size, _ := textSize(v, maxReferenced); size > maxReferenced {
		e.rep.error(expr.Range(), fmt.Sprintf("the value is larger than %d bytes", maxReferenced), "")
		return cty.DynamicVal, false
	}
	return v, true
}

// tooMuch tells once that the work is used up, and is false.
func (e *evaluator) tooMuch(expr hcl.Expression) bool {
	if !e.stopped {
		e.stopped = true
		e.rep.error(expr.Range(), errWork.Error(), "")
	}
	return false
}

// value evaluates an expression. The templates in the strings of JSON are read here, not by the library, so that they are
// counted as all others.
func (e *evaluator) value(expr hcl.Expression, ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if _, native := expr.(hclsyntax.Expression); native {
		return expr.Value(ctx)
	}
	if list, diags := hcl.ExprList(expr); !diags.HasErrors() {
		values := make([]cty.Value, 0, len(list))
		for _, x := range list {
			v, diags := e.value(x, ctx)
			if diags.HasErrors() {
				return cty.DynamicVal, diags
			}
			values = append(values, v)
		}
		return cty.TupleVal(values), nil
	}
	if pairs, diags := hcl.ExprMap(expr); !diags.HasErrors() {
		values := make(map[string]cty.Value, len(pairs))
		for _, p := range pairs {
			key, diags := e.value(p.Key, ctx)
			if diags.HasErrors() {
				return cty.DynamicVal, diags
			}
			name, err := toString(key)
			if err != nil {
				return cty.DynamicVal, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: err.Error(), Subject: p.Key.Range().Ptr()}}
			}
			if _, twice := values[name]; twice {
				return cty.DynamicVal, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: fmt.Sprintf("%q is there twice", name), Subject: p.Key.Range().Ptr()}}
			}
			if values[name], diags = e.value(p.Value, ctx); diags.HasErrors() {
				return cty.DynamicVal, diags
			}
		}
		return cty.ObjectVal(values), nil
	}
	v, diags := expr.Value(nil)
	if diags.HasErrors() || v.Type() != cty.String || v.IsNull() {
		return v, diags
	}
	text := v.AsString()
	if !strings.ContainsAny(text, "$%") {
		return v, nil
	}
	start := expr.Range().Start
	start.Byte, start.Column = start.Byte+1, start.Column+1
	template, diags := hclsyntax.ParseTemplate([]byte(text), expr.Range().Filename, start)
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	e.meter.install(template)
	return template.Value(ctx)
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
	if e.rep.errors < maxHints {
		names = slices.Sorted(maps.Keys(values.Type().AttributeTypes()))
		if kind == "local" && e.unread != nil {
			names = slices.Sorted(maps.Keys(e.unread))
		}
	}
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

// textSize adds up the text in a value, and stops soon after the limit; looked are the elements it looked at.
func textSize(v cty.Value, limit int) (size, looked int) {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return 0, 0
	}
	switch t := v.Type(); {
	case t == cty.String:
		return len(v.AsString()), 0
	case t.IsPrimitiveType():
		return 8, 0
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next() && size <= limit; looked++ {
			k, x := it.Element()
			n, more := textSize(x, limit-size)
			size, looked = size+n+8, looked+more
			if t.IsObjectType() || t.IsMapType() {
				size += len(k.AsString())
			}
		}
		return size, looked
	}
	return 8, 0
}
