package jobspec

import (
	"fmt"
	"math/big"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// hugeNumber reports a number whose text would be very long.
func hugeNumber(v cty.Value) bool {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return false
	}
	switch t := v.Type(); {
	case t == cty.Number:
		return hugeFloat(v.AsBigFloat())
	case t == cty.String, t == cty.Bool:
		return false
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next(); {
			if _, e := it.Element(); hugeNumber(e) {
				return true
			}
		}
	}
	return false
}

func hugeFloat(f *big.Float) bool {
	e := f.MantExp(nil)
	return f.IsInf() || e > maxExponent || e < -maxExponent
}

// maxPattern bounds patterns, maxBcryptCost the rounds of bcrypt, maxDigits the digits that parseint reads.
const (
	maxPattern    = 1000
	maxBcryptCost = 12
	maxDigits     = 1000
)

// growth holds checks of arguments whose result could be far larger than they are.
var growth = map[string]func(args []cty.Value) error{
	"format": checkFormat, "formatlist": checkFormat, "indent": checkIndent, "pow": checkPow, "setproduct": checkProduct,
	"join": checkJoin, "replace": checkReplace, "regex_replace": checkReplace, "bcrypt": checkBcrypt, "parseint": checkParseInt,
	"yamldecode": checkDepth, "jsondecode": checkDepth,
}

// text is an argument as text, "" if it is none.
func textArg(args []cty.Value, i int) string {
	if i >= len(args) || args[i].Type() != cty.String {
		return ""
	}
	return args[i].AsString()
}

func tooLong(n int) error {
	if n > maxReferenced || n < 0 {
		return fmt.Errorf("the result would have more than %d bytes", maxReferenced)
	}
	return nil
}

func checkJoin(args []cty.Value) error {
	n := 0
	for _, a := range args[min(1, len(args)):] {
		if a.CanIterateElements() {
			n += a.LengthInt()
		}
	}
	return tooLong(n * len(textArg(args, 0)))
}

// checkReplace bounds what replacing every match makes, and the size of a pattern: a small one can stand for a large program.
func checkReplace(args []cty.Value) error {
	text, pattern, with := textArg(args, 0), textArg(args, 1), textArg(args, 2)
	expression := pattern
	if len(pattern) > 1 && strings.HasPrefix(pattern, "/") && strings.HasSuffix(pattern, "/") {
		expression = pattern[1 : len(pattern)-1]
	}
	if len(expression) > maxPattern {
		return fmt.Errorf("a pattern of more than %d characters", maxPattern)
	}
	if re, err := syntax.Parse(expression, syntax.Perl); err == nil && len(text)*re.MaxCap() > maxReferenced {
		return fmt.Errorf("too many groups for a text of %d bytes", len(text))
	}
	matches := len(text) + 1
	if expression == pattern {
		if n := strings.Count(text, pattern); pattern != "" && !strings.ContainsAny(pattern, `.*+?()[]{}^$\|`) {
			matches = n
		}
	}
	return tooLong(matches*len(with) + strings.Count(with, "$")*len(text))
}

// maxProgram bounds what a pattern is compiled to, in instructions.
const maxProgram = 10_000

// patternWork are the units of compiling a pattern and looking for it in a text.
func patternWork(name string, args []cty.Value) (int, error) {
	text, pattern := textArg(args, 0), textArg(args, 1)
	if name == "replace" {
		if len(pattern) < 2 || !strings.HasPrefix(pattern, "/") || !strings.HasSuffix(pattern, "/") {
			return 0, nil // no pattern
		}
		pattern = pattern[1 : len(pattern)-1]
	}
	if len(pattern) > maxPattern {
		return 0, fmt.Errorf("a pattern of more than %d characters", maxPattern)
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return len(pattern), nil // the function itself says so
	}
	size := programSize(re)
	if size > maxProgram {
		return 0, fmt.Errorf("a pattern that repeats its parts more than %d times", maxProgram)
	}
	return 1000 + 32*len(pattern) + 16*size + size*len(text)/2, nil
}

// programSize is about the number of instructions of a pattern.
func programSize(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n = min(n+programSize(sub), maxProgram+1)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, maxProgram+1)
}

func checkBcrypt(args []cty.Value) error {
	for _, a := range args[min(1, len(args)):] {
		if a.Type() == cty.Number {
			if n, _ := a.AsBigFloat().Int64(); n > maxBcryptCost {
				return fmt.Errorf("a cost of more than %d", maxBcryptCost)
			}
		}
	}
	return nil
}

func checkParseInt(args []cty.Value) error {
	if len(textArg(args, 0)) > maxDigits {
		return fmt.Errorf("a number of more than %d digits", maxDigits)
	}
	return nil
}

// checkDepth bounds the nesting of text in other languages: brackets, and the indentation of YAML.
func checkDepth(args []cty.Value) error {
	depth, indent, digits := 0, 0, 0
	text := textArg(args, 0)
	for i := range len(text) {
		if digits++; (text[i] < '0' || text[i] > '9') && text[i] != '_' {
			digits = 0
		}
		if digits > maxDigits {
			return fmt.Errorf("a number of more than %d digits", maxDigits)
		}
		switch text[i] {
		case '[', '{':
			if depth++; depth > maxNesting {
				return fmt.Errorf("nested more than %d levels deep", maxNesting)
			}
		case ']', '}':
			depth--
		case '\n':
			indent = 0
		case ' ', '-', '?':
			if indent++; indent > 16*maxNesting {
				return fmt.Errorf("nested more than %d levels deep", maxNesting)
			}
		}
	}
	if n := len(yamlAlias.FindAllStringIndex(text, maxAliases+1)); n > maxAliases {
		return fmt.Errorf("more than %d aliases", maxAliases)
	}
	return nil
}

// maxAliases bounds references to parts of a YAML text: such parts may hold references themselves.
const maxAliases = 10

var yamlAlias = regexp.MustCompile(`(?m)(^|[\s\[{,:-])\*[^\s,\]}]`)

// largeExponent reports a text that is a short number with a long exponent.
func largeExponent(s string) bool {
	number := strings.TrimLeft(s, "+-")
	return number != "" && number[0] <= '9' && strings.Trim(number, "0123456789.eEpP+-_") == "" &&
		hugeLiteral([]byte(strings.NewReplacer("p", "e", "P", "e").Replace(number)))
}

// longDigits reports a text that would be read as a number for a long time.
func longDigits(v cty.Value) bool {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return false
	}
	switch t := v.Type(); {
	case t == cty.String:
		s := v.AsString()
		return len(s) > maxDigits && strings.Trim(s[:100], "0123456789.+-") == "" || largeExponent(s)
	case t.IsPrimitiveType():
		return false
	case v.CanIterateElements():
		for it := v.ElementIterator(); it.Next(); {
			if _, e := it.Element(); longDigits(e) {
				return true
			}
		}
	}
	return false
}
