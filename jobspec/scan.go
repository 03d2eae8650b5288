package jobspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Bounds of a text, checked before the HCL parser sees it: that one recurses without a limit.
const (
	// MaxSourceBytes bounds a job file.
	MaxSourceBytes = 1536 << 10
	// maxNesting bounds brackets, blocks and templates within each other.
	maxNesting = 100
	// maxPrefixes bounds prefix operators in a row, and conditionals in one expression.
	maxPrefixes = 64
	// maxOperators bounds operators, indexes and steps in one expression, and directives in one template.
	maxOperators = 1000
	// maxTokens bounds words, signs and lines of a file, maxCommas the same for JSON.
	maxTokens = 450_000
	// maxSigns bounds the bytes that are no letter, digit, space or part of a longer character: each may be a token, and the
	// library makes all tokens of a text before they can be counted.
	maxSigns  = 2 * maxTokens
	maxCommas = 150_000
	// maxBlocks bounds the blocks of a file, maxObjects the same for JSON, where lists and maps of the API count too.
	maxBlocks  = 10_000
	maxObjects = 30_000
	// maxElements bounds the elements of one list, map or block, and the references in one text.
	maxElements = 10_000
	// maxJoined bounds the bytes of the texts of a file, each times the parts that it is read in: the parser copies what it
	// has at every part, which is a line of a heredoc, or begins with a dollar or percent sign.
	maxJoined = 2 << 30
	// maxFor bounds for expressions within each other: each multiplies the work.
	maxFor = 2
)

// scan checks a text before it is parsed. False when it must not be.
func scan(rep *report, name string, src []byte, json bool) bool {
	start := hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
	if len(src) > MaxSourceBytes {
		rep.error(hcl.Range{Filename: name}, fmt.Sprintf("the file has %d bytes; at most %d are read", len(src), MaxSourceBytes),
			"split it into several jobs, or fetch large content with an artifact")
		return false
	}
	if !utf8.Valid(src) {
		bad, pos := 0, hcl.InitialPos
		for i := 0; i < len(src); {
			r, size := utf8.DecodeRune(src[i:])
			if r == utf8.RuneError && size == 1 {
				bad = i
				break
			}
			pos.Column++
			if r == '\n' {
				pos.Line, pos.Column = pos.Line+1, 1
			}
			i += size
		}
		pos.Byte = bad
		rep.error(hcl.Range{Filename: name, Start: pos, End: pos}, fmt.Sprintf("byte %d is not UTF-8 text", bad), "save the file as UTF-8")
		return false
	}
	if json {
		return scanJSON(rep, name, src)
	}
	if plain(src) {
		return true
	}
	if signs(src) > maxSigns {
		rep.error(hcl.Range{Filename: name}, fmt.Sprintf("the file has more than %d signs", maxSigns), "split it into several jobs, or fetch large content with an artifact")
		return false
	}
	tokens, _ := hclsyntax.LexConfig(src, name, start.Start)
	return scanTokens(rep, tokens, &scanned{})
}

// signs counts the bytes that may be a token each.
func signs(src []byte) int {
	n := 0
	for _, c := range src {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == ' ', c == '\t', c == '_', c >= utf8.RuneSelf:
		default:
			n++
		}
	}
	return n
}

// level is what the scan knows about one pair of brackets it is in.
type level struct {
	lines     bool // a new line ends an expression: a body or an object
	operators int  // in the expression it is in
	questions int
	isFor     bool
	commas    int
	names     int // what has a value, and references in a text
	parts     int // of a text
	bytes     int // of them
}

// scanned is what was counted in all of a file.
type scanned struct{ tokens, blocks, joined int }

// joins adds the work of a text that ended.
func (s *scanned) joins(l *level) { s.joined += min(l.parts*l.bytes, maxJoined+1) }

