package jobspec

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"berth/internal/parallel"
)

// pieceBytes is about how long the pieces are that a large file is parsed in. The library grows one list of the tokens of all it
// is given, five times as much memory as the tokens need; pieces of a few hundred tokens stay near the processor.
const pieceBytes = 2 << 10

// parseNative parses a file: a large plain one in pieces, with the same result.
func parseNative(src []byte, name string) (*hclsyntax.Body, hcl.Diagnostics) {
	if len(src) > 8*pieceBytes {
		p := plainScan{piece: pieceBytes}
		if p.whole(src) && len(p.cuts) > 0 {
			if body := parsePieces(src, name, p.cuts); body != nil {
				return body, nil
			}
		}
	}
	f, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	return f.Body.(*hclsyntax.Body), diags
}

// cut is a place between two lines right within a block of the top, all of them in the same one.
type cut struct{ byte, line int }

// parsePieces parses a text that is cut within one block: its beginning with a brace added, whole items, and the end behind a
// block's beginning. Nil when a piece has a fault, or the block is none: the text is parsed as a whole then.
func parsePieces(src []byte, name string, cuts []cut) *hclsyntax.Body {
	last := cuts[len(cuts)-1]
	head := parsePiece(append(bytes.Clone(src[:cuts[0].byte]), '}'), name, hcl.InitialPos)
	const opening = "x{\n"
	tail := parsePiece(append([]byte(opening), src[last.byte:]...), name, hcl.Pos{Byte: last.byte - len(opening), Line: last.line - 1, Column: 1})
	if head == nil || tail == nil || len(head.Blocks) == 0 || len(tail.Blocks) == 0 {
		return nil
	}
	block, end := head.Blocks[len(head.Blocks)-1], tail.Blocks[0]
	if block.CloseBraceRange.Start.Byte != cuts[0].byte || end.OpenBraceRange.Start.Byte != last.byte-2 {
		return nil
	}
	for _, items := range parseBetween(src, name, cuts) {
		if items == nil || !add(block.Body, items) {
			return nil
		}
	}
	if !add(block.Body, end.Body) {
		return nil
	}
	block.Body.SrcRange.End, block.Body.EndRange, block.CloseBraceRange = end.Body.SrcRange.End, end.Body.EndRange, end.CloseBraceRange
	tail.Blocks = tail.Blocks[1:]
	if !add(head, tail) {
		return nil
	}
	head.SrcRange.End, head.EndRange = tail.SrcRange.End, tail.EndRange
	return head
}

// parseBetween parses what is between the cuts; nil for a piece with a fault.
func parseBetween(src []byte, name string, cuts []cut) []*hclsyntax.Body {
	bodies := make([]*hclsyntax.Body, len(cuts)-1)
	parallel.Each(len(bodies), func(i int) {
		c := cuts[i]
		bodies[i] = parsePiece(src[c.byte:cuts[i+1].byte], name, hcl.Pos{Byte: c.byte, Line: c.line, Column: 1})
	})
	return bodies
}

func parsePiece(src []byte, name string, start hcl.Pos) *hclsyntax.Body {
	f, diags := hclsyntax.ParseConfig(src, name, start)
	if len(diags) > 0 {
		return nil
	}
	return f.Body.(*hclsyntax.Body)
}

// add puts the items of one body behind those of another; false when a name is in both.
func add(body, more *hclsyntax.Body) bool {
	for name, a := range more.Attributes {
		if _, twice := body.Attributes[name]; twice {
			return false
		}
		body.Attributes[name] = a
	}
	body.Blocks = append(body.Blocks, more.Blocks...)
	return true
}
