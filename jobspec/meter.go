package jobspec

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// The library evaluates an expression to its end, however long that takes. A meter counts the steps of all expressions of one
// text together, at the places where few characters cause much work: the elements a `for` or a splat goes through, the text
// that templates copy, and what functions are given. One unit is about one byte that is copied.
type meter struct{ used int }

const (
	// maxWork bounds the units of one text: half a second of work or less.
	maxWork = 16 << 20
	// elementWork are the units of one element, numberWork of a number that may become text, bcryptWork of one bcrypt.
	elementWork = 32
	numberWork  = 400
	bcryptWork  = maxWork / 5
	// maxExponent bounds numbers, in bits: the text of a larger one has more than a thousand digits.
	maxExponent = 4096
)

// errWork is told where the work ran out.
var errWork = fmt.Errorf("the file takes more work to evaluate than is allowed: make its loops smaller")

// spend adds units; an error when they are used up.
func (m *meter) spend(units int) error {
	if m.used += max(units, 0); m.used < 0 || m.used > maxWork {
		m.used = maxWork + 1
		return errWork
	}
	return nil
}

// take spends what it takes to copy a value.
func (m *meter) take(v cty.Value) error {
	if v.Type() == cty.String || v.Type() == cty.Bool { // the most frequent
		return m.spend(workOf(v, maxWork))
	}
	if hugeNumber(v) {
		return fmt.Errorf("a number of more than a thousand digits")
	}
	return m.spend(workOf(v, maxWork))
}

// workOf adds up the units of a value, and stops soon after the limit.
func workOf(v cty.Value, limit int) int {
	v, _ = v.Unmark()
	if v.IsNull() || !v.IsKnown() {
		return 1
	}
	switch t := v.Type(); {
	case t == cty.String:
		return len(v.AsString())
	case t == cty.Number:
		if f := v.AsBigFloat(); f.MinPrec() <= 64 && f.IsInt() {
			return numberWork / 4
		}
		return numberWork
	case t.IsPrimitiveType():
		return 1
	case v.CanIterateElements():
		n := 0
		for it := v.ElementIterator(); it.Next() && n <= limit; {
			_, e := it.Element()
			n += elementWork + workOf(e, limit-n)
		}
		return n
	}
	return 1
}

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

// metered is an expression whose value is counted.
type metered struct {
	hclsyntax.Expression
	meter *meter
	// operand: the value may be read as a number.
	operand bool
	// looped: its elements are gone through.
	looped bool
}

// Value evaluates and counts.
func (x *metered) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := x.Expression.Value(ctx)
	if diags.HasErrors() {
		return v, diags
	}
	var err error
	if !x.looped {
		err = x.meter.take(v)
	} else if u, _ := v.Unmark(); u.IsKnown() && !u.IsNull() && u.CanIterateElements() {
		err = x.meter.spend(elementWork * u.LengthInt())
	}
	if x.operand && longDigits(v) {
		err = fmt.Errorf("a number of more than %d digits", maxDigits)
	}
	if err != nil {
		return cty.DynamicVal, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Too much work", Detail: err.Error(), Subject: x.Range().Ptr()}}
	}
	return v, diags
}

// wrap counts an expression. The parentheses keep its references visible to the library.
func (m *meter) wrap(x hclsyntax.Expression) hclsyntax.Expression {
	switch l := x.(type) {
	case *hclsyntax.LiteralValueExpr:
		if l.Val.Type() == cty.String {
			return x
		}
	case *metered:
		return x
	}
	return &metered{Expression: &hclsyntax.ParenthesesExpr{Expression: x, SrcRange: x.Range()}, meter: m}
}

func (m *meter) operand(x hclsyntax.Expression) hclsyntax.Expression {
	w := m.wrap(x)
	if c, ok := w.(*metered); ok {
		c.operand = true
	}
	return w
}

func (m *meter) loop(x hclsyntax.Expression) hclsyntax.Expression {
	w := m.wrap(x)
	if c, ok := w.(*metered); ok {
		c.looped = true
	}
	return w
}

// unwrapped is the expression that was wrapped.
func unwrapped(x hclsyntax.Expression) hclsyntax.Expression {
	if m, ok := x.(*metered); ok {
		return m.Expression.(*hclsyntax.ParenthesesExpr).Expression
	}
	return x
}

// install counts all expressions of a body or of one expression.
func (m *meter) install(root hclsyntax.Node) {
	_ = hclsyntax.VisitAll(root, func(n hclsyntax.Node) hcl.Diagnostics {
		switch x := n.(type) {
		case *hclsyntax.ForExpr:
			x.CollExpr = m.loop(x.CollExpr)
		case *hclsyntax.SplatExpr:
			x.Source = m.loop(x.Source)
		case *hclsyntax.TemplateExpr:
			for i, p := range x.Parts {
				x.Parts[i] = m.wrap(p)
			}
		case *hclsyntax.BinaryOpExpr:
			if x.Op.Type == cty.Number || x.Op == hclsyntax.OpLessThan || x.Op == hclsyntax.OpLessThanOrEqual || x.Op == hclsyntax.OpGreaterThan || x.Op == hclsyntax.OpGreaterThanOrEqual {
				x.LHS, x.RHS = m.operand(x.LHS), m.operand(x.RHS)
			}
		case *hclsyntax.UnaryOpExpr:
			x.Val = m.operand(x.Val)
		case *hclsyntax.TemplateJoinExpr:
			x.Tuple = m.wrap(x.Tuple)
		}
		return nil
	})
}

// unmetered functions take closures instead of values.
var unmetered = map[string]bool{"try": true, "can": true, "convert": true}

// metered counts what functions are given and what they give, and refuses those whose result would be out of proportion.
func (m *meter) functions(all map[string]function.Function) map[string]function.Function {
	for name, f := range all {
		if unmetered[name] || len(f.Params()) == 0 && f.VarParam() == nil {
			continue
		}
		all[name] = m.function(name, f)
	}
	return all
}

func (m *meter) function(name string, f function.Function) function.Function {
	check := growth[name]
	before := func(args []cty.Value) error {
		for _, a := range args {
			if err := m.take(a); err != nil {
				return err
			}
		}
		if name == "bcrypt" {
			if err := m.spend(bcryptWork); err != nil {
				return err
			}
		}
		if check != nil {
			for _, a := range args {
				if !a.IsWhollyKnown() || a.IsNull() || a.IsMarked() {
					return nil // the function itself says what is wrong
				}
			}
			return check(args)
		}
		return nil
	}
	return function.New(&function.Spec{
		Description: f.Description(), Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) {
			if err := before(args); err != nil {
				return cty.NilType, err
			}
			return f.ReturnTypeForValues(args)
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			if err == nil {
				err = m.take(v)
			}
			return v, err
		},
	})
}

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

// maxPattern bounds patterns, maxBcryptCost the rounds of bcrypt, maxDigits the digits that parseint reads.
const (
	maxPattern    = 1000
	maxBcryptCost = 12
	maxDigits     = 1000
)

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
