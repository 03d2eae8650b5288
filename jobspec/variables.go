package jobspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	hcljson "github.com/hashicorp/hcl/v2/json"
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
	add := func(v *variable) {
		if old := find(vars, v.name); old != nil {
			e.rep.error(v.rng, fmt.Sprintf("variable %q is there twice; the first is on line %d", v.name, old.rng.Start.Line), "")
			return
		}
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
	conv, err := v.convert(value)
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
func (v *variable) convert(value cty.Value) (cty.Value, error) {
	if v.optional != nil && !value.IsNull() {
		value = v.optional.Apply(value)
	}
	return convert.Convert(value, v.typ)
}

// set gives a variable a value of its type.
func (e *evaluator) set(v *variable, value cty.Value, rng hcl.Range) {
	if longDigits(value) && v.typ != cty.String {
		e.rep.error(rng, fmt.Sprintf("variable %q: a number of more than %d digits", v.name, maxDigits), "")
		v.value = cty.UnknownVal(v.typ)
		return
	}
	if v.broken {
		return
	}
	conv, err := v.convert(value)
	if err != nil {
		e.rep.error(rng, fmt.Sprintf("variable %q must be of type %s: %s", v.name, v.typ.FriendlyName(), err), "")
		conv = cty.UnknownVal(v.typ)
	}
	v.value, v.given = conv, rng
}

// setText gives a variable a value from a text: as it is for strings, an expression for anything else.
func (e *evaluator) setText(v *variable, text, from string) {
	rng := hcl.Range{Filename: from}
	if len(text) > maxReferenced {
		e.rep.error(rng, fmt.Sprintf("variable %q: the value is larger than %d bytes", v.name, maxReferenced), "")
		return
	}
	if v.typ == cty.String || v.typ == cty.DynamicPseudoType && (v.deflt == cty.NilVal || v.deflt.Type() == cty.String) {
		e.set(v, cty.StringVal(text), rng)
		return
	}
	if v.typ.IsPrimitiveType() {
		e.set(v, cty.StringVal(text), rng) // "5" and "true" convert
		return
	}
	e.rep.files[from] = []byte(text)
	if !scan(e.rep, from, []byte(text), false) {
		return
	}
	expr, diags := hclsyntax.ParseExpression([]byte(text), from, hcl.InitialPos)
	if diags.HasErrors() {
		e.rep.hcl(diags)
		return
	}
	e.meter.install(expr)
	if value, ok := e.evaluate(expr, nil); ok {
		e.set(v, value, rng)
	}
}

func (e *evaluator) fromEnvironment(vars []*variable, env map[string]string) {
	for _, v := range vars {
		for _, prefix := range []string{"NOMAD_VAR_", "BERTH_VAR_"} {
			if text, ok := env[prefix+v.name]; ok {
				e.setText(v, text, prefix+v.name)
			}
		}
	}
}

func (e *evaluator) fromFlags(vars []*variable, flags []string, strict bool) {
	for _, f := range flags {
		name, text, ok := strings.Cut(f, "=")
		rng := hcl.Range{Filename: "-var " + name}
		if !ok {
			e.rep.error(rng, fmt.Sprintf("-var %s has no value", f), "write -var name=value")
			continue
		}
		if v := find(vars, strings.TrimSpace(name)); v != nil {
			e.setText(v, text, "-var "+name)
		} else {
			e.undeclared(vars, strings.TrimSpace(name), rng, strict)
		}
	}
}

func (e *evaluator) undeclared(vars []*variable, name string, rng hcl.Range, strict bool) {
	names := make([]string, len(vars))
	for i, v := range vars {
		names[i] = v.name
	}
	hint := ""
	if near := structs.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	sev := SeverityWarning
	if strict {
		sev = SeverityError
	}
	e.rep.add(sev, rng, fmt.Sprintf("the job file has no variable %q", name), hint)
}

// fromFile reads name = value lines of a file.
func (e *evaluator) fromFile(vars []*variable, f VarFile, strict bool) {
	e.rep.files[f.Name] = f.Source
	json := strings.HasSuffix(f.Name, ".json")
	if !scan(e.rep, f.Name, f.Source, json) {
		return
	}
	var body hcl.Body
	var file *hcl.File
	var diags hcl.Diagnostics
	if json {
		file, diags = hcljson.Parse(f.Source, f.Name)
	} else {
		file, diags = hclsyntax.ParseConfig(f.Source, f.Name, hcl.InitialPos)
	}
	if diags.HasErrors() {
		e.rep.hcl(diags)
		return
	}
	body = file.Body
	if native, ok := body.(*hclsyntax.Body); ok {
		e.meter.install(native)
		for _, b := range native.Blocks {
			hint := ""
			if b.Type == "variable" {
				hint = "variables are declared in the job file; here write name = value"
			}
			e.rep.error(b.DefRange(), fmt.Sprintf("a file of variables holds no blocks, and this is %q", b.Type), hint)
		}
		if len(native.Blocks) > 0 {
			return
		}
	}
	attrs, diags := body.JustAttributes()
	if diags.HasErrors() {
		e.rep.hcl(diags)
		return
	}
	for _, v := range vars {
		if a := attrs[v.name]; a != nil {
			if value, ok := e.evaluate(a.Expr, nil); ok {
				if e.given == nil {
					e.given = map[string]cty.Value{}
				}
				e.given[v.name] = value
				e.set(v, value, a.Expr.Range())
			}
			delete(attrs, v.name)
		}
	}
	for name, a := range attrs {
		e.undeclared(vars, name, a.NameRange, strict)
	}
}

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
			e.rep.error(rng, fmt.Sprintf("local %q is there twice; the first is on line %d", name, old.rng.Start.Line), "")
			return
		}
		all[name] = &local{expr: expr, rng: rng}
		names = append(names, name)
	})
	values := map[string]cty.Value{}
	for name := range all {
		values[name] = cty.DynamicVal
	}
	e.ctx.Variables["local"] = cty.ObjectVal(values)
	for _, name := range names {
		e.local(all, values, name, nil)
	}
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
	ok := true
	for _, tr := range l.expr.Variables() {
		if tr.RootName() != "local" || len(tr) < 2 {
			continue
		}
		var used string
		switch step := tr[1].(type) {
		case hcl.TraverseAttr:
			used = step.Name
		case hcl.TraverseIndex:
			if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
				used = step.Key.AsString()
			}
		}
		if all[used] != nil && !e.local(all, values, used, chain) {
			ok = false
			break
		}
	}
	l.done, l.busy = true, false
	if !ok {
		return false
	}
	if v, good := e.evaluate(l.expr, nil); good {
		values[name] = v
		e.ctx.Variables["local"] = cty.ObjectVal(values)
	}
	return true
}

// submission keeps the text and the variables as they were given: flags by name, and files as one text that can be given
// again as a file.
func (e *evaluator) submission(opts ParseOptions) *structs.JobSubmission {
	s := &structs.JobSubmission{Source: string(opts.Source), Format: "hcl2", VariableFlags: map[string]string{}}
	if isJSON(opts) {
		s.Format = "json"
	}
	switch {
	case len(opts.VarFiles) == 1 && !strings.HasSuffix(opts.VarFiles[0].Name, ".json"):
		s.Variables = string(opts.VarFiles[0].Source)
	case len(opts.VarFiles) > 0:
		f := hclwrite.NewEmptyFile()
		for _, name := range slices.Sorted(maps.Keys(e.given)) {
			f.Body().SetAttributeValue(name, e.given[name])
		}
		s.Variables = string(f.Bytes())
	}
	for _, f := range opts.Vars {
		if name, text, ok := strings.Cut(f, "="); ok {
			s.VariableFlags[strings.TrimSpace(name)] = text
		}
	}
	return s
}
