package structs

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// cronMacros are names for common schedules.
var cronMacros = []string{"@annually", "@yearly", "@monthly", "@weekly", "@daily", "@hourly"}

// cronField is what one field of a schedule may hold.
type cronField struct {
	name      string
	low, high int
	names     []string
	day       bool // ? is allowed
}

var cronFields = [...]cronField{
	{name: "second", high: 59},
	{name: "minute", high: 59},
	{name: "hour", high: 23},
	{name: "day of month", low: 1, high: 31, day: true},
	{name: "month", low: 1, high: 12, names: []string{
		"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
		"january", "february", "march", "april", "june", "july", "august", "september", "october", "november", "december",
	}},
	{name: "day of week", high: 7, day: true, names: []string{
		"sun", "mon", "tue", "wed", "thu", "fri", "sat",
		"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
	}},
	{name: "year", low: 1970, high: 2099},
}

// CheckCron tells what is wrong with a schedule: five fields (minute, hour, day of month, month, day of week), six (with
// a year after) or seven (with seconds before), or a name such as @daily.
func CheckCron(spec string) error {
	if len(spec) > 1024 {
		return fmt.Errorf("has %d bytes; at most 1024 are allowed", len(spec))
	}
	if strings.IndexFunc(spec, func(r rune) bool { return r < ' ' && r != '\t' || r > '~' }) >= 0 {
		return errors.New("has a character that no schedule has")
	}
	trimmed := strings.TrimSpace(spec)
	if strings.HasPrefix(trimmed, "@") {
		if !slices.Contains(cronMacros, trimmed) {
			return fmt.Errorf("the name is not known; use one of %s", strings.Join(cronMacros, " "))
		}
		return nil
	}
	fields := strings.Fields(trimmed)
	kinds := cronFields[:]
	switch len(fields) {
	case 5:
		kinds = kinds[1:6]
	case 6:
		kinds = kinds[1:]
	case 7:
	default:
		return fmt.Errorf("has %d fields; a schedule has 5 to 7 (minute hour day month weekday, then year; seconds first of 7)", len(fields))
	}
	for i, f := range fields {
		if err := kinds[i].check(strings.ToLower(f)); err != nil {
			return err
		}
	}
	return nil
}

func (k cronField) check(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if err := k.checkPart(part); err != nil {
			return fmt.Errorf("%s %q: %w", k.name, clip(part), err)
		}
	}
	return nil
}

func (k cronField) checkPart(part string) error {
	if part == "" {
		return errors.New("nothing stands between the commas")
	}
	if k.day && (part == "?" || k.special(part)) {
		return nil
	}
	span, step, stepped := strings.Cut(part, "/")
	if stepped {
		if n, err := digits(step); err != nil || n < 1 || n > k.high || len(step) > 2 {
			return fmt.Errorf("the step after / must be between 1 and %d", k.high)
		}
	}
	if span == "*" || (k.day && span == "?") {
		return nil
	}
	first, last, ranged := strings.Cut(span, "-")
	from, err := k.value(first)
	if err != nil || !ranged {
		return err
	}
	to, err := k.value(last)
	if err != nil {
		return err
	}
	if from > to {
		return errors.New("the range runs backwards")
	}
	return nil
}

// special are the forms of days: L, LW, 15W; 5L and 5#3.
func (k cronField) special(part string) bool {
	if k.name == "day of month" {
		if part == "l" || part == "lw" {
			return true
		}
		day, ok := strings.CutSuffix(part, "w")
		return ok && k.plain(day)
	}
	if day, ok := strings.CutSuffix(part, "l"); ok {
		return k.plain(day)
	}
	day, nth, ok := strings.Cut(part, "#")
	return ok && k.plain(day) && len(nth) == 1 && nth[0] >= '1' && nth[0] <= '5'
}

func (k cronField) plain(s string) bool {
	_, err := k.value(s)
	return err == nil
}

// value reads a number or name of the field.
func (k cronField) value(s string) (int, error) {
	if i := slices.Index(k.names, s); i >= 0 {
		return k.number(i), nil
	}
	n, err := digits(s)
	if err != nil || len(s) > len(strconv.Itoa(k.high)) {
		return 0, fmt.Errorf("must be a number between %d and %d%s", k.low, k.high, k.nameHint())
	}
	if n < k.low || n > k.high {
		return 0, fmt.Errorf("must be between %d and %d", k.low, k.high)
	}
	return n, nil
}

// digits reads a number without a sign.
func digits(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int(n), err
}

// number is the value of the i-th name: short names first, then the long ones that differ.
func (k cronField) number(i int) int {
	short := k.names[i]
	for n, name := range k.names {
		if n < k.low+12 && strings.HasPrefix(short, name) {
			return n + k.low
		}
	}
	return i + k.low
}

func (k cronField) nameHint() string {
	if len(k.names) == 0 {
		return ""
	}
	return " or a name such as " + k.names[1]
}
