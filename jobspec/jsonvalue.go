package jobspec

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"
)

func plainNumber(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	if i := int64(f); float64(i) == f && i > -1<<53 && i < 1<<53 {
		return i
	}
	return f
}

func setDuration(v reflect.Value, tok json.Token) bool {
	switch x := tok.(type) {
	case json.Number:
		n, ok := plainNumber(x).(int64)
		v.SetInt(n)
		return ok
	case string:
		d, err := time.ParseDuration(x)
		v.SetInt(int64(d))
		return err == nil
	}
	return false
}

func setBytes(v reflect.Value, tok json.Token) bool {
	text, ok := tok.(string)
	raw, err := base64.StdEncoding.DecodeString(text)
	v.SetBytes(raw)
	return ok && err == nil
}

// setScalar sets a text, a number or a bool; want names what the field takes.
func setScalar(v reflect.Value, tok json.Token) (want string, ok bool) {
	switch {
	case v.Kind() == reflect.String:
		text, ok := tok.(string)
		v.SetString(text)
		return "a text", ok
	case v.Kind() == reflect.Bool:
		b, ok := tok.(bool)
		v.SetBool(b)
		return "true or false", ok
	case v.CanFloat():
		n, isNumber := tok.(json.Number)
		f, err := n.Float64()
		v.SetFloat(f)
		return "a number", isNumber && err == nil
	}
	n, isNumber := tok.(json.Number)
	i, whole := int64(0), false
	if isNumber {
		i, whole = plainNumber(n).(int64)
	}
	bits := v.Type().Bits()
	if v.CanUint() {
		if isNumber && !whole { // beyond int64
			u, err := strconv.ParseUint(n.String(), 10, bits)
			v.SetUint(u)
			return "a whole number of at least 0", err == nil
		}
		if i < 0 || v.OverflowUint(uint64(i)) {
			return fmt.Sprintf("a number from 0 to %d", uint64(1)<<bits-1), false
		}
		v.SetUint(uint64(i))
		return "a whole number", whole
	}
	if v.OverflowInt(i) {
		return fmt.Sprintf("a number from %d to %d", -(int64(1) << (bits - 1)), int64(1)<<(bits-1)-1), false
	}
	v.SetInt(i)
	return "a whole number", whole
}

func describeToken(tok json.Token) string {
	switch x := tok.(type) {
	case json.Delim:
		if x == '{' {
			return "an object"
		}
		return "a list"
	case string:
		return strconv.Quote(shorten(x))
	case json.Number:
		return shorten(x.String())
	case bool:
		return strconv.FormatBool(x)
	}
	return "null"
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
