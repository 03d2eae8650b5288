package jobspec

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"berth/structs"
)

// decoder fills the fields of a job from nodes, by the table of the language, and remembers where each was written.
type decoder struct {
	*evaluator
	// places are the ranges of fields and blocks by their path in JSON names, `TaskGroups[0].Tasks[1].Driver`.
	places map[string]hcl.Range
	// names are the ranges of the names of a driver's keys.
	names map[string]hcl.Range
	// wholes are the lists and maps that were written out, by path: where an element stands is looked up when it is asked for.
	wholes map[string]hcl.Expression
	// within are the places of their elements, by path, of those that were asked for.
	within map[string]map[string]hcl.Expression
	// bad are the paths of fields without a value that could be read, and of blocks with a word that is not known.
	bad  map[string]bool
	json bool // the text is HCL's JSON form, where everything is written as an attribute
}

// blockUse is one block being decoded.
type blockUse struct {
	block *block
	node  *node
	// target is the struct that is filled; path leads to it.
	target reflect.Value
	path   string
}

func (u *blockUse) sub(field string) string {
	if u.path == "" {
		return field
	}
	return u.path + "." + field
}

// decode fills the target of a block.
func (d *decoder) decode(u *blockUse) {
	d.places[u.path] = u.node.rng
	d.labels(u)
	d.sweet(u)
}

// labels checks how many there are, and stores the one.
func (d *decoder) labels(u *blockUse) {
	want := 0
	if u.block.label != "" {
		want = 1
	}
	if have := len(u.node.labels); have != want {
		d.bad[u.path] = true
		if want == 1 && have == 0 {
			d.rep.error(u.node.rng, fmt.Sprintf("%s has no label: the %s is missing", u.block.name, u.block.label), "write "+u.block.title()+" { ... }")
		} else {
			d.rep.error(u.node.labels[want].rng, fmt.Sprintf("%s takes %s", u.block.name, [...]string{"no label", "one label: the " + u.block.label}[want]), "")
		}
	}
	if u.block.labelField != "" && len(u.node.labels) > 0 {
		fieldOf(u.target, u.block.labelField).SetString(u.node.labels[0].text)
		d.places[u.sub(u.block.labelField)] = u.node.labels[0].rng
	}
}

// fields decodes attributes and blocks.
func (d *decoder) fields(u *blockUse) {
	for _, a := range u.node.attrs {
		d.attribute(u, a)
	}
	seen := map[string]hcl.Range{}
	for _, b := range u.node.blocks {
		d.blockWithin(u, b, seen)
	}
}

// attribute sets the field of one attribute.
func (d *decoder) attribute(u *blockUse, use attrUse) {
	a := u.block.attrNamed(use.name)
	if a == nil {
		if b := u.block.blockNamed(use.name); b != nil && b.free && (b.mapped || d.json) {
			if i := slices.IndexFunc(u.node.blocks, func(bn blockNode) bool { return bn.name == use.name }); i >= 0 {
				d.rep.error(use.nameRng, fmt.Sprintf("%s is written as an attribute and, on line %d, as a block", use.name, d.rep.line(u.node.blocks[i].node.rng)), "keep one of them")
				return
			}
			d.freeBlock(u, b, &node{rng: use.nameRng, free: use.expr, scope: u.node.scope})
		} else {
			d.bad[u.path] = true
			d.unknown(u.block, use.name, use.nameRng, true)
		}
		return
	}
	if a.deprecated != "" {
		d.older(a, use.nameRng)
	}
	if a.field == "" {
		return
	}
	path := u.sub(a.field)
	d.wrote(path, use.expr)
	v, ok := d.evaluate(use.expr, u.node.scope)
	if !ok {
		d.bad[path] = true
		return
	}
	if err := assign(fieldOf(u.target, a.field), a, v); err != nil {
		d.bad[path] = true
		d.rep.error(use.expr.Range(), err.text, err.hint)
	} else if a.kind == kindDuration {
		d.nanoseconds(a, v, use.expr.Range())
	}
}

// nanoseconds warns of a duration that is a small number: whoever wrote it thought of seconds.
func (d *decoder) nanoseconds(a *attr, v cty.Value, rng hcl.Range) {
	if v.IsNull() || v.Type() != cty.Number {
		return
	}
	if n, _ := v.AsBigFloat().Int64(); n > 0 && n < int64(time.Millisecond) {
		d.rep.add(SeverityWarning, rng, fmt.Sprintf("%s is %d nanoseconds: a number without a unit counts those", a.name, n), fmt.Sprintf(`write "%ds" for seconds`, n))
	}
}

