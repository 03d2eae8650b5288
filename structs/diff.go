package structs

//msgp:ignore JobDiff TaskGroupDiff TaskDiff ObjectDiff FieldDiff

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Types of differences.
const (
	DiffNone    = "None"
	DiffAdded   = "Added"
	DiffDeleted = "Deleted"
	DiffEdited  = "Edited"
)

// JobDiff is what one version of a job changes of another, in the contract's shape of a plan.
type JobDiff struct {
	Type       string
	ID         string
	Fields     []*FieldDiff
	Objects    []*ObjectDiff
	TaskGroups []*TaskGroupDiff
}

// TaskGroupDiff is the difference of one group. Updates counts what becomes of its allocations, by kind.
type TaskGroupDiff struct {
	Type    string
	Name    string
	Fields  []*FieldDiff
	Objects []*ObjectDiff
	Tasks   []*TaskDiff
	Updates map[string]uint64
}

// TaskDiff is the difference of one task.
type TaskDiff struct {
	Type        string
	Name        string
	Fields      []*FieldDiff
	Objects     []*ObjectDiff
	Annotations []string
}

// ObjectDiff is the difference of one block.
type ObjectDiff struct {
	Type    string
	Name    string
	Fields  []*FieldDiff
	Objects []*ObjectDiff
}

// FieldDiff is the difference of one value, as text.
type FieldDiff struct {
	Type        string
	Name        string
	Old         string
	New         string
	Annotations []string
}

// unseen are fields of a job that are not the user's: they never differ.
var unseen = map[string]bool{
	"ID": true, "Status": true, "StatusDescription": true, "Version": true, "CreateIndex": true, "ModifyIndex": true,
	"JobModifyIndex": true, "Stable": true, "SubmitTime": true, "VersionTag": true, "Suspended": true, "Dispatched": true, "DispatchIdempotencyToken": true,
}

// JobDiffOf compares two canonical jobs of one id; either may be nil. Contextual keeps values that did not change, beside ones
// that did.
func JobDiffOf(old, job *Job, contextual bool) (*JobDiff, error) {
	d := &JobDiff{Type: DiffNone}
	switch {
	case old == nil && job == nil:
		return d, nil
	case old != nil && job != nil && old.ID != job.ID:
		return nil, fmt.Errorf("jobs %q and %q cannot be compared: their ids differ", old.ID, job.ID)
	case old == nil:
		d.Type, d.ID = DiffAdded, job.ID
	case job == nil:
		d.Type, d.ID = DiffDeleted, old.ID
	default:
		d.ID = job.ID
	}
	w := differ{contextual: contextual}
	d.Fields, d.Objects = w.structs(of(old), of(job), func(name string) bool { return unseen[name] || name == "TaskGroups" })
	var og, ng []*TaskGroup
	if old != nil {
		og = old.TaskGroups
	}
	if job != nil {
		ng = job.TaskGroups
	}
	for _, p := range pairs(og, ng, func(g *TaskGroup) string { return g.Name }) {
		if g := w.group(p.old, p.new); g.Type != DiffNone || contextual {
			d.TaskGroups = append(d.TaskGroups, g)
		}
	}
	if d.Type == DiffNone && (changed(d.Fields) || changedObjects(d.Objects) ||
		slices.ContainsFunc(d.TaskGroups, func(g *TaskGroupDiff) bool { return g.Type != DiffNone })) {
		d.Type = DiffEdited
	}
	return d, nil
}

// differ walks two values of one type.
type differ struct{ contextual bool }

func of[T any](p *T) reflect.Value {
	if p == nil {
		return reflect.Value{}
	}
	return reflect.ValueOf(p).Elem()
}

