package structs

import (
	"errors"
	"fmt"
	"maps"
	"regexp/syntax"
	"slices"
	"strings"
)

// Bounds of regular expressions in constraints.
const (
	maxRegexpBytes        = 1024
	maxRegexpInstructions = 10000
)

// CheckRegexp tells what is wrong with an RE2 expression of a job, its size included.
func CheckRegexp(expr string) error {
	if len(expr) > maxRegexpBytes {
		return fmt.Errorf("has %d bytes; at most %d are allowed", len(expr), maxRegexpBytes)
	}
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		var se *syntax.Error
		if errors.As(err, &se) {
			return fmt.Errorf("%s: `%s`", se.Code, clip(se.Expr))
		}
		return err
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return err
	}
	if len(prog.Inst) > maxRegexpInstructions {
		return fmt.Errorf("needs %d steps; at most %d are allowed", len(prog.Inst), maxRegexpInstructions)
	}
	return nil
}

// CheckVersionConstraint tells what is wrong with a version constraint such as ">= 1.2, < 2". Strict means semver:
// no `~>`, and pre-releases count as semver orders them.
func CheckVersionConstraint(text string, strict bool) error {
	if len(text) > maxRegexpBytes {
		return fmt.Errorf("has %d bytes; at most %d are allowed", len(text), maxRegexpBytes)
	}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.Trim(part, asciiSpace)
		version := strings.TrimLeft(part, "=!<>~")
		op := part[:len(part)-len(version)]
		switch op {
		case "", "=", "!=", ">", "<", ">=", "<=":
		case "~>":
			if strict {
				return fmt.Errorf("operator ~> is not semver; use operator = \"version\"")
			}
		default:
			return fmt.Errorf("operator %q is not known; use =, !=, >, <, >=, <= or ~>", op)
		}
		if err := checkVersion(strings.Trim(version, asciiSpace)); err != nil {
			return err
		}
	}
	return nil
}

const asciiSpace = " \t\n\f\r"

// checkVersion wants numbers joined by dots, then -prerelease and +metadata.
func checkVersion(v string) error {
	if v == "" {
		return errors.New("a version is missing")
	}
	core, meta, hasMeta := strings.Cut(strings.TrimPrefix(v, "v"), "+")
	if hasMeta && !versionWords(meta) {
		return fmt.Errorf("%q is not a version", clip(v))
	}
	numbers := core
	if i := strings.IndexFunc(core, func(r rune) bool { return r != '.' && (r < '0' || r > '9') }); i >= 0 {
		numbers = core[:i]
		if pre := strings.TrimPrefix(core[i:], "-"); !versionWords(pre) {
			return fmt.Errorf("%q is not a version", clip(v))
		}
	}
	for n := range strings.SplitSeq(numbers, ".") {
		if n == "" || len(n) > 18 {
			return fmt.Errorf("%q is not a version", clip(v))
		}
	}
	return nil
}

// versionWords reports non-empty parts of letters, digits, hyphens and tildes between dots.
func versionWords(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !word(part, 128, "~") || strings.Contains(part, "_") {
			return false
		}
	}
	return true
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	keys := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}
