package jobspec

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// The library evaluates an expression to its end, however long that takes. A meter counts the steps of all expressions of one
// text together, at the places where few characters cause much work: the elements a `for` or a splat goes through, the text
// that templates copy, and what functions are given. One unit is about one byte that is copied.
type meter struct {
	used int
	// known are the functions of the language.
	known map[string]function.Function
}

const (
	// maxWork bounds the units of one text: half a second of work or less.
	maxWork = 16 << 20
	// elementWork are the units of one element, nodeWork of one part of an expression, walkWork of looking at one element,
	// numberWork of a number that may become text, decodeWork of one value of a text, bcryptWork of one bcrypt.
	elementWork = 32
	nodeWork    = 16
	walkWork    = 4
	numberWork  = 400
	decodeWork  = 48
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

// exhausted reports that nothing more is evaluated.
func (m *meter) exhausted() bool { return m.used > maxWork }

// take spends what it takes to copy a value.
func (m *meter) take(v cty.Value) error {
	if m.exhausted() {
		return errWork // without another look at the value
	}
	if v.Type() == cty.String || v.Type() == cty.Bool { // the most frequent
		return m.spend(workOf(v, maxWork, 0))
	}
	if hugeNumber(v) {
		return fmt.Errorf("a number of more than a thousand digits")
	}
	return m.spend(workOf(v, maxWork, 0))
}

// workOf adds up the units of a value, and stops soon after the limit. What is deeper in it costs more: the library compares
// types at each level.
func workOf(v cty.Value, limit, depth int) int {
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
			n += elementWork*(1+depth/4) + workOf(e, limit-n, depth+1)
		}
		return n
	}
	return 1
}

// metered is an expression whose value is counted.
type metered struct {
	hclsyntax.Expression
	meter *meter
	// operand: the value may be read as a number.
	operand bool
	// looped: its elements are gone through.
	looped bool
	// unified: it is brought to one type with others.
	unified bool
	// listed: its elements are brought to one type; the function it is given to copies it.
	listed bool
	// nodes are the parts of an expression that is evaluated for each element of something; its value is not copied.
	nodes int
}

// Value evaluates and counts.
func (x *metered) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if err := x.meter.spend(nodeWork * x.nodes); err != nil {
		return x.refuse(err)
	}
	v, diags := x.Expression.Value(ctx)
	if diags.HasErrors() || x.nodes > 0 {
		return v, diags
	}
	var err error
	if x.listed {
		err = x.meter.spend(sortWork(v))
	} else if !x.looped {
		if err = x.meter.take(v); err == nil && x.unified {
			err = x.meter.spend(unifyWork(v) + matchWork(v))
		}
	} else if u, _ := v.Unmark(); u.IsKnown() && !u.IsNull() && u.CanIterateElements() {
		err = x.meter.spend(elementWork * u.LengthInt())
	}
	if x.operand && longDigits(v) {
		err = fmt.Errorf("a number of more than %d digits", maxDigits)
	}
	if err != nil {
		return x.refuse(err)
	}
	return v, diags
}

func (x *metered) refuse(err error) (cty.Value, hcl.Diagnostics) {
	return cty.DynamicVal, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Too much work", Detail: err.Error(), Subject: x.Range().Ptr()}}
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

// unify counts an expression whose value is brought to one type with another.
func (m *meter) unify(x hclsyntax.Expression) hclsyntax.Expression {
	w := m.wrap(x)
	if c, ok := w.(*metered); ok {
		c.unified = true
	}
	return w
}

// each counts an expression that is evaluated for each element of something by its parts; nil stays nil.
func (m *meter) each(x hclsyntax.Expression) hclsyntax.Expression {
	if x == nil {
		return nil
	}
	if _, ok := x.(*metered); ok {
		return x
	}
	return &metered{Expression: &hclsyntax.ParenthesesExpr{Expression: x, SrcRange: x.Range()}, meter: m, nodes: nodesOf(x)}
}

// nodesOf counts the parts of an expression; a path counts with its steps.
func nodesOf(root hclsyntax.Node) int {
	n := 0
	_ = hclsyntax.VisitAll(root, func(x hclsyntax.Node) hcl.Diagnostics {
		n++
		switch t := x.(type) {
		case *hclsyntax.ScopeTraversalExpr:
			n += len(t.Traversal)
		case *hclsyntax.RelativeTraversalExpr:
			n += len(t.Traversal)
		case *hclsyntax.LiteralValueExpr:
			if t.Val.Type() == cty.String {
				n += len(t.Val.AsString()) / 64
			}
		}
		return nil
	})
	return n
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
			x.KeyExpr, x.ValExpr, x.CondExpr = m.each(x.KeyExpr), m.each(x.ValExpr), m.each(x.CondExpr)
		case *hclsyntax.SplatExpr:
			x.Source, x.Each = m.loop(x.Source), m.each(x.Each)
		case *hclsyntax.ConditionalExpr:
			x.TrueResult, x.FalseResult = m.unify(x.TrueResult), m.unify(x.FalseResult)
		case *hclsyntax.TemplateExpr:
			for i, p := range x.Parts {
				x.Parts[i] = m.wrap(p)
			}
		case *hclsyntax.BinaryOpExpr:
			if x.Op.Type == cty.Number || x.Op == hclsyntax.OpLessThan || x.Op == hclsyntax.OpLessThanOrEqual || x.Op == hclsyntax.OpGreaterThan || x.Op == hclsyntax.OpGreaterThanOrEqual {
				x.LHS, x.RHS = m.operand(x.LHS), m.operand(x.RHS)
			} else if x.Op == hclsyntax.OpEqual || x.Op == hclsyntax.OpNotEqual {
				x.LHS, x.RHS = m.wrap(x.LHS), m.wrap(x.RHS)
			}
		case *hclsyntax.UnaryOpExpr:
			x.Val = m.operand(x.Val)
		case *hclsyntax.FunctionCallExpr:
			for i := range x.Args {
				switch t := m.param(x.Name, i); {
				case t == cty.Number:
					x.Args[i] = m.operand(x.Args[i])
				case t.IsCollectionType() && t.HasDynamicTypes():
					x.Args[i] = m.list(x.Args[i])
				}
			}
		case *hclsyntax.TemplateJoinExpr:
			x.Tuple = m.wrap(x.Tuple)
		}
		return nil
	})
}