func (w differ) group(old, group *TaskGroup) *TaskGroupDiff {
	d := &TaskGroupDiff{Type: kindOfDiff(old == nil, group == nil), Name: nameOf(old, group, func(g *TaskGroup) string { return g.Name })}
	d.Fields, d.Objects = w.structs(of(old), of(group), func(name string) bool { return name == "Name" || name == "Tasks" })
	var ot, nt []*Task
	if old != nil {
		ot = old.Tasks
	}
	if group != nil {
		nt = group.Tasks
	}
	for _, p := range pairs(ot, nt, func(t *Task) string { return t.Name }) {
		t := &TaskDiff{Type: kindOfDiff(p.old == nil, p.new == nil), Name: nameOf(p.old, p.new, func(t *Task) string { return t.Name })}
		t.Fields, t.Objects = w.structs(of(p.old), of(p.new), func(name string) bool { return name == "Name" })
		if t.Type == DiffNone && (changed(t.Fields) || changedObjects(t.Objects)) {
			t.Type = DiffEdited
		}
		if t.Type != DiffNone || w.contextual {
			d.Tasks = append(d.Tasks, t)
		}
	}
	if d.Type == DiffNone && (changed(d.Fields) || changedObjects(d.Objects) ||
		slices.ContainsFunc(d.Tasks, func(t *TaskDiff) bool { return t.Type != DiffNone })) {
		d.Type = DiffEdited
	}
	return d
}

func kindOfDiff(noOld, noNew bool) string {
	switch {
	case noOld:
		return DiffAdded
	case noNew:
		return DiffDeleted
	}
	return DiffNone
}

func nameOf[T any](old, now *T, name func(*T) string) string {
	if now != nil {
		return name(now)
	}
	return name(old)
}

type pair[T any] struct{ old, new *T }

// pairs matches by name, in the order of names.
func pairs[T any](old, now []*T, name func(*T) string) []pair[T] {
	byName := map[string]*pair[T]{}
	var names []string
	at := func(n string) *pair[T] {
		if byName[n] == nil {
			byName[n] = &pair[T]{}
			names = append(names, n)
		}
		return byName[n]
	}
	for _, x := range old {
		if x != nil {
			at(name(x)).old = x
		}
	}
	for _, x := range now {
		if x != nil {
			at(name(x)).new = x
		}
	}
	slices.Sort(names)
	out := make([]pair[T], len(names))
	for i, n := range names {
		out[i] = *byName[n]
	}
	return out
}

func changed(fields []*FieldDiff) bool {
	return slices.ContainsFunc(fields, func(f *FieldDiff) bool { return f.Type != DiffNone })
}

func changedObjects(objects []*ObjectDiff) bool {
	return slices.ContainsFunc(objects, func(o *ObjectDiff) bool { return o.Type != DiffNone })
}

// structs compares two structs field by field; an invalid value is one that is not there.
func (w differ) structs(old, now reflect.Value, skip func(name string) bool) (fields []*FieldDiff, objects []*ObjectDiff) {
	t := typeOf(old, now)
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || skip(f.Name) {
			continue
		}
		fs, os := w.value(f.Name, field(old, i), field(now, i))
		fields, objects = append(fields, fs...), append(objects, os...)
	}
	slices.SortStableFunc(fields, func(a, b *FieldDiff) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(objects, func(a, b *ObjectDiff) int { return strings.Compare(a.Name, b.Name) })
	return fields, objects
}

func typeOf(old, now reflect.Value) reflect.Type {
	if now.IsValid() {
		return now.Type()
	}
	return old.Type()
}

func field(v reflect.Value, i int) reflect.Value {
	if !v.IsValid() {
		return reflect.Value{}
	}
	return deref(v.Field(i))
}

// deref follows a pointer; nil is not there.
func deref(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return reflect.Value{}
		}
		return deref(v.Elem())
	}
	return v
}

// value compares two values of one field.
func (w differ) value(name string, old, now reflect.Value) ([]*FieldDiff, []*ObjectDiff) {
	if !old.IsValid() && !now.IsValid() {
		return nil, nil
	}
	switch t := typeOf(old, now); {
	case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
		return nil, w.object(name, old, now)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return w.slice(name, t, old, now)
	case t.Kind() == reflect.Map:
		return w.mapping(name, old, now)
	}
	return w.plain(name, text(old), text(now)), nil
}

