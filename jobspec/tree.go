package jobspec

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// node is a block as it was written, in HCL or JSON: what the decoder walks.
type node struct {
	rng    hcl.Range // of the header
	labels []label
	attrs  []attrUse
	blocks []blockNode
	// free is set instead of attrs and blocks where a block was written as an attribute: its content as one expression.
	free  hcl.Expression
	scope *hcl.EvalContext // nil for that of the file
	// body is set while attrs and blocks are not read yet.
	body *hclsyntax.Block
}

// label is one label of a block.
type label struct {
	text string
	rng  hcl.Range
}

// attrUse is an attribute that was written.
type attrUse struct {
	name    string
	nameRng hcl.Range
	expr    hcl.Expression
}

// blockNode is a block within another.
type blockNode struct {
	name string
	node *node
}

// maxDynamic bounds the elements of one dynamic block, maxMade the attributes and blocks that all of a text make.
const (
	maxDynamic = 10_000
	maxMade    = 50_000
)

// nativeTop reads the top of a file. The content of jobs is left for later: dynamic blocks in it need the variables.
func (e *evaluator) nativeTop(body *hclsyntax.Body) *node {
	n := &node{rng: body.SrcRange}
	for _, a := range sortedAttrs(body) {
		n.attrs = append(n.attrs, attrUse{a.Name, a.NameRange, a.Expr})
	}
	for _, b := range body.Blocks {
		if b.Type == langJob.name {
			n.blocks = append(n.blocks, blockNode{b.Type, &node{rng: b.DefRange(), body: b}})
			continue
		}
		n.blocks = append(n.blocks, blockNode{b.Type, e.nativeBlock(b, nil)})
	}
	return n
}

// nativeNode reads a body of HCL's native syntax; dynamic blocks are written out.
func (e *evaluator) nativeNode(body *hclsyntax.Body, scope *hcl.EvalContext) *node {
	n := &node{rng: body.SrcRange, scope: scope}
	for _, a := range sortedAttrs(body) {
		n.attrs = append(n.attrs, attrUse{a.Name, a.NameRange, a.Expr})
	}
	for _, b := range body.Blocks {
		if b.Type == "dynamic" {
			n.blocks = append(n.blocks, e.dynamic(b, scope)...)
			continue
		}
		n.blocks = append(n.blocks, blockNode{b.Type, e.nativeBlock(b, scope)})
	}
	return n
}

func (e *evaluator) nativeBlock(b *hclsyntax.Block, scope *hcl.EvalContext) *node {
	n := e.nativeNode(b.Body, scope)
	n.rng = b.DefRange()
	for i, text := range b.Labels {
		n.labels = append(n.labels, label{text, b.LabelRanges[i]})
	}
	return n
}

// sortedAttrs are the attributes in the order of the text.
func sortedAttrs(body *hclsyntax.Body) []*hclsyntax.Attribute {
	attrs := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, func(a, b *hclsyntax.Attribute) int { return a.NameRange.Start.Byte - b.NameRange.Start.Byte })
	return attrs
}

