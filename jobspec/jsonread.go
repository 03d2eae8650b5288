package jobspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"berth/structs"
)

// jsonReader fills structs from JSON text token by token, and remembers where each field was written.
type jsonReader struct {
	rep    *report
	src    []byte
	file   string
	strict bool
	dec    *json.Decoder
	last   hcl.Pos
	places map[string]hcl.Range
	bad    map[string]bool
	// names are the fields of each struct type by lower-case name, made when first met.
	names  map[reflect.Type]map[string]string
	broken bool // the text is not JSON: nothing more can be read
	// strange counts names that are no field; only the first few are compared with those that are.
	strange int
}

const maxStrange = 100

func newJSONReader(rep *report, opts ParseOptions) *jsonReader {
	dec := json.NewDecoder(bytes.NewReader(opts.Source))
	dec.UseNumber()
	return &jsonReader{
		rep: rep, src: opts.Source, file: opts.Filename, strict: opts.Strict, dec: dec, last: hcl.InitialPos,
		places: map[string]hcl.Range{}, bad: map[string]bool{}, names: map[reflect.Type]map[string]string{},
	}
}

// whole reads the text: a job, or an object with a Job in it. False when there is none.
func (r *jsonReader) whole(job *structs.Job) bool {
	tok, rng, ok := r.token()
	if !ok {
		return false
	}
	if tok != json.Delim('{') {
		r.rep.error(rng, "the text must be a JSON object, not "+describeToken(tok), `it must be {"Job": {"ID": ...}}`)
		return false
	}
	wrapped, found := r.isWrapped(), false
	target := reflect.ValueOf(job).Elem()
	if !wrapped {
		r.places[""] = rng
		r.members(target, "")
		found = true
	} else {
		for r.more() {
			name, nameRng, ok := r.key()
			if !ok {
				return false
			}
			if !strings.EqualFold(name, "Job") {
				r.skip() // EvalPriority and the like belong to the request
				continue
			}
			r.places[""] = nameRng
			found = !bytes.HasPrefix(bytes.TrimLeft(r.src[r.dec.InputOffset():], " \t\r\n:"), []byte("null"))
			r.value(target, "")
		}
		r.close()
	}
	if !found {
		r.rep.error(rng, "the text has no job", `it must be {"Job": {"ID": ...}}`)
	} else if rest := bytes.TrimSpace(r.src[min(int(r.dec.InputOffset()), len(r.src)):]); len(rest) > 0 && !r.broken {
		at := len(r.src) - len(rest)
		r.rep.error(r.rangeOf(at, at+1), "there is more text after the job", "remove it")
	}
	return found && !r.broken
}

// isWrapped reports that one of the names of the outer object is Job.
func (r *jsonReader) isWrapped() bool {
	if !bytes.Contains(r.src, []byte("ob\"")) {
		return false
	}
	var top map[string]json.RawMessage
	if json.Unmarshal(r.src, &top) != nil {
		return true // an error follows in any case
	}
	for name := range top {
		if strings.EqualFold(name, "Job") {
			return true
		}
	}
	return false
}

// token gives the next token and where it stands.
func (r *jsonReader) token() (json.Token, hcl.Range, bool) {
	if r.broken {
		return nil, hcl.Range{}, false
	}
	from := int(r.dec.InputOffset())
	tok, err := r.dec.Token()
	if err != nil {
		r.syntax(err)
		return nil, hcl.Range{}, false
	}
	to := int(r.dec.InputOffset())
	for from < to && strings.IndexByte(" \t\r\n:,", r.src[from]) >= 0 {
		from++
	}
	return tok, r.rangeOf(from, to), true
}

// more reports that a list or object goes on. It does not for a reader who has enough errors to read.
func (r *jsonReader) more() bool {
	if !r.broken && r.rep.full() {
		r.broken = true
	}
	return !r.broken && r.dec.More()
}

func (r *jsonReader) close() { r.token() }

// key reads the name of a member.
func (r *jsonReader) key() (string, hcl.Range, bool) {
	tok, rng, ok := r.token()
	name, isText := tok.(string)
	return name, rng, ok && isText
}

