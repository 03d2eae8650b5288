package jobspec

import (
	"bytes"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// spreadOut finds blocks that are written on one line with more than the one argument that fits there, reports them, and gives
// the text with each of their arguments on a line of its own, so that everything else can be looked at. White space becomes
// ends of lines and nothing moves: a byte stays where it is. False when there are none.
func spreadOut(rep *report, opts ParseOptions) (text []byte, found bool) {
	tokens, _ := hclsyntax.LexConfig(opts.Source, opts.Filename, hcl.InitialPos)
	text = slices.Clone(opts.Source)
	var open []int // the tokens of the brackets around
	var full []item
	for i, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			open = append(open, i)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd:
			if len(open) == 0 {
				return nil, false
			}
			from := open[len(open)-1]
			open = open[:len(open)-1]
			if t.Type != hclsyntax.TokenCBrace || tokens[from].Range.Start.Line != t.Range.Start.Line || !opensBlock(tokens, from) {
				continue
			}
			if items := itemsOf(tokens[from+1 : i]); len(items) > 1 || len(items) == 1 && items[0].block {
				ends := make([]int, 0, len(items)+1)
				for _, it := range items {
					ends = append(ends, it.token.Range.Start.Byte)
				}
				if !breakLines(text, append(ends, t.Range.Start.Byte)) {
					return nil, false
				}
				full = append(full, items[min(len(items), 2)-1])
			}
		}
	}
	for _, it := range full {
		if it.block {
			rep.error(it.token.Range, "a block on one line holds no other block", "write the inner block on a line of its own")
		} else {
			rep.error(it.token.Range, "a block on one line holds one argument", "write each argument on a line of its own")
		}
	}
	if len(full) > 0 {
		rep.spread = map[string]bool{opts.Filename: true}
	}
	return text, len(full) > 0
}

// opensBlock reports that a brace follows the name or a label of a block, and not an operator.
func opensBlock(tokens hclsyntax.Tokens, brace int) bool {
	if brace == 0 {
		return false
	}
	t := tokens[brace-1].Type
	return t == hclsyntax.TokenIdent || t == hclsyntax.TokenCQuote
}

// item is an argument or a block as the content of a block begins it.
type item struct {
	token hclsyntax.Token
	block bool
}

// itemsOf are the arguments and blocks of the content of a block.
func itemsOf(tokens hclsyntax.Tokens) []item {
	var items []item
	depth := 0
	for i, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl,
			hclsyntax.TokenOQuote:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote:
			depth--
		case hclsyntax.TokenIdent:
			if depth > 0 || i+1 == len(tokens) {
				continue
			}
			switch next := tokens[i+1].Type; {
			case next == hclsyntax.TokenEqual:
				items = append(items, item{token: t})
			case next == hclsyntax.TokenOBrace, next == hclsyntax.TokenOQuote && (i == 0 || tokens[i-1].Type != hclsyntax.TokenEqual):
				items = append(items, item{token: t, block: true})
			}
		}
	}
	return items
}

// breakLines ends a line before each of the places, where there is white space or a comma for it.
func breakLines(text []byte, places []int) bool {
	for _, at := range places {
		gap := len(bytes.TrimRight(text[:at], " \t"))
		if gap > 0 && text[gap-1] == ',' {
			gap--
		}
		if gap == at {
			if at > 0 && text[at-1] == '\n' {
				continue // ended already, as the end of a block within this one
			}
			return false
		}
		for i := gap; i < at; i++ {
			text[i] = ' '
		}
		text[gap] = '\n'
	}
	return true
}