// plain compares two texts; "" is the same as not there.
func (w differ) plain(name, old, now string) []*FieldDiff {
	d := &FieldDiff{Type: DiffEdited, Name: name, Old: old, New: now}
	switch {
	case old == now && (!w.contextual || old == ""):
		return nil
	case old == now:
		d.Type = DiffNone
	case old == "":
		d.Type = DiffAdded
	case now == "":
		d.Type = DiffDeleted
	}
	return []*FieldDiff{d}
}

func (w differ) object(name string, old, now reflect.Value) []*ObjectDiff {
	o := &ObjectDiff{Type: kindOfDiff(!old.IsValid(), !now.IsValid()), Name: name}
	o.Fields, o.Objects = w.structs(old, now, func(string) bool { return false })
	switch {
	case o.Type == DiffNone && (changed(o.Fields) || changedObjects(o.Objects)):
		o.Type = DiffEdited
	case o.Type == DiffNone && !w.contextual:
		return nil
	}
	return []*ObjectDiff{o}
}

// slice compares lists: of blocks by their names (those without one by what they hold), of values as sets.
func (w differ) slice(name string, t reflect.Type, old, now reflect.Value) ([]*FieldDiff, []*ObjectDiff) {
	elem := t.Elem()
	if elem.Kind() == reflect.Pointer {
		elem = elem.Elem()
	}
	if elem.Kind() != reflect.Struct {
		return nil, w.set(name, old, now)
	}
	byKey := map[string]*[2]reflect.Value{}
	var keys []string
	for side, v := range [2]reflect.Value{old, now} {
		if !v.IsValid() {
			continue
		}
		for i := range v.Len() {
			x := deref(v.Index(i))
			if !x.IsValid() {
				continue
			}
			k := keyOf(x)
			for byKey[k] != nil && byKey[k][side].IsValid() {
				k += "'" // the same twice
			}
			if byKey[k] == nil {
				byKey[k] = &[2]reflect.Value{}
				keys = append(keys, k)
			}
			byKey[k][side] = x
		}
	}
	slices.Sort(keys)
	var out []*ObjectDiff
	for _, k := range keys {
		out = append(out, w.object(singular(name), byKey[k][0], byKey[k][1])...)
	}
	return nil, out
}

// singular names one element of a list.
func singular(name string) string {
	if s, ok := strings.CutSuffix(name, "ies"); ok {
		return s + "y"
	}
	return strings.TrimSuffix(name, "s")
}

// keyOf is what a block in a list is known by.
func keyOf(v reflect.Value) string {
	for _, name := range []string{"Name", "Label", "Volume", "GetterSource", "DestPath"} {
		if f := v.FieldByName(name); f.IsValid() {
			if s := text(deref(f)); s != "" {
				return s
			}
		}
	}
	return text(v)
}

func (w differ) set(name string, old, now reflect.Value) []*ObjectDiff {
	have := [2]map[string]bool{{}, {}}
	var all []string
	for side, v := range [2]reflect.Value{old, now} {
		if !v.IsValid() {
			continue
		}
		for i := range v.Len() {
			s := text(deref(v.Index(i)))
			if !have[0][s] && !have[1][s] {
				all = append(all, s)
			}
			have[side][s] = true
		}
	}
	slices.Sort(all)
	o := &ObjectDiff{Type: DiffNone, Name: name}
	added, deleted := 0, 0
	for _, s := range all {
		f := &FieldDiff{Type: DiffNone, Name: name, Old: s, New: s}
		switch {
		case !have[0][s]:
			f.Type, f.Old = DiffAdded, ""
			added++
		case !have[1][s]:
			f.Type, f.New = DiffDeleted, ""
			deleted++
		case !w.contextual:
			continue
		}
		o.Fields = append(o.Fields, f)
	}
	switch {
	case added+deleted == 0 && (!w.contextual || len(all) == 0):
		return nil
	case added > 0 && len(have[0]) == 0:
		o.Type = DiffAdded
	case deleted > 0 && len(have[1]) == 0:
		o.Type = DiffDeleted
	case added+deleted > 0:
		o.Type = DiffEdited
	}
	return []*ObjectDiff{o}
}

