package cli

import (
	"bytes"
	"fmt"
)

// lineDiff is what layout changed, in the unified form that patch reads. Layout changes lines in place; where it did add or
// remove some, everything from the first to the last difference is one piece.
func lineDiff(path string, old, changed []byte) []byte {
	a, b := bytes.SplitAfter(old, []byte("\n")), bytes.SplitAfter(changed, []byte("\n"))
	var out bytes.Buffer
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", path, path)
	if len(a) != len(b) {
		from := 0
		for from < min(len(a), len(b)) && bytes.Equal(a[from], b[from]) {
			from++
		}
		tail := 0
		for tail < min(len(a), len(b))-from && bytes.Equal(a[len(a)-1-tail], b[len(b)-1-tail]) {
			tail++
		}
		hunk(&out, from, a[from:len(a)-tail], b[from:len(b)-tail])
		return out.Bytes()
	}
	for i := 0; i < len(a); i++ {
		from := i
		for i < len(a) && !bytes.Equal(a[i], b[i]) {
			i++
		}
		if i > from {
			hunk(&out, from, a[from:i], b[from:i])
		}
	}
	return out.Bytes()
}

// hunk writes one piece of a difference; from counts the lines before it.
func hunk(out *bytes.Buffer, from int, a, b [][]byte) {
	a, b = withoutEmptyEnd(a), withoutEmptyEnd(b)
	fmt.Fprintf(out, "@@ -%s +%s @@\n", span(from, len(a)), span(from, len(b)))
	for _, side := range []struct {
		mark  byte
		lines [][]byte
	}{{'-', a}, {'+', b}} {
		for _, line := range side.lines {
			out.WriteByte(side.mark)
			out.Write(line)
			if !bytes.HasSuffix(line, []byte("\n")) {
				out.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
}

// span is a place as the head of a piece names it: one that is empty is named by the line before it.
func span(from, lines int) string {
	if lines > 0 {
		from++
	}
	return fmt.Sprintf("%d,%d", from, lines)
}

// withoutEmptyEnd leaves out what stands after the last end of a line: nothing.
func withoutEmptyEnd(lines [][]byte) [][]byte {
	if n := len(lines); n > 0 && len(lines[n-1]) == 0 {
		return lines[:n-1]
	}
	return lines
}
