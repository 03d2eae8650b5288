package jobspec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// lateValues puts the text of references without a value into the templates they are part of. In JSON, whose templates are
// hidden, it gives the names an expression uses that have no value now, each standing for the references' own text.
func (e *evaluator) lateValues(expr hcl.Expression, scope *hcl.EvalContext) (map[string]cty.Value, bool) {
	var late map[string]*lateName
	var written map[int]func(hclsyntax.Expression)
	referenced, bad := 0, false
	for _, tr := range expr.Variables() {
		root := tr.RootName()
		if (root == "var" || root == "local") && !e.known(tr, scope) {
			bad = true
			continue
		}
		if defined(scope, root) {
			if v, diags := tr.TraverseAbs(scope); !diags.HasErrors() {
				size, looked := textSize(v, maxReferenced)
				referenced += size
				if e.meter.spend(walkWork*looked) != nil {
					return nil, e.tooMuch(expr)
				}
			}
			if referenced > maxReferenced {
				e.rep.error(expr.Range(), fmt.Sprintf("its references stand for more than %d bytes", maxReferenced), "")
				return nil, false
			}
			continue
		}
		if native, ok := expr.(hclsyntax.Expression); ok {
			if slices.Contains(typeWords, root) && inTypes(native)[tr.SourceRange().Start.Byte] {
				continue
			}
			if written == nil {
				written = inTemplates(native)
			}
			replace := written[tr.SourceRange().Start.Byte]
			if replace == nil {
				e.bare(expr, tr)
				bad = true
				continue
			}
			replace(&hclsyntax.LiteralValueExpr{Val: cty.StringVal("${" + e.text(tr.SourceRange()) + "}"), SrcRange: tr.SourceRange()})
			continue
		}
		text := stepsText(tr)
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
	if late == nil || bad {
		return nil, !bad
	}
	out := make(map[string]cty.Value, len(late))
	for name, l := range late {
		out[name] = l.value()
	}
	return out, true
}

// typeWords are names within types.
var typeWords = []string{"any", "bool", "number", "string"}

// inTypes are the places of names that stand in a type, the second argument of convert.
func inTypes(expr hclsyntax.Expression) map[int]bool {
	starts := map[int]bool{}
	_ = hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && call.Name == "convert" && len(call.Args) == 2 {
			for _, tr := range call.Args[1].Variables() {
				starts[tr.SourceRange().Start.Byte] = true
			}
		}
		return nil
	})
	return starts
}

// inTemplates gives the references that are a part of a template by themselves ("${attr.cpu.arch}"), by where they begin: what
// puts another expression into their place. Only those can be kept as text.
func inTemplates(expr hclsyntax.Expression) map[int]func(hclsyntax.Expression) {
	starts := map[int]func(hclsyntax.Expression){}
	part := func(x *hclsyntax.Expression) {
		if tr, ok := unwrapped(*x).(*hclsyntax.ScopeTraversalExpr); ok {
			starts[tr.SrcRange.Start.Byte] = func(text hclsyntax.Expression) { *x = text }
		}
	}
	_ = hclsyntax.VisitAll(expr, func(n hclsyntax.Node) hcl.Diagnostics {
		switch x := n.(type) {
		case *hclsyntax.TemplateWrapExpr:
			part(&x.Wrapped)
		case *hclsyntax.TemplateExpr:
			for i := range x.Parts {
				part(&x.Parts[i])
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
		name, err := toString(s.Key) // of a number its digits
		if err != nil {
			return false
		}
		key = name
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
