package structs

import (
	"encoding/json"
	"math"
	"reflect"
	"sync"
)

// tidy makes every empty list and map of the job nil, so that equal jobs are deeply equal whatever encoding they came through.
func tidy(j *Job) { partsOfJob().tidy(reflect.ValueOf(j)) }

var partsOfJob = sync.OnceValue(func() *parts { return partsOf(reflect.TypeFor[*Job](), map[reflect.Type]*parts{}) })

// parts is what of a type may be untidy; nil where nothing is: lists, maps, and what holds some.
type parts struct {
	kind    reflect.Kind
	fields  []fieldPart  // of a struct, those that may
	elem    *parts       // of a pointer, list or map
	element reflect.Kind // of a list's or map's elements
}

type fieldPart struct {
	index int
	parts *parts
}

func partsOf(t reflect.Type, known map[reflect.Type]*parts) *parts {
	if p, ok := known[t]; ok {
		return p
	}
	p := &parts{kind: t.Kind()}
	known[t] = p // of a type that holds itself
	switch p.kind {
	case reflect.Pointer:
		if p.elem = partsOf(t.Elem(), known); p.elem == nil {
			p = nil
		}
	case reflect.Struct:
		for i := range t.NumField() {
			if sub := partsOf(t.Field(i).Type, known); sub != nil {
				p.fields = append(p.fields, fieldPart{i, sub})
			}
		}
		if p.fields == nil {
			p = nil
		}
	case reflect.Slice, reflect.Map:
		p.element = t.Elem().Kind()
		if p.kind == reflect.Slice || p.element == reflect.Pointer {
			p.elem = partsOf(t.Elem(), known)
		}
	default:
		p = nil
	}
	known[t] = p
	return p
}

func (p *parts) tidy(v reflect.Value) {
	if p == nil {
		return
	}
	switch p.kind {
	case reflect.Pointer:
		if !v.IsNil() {
			p.elem.tidy(v.Elem())
		}
	case reflect.Struct:
		for _, f := range p.fields {
			f.parts.tidy(v.Field(f.index))
		}
	case reflect.Slice:
		if v.Len() == 0 {
			if !v.IsNil() {
				v.SetZero()
			}
			return
		}
		if p.element == reflect.Pointer {
			dropNil(v)
		}
		if p.elem != nil {
			for i := range v.Len() {
				p.elem.tidy(v.Index(i))
			}
		}
	case reflect.Map:
		p.tidyMap(v)
	}
}

// tidyMap also removes elements that are nothing.
func (p *parts) tidyMap(v reflect.Value) {
	if v.Len() > 0 && (p.element == reflect.Pointer || p.element == reflect.Slice) {
		for _, k := range v.MapKeys() {
			e := v.MapIndex(k)
			if e.IsNil() || p.element == reflect.Slice && e.Len() == 0 {
				v.SetMapIndex(k, reflect.Value{})
			} else if p.element == reflect.Pointer {
				p.elem.tidy(e)
			}
		}
	}
	if v.Len() == 0 && !v.IsNil() {
		v.SetZero()
	}
}

// dropNil removes nil pointers from a list, so that no later stage meets one.
func dropNil(list reflect.Value) {
	kept := 0
	for i := range list.Len() {
		if e := list.Index(i); !e.IsNil() {
			if kept != i {
				list.Index(kept).Set(e)
			}
			kept++
		}
	}
	if kept == 0 {
		list.SetZero()
		return
	}
	list.SetLen(kept)
}

// plain reports element types without lists or maps in them.
func plain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Struct, reflect.Slice, reflect.Map:
		return false
	}
	return true
}

// tidyConfig brings a free-form configuration into the one form it has in the store: lists are []any, objects
// map[string]any, whole numbers int64, other numbers float64.
func tidyConfig(m map[string]any) map[string]any {
	if len(m) == 0 {
		return nil
	}
	for k, v := range m {
		m[k] = tidyAny(v)
	}
	return m
}

func tidyAny(v any) any {
	switch v := v.(type) {
	case nil, string, bool, int64:
		return v
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<63 {
			return int64(v)
		}
		return v
	case map[string]any:
		if v == nil {
			return map[string]any{}
		}
		for k, e := range v {
			v[k] = tidyAny(e)
		}
		return v
	case []any:
		if v == nil {
			return []any{}
		}
		for i, e := range v {
			v[i] = tidyAny(e)
		}
		return v
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return tidyAny(f)
	}
	return tidyReflect(reflect.ValueOf(v))
}

// tidyReflect covers the other numbers, lists and maps Go code or a decoder may have put in.
func tidyReflect(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := v.Uint(); u <= math.MaxInt64 {
			return int64(u)
		}
		return float64(v.Uint())
	case reflect.Float32:
		return tidyAny(v.Float())
	case reflect.Slice:
		out := make([]any, v.Len())
		for i := range out {
			out[i] = tidyAny(v.Index(i).Interface())
		}
		return out
	case reflect.Map:
		out := make(map[string]any, v.Len())
		for it := v.MapRange(); it.Next(); {
			if it.Key().Kind() == reflect.String {
				out[it.Key().String()] = tidyAny(it.Value().Interface())
			}
		}
		return out
	}
	return v.Interface()
}
