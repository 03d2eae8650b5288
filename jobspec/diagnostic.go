package jobspec

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"berth/structs"
)

// Severity is the weight of a diagnostic.
type Severity uint8

// The severities.
const (
	SeverityError Severity = iota
	SeverityWarning
)

// String is the word in front of the message.
func (s Severity) String() string {
	if s == SeverityWarning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one mistake or piece of advice, with its place in the text.
type Diagnostic struct {
	Severity Severity
	// Summary is the fact on one line: lower case, no full stop.
	Summary string
	// Detail says more, or is empty.
	Detail string
	// File, Line and Column are where it stands; Line and Column count from 1, columns in characters. Line is 0 when
	// the mistake has no place.
	File      string
	Line      int
	Column    int
	EndLine   int
	EndColumn int
	// SourceLine is the text of Line.
	SourceLine string
	offset     int // the byte in it where Column is, 0 when not known
	// Hint is what to write instead, or empty.
	Hint string
}

// Error is the machine form, `file:line:col: severity: message`.
func (d Diagnostic) Error() string {
	s := d.place() + d.Severity.String() + ": " + d.Summary
	if d.Hint != "" {
		s += " (" + d.Hint + ")"
	}
	return s
}

// Diagnostics is everything found in one text, in the order of places.
type Diagnostics []Diagnostic

// HasErrors reports that the job is refused.
func (ds Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == SeverityError })
}

// Warnings are the diagnostics that only advise.
func (ds Diagnostics) Warnings() Diagnostics {
	return slices.DeleteFunc(slices.Clone(ds), func(d Diagnostic) bool { return d.Severity != SeverityWarning })
}

// Err is nil without errors, else all of them in machine form, one a line.
func (ds Diagnostics) Err() error {
	if !ds.HasErrors() {
		return nil
	}
	return diagnosticsError(slices.DeleteFunc(slices.Clone(ds), func(d Diagnostic) bool { return d.Severity != SeverityError }))
}

type diagnosticsError Diagnostics