// scanTokens bounds the recursion the parser will need, and the work.
func scanTokens(rep *report, tokens hclsyntax.Tokens, all *scanned) bool {
	if all.tokens += len(tokens); all.tokens > maxTokens {
		rep.error(tokens[min(maxTokens, len(tokens)-1)].Range, fmt.Sprintf("the file has more than %d words and signs", maxTokens), "split it into several jobs")
		return false
	}
	levels := make([]level, 1, 16)
	levels[0].lines = true
	prefixes, fors := 0, 0
	for i, t := range tokens {
		in := &levels[len(levels)-1]
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl,
			hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			if t.Type == hclsyntax.TokenOBrack || t.Type == hclsyntax.TokenTemplateControl {
				in.operators++ // an index; a directive holds what comes after it
			}
			if t.Type == hclsyntax.TokenTemplateInterp || t.Type == hclsyntax.TokenTemplateControl {
				in.names++
			}
			if t.Type == hclsyntax.TokenOBrace && i > 0 && (tokens[i-1].Type == hclsyntax.TokenIdent || tokens[i-1].Type == hclsyntax.TokenCQuote) {
				all.blocks++
			}
			levels = append(levels, level{lines: t.Type == hclsyntax.TokenOBrace})
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			if in.isFor {
				fors--
			}
			all.joins(in)
			if len(levels) > 1 {
				levels = levels[:len(levels)-1]
			}
		case hclsyntax.TokenQuestion:
			in.questions++
		case hclsyntax.TokenNewline:
			if in.lines {
				in.operators, in.questions = 0, 0
			}
		case hclsyntax.TokenComma:
			in.operators, in.questions = 0, 0
			in.commas++
		case hclsyntax.TokenEqual, hclsyntax.TokenColon:
			in.names++
		case hclsyntax.TokenStringLit, hclsyntax.TokenQuotedLit:
			in.parts++
			in.bytes += len(t.Bytes)
		case hclsyntax.TokenIdent:
			if string(t.Bytes) == "for" && i > 0 && (tokens[i-1].Type == hclsyntax.TokenOBrack || tokens[i-1].Type == hclsyntax.TokenOBrace) {
				in.isFor = true
				fors++
			}
		case hclsyntax.TokenPlus, hclsyntax.TokenMinus, hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent, hclsyntax.TokenAnd,
			hclsyntax.TokenOr, hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
			hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenDot:
			in.operators++
		}
		if t.Type == hclsyntax.TokenBang || t.Type == hclsyntax.TokenMinus {
			prefixes++
		} else {
			prefixes = 0
		}
		switch {
		case t.Type == hclsyntax.TokenNumberLit && hugeLiteral(t.Bytes):
			rep.error(t.Range, "a number of more than a thousand digits", "")
		case len(levels) > maxNesting:
			rep.error(t.Range, fmt.Sprintf("nested more than %d levels deep", maxNesting), "use locals to build it in steps")
		case prefixes > maxPrefixes || in.questions > maxPrefixes:
			rep.error(t.Range, fmt.Sprintf("more than %d operators within each other", maxPrefixes), "use locals to build it in steps")
		case in.operators > maxOperators:
			rep.error(t.Range, fmt.Sprintf("more than %d operators in one expression", maxOperators), "use locals to build it in steps")
		case fors > maxFor:
			rep.error(t.Range, fmt.Sprintf("more than %d for expressions within each other", maxFor), "use locals to build it in steps")
		case in.commas > maxElements || in.names > maxElements:
			rep.error(t.Range, fmt.Sprintf("more than %d elements in one list, block or text", maxElements), "split it into several jobs, or fetch large content with an artifact")
		case all.blocks > maxBlocks:
			rep.error(t.Range, fmt.Sprintf("the file has more than %d blocks", maxBlocks), "split it into several jobs")
		case all.joined > maxJoined:
			rep.error(t.Range, "the texts of the file have too many lines", "fetch large content with an artifact")
		default:
			continue
		}
		return false
	}
	for i := range levels {
		all.joins(&levels[i]) // of a template without quotes, or what has no end
	}
	if all.joined > maxJoined {
		rep.error(tokens[len(tokens)-1].Range, "the texts of the file have too many lines", "fetch large content with an artifact")
		return false
	}
	return true
}

