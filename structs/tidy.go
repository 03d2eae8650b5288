package structs

import (
	"encoding/json"
	"math"
	"reflect"
)

// tidy makes every empty list and map of the job nil, so that equal jobs are deeply equal whatever encoding they came through.
func tidy(j *Job) { tidyValue(reflect.ValueOf(j)) }

func tidyValue(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			tidyValue(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			tidyValue(v.Field(i))
		}
	case reflect.Slice:
		if v.Len() == 0 {
			v.SetZero()
			return
		}
		if plain(v.Type().Elem()) {
			return
		}
		dropNil(v)
		for i := range v.Len() {
			tidyValue(v.Index(i))
		}
	case reflect.Map:
		if v.Len() == 0 {
			v.SetZero()
			return
		}
		if kind := v.Type().Elem().Kind(); kind == reflect.Pointer || kind == reflect.Slice {
			for _, k := range v.MapKeys() {
				e := v.MapIndex(k)
				if e.IsNil() || kind == reflect.Slice && e.Len() == 0 {
					v.SetMapIndex(k, reflect.Value{})
				} else if kind == reflect.Pointer {
					tidyValue(e)
				}
			}
			if v.Len() == 0 {
				v.SetZero()
			}
		}
	}
}

// dropNil removes nil pointers from a list, so that no later stage meets one.
func dropNil(list reflect.Value) {
	if list.Type().Elem().Kind() != reflect.Pointer {
		return
	}
	kept := 0
	for i := range list.Len() {
		if e := list.Index(i); !e.IsNil() {
			list.Index(kept).Set(e)
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