// mapping compares maps: of texts as fields `Meta[key]`, of blocks as objects, of anything as one object of flat fields.
func (w differ) mapping(name string, old, now reflect.Value) (fields []*FieldDiff, objects []*ObjectDiff) {
	elem := typeOf(old, now).Elem()
	free := elem.Kind() == reflect.Interface
	for _, k := range mapKeys(old, now) {
		a, b := mapValue(old, k), mapValue(now, k)
		switch {
		case free:
			fields = append(fields, w.flat(k, a, b)...)
		case elem.Kind() == reflect.String:
			fields = append(fields, w.plain(name+"["+k+"]", text(a), text(b))...)
		default:
			fs, os := w.value(name+"["+k+"]", a, b)
			fields, objects = append(fields, fs...), append(objects, os...)
		}
	}
	if !free || len(fields) == 0 {
		return fields, objects
	}
	o := &ObjectDiff{Type: DiffNone, Name: name, Fields: fields}
	switch {
	case !old.IsValid() || old.Len() == 0:
		o.Type = DiffAdded
	case !now.IsValid() || now.Len() == 0:
		o.Type = DiffDeleted
	case changed(fields):
		o.Type = DiffEdited
	}
	return nil, []*ObjectDiff{o}
}

// flat compares two values of a free block, as fields args[0], mount[0][target].
func (w differ) flat(path string, old, now reflect.Value) []*FieldDiff {
	kind := reflect.Invalid
	if now.IsValid() {
		kind = now.Kind()
	} else if old.IsValid() {
		kind = old.Kind()
	}
	if old.IsValid() && now.IsValid() && old.Kind() != now.Kind() {
		return append(w.flat(path, old, reflect.Value{}), w.flat(path, reflect.Value{}, now)...)
	}
	var out []*FieldDiff
	switch kind {
	case reflect.Map:
		for _, k := range mapKeys(old, now) {
			out = append(out, w.flat(path+"["+k+"]", mapValue(old, k), mapValue(now, k))...)
		}
	case reflect.Slice:
		n := 0
		for _, v := range []reflect.Value{old, now} {
			if v.IsValid() {
				n = max(n, v.Len())
			}
		}
		for i := range n {
			out = append(out, w.flat(path+"["+strconv.Itoa(i)+"]", index(old, i), index(now, i))...)
		}
	default:
		return w.plain(path, text(old), text(now))
	}
	return out
}

func index(v reflect.Value, i int) reflect.Value {
	if !v.IsValid() || i >= v.Len() {
		return reflect.Value{}
	}
	return deref(v.Index(i))
}

func mapKeys(maps ...reflect.Value) []string {
	var keys []string
	for _, m := range maps {
		if !m.IsValid() {
			continue
		}
		for _, k := range m.MapKeys() {
			keys = append(keys, k.String())
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func mapValue(m reflect.Value, key string) reflect.Value {
	if !m.IsValid() {
		return reflect.Value{}
	}
	v := m.MapIndex(reflect.ValueOf(key))
	if !v.IsValid() {
		return v
	}
	return deref(v)
}

// text is a value as a plan shows it: durations in nanoseconds, as the contract has them.
func text(v reflect.Value) string {
	if !v.IsValid() {
		return ""
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case reflect.Struct:
		parts := make([]string, 0, v.NumField())
		for i := range v.NumField() {
			if s := text(deref(v.Field(i))); s != "" {
				parts = append(parts, v.Type().Field(i).Name+"="+s)
			}
		}
		return strings.Join(parts, " ")
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 && v.Kind() == reflect.Slice {
			return string(v.Bytes())
		}
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = text(deref(v.Index(i)))
		}
		return strings.Join(parts, ",")
	case reflect.Map:
		keys := mapKeys(v)
		slices.SortFunc(keys, cmp.Compare[string])
		parts := make([]string, len(keys))
		for i, k := range keys {
			parts[i] = k + "=" + text(mapValue(v, k))
		}
		return strings.Join(parts, ",")
	}
	return ""
}