// hugeLiteral reports a number that is long, or has a large exponent.
func hugeLiteral(number []byte) bool {
	if len(number) > 1000 {
		return true
	}
	i := bytes.IndexAny(number, "eE")
	return i >= 0 && len(bytes.TrimLeft(number[i+1:], "+-0")) > 3
}

// scanJSON bounds the nesting of JSON text, and that of the templates in its strings.
func scanJSON(rep *report, name string, src []byte) bool {
	depth, commas, objects := 0, 0, 0
	var elements [maxNesting + 1]int // of each level
	all := &scanned{}
	pos := hcl.InitialPos
	for i := 0; i < len(src); i++ {
		switch c := src[i]; c {
		case '"':
			end := stringEnd(src, i)
			pos.Byte = i
			if !scanText(rep, name, src[i:end], pos, all) {
				return false
			}
			pos.Column += end - i
			i = end - 1
			continue
		case '\n':
			pos.Line, pos.Column = pos.Line+1, 0
		case ',':
			if commas++; commas > maxCommas {
				pos.Byte = i
				rep.error(hcl.Range{Filename: name, Start: pos, End: pos}, fmt.Sprintf("the file has more than %d values", maxCommas), "split it into several jobs")
				return false
			}
			if elements[max(depth, 0)]++; elements[max(depth, 0)] >= maxElements {
				pos.Byte = i
				rep.error(hcl.Range{Filename: name, Start: pos, End: pos}, fmt.Sprintf("more than %d elements in one list or object", maxElements), "split it into several jobs, or fetch large content with an artifact")
				return false
			}
		case '{', '[':
			if depth++; depth > maxNesting {
				pos.Byte = i
				rep.error(hcl.Range{Filename: name, Start: pos, End: pos}, fmt.Sprintf("nested more than %d levels deep", maxNesting), "")
				return false
			}
			elements[max(depth, 0)] = 0
			if c == '{' {
				objects++
			}
			if objects > maxObjects {
				pos.Byte = i
				rep.error(hcl.Range{Filename: name, Start: pos, End: pos}, fmt.Sprintf("the file has more than %d objects", maxObjects), "split it into several jobs")
				return false
			}
		case '}', ']':
			depth--
		case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			end := i + 1
			for end < len(src) && bytes.IndexByte([]byte("0123456789.eE+-"), src[end]) >= 0 {
				end++
			}
			if hugeLiteral(src[i:end]) {
				pos.Byte = i
				rep.error(hcl.Range{Filename: name, Start: pos, End: pos}, "a number of more than a thousand digits", "")
				return false
			}
			pos.Column += end - i - 1
			i = end - 1
		}
		pos.Column++
	}
	return true
}

// stringEnd is the offset after a JSON string that begins at i.
func stringEnd(src []byte, i int) int {
	for i++; i < len(src) && src[i] != '\n'; i++ {
		switch src[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return min(i, len(src))
}

// scanText checks a JSON string, which the library reads as a template: at most as deep as other expressions.
func scanText(rep *report, name string, quoted []byte, pos hcl.Pos, all *scanned) bool {
	var text string
	if len(quoted) < maxPrefixes { // too short for anything but to be one of many
		if all.tokens += 4 * bytes.Count(quoted, []byte("{")); all.tokens <= maxTokens {
			return true
		}
		rep.error(hcl.Range{Filename: name, Start: pos, End: pos}, fmt.Sprintf("the file has more than %d words and signs", maxTokens), "split it into several jobs")
		return false
	}
	if json.Unmarshal(quoted, &text) != nil {
		return true // the parser says so
	}
	inner := newReport()
	tokens, _ := hclsyntax.LexTemplate([]byte(text), name, pos)
	if scanTokens(inner, tokens, all) {
		tokens, _ = hclsyntax.LexExpression([]byte(text), name, pos) // types of variables are written as expressions
		if scanTokens(inner, tokens, &scanned{}) {
			return true
		}
	}
	end := pos
	end.Byte, end.Column = pos.Byte+len(quoted), pos.Column+len(quoted)
	rep.error(hcl.Range{Filename: name, Start: pos, End: end}, inner.list[0].Summary, inner.list[0].Hint)
	return false
}
