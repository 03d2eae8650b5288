package jobspec

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"berth/structs"
)

// VarFile is a file with values of variables.
type VarFile struct {
	Name   string
	Source []byte
}

// ParseOptions say what is parsed, and with which values.
type ParseOptions struct {
	// Filename appears in diagnostics; one that ends in .json is read as HCL's JSON form, as is text that begins with "{".
	Filename string
	Source   []byte
	// Vars are values as given by flags, "name=value"; VarFiles come before them, Env (NOMAD_VAR_x, BERTH_VAR_x) before those.
	Vars     []string
	VarFiles []VarFile
	Env      map[string]string
	// Strict refuses values for variables the file does not have; otherwise they are warned of.
	Strict bool
	// Namespace is that of a job that names none; "" is the default one.
	Namespace string
	// Dir is where the language's file functions read; "" refuses them.
	Dir string
	// Drivers checks config blocks by driver.
	Drivers map[string]structs.ConfigChecker
	// Later warns of what the language has and this version does not do.
	Later bool
}

// Result is a job that can be submitted.
type Result struct {
	Job *structs.Job // canonical
	// Submission is the text it was written as, with the variables that were given.
	Submission *structs.JobSubmission
	Warnings   Diagnostics
}

// Parse reads a job. The result is nil when the diagnostics have errors.
func Parse(opts ParseOptions) (*Result, Diagnostics) {
	rep := newReport()
	if opts.Filename == "" {
		opts.Filename = "job.hcl"
	}
	rep.files[opts.Filename] = opts.Source
	job, ev := parse(rep, opts)
	diags := rep.sorted()
	if job == nil || diags.HasErrors() {
		return nil, diags
	}
	return &Result{Job: job, Submission: ev.submission(opts), Warnings: diags.Warnings()}, diags
}

func isJSON(opts ParseOptions) bool {
	return strings.HasSuffix(opts.Filename, ".json") || strings.HasPrefix(strings.TrimLeft(string(opts.Source[:min(len(opts.Source), 256)]), " \t\r\n"), "{")
}

func parse(rep *report, opts ParseOptions) (*structs.Job, *evaluator) {
	json := isJSON(opts)
	if !scan(rep, opts.Filename, opts.Source, json) {
		return nil, nil
	}
	ev := &evaluator{rep: rep, meter: &meter{}, source: rep.files}
	ev.ctx = &hcl.EvalContext{Functions: ev.meter.functions(functions(opts.Dir))}
	root := readFile(ev, opts, json)
	if root == nil {
		return nil, nil
	}
	ev.inputs(root, opts)
	for _, bn := range root.blocks {
		if bn.node.body != nil {
			*bn.node = *ev.nativeBlock(bn.node.body, nil)
		}
	}
	d := &decoder{evaluator: ev, places: map[string]hcl.Range{}, names: map[string]hcl.Range{}, wholes: map[string]hcl.Expression{}, within: map[string]map[string]hcl.Expression{}, bad: map[string]bool{}, json: json}
	job := d.job(root)
	if job == nil || d.bad["Type"] {
		return nil, ev // most rules depend on the type
	}
	d.liftIdentities(job)
	if job.Namespace == "" {
		job.Namespace = opts.Namespace
	}
	job.Canonicalize()
	d.faults(job.Validate(structs.Limits{Drivers: opts.Drivers, Later: opts.Later}))
	return job, ev
}

// readFile gives the top of the file, nil when it cannot be read.
func readFile(ev *evaluator, opts ParseOptions, json bool) *node {
	if json {
		f, diags := hcljson.Parse(opts.Source, opts.Filename)
		ev.rep.hcl(diags)
		if diags.HasErrors() {
			return nil
		}
		expr := wholeObject(opts)
		if expr == nil {
			_, diags := f.Body.JustAttributes()
			ev.rep.hcl(diags)
			return nil
		}
		return ev.jsonNode(expr, langFile)
	}
	body, diags := parseNative(opts.Source, opts.Filename)
	if diags.HasErrors() {
		if spread, ok := spreadOut(ev.rep, opts); ok {
			body, diags = parseNative(spread, opts.Filename)
		}
	}
	ev.rep.hcl(diags)
	if slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool { return d.Severity == hcl.DiagError && d.Summary != "Attribute redefined" }) {
		return nil
	}
	return ev.nativeTop(body)
}

// wholeObject is the text as one JSON expression.
func wholeObject(opts ParseOptions) hcl.Expression {
	expr, diags := hcljson.ParseExpression(opts.Source, opts.Filename)
	if diags.HasErrors() {
		return nil
	}
	return expr
}

// job decodes the one job of a file.
func (d *decoder) job(root *node) *structs.Job {
	var jobs []*node
	for _, bn := range root.blocks {
		switch bn.name {
		case "job":
			jobs = append(jobs, bn.node)
		case "variable", "variables", "locals":
		default:
			d.unknown(langFile, bn.name, bn.node.rng, false)
		}
	}
	for _, a := range root.attrs {
		if d.json && slices.Contains([]string{"Job", "ID", "TaskGroups"}, a.name) {
			d.rep.error(a.nameRng, "this is a job in the JSON of the API, not a job file", "the commands read it with -json")
			return nil
		}
		if b := langFile.blockNamed(a.name); b == nil || !b.free || !d.json {
			d.unknown(langFile, a.name, a.nameRng, true)
		}
	}
	switch len(jobs) {
	case 0:
		if d.rep.errors > 0 {
			return nil // one of them is about the job, or what was meant to be one
		}
		d.rep.error(hcl.Range{Filename: root.rng.Filename}, "the file has no job", `write job "name" { ... }`)
		return nil
	case 1:
	default:
		d.rep.error(jobs[1].rng, fmt.Sprintf("a second job; the first is on line %d", d.rep.line(jobs[0].rng)), "write one file for each job")
		return nil
	}
	job := &structs.Job{}
	d.decode(&blockUse{block: langJob, node: jobs[0], target: reflect.ValueOf(job).Elem()})
	if job.Name == "" {
		job.Name = job.ID
	}
	return job
}

