package server

import (
	"fmt"
	"reflect"
	"sync"

	"berth/structs"
)

// holes finds elements of lists and maps that are not there, as JSON's null leaves them. Nothing that reads the state expects one, and a
// loop of the leader that fell over it would fall again on the next leader. The zero value is ready.
type holes struct {
	shapes sync.Map // reflect.Type of a command's body → *shape
}

// shape is what of a type may hold a list or map of pointers; nil when nothing does.
type shape struct {
	kind   reflect.Kind
	fields []part // of a struct, those that may
	elem   *shape // of a pointer, list or map
	gaps   bool   // elements of the list or map may be missing
}

type part struct {
	index int
	name  string
	shape *shape
}

// in gives an error that names the first hole. Plans and removals are the leader's own and are not looked through.
func (h *holes) in(body any) error {
	switch body.(type) {
	case *structs.PlanApplyCommand, *structs.ReapCommand:
		return nil
	}
	v := reflect.ValueOf(body)
	known, ok := h.shapes.Load(v.Type())
	if !ok {
		known, _ = h.shapes.LoadOrStore(v.Type(), shapeOf(v.Type(), map[reflect.Type]*shape{}))
	}
	if at, found := known.(*shape).find(v); found {
		return &structs.Error{Kind: structs.KindInvalid, Err: fmt.Errorf("%s is empty (null)", at[1:]), Hint: "leave it out"}
	}
	return nil
}

func (s *shape) find(v reflect.Value) (path string, found bool) {
	if s == nil {
		return "", false
	}
	switch s.kind {
	case reflect.Pointer:
		if !v.IsNil() {
			return s.elem.find(v.Elem())
		}
	case reflect.Struct:
		for _, f := range s.fields {
			if path, found = f.shape.find(v.Field(f.index)); found {
				return "." + f.name + path, true
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if path, found = s.element(v.Index(i)); found {
				return fmt.Sprintf("[%d]%s", i, path), true
			}
		}
	case reflect.Map:
		if v.Len() == 0 {
			return "", false
		}
		for it := v.MapRange(); it.Next(); {
			if path, found = s.element(it.Value()); found {
				return fmt.Sprintf("[%v]%s", it.Key(), path), true
			}
		}
	}
	return "", false
}

func (s *shape) element(v reflect.Value) (string, bool) {
	if s.gaps && v.IsNil() {
		return "", true
	}
	return s.elem.find(v)
}

// shapeOf is the shape of a type; one that holds itself is looked through.
func shapeOf(t reflect.Type, known map[reflect.Type]*shape) *shape {
	if s, seen := known[t]; seen {
		return s
	}
	s := &shape{kind: t.Kind()}
	yes := false
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		s.gaps = t.Elem().Kind() == reflect.Pointer
		s.elem = shapeOf(t.Elem(), known)
		yes = s.gaps || s.elem != nil
	case reflect.Pointer:
		known[t] = s
		s.elem = shapeOf(t.Elem(), known)
		yes = s.elem != nil
	case reflect.Struct:
		for i := range t.NumField() {
			if f := shapeOf(t.Field(i).Type, known); f != nil {
				s.fields = append(s.fields, part{i, t.Field(i).Name, f})
			}
		}
		yes = len(s.fields) > 0
	default:
	}
	if !yes {
		s = nil
	}
	known[t] = s
	return s
}