// Error lists the errors, one a line.
func (e diagnosticsError) Error() string {
	lines := make([]string, len(e))
	for i, d := range e {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// report collects diagnostics about files whose text it knows.
type report struct {
	files map[string][]byte
	list  Diagnostics
	// errors and warnings count the list, each with its own bound: no number of warnings hides an error.
	errors, warnings int
	lines            map[string][]int // byte offset of each line, made when first needed
	// spread are the files of which the parser saw a text with other ends of lines: only bytes say where things are in them.
	spread map[string]bool
	// near is the place that was located last: a long line is not read from its begin for each mistake in it.
	near place
}

// place is a position in a line.
type place struct {
	file         string
	number, from int
	text         string
	at, column   int // a byte of the line, and the characters before it
}

func newReport() *report { return &report{files: map[string][]byte{}} }

// full reports that more would not be read by anyone.
func (r *report) full() bool { return r.errors >= maxDiagnostics }

// add records a diagnostic at a range and returns it for a hint, until the next call.
func (r *report) add(sev Severity, rng hcl.Range, summary, hint string) {
	switch {
	case sev == SeverityError && r.errors < maxDiagnostics:
		r.errors++
	case sev == SeverityWarning && r.warnings < maxWarnings:
		r.warnings++
	default:
		return
	}
	d := Diagnostic{Severity: sev, Summary: summary, Hint: hint, File: rng.Filename}
	rng.Start, rng.End = r.there(rng.Filename, rng.Start), r.there(rng.Filename, rng.End)
	d.Line, d.EndLine = rng.Start.Line, rng.End.Line
	if d.SourceLine, d.Column = r.locate(rng.Filename, rng.Start); d.SourceLine != "" && d.Column == r.near.column+1 {
		d.offset = r.near.at
	}
	_, d.EndColumn = r.locate(rng.Filename, rng.End)
	r.list = append(r.list, d)
}

func (r *report) error(rng hcl.Range, summary, hint string) { r.add(SeverityError, rng, summary, hint) }

// hcl takes over what the HCL library found.
func (r *report) hcl(diags hcl.Diagnostics) {
	told := map[string]bool{}
	open := -1 // where the last string began to have no end
	for _, d := range diags {
		if r.full() {
			return
		}
		sev := SeverityError
		if d.Severity == hcl.DiagWarning {
			sev = SeverityWarning
		}
		var rng hcl.Range
		if d.Subject != nil {
			rng = *d.Subject
		} else if d.Context != nil {
			rng = *d.Context
		}
		if d.Summary == "Invalid multi-line string" {
			open = rng.Start.Byte
		} else if d.Summary == "Unterminated template string" && rng.Start.Byte == open {
			continue // the same once more
		}
		summary, hint := plainWords(d)
		if name, ok := unknownFunction(d); ok && slices.Contains(fileFunctions, name) {
			summary, hint = name+" reads files, and the job is read where there are none of yours", "run it with the command line, or give the content as a variable"
		}
		if told[summary] && d.Summary == "Invalid multi-line string" {
			continue // one quote that is missing makes all that follow wrong
		}
		told[summary] = true
		r.add(sev, rng, summary, hint)
	}
}

// unknownFunction is the name that a call had which the library does not know.
func unknownFunction(d *hcl.Diagnostic) (string, bool) {
	if d.Summary != "Call to unknown function" {
		return "", false
	}
	_, rest, _ := strings.Cut(d.Detail, `"`)
	name, _, ok := strings.Cut(rest, `"`)
	return name, ok
}

// plainWords puts a diagnostic of the library into the style of ours: the detail is the fact, the summary often only its
// title.
func plainWords(d *hcl.Diagnostic) (summary, hint string) {
	if d.Summary == "Invalid multi-line string" {
		return "the string does not end on its line", `close it with ", write \n for a line break, or use a heredoc (<<EOF)`
	}
	if d.Summary == "Unterminated template string" {
		return "the text has no end", "close it: a quote for a string, its word on a line of its own for a heredoc"
	}
	if _, rest, ok := strings.Cut(d.Detail, `"`); ok && d.Summary == "Attribute redefined" {
		name, _, _ := strings.Cut(rest, `"`)
		return fmt.Sprintf("%s is set a second time in its block", name), "keep one of them"
	}
	if d.Summary == "Invalid argument name" && strings.Contains(d.Detail, "quoted") {
		return "the name of an attribute has no quotes", `for a name with dots or blanks write a map: meta = { "a.b" = "c" }`
	}
	if before, rest, quoted := strings.Cut(d.Detail, `"`); quoted && before == "The keyword " && strings.HasSuffix(rest, "specification.") {
		word, _, _ := strings.Cut(rest, `"`)
		hint = "write string, number, bool, list(...), map(...), set(...), object({...}), tuple([...]) or any"
		if near := structs.Nearest(word, []string{"string", "number", "bool", "any", "list", "map", "set", "object", "tuple"}); near != "" {
			hint = "did you mean " + near + "?"
		}
		return fmt.Sprintf("%q is no type", word), hint
	}
	text := strings.TrimSpace(strings.ReplaceAll(d.Detail, "\n", " "))
	if text == "" {
		text = d.Summary
	} else if !strings.Contains(text, " ") || len(text) < 12 {
		text = d.Summary + ": " + text
	}
	if fact, question, ok := strings.Cut(text, " Did you mean "); ok {
		text, hint = fact, "did you mean "+strings.TrimSpace(question)
	}
	text = strings.TrimSuffix(text, ".")
	if first, size := utf8.DecodeRuneInString(text); size > 0 && len(text) > 1 && !unicode.IsUpper(rune(text[1])) {
		text = string(unicode.ToLower(first)) + text[size:]
	}
	return text, hint
}

// there is a position as the file has it.
func (r *report) there(file string, pos hcl.Pos) hcl.Pos {
	if !r.spread[file] || pos.Line < 1 {
		return pos
	}
	pos.Line = sort.SearchInts(r.lineStarts(file, r.files[file]), pos.Byte+1)
	return pos
}

// line is the line a range begins on.
func (r *report) line(rng hcl.Range) int { return r.there(rng.Filename, rng.Start).Line }

// locate finds the line of a position and the column in characters (the library counts grapheme clusters).
func (r *report) locate(file string, pos hcl.Pos) (line string, column int) {
	src, ok := r.files[file]
	if !ok || pos.Line < 1 {
		return "", pos.Column
	}
	n := &r.near
	if n.file != file || n.number != pos.Line {
		starts := r.lineStarts(file, src)
		if pos.Line > len(starts) {
			return "", pos.Column
		}
		from := starts[pos.Line-1]
		to := len(src)
		if i := bytes.IndexByte(src[from:], '\n'); i >= 0 {
			to = from + i
		}
		*n = place{file: file, number: pos.Line, from: from, text: strings.TrimSuffix(string(src[from:to]), "\r")}
	}
	at := pos.Byte - n.from
	if at < 0 || at > len(n.text) {
		return n.text, pos.Column
	}
	switch {
	case at >= n.at:
		n.column += utf8.RuneCountInString(n.text[n.at:at])
	case at < n.at/2:
		n.column = utf8.RuneCountInString(n.text[:at])
	default:
		n.column -= utf8.RuneCountInString(n.text[at:n.at])
	}
	n.at = at
	return n.text, n.column + 1
}

// lineWithin is one line of a text that was written over several, as in a heredoc, whose text begins on its second line.
func (r *report) lineWithin(rng hcl.Range, line int) hcl.Range {
	rng.Start, rng.End = r.there(rng.Filename, rng.Start), r.there(rng.Filename, rng.End)
	at := rng.Start.Line + line
	src, ok := r.files[rng.Filename]
	if !ok || line <= 0 || at >= rng.End.Line+1 || rng.Start.Line == rng.End.Line {
		return rng
	}
	starts := r.lineStarts(rng.Filename, src)
	if at > len(starts) {
		return rng
	}
	from := starts[at-1]
	text, _, _ := bytes.Cut(src[from:], []byte("\n"))
	indent := len(text) - len(bytes.TrimLeft(text, " \t"))
	text = bytes.TrimRight(text, " \t\r")
	rng.Start = hcl.Pos{Line: at, Column: indent + 1, Byte: from + indent}
	rng.End = hcl.Pos{Line: at, Column: len(text) + 1, Byte: from + max(len(text), indent)}
	return rng
}

func (r *report) lineStarts(file string, src []byte) []int {
	if starts, ok := r.lines[file]; ok {
		return starts
	}
	starts := []int{0}
	for i, b := range src {
		if b == '\n' {
			starts = append(starts, i+1)
		}
	}
	if r.lines == nil {
		r.lines = map[string][]int{}
	}
	r.lines[file] = starts
	return starts
}

// sorted is the list in the order of places, without repetitions.
func (r *report) sorted() Diagnostics {
	slices.SortStableFunc(r.list, func(a, b Diagnostic) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	seen := make(map[Diagnostic]bool, len(r.list))
	r.list = slices.DeleteFunc(r.list, func(d Diagnostic) bool {
		d.SourceLine = "" // the same for the same line
		again := seen[d]
		seen[d] = true
		return again
	})
	return r.list
}

// FromHCL puts what the HCL library found about files into diagnostics of this package; files are their texts by name.
func FromHCL(diags hcl.Diagnostics, files map[string][]byte) Diagnostics {
	rep := newReport()
	rep.files = files
	rep.hcl(diags)
	return rep.sorted()
}

// Scan checks the text of a file in the native syntax before it is given to the HCL library: its size, its encoding and how
// deep it nests. No diagnostics mean that it may be parsed.
func Scan(name string, src []byte) Diagnostics {
	rep := newReport()
	rep.files[name] = src
	scan(rep, name, src, strings.HasSuffix(name, ".json"))
	return rep.sorted()
}
