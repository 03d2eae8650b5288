package jobspec

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"berth/structs"
)

// field is the Go name of a field of a struct for a member of an object, "" if there is none.
func (r *jsonReader) field(t reflect.Type, name string) string {
	names := r.names[t]
	if names == nil {
		names = make(map[string]string, t.NumField())
		for i := range t.NumField() {
			f := t.Field(i)
			word, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.PkgPath != "" || word == "-" {
				continue
			}
			names[strings.ToLower(f.Name)] = f.Name
			if word != "" {
				names[strings.ToLower(word)] = f.Name
			}
		}
		r.names[t] = names
	}
	if f, ok := names[name]; ok {
		return f
	}
	return names[strings.ToLower(name)]
}

func (r *jsonReader) unknown(t reflect.Type, name string, rng hcl.Range) {
	hint := ""
	if r.strange++; r.strange <= maxStrange {
		words := make([]string, 0, t.NumField())
		for i := range t.NumField() {
			words = append(words, t.Field(i).Name)
		}
		slices.Sort(words)
		if near := structs.Nearest(name, words); near != "" {
			hint = fmt.Sprintf("did you mean %q?", near)
		}
	}
	sev := SeverityWarning
	if r.strict {
		sev = SeverityError
	}
	r.rep.add(sev, rng, fmt.Sprintf("%s has no field %q", t.Name(), name), hint)
}