// list counts an argument whose elements are brought to one type.
func (m *meter) list(x hclsyntax.Expression) hclsyntax.Expression {
	if _, ok := x.(*metered); ok {
		return x
	}
	return &metered{Expression: &hclsyntax.ParenthesesExpr{Expression: x, SrcRange: x.Range()}, meter: m, listed: true}
}

// param is the type of a parameter of a function, that of any value when it is not known.
func (m *meter) param(name string, i int) cty.Type {
	f, ok := m.known[name]
	if !ok || unmetered[name] || name == "convert" {
		return cty.DynamicPseudoType
	}
	if i < len(f.Params()) {
		return f.Params()[i].Type
	}
	if p := f.VarParam(); p != nil {
		return p.Type
	}
	return cty.DynamicPseudoType
}

// unmetered functions take closures instead of values.
var unmetered = map[string]bool{"try": true, "can": true}

// metered counts what functions are given and what they give, and refuses those whose result would be out of proportion.
func (m *meter) functions(all map[string]function.Function) map[string]function.Function {
	for name, f := range all {
		if unmetered[name] || len(f.Params()) == 0 && f.VarParam() == nil {
			continue
		}
		all[name] = m.function(name, f)
	}
	m.known = all
	return all
}

// ownWork are the units of a call beside those of copying what it is given.
func ownWork(name string, args []cty.Value) int {
	switch {
	case name == "distinct" && len(args) == 1 && args[0].CanIterateElements(): // compares each with all
		n := min(args[0].LengthInt(), maxWork)
		return n * n
	case name == "convert" && len(args) == 2 && args[1].Type() == typeexpr.TypeConstraintType:
		return convertWork(args[0], typeexpr.TypeConstraintFromVal(args[1]))
	case name == "jsondecode" || name == "yamldecode" || name == "csvdecode":
		text := textArg(args, 0)
		return decodeWork * (strings.Count(text, ",") + strings.Count(text, "\n") + strings.Count(text, ":"))
	case name == "bcrypt":
		return bcryptWork
	}
	return 0
}

func (m *meter) function(name string, f function.Function) function.Function {
	check := growth[name]
	before := func(args []cty.Value) error {
		differ := 0
		for i, a := range args {
			if err := m.take(a); err != nil {
				return err
			}
			if err := m.spend(unifyWork(a)); err != nil {
				return err
			}
			if i > 0 && i >= len(f.Params()) && !a.Type().Equals(args[i-1].Type()) {
				differ++
			}
		}
		if err := m.spend(differ * differ * elementWork); err != nil {
			return err
		}
		if err := m.spend(ownWork(name, args)); err != nil {
			return err
		}
		if check != nil {
			for _, a := range args {
				if !a.IsWhollyKnown() || a.IsNull() || a.IsMarked() {
					return nil // the function itself says what is wrong
				}
			}
			if err := check(args); err != nil {
				return err
			}
			if name == "replace" || name == "regex_replace" {
				units, err := patternWork(name, args)
				if err != nil {
					return err
				}
				return m.spend(units)
			}
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
