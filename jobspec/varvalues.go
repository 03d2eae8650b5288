package jobspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"berth/structs"
)

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
	conv, err := e.convert(v, value)
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
	v.text = &text
	if v.asText() {
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
	var names []string
	if e.rep.errors+e.rep.warnings < maxHints {
		for _, v := range vars {
			names = append(names, v.name)
		}
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
				e.given[v.name], v.text = value, nil
				e.set(v, value, a.Expr.Range())
			}
			delete(attrs, v.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		e.undeclared(vars, name, attrs[name].NameRange, strict)
	}
}
