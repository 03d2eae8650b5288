package jobspec

import (
	"fmt"
	"math/big"
	"regexp"
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
	if re, err := regexp.Compile(expression); err == nil && len(text)*re.NumSubexp() > maxReferenced {
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
	depth, indent := 0, 0
	text := textArg(args, 0)
	for i := range len(text) {
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

// longDigits reports a text that would be read as a number for a long time.
func longDigits(v cty.Value) bool {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return false
	}
	switch t := v.Type(); {
	case t == cty.String:
		s := v.AsString()
		return len(s) > maxDigits && strings.Trim(s[:100], "0123456789.+-") == ""
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