// skip leaves a value out.
func (r *jsonReader) skip() {
	if r.broken {
		return
	}
	var raw json.RawMessage
	if err := r.dec.Decode(&raw); err != nil {
		r.syntax(err)
	}
}

// rest leaves out what is left of a value that began with this token.
func (r *jsonReader) rest(tok json.Token) {
	if tok != json.Delim('{') && tok != json.Delim('[') {
		return
	}
	for r.more() {
		if tok == json.Delim('{') {
			r.key()
		}
		r.skip()
	}
	r.close()
}

// members fills a struct from the members of an object, whose brace was read.
func (r *jsonReader) members(v reflect.Value, path string) {
	seen := map[string]bool{}
	for r.more() {
		name, rng, ok := r.key()
		if !ok {
			return
		}
		field := r.field(v.Type(), name)
		if field == "" {
			r.unknown(v.Type(), name, rng)
			r.skip()
			continue
		}
		if seen[field] {
			r.rep.error(rng, fmt.Sprintf("%s is there twice", field), "keep one of them")
		}
		seen[field] = true
		at := field
		if path != "" {
			at = path + "." + field
		}
		r.value(v.FieldByName(field), at)
	}
	r.close()
}

// value reads the next value into a field.
func (r *jsonReader) value(v reflect.Value, path string) {
	tok, rng, ok := r.token()
	if !ok {
		return
	}
	if path != "" {
		r.places[path] = rng
	}
	if tok == nil {
		return // null: as if it were not there
	}
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	want, good := "", false
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		want, good = `a duration ("30s", or nanoseconds)`, setDuration(v, tok)
	case v.Type() == reflect.TypeFor[[]byte]():
		want, good = "text in base64", setBytes(v, tok)
	case v.Kind() == reflect.Interface:
		v.Set(reflect.ValueOf(r.plain(tok, path)))
		return
	case v.Kind() == reflect.Struct:
		if want, good = "an object", tok == json.Delim('{'); good {
			r.members(v, path)
		}
	case v.Kind() == reflect.Map:
		if want, good = "an object", tok == json.Delim('{'); good {
			r.mapped(v, path)
		}
	case v.Kind() == reflect.Slice:
		if want, good = "a list", tok == json.Delim('['); good {
			r.listed(v, path)
		}
	default:
		want, good = setScalar(v, tok)
	}
	if !good {
		r.wrong(path, want, rng, describeToken(tok))
		r.rest(tok)
	}
}

func (r *jsonReader) listed(v reflect.Value, path string) {
	list := reflect.MakeSlice(v.Type(), 0, 0)
	for i := 0; r.more(); i++ {
		e := reflect.New(v.Type().Elem()).Elem()
		r.value(e, path+"["+strconv.Itoa(i)+"]")
		if e.Kind() == reflect.Pointer && e.IsNil() {
			r.rep.error(r.places[path+"["+strconv.Itoa(i)+"]"], "null stands in the list "+lastField(path), "remove it")
			r.bad[path] = true
			continue
		}
		list = reflect.Append(list, e)
	}
	r.close()
	v.Set(list)
}

func (r *jsonReader) mapped(v reflect.Value, path string) {
	m := reflect.MakeMap(v.Type())
	any := v.Type().Elem().Kind() == reflect.Interface
	for r.more() {
		name, _, ok := r.key()
		if !ok {
			return
		}
		at := path + "[" + name + "]"
		if any {
			at = path + "." + name // as faults of driver configurations are named
		}
		e := reflect.New(v.Type().Elem()).Elem()
		r.value(e, at)
		if e.Kind() == reflect.Pointer && e.IsNil() {
			continue
		}
		m.SetMapIndex(reflect.ValueOf(name), e)
	}
	r.close()
	v.Set(m)
}

// plain reads a value of any kind.
func (r *jsonReader) plain(tok json.Token, path string) any {
	switch x := tok.(type) {
	case json.Number:
		return plainNumber(x)
	case json.Delim:
		var v reflect.Value
		if x == '{' {
			v = reflect.New(reflect.TypeFor[map[string]any]()).Elem()
			r.mapped(v, path)
		} else {
			v = reflect.New(reflect.TypeFor[[]any]()).Elem()
			r.listed(v, path)
		}
		return v.Interface()
	}
	return tok
}
