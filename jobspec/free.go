package jobspec

import (
	"fmt"
	"reflect"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// freeBlock takes a block with any content into a map. Several of one name are laid over each other.
func (d *decoder) freeBlock(u *blockUse, b *block, n *node) {
	path := u.sub(b.field)
	d.places[path] = n.rng
	field := fieldOf(u.target, b.field)
	switch field.Interface().(type) {
	case map[string]string:
		d.stringsBlock(field, b, n, path)
	case map[string][]string:
		d.listsBlock(field, b, n, path)
	case map[string]any:
		m, _ := field.Interface().(map[string]any)
		if m == nil {
			m = map[string]any{}
		}
		d.anyBlock(m, n, path)
		field.Set(reflect.ValueOf(m))
	}
}

// entries are the keys and values of a free block without blocks in it.
func (d *decoder) entries(b *block, n *node, path string, take func(key string, v cty.Value, rng hcl.Range)) {
	if n.free != nil {
		v, ok := d.evaluate(n.free, n.scope)
		if !ok || v.IsNull() {
			d.bad[path] = !ok
			return
		}
		d.wrote(path, n.free)
		places := elements(n.free)
		d.mapEntries(b, v, n.free.Range(), func(key string, v cty.Value, rng hcl.Range) {
			if own, ok := places[key]; ok {
				rng = own.Range()
			}
			take(key, v, rng)
		})
		return
	}
	for _, bn := range n.blocks {
		d.rep.error(bn.node.rng, fmt.Sprintf("%s holds keys and values, no blocks", b.name), "")
	}
	for _, a := range n.attrs {
		d.wrote(path+"["+a.name+"]", a.expr)
		if v, ok := d.evaluate(a.expr, n.scope); ok && !v.IsNull() {
			take(a.name, v, a.expr.Range())
		}
	}
}

// mapEntries reads a map value, or a list of maps (the JSON form of repeated blocks).
func (d *decoder) mapEntries(b *block, v cty.Value, rng hcl.Range, take func(string, cty.Value, hcl.Range)) {
	switch t := v.Type(); {
	case t.IsObjectType() || t.IsMapType():
		for it := v.ElementIterator(); it.Next(); {
			k, x := it.Element()
			if !x.IsNull() {
				take(k.AsString(), x, rng)
			}
		}
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next(); {
			_, x := it.Element()
			d.mapEntries(b, x, rng, take)
		}
	default:
		d.rep.error(rng, fmt.Sprintf("%s must be a map, not %s", b.name, describe(v)), fmt.Sprintf(`write %s { KEY = "value" }`, b.name))
	}
}

func (d *decoder) stringsBlock(field reflect.Value, b *block, n *node, path string) {
	m, _ := field.Interface().(map[string]string)
	if m == nil {
		m = map[string]string{}
	}
	d.entries(b, n, path, func(key string, v cty.Value, rng hcl.Range) {
		s, err := toString(v)
		if err != nil {
			d.rep.error(rng, fmt.Sprintf("%s: the value of %q must be a string, not %s", b.name, key, describe(v)), "use jsonencode(...) for anything else")
			return
		}
		m[key] = s
	})
	field.Set(reflect.ValueOf(m))
}

func (d *decoder) listsBlock(field reflect.Value, b *block, n *node, path string) {
	m, _ := field.Interface().(map[string][]string)
	if m == nil {
		m = map[string][]string{}
	}
	d.entries(b, n, path, func(key string, v cty.Value, rng hcl.Range) {
		list, err := toStrings(&attr{name: key}, v)
		if err != nil {
			d.rep.error(rng, err.text, err.hint)
			return
		}
		m[key] = list
	})
	field.Set(reflect.ValueOf(m))
}

// anyBlock takes attributes as they are, and blocks as lists of maps: a labelled one within a map of its label.
func (d *decoder) anyBlock(m map[string]any, n *node, path string) {
	if n.free != nil {
		d.wholes[path] = n.free
		v, ok := d.evaluate(n.free, n.scope)
		if !ok {
			d.bad[path] = true
		} else if !v.IsNull() {
			d.mapEntries(&block{name: path}, v, n.free.Range(), func(key string, x cty.Value, _ hcl.Range) { m[key] = toAny(x) })
		}
		return
	}
	for _, a := range n.attrs {
		at := path + "." + a.name
		d.wrote(at, a.expr)
		d.names[at] = a.nameRng
		v, ok := d.evaluate(a.expr, n.scope)
		if !ok {
			d.bad[path], d.bad[at] = true, true
		} else if !v.IsNull() {
			m[a.name] = toAny(v)
		}
	}
	for _, bn := range n.blocks {
		list, _ := m[bn.name].([]any)
		inner := map[string]any{}
		at := fmt.Sprintf("%s.%s[%d]", path, bn.name, len(list))
		d.places[at] = bn.node.rng
		d.anyBlock(inner, bn.node, at)
		for i := len(bn.node.labels) - 1; i >= 0; i-- {
			inner = map[string]any{bn.node.labels[i].text: []any{inner}}
		}
		m[bn.name] = append(list, inner)
	}
}
