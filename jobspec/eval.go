package jobspec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

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
	made   int                  // attributes and blocks that dynamic blocks made
	ctx    *hcl.EvalContext     // functions, var, local
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

// lateValues gives the names an expression uses that have no value now, each standing for the references' own text.
func (e *evaluator) lateValues(expr hcl.Expression, scope *hcl.EvalContext) (map[string]cty.Value, bool) {
	var late map[string]*lateName
	var written map[int]bool
	referenced := 0
	for _, tr := range expr.Variables() {
		root := tr.RootName()
		if (root == "var" || root == "local") && !e.known(tr, scope) {
			return nil, false
		}
		if defined(scope, root) {
			if v, diags := tr.TraverseAbs(scope); !diags.HasErrors() {
				referenced += textSize(v, maxReferenced)
			}
			if referenced > maxReferenced {
				e.rep.error(expr.Range(), fmt.Sprintf("its references stand for more than %d bytes", maxReferenced), "")
				return nil, false
			}
			continue
		}
		native, ok := expr.(hclsyntax.Expression)
		text := stepsText(tr)
		if ok {
			text = e.text(tr.SourceRange())
			if written == nil {
				written = inTemplates(native)
			}
			if !written[tr.SourceRange().Start.Byte] {
				e.bare(expr, tr)
				return nil, false
			}
		}
		if late == nil {
			late = map[string]*lateName{}
		}
		if late[root] == nil {
			late[root] = &lateName{}
		}
		if !late[root].add(tr[1:], "${"+text+"}") {
			e.rep.error(tr.SourceRange(), fmt.Sprintf("%s cannot stand beside the other references of this text", text), "give each its own attribute, or build the text in a template")
			return nil, false
		}
	}
	if late == nil {
		return nil, true
	}
	out := make(map[string]cty.Value, len(late))
	for name, l := range late {
		out[name] = l.value()
	}
	return out, true
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

// inTemplates gives where the references begin that are a part of a template by themselves: "${attr.cpu.arch}". Only those
// can be kept as text.
func inTemplates(expr hclsyntax.Expression) map[int]bool {
	starts := map[int]bool{}
	part := func(x hclsyntax.Expression) {
		if tr, ok := x.(*hclsyntax.ScopeTraversalExpr); ok {
			starts[tr.SrcRange.Start.Byte] = true
		}
	}
	_ = hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		switch x := n.(type) {
		case *hclsyntax.TemplateWrapExpr:
			part(x.Wrapped)
		case *hclsyntax.TemplateExpr:
			for _, p := range x.Parts {
				part(unwrapped(p))
			}
		}
		return nil
	})
	return starts
}

// bare answers a reference without a value where it would have to have one.
func (e *evaluator) bare(expr hcl.Expression, tr hcl.Traversal) {
	root, text := tr.RootName(), e.text(tr.SourceRange())
	_, alone := expr.(*hclsyntax.ScopeTraversalExpr)
	switch near := nearestRoot(root); {
	case near != "":
		e.rep.error(tr.SourceRange(), fmt.Sprintf("there is nothing named %q here", root), fmt.Sprintf("did you mean %s%s?", near, strings.TrimPrefix(text, root)))
	case isLate(root) && alone:
		e.rep.error(tr.SourceRange(), text+" has no value before the task runs", fmt.Sprintf(`write "${%s}"`, text))
	case isLate(root):
		e.rep.error(tr.SourceRange(), text+" has no value before the task runs: nothing can be computed from it", fmt.Sprintf(`write "${%s}" by itself`, text))
	case len(tr) == 1:
		e.rep.error(tr.SourceRange(), fmt.Sprintf("there is nothing named %q here", root), fmt.Sprintf(`write %q for the text itself`, text))
	default:
		e.rep.error(tr.SourceRange(), fmt.Sprintf("there is nothing named %q here", root), "")
	}
}

// isLate reports that a root belongs to references of run time.
func isLate(root string) bool {
	return strings.HasPrefix(root, "NOMAD_") || slices.Contains([]string{"attr", "node", "meta", "env", "device", "secret"}, root)
}

func nearestRoot(root string) string {
	for _, c := range []string{"var", "local"} {
		if root != c && (strings.HasPrefix(root, c) || strings.HasPrefix(c, root)) && len(root) > 1 {
			return c
		}
	}
	return ""
}

func (e *evaluator) text(rng hcl.Range) string {
	src := e.source[rng.Filename]
	if rng.Start.Byte < 0 || rng.End.Byte > len(src) || rng.Start.Byte > rng.End.Byte {
		return ""
	}
	return string(src[rng.Start.Byte:rng.End.Byte])
}

// stepsText writes a reference; in JSON its source has another level of quotes.
func stepsText(tr hcl.Traversal) string {
	var b strings.Builder
	for _, step := range tr {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(s.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + s.Name)
		case hcl.TraverseIndex:
			switch {
			case s.Key.Type() == cty.String && s.Key.IsKnown() && !s.Key.IsNull():
				b.WriteString("[" + strconv.Quote(s.Key.AsString()) + "]")
			case s.Key.Type() == cty.Number && s.Key.IsKnown() && !s.Key.IsNull():
				b.WriteString("[" + s.Key.AsBigFloat().Text('g', 10) + "]")
			}
		}
	}
	return b.String()
}

// lateName is a tree of the references that begin with one name.
type lateName struct {
	text  string // set at a leaf
	steps map[string]*lateName
}

func (l *lateName) add(steps hcl.Traversal, text string) bool {
	if len(steps) == 0 {
		if l.steps != nil {
			return false
		}
		l.text = text
		return true
	}
	if l.text != "" {
		return false
	}
	var key string
	switch s := steps[0].(type) {
	case hcl.TraverseAttr:
		key = s.Name
	case hcl.TraverseIndex:
		if s.Key.Type() != cty.String || !s.Key.IsKnown() || s.Key.IsNull() {
			return false
		}
		key = s.Key.AsString()
	default:
		return false
	}
	if l.steps == nil {
		l.steps = map[string]*lateName{}
	}
	if l.steps[key] == nil {
		l.steps[key] = &lateName{}
	}
	return l.steps[key].add(steps[1:], text)
}

func (l *lateName) value() cty.Value {
	if l.steps == nil {
		return cty.StringVal(l.text)
	}
	attrs := make(map[string]cty.Value, len(l.steps))
	for k, s := range l.steps {
		attrs[k] = s.value()
	}
	return cty.ObjectVal(attrs)
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
