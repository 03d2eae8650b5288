package state

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"iter"
	"math"
	"reflect"
	"slices"
	"time"
)

// Hash digests everything in the state: equal logs give equal hashes, whether they were applied live, replayed or restored
// from a snapshot. What is derived is left out.
func (rd reader) Hash() [sha256.Size]byte {
	r := rd.r
	d := &digest{h: sha256.New()}
	d.number(r.index)
	for _, changed := range r.changed {
		d.number(changed)
	}
	digestAll(d, r.jobs())
	digestAll(d, r.versions())
	digestAll(d, r.submissions())
	digestAll(d, r.summaries())
	digestAll(d, r.nodes.All())
	digestAll(d, r.allocs.All())
	digestAll(d, r.evals.All())
	digestAll(d, r.deployments.All())
	digestAll(d, r.namespaces.All())
	digestAll(d, r.pools.All())
	digestAll(d, r.roots.All())
	digestAll(d, r.joinTokens.All())
	digestAll(d, r.launches.All())
	digestAll(d, r.regions.All())
	digestAll(d, r.classes.All())
	digestAll(d, r.budgets.All())
	digestAll(d, r.revocations.All())
	digestAll(d, r.policies.All())
	digestAll(d, r.aclRoles.All())
	digestAll(d, r.tokens.All())
	digestAll(d, r.oneTime.All())
	digestAll(d, r.queues.All())
	d.value(reflect.ValueOf(r.bootstrap))
	d.value(reflect.ValueOf(r.config))
	d.value(reflect.ValueOf(r.autopilot))
	return [sha256.Size]byte(d.h.Sum(nil))
}

// Digest is a hash of one object's stored fields: two are alike for the state when their digests are equal. Empty and nil
// lists and maps are the same, as are numbers of different types in free-form configuration.
func Digest(object any) [sha256.Size]byte {
	d := &digest{h: sha256.New()}
	d.value(reflect.ValueOf(object))
	return [sha256.Size]byte(d.h.Sum(nil))
}

func digestAll[T any](d *digest, seq iter.Seq[*T]) {
	n := uint64(0)
	for v := range seq {
		d.value(reflect.ValueOf(v))
		n++
	}
	d.number(n)
}

type digest struct {
	h   hash.Hash
	buf [8]byte
}

func (d *digest) number(n uint64) {
	binary.LittleEndian.PutUint64(d.buf[:], n)
	d.h.Write(d.buf[:])
}

func (d *digest) text(s string) {
	d.number(uint64(len(s)))
	d.h.Write([]byte(s))
}

// value writes a value so that no two different ones give the same bytes.
func (d *digest) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Invalid:
		d.number(0)
	case reflect.Bool:
		d.number(uint64(one(v.Bool())))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.number(uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		d.number(v.Uint())
	case reflect.Float32, reflect.Float64:
		d.number(math.Float64bits(v.Float()))
	case reflect.String:
		d.text(v.String())
	case reflect.Pointer:
		if v.IsNil() {
			d.number(0)
			return
		}
		d.number(1)
		d.value(v.Elem())
	case reflect.Interface:
		d.free(v.Elem())
	case reflect.Struct:
		d.fields(v)
	case reflect.Slice, reflect.Array:
		d.number(uint64(v.Len()))
		for i := range v.Len() {
			d.value(v.Index(i))
		}
	case reflect.Map:
		d.mapping(v)
	}
}

// free writes a value of free form, whose type must tell.
func (d *digest) free(v reflect.Value) {
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.text("number")
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		d.text("number")
	case reflect.Invalid:
		d.text("nil")
	default:
		d.text(v.Kind().String())
	}
	d.value(v)
}

func (d *digest) fields(v reflect.Value) {
	if t, ok := v.Interface().(time.Time); ok {
		d.number(uint64(t.Unix()))
		d.number(uint64(t.Nanosecond()))
		return
	}
	t := v.Type()
	for i := range v.NumField() {
		if f := t.Field(i); f.IsExported() && f.Tag.Get("msg") != "-" {
			d.value(v.Field(i))
		}
	}
}

func (d *digest) mapping(v reflect.Value) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	d.number(uint64(len(keys)))
	for _, k := range keys {
		d.text(k.String())
		d.value(v.MapIndex(k))
	}
}