// dynamic writes out one dynamic block: its content once for each element.
func (e *evaluator) dynamic(b *hclsyntax.Block, scope *hcl.EvalContext) []blockNode {
	if len(b.Labels) != 1 {
		e.rep.error(b.DefRange(), "a dynamic block has one label: the name of the blocks it makes", `write dynamic "port" { ... }`)
		return nil
	}
	if scope == nil { // what it makes is evaluated many times, and counted once
		e.meter.install(b.Body)
	}
	name, iterator := b.Labels[0], b.Labels[0]
	var each, labels hcl.Expression
	var content *hclsyntax.Block
	for _, a := range sortedAttrs(b.Body) {
		switch a.Name {
		case "for_each":
			each = a.Expr
		case "labels":
			labels = a.Expr
		case "iterator":
			if iterator = hcl.ExprAsKeyword(a.Expr); iterator == "" {
				e.rep.error(a.Expr.Range(), "iterator must be a name", "")
				return nil
			}
		default:
			e.rep.error(a.NameRange, fmt.Sprintf("a dynamic block has no attribute %q", a.Name), "it has for_each, iterator, labels and a content block")
		}
	}
	for _, c := range b.Body.Blocks {
		if c.Type != "content" || content != nil {
			e.rep.error(c.DefRange(), "a dynamic block holds one content block", "")
			return nil
		}
		content = c
	}
	if each == nil || content == nil {
		e.rep.error(b.DefRange(), "a dynamic block needs for_each and a content block", "")
		return nil
	}
	list, ok := e.evaluate(each, scope)
	if !ok {
		return nil
	}
	if list.IsNull() || !list.CanIterateElements() || list.LengthInt() > maxDynamic {
		e.rep.error(each.Range(), fmt.Sprintf("for_each must be a list or map of at most %d elements", maxDynamic), "")
		return nil
	}
	if scope == nil {
		scope = e.ctx
	}
	var out []blockNode
	for it := list.ElementIterator(); it.Next(); {
		if e.made += 1 + len(content.Body.Attributes) + len(content.Body.Blocks); e.made > maxMade {
			if e.made < 2*maxMade {
				e.rep.error(b.DefRange(), fmt.Sprintf("the dynamic blocks of the file make more than %d attributes and blocks", maxMade), "")
				e.made = 2 * maxMade
			}
			return out
		}
		k, v := it.Element()
		inner := scope.NewChild()
		inner.Variables = map[string]cty.Value{iterator: cty.ObjectVal(map[string]cty.Value{"key": k, "value": v})}
		n := e.nativeNode(content.Body, inner)
		n.rng = b.DefRange()
		if labels != nil {
			if n.labels, ok = e.dynamicLabels(labels, inner); !ok {
				return nil
			}
		}
		out = append(out, blockNode{name, n})
	}
	return out
}

func (e *evaluator) dynamicLabels(expr hcl.Expression, scope *hcl.EvalContext) ([]label, bool) {
	v, ok := e.evaluate(expr, scope)
	if !ok {
		return nil, false
	}
	texts, err := toStrings(&attr{name: "labels"}, v)
	if err != nil {
		e.rep.error(expr.Range(), err.text, err.hint)
		return nil, false
	}
	var out []label
	for _, t := range texts {
		out = append(out, label{t, expr.Range()})
	}
	return out, true
}

// jsonNode reads an object of HCL's JSON form as a block of the language.
func (e *evaluator) jsonNode(expr hcl.Expression, b *block) *node {
	n := &node{rng: expr.Range()}
	pairs, diags := hcl.ExprMap(expr)
	if diags.HasErrors() {
		e.rep.error(expr.Range(), b.name+" must be an object", "")
		return n
	}
	for _, p := range pairs {
		key, diags := p.Key.Value(nil)
		if diags.HasErrors() {
			e.rep.hcl(diags)
			continue
		}
		name := key.AsString()
		if name == "//" {
			continue // a comment
		}
		child := b.blockNamed(name)
		if child == nil || child.free && child.label == "" {
			n.attrs = append(n.attrs, attrUse{name, p.Key.Range(), p.Value})
			continue
		}
		n.blocks = append(n.blocks, e.jsonBlocks(p.Value, child, nil)...)
	}
	return n
}

// jsonBlocks reads one block, a list of them, or an object whose keys are labels.
func (e *evaluator) jsonBlocks(expr hcl.Expression, b *block, labels []label) []blockNode {
	if list, diags := hcl.ExprList(expr); !diags.HasErrors() {
		var out []blockNode
		for _, x := range list {
			out = append(out, e.jsonBlocks(x, b, labels)...)
		}
		return out
	}
	if b.label == "" || len(labels) == 1 {
		n := e.jsonNode(expr, b)
		n.labels = labels
		return []blockNode{{b.name, n}}
	}
	pairs, diags := hcl.ExprMap(expr)
	if diags.HasErrors() {
		e.rep.error(expr.Range(), fmt.Sprintf("%s must be an object with the %s as key", b.name, b.label), "")
		return nil
	}
	var out []blockNode
	for _, p := range pairs {
		key, diags := p.Key.Value(nil)
		if !diags.HasErrors() && key.Type() == cty.String {
			out = append(out, e.jsonBlocks(p.Value, b, []label{{key.AsString(), p.Key.Range()}})...)
		}
	}
	return out
}
