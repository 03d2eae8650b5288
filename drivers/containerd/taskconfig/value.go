package taskconfig

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"time"

	"berth/structs"
)

// block reads values by schema and collects faults.
type block struct {
	path   string // "" or "mount[0]."
	raw    map[string]any
	lax    bool // interpolations may stand for anything
	faults *structs.Faults
}

func (b *block) fault(key, format string, args ...any) {
	*b.faults = append(*b.faults, structs.Fault{Path: b.path + key, Message: fmt.Sprintf(format, args...)})
}

// open checks the keys of a block against its schema.
func (b *block) open(keys []Key) {
	names := make([]string, 0, len(b.raw))
	for name := range b.raw {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		key, ok := find(keys, name)
		switch {
		case !ok:
			f := structs.Fault{Path: b.path + name, Message: "unknown key", Name: true}
			if n := structs.Nearest(name, accepted(keys)); n != "" {
				f.Hint = fmt.Sprintf("did you mean %q?", n)
			}
			*b.faults = append(*b.faults, f)
		case key.Refused != "" && b.raw[name] != nil:
			*b.faults = append(*b.faults, structs.Fault{Path: b.path + name, Message: "not supported: " + key.Refused, Name: true})
		}
	}
	for i := range keys {
		if !keys[i].Required {
			continue
		}
		if v := b.raw[keys[i].Name]; v == nil || v == "" {
			b.fault(keys[i].Name, "required, but not set")
		}
	}
}

// accepted are the names of the keys that work here.
func accepted(keys []Key) []string {
	var names []string
	for _, k := range keys {
		if k.Refused == "" {
			names = append(names, k.Name)
		}
	}
	return names
}

func find(keys []Key, name string) (Key, bool) {
	for _, k := range keys {
		if k.Name == name {
			return k, true
		}
	}
	return Key{}, false
}

func (b *block) interpolated(v any) bool {
	s, ok := v.(string)
	return ok && b.lax && strings.Contains(s, "${")
}

func (b *block) wrong(key string, v any, allowed Kind) {
	b.fault(key, "found %s, allowed: %s", describe(v), allowed)
}

func (b *block) str(key string) string {
	switch v := b.raw[key].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		b.wrong(key, v, KindString)
		return ""
	}
}

func (b *block) boolean(key string) bool {
	v := b.raw[key]
	if v == nil || b.interpolated(v) {
		return false
	}
	if x, ok := v.(bool); ok {
		return x
	}
	if s, ok := v.(string); ok {
		if x, err := strconv.ParseBool(s); err == nil {
			return x
		}
	}
	b.wrong(key, v, KindBool)
	return false
}

func (b *block) integer(key string) int64 {
	v := b.raw[key]
	if v == nil || b.interpolated(v) {
		return 0
	}
	n, ok := asInt(v)
	if !ok {
		b.wrong(key, v, KindInt)
	}
	return n
}

// atLeast is an integer with a lower bound; 0 means not set.
func (b *block) atLeast(key string, low int64) int64 {
	n := b.integer(key)
	if n != 0 && n < low {
		b.fault(key, "found %d, allowed: %d or more", n, low)
	}
	return n
}

func (b *block) duration(key string) time.Duration {
	v := b.raw[key]
	if v == nil || b.interpolated(v) {
		return 0
	}
	if s, ok := v.(string); ok {
		d, err := time.ParseDuration(s)
		if err == nil && d >= 0 {
			return d
		}
		b.fault(key, "found %q, allowed: a duration such as \"30s\" or \"5m\"", s)
		return 0
	}
	if n, ok := asInt(v); ok && n >= 0 {
		return time.Duration(n) // nanoseconds, as in JSON
	}
	b.wrong(key, v, KindDuration)
	return 0
}

func (b *block) list(key string, orString bool) []string {
	kind := KindList
	if orString {
		kind = KindStringList
	}
	v := b.raw[key]
	if s, ok := v.(string); ok && (orString || b.interpolated(v)) {
		return []string{s}
	}
	if v == nil {
		return nil
	}
	items, ok := asList(v)
	if !ok {
		b.wrong(key, v, kind)
		return nil
	}
	out := make([]string, 0, len(items))
	for i, it := range items {
		s, ok := asText(it)
		if !ok {
			b.fault(fmt.Sprintf("%s[%d]", key, i), "found %s, allowed: %s", describe(it), KindString)
			continue
		}
		out = append(out, s)
	}
	return out
}