// faults shows each fault of a job where its field was written: there, or at the nearest block around it. What only follows
// from a value that could not be read, or a word that is not known, is left out.
func (d *decoder) faults(faults structs.Faults) {
	for _, f := range faults {
		sev := SeverityError
		if f.Warning {
			sev = SeverityWarning
		}
		at := d.place(f.Path)
		if d.bad[f.Path] || d.bad[at] && at != f.Path {
			continue
		}
		rng := d.rep.lineWithin(d.places[at], f.Line)
		if name, ok := d.names[f.Path]; ok && f.Name {
			rng = name
		}
		text := f.Message
		if strings.Contains(f.Path, ".Config.") { // of a driver: its texts do not name the key
			if key := lastField(f.Path); !strings.Contains(text, key) {
				text = key + ": " + text
			}
		} else if at != f.Path {
			if field := lastField(f.Path); field != "" {
				if word := d.word(f.Path, field); !strings.Contains(text, word) {
					text = word + ": " + text
				}
			}
		}
		d.rep.add(sev, rng, text, f.Hint)
	}
}

// place finds the longest path of which the text is known: the path itself, or the nearest block around it.
func (d *decoder) place(path string) string {
	for p := path; ; {
		if _, ok := d.places[p]; ok {
			return p
		}
		if first, ok := d.places[p+"[0]"]; ok && strings.Contains(p, ".Config.") { // a block of the driver's
			d.places[p] = first
			return p
		}
		i := strings.LastIndexAny(p, ".[")
		if i < 0 {
			return ""
		}
		p = p[:i]
		if whole, ok := d.wholes[p]; ok && (path[i] == '[' || strings.HasSuffix(p, ".Config")) {
			if rng, ok := d.inside(p, whole, path[i:]); ok {
				d.places[path] = rng
				return path
			}
		}
	}
}

// wrote keeps where a field was written, and of a list or map that was written out, where its elements were.
func (d *decoder) wrote(path string, expr hcl.Expression) {
	d.places[path] = expr.Range()
	switch expr.(type) {
	case *hclsyntax.TupleConsExpr, *hclsyntax.ObjectConsExpr:
		d.wholes[path] = expr
	default:
		if d.json {
			d.wholes[path] = expr
		}
	}
}

// inside finds what a path leads to in a list or map that was written out, or the nearest thing around it: `[0].type`.
func (d *decoder) inside(at string, whole hcl.Expression, path string) (rng hcl.Range, found bool) {
	for path != "" {
		end := strings.IndexByte(path, ']')
		if path[0] == '.' {
			end = strings.IndexAny(path[1:], ".[")
		}
		key, rest := strings.Trim(path, ".[]"), ""
		if end >= 0 && path[0] == '[' {
			key, rest = path[1:end], path[end+1:]
		} else if end >= 0 {
			key, rest = path[1:end+1], path[end+1:]
		}
		if d.within[at] == nil {
			d.within[at] = elements(whole)
		}
		part, ok := d.within[at][key]
		if !ok {
			return rng, found
		}
		at += path[:len(path)-len(rest)]
		whole, path, rng, found = part, rest, part.Range(), true
	}
	return rng, found
}

// elements are what a list or map was written of, by number or key; of a key that is there twice the first.
func elements(whole hcl.Expression) map[string]hcl.Expression {
	found := map[string]hcl.Expression{}
	if list, diags := hcl.ExprList(whole); !diags.HasErrors() {
		for i, x := range list {
			found[strconv.Itoa(i)] = x
		}
		return found
	}
	pairs, diags := hcl.ExprMap(whole)
	if diags.HasErrors() {
		return found
	}
	for _, p := range pairs {
		if k, diags := p.Key.Value(nil); !diags.HasErrors() && k.IsKnown() && !k.IsNull() && k.Type() == cty.String {
			if _, ok := found[k.AsString()]; !ok {
				found[k.AsString()] = p.Value
			}
		}
	}
	return found
}

func lastField(path string) string {
	path = path[strings.LastIndexByte(path, '.')+1:]
	if i := strings.IndexByte(path, '['); i >= 0 {
		path = path[:i]
	}
	return path
}

// word is the language's word for a field, looked up in the block the path leads to.
func (d *decoder) word(path, field string) string {
	b := langJob
	for part := range strings.SplitSeq(path, ".") {
		name, _, _ := strings.Cut(part, "[")
		for _, c := range b.blocks {
			if c.field == name {
				b = c
				break
			}
		}
	}
	for _, a := range b.attrs {
		if a.field == field {
			return a.name
		}
	}
	if b.field == field {
		return b.name
	}
	return field
}
