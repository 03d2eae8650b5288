package feasible

import (
	"cmp"
	"strconv"
	"strings"
)

// units are what quantities of devices are told in, by name.
var units = unitTable()

type unit struct {
	base   string
	factor float64
}

func unitTable() map[string]unit {
	all := map[string]unit{"mW": {"W", 1e-3}}
	for _, base := range []string{"B", "B/s", "Hz", "W"} {
		all[base] = unit{base, 1}
		factor := 1.0
		for _, p := range []string{"k", "M", "G", "T", "P", "E"} {
			factor *= 1000
			all[p+base] = unit{base, factor}
		}
		if !strings.HasPrefix(base, "B") {
			continue
		}
		factor = 1
		for _, p := range []string{"Ki", "Mi", "Gi", "Ti", "Pi", "Ei"} {
			factor *= 1024
			all[p+base] = unit{base, factor}
		}
	}
	return all
}

// quantity reads "11.5 GiB"; false when the text is no number with a unit.
func quantity(text string) (value float64, base string, ok bool) {
	end := strings.LastIndexAny(text, "0123456789.") + 1
	n, err := strconv.ParseFloat(text[:end], 64)
	u, known := units[strings.TrimSpace(text[end:])]
	if err != nil || !known {
		return 0, "", false
	}
	return n * u.factor, u.base, true
}

// compareQuantities compares two numbers with units; false when they are not, or not of one kind.
func compareQuantities(l, operand, r string) (holds, are bool) {
	lv, lbase, lok := quantity(l)
	rv, rbase, rok := quantity(r)
	if !lok || !rok || lbase != rbase {
		return false, false
	}
	c := cmp.Compare(lv, rv)
	switch operand {
	case "", "=", "==", "is":
		return c == 0, true
	case "!=", "not":
		return c != 0, true
	case "<":
		return c < 0, true
	case "<=":
		return c <= 0, true
	case ">":
		return c > 0, true
	case ">=":
		return c >= 0, true
	}
	return false, false
}
