package jobspec

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"berth/structs"
)

// TestTableMatchesStructs checks that every entry of the table sets a field there is, of a kind it can set, and says what it
// is for.
func TestTableMatchesStructs(t *testing.T) {
	var walk func(b *block, typ reflect.Type, path string)
	walk = func(b *block, typ reflect.Type, path string) {
		if b.doc == "" {
			t.Errorf("%s has no doc", path)
		}
		if b.free {
			return
		}
		var names []string
		for _, a := range b.attrs {
			at := path + "." + a.name
			if a.doc == "" || !strings.HasSuffix(a.doc, ".") && !strings.ContainsAny(a.doc, ":") {
				t.Errorf("%s: doc %q is not a sentence", at, a.doc)
			}
			names = append(names, a.name)
			if typ == nil || a.field == "" {
				continue
			}
			f, ok := typ.FieldByName(a.field)
			if !ok {
				t.Errorf("%s: %s has no field %s", at, typ, a.field)
				continue
			}
			ft := f.Type
			if ft.Kind() == reflect.Pointer {
				ft = ft.Elem()
			}
			if !fits(a.kind, ft, b.sugar != sugarNone) {
				t.Errorf("%s: a %s is written to %s.%s, which is %s", at, a.kind, typ, a.field, ft)
			}
		}
		for _, c := range b.blocks {
			names = append(names, c.name)
			at := path + "." + c.name
			if typ == nil || c.field == "" {
				if c.sugar == sugarPort {
					walk(c, reflect.TypeFor[structs.Port](), at)
				}
				continue
			}
			if b == langJob && c == langTask {
				continue // sugar: it becomes a group
			}
			f, ok := typ.FieldByName(c.field)
			if !ok {
				if c == langVault || c == langSecret {
					continue // given to the tasks
				}
				t.Errorf("%s: %s has no field %s", at, typ, c.field)
				continue
			}
			ft := f.Type
			if c.free {
				if ft.Kind() != reflect.Map && ft.Kind() != reflect.Interface {
					t.Errorf("%s: free block in %s", at, ft)
				}
				continue
			}
			for ft.Kind() == reflect.Pointer || ft.Kind() == reflect.Slice || ft.Kind() == reflect.Map {
				if ft.Kind() != reflect.Pointer && !c.many {
					t.Errorf("%s: a list that may not be repeated", at)
				}
				ft = ft.Elem()
			}
			if c.labelField != "" {
				if _, ok := ft.FieldByName(c.labelField); !ok {
					t.Errorf("%s: no field %s for the label in %s", at, c.labelField, ft)
				}
			}
			walk(c, ft, at)
		}
		slices.Sort(names)
		if len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("%s: a word is there twice", path)
		}
	}
	walk(langJob, reflect.TypeFor[structs.Job](), "job")
}

func fits(k kind, t reflect.Type, sweet bool) bool {
	switch k {
	case kindString, kindPort:
		return t.Kind() == reflect.String
	case kindBool:
		return t.Kind() == reflect.Bool || sweet
	case kindInt:
		return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64
	case kindDuration:
		return t == reflect.TypeFor[time.Duration]() || t.Kind() == reflect.Int64
	case kindStrings:
		return t == reflect.TypeFor[[]string]()
	}
	return false
}
