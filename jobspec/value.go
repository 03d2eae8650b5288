package jobspec

import (
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// ParseDuration reads a duration as jobs write it: "1h30m". A bare number in the text is refused: its unit is unclear.
func ParseDuration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	d, err := time.ParseDuration(s)
	if err == nil {
		return d, nil
	}
	if n, nerr := strconv.ParseFloat(s, 64); nerr == nil && s != "" && !math.IsNaN(n) && !math.IsInf(n, 0) {
		return 0, fmt.Errorf("%q has no unit; write %q for seconds", s, s+"s")
	}
	if n, ok := strings.CutSuffix(s, "d"); ok {
		if days, derr := strconv.ParseUint(n, 10, 16); derr == nil {
			return 0, fmt.Errorf("%q: days are not a unit; write \"%dh\"", s, days*24)
		}
	}
	return 0, fmt.Errorf(`%.80q is not a duration; write for example "30s", "5m" or "1h30m"`, s)
}

// valueError is a value of the wrong kind, with what to write instead.
type valueError struct{ text, hint string }

func wrong(a *attr, want string, v cty.Value, hint string) *valueError {
	return &valueError{text: fmt.Sprintf("%s must be %s, not %s", a.name, want, describe(v)), hint: hint}
}

// describe names a value: the value itself where it is short.
func describe(v cty.Value) string {
	switch {
	case v.IsNull():
		return "null"
	case !v.IsKnown():
		return "something unknown"
	case v.Type() == cty.String:
		if s := v.AsString(); len(s) <= 40 {
			return strconv.Quote(s)
		}
		return "a string"
	case v.Type() == cty.Number:
		return v.AsBigFloat().Text('f', -1)
	case v.Type() == cty.Bool:
		return strconv.FormatBool(v.True())
	case v.Type().IsObjectType(), v.Type().IsMapType():
		return "a map"
	case v.CanIterateElements():
		return "a list"
	}
	return "a " + v.Type().FriendlyName()
}

// assign sets a field of a job from a value. A null leaves the field unset.
func assign(field reflect.Value, a *attr, v cty.Value) *valueError {
	if !v.IsKnown() {
		return wrong(a, "known now", v, "")
	}
	v, _ = v.UnmarkDeep()
	if v.IsNull() {
		if a.kind == kindDuration {
			return wrong(a, "a duration", v, "leave it out for the default")
		}
		return nil
	}
	if field.Kind() == reflect.Pointer {
		p := reflect.New(field.Type().Elem())
		if err := assign(p.Elem(), a, v); err != nil {
			return err
		}
		field.Set(p)
		return nil
	}
	switch a.kind {
	case kindDuration:
		return assignDuration(field, a, v)
	case kindString, kindPort:
		s, err := toString(v)
		if err != nil {
			return wrong(a, "a string", v, "")
		}
		field.SetString(s)
	case kindBool:
		b, err := convert.Convert(v, cty.Bool)
		if err != nil || b.IsNull() {
			return wrong(a, "true or false", v, "")
		}
		field.SetBool(b.True())
	case kindInt:
		return assignInt(field, a, v)
	case kindStrings:
		list, err := toStrings(a, v)
		if err != nil {
			return err
		}
		field.Set(reflect.ValueOf(list))
	}
	return nil
}

func assignDuration(field reflect.Value, a *attr, v cty.Value) *valueError {
	switch v.Type() {
	case cty.String:
		d, err := ParseDuration(v.AsString())
		if err != nil {
			return &valueError{text: a.name + ": " + err.Error()}
		}
		field.SetInt(int64(d))
		return nil
	case cty.Number:
		n, accuracy := v.AsBigFloat().Int64()
		if accuracy != big.Exact {
			return wrong(a, "a whole number of nanoseconds, or a string", v, `write for example "30s"`)
		}
		field.SetInt(n)
		return nil
	}
	return wrong(a, "a duration", v, `write for example "30s"`)
}

func assignInt(field reflect.Value, a *attr, v cty.Value) *valueError {
	want := "a whole number"
	if a.unit != "" {
		want += " of " + a.unit
	}
	if longDigits(v) {
		return wrong(a, want, v, "")
	}
	n, err := convert.Convert(v, cty.Number)
	if err != nil || n.IsNull() || v.Type() == cty.Bool {
		return wrong(a, want, v, numberHint(a, v))
	}
	i, accuracy := n.AsBigFloat().Int64()
	if accuracy != big.Exact {
		return wrong(a, want, v, "")
	}
	if a.least != a.most && (i < int64(a.least) || i > int64(a.most)) {
		return wrong(a, fmt.Sprintf("a number from %d to %d", a.least, a.most), v, "")
	}
	if field.CanUint() {
		if i < 0 || field.OverflowUint(uint64(i)) {
			return wrong(a, "a number from 0 to "+strconv.FormatUint(1<<(field.Type().Bits())-1, 10), v, "")
		}
		field.SetUint(uint64(i))
		return nil
	}
	if field.OverflowInt(i) {
		return wrong(a, want, v, "")
	}
	field.SetInt(i)
	return nil
}

// numberHint reads what people write for sizes.
func numberHint(a *attr, v cty.Value) string {
	if v.Type() != cty.String {
		return ""
	}
	s := strings.TrimSpace(v.AsString())
	if strings.Contains(s, "${") {
		return "it must be known when the job is submitted"
	}
	digits := strings.TrimRight(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz ")
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return ""
	}
	if a.unit == "MB" {
		switch strings.ToLower(strings.TrimSpace(s[len(digits):])) {
		case "g", "gb", "gi", "gib":
			n *= 1024
		case "k", "kb", "ki", "kib":
			n = (n + 1023) / 1024
		}
	}
	return fmt.Sprintf("write %s = %d", a.name, n)
}

func toString(v cty.Value) (string, error) {
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", err
	}
	if s.IsNull() || !s.IsKnown() {
		return "", fmt.Errorf("null")
	}
	return s.AsString(), nil
}

func toStrings(a *attr, v cty.Value) ([]string, *valueError) {
	if v.Type() == cty.String {
		return nil, wrong(a, "a list of strings", v, fmt.Sprintf("write %s = [%s]", a.name, strconv.Quote(v.AsString())))
	}
	if !v.CanIterateElements() || v.Type().IsObjectType() || v.Type().IsMapType() {
		return nil, wrong(a, "a list of strings", v, "")
	}
	var list []string
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		s, err := toString(e)
		if err != nil {
			return nil, &valueError{text: fmt.Sprintf("%s must be a list of strings; it holds %s", a.name, describe(e))}
		}
		list = append(list, s)
	}
	return list, nil
}

// toAny makes plain Go of a value: nil, string, bool, int64, float64, []any, map[string]any.
func toAny(v cty.Value) any {
	if v.IsNull() || !v.IsKnown() {
		return nil
	}
	switch t := v.Type(); {
	case t == cty.String:
		return v.AsString()
	case t == cty.Bool:
		return v.True()
	case t == cty.Number:
		if n, accuracy := v.AsBigFloat().Int64(); accuracy == big.Exact {
			return n
		}
		f, _ := v.AsBigFloat().Float64()
		return f
	case t.IsObjectType() || t.IsMapType():
		m := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			m[k.AsString()] = toAny(e)
		}
		return m
	case v.CanIterateElements():
		list := []any{}
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			list = append(list, toAny(e))
		}
		return list
	}
	return nil
}
