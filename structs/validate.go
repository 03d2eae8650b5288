package structs

//msgp:ignore Limits ConfigChecker checker place portSet serviceScope scope cronField fieldEffect Change parts fieldPart

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Validate tells every mistake of a canonical job at once, in the order of its parts. Faults marked as warnings do not
// refuse the job. The texts use the words of the job language; Path tells where in JSON names.
func (j *Job) Validate(l Limits) Faults {
	if j == nil {
		return Faults{{Message: "no job was given", Hint: `send {"Job": {...}}`}}
	}
	c := &checker{limits: l.withDefaults(), job: j}
	c.checkJob()
	return c.faults
}

// checker walks one job and collects what is wrong.
type checker struct {
	limits Limits
	job    *Job
	faults Faults
	// What was told at the job's own blocks, which groups inherit.
	updateFaults, rescheduleFaults Faults
}

// maxFaults bounds the answer to a hopeless job.
const maxFaults = 1000

// place is where in the job the checker stands. It becomes text only when there is something to say.
type place struct {
	up   *place
	text string // "Resources", "Tasks[3]"
	name string // with index below: text is made late
	at   int
}

// in is a field of this place.
func (p *place) in(field string) *place { return &place{up: p, text: field} }

// item is one element of a list of this place.
func (p *place) item(list string, i int) *place { return &place{up: p, name: list, at: i} }

// key is one element of a map of this place.
func (p *place) key(field, key string) *place { return &place{up: p, text: field + "[" + key + "]"} }

func (p *place) String() string {
	if p == nil {
		return ""
	}
	text := p.text
	if p.name != "" {
		text = p.name + "[" + strconv.Itoa(p.at) + "]"
	}
	if up := p.up.String(); up != "" {
		return up + "." + text
	}
	return text
}

// fault records a mistake; a hint may be set on what it returns before the next call.
func (c *checker) fault(p *place, format string, args ...any) *Fault {
	if len(c.faults) >= maxFaults {
		return &Fault{}
	}
	c.faults = append(c.faults, Fault{Path: p.String(), Message: fmt.Sprintf(format, args...)})
	return &c.faults[len(c.faults)-1]
}

// warn records advice.
func (c *checker) warn(p *place, format string, args ...any) *Fault {
	f := c.fault(p, format, args...)
	f.Warning = true
	return f
}

// oneOf wants one of the allowed words and offers the nearest.
func (c *checker) oneOf(p *place, what, got string, allowed ...string) {
	for _, a := range allowed {
		if got == a {
			return
		}
	}
	words := make([]string, 0, len(allowed))
	for _, a := range allowed {
		if a != "" {
			words = append(words, a)
		}
	}
	if got == "" {
		c.fault(p, "%s is missing; it must be %s", what, either(words))
		return
	}
	c.fault(p, "%s is %q; it must be %s", what, clip(got), either(words)).Hint = didYouMean(got, words)
}

// atLeast wants a number that is not below low.
func atLeast[N int | int64 | time.Duration](c *checker, p *place, what string, got *N, low N, unit string) {
	if got != nil && *got < low {
		c.fault(p, "%s is %s%s; the least is %s%s", what, number(*got), unit, number(low), unit)
	}
}

// within wants a number from low to high.
func within(c *checker, p *place, what string, got *int, low, high int, unit string) {
	atLeast(c, p, what, got, low, unit)
	if got != nil && *got > high {
		c.fault(p, "%s is %d%s; the most is %d%s", what, *got, unit, high, unit)
	}
}

// number writes a count or a duration as people do.
func number[N int | int64 | time.Duration](n N) string {
	if d, ok := any(n).(time.Duration); ok {
		return durationText(d)
	}
	return strconv.FormatInt(int64(n), 10)
}

// durationText is a duration without the zero parts Go writes ("5m", not "5m0s").
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// either lists words: `a`, `a or b`, `a, b or c`.
func either(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " or " + quoted[len(quoted)-1]
}

// didYouMean is the hint with the nearest of the known words, empty when none is near.
func didYouMean(word string, known []string) string {
	if near := Nearest(word, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// clip keeps what is quoted from a user's text short.
func clip(s string) string {
	if len(s) > 80 {
		return s[:77] + "..."
	}
	return s
}

// val reads an optional field.
func val[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// word reports 1 to limit letters, digits, `-` and `_`, plus the extra characters.
func word(s string, limit int, extra string) bool {
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
		case strings.ContainsRune(extra, r):
		default:
			return false
		}
	}
	return s != "" && len(s) <= limit
}
