package jobspec

import (
	"encoding/json"
	"io"
)

// WriteSchema writes a JSON Schema of job files in HCL's JSON form, from the table that decodes them: editors complete and
// check with it.
func WriteSchema(w io.Writer) error {
	s := schemaWriter{defs: map[string]any{}, names: map[*block]string{}, used: map[string]int{}}
	top := s.object(langFile)
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "Job file (HCL in its JSON form)"
	top["required"] = []string{"job"}
	top["$defs"] = s.defs
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(top)
}

// schemaWriter gives each block of the language one definition.
type schemaWriter struct {
	defs  map[string]any
	names map[*block]string
	used  map[string]int // how many blocks have a name
}

type object = map[string]any

// object is the content of a block.
func (s *schemaWriter) object(b *block) object {
	if b.free {
		return object{"type": "object", "description": b.doc}
	}
	props := object{"//": object{"description": "A comment."}}
	var required []string
	for i := range b.attrs {
		a := &b.attrs[i]
		props[a.name] = a.schema()
		if a.required && b.label == "" {
			required = append(required, a.name)
		}
	}
	for _, c := range b.blocks {
		props[c.name] = s.block(c)
	}
	o := object{"type": "object", "description": b.doc, "properties": props, "additionalProperties": false}
	if len(required) > 0 && b.sugar == sugarNone {
		// A block may be spread over several objects of a list, but each that is written has these.
		o["required"] = required
	}
	return o
}

// block is a block as it is written: an object, below its label, alone or in a list.
func (s *schemaWriter) block(b *block) object {
	name, ok := s.names[b]
	if !ok {
		name = b.name
		if s.used[name]++; s.used[name] > 1 {
			name += string(rune('0' + s.used[name]))
		}
		s.names[b] = name
		s.defs[name] = s.object(b)
	}
	one := object{"$ref": "#/$defs/" + name}
	if b.label != "" {
		one = object{"type": "object", "additionalProperties": object{"anyOf": []any{one, object{"type": "array", "items": one}}}}
	}
	return object{"anyOf": []any{one, object{"type": "array", "items": one}}}
}

// schema is the value of an attribute. Every value may also be a text with an expression in it.
func (a *attr) schema() object {
	o := object{"description": a.doc}
	if a.deprecated != "" {
		o["deprecated"] = true
	}
	text := object{"type": "string"}
	expression := object{"type": "string", "pattern": `\$\{`}
	switch a.kind {
	case kindString, kindPort:
		if len(a.allowed) > 0 {
			o["anyOf"] = []any{object{"enum": a.allowed}, expression}
		} else {
			o["type"] = []string{"string", "number", "boolean"}
		}
	case kindInt:
		o["anyOf"] = []any{object{"type": "integer"}, text}
	case kindBool:
		o["anyOf"] = []any{object{"type": "boolean"}, text}
	case kindDuration:
		o["type"] = []string{"string", "integer"}
	case kindStrings:
		o["anyOf"] = []any{object{"type": "array", "items": object{"type": []string{"string", "number", "boolean"}}}, expression}
	case kindMap:
		o["type"] = "object"
	case kindAny:
	}
	return o
}
