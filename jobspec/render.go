package jobspec

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDiagnostics bounds the errors that are collected about one text, maxWarnings the warnings.
const (
	maxDiagnostics = 1000
	maxWarnings    = 200
)

// colours of the terminal form.
const (
	colourRed    = "\x1b[1;31m"
	colourYellow = "\x1b[1;33m"
	colourBold   = "\x1b[1m"
	colourDim    = "\x1b[2m"
	colourGreen  = "\x1b[32m"
	colourOff    = "\x1b[0m"
)

// Render writes the diagnostics for people: place and message, the source line, carets below what is meant, and what to
// write instead.
func (ds Diagnostics) Render(w io.Writer, color bool) error {
	out := bufio.NewWriter(w)
	for i, d := range ds {
		if i > 0 {
			out.WriteByte('\n')
		}
		d.render(out, color)
	}
	return out.Flush()
}

// place is "file:line:col: ", as far as known.
func (d Diagnostic) place() string {
	switch {
	case d.Line > 0:
		return fmt.Sprintf("%s:%d:%d: ", d.File, d.Line, d.Column)
	case d.File != "":
		return d.File + ": "
	}
	return ""
}

func (d Diagnostic) render(out *bufio.Writer, color bool) {
	paint := func(code, s string) string {
		if !color || s == "" {
			return s
		}
		return code + s + colourOff
	}
	severity := colourRed
	if d.Severity == SeverityWarning {
		severity = colourYellow
	}
	fmt.Fprintf(out, "%s%s %s\n", paint(colourBold, printable(d.place())), paint(severity, d.Severity.String()+":"), printable(d.Summary))
	hint := printable(d.Hint)
	if d.Line > 0 && strings.TrimSpace(d.SourceLine) != "" {
		number := strconv.Itoa(d.Line)
		gutter := strings.Repeat(" ", max(5-len(number), 0))
		line, before, marks := d.excerpt()
		fmt.Fprintf(out, "%s%s %s\n", gutter, paint(colourDim, number+" |"), line)
		fmt.Fprintf(out, "%s %s %s%s", strings.Repeat(" ", len(gutter)+len(number)), paint(colourDim, "|"),
			strings.Repeat(" ", before), paint(severity, strings.Repeat("^", marks)))
		if hint != "" {
			out.WriteString(" " + paint(colourGreen, hint))
			hint = ""
		}
		out.WriteByte('\n')
	}
	for _, extra := range []string{printable(d.Detail), hint} {
		if extra != "" {
			fmt.Fprintf(out, "      %s\n", extra)
		}
	}
}

// Bounds of the shown part of a source line, in characters.
const (
	lineWidth  = 110
	lineBefore = 60
	// excerptBytes on each side of the mistake hold more than is shown.
	excerptBytes = 4096
)

// excerpt is the part of the source line that is shown, how many cells stand before the marked part, and how wide that is.
func (d Diagnostic) excerpt() (line string, before, marks int) {
	text, column := d.SourceLine, max(d.Column-1, 0)
	if len(text) > 2*excerptBytes && (d.offset > 0 || column == 0) { // without what is far away
		cut := max(0, d.offset-excerptBytes)
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		column = utf8.RuneCountInString(text[cut:d.offset])
		text = text[cut:min(len(text), d.offset+excerptBytes)]
	}
	runes := []rune(text)
	start := min(column, len(runes))
	end := len(runes)
	if d.EndLine == d.Line {
		end = min(max(d.EndColumn-d.Column+column, start), len(runes))
	}
	from := 0
	if start > lineBefore && len(runes) > lineWidth {
		from = start - lineBefore/2
	}
	to := min(len(runes), from+lineWidth)
	end = min(end, to)
	for end > start+1 && runes[end-1] == ' ' {
		end--
	}
	if from > 0 {
		line = "…"
		before = 1
	}
	shown := printable(string(runes[from:to]))
	line += shown
	if to < len(runes) {
		line += "…"
	}
	before += cells(string(runes[from:start]))
	return line, before, max(1, cells(string(runes[start:end])))
}

// printable replaces what would disturb a terminal: a tab is two spaces, control characters and bad bytes are marked.
func printable(s string) string {
	clean := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return ' '
		case r < ' ' && r != '\t', r == 0x7f, r == utf8.RuneError, r >= 0x80 && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			return '�'
		}
		return r
	}, strings.ReplaceAll(s, "\t", "  "))
}

// cells is how many terminal cells the printable form of text takes, wide East Asian characters counted as two.
func cells(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case r == '\t':
			n += 2
		case r >= 0x300 && r <= 0x36f:
		case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
			r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
			n += 2
		default:
			n++
		}
	}
	return n
}
