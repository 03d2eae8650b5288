package jobspec

import "bytes"

// plain reports a text that needs no closer look before it is parsed: written of blocks, names, numbers, texts with nothing
// but simple references in them, lists, objects, calls and heredocs, with few of them within each other. Nearly every job
// file is one. It is careful, not exact: whatever could be read in two ways is not plain, and the tokens are counted then.
// What is plain passes scanTokens.
func plain(src []byte) bool {
	var p plainScan
	return p.whole(src)
}

// plainScan is what was seen so far.
type plainScan struct {
	depth  int    // brackets of all kinds
	inner  int    // those that are not braces
	steps  int    // dots and lists in the expression
	tokens int    // about as many as the lexer makes, and more than half
	marker []byte // of the heredoc it is in
	// blocks are those of the file, joined the bytes of its texts times their parts; parts and bytes are those of the heredoc
	// it is in; values counts what stands in each bracket.
	blocks, joined, parts, bytes int
	values                       [maxNesting]int
	// cuts are places to parse a large text in pieces at, about piece bytes from each other; 0 for none.
	cuts  []cut
	piece int
}

const (
	plainNesting = maxNesting - 10 // room for texts and references
	plainWord    = 200
	plainDigits  = 15
)

func (p *plainScan) whole(src []byte) bool {
	at, last := 0, 0 // the byte a line begins at, and the last cut or beginning of a block of the top
	for n := 1; at < len(src); n++ {
		line, _, _ := bytes.Cut(src[at:], []byte("\n"))
		switch {
		case p.piece == 0 || p.marker != nil:
		case p.depth == 0 && len(p.cuts) > 0:
			p.piece = 0 // they are all in one block
		case p.depth == 0:
			last = at
		case p.depth == 1 && at-last > p.piece:
			p.cuts, last = append(p.cuts, cut{at, n}), at
		}
		if !p.line(line) {
			return false
		}
		at += len(line) + 1
	}
	return p.depth == 0 && p.marker == nil && p.blocks <= maxBlocks
}

func (p *plainScan) line(line []byte) bool {
	if p.tokens++; p.tokens > maxTokens/2 || bytes.IndexByte(line, '\r') >= 0 {
		return false
	}
	if p.marker != nil {
		return p.heredoc(line)
	}
	if p.inner == 0 {
		p.steps = 0
	}
	if p.blocks > maxBlocks {
		return false
	}
	last := byte(0) // what stands before, without white space
	for i := 0; i < len(line); {
		c := line[i]
		if c == ' ' || c == '\t' {
			i++
			continue
		}
		n := 1
		p.tokens++
		switch {
		case c == '#' || c == '/' && i+1 < len(line) && line[i+1] == '/':
			return true
		case c == '"':
			n = p.text(line[i:])
		case letter(c):
			n = p.word(line[i:])
		case digit(c) || c == '-' && i+1 < len(line) && digit(line[i+1]) && bytes.IndexByte([]byte("=,[(:"), last) >= 0:
			n = number(line[i:])
		case c == '=':
			if last == '=' || !p.value() {
				return false
			}
		case c == ',' || c == ':':
			if !p.value() {
				return false
			}
			if c == ',' {
				p.steps = 0
			}
		case c == '{' || c == '[' || c == '(':
			if !p.open(c, last) {
				return false
			}
		case c == '}' || c == ']' || c == ')':
			if p.depth--; p.depth < 0 {
				return false
			}
			if c != '}' {
				p.inner--
			}
		case c == '<':
			return p.opensHeredoc(line[i:])
		default:
			return false
		}
		if n == 0 {
			return false
		}
		i += n
		last = line[i-1]
	}
	return true
}

// open enters a bracket. Lists and parentheses must stand where no index or call of something else is meant.
func (p *plainScan) open(c, last byte) bool {
	p.depth++
	if c == '{' && (last == '"' || letter(last) || digit(last) || last == '-') {
		p.blocks++
	}
	if c != '{' {
		p.inner++
		p.steps++
		if last == 0 || bytes.IndexByte([]byte("=,[(:"), last) < 0 && (c != '(' || !letter(last) && !digit(last)) {
			return false
		}
	}
	if p.depth >= plainNesting || p.steps >= maxOperators/2 {
		return false
	}
	p.values[p.depth] = 0
	return true
}

