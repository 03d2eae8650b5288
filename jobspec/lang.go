package jobspec

import (
	"reflect"
	"slices"
	"strings"
)

// kind is how the value of an attribute is written.
type kind uint8

const (
	kindString   kind = iota
	kindInt           // whole number
	kindBool          // true or false
	kindDuration      // "1h30m", or a number of nanoseconds
	kindStrings       // list of strings
	kindMap           // map of strings, or a block with the same content
	kindPort          // a port label, or a number
	kindAny           // anything
)

// String is the kind as the documentation names it.
func (k kind) String() string {
	return [...]string{"string", "number", "bool", "duration", "list of strings", "map of strings", "port label", "any"}[k]
}

// attr is one attribute of the job language.
type attr struct {
	name string
	// field is the Go and JSON field it sets; with a dot, a field of a block below.
	field string
	kind  kind
	// def is the default as a person would write it; "" when there is none.
	def string
	// unit of a number: "MB", "MHz".
	unit string
	doc  string
	// required: the block does not validate without it.
	required bool
	// deprecated says what to write instead.
	deprecated string
	// told: structs.Job.Validate warns of the older form itself.
	told bool
	// least and most bound a number that is stored in one byte; both 0: no such bounds.
	least, most int
	// allowed values, for documentation and schema; structs.Job.Validate refuses others.
	allowed []string
}

// block is one block of the job language.
type block struct {
	name string
	// field is the Go and JSON field of the parent it sets.
	field string
	// label is what the label stands for; "" when the block has none. labelField receives it.
	label, labelField string
	// many: the block may be repeated.
	many bool
	// free: any attributes and blocks are taken as they are, into a map.
	free bool
	// mapped: the block may also be written as an attribute with a map value.
	mapped bool
	doc    string
	attrs  []attr
	blocks []*block
	// sugar says which decoder takes the place of the general one, where there is more than one way to write a thing.
	sugar sugar
}

// attrNamed finds an attribute, nil if there is none of that name.
func (b *block) attrNamed(name string) *attr {
	for i := range b.attrs {
		if b.attrs[i].name == name {
			return &b.attrs[i]
		}
	}
	return nil
}

// blockNamed finds a block directly below, nil if there is none of that name.
func (b *block) blockNamed(name string) *block {
	for _, c := range b.blocks {
		if c.name == name {
			return c
		}
	}
	return nil
}

// words are the names of all attributes and blocks, sorted.
func (b *block) words() []string {
	var words []string
	for _, a := range b.attrs {
		words = append(words, a.name)
	}
	for _, c := range b.blocks {
		words = append(words, c.name)
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// title is the block as it is written: `port "<label>"`.
func (b *block) title() string {
	if b.label == "" {
		return b.name
	}
	return b.name + ` "<` + b.label + `>"`
}

// fieldOf finds a field of a struct by its name.
func fieldOf(v reflect.Value, name string) reflect.Value {
	first, rest, nested := strings.Cut(name, ".")
	f := v.FieldByName(first)
	if !nested {
		return f
	}
	if f.Kind() == reflect.Pointer {
		if f.IsNil() {
			f.Set(reflect.New(f.Type().Elem()))
		}
		f = f.Elem()
	}
	return fieldOf(f, rest)
}
