package jobspec

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// constant gives the value of what a file is mostly written of, without a walk through the library: texts, numbers, words,
// references that only mean something when a task runs, and lists of these. Their values are no larger than their text, so that
// only what a dynamic block repeats is counted. False for all else, whose value may be the same: evaluate finds it.
func (e *evaluator) constant(expr hclsyntax.Expression, scope *hcl.EvalContext) (cty.Value, bool) {
	switch x := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		return x.Val, x.Val.Type() != cty.Number || e.meter.take(x.Val) == nil
	case *hclsyntax.TemplateExpr:
		if !x.IsStringLiteral() || scope != nil && e.meter.spend(textLength(x)) != nil {
			break
		}
		v, diags := x.Value(nil)
		return v, !diags.HasErrors()
	case *hclsyntax.TemplateWrapExpr:
		return e.kept(x.Wrapped, scope)
	case *hclsyntax.TupleConsExpr:
		if scope != nil {
			return cty.NilVal, false // of a dynamic block: once for each of its elements, which is counted
		}
		values := make([]cty.Value, len(x.Exprs))
		for i, y := range x.Exprs {
			v, ok := e.constant(y, scope)
			if !ok {
				return cty.NilVal, false
			}
			values[i] = v
		}
		return cty.TupleVal(values), true
	}
	return cty.NilVal, false
}

// kept gives the text of a reference that has no value before a task runs.
func (e *evaluator) kept(expr hclsyntax.Expression, scope *hcl.EvalContext) (cty.Value, bool) {
	tr, ok := expr.(*hclsyntax.ScopeTraversalExpr)
	if !ok {
		return cty.NilVal, false
	}
	if scope == nil {
		scope = e.ctx
	}
	root := tr.Traversal.RootName()
	if root == "var" || root == "local" || defined(scope, root) {
		return cty.NilVal, false
	}
	return cty.StringVal("${" + e.text(tr.SrcRange) + "}"), true
}

// textLength is the length of a text without references, in bytes.
func textLength(x *hclsyntax.TemplateExpr) int {
	if l, ok := x.Parts[0].(*hclsyntax.LiteralValueExpr); ok && l.Val.Type() == cty.String {
		return len(l.Val.AsString())
	}
	return 0
}