// value counts one more in the bracket it is in.
func (p *plainScan) value() bool {
	p.values[p.depth]++
	return p.values[p.depth] < maxElements
}

// text measures a quoted text, 0 when it is not plain.
func (p *plainScan) text(s []byte) int {
	p.parts, p.bytes = 1, 0
	for i := 1; i < len(s); {
		switch s[i] {
		case '"':
			p.tokens += 2
			p.bytes = i
			if !p.joins() {
				return 0
			}
			return i + 1
		case '\\':
			if i+1 >= len(s) || bytes.IndexByte([]byte(`"\nrt`), s[i+1]) < 0 {
				return 0
			}
			i += 2
		case '$', '%':
			n := p.reference(s, i)
			if n == 0 {
				return 0
			}
			i += n
		default:
			i++
		}
	}
	return 0
}

// reference measures what begins with a dollar or percent sign: the sign by itself, or ${a.b-c}.
func (p *plainScan) reference(s []byte, i int) int {
	p.parts += 2
	if i+1 >= len(s) || s[i+1] != '{' {
		p.tokens += 2 // it may part the text
		return 1
	}
	if s[i] == '%' || i > 0 && s[i-1] == s[i] || i+2 >= len(s) || !letter(s[i+2]) {
		return 0
	}
	p.tokens += 4
	kept := p.steps
	n := p.word(s[i+2:])
	p.steps = kept // a level of its own
	if n == 0 || i+2+n >= len(s) || s[i+2+n] != '}' {
		return 0
	}
	return n + 3
}

// word measures a name or a path of names with dots, 0 when it is not plain.
func (p *plainScan) word(s []byte) int {
	i, dots := 1, 0
	for i < len(s) && (letter(s[i]) || digit(s[i]) || s[i] == '-' || s[i] == '.' && i+1 < len(s) && letter(s[i+1])) {
		if s[i] == '.' {
			dots++
		}
		i++
	}
	if i > plainWord || bytes.Equal(s[:i], []byte("for")) || i < len(s) && (s[i] == '.' || s[i] >= 0x80) {
		return 0
	}
	p.tokens += 2 * dots
	p.steps += dots
	if p.steps > maxOperators/2 {
		return 0
	}
	return i
}

// number measures a number of a few digits.
func number(s []byte) int {
	i := 1
	for i < len(s) && (digit(s[i]) || s[i] == '.' && i+1 < len(s) && digit(s[i+1])) {
		i++
	}
	if i > plainDigits || i < len(s) && (letter(s[i]) || s[i] == '.' || s[i] == '-' || s[i] >= 0x80) {
		return 0
	}
	return i
}

// opensHeredoc reads the rest of a line, <<EOF or <<-EOF.
func (p *plainScan) opensHeredoc(s []byte) bool {
	name, ok := bytes.CutPrefix(s, []byte("<<"))
	if !ok {
		return false
	}
	name = bytes.TrimPrefix(name, []byte("-"))
	if len(name) == 0 || !letter(name[0]) {
		return false
	}
	for _, c := range name {
		if !letter(c) && !digit(c) {
			return false
		}
	}
	p.marker, p.parts, p.bytes = name, 0, 0
	return true
}

// joins ends a text.
func (p *plainScan) joins() bool {
	p.joined += p.parts * p.bytes
	return p.parts < maxElements && p.joined <= maxJoined
}

// heredoc takes a line of a heredoc. One that has the marker in it without being it could end it for other readers.
func (p *plainScan) heredoc(line []byte) bool {
	if bytes.Equal(bytes.TrimSpace(line), p.marker) {
		p.marker = nil
		return p.joins()
	}
	if bytes.Contains(line, p.marker) {
		return false
	}
	p.parts, p.bytes = p.parts+1, p.bytes+len(line)+1
	for i := 0; i < len(line); {
		n := 1
		if line[i] == '$' || line[i] == '%' {
			n = p.reference(line, i)
		}
		if n == 0 {
			return false
		}
		i += n
	}
	return true
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

func digit(c byte) bool { return c >= '0' && c <= '9' }
