package jobspec

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// eachOf calls f for each key of the free blocks of a name at the top of the file.
func (e *evaluator) eachOf(root *node, name string, f func(key string, expr hcl.Expression, rng hcl.Range)) {
	for _, bn := range root.blocks {
		if bn.name != name {
			continue
		}
		for _, l := range bn.node.labels {
			e.rep.error(l.rng, name+" takes no label", "")
		}
		for _, b := range bn.node.blocks {
			e.rep.error(b.node.rng, fmt.Sprintf("%s holds names and values, no blocks", name), "")
		}
		for _, a := range bn.node.attrs {
			f(a.name, a.expr, a.nameRng)
		}
	}
	for _, a := range root.attrs { // the JSON form
		if a.name != name {
			continue
		}
		pairs, diags := hcl.ExprMap(a.expr)
		if diags.HasErrors() {
			e.rep.error(a.expr.Range(), name+" must be an object", "")
			continue
		}
		for _, p := range pairs {
			if key, diags := p.Key.Value(nil); !diags.HasErrors() && key.Type() == cty.String {
				f(key.AsString(), p.Value, p.Key.Range())
			}
		}
	}
}

// local is one name of a locals block.
type local struct {
	expr hcl.Expression
	rng  hcl.Range
	done bool
	busy bool
}

// locals evaluates all locals, each after those it uses.
func (e *evaluator) locals(root *node) {
	all := map[string]*local{}
	var names []string
	e.eachOf(root, "locals", func(name string, expr hcl.Expression, rng hcl.Range) {
		if old := all[name]; old != nil {
			e.rep.error(rng, fmt.Sprintf("local %q is there twice; the first is on line %d", name, e.rep.line(old.rng)), "")
			return
		}
		all[name] = &local{expr: expr, rng: rng}
		names = append(names, name)
	})
	values := map[string]cty.Value{}
	for name := range all {
		values[name] = cty.DynamicVal
	}
	e.unread = all
	for _, name := range names {
		e.local(all, values, name, nil)
	}
	e.unread = nil
	e.ctx.Variables["local"] = cty.ObjectVal(values)
}

// local evaluates one local after those it uses; chain is what led to it. False when it stands in a circle, which was told.
func (e *evaluator) local(all map[string]*local, values map[string]cty.Value, name string, chain []string) bool {
	l := all[name]
	if l.done {
		return true
	}
	if chain = append(chain, name); l.busy || len(chain) > maxNesting {
		what := "is defined by itself"
		if len(chain) > maxNesting {
			what = fmt.Sprintf("stands at the end of more than %d others", maxNesting)
		}
		e.rep.error(l.rng, fmt.Sprintf("local %q %s: %s", name, what, strings.Join(chain[max(0, len(chain)-6):], " → ")), "")
		return false
	}
	l.busy = true
	ok, whole := true, false
	var uses []string
	for _, tr := range l.expr.Variables() {
		if tr.RootName() != "local" {
			continue
		}
		var used string
		if len(tr) < 2 {
			whole = true
			continue
		}
		switch step := tr[1].(type) {
		case hcl.TraverseAttr:
			used = step.Name
		case hcl.TraverseIndex:
			if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
				used = step.Key.AsString()
			}
		default:
			whole = true
		}
		uses = append(uses, used)
		if all[used] != nil && !e.local(all, values, used, chain) {
			ok = false
			break
		}
	}
	l.done, l.busy = true, false
	if !ok {
		return false
	}
	e.ctx.Variables["local"] = e.some(values, uses, whole)
	if v, good := e.evaluate(l.expr, nil); good {
		values[name] = v
	}
	return true
}

// some makes an object of those values that are used, or of all.
func (e *evaluator) some(values map[string]cty.Value, uses []string, whole bool) cty.Value {
	if whole && e.meter.spend(elementWork*len(values)) == nil {
		return cty.ObjectVal(values)
	}
	few := make(map[string]cty.Value, len(uses))
	for _, name := range uses {
		if v, ok := values[name]; ok {
			few[name] = v
		}
	}
	return cty.ObjectVal(few)
}