// older warns of an attribute that is kept for files as they are.
func (d *decoder) older(a *attr, rng hcl.Range) {
	switch fact, _, _ := strings.Cut(a.doc, " "); {
	case a.told || fact == "Refused:" || fact == "Ignored.":
		// the check of the job says so
	case fact == "Taken":
		fact = strings.TrimSuffix(strings.ToLower(a.doc[:1])+a.doc[1:], ".")
		hint := a.deprecated
		if !strings.HasPrefix(hint, "remove") {
			hint = "write " + hint
		}
		d.rep.add(SeverityWarning, rng, a.name+" is "+fact, hint)
	default:
		d.rep.add(SeverityWarning, rng, a.name+" is an older form", "write "+a.deprecated)
	}
}

// unknown says what a word might have been.
func (d *decoder) unknown(b *block, name string, rng hcl.Range, isAttr bool) {
	if d.rep.full() {
		return
	}
	what := "block"
	if isAttr {
		what = "attribute"
	}
	hint := ""
	switch {
	case isAttr && b.blockNamed(name) != nil:
		d.rep.error(rng, fmt.Sprintf("%s is a block, not an attribute", name), "write "+b.blockNamed(name).title()+" { ... }")
		return
	case !isAttr && b.attrNamed(name) != nil:
		d.rep.error(rng, fmt.Sprintf("%s is an attribute, not a block", name), "write "+name+" = ...")
		return
	}
	near, where := structs.Nearest(name, b.words()), whereIs(name)
	switch {
	case where != "" && (!isAttr || near == ""):
		hint = fmt.Sprintf("%q belongs in %s", name, where)
	case near != "":
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	d.rep.error(rng, fmt.Sprintf("%s has no %s %q", b.name, what, name), hint)
}

// blockWithin decodes one block below another.
func (d *decoder) blockWithin(u *blockUse, bn blockNode, seen map[string]hcl.Range) {
	b := u.block.blockNamed(bn.name)
	if b == nil {
		d.bad[u.path] = true
		d.unknown(u.block, bn.name, bn.node.rng, false)
		return
	}
	if first, again := seen[bn.name]; again && !b.many && !b.free {
		d.rep.error(bn.node.rng, fmt.Sprintf("%s has a second %s block; the first is on line %d", u.block.name, b.name, d.rep.line(first)), "")
		return
	}
	seen[bn.name] = bn.node.rng
	if b.free {
		d.freeBlock(u, b, bn.node)
		return
	}
	if b.field == "" {
		d.sweet(&blockUse{block: b, node: bn.node, target: u.target, path: u.path})
		return
	}
	d.decodeInto(u, b, bn.node)
}

// decodeInto makes the element of a field and decodes a block into it.
func (d *decoder) decodeInto(u *blockUse, b *block, n *node) {
	field := fieldOf(u.target, b.field)
	path := u.sub(b.field)
	switch field.Kind() {
	case reflect.Slice: // of pointers
		elem := reflect.New(field.Type().Elem().Elem())
		path += "[" + strconv.Itoa(field.Len()) + "]"
		d.decode(&blockUse{block: b, node: n, target: elem.Elem(), path: path})
		field.Set(reflect.Append(field, elem))
	case reflect.Map: // label -> pointer
		if len(n.labels) != 1 {
			d.labels(&blockUse{block: &block{name: b.name, label: b.label}, node: n})
			return
		}
		key := n.labels[0].text
		path += "[" + key + "]"
		elem := reflect.New(field.Type().Elem().Elem())
		d.decode(&blockUse{block: b, node: n, target: elem.Elem(), path: path})
		if field.IsNil() {
			field.Set(reflect.MakeMap(field.Type()))
		}
		if field.MapIndex(reflect.ValueOf(key)).IsValid() {
			d.rep.error(n.labels[0].rng, fmt.Sprintf("%s %q is there twice", b.name, key), "")
			return
		}
		field.SetMapIndex(reflect.ValueOf(key), elem)
	case reflect.Pointer:
		if field.IsNil() {
			field.Set(reflect.New(field.Type().Elem()))
		}
		d.decode(&blockUse{block: b, node: n, target: field.Elem(), path: path})
	default:
		d.decode(&blockUse{block: b, node: n, target: field, path: path})
	}
}