func (b *block) stringMap(key string) map[string]string {
	v := b.raw[key]
	if v == nil || b.interpolated(v) {
		return nil
	}
	m, ok := asMap(v)
	if !ok {
		b.wrong(key, v, KindMap)
		return nil
	}
	out := make(map[string]string, len(m))
	for k, it := range m {
		s, ok := asText(it)
		if !ok {
			b.fault(key+"."+k, "found %s, allowed: %s", describe(it), KindString)
			continue
		}
		out[k] = s
	}
	return out
}

// child opens a block that may be written as a map or a list of one map; nil when it is not there.
func (b *block) child(key string, keys []Key) *block {
	list := b.children(key, keys)
	switch {
	case len(list) == 0:
		return nil
	case len(list) > 1:
		b.fault(key, "found %d blocks, allowed: 1", len(list))
	}
	list[0].path = b.path + key + "."
	return list[0]
}

func (b *block) children(key string, keys []Key) []*block {
	v := b.raw[key]
	if v == nil {
		return nil
	}
	var maps []map[string]any
	if m, ok := asMap(v); ok {
		maps = []map[string]any{m}
	}
	if items, ok := asList(v); ok {
		maps = nil
		for _, it := range items {
			m, ok := it.(map[string]any)
			if !ok {
				b.wrong(key, it, KindBlock)
				return nil
			}
			maps = append(maps, m)
		}
	} else if maps == nil {
		b.wrong(key, v, KindBlock)
		return nil
	}
	out := make([]*block, len(maps))
	for i, m := range maps {
		out[i] = &block{path: fmt.Sprintf("%s%s[%d].", b.path, key, i), raw: m, lax: b.lax, faults: b.faults}
		out[i].open(keys)
	}
	return out
}

func asInt(v any) (int64, bool) {
	switch x := v.(type) {
	case int:
		return int64(x), true
	case int64:
		return x, true
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int64(x), true
		}
	case json.Number:
		n, err := x.Int64()
		return n, err == nil
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(x), 10, 64)
		return n, err == nil
	}
	return 0, false
}

func asText(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case bool:
		return strconv.FormatBool(x), true
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64), true
	case json.Number:
		return x.String(), true
	}
	if n, ok := asInt(v); ok {
		return strconv.FormatInt(n, 10), true
	}
	return "", false
}

func asList(v any) ([]any, bool) {
	if l, ok := v.([]any); ok {
		return l, true
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.Slice {
		return nil, false
	}
	out := make([]any, rv.Len())
	for i := range out {
		out[i] = rv.Index(i).Interface()
	}
	return out, true
}

// asMap accepts a map, or a list of maps with distinct keys, which is how HCL1-style JSON writes a block.
func asMap(v any) (map[string]any, bool) {
	switch m := v.(type) {
	case map[string]any:
		return m, true
	case map[string]string:
		out := make(map[string]any, len(m))
		for k, s := range m {
			out[k] = s
		}
		return out, true
	}
	items, ok := asList(v)
	if !ok {
		return nil, false
	}
	out := map[string]any{}
	for _, it := range items {
		m, ok := asMap(it)
		if _, list := it.([]any); !ok || list {
			return nil, false
		}
		for k, x := range m {
			out[k] = x
		}
	}
	return out, true
}

// describe names a value's shape for people, with the value when it is short.
func describe(v any) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case string:
		if len(x) > 40 {
			x = x[:40] + "..."
		}
		return fmt.Sprintf("the string %q", x)
	case bool:
		return fmt.Sprintf("the bool %v", x)
	case float64:
		return "the number " + strconv.FormatFloat(x, 'f', -1, 64)
	case map[string]any, map[string]string:
		return "a map"
	}
	if _, ok := asList(v); ok {
		return "a list"
	}
	if n, ok := asInt(v); ok {
		return fmt.Sprintf("the number %d", n)
	}
	return fmt.Sprintf("a value of type %T", v)
}
