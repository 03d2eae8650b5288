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
	shapes sync.Map // reflect.Type → whether a value of it may hold a list or map of pointers
}

// in gives an error that names the first hole. Plans and removals are the leader's own and are not looked through.
func (h *holes) in(body any) error {
	switch body.(type) {
	case *structs.PlanApplyCommand, *structs.ReapCommand:
		return nil
	}
	if at, found := h.find(reflect.ValueOf(body)); found {
		return &structs.Error{Kind: structs.KindInvalid, Err: fmt.Errorf("%s is empty (null)", at[1:]), Hint: "leave it out"}
	}
	return nil
}

func (h *holes) find(v reflect.Value) (path string, found bool) {
	if !h.may(v.Type()) {
		return "", false
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return h.find(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if path, found = h.find(v.Field(i)); found {
				return "." + v.Type().Field(i).Name + path, true
			}
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if path, found = h.element(v.Index(i)); found {
				return fmt.Sprintf("[%d]%s", i, path), true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if path, found = h.element(it.Value()); found {
				return fmt.Sprintf("[%v]%s", it.Key(), path), true
			}
		}
	}
	return "", false
}

func (h *holes) element(v reflect.Value) (string, bool) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return "", true
	}
	return h.find(v)
}

// may reports that a value of a type may hold a list or map of pointers.
func (h *holes) may(t reflect.Type) bool {
	if known, ok := h.shapes.Load(t); ok {
		return known.(bool)
	}
	yes := false
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		yes = t.Elem().Kind() == reflect.Pointer || h.may(t.Elem())
	case reflect.Pointer:
		h.shapes.Store(t, true) // a type that holds itself: looked through
		yes = h.may(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			yes = h.may(t.Field(i).Type) || yes
		}
	default:
	}
	h.shapes.Store(t, yes)
	return yes
}
